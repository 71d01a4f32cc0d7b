package window_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

var allBounds = []window.Bounds{window.OpenClosed, window.ClosedClosed, window.ClosedOpen, window.OpenOpen}

// drawEventSpec draws frames and events in their order.
func drawEventSpec(t *rapid.T) (window.EventSpec, []event) {
	spec := window.EventSpec{Partition: []string{"k"}, Order: rapid.SampledFrom([]string{"ts", "ts", "dt", "i", "n", "f", "g"}).Draw(t, "order")}
	unit, span := int64(1), int64(200)
	if spec.Order == "ts" {
		unit = rapid.SampledFrom([]int64{1, 400_000, 3 * hour, 24 * hour}).Draw(t, "unit")
		span = rapid.SampledFrom([]int64{40, 200}).Draw(t, "span")
	}
	from := rapid.SampledFrom([]int64{0, 1_706_000_000_000_000, -1_000_000_000}).Draw(t, "from") / unit
	events := drawEvents(t, unit, from-span/3, from+span, true)
	for i := range events {
		e := &events[i]
		if spec.Order == "ts" && rapid.IntRange(0, 9).Draw(t, "no time") == 0 {
			e.t = noTime
		}
		if rapid.IntRange(0, 5).Draw(t, "no date") > 0 {
			e.v["dt"] = rapid.Int64Range(19_750, 19_850).Draw(t, "dt")
		}
		if spec.Order == "n" && e.v["n"] != nil && rapid.Bool().Draw(t, "near") {
			e.v["n"] = rapid.Int64Range(-20, 20).Draw(t, "small")
		}
		if spec.Order == "g" && e.v["g"] != nil && rapid.Bool().Draw(t, "near") {
			e.v["g"] = float64(rapid.Int64Range(-20, 20).Draw(t, "quarters")) / 4
		}
	}
	monthEnds := spec.Order == "ts" && rapid.IntRange(0, 2).Draw(t, "month ends") == 0
	if monthEnds {
		atMonthEnds(t, events)
	}
	sortFor(spec.Order, events)
	for range rapid.IntRange(1, 3).Draw(t, "frames") {
		f := window.Frame{Bounds: rapid.SampledFrom(allBounds).Draw(t, "bounds"), WholeSeconds: rapid.Bool().Draw(t, "whole seconds")}
		switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case kind == 0:
			f.Rows = rapid.SampledFrom([]int64{1, 2, 3, 7, math.MaxInt64}).Draw(t, "rows")
		case kind == 1 && (spec.Order == "ts" || spec.Order == "dt"):
			f.Span.Months = rapid.IntRange(1, 13).Draw(t, "months")
		case kind == 2 && (spec.Order == "ts" || spec.Order == "dt"):
			f.Span.Days = rapid.IntRange(1, 20).Draw(t, "days")
		case spec.Order == "ts":
			f.Span.Micros = max(rapid.Int64Range(1, 30).Draw(t, "micros")*unit, rapid.SampledFrom([]int64{0, 1_000_000}).Draw(t, "least"))
		default:
			f.Span.Micros = rapid.SampledFrom([]int64{1, 500_000, 1_000_000, 1_500_000, 7_000_000, 9_000_000_000, 86_400_000_000, 3 * 86_400_000_000, 90_000_000_000}).Draw(t, "micros")
		}
		spec.Frames = append(spec.Frames, f)
	}
	if monthEnds {
		spec.Frames[0].Rows, spec.Frames[0].Span = 0, window.Length{Months: 1}
	}
	spec.Aggregates = something(t, len(spec.Frames), rapid.SampledFrom([][]string{{"f", "i", "s"}, {"g", "b"}, {"n", "d"}}).Draw(t, "columns")...)
	for i := range spec.Aggregates {
		spec.Aggregates[i].Where = rapid.SampledFrom([]string{"", "", "b", "q"}).Draw(t, "where")
	}
	return spec, events
}

// Rules: S-801, S-802, S-803, S-804, S-805, S-806, S-916, S-1601, S-1607.
func TestEvents_SameAsOracle_AnyCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, events := drawEventSpec(t)
		cuts := drawCuts(t, len(events))
		want := oracleEvents(spec, events)
		differ(t, rowsOf(t, window.NewEvents(spec), events, cuts...), want)
		differ(t, rowsOf(t, window.NewEvents(spec), events), want)
	})
}

// frames aggregates v over frames.
func frames(order string, functions []window.Function, fs ...window.Frame) window.EventSpec {
	s := window.EventSpec{Partition: []string{"id"}, Order: order, Frames: fs}
	for _, f := range functions {
		s.Aggregates = append(s.Aggregates, aggregate("v", f, len(fs)))
	}
	return s
}

