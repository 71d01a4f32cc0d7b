package window_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
)

// eventsOf reads rows of the test table back.
func eventsOf(r flow.Record) []event {
	var out []event
	for i := range int(r.NumRows()) {
		e := event{t: noTime, v: map[string]any{}}
		if k := r.Column(0).(*array.Int64); k.IsValid(i) {
			v := k.Value(i)
			e.k = &v
		}
		if ts := r.Column(1).(*array.Timestamp); ts.IsValid(i) {
			e.t = int64(ts.Value(i))
		}
		for c := 2; c < int(r.NumCols()); c++ {
			if r.Column(c).IsNull(i) {
				continue
			}
			var v any
			switch x := r.Column(c).(type) {
			case *array.Float64:
				v = x.Value(i)
			case *array.Float32:
				v = float64(x.Value(i))
			case *array.Int64:
				v = x.Value(i)
			case *array.Int32:
				v = int64(x.Value(i))
			case *array.Date32:
				v = int64(x.Value(i))
			case *array.String:
				v = strings.Clone(x.Value(i))
			case *array.Boolean:
				v = x.Value(i)
			case *array.Decimal128:
				v = int64(x.Value(i).LowBits())
			}
			e.v[r.ColumnName(c)] = v
		}
		out = append(out, e)
	}
	return out
}

// kept is a stage that can be asked for live rows.
type kept interface {
	flow.Stage
	Keep(at int64, live flow.Emit)
}

// keepRun runs events through forks of a stage, one for each range of keys,
// and gives all rows with their labels, and what is live at a moment.
func keepRun(t *rapid.T, fork func() kept, events []event, extent flow.Extent, at int64) (rows []string, labels []int64, live []event) {
	ctx := context.Background()
	split := rapid.SampledFrom([]int64{-1, 0, 1, 2}).Draw(t, "keys of the first fork")
	var parts [2][]event
	for _, e := range events {
		i := 1
		if e.k == nil || *e.k <= split {
			i = 0
		}
		parts[i] = append(parts[i], e)
	}
	for _, part := range parts {
		s := fork()
		if b, ok := s.(flow.Bounded); ok {
			b.Bound(extent)
		}
		s.Keep(at, func(b flow.Batch) error {
			live = append(live, eventsOf(b.Record)...)
			b.Release()
			return nil
		})
		emit := func(b flow.Batch) error {
			rows = append(rows, strings.Split(strings.TrimSuffix(textOf(b.Record), "\n"), "\n")...)
			ts := b.Record.Column(1).(*array.Timestamp)
			for i := range ts.Len() {
				labels = append(labels, int64(ts.Value(i)))
			}
			b.Release()
			return nil
		}
		from := 0
		for _, to := range append(drawCuts(t, len(part)), len(part)) {
			r := record(part[from:to])
			if err := s.Process(ctx, flow.Batch{Record: r}, emit); err != nil {
				t.Fatal(err)
			}
			r.Release()
			from = to
		}
		if err := s.Flush(ctx, emit); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	return rows, labels, live
}

// A run that goes on from live rows answers as one that was never cut, however
// often it is cut and however keys are split among copies.
// Rules: S-1104, S-1601.
func TestSweep_Restored_SameAsUninterrupted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spec window.Spec
		var events []event
		if rapid.Bool().Draw(t, "calendar") {
			spec, events = drawCalendar(t)
		} else {
			var unit, from, to int64
			spec, unit, from, to = drawSpec(t)
			spec.NullKeys = window.NullIsEqual
			spec.Aggregates = something(t, len(spec.Windows), rapid.SampledFrom([]string{"f", "i", "s"}).Draw(t, "column"))
			events = drawEvents(t, unit, from, to, true)
		}
		drawLanes(t, &spec)
		if len(events) == 0 {
			return
		}
		extent := extentOf(events)
		in := record(nil)
		defer in.Release()
		ctx := context.Background()
		first := window.NewSweep(spec)
		defer first.Close()
		if _, err := first.Open(ctx, in.Schema()); err != nil {
			t.Fatal(err)
		}
		fork := func() kept {
			f, err := first.Fork(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		// Keys are single here, so rows of the whole run are those of each key.
		whole := map[string][]string{}
		labelsOf := map[string][]int64{}
		for _, key := range byKey(events) {
			r, l, _ := keepRun(t, fork, key, extent, math.MinInt64)
			whole[keyName(key[0])], labelsOf[keyName(key[0])] = r, l
		}
		var live []event
		since := int64(math.MinInt64)
		for range rapid.IntRange(1, 3).Draw(t, "cuts") {
			at := rapid.Int64Range(max(extent.MinTime, since), max(extent.MaxTime+1, since)+2*spec.Slide.Micros).Draw(t, "at")
			fed := slices.Clone(live)
			for _, e := range events {
				if e.t >= since && (e.t < at || rapid.Bool().Draw(t, "early")) {
					fed = append(fed, e)
				}
			}
			sortEvents(fed)
			_, _, live = keepRun(t, fork, fed, extent, at)
			for _, e := range live {
				if e.t >= at {
					t.Fatalf("live at %d: %v", at, e)
				}
			}
			since = at
		}
		fed := slices.Clone(live)
		for _, e := range events {
			if e.t >= since {
				fed = append(fed, e)
			}
		}
		sortEvents(fed)
		for _, key := range byKey(events) {
			name := keyName(key[0])
			var mine []event
			for _, e := range fed {
				if sameKey(e.k, key[0].k) {
					mine = append(mine, e)
				}
			}
			r, l, _ := keepRun(t, fork, mine, extent, math.MinInt64)
			var got, want []string
			for i := range r {
				if l[i] > since {
					got = append(got, r[i])
				}
			}
			for i, e := range labelsOf[name] {
				// Whoever restores knows of keys that are quiet.
				quiet := len(mine) == 0 || spec.Rows == window.Changes && mine[0].t >= e
				if e > since && !quiet {
					want = append(want, whole[name][i])
				}
			}
			differ(t, got, want)
		}
	})
}

