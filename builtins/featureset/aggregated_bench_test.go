package featureset

import (
	"context"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// BenchmarkSelect_Pivot makes the boolean columns of a pivot of few and of many
// texts.
func BenchmarkSelect_Pivot(b *testing.B) {
	few := []any{"NAA", "NBA", "NCA", "NDA", "NEA"}
	many := append([]any(nil), few...)
	for c := 'A'; c < 'Z'; c++ {
		many = append(many, "N"+string(c)+"B")
	}
	for _, c := range []struct {
		name   string
		values []any
	}{{"5", few}, {"30", many}} {
		b.Run(c.name, func(b *testing.B) {
			cfg := config.FeatureSet{
				Keys: []config.Key{{Name: "tailnum", Type: "string"}}, DeduplicateRows: true,
				Timestamp: config.Timestamp{From: "time_hour", Mask: "%Y-%m-%dT%H:%M:%SZ"},
				Features:  []config.Feature{{Name: "dep_delay", Aggregate: functions("avg")}, {Name: "distance", Aggregate: functions("sum")}},
				Pivot:     &config.Pivot{Column: "tailnum", Values: c.values},
			}
			in := flights(b)
			env, _, _ := hosttest.Env(b)
			set, err := New(cfg, flow.Interval{}, env)
			if err != nil {
				b.Fatal(err)
			}
			s := set.Steps()[0]
			defer s.Close()
			if _, err := s.Open(context.Background(), in.Schema()); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := s.Process(context.Background(), flow.Batch{Record: in}, func(x flow.Batch) error { x.Release(); return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8192, "ns/row")
		})
	}
}
