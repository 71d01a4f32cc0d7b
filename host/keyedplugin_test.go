package host_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// counting is a keyed plugin that numbers the rows of each key.
func counting(t testing.TB, dir string) {
	t.Helper()
	code, err := os.ReadFile("internal/wasm/testdata/nth.wasm")
	if err != nil {
		t.Fatal(err)
	}
	w, err := abi.Pack(code, []byte(`{"abi":"1.0","name":"nth","version":"1.0.0","kind":"keyed","input":{"columns":[]},"output":{"mode":"init"},
		"config_schema":{"type":"object","properties":{"half":{"type":"boolean","default":false},"fail":{"type":"string","default":""}}},
		"stateful":true,"deterministic":true}`))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"plugins/nth.wasm": string(w)})
}

// numbered is a pipeline whose feature is the number of a row among those of
// its key.
func numbered(workers, batch int, more string) string {
	return head(fmt.Sprintf("workers = %d\nbatch_rows = %d\n", workers, batch)) + `
[[reader]]
id = "events"
type = "file"
path = "events.csv"
format = "csv"
schema = { id = "bigint", ts = "timestamp", x = "double" }
[[stage]]
use = "nth"
keys = ["id"]
time = "ts"
` + more + `
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
[[feature_set.feature]]
name = "nth"
type = "bigint"
[[sink]]
type = "historical"
path = "out"
`
}

// ABI-M-012, ABI-M-016: a keyed plugin sees the rows of a key in order of time,
// however they came, were cut into batches and spread over workers; what it
// flushes follows.
func TestRun_KeyedPlugin_RowsInOrderWhateverTheCut(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	var want, events []string
	for id := range 40 {
		for n := range 1 + rng.IntN(30) {
			ts := fmt.Sprintf("2024-01-%02dT00:00:00Z", n+1)
			events = append(events, fmt.Sprintf("%d,%s,%d", id, ts, rng.IntN(9)))
			want = append(want, fmt.Sprintf("%d | 2024-01-%02d | %d", id, n+1, n+1))
		}
	}
	slices.Sort(want)
	for _, c := range [][2]int{{1, 8192}, {1, 1}, {2, 7}, {3, 64}, {4, 8192}} {
		rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		dir := t.TempDir()
		counting(t, dir)
		write(t, dir, map[string]string{"events.csv": "id,ts,x\n" + strings.Join(events, "\n") + "\n"})
		h := opened(t, dir, numbered(c[0], c[1], ""), host.Options{})
		var got []string
		report, err := h.Run(t.Context(), host.RunOptions{DryRun: true, Preview: func(b flow.Batch) error {
			got = append(got, strings.Split(strings.TrimSpace(hosttest.Text(b.Record)), "\n")...)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%d workers, batches of %d: %d rows, want %d; the first are %q, want %q", c[0], c[1], len(got), len(want), got[:3], want[:3])
		}
		if report.Used != int64(len(events)+40) {
			t.Errorf("%d rows used, want %d and a flushed one for each of 40 keys", report.Used, len(events))
		}
		if x := report.Balance; x == nil || x.Made != 40 || x.Read != int64(len(events)) || x.Used != report.Used || x.Folded != 0 || report.Folded["nth"] != -40 {
			t.Errorf("the balance is %+v, folded %v", x, report.Folded)
		}
	}
}

// A keyed plugin that fails ends the run: it cannot be tried again.
func TestRun_KeyedPlugin_Failures(t *testing.T) {
	dir := t.TempDir()
	counting(t, dir)
	write(t, dir, map[string]string{"events.csv": "id,ts,x\n1,2024-01-01T00:00:00Z,1\n"})
	for more, code := range map[string]fault.Code{
		`config = { fail = "trap" }`:  abi.CodeTrap,
		`config = { fail = "flush" }`: abi.CodeData,
		`on_error = "skip"`:           abi.CodeConfig,
	} {
		h := opened(t, dir, numbered(2, 10, more), host.Options{})
		_, err := h.Run(t.Context(), host.RunOptions{})
		if !fault.Is(err, code) || !strings.Contains(err.Error(), `stage "nth"`) && !strings.Contains(err.Error(), "p.toml:13:1") {
			t.Errorf("%s: %v", more, err)
		}
	}
	f := strings.Replace(numbered(1, 10, ""), "keys = [\"id\"]\ntime = \"ts\"\n", "", 1)
	h := opened(t, dir, f, host.Options{})
	if _, err := h.Run(t.Context(), host.RunOptions{}); !fault.Is(err, abi.CodeConfig) || !strings.Contains(err.Error(), `keys = ["..."]`) {
		t.Errorf("without keys: %v", err)
	}
}
