package table

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
	"github.com/featurehost/featurehost/host/parts/days"
)

// defaultBatchRows is used when a request names no size.
const defaultBatchRows = 8192

// Reader reads a Hive table. It implements flow.Reader, for one caller at a
// time.
type Reader struct {
	cfg  config.Reader
	at   parts.Place
	env  flow.Env
	pool *s3store.Pool

	m       *hive.Metastore
	table   *hm.Table
	keys    []arrow.Field // partition columns
	leftOut []arrow.Field // of types that cannot be read; the name of Hive's type is the metadata
	schema  *arrow.Schema

	open  *read
	stats flow.ReadStats
}

var (
	_ flow.Reader = (*Reader)(nil)
	_ flow.Dated  = (*Reader)(nil)
	_ flow.Prober = (*Reader)(nil)
)

// New makes a reader with connections of its own.
func New(cfg config.Reader, at parts.Place, env flow.Env) (flow.Reader, error) {
	return newReader(cfg, at, env, s3store.NewPool(s3store.Options{}), hive.DefaultLimits())
}

// Factory makes readers that share connections to S3.
func Factory(pool *s3store.Pool) parts.ReaderFactory {
	return func(cfg config.Reader, at parts.Place, env flow.Env) (flow.Reader, error) {
		return newReader(cfg, at, env, pool, hive.DefaultLimits())
	}
}

// newReader makes the reader of a table, or of a statement.
func newReader(cfg config.Reader, at parts.Place, env flow.Env, pool *s3store.Pool, l hive.Limits) (flow.Reader, error) {
	if cfg.Table == nil || (cfg.Table.Name == "") == (cfg.Table.SQL == "") {
		return nil, placed(cfg, fault.New(BadConfig, "the reader names no table and no statement, or both"))
	}
	if cfg.Table.SQL != "" {
		return &Query{cfg: cfg}, nil
	}
	h := cfg.Table.Hive
	if h.Database == "" {
		h.Database = "default"
	}
	// database.table says it all.
	if database, name, ok := strings.Cut(cfg.Table.Name, "."); ok {
		t := *cfg.Table
		h.Database, t.Name = database, name
		cfg.Table = &t
	}
	m, err := hive.NewMetastore(h, l)
	if err != nil {
		return nil, placed(cfg, err)
	}
	cfg.Table = &config.Table{Hive: h, Name: cfg.Table.Name, Where: cfg.Table.Where}
	return &Reader{cfg: cfg, at: at, env: env, pool: pool, m: m}, nil
}

// placed says which reader an error is about.
func placed(cfg config.Reader, err error) error {
	if f := fault.As(err); f != nil && f.Place == "" && cfg.ID != "" {
		f.Place = fmt.Sprintf("reader %q", cfg.ID)
	}
	return err
}

// Schema implements flow.Reader: the columns as the metastore lists them, then
// the partition columns. It opens no file.
func (r *Reader) Schema(ctx context.Context) (*flow.Schema, error) {
	if r.schema != nil {
		return r.schema, nil
	}
	if err := r.learn(ctx); err != nil {
		return nil, placed(r.cfg, err)
	}
	return r.schema, nil
}

func (r *Reader) learn(ctx context.Context) error {
	t, err := r.m.Table(ctx, r.cfg.Table.Hive.Database, r.cfg.Table.Name)
	if err != nil {
		return err
	}
	if err := checkKind(t); err != nil {
		return err
	}
	var columns, keys, leftOut []arrow.Field
	for _, c := range t.Sd.Cols {
		typ, ok := hive.ArrowOf(c.Type)
		if !ok {
			leftOut = append(leftOut, arrow.Field{Name: c.Name, Type: arrow.Null, Metadata: arrow.NewMetadata([]string{"hive"}, []string{c.Type})})
			r.env.Log.Warn("column left out: its type cannot be read", "table", t.DbName+"."+t.TableName, "column", c.Name, "type", c.Type)
			continue
		}
		columns = append(columns, arrow.Field{Name: c.Name, Type: typ, Nullable: true})
	}
	for _, c := range t.PartitionKeys {
		typ, ok := hive.ArrowOf(c.Type)
		if !ok || typ.ID() == arrow.LIST || typ.ID() == arrow.BINARY {
			return fault.New(TypeNotReadable, "partition column %q is of type %s, which cannot be read", c.Name, c.Type)
		}
		keys = append(keys, arrow.Field{Name: c.Name, Type: typ, Nullable: true})
	}
	if len(columns)+len(keys) == 0 {
		return fault.New(TypeNotReadable, "no column of %q is of a type that can be read", t.DbName+"."+t.TableName).WithHint(useSQL)
	}
	// Partitions may be stored in other ways; the table's own is refused early.
	if _, _, err := formatOf(t, t.Sd); err != nil {
		return err
	}
	if len(keys) == 0 && r.cfg.Table.Where != "" {
		_, err := condition(ctx, r.env, keys, r.cfg.Table.Where)
		return err
	}
	r.table, r.keys, r.leftOut = t, keys, leftOut
	r.schema = arrow.NewSchema(append(append([]arrow.Field{}, columns...), keys...), nil)
	return nil
}

