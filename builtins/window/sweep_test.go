package window_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

func ofKey(k, t int64, f float64) event {
	return event{k: &k, t: t, v: map[string]any{"f": f, "i": t, "s": fmt.Sprint("text ", t)}}
}

func daily(widths ...int64) window.Spec {
	s := window.Spec{Keys: []string{"k"}, Time: "ts", Slide: window.Length{Micros: 24 * hour}, OnlyChanges: true}
	for _, w := range widths {
		s.Windows = append(s.Windows, window.Length{Micros: w * 24 * hour})
	}
	return s
}

// The event leaves on the 4th; nothing changes on the 3rd, so no row there.
// Rules: S-910, S-911.
func TestSweep_OnlyChanges_RowsAtChangePointsAndOneEmptied(t *testing.T) {
	spec := daily(2)
	spec.Aggregates = []window.Aggregate{aggregate("v", window.Count, 1), aggregate("v", window.Sum, 1)}
	spec.Keys, spec.LastLabel = []string{"k"}, instant("2026-01-09")
	got := sweepText(t, spec, "k string, ts timestamp, v bigint", "a | 2026-01-01T10:00Z | 5")
	wantRows(t, got, 1, false,
		"a | 2026-01-02 | 1 | 5",
		"a | 2026-01-04 | 0 | null")
	spec.OnlyChanges = false
	spec.LastLabel = instant("2026-01-05")
	got = sweepText(t, spec, "k string, ts timestamp, v bigint", "a | 2026-01-01T10:00Z | 5")
	wantRows(t, got, 1, false,
		"a | 2026-01-02 | 1 | 5",
		"a | 2026-01-03 | 1 | 5",
		"a | 2026-01-04 | 0 | null",
		"a | 2026-01-05 | 0 | null")
}

// An event at midnight belongs to the window that ends at the next midnight
// (S-905); without an end the last label is the first after all events.
// Rule: S-909.
func TestSweep_EventAtMidnight_InNextWindow(t *testing.T) {
	spec := daily(1)
	spec.Aggregates = []window.Aggregate{aggregate("v", window.Sum, 1)}
	got := sweepText(t, spec, "k string, ts timestamp, v bigint", "a | 2026-01-01T00:00Z | 5", "a | 2026-01-02T00:00Z | 7")
	wantRows(t, got, 1, false, "a | 2026-01-02 | 5", "a | 2026-01-03 | 7")
}

// 1e16 entering and leaving must not hurt the small values beside it.
// Rules: S-915, S-940.
func TestSweep_LargeValueLeaves_SmallOnesIntact(t *testing.T) {
	spec := daily(2)
	spec.Aggregates = []window.Aggregate{aggregate("v", window.Sum, 1), aggregate("v", window.StddevSamp, 1)}
	spec.LastLabel = instant("2026-01-09")
	got := sweepText(t, spec, "k string, ts timestamp, v double",
		"a | 2026-01-01T10:00Z | 1e16", "a | 2026-01-02T10:00Z | 0.1", "a | 2026-01-02T11:00Z | 0.3", "a | 2026-01-03T11:00Z | -0")
	wantRows(t, got, 1, false,
		"a | 2026-01-02 | 1e+16 | null",
		"a | 2026-01-03 | 1e+16 | 5773502691896257",
		"a | 2026-01-04 | 0.4 | 0.15275252316519466",
		"a | 2026-01-05 | 0 | null",
		"a | 2026-01-06 | null | null")
}

