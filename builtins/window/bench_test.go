package window_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
)

// BenchmarkSweep_1M sweeps 1M events of 100K keys over 90 days through three
// windows, count, avg and sum of two columns: 18 features.
func BenchmarkSweep_1M(b *testing.B) {
	const events, keys, days = 1_000_000, 100_000, 90
	batches, extent := benchEvents(events, keys, days)
	spec := window.Spec{
		Keys: []string{"id"}, Time: "ts", Slide: window.Length{Micros: flow.MicrosPerDay}, OnlyChanges: true,
		Windows: []window.Length{{Micros: 7 * flow.MicrosPerDay}, {Micros: 14 * flow.MicrosPerDay}, {Micros: 30 * flow.MicrosPerDay}},
	}
	for _, c := range []string{"amount", "quantity"} {
		for _, f := range []window.Function{window.Count, window.Avg, window.Sum} {
			spec.Aggregates = append(spec.Aggregates, aggregate(c, f, 3))
		}
	}
	benchmark(b, func() flow.Stage { return window.NewSweep(spec) }, batches, extent, events)
}

// BenchmarkSweep_MinMaxStddev is the same with other functions.
func BenchmarkSweep_MinMaxStddev(b *testing.B) {
	const events, keys, days = 200_000, 20_000, 90
	batches, extent := benchEvents(events, keys, days)
	spec := window.Spec{
		Keys: []string{"id"}, Time: "ts", Slide: window.Length{Micros: flow.MicrosPerDay}, OnlyChanges: true,
		Windows: []window.Length{{Micros: 7 * flow.MicrosPerDay}, {Micros: 14 * flow.MicrosPerDay}, {Micros: 30 * flow.MicrosPerDay}},
	}
	for _, f := range []window.Function{window.Min, window.Max, window.First, window.Last, window.StddevPop, window.StddevSamp} {
		spec.Aggregates = append(spec.Aggregates, aggregate("amount", f, 3))
	}
	benchmark(b, func() flow.Stage { return window.NewSweep(spec) }, batches, extent, events)
}

// BenchmarkEvents_1M adds to each of 1M events of 100K keys its last 7 and 30
// days: count, avg and sum of two columns.
func BenchmarkEvents_1M(b *testing.B) {
	benchmarkEvents(b, window.Frame{Span: window.Length{Days: 7}}, window.Frame{Span: window.Length{Days: 30}})
}

// BenchmarkEvents_Months is the same with 1 and 3 months.
func BenchmarkEvents_Months(b *testing.B) {
	benchmarkEvents(b, window.Frame{Span: window.Length{Months: 1}}, window.Frame{Span: window.Length{Months: 3}})
}

// BenchmarkEvents_Rows is the same with the last 3 and 10 rows.
func BenchmarkEvents_Rows(b *testing.B) {
	benchmarkEvents(b, window.Frame{Rows: 3}, window.Frame{Rows: 10})
}

func benchmarkEvents(b *testing.B, frames ...window.Frame) {
	const events, keys, days = 1_000_000, 100_000, 90
	batches, extent := benchEvents(events, keys, days)
	spec := window.EventSpec{Partition: []string{"id"}, Order: "ts", Frames: frames}
	for _, c := range []string{"amount", "quantity"} {
		for _, f := range []window.Function{window.Count, window.Avg, window.Sum} {
			spec.Aggregates = append(spec.Aggregates, aggregate(c, f, len(frames)))
		}
	}
	benchmark(b, func() flow.Stage { return window.NewEvents(spec) }, batches, extent, events)
}

// BenchmarkSweep_Pivot sweeps 200K events through 20 lanes.
func BenchmarkSweep_Pivot(b *testing.B) {
	const events, keys, days, values = 200_000, 20_000, 90, 20
	batches, extent := benchEvents(events, keys, days)
	spec := window.Spec{
		Keys: []string{"id"}, Time: "ts", Slide: window.Length{Micros: flow.MicrosPerDay}, OnlyChanges: true,
		Windows: []window.Length{{Micros: 7 * flow.MicrosPerDay}, {Micros: 30 * flow.MicrosPerDay}},
	}
	for v := range values {
		name := fmt.Sprint("is ", v)
		for _, f := range []window.Function{window.Count, window.Sum} {
			a := aggregate("amount", f, 2)
			a.Where = name
			spec.Aggregates = append(spec.Aggregates, a)
		}
	}
	row := 0
	for i, x := range batches {
		columns, fields := x.Record.Columns(), x.Record.Schema().Fields()
		for v := range values {
			w := array.NewBooleanBuilder(memory.DefaultAllocator)
			for r := range int(x.Rows()) {
				w.Append((row+r)*7919%values == v)
			}
			columns, fields = append(columns, w.NewArray()), append(fields, flow.Field{Name: fmt.Sprint("is ", v), Type: arrow.FixedWidthTypes.Boolean})
		}
		row += int(x.Rows())
		batches[i].Record = array.NewRecordBatch(flow.NewSchema(fields), columns, x.Rows())
	}
	benchmark(b, func() flow.Stage { return window.NewSweep(spec) }, batches, extent, events)
}

