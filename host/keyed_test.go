package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
	"github.com/featurehost/featurehost/host/pipelinetest"
)

func everything() *parts.Catalog {
	c := &parts.Catalog{}
	builtins.Register(c)
	connectors.Register(c)
	return c
}

// write puts files into a folder.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// opened gives a host for dir/p.toml.
func opened(t testing.TB, dir, text string, o host.Options) *host.Host {
	t.Helper()
	write(t, dir, map[string]string{"p.toml": text})
	f, err := config.Load(filepath.Join(dir, "p.toml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.Catalog == nil {
		o.Catalog = everything()
	}
	h, err := host.New(f, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// preview computes a pipeline without writing, and gives its feature table.
func preview(t testing.TB, h *host.Host, i flow.Interval) (string, *host.Report) {
	t.Helper()
	var b strings.Builder
	report, err := h.Run(context.Background(), host.RunOptions{Interval: i, DryRun: true, Preview: func(x flow.Batch) error {
		b.WriteString(hosttest.Text(x.Record))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), report
}

const readingsReader = `
[[reader]]
id = "readings"
type = "file"
path = "readings.jsonl"
format = "json"
schema = { id = "bigint", ts = "timestamp", kind = "string", v = "double", room = "string" }
`

const tempSet = `
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
deduplicate_rows = false
[[feature_set.feature]]
name = "temp"
type = "double"
[[feature_set.feature]]
name = "hum"
type = "double"
[[sink]]
type = "historical"
path = "out"
`

const pivotStep = `
[[reader.prepare]]
use = "pivot"
group_by = ["id", "ts"]
column = "kind"
value = "v"
aggregation = "first"
`

// head is a pipeline's first lines.
func head(lines string) string { return "version = 1\n[pipeline]\nname = \"p\"\n" + lines }

const readings = `{"id": 1, "ts": "2026-01-01T10:00:00Z", "kind": "temp", "v": 20.5, "room": "a"}
{"id": 1, "ts": "2026-01-01T10:00:00Z", "kind": "hum", "v": 40, "room": "a"}
{"id": 1, "ts": "2026-01-02T10:00:00Z", "kind": "hum", "v": 41, "room": "a"}
{"id": null, "ts": "2026-01-02T10:00:00Z", "kind": "hum", "v": 1, "room": "a"}
{"id": 2, "ts": "2026-01-03T10:00:00Z", "kind": "temp", "v": 21.5, "room": "b"}
{"id": 2, "ts": "2026-01-03T10:00:00Z", "kind": "noise", "v": 99, "room": "b"}
`

func day(t testing.TB, start, end string) flow.Interval {
	t.Helper()
	i, err := flow.ParseInterval(start, end)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestRun_PivotWithoutValues_FoundInTheData: check, plan and run find the same
// columns; the interval is cut behind the pivot; rows balance.
// Rules: S-501, S-504, S-1608.
func TestRun_PivotWithoutValues_FoundInTheData(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"readings.jsonl": readings})
	text := head("") + readingsReader + "incremental = { column = \"ts\" }\n" + pivotStep + tempSet
	h := opened(t, dir, text, host.Options{})
	plan, err := h.Plan(t.Context(), day(t, "2026-01-02", "2026-01-03"))
	if err != nil {
		t.Fatal(err)
	}
	prepare := plan.Readers[0].Prepare
	var columns []string
	for _, c := range prepare[0].Output {
		columns = append(columns, c.Name)
	}
	if !slices.Equal(columns, []string{"id", "ts", "hum", "noise", "temp"}) || prepare[0].Kind != "fold" || !slices.Equal(prepare[0].Groups, []string{"id", "ts"}) {
		t.Errorf("%+v", prepare[0])
	}
	if len(prepare) != 2 || prepare[1].Name != "readings: interval" {
		t.Errorf("%+v", prepare[1:])
	}
	got, report := preview(t, h, day(t, "2026-01-02", "2026-01-03"))
	if want := "1 | 2026-01-02T10:00:00Z | null | 41\n2 | 2026-01-03T10:00:00Z | 21.5 | null\n"; got != want {
		t.Errorf("got\n%s", got)
	}
	if report.Readers["readings"].Rows != 6 || report.Folded["pivot"] != 2 || report.Rejected["null_key"] != 1 {
		t.Errorf("%+v", report)
	}
	entries, err := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("featurehost-scratch-%d", os.Getuid()), "*", "ahead-*"))
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".featurehost")); err == nil {
		t.Error("a look at the rows left a state folder")
	}
}