// One key with most rows, across many output batches, held or given back.
func TestSweep_ManyRows_SameAsOracle_BatchesStayIntact(t *testing.T) {
	if testing.Short() {
		t.Skip("many rows in one goroutine: not for the race detector")
	}
	spec := window.Spec{Keys: []string{"k", "s"}, Time: "ts", Slide: window.Length{Micros: 1}, Windows: []window.Length{{Micros: 3}, {Micros: 1300}}}
	spec.Aggregates = everything(2, "f", "i")
	spec.Aggregates = append(spec.Aggregates, aggregate("s", window.Last, 2))
	spec.Keys = []string{"k"}
	var events []event
	for i := range int64(30) {
		events = append(events, ofKey(1, i*i%97+i*600, float64(i)/7))
	}
	events = append(events, ofKey(2, 18_001, 3))
	sortEvents(events)
	want := oracleRows(spec, events)
	if len(want) < 2*8192 {
		t.Fatalf("%d rows are too few for this test", len(want))
	}
	differ(t, rowsOf(t, window.NewSweep(spec), events, 10, 20, 25, 26), want)

	s := window.NewSweep(spec)
	defer s.Close()
	ctx := context.Background()
	in := record(events)
	defer in.Release()
	if _, err := s.Open(ctx, in.Schema()); err != nil {
		t.Fatal(err)
	}
	s.Bound(extentOf(events))
	var out hosttest.Recorder // holds all batches until the end
	defer out.Release()
	if err := s.Process(ctx, flow.Batch{Record: in}, out.Emit); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(ctx, out.Emit); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, b := range out.Batches {
		text.WriteString(textOf(b.Record))
	}
	differ(t, strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n"), want)
}

// Values that only grow fill the queue of min, those that shrink that of max.
func TestSweep_LongQueues_SameAsOracle(t *testing.T) {
	spec := window.Spec{Keys: []string{"k"}, Time: "ts", Slide: window.Length{Micros: 1}, OnlyChanges: true, Windows: []window.Length{{Micros: 150}}}
	spec.Aggregates = []window.Aggregate{aggregate("f", window.Min, 1), aggregate("f", window.Max, 1), aggregate("s", window.Max, 1)}
	var events []event
	for i := range int64(500) {
		events = append(events, ofKey(1, i, float64(i)), ofKey(2, i, float64(-i)))
	}
	sortEvents(events)
	differ(t, rowsOf(t, window.NewSweep(spec), events, 400, 420, 800), oracleRows(spec, events))
}

// A key that goes on in the next batch is remembered, though the memory of
// the batch before it is not.
func TestSweep_TextKeyAcrossBatches_OneKey(t *testing.T) {
	columns := arrow.NewSchema([]flow.Field{
		{Name: "k", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true}}, nil)
	spec := daily(2)
	spec.Keys = []string{"k", "b"}
	spec.Aggregates = []window.Aggregate{aggregate("b", window.Count, 1)}
	s := window.NewSweep(spec)
	defer s.Close()
	ctx := context.Background()
	if _, err := s.Open(ctx, columns); err != nil {
		t.Fatal(err)
	}
	s.Bound(flow.Extent{MinTime: 0, MaxTime: 9, Timed: true})
	var out hosttest.Recorder
	defer out.Release()
	for i, k := range []string{"key", "key", "other", "", "", "null"} {
		b := array.NewRecordBuilder(scribbler{memory.DefaultAllocator}, columns)
		if k == "null" {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.StringBuilder).Append(k)
		}
		b.Field(1).(*array.BooleanBuilder).Append(i != 4)
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(i))
		r := b.NewRecordBatch()
		b.Release()
		if err := s.Process(ctx, flow.Batch{Record: r}, out.Emit); err != nil {
			t.Fatal(err)
		}
		r.Release()
	}
	if err := s.Flush(ctx, out.Emit); err != nil {
		t.Fatal(err)
	}
	want := "key | true | 1970-01-02 | 2\nother | true | 1970-01-02 | 1\n | true | 1970-01-02 | 1\n | false | 1970-01-02 | 1\nnull | true | 1970-01-02 | 1\n"
	if got := out.Text(); got != want {
		t.Fatalf("got\n%swant\n%s", got, want)
	}
}

