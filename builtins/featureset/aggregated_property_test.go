package featureset

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/hosttest"
)

// event is a row of the sets below. n orders rows of one timestamp.
type event struct {
	id, hour, n int
	v, p        string
	c           string // the condition: true, false or null
}

const drawnColumns = "id bigint, ts timestamp, n bigint, v double, p string, c boolean"

func (e event) String() string {
	return fmt.Sprintf("%d | 2020-01-%02dT%02d:00Z | %d | %s | %s | %s", e.id, 1+e.hour/24, e.hour%24, e.n, e.v, e.p, e.c)
}

func lines(events []event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.String()
	}
	return out
}

// drawEvents draws rows with ties, nulls, repeated values and numbers whose naive
// sums go wrong.
func drawEvents(t *rapid.T) []event {
	var out []event
	for n := range rapid.IntRange(0, 30).Draw(t, "rows") {
		out = append(out, event{
			id: rapid.IntRange(1, 3).Draw(t, "id"), hour: rapid.IntRange(0, 80).Draw(t, "hour"), n: n,
			v: rapid.SampledFrom([]string{"null", "1", "1", "2", "0", "-0", "NaN", "1e16", "-1e16", "inf"}).Draw(t, "v"),
			p: rapid.SampledFrom([]string{"a", "b", "b", "c", "null"}).Draw(t, "p"),
			c: rapid.SampledFrom([]string{"true", "true", "false", "null"}).Draw(t, "c"),
		})
	}
	return out
}

// everyFunction is every function that takes doubles.
func everyFunction() []config.Function {
	var out []config.Function
	for _, f := range window.Functions() {
		fn := config.Function{Name: f.String()}
		switch f {
		case window.Percentile:
			fn.P = 0.9
		case window.TopK, window.BottomK, window.FirstK, window.LastK:
			fn.K = 2
		}
		out = append(out, fn)
	}
	return out
}

// byCell splits a feature table into its cells: "id | timestamp" to values.
func byCell(text string) map[string][]string {
	out := map[string][]string{}
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if parts := strings.Split(l, " | "); len(parts) > 2 {
			for i := range parts {
				parts[i] = strings.TrimSpace(parts[i])
			}
			out[parts[0]+" | "+parts[1]] = parts[2:]
		}
	}
	return out
}

func conditionOfC() *fakeSQL {
	return &fakeSQL{known: map[string]fakeExpr{"c": {[]string{"c"}, "boolean", func(r map[string]string) string { return r["c"] }}}}
}

// A pivoted column is the column of the set over the rows of that value; a
// condition leaves rows out just so. Where those rows make no cell, the values
// are those of no rows.
// Rules: S-914, S-916, S-931, S-1601, S-1602.
func TestSet_PivotAndWhere_EqualTheSetOfThoseRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows := drawEvents(rt)
		functions := everyFunction()
		cfg := plainSet(rapid.SampledFrom([]string{"featurehost", "butterfree"}).Draw(rt, "semantics"), config.Feature{Name: "v", Aggregate: functions})
		cfg.DeduplicateRows = false
		cfg.OrderSequence = "n"
		compat := cfg.Semantics == "butterfree"
		if rapid.Bool().Draw(rt, "windows") {
			cfg.Windows = rolling(span(1, "day"), span(1, "day"), span(36, "hours"))
		}
		interval := days(t, "", "2020-01-06")
		size := rapid.IntRange(0, 5).Draw(rt, "batch")
		alone := cfg // one value, over the rows that count
		if rapid.Bool().Draw(rt, "pivot") {
			cfg.Pivot = &config.Pivot{Column: "p", Values: []any{"b", "a", "zz"}}
		}
		where := !compat && (cfg.Pivot == nil || rapid.Bool().Draw(rt, "where"))
		if where {
			cfg.Features = []config.Feature{{Name: "v", Aggregate: functions, Where: "c"}}
		}
		shuffled := rapid.Permutation(lines(rows)).Draw(rt, "order")
		b := bench{cfg: cfg, interval: interval, sql: conditionOfC(), batch: size}
		got := byCell(b.run(t, hosttest.Record(t, drawnColumns, shuffled...)))

		values := []any{nil}
		if cfg.Pivot != nil {
			values = cfg.Pivot.Values
		}
		for i, value := range values {
			var kept []event
			for _, e := range rows {
				if (value == nil || e.p == value) && (!where || e.c == "true") {
					kept = append(kept, e)
				}
			}
			one := bench{cfg: alone, interval: interval}
			want := byCell(one.run(t, hosttest.Record(t, drawnColumns, lines(kept)...)))
			empty := emptyValues(t, alone, compat)
			n := len(empty)
			for cell, all := range got {
				expected, ok := want[cell]
				if !ok {
					expected = empty
				}
				if !slices.Equal(all[i*n:(i+1)*n], expected) {
					rt.Fatalf("value %v, cell %s: got %v, want %v", value, cell, all[i*n:(i+1)*n], expected)
				}
			}
			for cell := range want {
				if got[cell] == nil {
					rt.Fatalf("value %v: no cell %s", value, cell)
				}
			}
		}
	})
}

