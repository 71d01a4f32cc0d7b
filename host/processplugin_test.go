package host_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// twins are the same transform as a module and as a program, in one folder.
func twins(t testing.TB, dir string) {
	t.Helper()
	for _, name := range []string{"delay_score_c/delay_score_c.wasm", "delay_score_flight/manifest.json"} {
		b, err := os.ReadFile(filepath.Join("../plugins", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, map[string]string{filepath.Join("plugins", name): string(b)})
	}
	program, err := filepath.Abs(filepath.Join(dir, "plugins/delay_score_flight/delay_score_flight"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("sh", "../plugins/delay_score_flight/build.sh", program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// A pipeline that uses a program gives the rows of one that uses a module, and
// differs in the plugin's name alone; the process ends with the run.
func TestRun_ProcessPlugin_SameRowsAsModule(t *testing.T) {
	dir := t.TempDir()
	twins(t, dir)
	var events strings.Builder
	events.WriteString("id,ts,dep_delay,wind_speed\n")
	for i := range 5000 {
		delay := fmt.Sprint(i%90 - 20)
		if i%11 == 0 {
			delay = ""
		}
		fmt.Fprintf(&events, "%d,2024-01-%02dT00:00:00Z,%s,%d\n", i, 1+i%28, delay, i%30)
	}
	write(t, dir, map[string]string{"events.csv": events.String()})
	rows := func(use string) string {
		h := opened(t, dir, head("workers = 2\nbatch_rows = 700\n")+`
[[reader]]
id = "events"
type = "file"
path = "events.csv"
format = "csv"
schema = { id = "bigint", ts = "timestamp", dep_delay = "double", wind_speed = "double" }
[[stage]]
use = "`+use+`"
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
`, host.Options{})
		var out strings.Builder
		if _, err := h.Run(t.Context(), host.RunOptions{DryRun: true, Preview: func(b flow.Batch) error {
			out.WriteString(hosttest.Text(b.Record))
			return nil
		}}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	module, program := rows("delay_score_c"), rows("delay_score_flight")
	if module != program || strings.Count(module, "\n") != 5000 {
		t.Errorf("%d rows by the module, %d by the program, the same: %t", strings.Count(module, "\n"), strings.Count(program, "\n"), module == program)
	}
}
