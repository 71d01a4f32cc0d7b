package window_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// drawMany makes n events of a key, one each microsecond, with as many ties,
// nulls and values that hurt as a seed gives.
func drawMany(seed uint64, n int) []event {
	rng := rand.New(rand.NewPCG(seed, 1))
	variety := []int{3, 40, 100_000}[rng.IntN(3)]
	nulls := []float64{0, 0.02, 0.5}[rng.IntN(3)]
	nasty := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1e16, 1}
	events := make([]event, n)
	for i := range events {
		e := ofKey(1, int64(i), 0)
		e.v = map[string]any{}
		may := func(column string, v any) {
			if rng.Float64() >= nulls {
				e.v[column] = v
			}
		}
		x := float64(rng.IntN(variety)) / 8
		if rng.IntN(20) == 0 {
			x = nasty[rng.IntN(len(nasty))]
		}
		may("f", x)
		may("g", float64(float32(x)))
		may("i", int64(rng.IntN(variety))+1<<53)
		may("n", int64(rng.IntN(variety))-50)
		may("d", int64(rng.IntN(variety)))
		may("s", []string{"None", fmt.Sprint(rng.IntN(variety))}[min(1, rng.IntN(9))])
		may("b", rng.IntN(9) == 0)
		events[i] = e
	}
	return events
}

// Windows of so many values that bags split and join blocks, queues grow and
// shrink, and what has left must leave no trace.
// Rules: S-915, S-942, S-943, S-944, S-1601, S-1607.
func TestFunctions_LargeWindows_SameAsOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("many rows in one goroutine: not for the race detector")
	}
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 2))
		spec := window.Spec{
			Keys: []string{"k"}, Time: "ts", Slide: window.Length{Micros: 151}, OnlyChanges: true, EmptyNull: seed%2 == 0,
			Windows:    []window.Length{{Micros: 151}, {Micros: 600}},
			Aggregates: everything(2, "f", "i", "s", "g", "n", "b", "d"),
		}
		for i := range spec.Aggregates {
			spec.Aggregates[i].OverflowNull = true
		}
		events := drawMany(seed, 2000)
		// A pause empties the windows, then as much again of another key.
		for i := range events {
			if i >= 1500 {
				events[i].t += 5000
			}
			if i >= 1800 {
				two := int64(2)
				events[i].k = &two
			}
		}
		var cuts []int
		for at := 0; at < len(events); at += 1 + rng.IntN(200) {
			cuts = append(cuts, at)
		}
		differ(t, rowsOf(t, window.NewSweep(spec), events, cuts...), oracleRows(spec, events))
	}
}

