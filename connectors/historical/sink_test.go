package historical

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/blobtest"
	"github.com/featurehost/featurehost/connectors/historical/colfile"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

func TestMain(m *testing.M) {
	if crashChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

// Rule: S-1201.
func TestSink_Layout_DayFoldersWithoutPadding(t *testing.T) {
	dir := t.TempDir()
	got := mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "r1", "", ""), columns,
		"1 | null                      | 0",
		"1 | 2024-01-05                | 1",
		"1 | 2024-01-05T23:59:59.999999Z | 2",
		"1 | 2024-11-12                | 3",
		"2 | 1969-12-31T23:59:59.999999Z | 4",
		"2 | 2024-01-05T12:00Z         | 5")
	if want := (flow.Published{Rows: 6, Partitions: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	want := `e/s/year=1969/month=12/day=31/part-0.parquet
  2 | 1969-12-31T23:59:59.999999Z | 4
e/s/year=2024/month=1/day=5/part-0.parquet
  1 | 2024-01-05 | 1
  1 | 2024-01-05T23:59:59.999999Z | 2
  2 | 2024-01-05T12:00:00Z | 5
e/s/year=2024/month=11/day=12/part-0.parquet
  1 | 2024-11-12 | 3
e/s/year=__HIVE_DEFAULT_PARTITION__/month=__HIVE_DEFAULT_PARTITION__/day=__HIVE_DEFAULT_PARTITION__/part-0.parquet
  1 | null | 0
`
	if got := table(t, dir); got != want {
		t.Errorf("table:\n%s", got)
	}
	if left := aside(t, dir); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

func TestSink_Footer_NamesTheRun(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, sink(t, dir, config.Sink{Layout: flat}, nil), run(t, "r1", "", ""), columns, "1 | 2024-01-05 | 1")
	f, err := colfile.ReadFooter(filepath.Join(dir, "historical/e/s/part-0.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{metaRun: "r1", metaPipeline: "sha256:p", metaPlugins: `{"a@1":"x","b@1":"y"}`, metaVersion: "1.2.3"}
	if fmt.Sprint(f.Meta) != fmt.Sprint(want) || f.Rows != 1 {
		t.Errorf("%+v", f)
	}
}

// Rows come sorted by key, then timestamp. Cut into any batches, under a
// budget that makes several row groups, each day keeps that order (S-1201).
func TestSink_SortedInput_EveryDaySorted(t *testing.T) {
	dir := t.TempDir()
	s := sink(t, dir, config.Sink{}, nil)
	s.env.MemoryBytes = 1 // so the least budget there is
	s.env.Workers = 2
	schema := hosttest.Record(t, columns).Schema()
	if err := s.Open(t.Context(), run(t, "r", "", ""), schema); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const keys, days = 3000, 91
	rows := 0
	spilled := false
	for k := 0; k < keys; k += 100 {
		var text []string
		for i := range 100 {
			for d := range days {
				text = append(text, fmt.Sprintf("%d | %s | %d", k+i, (flow.Day(19723)+flow.Day(d)).String(), d))
			}
		}
		rows += len(text)
		b := hosttest.Batch(t, columns, text...)
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		b.Release()
		if held := s.writer.arena.Held(); held > s.writer.budget {
			t.Fatalf("%d bytes held, the budget is %d", held, s.writer.budget)
		}
		for _, d := range s.writer.days {
			spilled = spilled || len(d.runs) > 0
		}
	}
	if !spilled {
		t.Fatal("no rows were put aside: the budget was not tested")
	}
	p, err := s.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range aside(t, dir) {
		if filepath.Base(path) == spillFile {
			t.Errorf("%s outlives Prepare", path)
		}
	}
	if _, err := s.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range files(t, filepath.Join(dir, "historical")) {
		if n := groupsOf(t, filepath.Join(dir, "historical", path)); n != 1 {
			t.Errorf("%s has %d row groups for %d rows", path, n, keys)
		}
		last := int64(-1)
		for line := range strings.Lines(rowsOf(t, filepath.Join(dir, "historical", path))) {
			var id int64
			fmt.Sscan(line, &id)
			if id <= last {
				t.Fatalf("%s: key %d after %d", path, id, last)
			}
			last = id
			found++
		}
	}
	if found != rows {
		t.Errorf("%d rows found, %d written", found, rows)
	}
}

// Rules: S-1202, S-1206.
func TestSink_Interval_ReplacesItsDaysAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "full", "", ""), columns,
		"1 | null | 0", "1 | 2024-01-01 | 1", "1 | 2024-01-02 | 2", "1 | 2024-01-03 | 3", "1 | 2024-01-04 | 4")
	got := mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "part", "2024-01-02", "2024-01-03"), columns, "2 | 2024-01-03 | 33")
	if want := (flow.Published{Rows: 1, Partitions: 1, Cleared: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	want := `e/s/year=2024/month=1/day=1/part-0.parquet
  1 | 2024-01-01 | 1
e/s/year=2024/month=1/day=3/part-0.parquet
  2 | 2024-01-03 | 33
e/s/year=2024/month=1/day=4/part-0.parquet
  1 | 2024-01-04 | 4
e/s/year=__HIVE_DEFAULT_PARTITION__/month=__HIVE_DEFAULT_PARTITION__/day=__HIVE_DEFAULT_PARTITION__/part-0.parquet
  1 | null | 0
`
	if got := table(t, dir); got != want {
		t.Errorf("table:\n%s", got)
	}
	// A full run replaces all of it, also what other tools put into a day.
	if err := os.WriteFile(filepath.Join(dir, "historical/e/s/year=2024/month=1/day=4/part-1.parquet"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "historical/e/s/year=2024/month=1/day=4/part-1.parquet"))
	if err := os.Rename(filepath.Join(dir, "historical/e/s/year=2024/month=1/day=1"), filepath.Join(dir, "historical/e/s/year=2024/month=1/day=01")); err != nil {
		t.Fatal(err)
	}
	got = mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "full2", "", ""), columns, "9 | 2023-12-31 | 9")
	if got.Cleared != 4 {
		t.Errorf("%+v", got)
	}
	if got, want := table(t, dir), "e/s/year=2023/month=12/day=31/part-0.parquet\n  9 | 2023-12-31 | 9\n"; got != want {
		t.Errorf("table:\n%s", got)
	}
	if names, _ := os.ReadDir(filepath.Join(dir, "historical/e/s")); len(names) != 1 {
		t.Errorf("empty folders of months stay: %v", names)
	}
}

