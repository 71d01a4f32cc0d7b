package file_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// encode makes a Parquet file of batches, one row group each.
func encode(t testing.TB, groups ...arrow.RecordBatch) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := pqarrow.NewFileWriter(groups[0].Schema(), &b,
		parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithStats(true)),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if err := w.Write(g); err != nil {
			t.Fatal(err)
		}
		g.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// put writes a file below dir.
func put(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// parquetFile writes rows as text, one row group per slice.
func parquetFile(t testing.TB, dir, name, columns string, groups ...[]string) string {
	t.Helper()
	var batches []arrow.RecordBatch
	for _, g := range groups {
		batches = append(batches, hosttest.Record(t, columns, g...))
	}
	return put(t, dir, name, encode(t, batches...))
}

// reader makes a reader of dir/path that is closed after the test.
func reader(t testing.TB, dir string, c config.Reader) (flow.Reader, *hosttest.Counts) {
	t.Helper()
	env, _, counts := hosttest.Env(t)
	env.SQL = &fakeSQL{t: t}
	if c.Format == "" {
		c.Format = "parquet"
	}
	c.ID = "r"
	r, err := file.New(c, parts.Place{Dir: dir}, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, counts
}

// rows reads everything as sorted lines.
func rows(t testing.TB, r flow.Reader, q flow.Request) string {
	t.Helper()
	got, err := readAll(r, q)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func readAll(r flow.Reader, q flow.Request) (string, error) {
	if _, err := r.Open(context.Background(), q); err != nil {
		return "", err
	}
	var lines []string
	for {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		lines = append(lines, strings.SplitAfter(strings.TrimSuffix(hosttest.Text(b.Record), "\n"), "\n")...)
		b.Release()
	}
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\n")
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n"), nil
}

func names(s *arrow.Schema) string {
	var out []string
	for _, f := range s.Fields() {
		out = append(out, f.Name+" "+schema.TypeName(f.Type))
	}
	return strings.Join(out, ", ")
}

func wantCode(t testing.TB, what string, err error, code fault.Code, parts ...string) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("%s: got %v, want code %s", what, err, code)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %q does not hold %q", what, err, p)
		}
	}
}

func interval(t testing.TB, start, end string) flow.Interval {
	t.Helper()
	i, err := flow.ParseInterval(start, end)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// fakeSQL stands in for the SQL engine: lines are values of one column n.
type fakeSQL struct {
	t        testing.TB
	converts int
	fail     error
}

func (f *fakeSQL) Expressions(context.Context, *flow.Schema, []flow.Expr) (flow.Evaluator, error) {
	return nil, errors.New("not here")
}

func (f *fakeSQL) Describe(_ context.Context, x flow.Foreign) (*flow.Schema, error) {
	if x.Columns != nil {
		return x.Columns, nil
	}
	return schema.Parse("n string")
}

func (f *fakeSQL) Convert(_ context.Context, x flow.Foreign, dst string) error {
	f.converts++
	if f.fail != nil {
		return f.fail
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, x.Columns)
	defer b.Release()
	for _, p := range x.Paths {
		content, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		for _, l := range strings.Fields(string(content)) {
			if err := b.Field(0).AppendValueFromString(l); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(dst, encode(f.t, b.NewRecordBatch()), 0o644)
}
