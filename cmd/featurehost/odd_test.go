package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/host/hosttest"
)

// parquetOf writes rows, as hosttest reads them, to a Parquet file.
func (w *world) parquetOf(name, columns string, rows ...string) {
	w.Helper()
	r := hosttest.Record(w, columns, rows...)
	defer r.Release()
	w.record(name, r)
}

func (w *world) record(name string, r arrow.RecordBatch) {
	w.Helper()
	var b bytes.Buffer
	p, err := pqarrow.NewFileWriter(r.Schema(), &b, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		w.Fatal(err)
	}
	if r.NumRows() > 0 {
		if err := p.Write(r); err != nil {
			w.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		w.Fatal(err)
	}
	w.write(name, b.String())
}

const (
	asParquet = "format = \"parquet\""
	asCSV     = "format = \"csv\""
	typed     = asCSV + "\nschema = { id = \"bigint\", ts = \"timestamp\", amount = \"double\" }"
)

// TestDryRunAndCheck_NothingCreated: check, plan and a dry run leave no file or
// folder, neither beside the pipeline nor elsewhere.
// Rule: S-1209.
func TestDryRunAndCheck_NothingCreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.events(40, 4)
	w.pipeline("# prepare", "[[reader.prepare]]\nuse = \"filter\"\nwhere = \"amount > 1\"")
	before := w.everything()
	if o := w.good("check", "p.toml"); o.stdout+o.stderr != "" {
		t.Errorf("check is not silent: %s%s", o.stdout, o.stderr)
	}
	w.good("plan", "p.toml")
	o := w.good("run", "p.toml", "--dry-run")
	rows := 0
	for _, l := range strings.Split(o.stdout, "\n") {
		if strings.Contains(l, "T00:00:00Z  ") {
			rows++
		}
	}
	if rows != 20 {
		t.Errorf("%d rows are shown, want 20\n%s", rows, o.stdout)
	}
	w.good("run", "p.toml", "--dry-run", "--json")
	if after := w.everything(); after != before {
		t.Errorf("from\n%s\nto\n%s", before, after)
	}
	w.clean()
}

// everything lists all files and folders of the folder.
func (w *world) everything() string {
	w.Helper()
	var out []string
	var walk func(string)
	walk = func(dir string) {
		entries, err := os.ReadDir(w.path(dir))
		if err != nil {
			w.Fatal(err)
		}
		for _, e := range entries {
			out = append(out, dir+"/"+e.Name())
			if e.IsDir() {
				walk(dir + "/" + e.Name())
			}
		}
	}
	walk(".")
	return strings.Join(out, "\n")
}

// TestRun_OddButRight: input that is unusual and has a right answer.
// Rules: S-106, S-304, S-604.
func TestRun_OddButRight(t *testing.T) {
	t.Parallel()
	const one = "id,ts,amount\n1,2024-01-01T10:00:00Z,1.5\n"
	oneRow := []string{"1 | 2024-01-02 | 1 | 1.5"}
	for _, c := range []struct {
		name  string
		files map[string]string
		edit  []string
		want  []string
	}{
		{"crlf and no newline at the end", map[string]string{"events.csv": "id,ts,amount\r\n1,2024-01-01T10:00:00Z,1.5"}, nil, oneRow},
		{"byte order mark", map[string]string{"events.csv": "\ufeff" + one}, nil, oneRow},
		{"empty lines", map[string]string{"events.csv": "id,ts,amount\n\n1,2024-01-01T10:00:00Z,1.5\n\n"}, nil, oneRow},
		{"a folder with spaces", map[string]string{"my data/of 2024.csv": one}, []string{"events.csv", "my data"}, oneRow},
		{"a glob", map[string]string{"d/a.csv": one, "d/b.csv": strings.Replace(one, "1,2024", "2,2024", 1), "d/c.txt": "no"}, []string{"events.csv", "d/*.csv"},
			[]string{"1 | 2024-01-02 | 1 | 1.5", "2 | 2024-01-02 | 1 | 1.5"}},
		{"names in quotes and beyond ascii", map[string]string{"events.csv": "\"id \"\"x\"\"\",Zeit,Betrag €\n1,2024-01-01T10:00:00Z,1.5\n"},
			[]string{`name = "id", type`, `name = "id", from = "id \"x\"", type`, `from = "ts"`, `from = "Zeit"`, "name = \"amount\"\n", "name = \"amount\"\nfrom = \"Betrag €\"\n"}, oneRow},
		{"before 1970", map[string]string{"events.csv": "id,ts,amount\n1,1969-12-31T23:59:59.999999Z,1.5\n1,1900-03-01T00:00:00Z,2\n"}, nil,
			[]string{"1 | 1900-03-02 | 1 | 2", "1 | 1900-03-04 | 0 | null", "1 | 1970-01-01 | 1 | 1.5"}},
		{"duplicates of a row count each", map[string]string{"events.csv": one + "1,2024-01-01T10:00:00Z,1.5\n"}, nil, []string{"1 | 2024-01-02 | 2 | 3"}},
		{"nulls only", map[string]string{"events.csv": "id,ts,amount\n1,2024-01-01T10:00:00Z,\n2,2024-01-01T10:00:00Z,\n"}, []string{asCSV, typed},
			[]string{"1 | 2024-01-02 | 0 | null", "2 | 2024-01-02 | 0 | null"}},
		{"a batch is a row", map[string]string{"events.csv": one}, []string{"name = \"spend\"\n\n[[reader]]", "name = \"spend\"\nbatch_rows = 1\nworkers = 1\n[[reader]]"}, oneRow},
		{"large batches, many workers", map[string]string{"events.csv": one}, []string{"name = \"spend\"\n\n[[reader]]", "name = \"spend\"\nbatch_rows = 1048576\nworkers = 16\n[[reader]]"}, oneRow},
		{"a text in the column timestamp", map[string]string{"events.csv": "id,timestamp,amount\n1,01.02.2024 10:00,1.5\n"},
			[]string{`from = "ts"`, `from = "timestamp", mask = "%d.%m.%Y %H:%M"`}, []string{"1 | 2024-02-02 | 1 | 1.5"}},
		{"half the rows rejected", map[string]string{"events.csv": one + ",2024-01-01T10:00:00Z,7\n1,,8\n"}, []string{asCSV, typed}, oneRow},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			for name, text := range c.files {
				w.write(name, text)
			}
			w.pipeline(c.edit...)
			w.good("run", "p.toml")
			if got := w.rows(); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			w.clean()
		})
	}
}

