package main

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/featurehost/featurehost/pluginsdk/go/sdktest"
)

// The rows beside the plugin, natively. The configuration's defaults are the
// host's to fill in, so they are written out here.
func TestScore_Rows(t *testing.T) {
	b, err := os.ReadFile("testdata/rows.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Config map[string]float64
		Rows   [][3]string
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if _, ok := c.Config["threshold_minutes"]; !ok {
			c.Config["threshold_minutes"] = 15
		}
		config, _ := json.Marshal(c.Config)
		rows := make([]sdktest.Row, len(c.Rows))
		for i, r := range c.Rows {
			rows[i] = sdktest.Row{"dep_delay": value(t, r[0]), "wind_speed": value(t, r[1])}
		}
		for i, got := range sdktest.Run(t, plugin, "manifest.json", string(config), rows...) {
			if text(got["delay_score"]) != c.Rows[i][2] {
				t.Errorf("%s, row %v: got %v", config, c.Rows[i], got["delay_score"])
			}
		}
	}
}

func value(t *testing.T, s string) any {
	if s == "null" {
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func text(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return "null"
}