// Rules: S-305, S-401.
func TestSweep_AllTypes_FirstLastMinMax(t *testing.T) {
	columns := "k bigint, ts timestamp, a date, b timestamp, c binary, l array<bigint>, q decimal(10,2)"
	spec := daily(2)
	spec.LastLabel = instant("2026-01-05")
	for _, c := range []string{"a", "b", "c", "q", "l"} {
		for _, f := range []window.Function{window.First, window.Last, window.Min, window.Max, window.Count} {
			if c != "l" || f != window.Min && f != window.Max {
				spec.Aggregates = append(spec.Aggregates, aggregate(c, f, 1))
			}
		}
	}
	got := sweepText(t, spec, columns,
		"1 | 2026-01-01T10:00Z | 2020-02-29 | 2020-01-02T03:04Z | eHg= | [1,2] | 1.50",
		"1 | 2026-01-01T11:00Z | 2019-12-31 | 2019-01-02T03:04Z | eA== | null | -2.25",
		"1 | 2026-01-02T10:00Z | null | null | null | [] | null")
	wantRows(t, got, 1, false,
		"1 | 2026-01-02 | 2020-02-29 | 2019-12-31 | 2019-12-31 | 2020-02-29 | 2 | 2020-01-02T03:04:00Z | 2019-01-02T03:04:00Z | 2019-01-02T03:04:00Z | 2020-01-02T03:04:00Z | 2 | eHg= | eA== | eA== | eHg= | 2 | 1.5 | -2.25 | -2.25 | 1.5 | 2 | [1,2] | null | 1",
		"1 | 2026-01-03 | 2020-02-29 | null | 2019-12-31 | 2020-02-29 | 2 | 2020-01-02T03:04:00Z | null | 2019-01-02T03:04:00Z | 2020-01-02T03:04:00Z | 2 | eHg= | null | eA== | eHg= | 2 | 1.5 | null | -2.25 | 1.5 | 2 | [1,2] | [] | 2",
		"1 | 2026-01-04 | null | null | null | null | 0 | null | null | null | null | 0 | null | null | null | null | 0 | null | null | null | null | 0 | [] | [] | 1",
		"1 | 2026-01-05 | null | null | null | null | 0 | null | null | null | null | 0 | null | null | null | null | 0 | null | null | null | null | 0 | null | null | 0")
}

// Rule: S-101.
func TestSweep_Schema_KeysTimestampFeatures(t *testing.T) {
	in := record(nil)
	defer in.Release()
	spec := daily(1, 7)
	spec.Aggregates = []window.Aggregate{aggregate("n", window.Sum, 2), aggregate("d", window.Avg, 2), aggregate("g", window.Max, 2)}
	s := window.NewSweep(spec)
	out, err := s.Open(context.Background(), in.Schema())
	if err != nil {
		t.Fatal(err)
	}
	want := "k int64, timestamp timestamp[us, tz=UTC], n__sum_a int64, n__sum_b int64, d__avg_a decimal(38, 6), d__avg_b decimal(38, 6), g__max_a float32, g__max_b float32"
	var got []string
	for _, f := range out.Fields() {
		got = append(got, f.Name+" "+f.Type.String())
	}
	if strings.Join(got, ", ") != want {
		t.Errorf("schema %s\nwant   %s", strings.Join(got, ", "), want)
	}
	if r := strings.Join(s.Reads(), ","); r != "k,ts,n,d,g" {
		t.Errorf("reads %s", r)
	}
}