// Rules: S-1206, S-1208.
func TestSink_Empty_IntervalClearsFullIsRefused(t *testing.T) {
	for _, layout := range []string{partitioned, flat} {
		dir := t.TempDir()
		mustWrite(t, sink(t, dir, config.Sink{Layout: layout}, nil), run(t, "full", "", ""), columns, "1 | 2024-01-01 | 1", "1 | 2024-01-02 | 2")
		before := table(t, dir)
		if _, err := write(t, sink(t, dir, config.Sink{Layout: layout}, nil), run(t, "none", "", ""), columns); !fault.Is(err, EmptyFullRun) {
			t.Errorf("%s: %v", layout, err)
		}
		if got := table(t, dir); got != before || aside(t, dir) != nil {
			t.Errorf("%s: a refused run left a trace:\n%s%q", layout, got, aside(t, dir))
		}
		if layout == partitioned {
			got := mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "empty", "2024-01-02", ""), columns)
			if want := (flow.Published{Cleared: 1}); got != want {
				t.Errorf("%+v", got)
			}
		}
		mustWrite(t, sink(t, dir, config.Sink{Layout: layout, AllowEmpty: true}, nil), run(t, "erase", "", ""), columns)
		want := ""
		if layout == flat {
			want = "e/s/part-0.parquet\n" // without rows, for its columns
		}
		if got := table(t, dir); got != want {
			t.Errorf("%s: table:\n%s", layout, got)
		}
	}
}

