package historical

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/historical/colfile"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// sinkName is the name of this sink in a pipeline.
const sinkName = "historical"

// timestamp is the column whose UTC date is a row's day.
const timestamp = "timestamp"

// Keys of the footer of every file.
const (
	metaRun      = "featurehost.run"
	metaPipeline = "featurehost.pipeline"
	metaPlugins  = "featurehost.plugins"
	metaVersion  = "featurehost.version"
)

// Sink writes feature rows to a table of the historical store. It is a
// flow.Sink: Open, Write, Prepare and Publish come in that order from one
// goroutine; Publish and Discard need no Open.
type Sink struct {
	cfg     config.Sink
	env     flow.Env
	store   *blob.Local    // the store; on S3 the scratch folder that files are made in
	remote  *s3store.Store // the store on S3; nil on disk
	scratch string         // folder of store on S3, below that of the run
	layout  string
	run     flow.Run
	schema  *arrow.Schema
	writer  *writer
	pending string // key of the folder written aside; "" when there is none
	kept    bool   // Prepare succeeded: the folder is the ledger's now
	sent    bool   // objects may lie aside on S3

	open      OpenRegistrar
	registrar Registrar // nil until it is needed, and without one
	dayLimit  int64     // bytes of a day that may be one object
}

// dayLimit is how large a day on S3 may be to be replaced as one object.
const dayLimit = 1 << 30

var (
	_ flow.Sink          = (*Sink)(nil)
	_ flow.ColumnChecker = (*Sink)(nil)
)

// New makes the sink of a [[sink]] table of type "historical", without a
// catalogue.
func New(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
	return Factory(nil, s3store.NewPool(s3store.Options{}))(cfg, at, env)
}

// Factory makes sinks that tell the catalogue that open connects to, which may
// be nil, and share connections to S3.
func Factory(open OpenRegistrar, pool *s3store.Pool) parts.SinkFactory {
	return func(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
		s, err := newSink(cfg, at, env, nil)
		if err != nil {
			return nil, err
		}
		if cfg.Hive != nil && open == nil {
			return nil, fault.New(BadPlace, "this build has no catalogue").At("[[sink]] historical").WithHint("remove hive")
		}
		if s.open = open; s3store.Is(cfg.Path) {
			if s.remote, err = pool.Open(cfg.Path, cfg.S3); err != nil {
				return nil, err
			}
		}
		return s, nil
	}
}

// newSink makes a sink with a hook on every operation on disk.
func newSink(cfg config.Sink, at parts.Place, env flow.Env, hook blob.Hook) (*Sink, error) {
	if cfg.Path == "" || strings.Contains(cfg.Path, "://") && !s3store.Is(cfg.Path) {
		return nil, fault.New(BadPlace, "path %q is no folder of this machine or of S3", cfg.Path).At("[[sink]] historical").
			WithHint("write a folder, for example path = \"out\", or s3://bucket/prefix")
	}
	layout := cfg.Layout
	switch layout {
	case "":
		layout = partitioned
	case partitioned, flat:
	default:
		return nil, fault.New(BadPlace, "layout %q is unknown: partitioned or flat", layout).At("[[sink]] historical")
	}
	if cfg.Hive != nil && layout == flat {
		return nil, fault.New(BadPlace, "a table of layout \"flat\" has no days for a catalogue").At("[[sink]] historical").
			WithHint("remove hive, or use layout = \"partitioned\"")
	}
	root := cfg.Path
	if s3store.Is(root) {
		root = env.Scratch // until Open makes a folder there
	}
	if !filepath.IsAbs(root) {
		root = filepath.Join(at.Dir, root)
	}
	return &Sink{cfg: cfg, env: env, layout: layout, store: blob.NewLocal(root, hook), dayLimit: dayLimit}, nil
}

