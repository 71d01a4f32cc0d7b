package host_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
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

// ABI-M-012, ABI-P-012: a keyed program sees the rows of its keys in order over
// several workers, flushes at the end, and a failure ends the run.
func TestRun_KeyedProcessPlugin_RowsInOrder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"plugins/nth/manifest.json": `{"abi":"1.0","name":"nth","version":"1.0.0","kind":"keyed","input":{"columns":[]},"output":{"mode":"init"},
		"config_schema":{"type":"object","properties":{"half":{"type":"boolean","default":false},"fail":{"type":"string","default":""}}},
		"stateful":true,"deterministic":true}`})
	if text, err := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "plugins/nth/nth"), "./internal/process/testdata/nth_go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var want, events []string
	for id := range 20 {
		for n := range 1 + id {
			ts := fmt.Sprintf("2024-01-%02dT00:00:00Z", n+1)
			events = append(events, fmt.Sprintf("%d,%s,%d", id, ts, n))
			want = append(want, fmt.Sprintf("%d | 2024-01-%02d | %d", id, n+1, n+1))
		}
	}
	slices.Reverse(events) // the last come first
	slices.Sort(want)
	write(t, dir, map[string]string{"events.csv": "id,ts,x\n" + strings.Join(events, "\n") + "\n"})
	var got []string
	h := opened(t, dir, numbered(3, 7, ""), host.Options{})
	report, err := h.Run(t.Context(), host.RunOptions{DryRun: true, Preview: func(b flow.Batch) error {
		got = append(got, strings.Split(strings.TrimSpace(hosttest.Text(b.Record)), "\n")...)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || report.Used != int64(len(events)+20) {
		t.Errorf("%d rows, want %d; %d used, want a flushed one for each of 20 keys besides", len(got), len(want), report.Used)
	}
	for more, code := range map[string]fault.Code{
		`config = { fail = "flush" }`: abi.CodeData,
		`on_error = "skip"`:           abi.CodeConfig,
	} {
		h := opened(t, dir, numbered(2, 10, more), host.Options{})
		if _, err := h.Run(t.Context(), host.RunOptions{}); !fault.Is(err, code) {
			t.Errorf("%s: %v", more, err)
		}
	}
}
