package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// Reader reads files. It implements flow.Reader and flow.Relational, for one
// caller at a time.
type Reader struct {
	cfg config.Reader
	at  parts.Place
	env flow.Env

	list       []object
	partitions []arrow.Field
	schema     *arrow.Schema // of the whole source; nil until asked
	fields     []arrow.Field // columns of the files themselves
	leftOut    []arrow.Field // columns of types that cannot be read
	declared   *arrow.Schema // of text files, when the user gave one
	avro       *avro.Schema  // of the first file, for format avro

	pool   *s3store.Pool
	remote *s3store.Store // the bucket; nil for files of this machine

	open  *read
	stats flow.ReadStats
}

var (
	_ flow.Reader     = (*Reader)(nil)
	_ flow.Relational = (*Reader)(nil)
)

// defaultBatchRows is used when a request names no size.
const defaultBatchRows = 8192

// New makes a reader with connections of its own.
func New(cfg config.Reader, at parts.Place, env flow.Env) (flow.Reader, error) {
	return newReader(cfg, at, env, s3store.NewPool(s3store.Options{}))
}

// Factory makes readers that share connections to S3.
func Factory(pool *s3store.Pool) parts.ReaderFactory {
	return func(cfg config.Reader, at parts.Place, env flow.Env) (flow.Reader, error) {
		return newReader(cfg, at, env, pool)
	}
}

// newReader makes a reader. Files are looked for when the schema is first asked.
func newReader(cfg config.Reader, at parts.Place, env flow.Env, pool *s3store.Pool) (flow.Reader, error) {
	r := &Reader{cfg: cfg, at: at, env: env, pool: pool}
	switch cfg.Format {
	case "parquet":
		if cfg.Schema != nil {
			return nil, r.placed(fault.New(BadConfig, "a schema is for csv and json: Parquet files have their own"))
		}
	case "avro":
		if cfg.Schema != nil {
			return nil, r.placed(fault.New(BadConfig, "a schema is for csv and json: Avro files have their own"))
		}
	case "csv", "json":
		if env.SQL == nil {
			return nil, r.placed(fault.New(BadConfig, "format %q needs the sql engine", cfg.Format))
		}
	default:
		return nil, r.placed(fault.New(BadConfig, "format %q is not known: parquet, csv, json and avro are", cfg.Format))
	}
	if err := r.checkBadRows(); err != nil {
		return nil, r.placed(err)
	}
	if cfg.Schema != nil {
		fields := make([]arrow.Field, len(cfg.Schema))
		for i, c := range cfg.Schema {
			t, err := schema.ParseType(c.Type)
			if err != nil {
				return nil, r.placed(fault.Wrap(err, BadConfig, "column %q", c.Name))
			}
			fields[i] = arrow.Field{Name: c.Name, Type: t, Nullable: true}
		}
		r.declared = arrow.NewSchema(fields, nil)
	}
	return r, nil
}

// placed says which reader an error is about.
func (r *Reader) placed(err error) error {
	if f := fault.As(err); f != nil && f.Place == "" && r.cfg.ID != "" {
		f.Place = fmt.Sprintf("reader %q", r.cfg.ID)
	}
	return err
}

// Schema implements flow.Reader: the first file's columns in widened types,
// then partition columns. Later files are compared with it when they are
// read.
func (r *Reader) Schema(ctx context.Context) (*flow.Schema, error) {
	if r.schema != nil {
		return r.schema, nil
	}
	if err := r.learn(ctx); err != nil {
		return nil, r.placed(err)
	}
	return r.schema, nil
}

// learn finds the files and their columns.
func (r *Reader) learn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list, base, err := r.find(ctx)
	if err != nil {
		return err
	}
	partitions, err := partitionFields(list, base)
	if err != nil {
		return err
	}
	if err := r.checkPacked(list); err != nil {
		return err
	}
	var own []arrow.Field
	switch r.cfg.Format {
	case "parquet":
		own, err = r.storedFields(ctx, list[0])
	case "avro":
		own, err = r.avroFields(ctx, list[0])
	default:
		own, err = r.textFields(ctx, list)
	}
	if err != nil {
		return err
	}
	var fields []arrow.Field
	for _, f := range own {
		if !hasField(partitions, f.Name) {
			fields = append(fields, f)
		}
	}
	r.list, r.partitions, r.fields = list, partitions, fields
	all := append(append([]arrow.Field{}, fields...), partitions...)
	r.schema = arrow.NewSchema(all, nil)
	return nil
}

