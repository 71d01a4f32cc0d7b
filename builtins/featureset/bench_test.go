package featureset

import (
	"context"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// flights makes a batch the size pipelines use: a text key of 500 values, a
// text timestamp, two doubles with nulls.
func flights(b testing.TB) arrow.RecordBatch {
	s := hosttest.Record(b, "tailnum string, time_hour string, dep_delay double, distance double").Schema()
	rb := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer rb.Release()
	for i := range 8192 {
		rb.Field(0).(*array.StringBuilder).Append("N" + string(rune('A'+i%26)) + string(rune('A'+i/26%20)))
		rb.Field(1).(*array.StringBuilder).Append("2013-01-01T0" + string(rune('0'+i%10)) + ":00:00Z")
		if i%50 == 0 {
			rb.Field(2).AppendNull()
		} else {
			rb.Field(2).(*array.Float64Builder).Append(float64(i % 91))
		}
		rb.Field(3).(*array.Float64Builder).Append(float64(i))
	}
	return rb.NewRecordBatch()
}

func BenchmarkSelect(b *testing.B) {
	cfg := config.FeatureSet{
		Keys: []config.Key{{Name: "tailnum", Type: "string"}}, DeduplicateRows: true,
		Timestamp: config.Timestamp{From: "time_hour", Mask: "%Y-%m-%dT%H:%M:%SZ"},
		Features:  []config.Feature{{Name: "dep_delay", Aggregate: functions("avg")}, {Name: "distance", Aggregate: functions("sum")}},
	}
	in := flights(b)
	env, _, _ := hosttest.Env(b)
	set, _ := New(cfg, flow.Interval{}, env)
	s := set.Steps()[0].(*Select)
	if _, err := s.Open(context.Background(), in.Schema()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Process(context.Background(), flow.Batch{Record: in}, func(x flow.Batch) error { x.Release(); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8192, "ns/row")
}

// BenchmarkTrim removes duplicates from a table of 18 doubles, half of whose
// rows repeat.
func BenchmarkTrim(b *testing.B) {
	fields := []arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "timestamp", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true}}
	for range 18 {
		fields = append(fields, arrow.Field{Name: "v" + string(rune('a'+len(fields))), Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	}
	rb := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer rb.Release()
	for i := range 8192 {
		rb.Field(0).(*array.Int64Builder).Append(int64(i / 64))
		rb.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(i))
		for c := 2; c < 20; c++ {
			if i/2%10 == 0 {
				rb.Field(c).AppendNull()
			} else {
				rb.Field(c).(*array.Float64Builder).Append(float64(i / 2 * c))
			}
		}
	}
	r := rb.NewRecordBatch()
	s := &Set{mem: memory.DefaultAllocator}
	s.cfg.Keys = []config.Key{{Name: "id"}}
	s.cfg.DeduplicateRows = true
	env, _, _ := hosttest.Env(b)
	s.env = env
	t := s.newTrim(20)
	b.ReportAllocs()
	for b.Loop() {
		out, err := t.apply(r)
		if err != nil {
			b.Fatal(err)
		}
		out.Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8192, "ns/row")
	t.release()
}
