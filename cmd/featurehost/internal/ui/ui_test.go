package ui

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

func TestTable_Cells_AlignedAndTrimmed(t *testing.T) {
	for name, c := range map[string]struct {
		headings []string
		rows     [][]string
		want     string
	}{
		"numbers to the right": {[]string{"name", "rows"}, [][]string{{"é", "1,234"}, {"long one", "7"}, {"x", ""}, {"y", "null"}, {"z", "-1.5e+3"}},
			"name         rows\né           1,234\nlong one        7\nx\ny            null\nz         -1.5e+3\n"},
		"one word makes a column text": {[]string{"n", "end"}, [][]string{{"x", "b"}, {"10", "a"}}, "n   end\nx   b\n10  a\n"},
		"no headings, no line":         {[]string{"", ""}, [][]string{{"a", "1"}, {"bb", "20"}}, "a    1\nbb  20\n"},
		"no rows":                      {[]string{"wide", "b"}, nil, "wide  b\n"},
		"nothing":                      {nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			Table(&b, c.headings, c.rows)
			if b.String() != c.want {
				t.Errorf("got\n%swant\n%s", b.String(), c.want)
			}
		})
	}
}

// Every line of a table has the last column's cells end, or begin, at one place.
func TestTable_AnyCells_LastColumnBeginsAtOnePlace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cell := rapid.StringMatching("[a-zäλ]{1,6}")
		var rows [][]string
		for range rapid.IntRange(1, 6).Draw(rt, "rows") {
			rows = append(rows, []string{cell.Draw(rt, "first"), "|" + cell.Draw(rt, "last")})
		}
		var b bytes.Buffer
		Table(&b, []string{cell.Draw(rt, "heading"), "|"}, rows)
		at := -1
		for _, line := range strings.Split(strings.TrimSpace(b.String()), "\n") {
			before, _, _ := strings.Cut(line, "|")
			if n := utf8.RuneCountInString(before); at >= 0 && n != at {
				rt.Fatalf("a column begins at %d and %d:\n%s", at, n, b.String())
			} else {
				at = n
			}
		}
	})
}

func TestCount_Numbers_InThousands(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", 100000: "100,000",
		-5: "-5", -999: "-999", -1000: "-1,000", math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Count(n); got != want {
			t.Errorf("%d prints as %s", n, got)
		}
	}
}

func TestBytes_Sizes_InBinaryUnits(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 2 << 30: "2 GiB", 512 << 20: "512 MiB", 3 << 50: "3072 TiB", 1<<20 + 1<<19: "1.5 MiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d prints as %s, want %s", n, got, want)
		}
	}
}

func at(elapsed time.Duration, rows ...int64) host.Progress {
	p := host.Progress{Elapsed: elapsed}
	p.Stages = extend(p.Stages, len(rows))
	for i, n := range rows {
		p.Stages[i].Name, p.Stages[i].RowsIn = string(rune('a'+i)), n
	}
	return p
}

// extend adds zero values of a type that cannot be named here.
func extend[T any](s []T, n int) []T { return append(s, make([]T, n)...) }

