package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	arrowmemory "github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/pipelinetest"
)

// TestPlan_TellsTheSchemaThatIsWritten: for every pipeline of the examples and
// the golden cases, with the rows of its test, the columns that plan tells are
// those of each Parquet file and of the online table, name by name and type by
// type.
// Rules: S-101, S-401, S-933.
func TestPlan_TellsTheSchemaThatIsWritten(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes, one after the other")
	}
	t.Parallel()
	tests, err := pipelinetest.Find([]string{"../../examples/features", "../../examples/butterfree", "../../testdata/golden"})
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	var written atomic.Int64
	t.Run("of", func(t *testing.T) {
		for _, path := range tests {
			c, err := pipelinetest.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			pipeline := filepath.Join(filepath.Dir(path), c.Pipeline)
			if done[pipeline] || c.Expect.Error != "" {
				continue
			}
			done[pipeline] = true
			t.Run(strings.TrimPrefix(pipeline, "../../"), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.copied(pipeline, c)
				written.Add(int64(w.toldAsWritten()))
			})
		}
	})
	if n := written.Load(); len(done) < 50 || n < 100 {
		t.Errorf("%d pipelines wrote %d files: where are the others?", len(done), n)
	}
}

// copied puts a pipeline of the repository into the world as p.toml, with an
// online sink, the rows of a test and the plugins.
func (w *world) copied(pipeline string, c *pipelinetest.Case) {
	w.Helper()
	text := read(w, pipeline)
	if !strings.Contains(text, `type = "online"`) {
		text += "\n[[sink]]\ntype = \"online\"\n"
	}
	w.write("p.toml", text)
	for _, p := range []string{"ratio/ratio.wasm", "delay_score/delay_score.wasm"} {
		w.write("plugins/"+filepath.Base(p), read(w, "../../plugins/"+p))
	}
	f, err := config.Load(w.path("p.toml"), os.LookupEnv)
	if err != nil {
		w.Fatal(err)
	}
	for _, r := range f.Readers {
		rows := ""
		for _, in := range c.Inputs {
			switch {
			case in.Reader != r.ID:
			case in.File != "":
				rows = read(w, filepath.Join(filepath.Dir(c.Path), in.File))
			default:
				rows = in.Rows
			}
		}
		if rows == "" { // the pipeline's own data
			rows = read(w, filepath.Join(filepath.Dir(pipeline), r.Path))
		}
		w.write(r.Path, strings.TrimLeft(rows, "\n"))
	}
}

// toldAsWritten holds what plan tells of the columns against what a run writes,
// and gives the number of Parquet files.
func (w *world) toldAsWritten() int {
	w.Helper()
	var plan struct {
		Result struct {
			Output []struct{ Name, Type string }
		}
	}
	if err := json.Unmarshal([]byte(w.inside("plan", w.path("p.toml"), "--json")), &plan); err != nil {
		w.Fatal(err)
	}
	var told, stored []string
	for _, c := range plan.Result.Output {
		told = append(told, c.Name+" "+c.Type)
		stored = append(stored, c.Name+" "+storedAs(c.Type))
	}
	w.inside("run", w.path("p.toml"), "--quiet")
	files := strings.Fields(w.files(func(path string) bool { return strings.HasSuffix(path, ".parquet") }))
	n := 0
	for _, f := range files {
		if !strings.HasSuffix(f, ".parquet") || strings.Contains(f, "dead_letter") {
			continue
		}
		n++
		if got := parquetColumns(w, w.path(f)); !slices.Equal(got, told) {
			w.Errorf("%s has\n%s\nplan tells\n%s", f, strings.Join(got, "\n"), strings.Join(told, "\n"))
		}
	}
	if got := w.onlineColumns(); !slices.Equal(got, stored) {
		w.Errorf("the online table has\n%s\nplan tells\n%s", strings.Join(got, "\n"), strings.Join(stored, "\n"))
	}
	return n
}

