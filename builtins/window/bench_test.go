package window_test

import (
	"context"
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
	benchmark(b, spec, batches, extent, events)
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
	benchmark(b, spec, batches, extent, events)
}

func benchmark(b *testing.B, spec window.Spec, batches []flow.Batch, extent flow.Extent, events int) {
	ctx := context.Background()
	b.ReportAllocs()
	rows, cpu := int64(0), cpuTime()
	for b.Loop() {
		s := window.NewSweep(spec)
		if _, err := s.Open(ctx, batches[0].Record.Schema()); err != nil {
			b.Fatal(err)
		}
		s.Bound(extent)
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
