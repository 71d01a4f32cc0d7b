package online

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow"
)

// wide makes rows of 168 bytes: a key, a timestamp, 18 numbers, a text.
func wide(n int, time int64) flow.Record {
	columns := []column{{name: "id", typ: arrow.PrimitiveTypes.Int64}, {name: "timestamp", typ: arrow.FixedWidthTypes.Timestamp_us}}
	for i := range 18 {
		columns = append(columns, column{name: fmt.Sprintf("f%d", i), typ: arrow.PrimitiveTypes.Float64})
	}
	columns = append(columns, column{name: "name", typ: arrow.BinaryTypes.String})
	b := array.NewRecordBuilder(memory.DefaultAllocator, schemaOf(columns))
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i) * 7919)
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(time))
		for c := range 18 {
			b.Field(c + 2).(*array.Float64Builder).Append(float64(i*c) + 0.25)
		}
		b.Field(20).(*array.StringBuilder).Append("name-abc")
	}
	return b.NewRecordBatch()
}

func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkPublish loads 100,000 rows of 168 bytes into an empty table, then
// newer ones over them, durably, 1,000 to a transaction.
func BenchmarkPublish(b *testing.B) {
	for _, kind := range []string{"new", "newer", "stale"} {
		b.Run(kind, func(b *testing.B) {
			var spent time.Duration
			const rows = 100_000
			for b.Loop() {
				s := newStore(b)
				var p flow.Pending
				at := map[string]int64{"new": 2, "newer": 3, "stale": 1}[kind]
				r := wide(rows, at)
				if kind != "new" {
					old := wide(rows, 2)
					s.publish(s.prepare(0, old))
					old.Release()
				}
				var parts []flow.Record
				for i := int64(0); i < rows; i += 8192 {
					parts = append(parts, r.NewSlice(i, min(i+8192, rows)))
				}
				start := cpu()
				p = s.prepare(0, parts...)
				s.publish(p)
				spent += cpu() - start
				for _, x := range parts {
					x.Release()
				}
				r.Release()
			}
			b.ReportMetric(float64(rows)*float64(b.N)/spent.Seconds()/1000, "Krows/cpu-s")
		})
	}
}

// BenchmarkGet reports the median of single reads.
func BenchmarkGet(b *testing.B) {
	s := newStore(b)
	r := wide(100_000, 1)
	defer r.Release()
	s.publish(s.prepare(0, r))
	v := s.vectors()
	defer v.Close()
	var took []time.Duration
	i := int64(0)
	for b.Loop() {
		i = (i + 61) % 100_000
		start := time.Now()
		_, ok, err := v.Get(context.Background(), "user", "spend", map[string]string{"id": fmt.Sprint(i * 7919)})
		took = append(took, time.Since(start))
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-us")
}