// Open implements flow.Sink. It finds out before any row is computed whether
// the table can take the rows: its schema, its layout, its folders.
func (s *Sink) Open(ctx context.Context, run flow.Run, in *flow.Schema) error {
	s.run, s.schema = run, in
	table := tableKey(run.Entity, run.Set)
	for _, key := range []string{table, pendingKey(run.Entity, run.Set, run.ID)} {
		if err := blob.CheckKey(key); err != nil {
			return fault.Wrap(err, BadPlace, "entity %q, set %q and run %q make no folder", run.Entity, run.Set, run.ID)
		}
	}
	if s.layout == flat && !run.Interval.Full() {
		return fault.New(FlatInterval, "an interval run (%s) cannot replace days of a flat table", run.Interval).At("%s", s.name(table))
	}
	if err := s.CheckColumns(in); err != nil {
		return err
	}
	if err := s.checkWritable(ctx); err != nil {
		return err
	}
	if err := s.checkTable(ctx); err != nil {
		return err
	}
	if err := s.checkCatalogue(ctx); err != nil {
		return err
	}
	// What an earlier run of this id may have left is not ours to keep.
	s.pending = pendingKey(run.Entity, run.Set, run.ID)
	if err := s.store.RemoveAll(ctx, s.pending); err != nil {
		return s.failed(err)
	}
	if err := s.store.MakeDir(ctx, s.pending); err != nil {
		return s.notWritable(err)
	}
	w, err := newWriter(s)
	if err != nil {
		return fault.Wrap(err, BadColumn, "the table cannot hold these columns").At("%s", s.name(table))
	}
	s.writer = w
	return nil
}

// checkWritable finds out whether the run may write where it has to.
func (s *Sink) checkWritable(ctx context.Context) error {
	if s.remote == nil {
		for _, key := range []string{tableKey(s.run.Entity, s.run.Set), homeKey(s.run.Entity, s.run.Set)} {
			if err := s.store.Writable(ctx, key); err != nil {
				return s.notWritable(err)
			}
		}
		return nil
	}
	if s.scratch == "" {
		dir, err := os.MkdirTemp(s.env.Scratch, "historical-")
		if err != nil {
			return fault.Wrap(err, NotWritable, "no folder can be made in the scratch folder").At("%s", s.env.Scratch)
		}
		s.scratch, s.store = dir, blob.NewLocal(dir, nil)
	}
	return s.probe(ctx)
}

// name is how people call a place in the store.
func (s *Sink) name(key string) string {
	if s.remote != nil {
		return s.remote.Path(key)
	}
	return s.store.Path(key)
}

// CheckColumns implements flow.ColumnChecker.
func (s *Sink) CheckColumns(in *flow.Schema) error {
	at := in.FieldIndices(timestamp)
	if len(at) != 1 {
		return fault.New(BadColumn, "%d columns named %q: one is needed", len(at), timestamp)
	}
	if t, ok := in.Field(at[0]).Type.(*arrow.TimestampType); !ok || t.Unit != arrow.Microsecond {
		return fault.New(BadColumn, "column %q has type %s: microseconds UTC are needed", timestamp, in.Field(at[0]).Type)
	}
	for _, f := range in.Fields() {
		if s.layout == partitioned && (f.Name == "year" || f.Name == "month" || f.Name == "day") {
			return fault.New(BadColumn, "column %q has the name of a partition folder", f.Name).WithHint("rename the key or feature")
		}
	}
	return nil
}

// footerMeta is what every file says of its making.
func (s *Sink) footerMeta() []colfile.Meta {
	plugins := s.run.Plugins
	if plugins == nil {
		plugins = map[string]string{}
	}
	text, _ := json.Marshal(plugins) // a map of strings, keys sorted
	return []colfile.Meta{
		{Key: metaRun, Value: s.run.ID},
		{Key: metaPipeline, Value: s.run.Pipeline},
		{Key: metaPlugins, Value: string(text)},
		{Key: metaVersion, Value: s.run.Version},
	}
}

