package prepare

import (
	"context"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// benchRows makes sorted rows: groups of 8 rows, a value of few, a null in two.
func benchRows(b *testing.B) flow.Batch {
	const n = 8192
	s := hosttest.Record(b, "id bigint, ts bigint, c string, v double").Schema()
	r := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer r.Release()
	for i := range n {
		r.Field(0).(*array.Int64Builder).Append(int64(i / 64))
		r.Field(1).(*array.Int64Builder).Append(int64(i / 8))
		r.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("value %d", i%8))
		if i%2 == 0 {
			r.Field(3).AppendNull()
		} else {
			r.Field(3).(*array.Float64Builder).Append(float64(i))
		}
	}
	return flow.Batch{Record: r.NewRecordBatch()}
}

// BenchmarkSteps tells nanoseconds per row.
func BenchmarkSteps(b *testing.B) {
	in := benchRows(b)
	values := []any{"value 0", "value 1", "value 2", "value 3", "value 4", "value 5", "value 6", "value 7"}
	for _, c := range []struct {
		name string
		s    flow.Stage
	}{
		{"replace/none", newReplace(config.Replace{Column: "c", Values: map[string]string{"x": "y", "other": "z"}}, memory.DefaultAllocator)},
		{"replace/few", newReplace(config.Replace{Column: "c", Values: map[string]string{"value 1": "y", "other": "z"}}, memory.DefaultAllocator)},
		{"replace/all", newReplace(config.Replace{Column: "c", Values: map[string]string{
			"value 0": "a", "value 1": "b", "value 2": "c", "value 3": "d", "value 4": "e", "value 5": "f", "value 6": "g", "value 7": "h"}}, memory.DefaultAllocator)},
		{"forward_fill/double", newForwardFill(config.ForwardFill{PartitionBy: []string{"id"}, OrderBy: []string{"ts"}, Column: "v"}, memory.DefaultAllocator)},
		{"pivot/sum", newPivot(pivotOf("id,ts", "c", "v", "sum", values...), flow.Env{}, memory.DefaultAllocator)},
		{"pivot/sum, filled", newPivot(config.PivotStep{GroupBy: []string{"id", "ts"}, Column: "c", Value: "v", Aggregation: config.Function{Name: "sum"}, Values: values, ForwardFill: true}, flow.Env{}, memory.DefaultAllocator)},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx := context.Background()
			if _, err := c.s.Open(ctx, in.Record.Schema()); err != nil {
				b.Fatal(err)
			}
			defer func() { _ = c.s.Close() }()
			drop := func(b flow.Batch) error { b.Release(); return nil }
			b.ReportAllocs()
			for b.Loop() {
				if err := c.s.Process(ctx, in, drop); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(int64(b.N)*in.Rows()), "ns/row")
		})
	}
}