// Rule: S-504.
func TestCheck_PivotOfTooManyValues_ToldAtTheStep(t *testing.T) {
	var rows strings.Builder
	for i := range 1100 {
		fmt.Fprintf(&rows, "{\"id\": 1, \"ts\": \"2026-01-01T10:00:00Z\", \"kind\": \"k%d\", \"v\": 1}\n", i)
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"readings.jsonl": rows.String()})
	h := opened(t, dir, head("")+readingsReader+pivotStep+tempSet, host.Options{})
	_, err := h.Plan(t.Context(), flow.Interval{})
	if !fault.Is(err, 7041) || !strings.Contains(err.Error(), "p.toml:12:") {
		t.Errorf("got %v", err)
	}
}

// randomReadings are rows with ties, nulls and odd values.
func randomReadings(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		row := map[string]any{
			"id": r.IntN(4), "ts": fmt.Sprintf("2026-01-%02dT%02d:00:00Z", 1+r.IntN(6), r.IntN(4)*6),
			"kind": []string{"temp", "hum", "TEMP"}[r.IntN(3)], "v": float64(r.IntN(8)) / 2, "room": fmt.Sprint("room ", r.IntN(3)),
		}
		if r.IntN(4) == 0 {
			row["v"] = nil
		}
		line, _ := json.Marshal(row)
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// joined has keyed steps in front of a query and behind it.
const joined = `
[[reader.prepare]]
use = "replace"
column = "kind"
values = { TEMP = "temp" }
[[reader.prepare]]
use = "forward_fill"
partition_by = ["id", "kind"]
order_by = ["ts"]
column = "v"
[[reader.prepare]]
use = "filter"
where = "v IS NULL OR v <> 1"
[[reader.prepare]]
use = "pivot"
group_by = ["id", "room", "ts"]
column = "kind"
value = "v"
aggregation = "last"
forward_fill = true
[[reader]]
id = "rooms"
type = "file"
path = "rooms.jsonl"
format = "json"
schema = { room = "string", n = "bigint", note = "string" }
[[reader.prepare]]
use = "forward_fill"
order_by = ["room"]
column = "n"
[query]
sql = "SELECT r.*, rooms.n FROM readings r JOIN rooms USING (room)"
[[stage]]
use = "forward_fill"
partition_by = ["room"]
order_by = ["ts", "id"]
column = "temp"
into = "warmest"
[[stage]]
use = "filter"
where = "n < 30"
`

// TestRun_KeyedStepsAroundAQuery_SameInEveryConfiguration: workers, batches
// and memory change the time and nothing else.
// Rules: S-503, S-504, S-1601, S-1602.
func TestRun_KeyedStepsAroundAQuery_SameInEveryConfiguration(t *testing.T) {
	set := strings.Replace(tempSet, "[[sink]]", "[[feature_set.feature]]\nname = \"warmest\"\ntype = \"double\"\n[[feature_set.feature]]\nname = \"n\"\ntype = \"bigint\"\n[[sink]]", 1)
	r := rand.New(rand.NewPCG(1, 2))
	rows := randomReadings(r, 400)
	rooms := "{\"room\": \"room 0\", \"n\": 10, \"note\": \"x\"}\n{\"room\": \"room 1\", \"n\": null}\n{\"room\": \"room 2\", \"n\": 30}\n"
	first := ""
	for i, lines := range []string{"workers = 1\n", "workers = 3\nbatch_rows = 7\n", "workers = 2\nmemory = \"256MiB\"\nbatch_rows = 64\n"} {
		dir := t.TempDir()
		shuffled := strings.SplitAfter(strings.TrimSuffix(rows, "\n"), "\n")
		r.Shuffle(len(shuffled), func(a, b int) {
			shuffled[a], shuffled[b] = strings.TrimSuffix(shuffled[b], "\n")+"\n", strings.TrimSuffix(shuffled[a], "\n")+"\n"
		})
		write(t, dir, map[string]string{"readings.jsonl": strings.Join(shuffled, ""), "rooms.jsonl": rooms})
		got, report := preview(t, opened(t, dir, head(lines)+readingsReader+joined+set, host.Options{}), flow.Interval{})
		if i == 0 {
			first = got
		}
		if got != first || strings.Count(got, "\n") < 30 {
			t.Errorf("%q gives other rows:\n%s\nnot\n%s", lines, got, first)
		}
		var names []string
		for _, s := range report.Stages {
			names = append(names, s.Name)
		}
		want := []string{
			"readings", "replace", "forward_fill: exchange", "forward_fill", "filter", "pivot: exchange", "pivot",
			"rooms", "forward_fill#2: exchange", "forward_fill#2", "query", "forward_fill#3: exchange", "forward_fill#3", "filter#2",
			"s: select", "exchange", "s", "preview",
		}
		if !slices.Equal(names, want) {
			t.Errorf("stages %q", names)
		}
	}
}

// TestRun_IntervalsBehindAPivot_UnionIsTheWhole: the filter behind the steps
// lets context through and no rows of other days out.
// Rules: S-501, S-1104.
func TestRun_IntervalsBehindAPivot_UnionIsTheWhole(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"readings.jsonl": randomReadings(rand.New(rand.NewPCG(3, 4)), 200)})
	filling := pivotStep + "forward_fill = true\n"
	h := opened(t, dir, head("")+readingsReader+"incremental = { column = \"ts\" }\n"+filling+tempSet, host.Options{})
	whole, _ := preview(t, h, flow.Interval{})
	var union []string
	for _, i := range []flow.Interval{day(t, "", "2026-01-02"), day(t, "2026-01-03", "2026-01-03"), day(t, "2026-01-04", "")} {
		got, _ := preview(t, h, i)
		union = append(union, strings.SplitAfter(got, "\n")...)
	}
	want := strings.SplitAfter(whole, "\n")
	slices.Sort(union)
	slices.Sort(want)
	union, want = slices.DeleteFunc(union, empty), slices.DeleteFunc(want, empty)
	if !slices.Equal(union, want) || len(want) < 20 {
		t.Errorf("intervals give\n%v, all days\n%v", union, want)
	}
}