func TestProgress_NoTerminal_LinesOfKeysWithTheRateSinceTheLast(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b)
	if p.Every() != 10*time.Second {
		t.Error(p.Every())
	}
	p.Show(at(0, 5)) // no time has passed: no rate
	p.Show(at(10*time.Second, 105, 20))
	p.Show(at(14400*time.Millisecond, 149, 20))
	p.Done()
	want := `progress elapsed=0s stage="a" rows=5 rows_per_s=0
progress elapsed=10s stage="a" rows=105 rows_per_s=10
progress elapsed=10s stage="b" rows=20 rows_per_s=2
progress elapsed=14s stage="a" rows=149 rows_per_s=10
progress elapsed=14s stage="b" rows=20 rows_per_s=0
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestProgress_Terminal_RedrawsInPlace(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b)
	p.terminal = true
	if p.Every() != 500*time.Millisecond {
		t.Error(p.Every())
	}
	const up = "\x1b[1A\x1b[2K"
	p.Show(at(time.Second, 1000, 1))
	if strings.Contains(b.String(), up) || strings.Count(b.String(), "\n") != 2 || !strings.Contains(b.String(), "1,000 rows") {
		t.Errorf("%q", b.String())
	}
	b.Reset()
	p.Show(at(2*time.Second, 3000))
	if strings.Count(b.String(), up) != 2 || !strings.Contains(b.String(), "2,000 rows/s") {
		t.Errorf("%q", b.String())
	}
	b.Reset()
	p.Done()
	p.Done()
	if b.String() != up {
		t.Errorf("%q", b.String())
	}
}

func TestNewProgress_Files_NoTerminalUnlessItIsOne(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if NewProgress(f).terminal {
		t.Error("a plain file is taken for a terminal")
	}
	// A device, as a terminal is: not to be drawn on when it is dumb.
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	t.Setenv("TERM", "dumb")
	if NewProgress(null).terminal {
		t.Error("a dumb terminal is drawn on")
	}
	t.Setenv("TERM", "xterm")
	if !NewProgress(null).terminal {
		t.Error("a device is not drawn on")
	}
}

func TestPreview_Batches_FirstRowsOnly(t *testing.T) {
	narrow := hosttest.Batch(t, "id bigint, s string", "1 | a", "2 | null", "3 | c")
	defer narrow.Release()
	p := &Preview{Limit: 4}
	for range 2 {
		if err := p.Add(narrow); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	p.Print(&b)
	if want := "id  s\n 1  a\n 2  null\n 3  c\n 1  a\n\n"; b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	columns := strings.Repeat("c%d bigint, ", wide) + "a_long_name bigint"
	for i := range wide {
		columns = strings.Replace(columns, "%d", string(rune('0'+i)), 1)
	}
	many := hosttest.Batch(t, columns, strings.Repeat("7 | ", wide)+"8")
	defer many.Release()
	down := &Preview{Limit: 1}
	if err := down.Add(many); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	down.Print(&b)
	if want := "c7           7\na_long_name  8\n\n"; !strings.HasSuffix(b.String(), want) || strings.Count(b.String(), "\n") != wide+2 {
		t.Errorf("got\n%s", b.String())
	}
	if none := (&Preview{}); none.Add(narrow) != nil || len(none.rows) != 0 {
		t.Error("rows beyond the limit are kept")
	}
}

func report() *host.Report {
	r := &host.Report{
		Set: "s", Run: 4, RunID: "r4", Interval: "2024-01-01..", Seconds: 1.2345,
		Readers:  map[string]host.Read{"b": {Rows: 1000, Objects: 2, Bytes: 2048, RowGroups: 1, RowGroupsSkipped: 3, OutOfInterval: 5}, "a": {Rows: 1}, "k": {Type: "kafka", Rows: 0, Objects: 3, Bytes: 1024}},
		Filtered: map[string]int64{"stage x": 3}, Rejected: map[string]int64{"null_key": 2, "bad_row": 1}, Dropped: map[string]int64{"null_timestamp": 9},
		Folded:  map[string]int64{"pivot": 7, "flush": -20},
		Balance: &host.Balance{Read: 1001, Made: 20, Filtered: 3, Rejected: 3, Skipped: 1, Dropped: 9, Folded: 7, Used: 990},
		Used:    990, Features: host.Features{Made: 20, Duplicates: 1, OutsideInterval: 2, Rows: 17},
		Sinks:        []host.SinkReport{{Name: "historical", Published: flow.Published{Rows: 17, Partitions: 1, Cleared: 2}}, {Name: "online", Published: flow.Published{Rows: 8, Stale: 4}}},
		CastFailures: map[string]int64{"v": 6}, DeadLetters: "/state/dead_letter/r4", Spilled: 1 << 20, LastLabel: "2024-01-31",
		Recovered: []string{"run 3 undone"}, Warnings: []string{"mind"}, Plugins: map[string]string{"p@1": "sha256:ab"},
	}
	r.Stages = extend(r.Stages, 2)
	x, idle := &r.Stages[0], &r.Stages[1]
	x.Name, x.Kind, x.RowsIn, x.RowsOut, x.Seconds = "x", "filter", 100, 97, 0.5
	idle.Name, idle.Kind = "idle", "sink"
	return r
}

func TestReport_EveryCount_IsThere(t *testing.T) {
	var b bytes.Buffer
	Report(&b, report(), false)
	got := b.String()
	for _, want := range []string{
		"recovered  run 3 undone\nrun 4 (r4) of s, interval 2024-01-01..\n",
		"read b              1,000  2 files, 2 KiB; 3 of 4 row groups skipped; 5 outside the interval\n", "read k                  0  3 partitions, 1 KiB\n",
		"rejected                1  bad_row\n    rejected                2  null_key\n", "filtered                3  stage x\n", "dropped                 9  null_timestamp\n",
		"used                  990\n", "features made          20\n", "duplicates dropped      1\n", "outside interval        2\n",
		"historical             17  1 day written, 2 days cleared\n", "online                  8  4 older than the stored row\n", "cast failures           6  column v\n",
		"  last label 2024-01-31\n", "  rejected rows are in /state/dead_letter/r4: featurehost deadletter list PIPELINE.toml\n",
		"made                   20  flush\n", "folded                  7  pivot\n", "  balance 1,001 read + 20 made = 3 filtered + 3 rejected + 1 skipped + 9 dropped + 7 folded + 990 used\n", "  spilled 1 MiB to disk\n",
		"    x      filter      100        97    0.500     200\n", "    idle   sink          0         0    0.000\n",
		"  plugin p@1 sha256:ab\n", "  warning: mind\n", "s: 1,001 rows read, 17 feature rows written in 1.235s\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from\n%s", want, got)
		}
	}
	b.Reset()
	Report(&b, report(), true)
	if got := b.String(); !strings.Contains(got, "\ndry run of s,") || !strings.Contains(got, "feature rows computed, nothing written in") {
		t.Errorf("a dry run reads\n%s", got)
	}
	b.Reset()
	Losses(&b, report())
	if want := "filtered 3 rows: stage x\nmade 20 rows: flush\nfolded 7 rows: pivot\nrejected 1 row: bad_row\nrejected 2 rows: null_key\ndropped 9 rows: null_timestamp\ncast failures in 6 rows: v\nrejected rows are in /state/dead_letter/r4: featurehost deadletter list PIPELINE.toml\nloaded historical: 17 rows\nloaded online: 8 rows\n"; b.String() != want {
		t.Errorf("losses read\n%s", b.String())
	}
}

func TestPlan_Report_EdgesWithTheirColumns(t *testing.T) {
	var b bytes.Buffer
	Plan(&b, &host.PlanReport{
		Pipeline: "p.toml", Set: "s", Semantics: "featurehost", Digest: "sha256:ab", Interval: "..", Memory: 2 << 30, Workers: 3,
		Readers: []host.PlanReader{{ID: "r", Type: "file", Path: "in.csv", InPlace: true, Columns: []host.Column{{Name: "id", Type: "bigint"}},
			Prepare: []host.PlanStep{{Name: "filter", Kind: "filter", Reads: []string{"id"}}}}},
		Query: &host.PlanQuery{SQL: "SELECT *\n  FROM r", Columns: []host.Column{{Name: "long_name", Type: "date"}, {Name: "v", Type: "double"}}},
		Steps: []host.PlanStep{{Name: "p", Kind: "stage", Reads: []string{"v", "w"}, Plugin: &host.PlanPlugin{Name: "p", Version: "1", Digest: "sha256:cd", Path: "p.wasm", Kind: "map", Lock: "plugins.lock",
			Limits: host.PlanLimits{Memory: 64 << 20, FuelBase: 50_000_000, FuelPerRow: 50_000, TimeoutSeconds: 10}, OnError: "skip"}}},
		Lent:  []host.PlanPlugin{{Name: "q", Version: "2", Digest: "sha256:ef", Path: "q", Kind: "map", Transport: "process", Limits: host.PlanLimits{TimeoutSeconds: 0.5}, OnError: "fail"}},
		Sinks: []host.PlanSink{{Name: "historical"}, {Name: "shared", Steps: []host.PlanStep{{Name: "shared: filter", Kind: "sink_stage", Reads: []string{"id"}, Output: []host.Column{{Name: "id", Type: "bigint"}}}}}},
		Settings: []config.Setting{
			{Key: "sink[0].path", Value: "out", From: "file"}, {Key: "sink[1].hosts", Value: "a,b", From: "CASSANDRA_HOST"},
			{Key: "sink[1].consistency", Value: "ONE", From: "default"}, {Key: "pipeline.memory", Value: "1GiB", From: config.FromFlag},
		},
	})
	want := `pipeline p.toml -> s (featurehost semantics), interval ..
