package table_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	hm "github.com/beltran/gohive/hive_metastore"
	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/connectors/table"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// encode makes a Parquet file.
func encode(t testing.TB, columns string, rows ...string) []byte {
	t.Helper()
	r := hosttest.Record(t, columns, rows...)
	defer r.Release()
	var b bytes.Buffer
	w, err := pqarrow.NewFileWriter(r.Schema(), &b, parquet.NewWriterProperties(parquet.WithStats(true), parquet.WithMaxRowGroupLength(2)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// house is a database of a metastore with a folder for its tables.
type house struct {
	t       testing.TB
	m       *hive.Metastore
	address string
	db      string
	root    string
}

func newHouse(t testing.TB, address string) *house {
	t.Helper()
	h := &house{t: t, address: address, db: servertest.Name(t), root: t.TempDir()}
	m, err := hive.NewMetastore(config.Hive{Metastore: address}, hive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	h.m = m
	if err := m.EnsureDatabase(context.Background(), h.db); err != nil {
		t.Fatal(err)
	}
	return h
}

func fields(list string) (out []*hm.FieldSchema) {
	for _, c := range strings.Split(list, ", ") {
		if name, typ, ok := strings.Cut(c, " "); ok {
			out = append(out, &hm.FieldSchema{Name: name, Type: typ})
		}
	}
	return out
}

// parquetTable describes a table of Parquet files.
func (h *house) describe(name, columns, keys, location string) *hm.Table {
	t := hm.NewTable()
	t.DbName, t.TableName, t.Owner, t.TableType = h.db, name, "me", "EXTERNAL_TABLE"
	t.Parameters = map[string]string{"EXTERNAL": "TRUE"}
	t.PartitionKeys = fields(keys)
	t.Sd = &hm.StorageDescriptor{Cols: fields(columns), Location: location, InputFormat: hive.ParquetInput,
		OutputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
		SerdeInfo:    &hm.SerDeInfo{SerializationLib: hive.ParquetSerde, Parameters: map[string]string{}},
		BucketCols:   []string{}, SortCols: []*hm.Order{}, Parameters: map[string]string{}}
	return t
}

func (h *house) create(t *hm.Table) {
	h.t.Helper()
	if err := h.m.CreateTable(context.Background(), t); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) add(t *hm.Table, location string, values ...string) {
	h.t.Helper()
	if err := h.m.AddPartitions(context.Background(), h.db, t.TableName, []*hm.Partition{h.partition(t, location, values)}); err != nil {
		h.t.Fatal(err)
	}
}

// alter changes the location of a partition.
func (h *house) alter(t *hm.Table, location string, values ...string) {
	h.t.Helper()
	if err := h.m.AlterPartitions(context.Background(), h.db, t.TableName, []*hm.Partition{h.partition(t, location, values)}); err != nil {
		h.t.Error(err)
	}
}

func (h *house) partition(t *hm.Table, location string, values []string) *hm.Partition {
	p := hm.NewPartition()
	sd := *t.Sd
	sd.Location = location
	p.DbName, p.TableName, p.Values, p.Sd, p.Parameters = h.db, t.TableName, values, &sd, map[string]string{}
	return p
}

// reader makes a reader of a table.
func (h *house) reader(name string, change func(*config.Reader)) flow.Reader {
	h.t.Helper()
	env, _, _ := hosttest.Env(h.t)
	env.SQL = conditions{}
	cfg := config.Reader{ID: "r", Type: "table", Table: &config.Table{Hive: config.Hive{Metastore: h.address, Database: h.db}, Name: name}}
	if change != nil {
		change(&cfg)
	}
	r, err := table.New(cfg, parts.Place{Dir: h.root}, env)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { r.Close() })
	return r
}

// text reads all rows.
func text(t testing.TB, r flow.Reader, q flow.Request) string {
	t.Helper()
	out, err := tryText(t, r, q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryText(t testing.TB, r flow.Reader, q flow.Request) (string, error) {
	if _, err := r.Open(context.Background(), q); err != nil {
		return "", err
	}
	var out strings.Builder
	for {
		b, err := r.Next(context.Background())
		if flow.Ended(err) {
			return strings.TrimSpace(out.String()), nil
		}
		if err != nil {
			return "", err
		}
		out.WriteString(hosttest.Text(b.Record))
		b.Release()
	}
}

// conditions stands in for the SQL engine: it knows `name = 'value'` and
// `name = number`, joined by AND.
type conditions struct{ flow.SQL }

func (conditions) Expressions(_ context.Context, in *flow.Schema, exprs []flow.Expr) (flow.Evaluator, error) {
	e := &condition{in: in}
	for _, one := range strings.Split(exprs[0].SQL, " AND ") {
		name, v, _ := strings.Cut(one, " = ")
		if !in.HasField(name) {
			return nil, errNoColumn(name)
		}
		e.names, e.values = append(e.names, name), append(e.values, strings.Trim(v, "'"))
	}
	return e, nil
}

type errNoColumn string

func (e errNoColumn) Error() string { return "no column " + string(e) }

type condition struct {
	in            *flow.Schema
	names, values []string
}

func (c *condition) Schema() *flow.Schema {
	return flow.NewSchema([]flow.Field{{Name: "kept", Type: arrow.FixedWidthTypes.Boolean}})
}
func (c *condition) Columns() []string { return c.names }
func (c *condition) Close() error      { return nil }
func (c *condition) Eval(_ context.Context, r flow.Record) (flow.Record, error) {
	var rows []string
	for i := range int(r.NumRows()) {
		ok := true
		for k, name := range c.names {
			ok = ok && hosttest.Value(r.Column(r.Schema().FieldIndices(name)[0]), i) == c.values[k]
		}
		if ok {
			rows = append(rows, "true")
		} else {
			rows = append(rows, "false")
		}
	}
	return hosttest.Record(nopT{}, "kept boolean", rows...), nil
}

// nopT makes records outside of a test.
type nopT struct{ testing.TB }

func (nopT) Helper() {}

var parts0 = parts.Place{Dir: "/none"}

func env0(t testing.TB) flow.Env {
	env, _, _ := hosttest.Env(t)
	return env
}
