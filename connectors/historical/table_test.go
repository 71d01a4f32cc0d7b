package historical

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

const columns = "id bigint, timestamp timestamp, n bigint"

// run is a run of the feature set e/s over days "from..to", "" for a full one.
func run(t testing.TB, id, from, to string) flow.Run {
	t.Helper()
	r := flow.Run{Number: 1, ID: id, Entity: "e", Set: "s", Pipeline: "sha256:p", Version: "1.2.3", Plugins: map[string]string{"b@1": "y", "a@1": "x"}}
	var err error
	if r.Interval, err = flow.ParseInterval(from, to); err != nil {
		t.Fatal(err)
	}
	return r
}

// sink makes a sink over dir with one worker, so that operations have an order.
func sink(t testing.TB, dir string, cfg config.Sink, hook blob.Hook) *Sink {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	env.Workers = 1
	cfg.Path = dir
	s, err := newSink(cfg, parts.Place{}, env, hook)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// prepare opens the sink, writes the rows as one batch and prepares.
func prepare(t testing.TB, s *Sink, r flow.Run, cols string, rows ...string) (flow.Pending, error) {
	t.Helper()
	b := hosttest.Batch(t, cols, rows...)
	defer b.Release()
	if err := s.Open(t.Context(), r, b.Record.Schema()); err != nil {
		return flow.Pending{}, err
	}
	if err := s.Write(t.Context(), b); err != nil {
		return flow.Pending{}, err
	}
	return s.Prepare(t.Context())
}

// write does a whole run.
func write(t testing.TB, s *Sink, r flow.Run, cols string, rows ...string) (flow.Published, error) {
	t.Helper()
	defer s.Close()
	p, err := prepare(t, s, r, cols, rows...)
	if err != nil {
		return flow.Published{}, err
	}
	return s.Publish(t.Context(), p)
}

// mustWrite does a whole run that has to succeed.
func mustWrite(t testing.TB, s *Sink, r flow.Run, cols string, rows ...string) flow.Published {
	t.Helper()
	out, err := write(t, s, r, cols, rows...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// table prints what a reader finds under historical/: each file and its rows
// in their order. Empty folders do not show.
func table(t testing.TB, dir string) string {
	t.Helper()
	var out strings.Builder
	for _, path := range files(t, filepath.Join(dir, "historical")) {
		fmt.Fprintf(&out, "%s\n", path)
		out.WriteString(rowsOf(t, filepath.Join(dir, "historical", path)))
	}
	return out.String()
}

// files lists all files below a folder by name.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(out)
	return out
}

// groupsOf counts the row groups of a file.
func groupsOf(t testing.TB, path string) int {
	t.Helper()
	pf, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer pf.Close()
	return pf.NumRowGroups()
}

func rowsOf(t testing.TB, path string) string {
	t.Helper()
	pf, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer pf.Close()
	r, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	tbl, err := r.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer tbl.Release()
	tr := array.NewTableReader(tbl, 1<<20)
	defer tr.Release()
	var out strings.Builder
	for tr.Next() {
		for _, l := range strings.SplitAfter(hosttest.Text(tr.RecordBatch()), "\n") {
			if l != "" {
				out.WriteString("  " + l)
			}
		}
	}
	return out.String()
}

// aside lists what lies in _featurehost/: nothing, when all is tidy.
func aside(t testing.TB, dir string) []string { return files(t, filepath.Join(dir, "_featurehost")) }

// tempDir is a folder in memory where there is one: sweeps make thousands of
// tables, and what they test is the order of syncs, not their cost.
func tempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "historical-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
