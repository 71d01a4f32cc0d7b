package cassandra

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// pending is what the ledger keeps of a prepared write. The path is relative
// to the pipeline's folder when it lies below it.
type pending struct {
	Format   int    `json:"format"` // pendingFormat
	Run      string `json:"run"`
	Entity   string `json:"entity"`
	Set      string `json:"set"`
	Shared   bool   `json:"shared,omitempty"`
	Keyspace string `json:"keyspace"`
	File     string `json:"file"`
	Digest   string `json:"digest"` // of the file's bytes
	Rows     int64  `json:"rows"`
	Repeats  bool   `json:"repeats,omitempty"` // keys may come more than once
}

const pendingFormat = 1

// Publish implements flow.Sink. Cassandra does not tell whether a write was
// older than what it had, so only rows that lost to another of the same run
// are counted as stale.
func (s *Sink) Publish(ctx context.Context, in flow.Pending) (out flow.Published, err error) {
	var p pending
	if err := json.Unmarshal(in.Data, &p); err != nil {
		return out, fault.Wrap(err, staged.PendingLost, "the ledger's description of the staged rows cannot be read")
	}
	if p.Format != pendingFormat {
		return out, fault.New(staged.PendingLost, "the staged rows have format %d, this featurehost knows %d", p.Format, pendingFormat).
			WithHint("publish them with the featurehost that made them")
	}
	file := staged.Resolve(s.at.Dir, p.File)
	if out, done := readMark(file, p.Digest); done {
		return out, staged.Remove(file)
	}
	if err := staged.Check(file, p.Run, p.Digest); err != nil {
		return out, err
	}
	if out, err = s.load(ctx, p, file); err != nil {
		return flow.Published{}, err
	}
	if err := writeMark(file, p.Digest, out); err != nil {
		return flow.Published{}, err
	}
	return out, staged.Remove(file)
}

// load brings the staged rows into the table.
func (s *Sink) load(ctx context.Context, p pending, file string) (out flow.Published, err error) {
	if s.conn == nil {
		if err := s.connect(ctx); err != nil {
			return out, err
		}
		defer func() {
			s.conn.close()
			s.conn = nil
		}()
	}
	var l *loader
	begin := func(in *flow.Schema) error {
		if l != nil {
			return nil // the file is being read once more
		}
		columns, err := staged.Columns(in)
		if err != nil {
			return err
		}
		want, err := targetOf(p.Keyspace, p.Shared, flow.Run{Entity: p.Entity, Set: p.Set}, columns)
		if err != nil {
			return err
		}
		want, t, err := s.ensure(ctx, want)
		if err != nil {
			return err
		}
		l = s.newLoader(ctx, want, t)
		return nil
	}
	if p.Repeats {
		err = newest(ctx, file, winnersBytes, begin, func() target { return l.want }, func(r flow.Record, rows []int) error { return l.write(r, rows) })
	} else {
		err = staged.Read(ctx, file, begin, func(r flow.Record) error { return l.write(r, nil) })
	}
	if l == nil {
		return out, err
	}
	if werr := l.finish(err); werr != nil {
		return out, werr
	}
	if l.want.shared { // meanwhile another set may have come
		if _, _, err := s.ensure(ctx, l.want); err != nil {
			return out, err
		}
	}
	written := l.written.Load()
	if written > p.Rows || !p.Repeats && written != p.Rows {
		return out, staged.WrongCount(file, p.Run, written, p.Rows)
	}
	return flow.Published{Rows: written, Stale: p.Rows - written}, nil
}

// A comment can only be replaced as a whole, so sets that come to a shared
// table at the same time may undo each other's labels. A set looks again when
// the others must be done with theirs, up to labelTries times; what is lost
// all the same comes back with the set's next run.
const (
	labelTries = 8
	labelPause = 400 * time.Millisecond
)

// ensure makes the table, or in a shared table the columns of a set that is
// new there, and gives it as it then is, with what can be written to it:
// features that were dropped since the rows were staged are left out.
func (s *Sink) ensure(ctx context.Context, want target) (target, *table, error) {
	t, err := describe(ctx, s.conn, want.keyspace, want.name())
	if err != nil {
		return want, nil, err
	}
	if t == nil {
		if err := s.conn.execAgain(ctx, want.createSQL()); err != nil {
			return want, nil, err
		}
		if t, err = s.described(ctx, want); err != nil {
			return want, nil, err
		}
	}
	want, gone := want.without(t.dropped)
	if len(gone) > 0 {
		s.env.Log.Warn("features that were dropped from the table meanwhile are not loaded", "table", want.place(), "features", strings.Join(gone, ", "))
	}
	t, err = s.fitted(ctx, want, t)
	return want, t, err
}

// fitted adds columns and labels where ensure may.
func (s *Sink) fitted(ctx context.Context, want target, t *table) (*table, error) {
	var err error
	if want.shared && t.joins(want) {
		// The server refuses a column that somebody has made meanwhile: a run of
		// the same set, which is well, or of another, which is a clash.
		refused := s.conn.execAgain(ctx, want.addSQL(t.absent(want)))
		if refused != nil && !invalid(refused) {
			return nil, refused
		}
		if t, err = s.described(ctx, want); err != nil {
			return nil, err
		}
		if t.joins(want) && refused != nil {
			return nil, refused
		}
	}
	if err := t.fits(want, false); err != nil {
		return nil, err
	}
	for try := 0; t.unlabelled(want) && try < labelTries; try++ {
		if err := s.conn.execAgain(ctx, want.labelSQL(t.relabelled(want))); err != nil {
			if !fault.Is(err, NotAllowed) {
				return nil, err
			}
			// Labels are for the order and names of types; a user who may not
			// alter tables can do without, except in a shared one.
			if want.shared {
				return nil, err
			}
			break
		}
		if want.shared {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(labelPause + rand.N(labelPause)):
			}
		}
		if t, err = s.described(ctx, want); err != nil {
			return nil, err
		}
		if err := t.fits(want, false); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// described reads a table that must be there.
func (s *Sink) described(ctx context.Context, want target) (*table, error) {
	t, err := describe(ctx, s.conn, want.keyspace, want.name())
	if err == nil && t == nil {
		err = fault.New(NoTable, "the table was removed while rows were written to it").At("table %s", want.place())
	}
	return t, err
}

// joins tells whether a set has no columns in a shared table yet.
func (t *table) joins(want target) bool {
	_, there := t.column(want.version())
	return !there
}

// absent are the wanted columns that the table has not.
func (t *table) absent(want target) []column {
	var out []column
	for _, c := range want.columns {
		if _, there := t.column(c.name); !there {
			out = append(out, c)
		}
	}
	return out
}

// unlabelled tells whether the labels are not those that the set needs.
func (t *table) unlabelled(want target) bool {
	return t.labels.Format == 0 || t.relabelled(want).comment() != t.labels.comment()
}

var errStopped = errors.New("writing has stopped")
