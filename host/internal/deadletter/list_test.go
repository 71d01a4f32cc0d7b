package deadletter

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// write makes the letters of a run: so many of each stage and reason.
func write(t testing.TB, root, run string, stages ...string) {
	t.Helper()
	w, err := Open(filepath.Join(root, run), Options{Plugins: map[string]Plugin{"score": {"score@1.0.0", "sha256:ab"}}})
	if err != nil {
		t.Fatal(err)
	}
	r := hosttest.Record(t, "id bigint", "1", "2", "3")
	defer r.Release()
	for _, s := range stages {
		stage, reason, _ := strings.Cut(s, " ")
		err := w.Reject(context.Background(), flow.Rejection{Stage: stage, Reason: reason, Batch: flow.Batch{Record: r}, Rows: []int{0, 2}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func listed(t testing.TB, root string) (out []string) {
	t.Helper()
	groups, unfinished, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if g.Written.IsZero() {
			t.Errorf("%s: written when?", g.File)
		}
		out = append(out, fmt.Sprintf("%s %s %s %s %d %s %v", g.Run, g.Stage, g.Reason, g.Plugin+g.Digest, g.Rows, filepath.Base(g.File), g.Err != nil))
	}
	for _, u := range unfinished {
		out = append(out, "unfinished "+filepath.Base(u))
	}
	return out
}

func TestList_Letters_CountedByRunStageAndReason(t *testing.T) {
	root := t.TempDir()
	if got := listed(t, filepath.Join(root, "absent")); got != nil {
		t.Errorf("%q", got)
	}
	write(t, root, "000002-b", "score FH-3002", "feature_set null_key", "score FH-3003", "score FH-3002")
	write(t, root, "000001-a", "score FH-3002")
	for name, text := range map[string]string{"000001-a/broken.parquet": "no", "000001-a/other.parquet.tmp": "half", "000001-a/notes.txt": "mine", "stray": ""} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"000001-a    0 broken.parquet true",
		"000001-a score FH-3002 score@1.0.0sha256:ab 2 score.parquet false",
		"000002-b feature_set null_key  2 feature_set.parquet false",
		"000002-b score FH-3002 score@1.0.0sha256:ab 4 score.parquet false",
		"000002-b score FH-3003 score@1.0.0sha256:ab 2 score.parquet false",
		"unfinished other.parquet.tmp",
	}
	if got := listed(t, root); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestRemove_RunAndStage_NothingElse(t *testing.T) {
	root := t.TempDir()
	write(t, root, "000001-a", "score FH-3002", "feature_set null_key")
	write(t, root, "000002-b", "score FH-3002")
	for _, c := range []struct {
		run, stage string
		rows       int64
	}{{"000001-a", "scor", 0}, {"000001", "score", 0}, {"000001-a", "score", 2}, {"000001-a", "score", 0}, {"000002-b", "score", 2}} {
		if n, err := Remove(root, c.run, c.stage); n != c.rows || err != nil {
			t.Errorf("%s %s: %d rows, %v", c.run, c.stage, n, err)
		}
	}
	if got := listed(t, root); !reflect.DeepEqual(got, []string{"000001-a feature_set null_key  2 feature_set.parquet false"}) {
		t.Errorf("%q is left", got)
	}
	if _, err := os.Stat(filepath.Join(root, "000002-b")); !os.IsNotExist(err) {
		t.Error("an empty folder is left")
	}
}

// testdata/format1.parquet was written before files told their version. It must
// never change.
func TestRead_FileOfEarlierBuild_ReadAsEver(t *testing.T) {
	want := []string{
		`1 | ["a"] | 1.5 | 2024-01-02T03:04:05Z FH-3002 "trap" score "score@1.2.0" "sha256:0123456789abcdef" "in.csv" 40`,
		`2 | null | null | null FH-3002 "trap" score "score@1.2.0" "sha256:0123456789abcdef" "in.csv" 41`,
		`2 | null | null | null null_key "" score "score@1.2.0" "sha256:0123456789abcdef" "" 0`,
	}
	if got := lettersOf(t, "testdata/format1.parquet"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// What a file says of a later format is not read by guess.
func TestRead_FileOfLaterFormat_Refused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(columns(), f, nil, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.AppendKeyValueMetadata(formatKey, "2"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	err = Read(path, func(Letter) error { return nil })
	if !fault.Is(err, Unreadable) || !strings.Contains(err.Error(), `version "2" of the format, and this build reads version 1`) {
		t.Errorf("%v", err)
	}
}
