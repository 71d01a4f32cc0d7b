// Command delay_score is a sample plugin: it scores how late a departure was
// beyond a threshold, eased by the wind. See README.md.
package main

import sdk "github.com/featurehost/featurehost/pluginsdk/go"

// Config is the plugin's configuration, and its working memory.
type Config struct {
	ThresholdMinutes float64 `json:"threshold_minutes"`

	wind []float64
}

func score(cfg *Config, in sdk.Batch, out *sdk.Builder) error {
	delay, scores := in.Float64("dep_delay"), out.Float64("delay_score")
	cfg.wind = in.Float64("wind_speed").Or(0, cfg.wind)
	scores.CopyNulls(delay.Nulls)
	threshold, wind := cfg.ThresholdMinutes, cfg.wind
	made := scores.Values()
	for i, d := range delay.Values() {
		late := d - threshold
		if late <= 0 { // max() of floats is a call in Go's Wasm
			late = 0
		}
		made[i] = late / (1 + wind[i]/10)
	}
	return nil
}

var plugin = sdk.Map(score, sdk.Field{Name: "delay_score", Type: "float64", Nullable: true})

func main() {}