// Lists, sets and modes of the types that the table of the other tests lacks.
// Rule: S-305.
func TestSweep_AllTypes_ListsAndSets(t *testing.T) {
	spec := daily(2)
	spec.LastLabel = instant("2026-01-04")
	for _, f := range []window.Function{window.CollectList, window.CollectSet, window.Mode, window.MostFrequentSet, window.LastK, window.CountDistinct,
		window.ApproxCountDistinct, window.FirstNonNull, window.LastNonNull} {
		for _, c := range []string{"a", "b", "c"} {
			spec.Aggregates = append(spec.Aggregates, aggregate(c, f, 1))
		}
	}
	for _, f := range []window.Function{window.ModeText, window.MostFrequentSetText} {
		for _, c := range []string{"a", "b"} {
			spec.Aggregates = append(spec.Aggregates, aggregate(c, f, 1))
		}
	}
	spec.Aggregates = append(spec.Aggregates, aggregate("l", window.FirstNonNull, 1), aggregate("l", window.LastNonNull, 1))
	got := sweepText(t, spec, "k bigint, ts timestamp, a date, b timestamp, c binary, l array<bigint>",
		"1 | 2026-01-01T10:00Z | 2020-02-29 | 2020-01-02T03:04:05.000006Z | eHg= | null",
		"1 | 2026-01-01T11:00Z | 2019-12-31 | 2019-01-02T03:04Z | eA== | [1,2]",
		"1 | 2026-01-01T12:00Z | 2020-02-29 | 2019-01-02T03:04Z | eA== | [3]",
		"1 | 2026-01-02T10:00Z | null | null | null | null")
	first := `["2020-02-29","2019-12-31","2020-02-29"] | ["2020-01-02T03:04:05.000006Z","2019-01-02T03:04:00Z","2019-01-02T03:04:00Z"] | ["eHg=","eA==","eA=="] | ` +
		`["2019-12-31","2020-02-29"] | ["2019-01-02T03:04:00Z","2020-01-02T03:04:05.000006Z"] | ["eA==","eHg="] | ` +
		`2020-02-29 | 2019-01-02T03:04:00Z | eA== | ` +
		`["2020-02-29","2019-12-31"] | ["2019-01-02T03:04:00Z","2020-01-02T03:04:05.000006Z"] | ["eA==","eHg="] | ` +
		`["2020-02-29","2019-12-31","2020-02-29"] | ["2019-01-02T03:04:00Z","2019-01-02T03:04:00Z","2020-01-02T03:04:05.000006Z"] | ["eA==","eA==","eHg="] | ` +
		`2 | 2 | 2 | 2 | 2 | 2 | 2020-02-29 | 2020-01-02T03:04:05.000006Z | eHg= | 2020-02-29 | 2019-01-02T03:04:00Z | eA== | 2020-02-29 | 2019-01-02 03:04:00 | `
	none := "[] | [] | [] | [] | [] | [] | null | null | null | [] | [] | [] | [] | [] | [] | 0 | 0 | 0 | 0 | 0 | 0 | null | null | null | null | null | null | null | null | "
	wantRows(t, got, 1, false,
		"1 | 2026-01-02 | "+first+`["2020-02-29","2019-12-31"] | ["2019-01-02 03:04:00","2020-01-02 03:04:05.000006"] | [1,2] | [3]`,
		"1 | 2026-01-03 | "+first+`["2020-02-29","2019-12-31","None"] | ["2019-01-02 03:04:00","2020-01-02 03:04:05.000006","NaT"] | [1,2] | [3]`,
		"1 | 2026-01-04 | "+none+`["None"] | ["NaT"] | null | null`)
}

// A decimal result beyond 38 digits is null if asked for, and sum and avg each
// on their own.
// Rule: S-941.
func TestSweep_OverflowNull_OnlyWhatDoesNotFit(t *testing.T) {
	spec := daily(1)
	spec.LastLabel = instant("2026-01-03")
	for _, f := range []window.Function{window.Count, window.Sum, window.Avg, window.SumDistinct} {
		a := aggregate("d", f, 1)
		a.OverflowNull = true
		spec.Aggregates = append(spec.Aggregates, a)
	}
	for _, f := range []window.Function{window.Sum, window.SumDistinct, window.Avg} {
		a := aggregate("i", f, 1)
		a.OverflowNull = true
		spec.Aggregates = append(spec.Aggregates, a)
	}
	const nines, most = "99999999999999999999999999999999999999", "9223372036854775807"
	got := sweepText(t, spec, "k bigint, ts timestamp, d decimal(38,0), i bigint",
		"1 | 2026-01-01T10:00Z | "+nines+" | "+most,
		"1 | 2026-01-01T11:00Z | "+nines+" | "+most,
		"1 | 2026-01-02T10:00Z | 4999999999999999999999999999999999 | 1",
		"1 | 2026-01-02T11:00Z | 5 | "+most)
	wantRows(t, got, 1, false,
		"1 | 2026-01-02 | 2 | null | null | "+nines+" | null | "+most+" | 9223372036854775808",
		"1 | 2026-01-03 | 2 | 5000000000000000000000000000000004 | 2500000000000000000000000000000002 | 5000000000000000000000000000000004 | null | null | 4611686018427387904")

	spec.Aggregates = []window.Aggregate{aggregate("i", window.SumDistinct, 1)}
	long, one := ofKey(1, 3, 0), ofKey(1, 4, 0)
	long.v["i"], one.v["i"] = int64(math.MaxInt64), int64(1)
	spec.LastLabel = nil
	_, err := run(window.NewSweep(spec), []event{long, one})
	if !fault.Is(err, window.Overflow) || !strings.Contains(err.Error(), `"i__sum_distinct_a" of key (k = 1) at 1970-01-02`) {
		t.Errorf("sum_distinct that does not fit: %v", err)
	}
}