// Rule: S-1208.
func TestSink_EmptyInterval_SaysSo(t *testing.T) {
	env, _, counts := hosttest.Env(t)
	s, err := New(config.Sink{Path: t.TempDir()}, parts.Place{}, env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prepare(t, s.(*Sink), run(t, "r", "2024-01-01", "2024-01-02"), columns); err != nil {
		t.Fatal(err)
	}
	if counts.N["empty_interval{historical}"] != 1 {
		t.Errorf("%v", counts.N)
	}
	s.Close()
}

// What a table or a run cannot take is refused before a row is computed.
// Rules: S-1202, S-1204.
func TestSink_Open_Refusals(t *testing.T) {
	at := "2024-01-05"
	for name, c := range map[string]struct {
		layout  string
		run     flow.Run
		columns string
		code    fault.Code
		says    string
	}{
		"dropped column":   {partitioned, run(t, "r", "", ""), "id bigint, timestamp timestamp", SchemaChange, `column "n" is in the table`},
		"other type":       {partitioned, run(t, "r", at, at), "id bigint, timestamp timestamp, n double", SchemaChange, `column "n" is bigint in the table and double`},
		"other layout":     {flat, run(t, "r", "", ""), columns, LayoutChange, "partitioned"},
		"flat interval":    {flat, run(t, "r", at, at), columns, FlatInterval, at},
		"no timestamp":     {partitioned, run(t, "r", "", ""), "id bigint", BadColumn, "0 columns"},
		"other timestamp":  {partitioned, run(t, "r", "", ""), "id bigint, timestamp bigint", BadColumn, "microseconds"},
		"partition column": {partitioned, run(t, "r", "", ""), columns + ", day bigint", BadColumn, `"day"`},
		"bad run":          {partitioned, run(t, "../r", "", ""), columns, BadPlace, "../r"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "first", "", ""), columns, "1 | 2024-01-05 | 1")
			before := table(t, dir)
			s := sink(t, dir, config.Sink{Layout: c.layout}, nil)
			err := s.Open(t.Context(), c.run, hosttest.Record(t, c.columns).Schema())
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if err := s.Close(); err != nil || table(t, dir) != before || aside(t, dir) != nil {
				t.Errorf("a refused run left a trace: %v, %q", err, aside(t, dir))
			}
		})
	}
}

// Rule: S-1204.
func TestSink_NewColumn_Accepted(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "a", "", ""), columns, "1 | 2024-01-05 | 1", "1 | 2024-01-06 | 1")
	mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "b", "2024-01-05", "2024-01-05"), columns+", more array<string>", `1 | 2024-01-05 | 1 | ["x"]`)
	// The newer column binds from now on, though the other day lacks it.
	if _, err := write(t, sink(t, dir, config.Sink{}, nil), run(t, "c", "2024-01-06", "2024-01-06"), columns+", more array<bigint>", "1 | 2024-01-06 | 1 | [1]"); !fault.Is(err, SchemaChange) {
		t.Errorf("%v", err)
	}
	mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "d", "2024-01-06", "2024-01-06"), columns+", more array<string>", `1 | 2024-01-06 | 1 | null`)
}

func TestNew_Refusals(t *testing.T) {
	env, _, _ := hosttest.Env(t)
	for _, c := range []config.Sink{{}, {Path: "gs://bucket/x"}, {Path: "out", Layout: "hourly"}} {
		if _, err := New(c, parts.Place{}, env); !fault.Is(err, BadPlace) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	s, err := New(config.Sink{Path: "out"}, parts.Place{Dir: "/pipelines"}, env)
	if err != nil || s.(*Sink).store.Path("") != "/pipelines/out" {
		t.Errorf("a relative path starts elsewhere: %v", err)
	}
}

func TestSink_RowOutsideInterval_Refused(t *testing.T) {
	for _, row := range []string{"1 | 2024-01-04 | 1", "1 | null | 1"} {
		dir := t.TempDir()
		if _, err := write(t, sink(t, dir, config.Sink{}, nil), run(t, "r", "2024-01-05", ""), columns, row); !fault.Is(err, OutsideInterval) {
			t.Errorf("%v", err)
		}
		if aside(t, dir) != nil || table(t, dir) != "" {
			t.Errorf("left behind: %q", aside(t, dir))
		}
	}
}

func TestSink_FolderNotWritable_FoundInOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := sink(t, dir, config.Sink{}, nil)
	err := s.Open(t.Context(), run(t, "r", "", ""), hosttest.Record(t, columns).Schema())
	if !fault.Is(err, NotWritable) || fault.ClassOf(err) != fault.System {
		t.Errorf("%v", err)
	}
}