func keyName(e event) string {
	if e.k == nil {
		return "null"
	}
	return string(rune('0' + *e.k))
}

// before reports whether an event comes before a moment in order of a column.
func before(column string, e event, at int64) bool {
	switch v := orderOf(column, e).(type) {
	case nil:
		return true
	case float64:
		return v < float64(at)/1e6
	case int64:
		unit := map[string]int64{"ts": 1, "dt": flow.MicrosPerDay}[column]
		if unit == 0 {
			return v < -floorDivide(-at, 1_000_000)
		}
		return v < -floorDivide(-at, unit)
	}
	return false
}

func floorDivide(a, b int64) int64 { return (a - floorMod(a, b)) / b }

// Rules: S-512, S-1104, S-1601.
func TestEvents_Restored_SameAsUninterrupted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, events := drawEventSpec(t)
		if len(events) == 0 {
			return
		}
		// moment draws one near an event.
		moment := func() int64 {
			e := rapid.SampledFrom(events).Draw(t, "near")
			us := int64(0)
			switch v := orderOf(spec.Order, e).(type) {
			case float64:
				if v > -1e9 && v < 1e9 {
					us = int64(v * 1e6)
				}
			case int64:
				us = v
				if spec.Order == "dt" {
					us *= flow.MicrosPerDay
				} else if spec.Order != "ts" {
					us = max(-1e12, min(1e12, v)) * 1_000_000
				}
			}
			return us + rapid.SampledFrom([]int64{0, 0, 1, -1, 500_000}).Draw(t, "beside")
		}
		in := record(nil)
		defer in.Release()
		ctx := context.Background()
		first := window.NewEvents(spec)
		defer first.Close()
		if _, err := first.Open(ctx, in.Schema()); err != nil {
			t.Fatal(err)
		}
		fork := func() kept {
			f, err := first.Fork(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		whole := oracleEvents(spec, events)
		moments := []int64{moment(), moment(), moment()}[:rapid.IntRange(1, 3).Draw(t, "cuts")]
		slices.Sort(moments)
		var live []event
		since := int64(math.MinInt64)
		late := func(e event) bool { return since == math.MinInt64 || !before(spec.Order, e, since) }
		for _, at := range moments {
			fed := slices.Clone(live)
			for _, e := range events {
				if late(e) && (before(spec.Order, e, at) || rapid.Bool().Draw(t, "early")) {
					fed = append(fed, e)
				}
			}
			sortFor(spec.Order, fed)
			_, _, live = keepRun(t, fork, fed, flow.Extent{}, at)
			for _, e := range live {
				if !before(spec.Order, e, at) {
					t.Fatalf("live at %d: %v", at, e)
				}
			}
			since = at
		}
		fed := slices.Clone(live)
		for _, e := range events {
			if late(e) {
				fed = append(fed, e)
			}
		}
		sortFor(spec.Order, fed)
		rows, _, _ := keepRun(t, fork, fed, flow.Extent{}, math.MinInt64)
		var got, want []string
		for i, e := range fed {
			if late(e) {
				got = append(got, rows[i])
			}
		}
		for i, e := range events {
			if late(e) {
				want = append(want, whole[i])
			}
		}
		differ(t, got, want)
	})
}

