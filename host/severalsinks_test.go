package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/ledger"
	"github.com/featurehost/featurehost/host/internal/plan"
	"github.com/featurehost/featurehost/host/parts"
)

// servers stand for the stores on servers that a pipeline file names.
type servers struct {
	rows      map[string][]string // by sink: what was written, in order
	schema    map[string]string   // by sink: columns that Open was told
	published map[string]int      // by sink: how often
	away      map[string]bool     // sinks that do not let themselves be published
	migrator  map[string]*fakeTable
	probes    map[string]func(context.Context) ([]flow.Finding, error)
}

func newServers() *servers {
	return &servers{rows: map[string][]string{}, schema: map[string]string{}, published: map[string]int{}, away: map[string]bool{}, migrator: map[string]*fakeTable{}}
}

// catalog has the real parts, but for online stores on servers.
func (s *servers) catalog() *parts.Catalog {
	c := everything()
	c.AddSink("online", func(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
		if cfg.Store == "local" {
			return online.New(cfg, at, env)
		}
		var out flow.Sink = &fakeSink{servers: s, name: cfg.Name}
		if t := s.migrator[cfg.Name]; t != nil {
			t.sink, out = out, t
		}
		if p := s.probes[cfg.Name]; p != nil {
			return probing{out, p}, nil
		}
		return out, nil
	})
	return c
}

type fakeSink struct {
	servers *servers
	name    string
	n       int64
}

func (f *fakeSink) Open(_ context.Context, _ flow.Run, in *flow.Schema) error {
	var names []string
	for _, x := range in.Fields() {
		names = append(names, x.Name)
	}
	f.servers.schema[f.name] = strings.Join(names, ",")
	f.servers.rows[f.name] = nil
	return nil
}

func (f *fakeSink) Write(_ context.Context, b flow.Batch) error {
	f.n += b.Rows()
	f.servers.rows[f.name] = append(f.servers.rows[f.name], strings.Split(strings.TrimSpace(hosttest.Text(b.Record)), "\n")...)
	return nil
}

func (f *fakeSink) Prepare(context.Context) (flow.Pending, error) {
	return flow.Pending{Rows: f.n, Data: json.RawMessage(`{}`)}, nil
}

func (f *fakeSink) Publish(_ context.Context, p flow.Pending) (flow.Published, error) {
	if f.servers.away[f.name] {
		e := fault.New(8099, "the server of %s is away", f.name)
		e.Retry = true
		return flow.Published{}, e
	}
	f.servers.published[f.name]++
	return flow.Published{Rows: p.Rows}, nil
}

func (f *fakeSink) Discard(context.Context, flow.Run) error { return nil }
func (f *fakeSink) Close() error                            { return nil }

const events = `{"id": 1, "ts": "2026-01-01T10:00:00Z", "v": 1.0}
{"id": 1, "ts": "2026-01-02T10:00:00Z", "v": 5.0}
{"id": 1, "ts": "2026-01-03T10:00:00Z", "v": 2.0}
{"id": 2, "ts": "2026-01-01T11:00:00Z", "v": 7.0}
{"id": 2, "ts": "2026-01-02T11:00:00Z", "v": 0.5}
{"id": 3, "ts": "2026-01-02T12:00:00Z", "v": 0.1}
`

const several = `version = 1
[pipeline]
name = "p"
[[reader]]
id = "r"
type = "file"
path = "events.jsonl"
format = "json"
schema = { id = "bigint", ts = "timestamp", v = "double" }
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
[[feature_set.feature]]
name = "v"
type = "double"
[[sink]]
type = "online"
[[sink]]
type = "online"
store = "kafka"
brokers = ["b"]
topic = "t"
[[sink]]
type = "historical"
path = "out"
[[sink]]
name = "shared"
type = "online"
store = "cassandra"
hosts = ["h"]
keyspace = "k"
`