func TestSweep_Fork_SameRows(t *testing.T) {
	spec := daily(1)
	spec.Aggregates = []window.Aggregate{aggregate("f", window.Sum, 1)}
	events := []event{ofKey(1, 5, 0.5), ofKey(2, 6, 1.5)}
	in := record(events)
	defer in.Release()
	ctx := context.Background()
	s := window.NewSweep(spec)
	if _, err := s.Open(ctx, in.Schema()); err != nil {
		t.Fatal(err)
	}
	s.Bound(extentOf(events))
	f, err := s.Fork(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var out hosttest.Recorder
	defer out.Release()
	if err := f.Process(ctx, flow.Batch{Record: in}, out.Emit); err != nil {
		t.Fatal(err)
	}
	if err := f.Flush(ctx, out.Emit); err != nil {
		t.Fatal(err)
	}
	if got := out.Text(); got != "1 | 1970-01-02 | 0.5\n2 | 1970-01-02 | 1.5\n" {
		t.Fatal(got)
	}
}

// Rule: S-908.
func TestSweep_Refuses(t *testing.T) {
	day := 24 * hour
	ok := func(change func(*window.Spec)) window.Spec {
		s := window.Spec{Keys: []string{"k"}, Time: "ts", Slide: window.Length{Micros: day}, Windows: []window.Length{{Micros: day}},
			Aggregates: []window.Aggregate{aggregate("f", window.Sum, 1)}}
		change(&s)
		return s
	}
	for _, c := range []struct {
		name string
		spec window.Spec
		code fault.Code
		says string
	}{
		{"no windows", ok(func(s *window.Spec) { s.Windows = nil }), window.BadSpec, "no windows"},
		{"no slide", ok(func(s *window.Spec) { s.Slide.Micros = 0 }), window.BadSpec, "slide of 0s"},
		{"negative slide", ok(func(s *window.Spec) { s.Slide.Micros = -1 }), window.BadSpec, "slide of -1"},
		{"slide over width", ok(func(s *window.Spec) { s.Slide.Micros = 2 * day }), window.BadSpec, "slide of 48h0m0s"},
		{"too wide", ok(func(s *window.Spec) { s.Windows[0].Micros = math.MaxInt64 }), window.BadSpec, "10000 years"},
		{"no condition", ok(func(s *window.Spec) { s.Aggregates[0].Where = "x" }), window.MissingColumn, `no column "x"`},
		{"condition of a number", ok(func(s *window.Spec) { s.Aggregates[0].Where = "f" }), window.MissingColumn, "which rows take part"},
		{"distinct of nothing", ok(func(s *window.Spec) { s.Distinct = &window.Distinct{} }), window.BadDistinct, "no columns"},
		{"distinct of no column", ok(func(s *window.Spec) { s.Distinct = &window.Distinct{Columns: []string{"x"}} }), window.MissingColumn, `no column "x"`},
		{"base of hours", ok(func(s *window.Spec) { s.Rows, s.Slide.Micros = window.EveryLabel, hour }), window.BadSpec, "slide of 1 day"},
		{"null keys", ok(func(s *window.Spec) { s.NullKeys = window.NullNeverMatches }), window.BadSpec, "null keys"},
		{"no aggregates", ok(func(s *window.Spec) { s.Aggregates = nil }), window.BadAggregate, "no aggregates"},
		{"outputs", ok(func(s *window.Spec) { s.Aggregates[0].Outputs = nil }), window.BadAggregate, "0 outputs: expected 1"},
		{"unknown function", ok(func(s *window.Spec) { s.Aggregates[0].Function = 99 }), window.BadAggregate, "number 99"},
		{"sum of text", ok(func(s *window.Spec) { s.Aggregates[0].Column = "s" }), window.BadAggregate, "sum of a column of type string"},
		{"stddev of decimal", ok(func(s *window.Spec) { s.Aggregates = []window.Aggregate{aggregate("d", window.StddevPop, 1)} }), window.BadAggregate, "stddev_pop of a column of type decimal(12,2)"},
		{"column", ok(func(s *window.Spec) { s.Aggregates[0].Column = "ff" }), window.MissingColumn, `did you mean "f"?`},
		{"key", ok(func(s *window.Spec) { s.Keys = []string{"x"} }), window.MissingColumn, `no column "x"`},
		{"time", ok(func(s *window.Spec) { s.Time = "i" }), window.MissingColumn, "expected timestamp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := record(nil)
			defer in.Release()
			_, err := window.NewSweep(c.spec).Open(context.Background(), in.Schema())
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want %s with %q", err, c.code, c.says)
			}
		})
	}
}

// Rules: S-105, S-941.
func TestSweep_BadRows(t *testing.T) {
	long := ofKey(1, 3, 0)
	long.v["i"] = int64(math.MaxInt64)
	for _, c := range []struct {
		name   string
		events []event
		code   fault.Code
		says   string
	}{
		{"null time", []event{ofKey(1, 1, 0), ofKey(1, noTime, 0)}, window.NullTime, "test:row 2"},
		{"order", []event{ofKey(1, 5, 0), ofKey(1, 7, 0), ofKey(1, 6, 0)}, window.OutOfOrder, "test:row 3"},
		{"out of range", []event{ofKey(1, math.MaxInt64, 0)}, window.TimeOutOfRange, "test:row 1"},
		{"overflow", []event{long, long}, window.Overflow, `feature "i__sum_a" of key (k = 1) at 1970-01-02T00:00:00Z`},
	} {
		for _, cuts := range [][]int{nil, {1}, {2}} {
			t.Run(fmt.Sprint(c.name, cuts), func(t *testing.T) {
				if len(cuts) > 0 && cuts[0] > len(c.events) {
					t.Skip("fewer rows")
				}
				spec := daily(1)
				spec.Aggregates = []window.Aggregate{aggregate("i", window.Sum, 1)}
				_, err := run(window.NewSweep(spec), c.events, cuts...)
				if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("%v, want %s with %q", err, c.code, c.says)
				}
			})
		}
	}
	// An average does not overflow.
	spec := daily(1)
	spec.Aggregates = []window.Aggregate{aggregate("i", window.Avg, 1)}
	differ(t, rowsOf(t, window.NewSweep(spec), []event{long, long}), []string{"1 | 1970-01-02 | 9.223372036854776e+18"})
}

