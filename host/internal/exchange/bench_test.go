package exchange

import (
	"context"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/flow"
)

// events makes n rows of (id, ts, v, n) in batches of 8192, with times
// ascending or shuffled.
func events(tb testing.TB, key string, n, keys int, shuffled bool) (*arrow.Schema, []arrow.RecordBatch) {
	tb.Helper()
	columns, lists := "id "+key+", ts timestamp, v double, n bigint", key == "array"
	if lists {
		columns = "id bigint, ts timestamp, v double, n bigint, l array<double>"
	}
	s, err := schema.Parse(columns)
	if err != nil {
		tb.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	var out []arrow.RecordBatch
	for i := range n {
		k := rnd.IntN(keys)
		switch x := b.Field(0).(type) {
		case *array.Int64Builder:
			x.Append(int64(k) * 7919)
		case *array.StringBuilder:
			x.Append("customer-" + string(rune('a'+k%26)) + string([]byte{byte('0' + k/1000%10), byte('0' + k/100%10), byte('0' + k/10%10), byte('0' + k%10)}))
		}
		at := int64(i) * 31_000_000
		if shuffled {
			at = rnd.Int64N(int64(n)) * 31_000_000
		}
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + at))
		b.Field(2).(*array.Float64Builder).Append(rnd.Float64())
		b.Field(3).(*array.Int64Builder).Append(int64(i))
		if lists {
			l := b.Field(4).(*array.ListBuilder)
			l.Append(true)
			for range i % 4 {
				l.ValueBuilder().(*array.Float64Builder).Append(1)
			}
		}
		if (i+1)%8192 == 0 || i == n-1 {
			out = append(out, b.NewRecordBatch())
		}
	}
	return s, out
}

func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func BenchmarkExchange_1M(b *testing.B) {
	for _, c := range []struct {
		name, key  string
		keys       int
		shuffled   bool
		budget     int64
		partitions int
	}{
		{"memory", "bigint", 10_000, false, 1 << 30, 2},
		{"shuffled", "bigint", 10_000, true, 1 << 30, 2},
		{"many_keys", "bigint", 500_000, false, 1 << 30, 2},
		{"text_keys", "string", 10_000, false, 1 << 30, 2},
		{"with_lists", "array", 10_000, false, 1 << 30, 2},
		{"hot_key", "bigint", 1, true, 1 << 30, 2},
		{"spill_32MiB", "bigint", 10_000, false, 32 << 20, 2},
		{"spill_32MiB_shuffled", "bigint", 10_000, true, 32 << 20, 2},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, batches := events(b, c.key, 1_000_000, c.keys, c.shuffled)
			ctx := context.Background()
			var stats Stats
			from := cpu()
			for b.Loop() {
				x, err := New(Options{Schema: s, Order: flow.Order{Keys: []string{"id"}, Time: "ts", Ties: []string{"id", "n", "ts", "v"}},
					MemoryBytes: c.budget, Scratch: b.TempDir(), Workers: 2, Partitions: c.partitions})
				if err != nil {
					b.Fatal(err)
				}
				for _, r := range batches {
					if err := x.Add(ctx, flow.Batch{Record: r}); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := x.Finish(ctx); err != nil {
					b.Fatal(err)
				}
				rows := int64(0)
				for _, p := range x.Partitions() {
					for {
						out, err := p.Next(ctx)
						if err == io.EOF {
							break
						}
						if err != nil {
							b.Fatal(err)
						}
						rows += out.Rows()
						out.Release()
					}
				}
				if rows != 1_000_000 {
					b.Fatalf("%d rows", rows)
				}
				stats = x.Stats()
				if err := x.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpu()-from)/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(stats.PeakBytes)/(1<<20), "peak-MiB")
			b.ReportMetric(float64(stats.Runs), "runs")
		})
	}
}