sha256:ab, memory 2 GiB, 3 workers

reader r: file in.csv, scanned by the query
      id  bigint
  prepare filter (filter), reads id
query: SELECT * FROM r
      long_name  date
      v          double
stage p (stage), reads v, w
    plugin p@1 map p.wasm
    sha256:cd, locked by plugins.lock
    limits: memory 64 MiB, fuel 50,000,000 + 50,000 a row, 10 s; on_error skip
a feature uses plugin q@2 map q
    sha256:ef
    limits: a program: no limit of memory or fuel, 0.5 s; on_error fail
sinks: historical, shared
  only for shared: shared: filter (sink_stage), reads id
      id  bigint
settings:
    sink[0].path         out   from the file
    sink[1].hosts        a,b   from the variable CASSANDRA_HOST
    sink[1].consistency  ONE   from the default
    pipeline.memory      1GiB  from the flag
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestMissing_Reports_AsLines(t *testing.T) {
	rows := int64(1200)
	r := &host.MissingReport{Set: "e/s", Start: "2024-01-01", End: "2024-02-05", Chunks: []host.Chunk{
		{Start: "2024-01-01", End: "2024-01-31", Days: 31, Reasons: []string{"not computed", "other plugins"}, Readers: []host.ReaderToRead{
			{ID: "a", Files: 2, Bytes: 2048, RowGroups: 3, RowGroupsSkipped: 4, Rows: &rows, From: "2023-12-01", To: "2024-01-31", DaysOf: "loaded"},
			{ID: "b", Files: 1, Bytes: 5, To: "2024-01-31"},
		}},
		{Start: "2024-02-05", End: "2024-02-05", Days: 1, Reasons: []string{"not finished"}},
	}}
	for _, c := range []struct {
		runs int
		want string
	}{
		{0, "e/s: 32 days missing from 2024-01-01 to 2024-02-05, in 2 runs"},
		{1, "e/s: 32 days missing from 2024-01-01 to 2024-02-05, in 2 runs"},
		{2, "e/s: 32 days computed from 2024-01-01 to 2024-02-05, in 2 runs"},
	} {
		r.Runs = make([]*host.Report, c.runs)
		if got := MissingSummary(r); got != c.want {
			t.Errorf("after %d runs: %s", c.runs, got)
		}
	}
	r.Runs = nil
	var b bytes.Buffer
	Missing(&b, r)
	want := `    2024-01-01..2024-01-31  31 days  not computed, other plugins  reads a: 2 files, 2 KiB, 3 of 7 row groups, about 1,200 rows, of 2023-12-01..2024-01-31, by loaded
                                                                  reads b: 1 file, 5 B, of all days to 2024-01-31
    2024-02-05..2024-02-05  1 day    not finished
e/s: 32 days missing from 2024-01-01 to 2024-02-05, in 2 runs
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	if got := MissingSummary(&host.MissingReport{Set: "e/s", Start: "2024-01-01", End: "2024-02-05"}); got != "e/s: no day is missing from 2024-01-01 to 2024-02-05" {
		t.Error(got)
	}
}

func TestReport_Reread_SaysWhatTold(t *testing.T) {
	for want, x := range map[string]*host.Reread{
		"reread: stored rows told whether 2 keys came before":                          {From: "stored rows", Keys: 2},
		"reread: all rows, since those in reach could not tell new keys from old ones": {From: "all rows"},
	} {
		var b bytes.Buffer
		Report(&b, &host.Report{Reread: x, ReadFrom: "2024-01-02", Stale: []string{"2024-01-09"}}, false)
		for _, part := range []string{want, "read from 2024-01-02 on", "may be stale: 2024-01-09"} {
			if !strings.Contains(b.String(), part) {
				t.Errorf("it does not say %q:\n%s", part, b.String())
			}
		}
	}
}

func TestPreview_Clear_ForgetsRows(t *testing.T) {
	r := hosttest.Record(t, "n bigint", "1", "2")
	defer r.Release()
	p := &Preview{Limit: 3}
	_ = p.Add(flow.Batch{Record: r})
	p.Clear()
	_ = p.Add(flow.Batch{Record: r})
	var b bytes.Buffer
	p.Print(&b)
	if b.String() != "n\n1\n2\n\n" {
		t.Errorf("%q", b.String())
	}
}