// A full disk at any write, sync or new file: the table is as it was, and
// nothing is left to fill the disk.
func TestSink_DiskFullAnywhere_TableUntouched(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "old", "", ""), columns, "1 | 2024-01-01 | 1", "1 | 2024-01-02 | 2")
		before := table(t, dir)
		plan := &blobtest.Plan{FailAt: n, Err: syscall.ENOSPC, Match: func(op blob.Op) bool {
			return op.Kind == blob.Write || op.Kind == blob.Create || op.Kind == blob.MakeDir || op.Kind == blob.Sync || op.Kind == blob.SyncDir
		}}
		s := sink(t, dir, config.Sink{}, plan.Hook)
		_, err := prepare(t, s, run(t, "new", "", ""), columns, "1 | 2024-01-02 | 22", "1 | 2024-01-03 | 33")
		s.Close()
		if !plan.Reached() {
			if err != nil || n < 10 {
				t.Fatalf("%d operations, %v", n, err)
			}
			return
		}
		if !fault.Is(err, DiskFull) || fault.ClassOf(err) != fault.System || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("failure at %d: %v", n, err)
		}
		if got := table(t, dir); got != before {
			t.Fatalf("failure at %d: table:\n%s", n, got)
		}
		if left := aside(t, dir); left != nil {
			t.Fatalf("failure at %d left %q", n, left)
		}
	}
}

// A footer that counts other rows than were written stops the publication.
// Rule: S-1205.
func TestSink_FooterCountsOtherRows_Refused(t *testing.T) {
	for threshold, want := range map[float64]bool{0: false, 0.2: true} {
		dir := t.TempDir()
		s := sink(t, dir, config.Sink{ValidationThreshold: threshold}, nil)
		other := filepath.Join(t.TempDir(), "out")
		mustWrite(t, sink(t, other, config.Sink{}, nil), run(t, "r", "", ""), columns,
			"1 | 2024-01-01 | 1", "2 | 2024-01-01 | 1", "3 | 2024-01-01 | 1", "4 | 2024-01-01 | 1", "5 | 2024-01-01 | 1", "6 | 2024-01-01 | 1")
		s.store = blob.NewLocal(dir, func(op blob.Op) error {
			if op.Kind == blob.Sync { // the last moment before the check
				data, err := os.ReadFile(filepath.Join(other, "historical/e/s/year=2024/month=1/day=1/part-0.parquet"))
				return errors.Join(err, os.WriteFile(filepath.Join(dir, op.Key), data, 0o644))
			}
			return nil
		})
		_, err := prepare(t, s, run(t, "r", "", ""), columns,
			"1 | 2024-01-01 | 1", "2 | 2024-01-01 | 1", "3 | 2024-01-01 | 1", "4 | 2024-01-01 | 1", "5 | 2024-01-01 | 1")
		if (err == nil) != want || (err != nil && !fault.Is(err, RowsLost)) {
			t.Errorf("threshold %v: %v", threshold, err)
		}
		s.Close()
	}
}

