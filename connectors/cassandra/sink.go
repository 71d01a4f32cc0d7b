package cassandra

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
	"github.com/featurehost/featurehost/host/parts"
)

const (
	// defaultName is the name of this sink in a pipeline that gives it none.
	defaultName        = "cassandra"
	defaultConsistency = "LOCAL_QUORUM"
	defaultConcurrency = 64
	// longestTTL is Cassandra's limit: 20 years.
	longestTTL = 630_720_000 * time.Second
)

// Sink writes the newest row of each key to a cluster. It is a flow.Sink for
// one goroutine; Publish and Discard need no Open.
type Sink struct {
	name     string // of the sink in the pipeline
	cfg      config.Cassandra
	shared   bool
	ttl      time.Duration // 0 is for ever
	at       parts.Place
	env      flow.Env
	patience time.Duration
	now      func() time.Time
	reached  func(written int64) // tests look on here; nil in production

	conn client // from Open or Publish to Close
	run  flow.Run
	want target
	rows *staged.Writer // between Open and Prepare
	left string         // staged file that Close removes; "" when there is none

	ties    *ties  // of a stream, over all its portions; nil otherwise
	repeats bool   // a key came twice, or not in order
	last    []byte // canonical bytes of the last key
	key     []byte
}

var (
	_ flow.Sink          = (*Sink)(nil)
	_ flow.ColumnChecker = (*Sink)(nil)
	_ flow.Prober        = (*Sink)(nil)
	_ flow.Migrator      = (*Sink)(nil)
)

// New makes the sink of a [[sink]] table of type "online" with the store
// "cassandra". It connects to nothing.
func New(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
	return newSink(cfg, at, env)
}

func newSink(cfg config.Sink, at parts.Place, env flow.Env) (*Sink, error) {
	c, ttl, err := settings(cfg)
	if err != nil {
		return nil, err
	}
	return &Sink{
		name: cmp.Or(cfg.Name, defaultName), cfg: c, shared: cfg.WriteToEntity, ttl: ttl, at: at, env: env,
		patience: defaultPatience, now: time.Now,
	}, nil
}

// settings checks what the file alone can tell, and fills in defaults.
func settings(cfg config.Sink) (out config.Cassandra, ttl time.Duration, err error) {
	if cfg.Cassandra == nil || len(cfg.Cassandra.Hosts) == 0 || cfg.Cassandra.Keyspace == "" {
		return out, 0, badConfig(nil, "hosts and keyspace are needed")
	}
	out = *cfg.Cassandra
	out.Consistency = cmp.Or(out.Consistency, defaultConsistency)
	if out.Concurrency <= 0 {
		out.Concurrency = defaultConcurrency
	}
	if cfg.TTL != nil {
		const most = longestTTL / time.Microsecond
		if cfg.TTL.Micros <= 0 || cfg.TTL.Micros > int64(most) {
			return out, 0, badConfig(nil, "ttl = %q: a value can be visible for up to 7300 days", cfg.TTL.Text)
		}
		ttl = cfg.TTL.Duration()
	}
	return out, ttl, nil
}

// CheckColumns implements flow.ColumnChecker.
func (s *Sink) CheckColumns(in *flow.Schema) error {
	_, err := targetOf(s.cfg.Keyspace, s.shared, flow.Run{Entity: "entity", Set: "set"}, s.taken(in))
	return err
}