// Rule: S-941.
func TestSweep_DecimalOverflow_NamesFeature(t *testing.T) {
	nines := strings.Repeat("9", 38)
	spec := daily(1)
	spec.Time, spec.LastLabel = "ts", instant("2026-01-02")
	spec.Aggregates = []window.Aggregate{aggregate("q", window.Sum, 1)}
	in := hosttest.Batch(t, "k string, ts timestamp, q decimal(38,0)", "x | 2026-01-01T10:00Z | "+nines, "x | 2026-01-01T10:00Z | 1")
	defer in.Release()
	s := window.NewSweep(spec)
	defer s.Close()
	ctx := context.Background()
	if _, err := s.Open(ctx, in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	var out hosttest.Recorder
	err := s.Process(ctx, in, out.Emit)
	if err == nil {
		err = s.Flush(ctx, out.Emit)
	}
	if !fault.Is(err, window.Overflow) || !strings.Contains(err.Error(), `(k = "x")`) {
		t.Fatal(err)
	}
}

func TestSweep_NotBound_Refuses(t *testing.T) {
	spec := daily(1)
	spec.Aggregates = []window.Aggregate{aggregate("i", window.Sum, 1)}
	in := record([]event{ofKey(1, 1, 1)})
	defer in.Release()
	s := window.NewSweep(spec)
	if _, err := s.Open(context.Background(), in.Schema()); err != nil {
		t.Fatal(err)
	}
	err := s.Process(context.Background(), flow.Batch{Record: in}, nil)
	if !fault.Is(err, window.Unbounded) {
		t.Fatal(err)
	}
}

// Whatever happens, each input batch is given back as often as it was taken,
// and closing twice or unopened does no harm.
func TestSweep_Close_GivesAllBack(t *testing.T) {
	for _, fail := range []bool{false, true} {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		spec := daily(2)
		spec.Aggregates = []window.Aggregate{aggregate("s", window.Last, 1), aggregate("s", window.Min, 1)}
		schema := arrow.NewSchema([]flow.Field{
			{Name: "k", Type: arrow.BinaryTypes.String, Nullable: true},
			{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
			{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
		s := window.NewSweep(spec)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(context.Background(), schema); err != nil {
			t.Fatal(err)
		}
		s.Bound(flow.Extent{MinTime: 0, MaxTime: 40 * hour * 24, Timed: true})
		emit := func(b flow.Batch) error {
			b.Release()
			return nil
		}
		for day := range int64(40) {
			b := array.NewRecordBuilder(mem, schema)
			b.Field(0).(*array.StringBuilder).Append("key")
			b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(day * 24 * hour))
			b.Field(2).(*array.StringBuilder).Append(fmt.Sprint("text of ", day))
			r := b.NewRecordBatch()
			b.Release()
			if err := s.Process(context.Background(), flow.Batch{Record: r}, emit); err != nil {
				t.Fatal(err)
			}
			r.Release()
			if day == 30 && mem.CurrentAlloc() > 8*1024 {
				t.Errorf("%d bytes are held after a month, of which two days are open", mem.CurrentAlloc())
			}
		}
		if !fail {
			if err := s.Flush(context.Background(), emit); err != nil {
				t.Fatal(err)
			}
		}
		s.Close()
		s.Close()
		mem.AssertSize(t, 0)
	}
}

func TestCodes_AllExplained(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, d := range window.Codes() {
		if d.Title == "" || d.Explain == "" || seen[d.Code] || d.Code < 7015 || d.Code > 7069 {
			t.Errorf("%s: %q", d.Code, d.Title)
		}
		seen[d.Code] = true
	}
	for _, c := range []fault.Code{window.BadSpec, window.BadAggregate, window.MissingColumn, window.BadParameter, window.NullTime, window.OutOfOrder, window.TimeOutOfRange, window.Overflow, window.Unbounded} {
		if !seen[c] {
			t.Errorf("%s is not explained", c)
		}
	}
	if window.BadSpec.Class() != fault.Usage || window.NullTime.Class() != fault.Data {
		t.Error("classes")
	}
}
