package file_test

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// plainReader reads JSON with an SQL engine that only fails.
func plainReader(t *testing.T, dir string, c config.Reader) flow.Reader {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	env.SQL = &fakeSQL{t: t, fail: fault.New(fault.Code(7531), "the engine was asked")}
	c.ID, c.Format = "r", "json"
	r, err := file.New(c, parts.Place{Dir: dir}, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// Plain lines need no SQL engine: with partitions, projection, days, positions
// and counts as any file has them.
func TestReader_PlainLines_WithoutEngine(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "in/k=1/a.jsonl", []byte(`{"id":1,"ts":"2024-01-01T00:00:00Z"}`+"\n"+`{"id":2,"ts":"2024-01-02T00:00:00Z"}`+"\n"+`{"id":3,"ts":"2024-01-03T00:00:00Z"}`))
	put(t, dir, "in/k=2/b.jsonl", []byte(`{"ts":"2024-01-02T12:00:00Z","id":4}`+"\n"))
	put(t, dir, "in/k=3/c.jsonl", nil)
	r := plainReader(t, dir, config.Reader{Path: "in", Incremental: &config.Incremental{Column: "ts"},
		Schema: []config.Column{{Name: "id", Type: "bigint"}, {Name: "ts", Type: "timestamp"}}})
	for range 2 { // a second Open starts again
		if _, err := r.Open(t.Context(), flow.Request{Columns: []string{"id", "k"}, BatchRows: 2, Interval: interval(t, "2024-01-02", "")}); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for {
			b, err := r.Next(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "%s/%d: %s", filepath.Base(b.Position.Object), b.Position.Row, hosttest.Text(b.Record))
			b.Release()
		}
		if want := "a.jsonl/1: 2 | 1\na.jsonl/2: 3 | 1\nb.jsonl/0: 4 | 2\n"; got.String() != want {
			t.Errorf("got\n%swant\n%s", &got, want)
		}
		if st := r.Stats(); st.Rows != 4 || st.OutOfSpan != 1 || st.Objects != 3 || st.Bytes != 36*4+3 {
			t.Errorf("%+v", st)
		}
	}
}

// Long lines, more than a buffer holds, and a last line without an end.
func TestReader_PlainLines_LongLines(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("x", 3<<20)
	put(t, dir, "a.jsonl", []byte(`{"s":"a"}`+"\n"+`{"s":"`+long+`"}`+"\n"+`{"s":"b"}`+"\n"+`{"s":"`+long+`"}`))
	r := plainReader(t, dir, config.Reader{Path: "a.jsonl", Schema: []config.Column{{Name: "s", Type: "string"}}})
	if got := rows(t, r, flow.Request{}); got != "a\nb\n"+long+"\n"+long {
		t.Errorf("%d bytes", len(got))
	}
}

// What is not plain goes to the engine, from the first odd line on; what is of
// a type that it alone knows goes there at once.
func TestReader_OddLines_AskEngine(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.jsonl", []byte(`{"s":"a"}`+"\n"+`{"s":"b"}`+"\n"+`{"s":7}`+"\n"))
	for typ, before := range map[string]int{"string": 2, "decimal(4,2)": 0, "array<string>": 0} {
		r := plainReader(t, dir, config.Reader{Path: "a.jsonl", Schema: []config.Column{{Name: "s", Type: typ}}})
		if _, err := r.Open(t.Context(), flow.Request{BatchRows: 1}); err != nil {
			t.Fatal(err)
		}
		n := 0
		for {
			b, err := r.Next(t.Context())
			if err != nil {
				if n != before || !strings.Contains(err.Error(), "the engine was asked") {
					t.Errorf("%s: %v after %d rows", typ, err, n)
				}
				break
			}
			n += int(b.Rows())
			b.Release()
		}
	}
}