// find lists the files that the path means. Key=value folders count below base.
func (r *Reader) find(ctx context.Context) (list []object, base string, err error) {
	full := r.cfg.Path
	if s3store.Is(r.at.Dir) && !strings.Contains(full, "://") && !filepath.IsAbs(full) {
		full, base = strings.TrimSuffix(r.at.Dir, "/")+"/"+full, r.at.Dir
	}
	if !s3store.Is(full) {
		if !filepath.IsAbs(full) {
			base = r.at.Dir
		}
		list, err = find(r.at.Dir, full)
		return list, base, err
	}
	bucket, key, err := s3store.Split(full)
	if err != nil {
		return nil, "", err
	}
	if r.remote == nil {
		if r.remote, err = r.pool.Open("s3://"+bucket, r.cfg.S3); err != nil {
			return nil, "", err
		}
	}
	if list, err = findRemote(ctx, r.remote, full, key); err != nil {
		return nil, "", err
	}
	partition(list, base)
	return list, base, nil
}

// storedFields reads the columns of a Parquet file.
func (r *Reader) storedFields(ctx context.Context, o object) ([]arrow.Field, error) {
	src, err := r.source(ctx, o, o.path)
	if err != nil {
		return nil, err
	}
	f, skipped, err := openStored(src, o.path, defaultBatchRows)
	if err != nil {
		return nil, err
	}
	defer f.close()
	r.leftOut = skipped
	for _, s := range skipped {
		r.env.Log.Warn("column left out: its type cannot be read", "file", o.path, "column", s.Name, "type", s.Type.String())
	}
	var fields []arrow.Field
	for _, s := range f.fields {
		fields = append(fields, arrow.Field{Name: s.name, Type: s.typ, Nullable: true})
	}
	return fields, nil
}

// textFields asks the SQL engine for the columns of text files, where they are
// not plain to see.
func (r *Reader) textFields(ctx context.Context, list []object) ([]arrow.Field, error) {
	if r.cfg.Format == "json" && r.declared != nil && (plainFields(r.declared.Fields()) || r.cfg.OnBadRow == deadLetter) {
		return r.declared.Fields(), nil
	}
	if r.remote != nil {
		if r.declared != nil {
			return r.declared.Fields(), nil // each file is held against them when it is read
		}
		// To guess from all files would fetch all of them.
		text, done, err := r.local(ctx, list[0])
		if err != nil {
			return nil, err
		}
		defer done()
		s, err := r.env.SQL.Describe(ctx, r.foreign(nil, text))
		if err != nil {
			return nil, renamed(rowFault(err), text, list[0].path)
		}
		return s.Fields(), nil
	}
	paths := make([]string, len(list))
	for i, o := range list {
		paths[i] = o.path
	}
	s, err := r.env.SQL.Describe(ctx, r.foreign(r.declared, paths...))
	if err != nil {
		return nil, rowFault(err)
	}
	return s.Fields(), nil
}

// foreign describes text files to the SQL engine. Partition columns are ours
// to add.
func (r *Reader) foreign(columns *arrow.Schema, paths ...string) flow.Foreign {
	return flow.Foreign{Format: r.cfg.Format, Columns: columns, Paths: paths,
		CSV: flow.CSV{Delimiter: r.cfg.CSV.Delimiter, Quote: r.cfg.CSV.Quote, Null: r.cfg.CSV.Null, Header: r.cfg.CSV.Header}}
}

// renamed is an error about a fetched file that names the object instead.
func renamed(err error, path, name string) error {
	f := fault.As(err)
	if f == nil || path == name {
		return err
	}
	in := func(s string) string { return strings.ReplaceAll(s, path, name) }
	out := &fault.Error{Code: f.Code, Place: in(f.Place), Message: in(f.Message), Hint: in(f.Hint), Retry: f.Retry, Err: f.Err}
	if f.Err != nil && strings.Contains(f.Err.Error(), path) {
		out.Err = errors.New(in(f.Err.Error()))
	}
	return out
}