// Long lists make short batches, and the rows are the same.
// Rule: S-1601.
func TestSweep_LongLists_ShortBatches(t *testing.T) {
	const n = 6000
	columns := make([]string, n)
	for i := range columns {
		columns[i] = fmt.Sprintf("1 | 2026-01-01T00:00:00.%06dZ | %d", i, i)
	}
	in := hosttest.Batch(t, "k bigint, ts timestamp, i bigint", columns...)
	defer in.Release()
	spec := window.Spec{Keys: []string{"k"}, Time: "ts", Slide: window.Length{Micros: 1}, Windows: []window.Length{{Micros: 5000}}}
	spec.Aggregates = []window.Aggregate{aggregate("i", window.CollectList, 1), aggregate("i", window.Count, 1), aggregate("i", window.Min, 1)}
	s := window.NewSweep(spec)
	defer s.Close()
	ctx := context.Background()
	if _, err := s.Open(ctx, in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	first := instant("2026-01-01")
	s.Bound(flow.Extent{Rows: n, MinTime: *first, MaxTime: *first + n - 1, Timed: true})
	rows := int64(0)
	emit := func(b flow.Batch) error {
		defer b.Release()
		l, count, least := b.Record.Column(2).(*array.List), b.Record.Column(3).(*array.Int64), b.Record.Column(4).(*array.Int64)
		if size := l.ListValues().Len() * 8; size > 100<<20 {
			t.Errorf("a batch of %d rows holds %d bytes", b.Rows(), size)
		}
		for r := range int(b.Rows()) {
			from, to := l.ValueOffsets(r)
			if to-from != count.Value(r) || l.ListValues().(*array.Int64).Value(int(from)) != least.Value(r) {
				t.Fatalf("row %d has a list of %d values", rows+int64(r), to-from)
			}
		}
		rows += b.Rows()
		return nil
	}
	if err := s.Process(ctx, in, emit); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(ctx, emit); err != nil {
		t.Fatal(err)
	}
	if rows != n {
		t.Errorf("%d rows, want %d", rows, n)
	}
}

// Skewness and kurtosis are null where all values are equal, whatever they
// are, and NaN where the fold says so.
// Rules: S-305, S-943.
func TestSweep_Shape_Table(t *testing.T) {
	spec := daily(1)
	spec.LastLabel = instant("2026-01-02")
	spec.Aggregates = []window.Aggregate{aggregate("v", window.Skewness, 1), aggregate("v", window.Kurtosis, 1)}
	for values, want := range map[string]string{
		"NaN NaN":         "null | null",
		"+Inf +Inf":       "null | null",
		"0 -0":            "null | null",
		"0.1 0.1 0.1":     "null | null",
		"7":               "null | null",
		"null":            "null | null",
		"NaN 1":           "NaN | NaN",
		"+Inf 1":          "NaN | NaN",
		"1 2 3":           "0 | -1.5",
		"1 null 2 null 6": "0.5951700641394974 | -1.5",
		"5e-324 0":        "NaN | NaN",
	} {
		var rows []string
		for i, v := range strings.Fields(values) {
			rows = append(rows, fmt.Sprintf("a | 2026-01-01T10:00:%02dZ | %s", i, v))
		}
		wantRows(t, sweepText(t, spec, "k string, ts timestamp, v double", rows...), 1, false, "a | 2026-01-02 | "+want)
	}
}