// CheckDays implements flow.Dated.
func (r *Reader) CheckDays() error {
	if r.cfg.Incremental == nil {
		return nil
	}
	if len(r.cfg.Incremental.Partitions) > 0 {
		for _, name := range r.cfg.Incremental.Partitions {
			if fieldOf(r.keys, name) == nil {
				return placed(r.cfg, fault.New(BadIncremental, "incremental partition %q is no partition column of the table", name))
			}
		}
	}
	_, err := days.NewFilter(*r.cfg.Incremental, flow.Interval{}, BadIncremental).Open(context.Background(), r.schema)
	return placed(r.cfg, err)
}

// project gives the columns wanted, in the table's order.
func (r *Reader) project(want []string) (*arrow.Schema, error) {
	if want == nil {
		return r.schema, nil
	}
	wanted := map[string]bool{}
	for _, w := range want {
		wanted[w] = true
		if r.schema.HasField(w) {
			continue
		}
		if f := fieldOf(r.leftOut, w); f != nil {
			return nil, fault.New(TypeNotReadable, "column %q is of type %s, which cannot be read", w, f.Metadata.Values()[0]).WithHint(useSQL)
		}
		var names []string
		for _, f := range r.schema.Fields() {
			names = append(names, f.Name)
		}
		err := fault.New(UnknownColumn, "the table has no column %q", w)
		if s := fault.Suggest(w, names); s != "" {
			return nil, err.WithHint("did you mean %q?", s)
		}
		return nil, err.WithHint("columns are %s", strings.Join(names, ", "))
	}
	var fields []arrow.Field
	for _, f := range r.schema.Fields() {
		if wanted[f.Name] {
			fields = append(fields, f)
		}
	}
	return arrow.NewSchema(fields, nil), nil
}

func fieldOf(fields []arrow.Field, name string) *arrow.Field {
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	return nil
}

// Stats implements flow.Reader.
func (r *Reader) Stats() flow.ReadStats {
	st := r.stats
	if r.open != nil && r.open.file != nil {
		st = sum(st, r.open.file.Stats())
	}
	return st
}

func sum(a, b flow.ReadStats) flow.ReadStats {
	a.Objects += b.Objects
	a.Bytes += b.Bytes
	a.Rows += b.Rows
	a.OutOfSpan += b.OutOfSpan
	a.BadRows += b.BadRows
	a.RowGroups += b.RowGroups
	a.RowGroupsSkipped += b.RowGroupsSkipped
	return a
}

// Close implements flow.Reader.
func (r *Reader) Close() error {
	var err error
	if r.open != nil {
		err = r.leave()
		if cerr := r.open.close(); err == nil {
			err = cerr
		}
		r.open = nil
	}
	if cerr := r.m.Close(); err == nil {
		err = cerr
	}
	return err
}

// Probe implements flow.Prober.
func (r *Reader) Probe(ctx context.Context) ([]flow.Finding, error) {
	return []flow.Finding{r.m.Probe(ctx, r.cfg.Table.Hive.Database)}, nil
}

// listedOf is what opens the files of one format, made once.
func (r *Reader) listedOf(x *read, sd *hm.StorageDescriptor) (*file.Listed, error) {
	cfg, text, err := formatOf(r.table, sd)
	if err != nil {
		return nil, err
	}
	key, env := cfg.Format, r.env
	if text != nil {
		key = fmt.Sprintf("%s %+v", key, *text)
		if env.SQL != nil {
			env.SQL = &textSQL{env.SQL, text, env.Scratch}
		}
	}
	if l := x.formats[key]; l != nil {
		return l, nil
	}
	cfg.ID, cfg.S3 = r.cfg.ID, r.cfg.S3
	l, err := file.NewListed(cfg, r.at, env, r.pool)
	if err != nil {
		return nil, err
	}
	x.formats[key] = l
	return l, nil
}

// Calls tells how often the metastore was asked what.
func (r *Reader) Calls() map[string]int { return r.m.Calls() }