// eventsText runs rows as text through Events.
func eventsText(t *testing.T, spec window.EventSpec, columns string, rows ...string) []string {
	t.Helper()
	e := window.NewEvents(spec)
	defer e.Close()
	ctx := context.Background()
	var out hosttest.Recorder
	defer out.Release()
	for i, row := range rows { // one by one: windows reach over batches
		in := hosttest.Batch(t, columns, row)
		if i == 0 {
			if _, err := e.Open(ctx, in.Record.Schema()); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Process(ctx, in, out.Emit); err != nil {
			t.Fatal(err)
		}
		in.Release()
	}
	if err := e.Flush(ctx, out.Emit); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.Text(), "\n"), "\n")
}

// A month before the 30th of March at 01:00 begins before a month before the
// 29th at 23:00 does: what had left comes back.
// Rule: S-802.
func TestEvents_Months_RowsComeBack(t *testing.T) {
	spec := frames("ts", []window.Function{window.Count, window.Sum, window.Min}, window.Frame{Span: window.Length{Months: 1}})
	rows := []string{
		"1 | 2023-02-28T00:30Z | 1", "1 | 2023-02-28T02:00Z | 2", "1 | 2023-02-28T22:00Z | 4",
		"1 | 2023-03-28T23:00Z | 8", "1 | 2023-03-29T01:00Z | 16", "1 | 2023-03-29T23:00Z | 32", "1 | 2023-03-31T00:15Z | 64", "1 | 2023-04-01T00:00Z | 128"}
	want := []string{
		"1 | 2023-02-28T00:30:00Z | 1 | 21 | 21 | 1", "1 | 2023-02-28T02:00:00Z | 2 | 22 | 23 | 1", "1 | 2023-02-28T22:00:00Z | 4 | 23 | 27 | 1",
		"1 | 2023-03-28T23:00:00Z | 8 | 1 | 8 | 8", "1 | 2023-03-29T01:00:00Z | 16 | 4 | 30 | 2", "1 | 2023-03-29T23:00:00Z | 32 | 3 | 56 | 8",
		"1 | 2023-03-31T00:15:00Z | 64 | 7 | 127 | 1", "1 | 2023-04-01 | 128 | 5 | 248 | 8"}
	// Rows that are dead when the 28th begins to count: they are dropped right
	// before the window goes back.
	var old, oldWant []string
	for range 20 {
		old, oldWant = append(old, "1 | 2023-02-27 | 1"), append(oldWant, "1 | 2023-02-27 | 1 | 20 | 20 | 1")
	}
	got := eventsText(t, spec, "id bigint, ts timestamp, v double", append(old, rows...)...)
	want = append(oldWant, want...)
	differ(t, got, want)
}

