package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// missing runs --missing and gives the intervals that it computed.
func (w *world) missing(args ...string) (intervals []string) {
	w.Helper()
	o := w.good(append([]string{"run", "p.toml", "--missing", "--quiet", "--json"}, args...)...)
	var out struct {
		Result struct {
			Runs []struct{ Interval string }
		}
	}
	if err := json.Unmarshal([]byte(o.stdout), &out); err != nil {
		w.Fatalf("%v\n%s", err, o.stdout)
	}
	for _, r := range out.Result.Runs {
		intervals = append(intervals, r.Interval)
	}
	return intervals
}

// lasting writes events over n days from the 1st of January 2024.
func (w *world) lasting(n, customers int) {
	w.Helper()
	var b strings.Builder
	b.WriteString("id,ts,amount\n")
	for d := range n {
		for c := range customers {
			fmt.Fprintf(&b, "%d,2024-%02d-%02dT%02d:30:00Z,%d.5\n", c, 1+d/28, 1+d%28, c%24, c+d)
		}
	}
	w.write("events.csv", b.String())
}

// TestRun_Missing_UnionIsTheFullRun: what --missing computes, around days that
// are there already, is the table of one run over everything; then nothing is
// missing.
// Rules: S-1104, S-1210.
func TestRun_Missing_UnionIsTheFullRun(t *testing.T) {
	t.Parallel()
	full := newWorld(t)
	full.lasting(80, 3)
	full.pipeline(incremental()...)
	full.good("run", "p.toml", "--end", "2024-03-25")

	w := newWorld(t)
	w.lasting(80, 3)
	w.pipeline(incremental()...)
	w.good("run", "p.toml", "--start", "2024-02-10", "--end", "2024-02-12")
	got := w.missing("--start", "2024-01-01", "--end", "2024-03-25")
	want := []string{"2024-01-01..2024-01-31", "2024-02-01..2024-02-09", "2024-02-13..2024-03-14", "2024-03-15..2024-03-25"}
	if !slices.Equal(got, want) {
		t.Errorf("computed %v, want %v", got, want)
	}
	if d := differ(full.rows(), w.rows()); d != "" {
		t.Errorf("full run -, --missing +\n%s", d)
	}
	if got := w.missing("--end", "2024-03-25"); got != nil {
		t.Errorf("then %v is missing", got)
	}
	// A full run counts up to its last row.
	if got := full.missing("--end", "2024-03-27"); !slices.Equal(got, []string{"2024-03-26..2024-03-27"}) {
		t.Errorf("after a full run %v is missing", got)
	}
	w.clean()
}

// TestRun_Missing_KilledAnywhere_GoesOn: whatever ends --missing, the same
// command goes on, and never computes again what is published.
// Rules: S-1203, S-1210.
func TestRun_Missing_KilledAnywhere_GoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes, one after the other")
	}
	t.Parallel()
	full := newWorld(t)
	full.lasting(150, 60)
	full.pipeline(incremental()...)
	full.good("run", "p.toml", "--end", "2024-05-31")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		for number := 2; number <= 4; number += 2 {
			w := newWorld(t)
			w.lasting(150, 60)
			w.pipeline(incremental()...)
			args := []string{"run", "p.toml", "--missing", "--start", "2024-01-01", "--end", "2024-05-31"}
			cmd, stdout, stderr := w.start(args...)
			w.awaitClaim(number)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			o := w.end(cmd, stdout, stderr)
			if signal == syscall.SIGINT && o.status != 130 && o.status != 0 {
				t.Errorf("exit %d\n%s", o.status, o.stderr)
			}
			w.missing("--start", "2024-01-01", "--end", "2024-05-31")
			if got := w.missing("--end", "2024-05-31"); got != nil {
				t.Errorf("%v at run %d: then %v is missing", signal, number, got)
			}
			if d := differ(full.rows(), w.rows()); d != "" {
				t.Errorf("%v at run %d: full run -, --missing +\n%s", signal, number, d)
			}
			published := map[string]int{}
			for _, r := range w.records() {
				if r.State == "published" {
					published[r.Start]++
				}
			}
			for start, n := range published {
				if n > 1 {
					t.Errorf("%v at run %d: the days from %s on were published %d times", signal, number, start, n)
				}
			}
			w.clean()
		}
	}
}