// Open implements flow.Sink. It finds out before any row is computed whether
// the cluster can be reached, has the keyspace, and the table takes the
// columns. A table that does not exist is made by Publish.
func (s *Sink) Open(ctx context.Context, run flow.Run, in *flow.Schema) error {
	if err := checkRun(run); err != nil {
		return err
	}
	in = s.taken(in)
	want, err := targetOf(s.cfg.Keyspace, s.shared, run, in)
	if err != nil {
		return err
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	t, err := describe(ctx, s.conn, want.keyspace, want.name())
	if err != nil {
		return err
	}
	if t == nil {
		err = want.nameable(ctx, s.conn)
	} else {
		err = t.fits(want, true)
	}
	if err != nil {
		return err
	}
	forgetMarks(s.at.State, s.name, s.now())
	s.run, s.want, s.repeats, s.last = run, want, false, s.last[:0]
	if run.Portion && s.ties == nil {
		s.ties = newTies()
	}
	s.left = staged.Path(s.at.State, run.ID, s.name)
	s.rows, err = staged.Create(s.left, in, want.timestamp(), run.Revision)
	return err
}

// checkRun refuses a run whose name makes no folder.
func checkRun(run flow.Run) error {
	if run.ID == "" || run.ID == "." || run.ID == ".." || filepath.Base(run.ID) != run.ID {
		return fault.New(BadConfig, "run %q makes no folder", run.ID)
	}
	return nil
}

// connect opens the session where there is none.
func (s *Sink) connect(ctx context.Context) error {
	if s.conn != nil {
		return nil
	}
	c, err := connect(ctx, &s.cfg, s.at, s.patience)
	if err != nil {
		return err
	}
	s.conn = c
	return nil
}

// Write implements flow.Sink.
func (s *Sink) Write(_ context.Context, b flow.Batch) error {
	if s.rows == nil {
		return fault.New(NotOpen, "the sink is not open")
	}
	if err := s.stage(b.Record); err != nil {
		return errors.Join(err, s.giveUp()) // a full disk should not stay full
	}
	return nil
}

func (s *Sink) stage(given flow.Record) error {
	r, err := s.converted(given)
	if err != nil {
		return err
	}
	defer r.Release()
	revisions, err := s.rows.Revisions(r)
	if err != nil {
		return err
	}
	defer revisions.Release()
	if err := checkRows(s.want, r, revisions, s.rows.Rows()); err != nil {
		return err
	}
	s.watchKeys(r)
	if s.ties != nil {
		told := s.ties.revisions(s.want, r)
		defer told.Release()
		return s.rows.WriteWith(r, told)
	}
	return s.rows.WriteWith(r, revisions)
}

// watchKeys notes whether every key comes once. In the order of a feature
// table that shows in neighbours.
func (s *Sink) watchKeys(r flow.Record) {
	if s.repeats {
		return
	}
	keys := keyColumns(s.want, r)
	first := s.rows.Rows() == 0
	for i := range int(r.NumRows()) {
		s.key = appendKey(s.key[:0], keys, i)
		if !first && bytes.Compare(s.key, s.last) <= 0 {
			s.repeats = true
			return
		}
		s.key, s.last, first = s.last, s.key, false
	}
}

func keyColumns(t target, r flow.Record) []arrow.Array {
	var out []arrow.Array
	for _, c := range t.keys() {
		out = append(out, r.Column(c.from))
	}
	return out
}

func appendKey(dst []byte, keys []arrow.Array, i int) []byte {
	for _, k := range keys {
		dst = canonical.AppendValue(dst, k, i)
	}
	return dst
}

// Prepare implements flow.Sink.
func (s *Sink) Prepare(_ context.Context) (flow.Pending, error) {
	if s.rows == nil {
		return flow.Pending{}, fault.New(NotOpen, "the sink is not open")
	}
	digest, err := s.rows.Finish()
	if err != nil {
		return flow.Pending{}, errors.Join(err, s.giveUp())
	}
	rows := s.rows.Rows()
	data, err := json.Marshal(pending{
		Format: pendingFormat, Run: s.run.ID, Entity: s.run.Entity, Set: s.run.Set, Shared: s.shared, Keyspace: s.cfg.Keyspace,
		File: staged.Below(s.at.Dir, s.left), Digest: digest, Rows: rows, Repeats: s.repeats,
	})
	if err != nil {
		return flow.Pending{}, errors.Join(err, s.giveUp())
	}
	s.rows, s.left = nil, "" // the ledger's from now on
	return flow.Pending{Sink: s.name, Rows: rows, Data: data}, nil
}

// Discard implements flow.Sink.
func (s *Sink) Discard(_ context.Context, run flow.Run) error {
	if err := checkRun(run); err != nil {
		return err
	}
	if run.ID == s.run.ID {
		if err := s.giveUp(); err != nil {
			return err
		}
	}
	file := staged.Path(s.at.State, run.ID, s.name)
	return errors.Join(removeMark(file), staged.Remove(file))
}

// giveUp removes what was staged and not prepared.
func (s *Sink) giveUp() error {
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

// Close implements flow.Sink. Before Prepare has succeeded it removes what was
// staged; after that it leaves it for Publish or Discard.
func (s *Sink) Close() error {
	if s.conn != nil {
		s.conn.close()
		s.conn = nil
	}
	return s.giveUp()
}

// revisionsOf gives the last column of a staged batch.
func revisionsOf(r flow.Record) *array.Int64 {
	return r.Column(int(r.NumCols()) - 1).(*array.Int64)
}