func empty(s string) bool { return s == "" }

// TestRun_StackedRows_Balance: stacking adds rows before null keys are turned
// down, and the run accounts for all of them.
// Rules: S-1004, S-1608.
func TestRun_StackedRows_Balance(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"readings.jsonl": `{"a": 1, "b": 2, "ts": "2026-01-01", "v": 5}
{"a": 1, "b": null, "ts": "2026-01-02", "v": 6}
{"a": 9, "b": 9, "ts": null, "v": 6}
`})
	text := head("") + strings.Replace(readingsReader, `id = "bigint", ts = "timestamp", kind = "string", v = "double", room = "string"`, `a = "bigint", b = "bigint", ts = "timestamp", v = "bigint"`, 1) + `
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint", stack = ["a", "b"] }]
timestamp = { from = "ts" }
[[feature_set.feature]]
name = "v"
type = "bigint"
[[sink]]
type = "historical"
path = "out"
`
	got, report := preview(t, opened(t, dir, text, host.Options{}), flow.Interval{})
	if want := "1 | 2026-01-01 | 5\n1 | 2026-01-02 | 6\n2 | 2026-01-01 | 5\n"; got != want {
		t.Errorf("got\n%s", got)
	}
	if report.Stacked != 3 || report.Used != 3 || report.Rejected["null_key"] != 1 || report.Rejected["null_timestamp"] != 2 {
		t.Errorf("%+v", report)
	}
}