// hostOf gives a host whose servers are fakes.
func hostOf(t testing.TB, dir, text string, s *servers) *host.Host {
	t.Helper()
	write(t, dir, map[string]string{"p.toml": text, "events.jsonl": events})
	f, err := config.Load(filepath.Join(dir, "p.toml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.New(f, host.Options{Catalog: s.catalog()})
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

// records reads the run ledger beside the table.
func records(t testing.TB, dir string) (out []ledger.Record) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "out/_featurehost/e/s/runs/*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no records", err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		var r ledger.Record
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func reported(list []host.SinkReport) (out []string) {
	for _, s := range list {
		text := fmt.Sprintf("%s %d", s.Name, s.Rows)
		if s.Error != "" {
			text = s.Name + " failed"
		}
		out = append(out, text)
	}
	return out
}

// Rules: S-1209, S-1301, S-1308.
func TestRun_SeveralSinks_HistoryFirstAndEachItsRows(t *testing.T) {
	dir, s := t.TempDir(), newServers()
	report, err := hostOf(t, dir, several, s).Run(t.Context(), host.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := reported(report.Sinks); !slices.Equal(got, []string{"historical 6", "online 3", "kafka 6", "shared 3"}) {
		t.Errorf("report %q", got)
	}
	if len(s.rows["kafka"]) != 6 || !slices.Equal(s.rows["shared"], []string{
		"1 | 2026-01-03T10:00:00Z | 2", "2 | 2026-01-02T11:00:00Z | 0.5", "3 | 2026-01-02T12:00:00Z | 0.1",
	}) {
		t.Errorf("written %q", s.rows)
	}
	r := records(t, dir)[0]
	if r.State != ledger.Published || len(r.Results) != 4 || r.Results["shared"].Rows != 3 || r.Results["kafka"].Rows != 6 {
		t.Errorf("ledger %+v", r)
	}
}

// A store that is away leaves the run incomplete. What the others have loaded
// stays and is not loaded again; the next run loads the rest, however often it
// takes.
// Rule: S-1209.
func TestRun_StoreAway_NextRunLoadsOnlyThat(t *testing.T) {
	dir, s := t.TempDir(), newServers()
	s.away["shared"], s.away["kafka"] = true, true
	h := hostOf(t, dir, several, s)
	report, err := h.Run(t.Context(), host.RunOptions{})
	if !fault.Is(err, host.PublishFailed) || !fault.Is(err, 8099) || !fault.As(err).Retry ||
		!strings.Contains(err.Error(), "the shared store was not loaded") || !strings.Contains(err.Error(), "the kafka store was not loaded") {
		t.Fatalf("got %v", err)
	}
	if got := reported(report.Sinks); !slices.Equal(got, []string{"historical 6", "online 3", "kafka failed", "shared failed"}) {
		t.Errorf("report %q", got)
	}
	incomplete := func(number int, loaded ...string) {
		t.Helper()
		r := records(t, dir)[number-1]
		var got []string
		for name := range r.Results {
			got = append(got, name)
		}
		slices.Sort(got)
		if r.State != ledger.Incomplete || !slices.Equal(got, loaded) || !strings.Contains(r.Error, "the server of shared is away") {
			t.Errorf("run %d is %s, loaded %q, error %q", number, r.State, got, r.Error)
		}
	}
	incomplete(1, "historical", "online")

	// The next run cannot complete it all: it is refused, and has come further.
	s.away["kafka"] = false
	if _, err := h.Run(t.Context(), host.RunOptions{}); !fault.Is(err, ledger.NotRecovery) || fault.ClassOf(err) != fault.System {
		t.Fatalf("got %v", err)
	}
	incomplete(1, "historical", "kafka", "online")
	if len(records(t, dir)) != 1 {
		t.Error("a run that could not begin left a record")
	}
	if s.published["kafka"] != 1 {
		t.Errorf("published %v", s.published)
	}

	s.away["shared"] = false
	report, err = h.Run(t.Context(), host.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Recovered) != 1 || !strings.Contains(report.Recovered[0], "had ended while incomplete; it was finished") {
		t.Errorf("recovered %q", report.Recovered)
	}
	all := records(t, dir)
	if all[0].State != ledger.Published || len(all[0].Results) != 4 || all[0].Error != "" || all[1].State != ledger.Published {
		t.Errorf("ledger %+v", all)
	}
	// Once for each run: no store was loaded twice with the same rows.
	if s.published["kafka"] != 2 || s.published["shared"] != 2 {
		t.Errorf("published %v", s.published)
	}
}

// History that is not published is followed by nothing.
func TestRun_HistoryFails_NoOtherStoreIsTouched(t *testing.T) {
	dir, s := t.TempDir(), newServers()
	hostOf(t, dir, several, s) // writes the files
	c := s.catalog()
	historical := c.Sinks["historical"]
	c.AddSink("historical", func(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
		made, err := historical(cfg, at, env)
		return broken{made}, err
	})
	report, err := rehost(t, dir, c).Run(t.Context(), host.RunOptions{})
	if !fault.Is(err, host.PublishFailed) || len(s.published) != 0 || !slices.Equal(reported(report.Sinks), []string{"historical failed"}) {
		t.Errorf("%v, published %v, report %q", err, s.published, reported(report.Sinks))
	}
	if r := records(t, dir)[0]; r.State != ledger.Incomplete || len(r.Results) != 0 {
		t.Errorf("ledger %+v", r)
	}
}

// broken cannot be published.
type broken struct{ flow.Sink }

func (broken) Publish(context.Context, flow.Pending) (flow.Published, error) {
	return flow.Published{}, errors.New("the disk is gone")
}

func rehost(t testing.TB, dir string, c *parts.Catalog) *host.Host {
	t.Helper()
	f, err := config.Load(filepath.Join(dir, "p.toml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.New(f, host.Options{Catalog: c})
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

// A record of before sinks had names, and one of a sink that is gone.
func TestRun_SinkRenamedOrGone_OldRecordsAreFinished(t *testing.T) {
	dir, s := t.TempDir(), newServers()
	s.away["kafka"] = true
	if _, err := hostOf(t, dir, several, s).Run(t.Context(), host.RunOptions{}); !fault.Is(err, host.PublishFailed) {
		t.Fatal(err)
	}
	// As if the local store had not been loaded either.
	path := filepath.Join(dir, "out/_featurehost/e/s/runs/000001.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r ledger.Record
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	delete(r.Results, "online")
	if b, err = json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(path), map[string]string{"000001.json": string(b)})

	renamed := strings.Replace(several, "[[sink]]\ntype = \"online\"\n[[sink]]\ntype = \"online\"\nstore = \"kafka\"\nbrokers = [\"b\"]\ntopic = \"t\"\n", "[[sink]]\nname = \"fresh\"\ntype = \"online\"\n", 1)
	report, err := hostOf(t, dir, renamed, s).Run(t.Context(), host.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], `the sink "kafka", which the pipeline file no longer has`) {
		t.Errorf("warnings %q", report.Warnings)
	}
	all := records(t, dir)
	if all[0].State != ledger.Published || all[0].Results["online"].Rows != 3 {
		t.Errorf("ledger %+v", all[0])
	}
}

// Stages of one sink change what that sink gets and nothing else: neither the
// other sinks nor the balance of the run.
func TestRun_SinkStages_ForThatSinkOnly(t *testing.T) {
	dir, s := t.TempDir(), newServers()
	text := several + "[[sink.stage]]\nuse = \"filter\"\nwhere = \"v > 0.3\"\n[[sink.stage]]\nuse = \"explode_json\"\ncolumn = \"tag\"\nschema = { a = \"bigint\" }\n"
	text = strings.Replace(text, "[[sink]]\ntype = \"online\"\nstore = \"kafka\"", "[[sink]]\nname = \"high\"\ntype = \"online\"\nstore = \"kafka\"", 1)
	text = strings.Replace(text, "topic = \"t\"\n", "topic = \"t\"\n[[sink.stage]]\nuse = \"filter\"\nwhere = \"v >= 2\"\n", 1)
	text = strings.Replace(text, "[[sink]]\ntype = \"online\"\n", "[[feature_set.feature]]\nname = \"tag\"\ntype = \"string\"\nsql = \"'{\\\"a\\\": 4}'\"\n[[sink]]\ntype = \"online\"\n", 1)
	h := hostOf(t, dir, text, s)
	report, err := h.Run(t.Context(), host.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := reported(report.Sinks); !slices.Equal(got, []string{"historical 6", "online 3", "high 3", "shared 2"}) {
		t.Errorf("report %q", got)
	}
	if len(report.Filtered) != 0 || report.Features.Rows != 6 {
		t.Errorf("the run's own counts: %+v %+v", report.Filtered, report.Features)
	}
	if s.schema["shared"] != "id,timestamp,v,tag,a" || s.schema["high"] != "id,timestamp,v,tag" {
		t.Errorf("columns %q", s.schema)
	}
	if got := s.rows["shared"]; len(got) != 2 || !strings.HasSuffix(got[1], "| 0.5 | {\"a\": 4} | 4") {
		t.Errorf("shared got %q", got)
	}
	p, err := h.Plan(t.Context(), flow.Interval{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range p.Sinks {
		if x.Name == "shared" && (!x.Newest || len(x.Steps) != 2 || x.Steps[0].Name != "shared: filter" || len(x.Output) != 5) || x.Name == "high" && x.Newest {
			t.Errorf("plan %+v", x)
		}
	}
	if len(p.Output) != 4 {
		t.Errorf("feature table %v", p.Output)
	}
}

// The newest row behind a filter is the newest of those that pass: the runs of
// days together leave what one run leaves.
// Rules: S-1302, S-1306.
func TestRun_SinkFilter_RunsOfDaysLeaveWhatOneRunLeaves(t *testing.T) {
	text := strings.Replace(several, "[[sink]]\ntype = \"online\"\n", "[[sink]]\ntype = \"online\"\n[[sink.stage]]\nuse = \"filter\"\nwhere = \"v > 0.6\"\n", 1)
	stored := func(days ...string) string {
		dir, s := t.TempDir(), newServers()
		h := hostOf(t, dir, text, s)
		if len(days) == 0 {
			days = []string{""}
		}
		for _, d := range days {
			i, err := flow.ParseInterval(d, d)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Run(t.Context(), host.RunOptions{Interval: i}); err != nil {
				t.Fatal(err)
			}
		}
		v, err := online.OpenVectors(config.Sink{Type: "online", Store: "local"}, parts.Place{Dir: dir, State: filepath.Join(dir, ".featurehost")})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		var rows []string
		err = v.All(t.Context(), "e", "s", func(v flow.Vector) error {
			rows = append(rows, strings.TrimSpace(fmt.Sprintln(v.Values...)))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(rows)
		return strings.Join(rows, "\n")
	}
	one := stored()
	if want := "1 2026-01-03T10:00:00Z 2\n2 2026-01-01T11:00:00Z 7"; one != want {
		t.Errorf("one run left\n%s\nwant\n%s", one, want)
	}
	for _, days := range [][]string{{"2026-01-01", "2026-01-02", "2026-01-03"}, {"2026-01-03", "2026-01-01", "2026-01-02"}} {
		if got := stored(days...); got != one {
			t.Errorf("runs of %v left\n%s\none run left\n%s", days, got, one)
		}
	}
}

// The look-back asks the source, not a store from which a stage of its own
// keeps rows: the days of an interval come out as in a full run.
// Rule: S-1105.
func TestRun_HistoricalSinkFiltered_LookBackDoesNotAskIt(t *testing.T) {
	windows := strings.NewReplacer(
		"[[feature_set.feature]]\nname = \"v\"\ntype = \"double\"\n", "windows = { rolling = [\"1 day\"] }\n[[feature_set.feature]]\nname = \"v\"\naggregate = [\"sum\"]\n",
		"schema = {", "incremental = { column = \"ts\" }\nschema = {",
		"path = \"out\"\n", "path = \"out\"\n[[sink.stage]]\nuse = \"filter\"\nwhere = \"id <> 2\"\n").Replace(several)
	dir, s := t.TempDir(), newServers()
	h := hostOf(t, dir, windows, s)
	// The sum of nothing after a time without events: a duplicate if the key had
	// rows, the first row if not. The store would say that it had none.
	write(t, dir, map[string]string{"events.jsonl": events + `{"id": 2, "ts": "2026-01-06T10:00:00Z", "v": null}` + "\n"})
	start, end := flow.Day(0), flow.Day(0)
	for _, x := range []struct {
		day *flow.Day
		s   string
	}{{&start, "2026-01-05"}, {&end, "2026-01-07"}} {
		d, err := flow.ParseDay(x.s)
		if err != nil {
			t.Fatal(err)
		}
		*x.day = d
	}
	if _, err := h.Run(t.Context(), host.RunOptions{Interval: flow.Interval{End: &end}}); err != nil {
		t.Fatal(err)
	}
	full := slices.Clone(s.rows["kafka"])
	report, err := h.Run(t.Context(), host.RunOptions{Interval: flow.Interval{Start: &start, End: &end}})
	if err != nil {
		t.Fatal(err)
	}
	if report.Reread == nil || report.Reread.From != "all rows" {
		t.Errorf("reread %+v", report.Reread)
	}
	for _, row := range s.rows["kafka"] {
		if row != "" && !slices.Contains(full, row) {
			t.Errorf("the interval made a row that the full run did not: %s", row)
		}
	}
}

func TestPlan_SinkStagesThatDoNotFit_Refused(t *testing.T) {
	for _, c := range []struct {
		stage, says string
		code        fault.Code
	}{
		{"use = \"forward_fill\"\norder_by = [\"timestamp\"]\ncolumn = \"v\"\n", `p.toml:39:7: FH-0114: "forward_fill" looks at several rows at once`, plan.SinkStageRows},
		{"use = \"pivot\"\ngroup_by = [\"id\"]\ncolumn = \"v\"\nvalue = \"v\"\naggregation = \"first\"\n", `"pivot" looks at several rows at once`, plan.SinkStageRows},
		{"use = \"explode_json\"\ncolumn = \"note\"\nschema = { id = \"bigint\" }\n", `FH-0115: the stage changes "id"`, plan.SinkStageKeys},
		{"use = \"explode_json\"\ncolumn = \"note\"\nschema = { timestamp = \"timestamp\" }\n", `FH-0115: the stage changes "timestamp"`, plan.SinkStageKeys},
		{"use = \"filter\"\nwhere = \"nothing > 1\"\n", "p.toml:40:9", 0},
		{"use = \"no_such_plugin\"\n", "p.toml:39:7", 0},
	} {
		text := several + "[[sink.stage]]\n" + c.stage
		text = strings.Replace(text, "name = \"v\"\ntype = \"double\"\n", "name = \"v\"\ntype = \"double\"\n[[feature_set.feature]]\nname = \"note\"\ntype = \"string\"\nsql = \"'x'\"\n", 1)
		_, err := hostOf(t, t.TempDir(), text, newServers()).Plan(t.Context(), flow.Interval{})
		if err == nil || fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), c.says) || c.code != 0 && !fault.Is(err, c.code) {
			t.Errorf("%s: %v", c.stage, err)
		}
	}
}