// emptyValues gives the columns of a set over no rows.
func emptyValues(t *testing.T, cfg config.FeatureSet, compat bool) []string {
	var out []string
	for _, fn := range cfg.Features[0].Aggregate {
		v := "null"
		f, _ := window.FunctionByName(fn.Name)
		switch f {
		case window.Count, window.CountDistinct, window.ApproxCountDistinct:
			v = "0"
		case window.CollectList, window.CollectSet, window.MostFrequentSet, window.TopK, window.BottomK, window.FirstK, window.LastK:
			v = "[]"
		}
		if compat {
			v = "null"
		}
		for range max(1, len(rollingOf(cfg))) {
			out = append(out, v)
		}
	}
	return out
}

func rollingOf(cfg config.FeatureSet) []config.TimeSpan {
	if cfg.Windows == nil {
		return nil
	}
	return cfg.Windows.Rolling
}

// Distinct equals choosing the rows by hand, window by window, and then
// aggregating what was chosen.
// Rules: S-305, S-917.
func TestSet_Distinct_EqualsChoosingByHand(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows := drawEvents(rt)
		cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("count", "sum", "first", "last", "collect_list", "median")})
		cfg.DeduplicateRows = false
		cfg.OrderSequence = "n"
		cfg.Distinct = &config.Distinct{
			Subset: rapid.SampledFrom([][]string{{"p"}, {"v"}, {"p", "c"}}).Draw(rt, "subset"),
			Keep:   rapid.SampledFrom([]string{"last", "first"}).Draw(rt, "keep"),
		}
		hours := int64(0)
		if rapid.Bool().Draw(rt, "windows") {
			hours = 36
			cfg.Windows = rolling(span(1, "day"), span(hours, "hours"))
		}
		b := bench{cfg: cfg, interval: days(t, "", "2020-01-06"), batch: rapid.IntRange(0, 5).Draw(rt, "batch")}
		got := byCell(b.run(t, hosttest.Record(t, drawnColumns, rapid.Permutation(lines(rows)).Draw(rt, "order")...)))

		slices.SortStableFunc(rows, func(a, b event) int { return (a.hour*100 + a.n) - (b.hour*100 + b.n) })
		tuple := func(e event) string {
			if e.v == "-0" {
				e.v = "0"
			}
			return strings.NewReplacer("p", e.p, "v", e.v, "c", e.c).Replace(strings.Join(cfg.Distinct.Subset, "/"))
		}
		for _, cell := range slices.Sorted(maps.Keys(got)) {
			var chosen []event
			index := map[string]int{}
			for _, e := range rows {
				if !inCell(e, cell, int(hours)) {
					continue
				}
				k, seen := index[tuple(e)]
				switch {
				case !seen:
					index[tuple(e)] = len(chosen)
					chosen = append(chosen, e)
				case cfg.Distinct.Keep == "last":
					chosen[k] = e
				}
			}
			slices.SortStableFunc(chosen, func(a, b event) int { return (a.hour*100 + a.n) - (b.hour*100 + b.n) })
			want := emptyValues(t, cfg, false)
			if len(chosen) > 0 {
				for i := range chosen {
					chosen[i].id, chosen[i].hour, chosen[i].n = 1, 0, i
				}
				plain := cfg
				plain.Distinct, plain.Windows = nil, nil
				one := bench{cfg: plain}
				want = byCell(one.run(t, hosttest.Record(t, drawnColumns, lines(chosen)...)))["1 | 2020-01-01"]
			}
			if !slices.Equal(got[cell], want) {
				rt.Fatalf("cell %s of %v: got %v, want %v", cell, chosen, got[cell], want)
			}
		}
	})
}

// inCell tells whether an event counts in a cell: in the window of so many
// hours that ends there, or, without windows, at that very time.
func inCell(e event, cell string, hours int) bool {
	id, label, _ := strings.Cut(cell, " | ")
	if fmt.Sprint(e.id) != id {
		return false
	}
	var day, hour int
	_, clock, _ := strings.Cut(label, "T")
	fmt.Sscanf(label, "2020-01-%d", &day)
	fmt.Sscanf(clock, "%d", &hour)
	at := (day-1)*24 + hour
	if hours == 0 {
		return e.hour == at
	}
	return e.hour >= at-hours && e.hour < at
}
