// Command delay_score_flight is a sample plugin that runs as a process of its
// own: it scores how late a departure was beyond a threshold, eased by the wind.
// The twin of ../delay_score, which is a Wasm module. See README.md.
package main

import (
	"context"
	_ "embed"
	"encoding/json"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/pluginsdk/flight"
)

//go:embed manifest.json
var manifest []byte

type config struct {
	ThresholdMinutes float64 `json:"threshold_minutes"`
}

// open makes the function of a stage; the host has checked the config and the
// columns against the manifest.
func open(text json.RawMessage, _ *arrow.Schema) (flight.Transform, error) {
	var c config
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, flight.ConfigError("config: %w", err)
	}
	out := arrow.NewSchema([]arrow.Field{{Name: "delay_score", Type: arrow.PrimitiveTypes.Float64, Nullable: true}}, nil)
	return flight.Func(out, func(_ context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
		delay, wind := in.Column(0).(*array.Float64), in.Column(1).(*array.Float64)
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		defer b.Release()
		b.Reserve(delay.Len())
		for i := range delay.Len() {
			if delay.IsNull(i) {
				b.UnsafeAppendBoolToBitmap(false)
				continue
			}
			b.UnsafeAppend(score(delay.Value(i), known(wind, i), c.ThresholdMinutes))
		}
		scores := b.NewArray()
		defer scores.Release()
		return array.NewRecordBatch(out, []arrow.Array{scores}, in.NumRows()), nil
	}), nil
}

func known(wind *array.Float64, i int) float64 {
	if wind.IsNull(i) {
		return 0
	}
	return wind.Value(i)
}

func score(delay, wind, threshold float64) float64 {
	late := delay - threshold
	if late <= 0 {
		late = 0
	}
	return late / (1 + wind/10)
}

func main() { flight.Serve(manifest, open) }
