package window_test

import (
	"testing"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
)

// BenchmarkFunctions_ManyKeys sweeps 1M events of 100K keys over 90 days
// through three windows, one function over one column at a time.
func BenchmarkFunctions_ManyKeys(b *testing.B) {
	const events, keys, days = 1_000_000, 100_000, 90
	batches, extent := benchEvents(events, keys, days)
	benchmarkFunctions(b, batches, extent, events, flow.MicrosPerDay, 7, 14, 30)
}

// BenchmarkFunctions_HotKey sweeps 100K events of one key over 90 days, a label
// each hour, through a window of 30 days.
func BenchmarkFunctions_HotKey(b *testing.B) {
	const events, days = 100_000, 90
	batches, extent := benchEvents(events, 1, days)
	benchmarkFunctions(b, batches, extent, events, flow.MicrosPerDay/24, 30)
}

func benchmarkFunctions(b *testing.B, batches []flow.Batch, extent flow.Extent, events int, slide int64, days ...int64) {
	for _, f := range append(window.Functions(), window.ModeText, window.MostFrequentSetText) {
		spec := window.Spec{Keys: []string{"id"}, Time: "ts", Slide: window.Length{Micros: slide}, OnlyChanges: true}
		for _, d := range days {
			spec.Windows = append(spec.Windows, window.Length{Micros: d * flow.MicrosPerDay})
		}
		spec.Aggregates = []window.Aggregate{aggregate("amount", f, len(days))}
		name := f.String()
		if f >= window.ModeText {
			name += "_text"
		}
		b.Run(name, func(b *testing.B) {
			benchmark(b, func() flow.Stage { return window.NewSweep(spec) }, batches, extent, events)
		})
	}
}
