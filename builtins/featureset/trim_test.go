package featureset

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// seen is a History of keys by number; nil cannot tell.
type seen struct {
	keys  map[int64]bool
	asked []int64
}

func (s *seen) Had(r flow.Record, row int) (bool, error) {
	id := r.Column(0).(*array.Int64).Value(row)
	s.asked = append(s.asked, id)
	if s.keys == nil {
		return false, fmt.Errorf("of key %d: %w", id, flow.ErrNeedsHistory)
	}
	return s.keys[id], nil
}

// Keys whose first row lies in the interval and says nothing are asked about,
// and no others.
// Rules: S-1103, S-1105.
func TestTrim_FirstRowOfNoEvent_HistoryTells(t *testing.T) {
	cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions("sum")})
	cfg.Windows = rolling(span(1, "day"), span(2, "days"))
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double",
		"1 | 2020-01-04T10:00Z | null",                                 // says nothing in the interval
		"2 | 2020-01-04T10:00Z | 1",                                    // something
		"3 | 2020-01-02T10:00Z | null", "3 | 2020-01-05T10:00Z | null", // before it too
		"4 | 2020-01-04T10:00Z | null", "4 | 2020-01-05T10:00Z | 7", // nothing first
		"5 | 2020-01-08T10:00Z | null") // behind it
	interval := days(t, "2020-01-05", "2020-01-07")
	const both = "2 | 2020-01-05 | 1\n 2 | 2020-01-07 | null\n"
	for _, size := range sizes {
		for _, c := range []struct {
			keys map[int64]bool
			want string
		}{
			{map[int64]bool{}, "1 | 2020-01-05 | null\n" + both + "4 | 2020-01-05 | null\n 4 | 2020-01-06 | 7"},
			{map[int64]bool{1: true}, both + "4 | 2020-01-05 | null\n 4 | 2020-01-06 | 7"},
			{map[int64]bool{1: true, 4: true}, both + "4 | 2020-01-06 | 7"},
		} {
			h := &seen{keys: c.keys}
			b := bench{cfg: cfg, interval: interval, batch: size, history: h}
			table(t, b.run(t, rows), c.want)
			if !slices.Equal(h.asked, []int64{1, 4}) {
				t.Errorf("batches of %d: asked about %v", size, h.asked)
			}
		}
		b := bench{cfg: cfg, interval: interval, batch: size, history: &seen{}}
		if _, err := b.try(t, rows, false); !errors.Is(err, flow.ErrNeedsHistory) {
			t.Errorf("batches of %d: %v", size, err)
		}
	}
	// Without a history all rows were read, and nobody is asked; nor when
	// duplicates stay or the cut comes first.
	b := bench{cfg: cfg, interval: interval}
	table(t, b.run(t, rows), "1 | 2020-01-05 | null\n"+both+"4 | 2020-01-05 | null\n 4 | 2020-01-06 | 7")
	for name, edit := range map[string]func(*config.FeatureSet){
		"duplicates stay": func(c *config.FeatureSet) { c.DeduplicateRows = false },
		"compat":          func(c *config.FeatureSet) { c.Semantics = "butterfree" },
	} {
		c := cfg
		edit(&c)
		b := bench{cfg: c, interval: interval, history: &seen{}}
		if _, err := b.try(t, rows, false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where the row before may be any row, only all rows can tell.
// Rule: S-1105.
func TestTrim_RowBeforeMayBeAny_NeedsHistory(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double", "1 | 2020-01-05T10:00Z | 1")
	plain := plainSet("", config.Feature{Name: "v"})
	groups := plainSet("", config.Feature{Name: "v", Aggregate: functions("sum")})
	data := groups
	data.Windows = rolling(span(1, "day"), span(2, "days"))
	data.Windows.Rows = "with_data"
	for name, cfg := range map[string]config.FeatureSet{"plain": plain, "groups": groups, "rows with data": data} {
		b := bench{cfg: cfg, interval: days(t, "2020-01-05", "2020-01-07"), history: &seen{keys: map[int64]bool{}}}
		if _, err := b.try(t, rows, false); !errors.Is(err, flow.ErrNeedsHistory) {
			t.Errorf("%s: %v", name, err)
		}
		b.interval = days(t, "2020-01-01", "2020-01-04") // no row in it
		if _, err := b.try(t, rows, false); err != nil {
			t.Errorf("%s, no rows: %v", name, err)
		}
	}
}

// The emptied row is what windows give when their last event has left, for
// every function and type.
// Rules: S-911, S-914.
func TestEmptied_AnyFunction_TheLastRowOfAKey(t *testing.T) {
	rows := hosttest.Record(t, "id bigint, ts timestamp, v double, s string, n bigint", "1 | 2020-01-05T10:00Z | 1.5 | b | 7")
	made := 0
	for _, f := range window.Functions() {
		for _, from := range []string{"v", "s", "n"} {
			fn := config.Function{Name: f.String()}
			switch f {
			case window.Percentile:
				fn.P = 0.5
			case window.TopK, window.BottomK, window.FirstK, window.LastK:
				fn.K = 2
			}
			cfg := plainSet("", config.Feature{Name: "x", From: from, Aggregate: []config.Function{fn}})
			cfg.DeduplicateRows = true
			cfg.Windows = rolling(span(1, "day"), span(2, "days"), span(5, "days"))
			b := bench{cfg: cfg, interval: days(t, "", "2020-02-01")}
			text, err := b.try(t, rows, false)
			if err != nil {
				continue // a function that the type does not have
			}
			made++
			lines := strings.Split(strings.TrimSpace(text), "\n")
			_, want, _ := strings.Cut(lines[len(lines)-1], " | ")
			_, want, _ = strings.Cut(want, " | ")
			if got := emptiedText(t, cfg, rows.Schema()); got != want {
				t.Errorf("%s of %s: the emptied row is %q, windows end with %q", f, from, got, want)
			}
		}
	}
	if made < 20 {
		t.Errorf("only %d functions were tried", made)
	}
}

// emptiedText gives the features of the emptied row.
func emptiedText(t *testing.T, cfg config.FeatureSet, in *flow.Schema) string {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	set, err := New(cfg, days(t, "2020-01-05", "2020-01-06"), env)
	if err != nil {
		t.Fatal(err)
	}
	sel := set.Steps()[0]
	defer sel.Close()
	fold := set.Fold().(*BoundedFold)
	defer fold.Close()
	chosen, err := sel.Open(context.Background(), in)
	if err == nil {
		_, err = fold.Open(context.Background(), chosen)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := fold.emptied()
	if err != nil || r == nil {
		t.Fatal(r, err)
	}
	again, _ := fold.emptied()
	if again != r {
		t.Error("it is made twice")
	}
	_, text, _ := strings.Cut(strings.TrimSpace(hosttest.Text(r)), " | ")
	_, text, _ = strings.Cut(text, " | ")
	return text
}

// A run over part of the rows, with a history of the keys before, makes the
// rows of the run over all of them: any events, any cut of the time.
// Rules: S-1104, S-1105, S-1603.
func TestTrim_PartOfTheRows_SameAsAll(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 7))
	asked := 0
	for range 150 {
		fn := []string{"sum", "count", "max", "last", "collect_list"}[r.IntN(5)]
		cfg := plainSet("", config.Feature{Name: "v", Aggregate: functions(fn)})
		wide := 1 + r.IntN(3)
		cfg.Windows = rolling(span(1, "day"), span(int64(wide), "days"))
		start := 10 + r.IntN(5)
		interval := days(t, fmt.Sprintf("2020-01-%02d", start), fmt.Sprintf("2020-01-%02d", start+r.IntN(6)))
		var all, part []string
		had := map[int64]bool{}
		for range 1 + r.IntN(30) {
			id, d := int64(r.IntN(6)), 1+r.IntN(24)
			v := []string{"null", "null", "1", "0"}[r.IntN(4)]
			line := fmt.Sprintf("%d | 2020-01-%02dT%02d:00Z | %s", id, d, r.IntN(24), v)
			all = append(all, line)
			if d >= start-wide-1 {
				part = append(part, line)
			} else {
				had[id] = true
			}
		}
		const columns = "id bigint, ts timestamp, v double"
		size := []int{0, 1, 3}[r.IntN(3)]
		whole := bench{cfg: cfg, interval: interval, batch: size}
		want := whole.run(t, hosttest.Record(t, columns, all...))
		h := &seen{keys: had}
		b := bench{cfg: cfg, interval: interval, batch: size, history: h}
		if got := b.run(t, hosttest.Record(t, columns, part...)); got != want {
			t.Fatalf("%s over %d days, interval %s\nall rows\n%s\nfrom the %d on\n%s\nevents\n%s", fn, wide, interval, want, start-wide-1, got, strings.Join(all, "\n"))
		}
		asked += len(h.asked)
	}
	if asked < 20 {
		t.Errorf("only %d keys were asked about", asked)
	}
}