func TestSink_Cancelled_NothingLeft(t *testing.T) {
	dir := t.TempDir()
	s := sink(t, dir, config.Sink{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	b := hosttest.Batch(t, columns, "1 | 2024-01-01 | 1")
	defer b.Release()
	if err := s.Open(ctx, run(t, "r", "", ""), b.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(ctx, b); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := s.Prepare(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil || aside(t, dir) != nil {
		t.Errorf("%v, left %q", err, aside(t, dir))
	}
	if err := s.Write(t.Context(), b); !fault.Is(err, WriteRefused) {
		t.Errorf("a closed sink: %v", err)
	}
	if _, err := s.Prepare(t.Context()); !fault.Is(err, WriteRefused) {
		t.Errorf("a closed sink: %v", err)
	}
}

// What Prepare returned outlives Close; Discard, of any process, removes it.
func TestSink_Discard_RemovesPrepared(t *testing.T) {
	dir := t.TempDir()
	s := sink(t, dir, config.Sink{}, nil)
	if _, err := prepare(t, s, run(t, "r", "", ""), columns, "1 | 2024-01-01 | 1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil || len(aside(t, dir)) != 1 {
		t.Fatalf("%v: a prepared write did not outlive Close: %q", err, aside(t, dir))
	}
	for range 2 {
		if err := sink(t, dir, config.Sink{}, nil).Discard(t.Context(), run(t, "r", "", "")); err != nil {
			t.Fatal(err)
		}
	}
	if aside(t, dir) != nil || table(t, dir) != "" {
		t.Errorf("left %q", aside(t, dir))
	}
}

func TestPublish_PendingGoneOrForeign_TableUntouched(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"gone": os.Remove,
		"torn": func(p string) error { return os.Truncate(p, 100) },
		"of another run": func(p string) error {
			dir := t.TempDir()
			mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "other", "", ""), columns, "1 | 2024-01-01 | 1")
			return os.Rename(filepath.Join(dir, "historical/e/s/year=2024/month=1/day=1/part-0.parquet"), p)
		},
	} {
		dir := t.TempDir()
		mustWrite(t, sink(t, dir, config.Sink{}, nil), run(t, "old", "", ""), columns, "1 | 2024-01-01 | 1")
		before := table(t, dir)
		s := sink(t, dir, config.Sink{}, nil)
		p, err := prepare(t, s, run(t, "r", "", ""), columns, "1 | 2024-01-01 | 2")
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(filepath.Join(dir, aside1(t, dir))); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Publish(t.Context(), p); !fault.Is(err, PendingLost) {
			t.Errorf("%s: %v", name, err)
		}
		if got := table(t, dir); got != before {
			t.Errorf("%s: table:\n%s", name, got)
		}
	}
	p := flow.Pending{Data: []byte(`{"format":99}`)}
	if _, err := sink(t, t.TempDir(), config.Sink{}, nil).Publish(t.Context(), p); !fault.Is(err, PendingLost) {
		t.Errorf("%v", err)
	}
}

func aside1(t *testing.T, dir string) string { return "_featurehost/" + aside(t, dir)[0] }

func TestCodes_AllExplained(t *testing.T) {
	for _, d := range Codes() {
		if d.Title == "" || d.Explain == "" {
			t.Errorf("%+v", d)
		}
	}
}

// A disk that fills up while rows still come is freed at once, not when the
// run has ended.
func TestSink_DiskFullWhileWriting_PendingRemovedAtOnce(t *testing.T) {
	dir := t.TempDir()
	plan := &blobtest.Plan{FailAt: 3, Err: syscall.ENOSPC, Match: func(op blob.Op) bool { return op.Kind == blob.Write }}
	s := sink(t, dir, config.Sink{}, plan.Hook)
	s.env.MemoryBytes = 1 // so that row groups are written early
	defer s.Close()
	var text []string
	for i := range 5000 {
		text = append(text, fmt.Sprintf("%d | %s | 1", i/50, (flow.Day(19723)+flow.Day(i%50)).String()))
	}
	b := hosttest.Batch(t, columns, text...)
	defer b.Release()
	if err := s.Open(t.Context(), run(t, "r", "", ""), b.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		err := s.Write(t.Context(), b)
		if err == nil {
			continue
		}
		if !fault.Is(err, DiskFull) || !plan.Reached() {
			t.Fatal(err)
		}
		if left := aside(t, dir); left != nil {
			t.Errorf("the disk stays full of %q", left)
		}
		return
	}
	t.Fatal("no rows were put aside while rows came")
}

// A day with more rows than a row group holds, put aside many times while
// other days crowd it out: its groups are of about equal size, and its rows
// keep their order.
func TestSink_LargeDaysPutAside_GroupsOfEqualSize(t *testing.T) {
	dir := t.TempDir()
	s := sink(t, dir, config.Sink{}, nil)
	s.env.MemoryBytes = 1
	const batch, days, rows = 1000, 40, groupRows + groupRows*3/4
	rec := hosttest.Record(t, columns)
	defer rec.Release()
	if err := s.Open(t.Context(), run(t, "r", "", ""), rec.Schema()); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := array.NewRecordBuilder(memory.DefaultAllocator, rec.Schema())
	defer b.Release()
	for from := 0; from < rows; from += batch {
		n := min(batch, rows-from)
		for d := range days {
			if d > 0 && from > 0 && from+batch < rows {
				continue // the other days have rows at the start and the end only
			}
			for i := range n {
				b.Field(0).(*array.Int64Builder).Append(int64(from + i))
				b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp((19723 + int64(d)) * flow.MicrosPerDay))
				if i%3 == 0 {
					b.Field(2).AppendNull()
				} else {
					b.Field(2).(*array.Int64Builder).Append(int64(from+i) * 977)
				}
			}
		}
		out := b.NewRecordBatch()
		err := s.Write(t.Context(), flow.Batch{Record: out})
		out.Release()
		if err != nil {
			t.Fatal(err)
		}
		if first := s.writer.days[0]; from%(50*batch) == 0 {
			run, err := s.writer.spill.put(t.Context(), first.rows, first.n)
			if err != nil {
				t.Fatal(err)
			}
			first.runs, first.n = append(first.runs, run), 0
		}
	}
	p, err := s.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "historical/e/s/year=2024/month=1/day=1/part-0.parquet")
	if n := groupsOf(t, path); n != 2 {
		t.Errorf("%d rows in %d row groups", rows, n)
	}
	next := 0
	for line := range strings.Lines(rowsOf(t, path)) {
		var id int
		fmt.Sscan(line, &id)
		if id != next {
			t.Fatalf("row %d has key %d", next, id)
		}
		next++
	}
	if next != rows {
		t.Errorf("%d rows of %d", next, rows)
	}
}