// BenchmarkSweep_Distinct keeps one row of each quantity.
func BenchmarkSweep_Distinct(b *testing.B) {
	const events, keys, days = 200_000, 20_000, 90
	batches, extent := benchEvents(events, keys, days)
	spec := window.Spec{
		Keys: []string{"id"}, Time: "ts", Slide: window.Length{Micros: flow.MicrosPerDay}, OnlyChanges: true,
		Windows:    []window.Length{{Micros: 7 * flow.MicrosPerDay}, {Micros: 30 * flow.MicrosPerDay}},
		Distinct:   &window.Distinct{Columns: []string{"quantity"}},
		Aggregates: []window.Aggregate{aggregate("amount", window.Count, 2), aggregate("amount", window.Sum, 2)},
	}
	benchmark(b, func() flow.Stage { return window.NewSweep(spec) }, batches, extent, events)
}

func benchmark(b *testing.B, stage func() flow.Stage, batches []flow.Batch, extent flow.Extent, events int) {
	ctx := context.Background()
	b.ReportAllocs()
	rows, cpu := int64(0), cpuTime()
	for b.Loop() {
		s := stage()
		if _, err := s.Open(ctx, batches[0].Record.Schema()); err != nil {
			b.Fatal(err)
		}
		if x, ok := s.(flow.Bounded); ok {
			x.Bound(extent)
		}
		emit := func(out flow.Batch) error {
			rows += out.Rows()
			out.Release()
			return nil
		}
		for _, x := range batches {
			if err := s.Process(ctx, x, emit); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Flush(ctx, emit); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
	b.ReportMetric(float64(rows)/float64(b.N), "rows")
	b.ReportMetric(float64((cpuTime()-cpu).Milliseconds())/float64(b.N), "cpu-ms/op")
}

// benchEvents draws events as bench/ does: uniform keys and times, amounts
// of two decimals from a gamma distribution, 2 % of them null.
func benchEvents(n, keys, days int) ([]flow.Batch, flow.Extent) {
	type row struct {
		id, ts, quantity int64
		amount           float64
		null             bool
	}
	const start = 1_704_067_200_000_000
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([]row, n)
	x := flow.Extent{Rows: int64(n), MinTime: math.MaxInt64, MaxTime: math.MinInt64, Timed: true}
	for i := range rows {
		rows[i] = row{
			id: rng.Int64N(int64(keys)) + 1, ts: start + rng.Int64N(int64(days)*86_400_000)*1000,
			quantity: rng.Int64N(9) + 1, null: rng.Float64() < 0.02,
			amount: math.Round(100*50*(rng.ExpFloat64()+rng.ExpFloat64())) / 100,
		}
		x.MinTime, x.MaxTime = min(x.MinTime, rows[i].ts), max(x.MaxTime, rows[i].ts)
	}
	slices.SortFunc(rows, func(a, b row) int {
		if a.id != b.id {
			return int(a.id - b.id)
		}
		return int(a.ts - b.ts)
	})
	s, err := schema.Parse("id bigint, ts timestamp, amount double, quantity bigint")
	if err != nil {
		panic(err)
	}
	var out []flow.Batch
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for i, r := range rows {
		b.Field(0).(*array.Int64Builder).Append(r.id)
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(r.ts))
		if r.null {
			b.Field(2).AppendNull()
		} else {
			b.Field(2).(*array.Float64Builder).Append(r.amount)
		}
		b.Field(3).(*array.Int64Builder).Append(r.quantity)
		if i%8192 == 8191 || i == n-1 {
			out = append(out, flow.Batch{Record: b.NewRecordBatch()})
		}
	}
	return out, x
}
