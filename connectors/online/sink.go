package online

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// defaultName is the name of this sink in a pipeline that gives it none.
const defaultName = "online"

// How long to wait for another process's lock. A writer's holds it for one
// transaction of 1,000 rows.
const (
	writerPatience = time.Minute
	readerPatience = 10 * time.Second
)

// Sink loads the newest row of each key. It is a flow.Sink for one goroutine;
// Publish and Discard need no Open.
type Sink struct {
	name     string // of the sink in the pipeline
	at       parts.Place
	env      flow.Env
	database string
	shared   bool // write_to_entity
	patience time.Duration
	now      func() time.Time
	reached  func(point string) // tests stop the process here; nil in production

	run  flow.Run
	rows *staged.Writer // between Open and Prepare
	left string         // staged file that Close removes; "" when there is none
}

var (
	_ flow.Sink          = (*Sink)(nil)
	_ flow.ColumnChecker = (*Sink)(nil)
)

// New makes the sink of a [[sink]] table of type "online".
func New(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
	return newSink(cfg, at, env)
}

func newSink(cfg config.Sink, at parts.Place, env flow.Env) (*Sink, error) {
	path, err := database(cfg, at)
	if err != nil {
		return nil, err
	}
	return &Sink{name: cmp.Or(cfg.Name, defaultName), at: at, env: env, database: path, shared: cfg.WriteToEntity, patience: writerPatience, now: time.Now, reached: func(string) {}}, nil
}

// CheckColumns implements flow.ColumnChecker.
func (s *Sink) CheckColumns(in *flow.Schema) error {
	_, err := columnsOf(in)
	return err
}

// Open implements flow.Sink. It finds out before any row is computed whether
// the database can be written and the table can take the columns.
func (s *Sink) Open(ctx context.Context, run flow.Run, in *flow.Schema) error {
	columns, err := columnsOf(in)
	if err != nil {
		return err
	}
	if err := checkNames(run); err != nil {
		return err
	}
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.fits(ctx, run, columns); err != nil {
		return err
	}
	s.run = run
	s.left = staged.Path(s.at.State, run.ID, s.name)
	s.rows, err = staged.Create(s.left, schemaOf(columns), timeOf(columns), run.Revision)
	return err
}

// checkNames refuses names that make no table or no folder.
func checkNames(run flow.Run) error {
	if run.Entity == "" || run.Set == "" {
		return fault.New(BadPlace, "entity %q and set %q make no table", run.Entity, run.Set)
	}
	if run.ID == "" || run.ID == "." || run.ID == ".." || filepath.Base(run.ID) != run.ID {
		return fault.New(BadPlace, "run %q makes no folder", run.ID)
	}
	if strings.HasPrefix(strings.ToLower(run.Entity), "sqlite_") {
		return fault.New(BadPlace, "entity %q: SQLite keeps names that start with sqlite_ for itself", run.Entity).WithHint("rename the entity")
	}
	return nil
}

// writable tries the folder of the database, where SQLite makes files beside
// it, and the database itself.
func (s *Sink) writable() error {
	dir := filepath.Dir(s.database)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return failed(err, dir)
	}
	probe, err := os.CreateTemp(dir, ".featurehost-*")
	if err != nil {
		return failed(err, dir)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return failed(err, dir)
	}
	f, err := os.OpenFile(s.database, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed(err, s.database)
	}
	return failed(f.Close(), s.database)
}

// fits holds the columns against the table, when there is one.
func (s *Sink) fits(ctx context.Context, run flow.Run, columns []column) (err error) {
	if _, err := os.Stat(s.database); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	c, err := open(s.database, forReading, s.patience)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if s.shared {
		if err := c.joins(ctx, run.Entity, run.Set, columns); err != nil {
			return err
		}
	}
	t, err := c.table(ctx, run.Entity, run.Set)
	if t == nil || err != nil {
		return err
	}
	return t.fits(columns, false)
}

// Write implements flow.Sink.
func (s *Sink) Write(_ context.Context, b flow.Batch) error {
	if s.rows == nil {
		return fault.New(DiskRefused, "the sink is not open")
	}
	if err := s.rows.Write(b.Record); err != nil {
		return errors.Join(err, s.Close()) // a full disk should not stay full
	}
	return nil
}

// Prepare implements flow.Sink.
func (s *Sink) Prepare(_ context.Context) (flow.Pending, error) {
	if s.rows == nil {
		return flow.Pending{}, fault.New(DiskRefused, "the sink is not open")
	}
	digest, err := s.rows.Finish()
	if err != nil {
		return flow.Pending{}, errors.Join(err, s.Close())
	}
	rows := s.rows.Rows()
	data, err := json.Marshal(pending{
		Format: pendingFormat, Run: s.run.ID, Entity: s.run.Entity, Set: s.run.Set, Shared: s.shared,
		Table: tableName(s.run.Entity, s.run.Set), Database: staged.Below(s.at.Dir, s.database),
		File: staged.Below(s.at.Dir, s.left), Digest: digest, Rows: rows,
	})
	if err != nil {
		return flow.Pending{}, errors.Join(err, s.Close())
	}
	s.rows, s.left = nil, "" // the ledger's from now on (O5)
	return flow.Pending{Sink: s.name, Rows: rows, Data: data}, nil
}

// Discard implements flow.Sink.
func (s *Sink) Discard(_ context.Context, run flow.Run) error {
	if err := checkNames(run); err != nil {
		return err
	}
	if run.ID == s.run.ID {
		if err := s.Close(); err != nil {
			return err
		}
	}
	return staged.Remove(staged.Path(s.at.State, run.ID, s.name))
}

// Close implements flow.Sink. Before Prepare has succeeded it removes what
// was staged; after that it leaves it for Publish or Discard (O5).
func (s *Sink) Close() error {
	if s.rows != nil {
		s.rows.Abandon()
		s.rows = nil
	}
	if s.left == "" {
		return nil
	}
	path := s.left
	s.left = ""
	return staged.Remove(path)
}