// rowFault gives data errors of the SQL engine a code of this room; the place
// in the file stays.
func rowFault(err error) error {
	f := fault.As(err)
	if f == nil || f.Code.Class() != fault.Data {
		return err
	}
	return &fault.Error{Code: BadRow, Place: f.Place, Message: f.Message, Hint: f.Hint, Err: f.Err}
}

// Stats implements flow.Reader.
func (r *Reader) Stats() flow.ReadStats {
	st := r.stats
	if r.open != nil && r.open.file != nil {
		st.Bytes += r.open.file.fetched()
	}
	if r.open != nil && r.open.lines != nil {
		st.Bytes += r.open.lines.bytes
	}
	if r.open != nil && r.open.avro != nil {
		st.Bytes += r.open.avro.in.Bytes()
	}
	return st
}

// leave ends a file and keeps the count of its bytes.
func (r *Reader) leave(x *read) {
	r.stats.Bytes += x.file.fetched()
	x.file.close()
	x.file = nil
}

// Close implements flow.Reader.
func (r *Reader) Close() error {
	if r.open != nil {
		if r.open.file != nil {
			r.stats.Bytes += r.open.file.fetched()
		}
		if r.open.lines != nil {
			r.stats.Bytes += r.open.lines.bytes
		}
		if r.open.avro != nil {
			r.stats.Bytes += r.open.avro.in.Bytes()
		}
		r.open.close()
		r.open = nil
	}
	if r.remote != nil {
		return r.remote.Close()
	}
	return nil
}

// CheckDays implements flow.Dated.
func (r *Reader) CheckDays() error {
	_, err := bindDays(r.cfg.Incremental, r.schema, r.partitions, flow.Interval{})
	return err
}

// Relation implements flow.Relational: files can be scanned in place when no
// row of them is left out.
func (r *Reader) Relation(q flow.Request) (flow.Relation, bool, error) {
	ctx := context.Background()
	if _, err := r.Schema(ctx); err != nil {
		return flow.Relation{}, false, err
	}
	d, err := bindDays(r.cfg.Incremental, r.schema, r.partitions, q.Interval)
	if err != nil {
		return flow.Relation{}, false, r.placed(err)
	}
	if d != nil || r.remote != nil || r.cfg.OnBadRow == deadLetter || r.cfg.Format == "avro" {
		// The engine knows no Avro. Objects on S3 are fetched by us, where they are counted and pinned; and
		// the engine puts no row aside.
		return flow.Relation{}, false, nil
	}
	columns, err := r.project(q.Columns)
	if err != nil {
		return flow.Relation{}, false, r.placed(err)
	}
	if len(r.partitions) > 0 && len(partitionsOf(r.list[0].path, "")) > len(r.partitions) {
		return flow.Relation{}, false, nil // folders above the path look like partitions too, and engines count all
	}
	f := r.foreign(nil)
	for _, o := range r.list {
		f.Paths = append(f.Paths, o.path)
	}
	rel := flow.Relation{Format: f.Format, Paths: f.Paths, CSV: f.CSV, HivePartitions: len(r.partitions) > 0, Columns: fieldNames(columns)}
	for _, p := range f.Paths {
		if info, err := os.Stat(p); err == nil {
			rel.Bytes += info.Size()
		}
	}
	if rel.Format != "parquet" {
		rel.Schema = arrow.NewSchema(r.fields, nil)
	}
	return rel, true, nil
}

// project gives the schema of the columns wanted, in the source's order.
func (r *Reader) project(want []string) (*arrow.Schema, error) {
	if want == nil {
		return r.schema, nil
	}
	wanted := map[string]bool{}
	for _, w := range want {
		if !r.schema.HasField(w) {
			for _, f := range r.leftOut {
				if f.Name == w {
					return nil, fault.New(NotReadableType, "column %q is of type %s, which cannot be read", w, f.Type)
				}
			}
			err := fault.New(UnknownColumn, "the files have no column %q", w)
			if s := fault.Suggest(w, fieldNames(r.schema)); s != "" {
				return nil, err.WithHint("did you mean %q?", s)
			}
			return nil, err.WithHint("columns are %s", strings.Join(fieldNames(r.schema), ", "))
		}
		wanted[w] = true
	}
	var fields []arrow.Field
	for _, f := range r.schema.Fields() {
		if wanted[f.Name] {
			fields = append(fields, f)
		}
	}
	return arrow.NewSchema(fields, nil), nil
}