// A scratch file that another hand touched ends the run before anything of it
// is believed, and nothing stays behind.
func TestSink_SpillTouched_Refused(t *testing.T) {
	for name, touch := range map[string]func(path string) error{
		"changed": func(p string) error {
			f, err := os.OpenFile(p, os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt([]byte{0xff, 0x01}, 40)
				err = errors.Join(err, f.Close())
			}
			return err
		},
		"cut": func(p string) error { return os.Truncate(p, 100) },
	} {
		dir := t.TempDir()
		s := sink(t, dir, config.Sink{}, nil)
		b := hosttest.Batch(t, columns, "1 | 2024-01-01 | 7", "1 | 2024-01-02 | 8")
		if err := s.Open(t.Context(), run(t, "r", "", ""), b.Record.Schema()); err != nil {
			t.Fatal(err)
		}
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		b.Release()
		for _, d := range s.writer.days {
			if err := s.writer.relieve(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if err := touch(s.store.Path(s.writer.spill.key)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Prepare(t.Context()); !fault.Is(err, WriteRefused) || !strings.Contains(err.Error(), "rows put aside") {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Close(); err != nil || aside(t, dir) != nil || table(t, dir) != "" {
			t.Errorf("%s: %v, left %q", name, err, aside(t, dir))
		}
	}
}

// What a killed process put aside goes with the rest of its run.
func TestSink_Discard_RemovesSpill(t *testing.T) {
	dir := t.TempDir()
	s := sink(t, dir, config.Sink{}, nil)
	b := hosttest.Batch(t, columns, "1 | 2024-01-01 | 7")
	defer b.Release()
	if err := s.Open(t.Context(), run(t, "r", "", ""), b.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := s.writer.relieve(t.Context(), s.writer.days[0]); err != nil {
		t.Fatal(err)
	}
	if got := aside(t, dir); len(got) != 1 || filepath.Base(got[0]) != spillFile {
		t.Fatalf("aside lies %q", got)
	}
	s.close() // as a killed process: nothing is removed
	if err := sink(t, dir, config.Sink{}, nil).Discard(t.Context(), run(t, "r", "", "")); err != nil || aside(t, dir) != nil {
		t.Errorf("%v, left %q", err, aside(t, dir))
	}
}
