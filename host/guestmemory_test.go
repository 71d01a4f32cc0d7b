package host_test

import (
	"os"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// scored is a pipeline whose stage is a plugin.
func scored(pipeline, stage string) string {
	return head(pipeline+"\n") + `
[[reader]]
id = "events"
type = "file"
path = "events.csv"
format = "csv"
schema = { id = "bigint", ts = "timestamp", dep_delay = "double", wind_speed = "double" }
[[stage]]
use = "delay_score_c"
` + stage + `
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
[[feature_set.feature]]
name = "delay_score"
type = "double"
[[sink]]
type = "historical"
path = "out"
`
}

// scoring lays out what scored needs.
func scoring(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	module, err := os.ReadFile("../plugins/delay_score_c/delay_score_c.wasm")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{
		"plugins/delay_score_c/delay_score_c.wasm": string(module),
		"events.csv": "id,ts,dep_delay,wind_speed\n1,2024-01-01T00:00:00Z,5,10\n",
	})
	return dir
}

// The instances of modules have their part of the pipeline's memory and no more.
func TestHost_Memory_CoversGuests(t *testing.T) {
	for _, c := range []struct {
		name, pipeline, stage string
		most                  int64 // MiB
		warns                 string
	}{
		{"room for all", "workers = 2\nmemory = \"2GiB\"", "", 64, ""},
		{"as the stage says", "workers = 2\nmemory = \"2GiB\"", `limits = { memory = "32MiB" }`, 32, ""},
		{"many workers", "workers = 8\nmemory = \"1GiB\"", "", 18, ""},
		{"more than there is", "workers = 8\nmemory = \"1GiB\"", `limits = { memory = "512MiB" }`, 18, "18 MiB in place of 512"},
		{"at least", "workers = 8\nmemory = \"256MiB\"", "", 16, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := opened(t, scoring(t), scored(c.pipeline, c.stage), host.Options{})
			plan, err := h.Plan(t.Context(), flow.Interval{})
			if err != nil {
				t.Fatal(err)
			}
			if p := plan.Steps[0].Plugin; p == nil || p.Limits.Memory>>20 != c.most {
				t.Errorf("plugin %+v, want %d MiB", p, c.most)
			}
			report, err := h.Run(t.Context(), host.RunOptions{DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(report.Warnings, "\n"); (c.warns == "") != (text == "") || !strings.Contains(text, c.warns) {
				t.Errorf("warnings %q, want %q", text, c.warns)
			}
		})
	}
}

func TestCheck_MTLSOfAModule_Refused(t *testing.T) {
	h := opened(t, scoring(t), scored("", "mtls = true"), host.Options{})
	if _, err := h.Plan(t.Context(), flow.Interval{}); !fault.Is(err, abi.CodeConfig) || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("got %v", err)
	}
}