// records reads the ledger.
func (w *world) records() (out []struct{ State, Start, End string }) {
	w.Helper()
	paths, err := filepath.Glob(w.path("out/_featurehost/customer/spend/runs/*.json"))
	if err != nil {
		w.Fatal(err)
	}
	for _, p := range paths {
		var r struct{ State, Start, End string }
		if err := json.Unmarshal([]byte(read(w, p)), &r); err != nil {
			w.Fatalf("%s: %v", p, err)
		}
		out = append(out, r)
	}
	return out
}

// TestRun_Missing_OneFails_TheOthersStay: an error tells how far --missing came,
// and keeps the status of its cause.
func TestRun_Missing_OneFails_TheOthersStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`path = "events.csv"`, `path = "in"`, `format = "csv"`, "format = \"csv\"\nincremental = { column = \"d\", mask = \"%Y-%m-%d\" }\nschema = { id = \"bigint\", ts = \"timestamp\", amount = \"double\" }")
	w.write("in/d=2024-01-05/a.csv", "id,ts,amount\n1,2024-01-05T10:00:00Z,1\n")
	w.write("in/d=2024-02-20/a.csv", "id,ts,amount\n1,2024-02-20T10:00:00Z,no number\n")
	o := w.command("run", "p.toml", "--missing", "--start", "2024-01-01", "--end", "2024-02-25")
	w.says(o, 1, "FH-3025", "1 of 2 missing intervals are computed; 2024-02-01..2024-02-25 is not", "the same command goes on", "d=2024-02-20", "FH-7531")
	if rows := w.rows(); len(rows) != 2 {
		t.Errorf("the table holds\n%s", strings.Join(rows, "\n"))
	}
	w.write("in/d=2024-02-20/a.csv", "id,ts,amount\n1,2024-02-20T10:00:00Z,5\n")
	if got := w.missing("--end", "2024-02-25"); !slices.Equal(got, []string{"2024-02-01..2024-02-25"}) {
		t.Errorf("then %v is computed", got)
	}
	if rows := w.rows(); len(rows) != 4 {
		t.Errorf("the table holds\n%s", strings.Join(rows, "\n"))
	}
	w.clean()
}

// TestRun_Interval_ReadsWhatItNeeds: a day of a year is computed from the days
// that its features look back on, and from no byte of the others.
// Rules: S-509, S-512.
func TestRun_Interval_ReadsWhatItNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`path = "events.csv"`, `path = "in"`, `format = "csv"`, "format = \"csv\"\nincremental = { column = \"d\", mask = \"%Y-%m-%d\" }")
	for d := range 200 {
		day := fmt.Sprintf("2024-%02d-%02d", 1+d/28, 1+d%28)
		w.write("in/d="+day+"/a.csv", fmt.Sprintf("id,ts,amount\n%d,%sT10:00:00Z,%d\n", d%7, day, d))
	}
	w.good("run", "p.toml")
	want := w.rows()
	// Whoever reads an old file, fails.
	for d := range 100 {
		day := fmt.Sprintf("2024-%02d-%02d", 1+d/28, 1+d%28)
		if d > 0 { // the first file tells the columns
			w.write("in/d="+day+"/a.csv", "id,ts,amount\nbroken,row,here\n")
		}
	}
	o := w.good("run", "p.toml", "--start", "2024-07-01", "--end", "2024-07-02", "--json")
	var out struct {
		Result struct {
			ReadFrom string `json:"read_from"`
			Readers  map[string]struct {
				Objects, Rows int64
				DaysOf        string `json:"days_of"`
			}
		}
	}
	if err := json.Unmarshal([]byte(o.stdout), &out); err != nil {
		t.Fatal(err)
	}
	// Windows of 2 days and a slide of one before the 1st; February to June of
	// the data end with the 28th.
	if r := out.Result.Readers["events"]; out.Result.ReadFrom != "2024-06-28" || r.Objects != 3 || r.Rows != 3 || r.DaysOf != "d" {
		t.Errorf("read %+v from %s", r, out.Result.ReadFrom)
	}
	if d := differ(want, w.rows()); d != "" {
		t.Errorf("full run -, interval +\n%s", d)
	}
	w.clean()
}