// inside runs a command in this process and gives its stdout.
func (w *world) inside(args ...string) string {
	w.Helper()
	var stdout, stderr bytes.Buffer
	if status := doMain(w.Context(), args, &stdout, &stderr); status != 0 {
		w.Fatalf("featurehost %s: exit %d\n%s%s", strings.Join(args, " "), status, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// storedAs is the type of an online column in SQLite (S-401).
func storedAs(typ string) string {
	switch typ {
	case "timestamp", "timestamp_ntz", "boolean", "integer", "bigint":
		return "INTEGER"
	case "float", "double":
		return ""
	case "binary":
		return "BLOB"
	}
	return "TEXT"
}

// parquetColumns gives the columns of a file as they are, widened by no reader.
func parquetColumns(t testing.TB, path string) (out []string) {
	t.Helper()
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, arrowmemory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Schema()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Fields() {
		out = append(out, f.Name+" "+schema.TypeName(f.Type))
	}
	return out
}

// onlineColumns gives the columns of the only table of the online store, but
// for those that the store keeps for itself.
func (w *world) onlineColumns() (out []string) {
	w.Helper()
	var path string
	for _, p := range strings.Fields(w.files(func(path string) bool { return strings.HasSuffix(path, ".db") })) {
		if strings.HasSuffix(p, ".db") {
			path = p
		}
	}
	db, err := sql.Open("sqlite3", "file:"+w.path(path)+"?mode=ro")
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'fh\_%' ESCAPE '\' AND t.name NOT LIKE 'sqlite%' AND c.name NOT LIKE 'fh\_%' ESCAPE '\' ORDER BY t.name, c.cid`)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			w.Fatal(err)
		}
		out = append(out, name+" "+typ)
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return out
}

// TestPlan_SinkStages_TellWhatEachSinkStores: where a sink has stages of its
// own, plan tells the columns that reach it, and these are stored.
func TestPlan_SinkStages_TellWhatEachSinkStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.events(3, 3)
	stage := "[[sink.stage]]\nuse = \"explode_json\"\ncolumn = \"note__first_over_2_days_rolling_windows\"\nschema = { a = \"integer\", b = \"array<string>\" }\n"
	w.pipeline(
		"[[sink]]\ntype = \"historical\"\npath = \"out\"\n", "[[feature_set.feature]]\nname = \"note\"\nfrom = \"amount\"\naggregate = [{ function = \"first\", type = \"string\" }]\n[[sink]]\ntype = \"historical\"\npath = \"out\"\n"+stage,
		"[[sink]]\ntype = \"online\"\n", "[[sink]]\ntype = \"online\"\n"+strings.Replace(stage, ", b = \"array<string>\"", "", 1),
	)
	var plan struct {
		Result struct {
			Output []struct{ Name string }
			Sinks  []struct {
				Name   string
				Newest bool `json:"newest_only"`
				Output []struct{ Name, Type string }
			}
		}
	}
	if err := json.Unmarshal([]byte(w.inside("plan", w.path("p.toml"), "--json")), &plan); err != nil {
		t.Fatal(err)
	}
	history, fresh := plan.Result.Sinks[0], plan.Result.Sinks[1]
	if len(plan.Result.Output) != 5 || len(history.Output) != 7 || len(fresh.Output) != 6 || history.Newest || !fresh.Newest {
		t.Fatalf("plan tells %+v", plan.Result)
	}
	w.inside("run", w.path("p.toml"), "--quiet")
	var told, stored []string
	for _, c := range history.Output {
		told = append(told, c.Name+" "+c.Type)
	}
	for _, c := range fresh.Output {
		stored = append(stored, c.Name+" "+storedAs(c.Type))
	}
	files := 0
	for _, f := range strings.Fields(w.files(func(path string) bool { return strings.HasSuffix(path, ".parquet") })) {
		if !strings.HasSuffix(f, ".parquet") {
			continue
		}
		files++
		if got := parquetColumns(w, w.path(f)); !slices.Equal(got, told) {
			t.Errorf("%s has\n%s\nplan tells\n%s", f, strings.Join(got, "\n"), strings.Join(told, "\n"))
		}
	}
	if got := w.onlineColumns(); files == 0 || !slices.Equal(got, stored) {
		t.Errorf("%d files; the online table has\n%s\nplan tells\n%s", files, strings.Join(got, "\n"), strings.Join(stored, "\n"))
	}
}
