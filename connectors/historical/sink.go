package historical

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
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
	store   *blob.Local
	layout  string
	run     flow.Run
	schema  *arrow.Schema
	writer  *writer
	pending string // key of the folder written aside; "" when there is none
	kept    bool   // Prepare succeeded: the folder is the ledger's now
}

var (
	_ flow.Sink          = (*Sink)(nil)
	_ flow.ColumnChecker = (*Sink)(nil)
)

// New makes the sink of a [[sink]] table of type "historical".
func New(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
	return open(cfg, at, env, nil)
}

// open is New with a hook on every operation on disk.
func open(cfg config.Sink, at parts.Place, env flow.Env, hook blob.Hook) (*Sink, error) {
	if cfg.Path == "" || strings.Contains(cfg.Path, "://") {
		return nil, fault.New(BadPlace, "path %q is no local folder", cfg.Path).At("[[sink]] historical").
			WithHint("write a folder, for example path = \"out\"")
	}
	layout := cfg.Layout
	switch layout {
	case "":
		layout = partitioned
	case partitioned, flat:
	default:
		return nil, fault.New(BadPlace, "layout %q is unknown: partitioned or flat", layout).At("[[sink]] historical")
	}
	root := cfg.Path
	if !filepath.IsAbs(root) {
		root = filepath.Join(at.Dir, root)
	}
	return &Sink{cfg: cfg, env: env, layout: layout, store: blob.NewLocal(root, hook)}, nil
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
		return fault.New(FlatInterval, "an interval run (%s) cannot replace days of a flat table", run.Interval).At("%s", s.store.Path(table))
	}
	if err := s.CheckColumns(in); err != nil {
		return err
	}
	for _, key := range []string{table, homeKey(run.Entity, run.Set)} {
		if err := s.store.Writable(ctx, key); err != nil {
			return s.notWritable(err)
		}
	}
	if err := s.checkTable(ctx); err != nil {
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
		return fault.Wrap(err, BadColumn, "the table cannot hold these columns").At("%s", s.store.Path(table))
	}
	s.writer = w
	return nil
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
	return p, nil
}

// Discard implements flow.Sink.
func (s *Sink) Discard(ctx context.Context, run flow.Run) error {
	for _, key := range []string{pendingKey(run.Entity, run.Set, run.ID), trashKey(run.Entity, run.Set, run.ID)} {
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
	s.close()
	if s.pending == "" || s.kept {
		return nil
	}
	key := s.pending
	s.pending = ""
	// A cancelled run cleans up too, so not with its context.
	return s.failed(s.store.RemoveAll(context.Background(), key))
}

// abandon frees memory and disk at the first failure: a full disk should not
// stay full until the run has ended.
func (s *Sink) abandon(err error) error {
	if cerr := s.Close(); cerr != nil {
		s.env.Log.Warn("pending files are left behind", "folder", s.store.Path(pendingKey(s.run.Entity, s.run.Set, s.run.ID)), "error", cerr)
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
	return fault.Wrap(err, WriteRefused, "the table could not be written").At("%s", s.store.Path(""))
}

func (s *Sink) notWritable(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, context.Canceled) {
		return s.failed(err)
	}
	return fault.Wrap(err, NotWritable, "files cannot be made here").At("%s", s.store.Path("")).
		WithHint("check the owner and mode of the folder")
}