// TestPlan_Output_IsWhatIsWritten: the names, types and order of columns that
// plan tells are those of the files.
// Rule: S-101.
func TestPlan_Output_IsWhatIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(`aggregate = ["count", "sum"]`, `aggregate = ["max", { function = "avg", type = "float" }, "count", { function = "sum", type = "string" }, "first"]`,
		`keys = [{ name = "id", type = "bigint" }]`, `keys = [{ name = "id", type = "integer" }, { name = "ts", type = "date" }]`)
	w.events(2, 3)
	for _, args := range [][]string{{}, {"--date", "2024-01-02"}} {
		var plan struct {
			Result struct {
				Output []struct{ Name, Type string }
			}
		}
		o := w.good(append([]string{"plan", "p.toml", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(o.stdout), &plan); err != nil {
			t.Fatal(err)
		}
		w.good(append([]string{"run", "p.toml"}, args...)...)
		var told []string
		for _, c := range plan.Result.Output {
			told = append(told, c.Name+" "+c.Type)
		}
		files, err := filepath.Glob(w.path("out/historical/customer/spend/*/*/*/*.parquet"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			if got := w.schemaOf(f); !slices.Equal(got, told) || len(told) != 8 {
				t.Errorf("%v: plan tells %q, %s has %q", args, told, f, got)
			}
		}
	}
}

// schemaOf gives the columns of a Parquet file, as a pipeline file names types.
func (w *world) schemaOf(path string) (out []string) {
	w.Helper()
	env, _, _ := hosttest.Env(w)
	r, err := catalog().Readers["file"](config.Reader{ID: "t", Type: "file", Path: strings.TrimPrefix(path, w.dir+"/"), Format: "parquet"}, parts.Place{Dir: w.dir, State: w.tmp}, env)
	if err != nil {
		w.Fatal(err)
	}
	defer r.Close()
	s, err := r.Schema(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range s.Fields() {
		if f.Name != "year" && f.Name != "month" && f.Name != "day" {
			out = append(out, f.Name+" "+schema.TypeName(f.Type))
		}
	}
	return out
}

// TestRun_Reread_CountsAndLettersOnce: what is computed twice is counted and
// kept once, in a run and in a dry run.
// Rules: S-1105, S-1608.
func TestRun_Reread_CountsAndLettersOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipeline(incremental()...)
	w.write("events.csv", "id,ts,amount\n1,2024-01-01T10:00:00Z,3\n1,2024-01-19T10:00:00Z,\n2,2024-01-19T10:00:00Z,\n,2024-01-19T10:00:00Z,5\n")
	for _, args := range [][]string{{"--dry-run"}, nil} {
		o := w.good(append([]string{"run", "p.toml", "--date", "2024-01-20", "--quiet"}, args...)...)
		for _, part := range []string{"reread: all rows", "4 rows read, 1 feature rows", "rejected            1  null_key"} {
			if !strings.Contains(o.stdout, part) {
				t.Errorf("%v: it does not say %q\n%s", args, part, o.stdout)
			}
		}
		if args != nil && strings.Count(o.stdout, "2024-01-20T00:00:00Z") != 2 { // a row, and the last label
			t.Errorf("the preview shows rows of both computations\n%s", o.stdout)
		}
	}
	if rows := w.rows(); len(rows) != 1 {
		t.Errorf("the table holds %q", rows)
	}
	letters, err := filepath.Glob(w.path(".featurehost/dead_letter/*/*.parquet"))
	if err != nil || len(letters) != 1 {
		t.Fatalf("letters %v, %v", letters, err)
	}
	if rows := w.table(strings.TrimPrefix(filepath.Dir(letters[0]), w.dir+"/")); len(rows) != 1 {
		t.Errorf("the letter holds %q", rows)
	}
	// Now that the ledger tells that all earlier days are there, the stored rows
	// do: of key 2 and not of key 3.
	w.good("run", "p.toml", "--end", "2024-01-25")
	w.write("events.csv", w.read("events.csv")+"2,2024-01-29T10:00:00Z,\n3,2024-01-29T10:00:00Z,\n")
	w.good("run", "p.toml", "--start", "2024-01-26", "--end", "2024-01-29")
	if o := w.good("run", w.path("p.toml"), "--date", "2024-01-30", "--quiet"); !strings.Contains(o.stdout, "stored rows told whether 2 keys came before") || !strings.Contains(o.stdout, "1 feature rows written") {
		t.Errorf("it says\n%s", o.stdout)
	}
	w.clean()
}