// TestRun_PipelineFileAsAnyEditorLeavesIt: line ends, no last newline, another
// folder, a link.
func TestRun_PipelineFileAsAnyEditorLeavesIt(t *testing.T) {
	t.Parallel()
	w := ran(t)
	want := w.rows()
	for name, text := range map[string]string{
		"crlf.toml": strings.ReplaceAll(base, "\n", "\r\n"), "short.toml": strings.TrimRight(base, "\n"), "my pipeline.toml": base,
	} {
		w.write(name, text)
		w.good("run", name)
		if got := w.rows(); !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, want %d", name, len(got), len(want))
		}
	}
	// Paths start from the folder of the pipeline file, not from where one stands.
	away := &world{t, t.TempDir(), w.tmp, w.env}
	away.good("run", w.path("p.toml"))
	if away.everything() != "" {
		t.Errorf("%s was made in the working directory", away.everything())
	}
	if err := os.Symlink(w.path("events.csv"), w.path("linked.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(w.path("out"), w.path("linked out")); err != nil {
		t.Fatal(err)
	}
	w.pipeline("events.csv", "linked.csv", `path = "out"`, `path = "linked out"`)
	w.good("run", "p.toml")
	if got := w.rows(); !slices.Equal(got, want) {
		t.Errorf("over links: %d rows, want %d", len(got), len(want))
	}
	w.clean()
}