// Write implements flow.Sink.
func (s *Sink) Write(ctx context.Context, b flow.Batch) error {
	if s.writer == nil {
		return fault.New(WriteRefused, "the sink is not open")
	}
	if err := s.writer.write(ctx, b.Record); err != nil {
		return s.abandon(err)
	}
	return nil
}

// Prepare implements flow.Sink.
func (s *Sink) Prepare(ctx context.Context) (flow.Pending, error) {
	if s.writer == nil {
		return flow.Pending{}, fault.New(WriteRefused, "the sink is not open")
	}
	p, err := s.prepare(ctx)
	if err != nil {
		return flow.Pending{}, s.abandon(err)
	}
	s.kept = true
	s.close()
	if s.scratch != "" { // all of it is sent
		os.RemoveAll(s.scratch)
		s.scratch = ""
	}
	return p, nil
}

// Discard implements flow.Sink.
func (s *Sink) Discard(ctx context.Context, run flow.Run) error {
	if s.remote != nil {
		if err := s.discardRemote(ctx, run); err != nil {
			return err
		}
		if run.ID == s.run.ID {
			s.sent = false
		}
	}
	for _, key := range []string{pendingKey(run.Entity, run.Set, run.ID), trashKey(run.Entity, run.Set, run.ID)} {
		if s.remote != nil && s.scratch == "" {
			break // nothing was made on this machine
		}
		if err := s.store.RemoveAll(ctx, key); err != nil {
			return s.failed(err)
		}
	}
	if run.ID == s.run.ID {
		s.pending, s.kept = "", false
	}
	return nil
}

// Close implements flow.Sink. Before Prepare has succeeded it removes what
// was written; after that it leaves it for Publish or Discard (H4).
func (s *Sink) Close() error {
	err := errors.Join(s.undo(), s.closeCatalogue())
	if s.remote != nil {
		err = errors.Join(err, s.remote.Close())
	}
	return err
}

// undo frees memory, and what was written unless it is prepared.
func (s *Sink) undo() error {
	s.close()
	if s.scratch != "" {
		defer func() {
			os.RemoveAll(s.scratch)
			s.scratch = ""
		}()
	}
	if s.pending == "" || s.kept {
		return nil
	}
	key := s.pending
	s.pending = ""
	// A cancelled run cleans up too, so not with its context.
	ctx, cancel := context.WithTimeout(context.Background(), cleanup)
	defer cancel()
	if s.remote == nil {
		return s.failed(s.store.RemoveAll(ctx, key))
	}
	if !s.sent {
		return nil
	}
	s.sent = false
	return s.discardRemote(ctx, s.run)
}

// cleanup bounds what is done after a failure.
const cleanup = 2 * time.Minute

// abandon frees memory and disk at the first failure: a full disk should not
// stay full until the run has ended.
func (s *Sink) abandon(err error) error {
	if cerr := s.undo(); cerr != nil {
		s.env.Log.Warn("pending files are left behind", "folder", s.name(pendingKey(s.run.Entity, s.run.Set, s.run.ID)), "error", cerr)
	}
	return s.failed(err)
}

func (s *Sink) close() {
	if s.writer != nil {
		s.writer.close()
		s.writer = nil
	}
}

// failed gives an error of the disk the code of this room.
func (s *Sink) failed(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		e := fault.Wrap(err, DiskFull, "no space left").At("%s", s.store.Path("")).WithHint("free space and run again")
		e.Retry = true
		return e
	case fault.Is(err, blob.IO):
		return fault.Wrap(err, WriteRefused, "the disk refused").At("%s", s.store.Path(""))
	case fault.As(err) != nil:
		return err
	}
	return fault.Wrap(err, WriteRefused, "the table could not be written").At("%s", s.name(""))
}

func (s *Sink) notWritable(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, context.Canceled) {
		return s.failed(err)
	}
	return fault.Wrap(err, NotWritable, "files cannot be made here").At("%s", s.store.Path("")).
		WithHint("check the owner and mode of the folder")
}