// Of rows too old for windows none is kept, but for the last ones of frames of
// rows.
// Rule: S-512.
func TestKeep_LeastRows(t *testing.T) {
	day := 24 * hour
	var events []event
	for k := range int64(3) {
		for d := range int64(10) {
			events = append(events, ofKey(k, d*day+k+1, float64(d)))
		}
	}
	sortEvents(events)
	events = append(events, ofKey(9, 2*day, 1))
	in := record(nil)
	defer in.Release()
	ctx := context.Background()
	count := func(s kept) map[int64][]int64 {
		live := map[int64][]int64{}
		if _, err := s.Open(ctx, in.Schema()); err != nil {
			t.Fatal(err)
		}
		if b, ok := s.(flow.Bounded); ok {
			b.Bound(extentOf(events))
		}
		s.Keep(8*day, func(b flow.Batch) error {
			for _, e := range eventsOf(b.Record) {
				live[*e.k] = append(live[*e.k], e.t/day)
			}
			b.Release()
			return nil
		})
		drop := func(b flow.Batch) error { b.Release(); return nil }
		for at := 0; at < len(events); at += 7 {
			r := record(events[at:min(at+7, len(events))])
			if err := s.Process(ctx, flow.Batch{Record: r}, drop); err != nil {
				t.Fatal(err)
			}
			r.Release()
		}
		if err := s.Flush(ctx, drop); err != nil {
			t.Fatal(err)
		}
		s.Close()
		return live
	}
	equal := func(name string, got map[int64][]int64, days ...int64) {
		t.Helper()
		for k := range int64(3) {
			if !slices.Equal(got[k], days) {
				t.Errorf("%s: key %d keeps days %v, want %v", name, k, got[k], days)
			}
		}
	}
	// The label of day 8 holds days 6 and 7; day 6 leaves at that of day 9.
	spec := daily(2)
	spec.Aggregates = []window.Aggregate{aggregate("f", window.Sum, 1)}
	got := count(window.NewSweep(spec))
	equal("sweep", got, 6, 7)
	if got[9] != nil {
		t.Errorf("a quiet key keeps %v", got[9])
	}
	ev := window.EventSpec{Partition: []string{"k"}, Order: "ts", Frames: []window.Frame{{Rows: 4}}, Aggregates: []window.Aggregate{aggregate("f", window.Sum, 1)}}
	got = count(window.NewEvents(ev))
	equal("rows", got, 5, 6, 7)
	if !slices.Equal(got[9], []int64{2}) {
		t.Errorf("a quiet key keeps %v", got[9])
	}
	ev.Frames = []window.Frame{{Span: window.Length{Days: 5}}}
	equal("span", count(window.NewEvents(ev)), 3, 4, 5, 6, 7)
	ev.Frames = append(ev.Frames, window.Frame{Rows: 7})
	ev.Aggregates = []window.Aggregate{aggregate("f", window.Sum, 2)}
	equal("both", count(window.NewEvents(ev)), 2, 3, 4, 5, 6, 7)
}