// TestRun_OddAndRefused: input that is unusual and has no right answer, told so.
func TestRun_OddAndRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		files  func(*world)
		edit   []string
		status int
		says   []string
	}{
		{"parquet files of other columns", func(w *world) {
			w.parquetOf("d/a.parquet", "id bigint, ts timestamp, amount double", "1 | 2024-01-01 | 1")
			w.parquetOf("d/b.parquet", "id bigint, ts timestamp", "1 | 2024-01-01")
		}, []string{"events.csv", "d", asCSV, asParquet}, 2, []string{"FH-7504", "amount", "b.parquet"}},
		{"parquet files of other types", func(w *world) {
			w.parquetOf("d/a.parquet", "id bigint, ts timestamp, amount double", "1 | 2024-01-01 | 1")
			w.parquetOf("d/b.parquet", "id bigint, ts timestamp, amount string", "1 | 2024-01-01 | x")
		}, []string{"events.csv", "d", asCSV, asParquet}, 2, []string{"FH-7504", "amount", "b.parquet"}},
		{"parquet without rows", func(w *world) { w.parquetOf("e.parquet", "id bigint, ts timestamp, amount double") },
			[]string{"events.csv", "e.parquet", asCSV, asParquet}, 1, []string{"FH-7540", "allow_empty"}},
		{"csv files of other columns", func(w *world) {
			w.write("d/a.csv", "id,ts,amount\n1,2024-01-01T10:00:00Z,1\n")
			w.write("d/b.csv", "id,ts,price\n1,2024-01-01T10:00:00Z,1\n")
		}, []string{"events.csv", "d"}, 2, []string{"FH-7111", "price", "b.csv"}},
		{"an empty folder", func(w *world) { _ = os.Mkdir(w.path("d"), 0o755) }, []string{"events.csv", "d"}, 2, []string{"FH-7500"}},
		{"a glob of nothing", func(*world) {}, []string{"events.csv", "*.nothing"}, 2, []string{"FH-7500"}},
		{"columns that differ in case", func(w *world) { w.write("events.csv", "id,ts,amount,Amount\n1,2024-01-01T10:00:00Z,1,2\n") }, nil, 2, []string{"FH-7111", "Amount"}},
		{"an empty csv", func(w *world) { w.write("events.csv", "") }, nil, 2, []string{"p.toml:9:8", "FH-7111", "first line is empty"}},
		{"a pipe", func(w *world) { _ = syscall.Mkfifo(w.path("events.csv"), 0o644) }, nil, 2, []string{"p.toml:9:8", "FH-7501", "pipe"}},
		{"a pipe in a folder", func(w *world) { _ = os.Mkdir(w.path("d"), 0o755); _ = syscall.Mkfifo(w.path("d/a.csv"), 0o644) },
			[]string{"events.csv", "d"}, 2, []string{"FH-7501", "pipe"}},
		{"a device", func(*world) {}, []string{"events.csv", "/dev/null"}, 2, []string{"FH-7501", "device"}},
		{"a link to nowhere", func(w *world) { _ = os.Symlink(w.path("gone"), w.path("events.csv")) }, nil, 2, []string{"FH-7500"}},
		{"a link to itself", func(w *world) { _ = os.Symlink(w.path("events.csv"), w.path("events.csv")) }, nil, 3, []string{"FH-7570"}},
		{"an integer overflows", func(w *world) {
			w.write("events.csv", "id,ts,amount\n1,2024-01-01T10:00:00Z,9223372036854775807\n1,2024-01-01T11:00:00Z,1\n")
		}, nil, 1, []string{"FH-7048"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.files(w)
			w.pipeline(c.edit...)
			w.refused(c.status, c.says, "run", "p.toml")
		})
	}
}

// TestRun_WideTable_EveryColumnArrives: hundreds of columns, through plan,
// exchange and both stores.
func TestRun_WideTable_EveryColumnArrives(t *testing.T) {
	t.Parallel()
	const wide = 400
	w := newWorld(t)
	head, row := "id,ts", "1,2024-01-01T10:00:00Z"
	var features strings.Builder
	for i := range wide {
		head += fmt.Sprintf(",c%d", i)
		row += fmt.Sprintf(",%d.5", i)
		fmt.Fprintf(&features, "[[feature_set.feature]]\nname = \"c%d\"\naggregate = [\"sum\"]\n", i)
	}
	w.write("events.csv", head+"\n"+row+"\n")
	w.pipeline("[[feature_set.feature]]\nname = \"amount\"\naggregate = [\"count\", \"sum\"]\n", features.String())
	w.good("run", "p.toml")
	if got := w.rows(); len(got) != 1 || strings.Count(got[0], " | ") != wide+1 || !strings.HasSuffix(got[0], " | 399.5") {
		t.Errorf("%.200v", got)
	}
	if o := w.good("get", "p.toml", "1"); strings.Count(o.stdout, "\n") != wide+2 {
		t.Errorf("the vector has %d lines", strings.Count(o.stdout, "\n"))
	}
}

// TestRun_LastDayThereIs_Replaced: an event of the last day of year 9999 enters
// a window that ends in the year 10000; its day is replaced like any other.
func TestRun_LastDayThereIs_Replaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("events.csv", "id,ts,amount\n1,9999-12-31T23:00:00Z,1.5\n")
	w.pipeline()
	w.good("run", "p.toml")
	if got := w.rows(); len(got) != 1 {
		t.Errorf("%d rows", len(got))
	}
	w.write("events.csv", "id,ts,amount\n1,2024-01-01T10:00:00Z,1.5\n")
	w.good("run", "p.toml")
	if got := w.rows(); !slices.Equal(got, []string{"1 | 2024-01-02 | 1 | 1.5"}) {
		t.Errorf("the old day is left: %v", got)
	}
}
