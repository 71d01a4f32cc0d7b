package featureset

import (
	"context"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// plainBench is the set that Select's and Fold's benchmarks run.
func plainBench(features ...config.Feature) config.FeatureSet {
	return config.FeatureSet{
		Keys: []config.Key{{Name: "tailnum", Type: "string"}}, Timestamp: config.Timestamp{From: "time_hour", Mask: "%Y-%m-%dT%H:%M:%SZ"}, Features: features,
	}
}

func benchSelect(b *testing.B, in arrow.RecordBatch, cfg config.FeatureSet) {
	env, _, _ := hosttest.Env(b)
	set, err := New(cfg, flow.Interval{}, env)
	if err != nil {
		b.Fatal(err)
	}
	s := set.Steps()[0]
	if _, err := s.Open(context.Background(), in.Schema()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Process(context.Background(), flow.Batch{Record: in}, func(x flow.Batch) error { x.Release(); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(in.NumRows()), "ns/row")
}

func BenchmarkSelectPlain(b *testing.B) {
	in := flights(b)
	for _, c := range []struct {
		name     string
		features []config.Feature
	}{
		{"copies", []config.Feature{{Name: "dep_delay", Type: "float"}, {Name: "distance"}}},
		{"functions", []config.Feature{{Name: "distance", Function: functions("log", "abs", "round")}, {Name: "tail", From: "tailnum", Function: functions("lower", "length")}}},
		{"cells", []config.Feature{{Name: "geo", H3: &config.H3{Lat: "dep_delay", Lng: "distance", Resolutions: []int{5, 9}}}}},
		{"stack", []config.Feature{{Name: "s", Stack: []string{"d*"}}}},
	} {
		b.Run(c.name, func(b *testing.B) { benchSelect(b, in, plainBench(c.features...)) })
	}
}

// BenchmarkFoldPlain folds rows of a plain set, whose columns pass as they are,
// and of one with windows.
func BenchmarkFoldPlain(b *testing.B) {
	week := config.FeatureWindow{Fixed: []config.TimeSpan{span(1, "hour"), span(3, "hours")}}
	for _, c := range []struct {
		name     string
		features []config.Feature
	}{
		{"copies", []config.Feature{{Name: "dep_delay"}, {Name: "distance"}}},
		{"windows", []config.Feature{{Name: "dep_delay", Function: functions("sum", "count"), Window: &week}, {Name: "distance", Function: functions("avg"), Window: &week}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			env, _, _ := hosttest.Env(b)
			set, err := New(plainBench(c.features...), flow.Interval{}, env)
			if err != nil {
				b.Fatal(err)
			}
			in := flights(b)
			ctx := context.Background()
			sel, fold := set.Steps()[0], set.Fold()
			mid, err := sel.Open(ctx, in.Schema())
			if err != nil {
				b.Fatal(err)
			}
			if _, err := fold.Open(ctx, mid); err != nil {
				b.Fatal(err)
			}
			var rows hosttest.Recorder
			if err := sel.Process(ctx, flow.Batch{Record: in}, rows.Emit); err != nil {
				b.Fatal(err)
			}
			sorted := sortRows(b, &rows, mid, fold.Order())
			b.ReportAllocs()
			for b.Loop() {
				f, err := fold.Fork(ctx)
				if err != nil {
					b.Fatal(err)
				}
				emit := func(x flow.Batch) error { x.Release(); return nil }
				if err := f.Process(ctx, flow.Batch{Record: sorted}, emit); err != nil {
					b.Fatal(err)
				}
				if err := f.Flush(ctx, emit); err != nil {
					b.Fatal(err)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(in.NumRows()), "ns/row")
		})
	}
}