// One partition of many rows: what is held does not grow with it, and rows go
// out as soon as they are settled.
func TestEvents_HotPartition_MemoryOfItsFrame(t *testing.T) {
	const batch, batches = 1000, 60
	ctx := context.Background()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	s := arrow.NewSchema([]flow.Field{
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "v", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "rest", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	spec := window.EventSpec{Order: "ts", Frames: []window.Frame{{Span: window.Length{Micros: 100}}, {Rows: 50}},
		Aggregates: []window.Aggregate{aggregate("v", window.Sum, 2), aggregate("s", window.Max, 2)}}
	e := window.NewEvents(spec)
	if _, err := e.Open(ctx, s); err != nil {
		t.Fatal(err)
	}
	rows := int64(0)
	emit := func(b flow.Batch) error {
		rows += b.Rows()
		b.Release()
		return nil
	}
	most := 0
	for i := range batches {
		b := array.NewRecordBuilder(mem, s)
		for j := range batch {
			b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(i*batch + j))
			b.Field(1).(*array.Float64Builder).Append(float64(j))
			b.Field(2).(*array.StringBuilder).Append("text")
			b.Field(3).(*array.StringBuilder).Append(strings.Repeat("x", 100))
		}
		r := b.NewRecordBatch()
		b.Release()
		if err := e.Process(ctx, flow.Batch{Record: r}, emit); err != nil {
			t.Fatal(err)
		}
		r.Release()
		most = max(most, mem.CurrentAlloc())
		if held := int64(i+1)*batch - rows; held > batch {
			t.Fatalf("%d rows are held after batch %d", held, i)
		}
	}
	if most > 4*200*batch {
		t.Errorf("%d bytes of input were held", most)
	}
	if err := e.Flush(ctx, emit); err != nil {
		t.Fatal(err)
	}
	if rows != batch*batches {
		t.Errorf("%d rows", rows)
	}
	e.Close()
	e.Close()
	mem.AssertSize(t, 0)
}

// Whatever happens, input batches are given back as often as they were taken.
func TestEvents_Close_GivesAllBack(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	spec := frames("ts", []window.Function{window.Count, window.Last}, window.Frame{Span: window.Length{Micros: 100}})
	e := window.NewEvents(spec)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	s := arrow.NewSchema([]flow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "v", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	if _, err := e.Open(ctx, s); err != nil {
		t.Fatal(err)
	}
	e.Keep(50, func(b flow.Batch) error { b.Release(); return nil })
	for range 3 { // all of one time: none is settled
		b := array.NewRecordBuilder(mem, s)
		b.Field(0).(*array.StringBuilder).Append("key")
		b.Field(1).(*array.TimestampBuilder).Append(7)
		b.Field(2).(*array.StringBuilder).Append("text")
		r := b.NewRecordBatch()
		b.Release()
		if err := e.Process(ctx, flow.Batch{Record: r}, nil); err != nil {
			t.Fatal(err)
		}
		r.Release()
	}
	e.Close()
	e.Close()
	mem.AssertSize(t, 0)
}

// Rules: S-802, S-805.
func TestEvents_Refuses(t *testing.T) {
	ok := func(change func(*window.EventSpec)) window.EventSpec {
		s := window.EventSpec{Partition: []string{"k"}, Order: "ts", Frames: []window.Frame{{Rows: 1}}, Aggregates: []window.Aggregate{aggregate("f", window.Sum, 1)}}
		change(&s)
		return s
	}
	span := func(l window.Length) func(*window.EventSpec) {
		return func(s *window.EventSpec) { s.Frames[0] = window.Frame{Span: l} }
	}
	for _, c := range []struct {
		name string
		spec window.EventSpec
		code fault.Code
		says string
	}{
		{"no frames", ok(func(s *window.EventSpec) { s.Frames = nil }), window.BadFrame, "no windows"},
		{"no length", ok(span(window.Length{})), window.BadFrame, "one length of time"},
		{"two lengths", ok(span(window.Length{Days: 1, Months: 1})), window.BadFrame, "one length of time"},
		{"rows and span", ok(func(s *window.EventSpec) { s.Frames[0].Span.Days = 1 }), window.BadFrame, "1 rows"},
		{"negative", ok(span(window.Length{Micros: -5})), window.BadFrame, "more than 0"},
		{"negative rows", ok(func(s *window.EventSpec) { s.Frames[0].Rows = -1 }), window.BadFrame, "-1 rows"},
		{"too long", ok(span(window.Length{Micros: math.MaxInt64})), window.BadFrame, "10000 years"},
		{"too many months", ok(span(window.Length{Months: math.MaxInt32})), window.BadFrame, "10000 years"},
		{"months of numbers", ok(func(s *window.EventSpec) { s.Order = "i"; span(window.Length{Months: 1})(s) }), window.BadFrame, `column "i" of numbers`},
		{"order by text", ok(func(s *window.EventSpec) { s.Order = "s" }), window.BadFrame, `column "s", which is string`},
		{"no order", ok(func(s *window.EventSpec) { s.Order = "x" }), window.MissingColumn, `no column "x"`},
		{"no partition", ok(func(s *window.EventSpec) { s.Partition = []string{"kk"} }), window.MissingColumn, `did you mean "k"?`},
		{"no aggregates", ok(func(s *window.EventSpec) { s.Aggregates = nil }), window.BadAggregate, "no aggregates"},
		{"outputs", ok(func(s *window.EventSpec) { s.Aggregates[0].Outputs = nil }), window.BadAggregate, "0 outputs: expected 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := record(nil)
			defer in.Release()
			_, err := window.NewEvents(c.spec).Open(context.Background(), in.Schema())
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want %s with %q", err, c.code, c.says)
			}
		})
	}
}

func TestEvents_BadRows(t *testing.T) {
	long := ofKey(1, 3, 0)
	long.v["i"] = int64(math.MaxInt64)
	spec := window.EventSpec{Partition: []string{"k"}, Order: "ts", Frames: []window.Frame{{Span: window.Length{Micros: 9}}}, Aggregates: []window.Aggregate{aggregate("i", window.Sum, 1)}}
	for _, c := range []struct {
		name   string
		events []event
		says   string
		code   fault.Code
	}{
		{"descends", []event{ofKey(1, 5, 0), ofKey(1, 7, 0), ofKey(1, 6, 0)}, "test:row 3", window.OutOfOrder},
		{"null after value", []event{ofKey(1, 5, 0), ofKey(1, noTime, 0)}, "test:row 2", window.OutOfOrder},
		{"overflow", []event{ofKey(0, 1, 1), long, long}, `feature "i__sum_a" of partition (k = 1), ts = 1970-01-01`, window.Overflow},
	} {
		for _, cuts := range [][]int{nil, {1}, {2}, {1, 2}} {
			if cuts != nil && cuts[0] >= len(c.events) {
				continue
			}
			_, err := run(window.NewEvents(spec), c.events, cuts...)
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want %s with %q", c.name, err, c.code, c.says)
			}
		}
	}
}

// Partitions may go to several copies.
func TestEvents_Forks_SameRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, events := drawEventSpec(t)
		var parts []string
		in := record(nil)
		defer in.Release()
		e := window.NewEvents(spec)
		out, err := e.Open(context.Background(), in.Schema())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range byKey(events) {
			f, err := e.Fork(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, rowsOf(t, reopened{f, out}, key)...)
		}
		differ(t, parts, rowsOf(t, window.NewEvents(spec), events))
	})
}

// reopened is a fork: it is open already.
type reopened struct {
	*window.Events
	out *flow.Schema
}

func (r reopened) Open(context.Context, *flow.Schema) (*flow.Schema, error) { return r.out, nil }