// TestRun_PluginOfAFeature_InPlanAndLedger: plugins that features use are told
// by the plan, and their digests are in the report, as in the ledger.
// Rule: S-608.
func TestRun_PluginOfAFeature_InPlanAndLedger(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"readings.jsonl": "{\"id\": 1, \"ts\": \"2026-01-01\", \"v\": 6}\n"})
	text := head("") + strings.Replace(readingsReader, `kind = "string", v = "double", room = "string"`, `v = "double"`, 1) + `
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
[[feature_set.feature]]
name = "half"
sql = "v / 2"
type = "double"
[[feature_set.feature]]
name = "twice"
type = "double"
use = "ratio"
config = { over = "v", under = "half", into = "twice" }
[[sink]]
type = "historical"
path = "out"
`
	o := host.Options{PluginDirs: []string{"../plugins"}}
	h := opened(t, dir, text, o)
	plan, err := h.Plan(t.Context(), flow.Interval{})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Lent) != 1 || plan.Lent[0].Name != "ratio" || plan.Lent[0].Digest == "" {
		t.Errorf("%+v", plan.Lent)
	}
	got, report := preview(t, h, flow.Interval{})
	if want := "1 | 2026-01-01 | 3 | 2\n"; got != want {
		t.Errorf("got\n%s", got)
	}
	if len(report.Plugins) != 1 || report.Plugins["ratio@"+plan.Lent[0].Version] != plan.Lent[0].Digest {
		t.Errorf("%+v", report.Plugins)
	}
	text = strings.NewReplacer(`use = "ratio"`, `use = "ratoi"`, `sql = "v / 2"`, `use = "nobody"`).Replace(text)
	_, err = opened(t, t.TempDir(), text, o).Plan(t.Context(), flow.Interval{})
	if err == nil || !strings.Contains(err.Error(), `use = "ratoi"`) || !strings.Contains(err.Error(), `use = "nobody"`) {
		t.Errorf("got %v", err)
	}
}

// TestPipelineTest_PreparedReader_RowsAtTheStore: a test file feeds a reader
// whose prepare steps are keyed.
func TestPipelineTest_PreparedReader_RowsAtTheStore(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"p.toml": head("") + readingsReader + "incremental = { column = \"ts\" }\n" + pivotStep + tempSet,
		"p_test.toml": "pipeline = \"p.toml\"\nend = \"2026-01-02\"\n[[input]]\nreader = \"readings\"\nrows = '''\n" + readings + "'''\n" + `[expect]
rows = '''
{"id": 1, "timestamp": "2026-01-01T10:00:00Z", "temp": 20.5, "hum": 40}
{"id": 1, "timestamp": "2026-01-02T10:00:00Z", "temp": null, "hum": 41}
'''
`,
		"tap_test.toml": "pipeline = \"p.toml\"\n[[input]]\nreader = \"readings\"\nrows = '''\n" + readings + "'''\n" + `[expect]
at = "pivot"
columns = ["id", "noise"]
rows = '''
{"id": null, "noise": null}
{"id": 1, "noise": null}
{"id": 1, "noise": null}
{"id": 2, "noise": 99.0}
'''
`,
	})
	for _, name := range []string{"p_test.toml", "tap_test.toml"} {
		v, err := pipelinetest.Run(t.Context(), filepath.Join(dir, name), pipelinetest.Options{Host: host.Options{Catalog: everything()}})
		if err != nil || !v.Passed {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}
