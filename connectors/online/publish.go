package online

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// pending is what the ledger keeps of a prepared write. Paths are relative to
// the pipeline's folder when they lie below it.
type pending struct {
	Format   int    `json:"format"` // pendingFormat
	Run      string `json:"run"`
	Entity   string `json:"entity"`
	Set      string `json:"set"`
	Shared   bool   `json:"shared,omitempty"` // write_to_entity
	Table    string `json:"table"`
	Database string `json:"database"`
	File     string `json:"file"`
	Digest   string `json:"digest"` // of the file's bytes
	Rows     int64  `json:"rows"`
}

const pendingFormat = 1

// Points of Publish at which tests stop the process.
const (
	pointTable    = "table made"
	pointInside   = "inside a transaction"
	pointCommit   = "transaction committed"
	pointRecorded = "publication recorded"
)

// Publish implements flow.Sink. It upserts the staged rows in transactions of
// 1,000; the last one also records the publication, so that a repetition
// answers the same without the staged file.
func (s *Sink) Publish(ctx context.Context, in flow.Pending) (out flow.Published, err error) {
	var p pending
	if err := json.Unmarshal(in.Data, &p); err != nil {
		return out, fault.Wrap(err, PendingLost, "the ledger's description of the staged rows cannot be read")
	}
	if p.Format != pendingFormat {
		return out, fault.New(PendingLost, "the staged rows have format %d, this featurehost knows %d", p.Format, pendingFormat).
			WithHint("publish them with the featurehost that made them")
	}
	file := staged.Resolve(s.at.Dir, p.File)
	c, err := open(staged.Resolve(s.at.Dir, p.Database), forWriting, s.patience)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	out, done, err := c.published(ctx, p)
	if err != nil {
		return out, err
	}
	if !done {
		if out, err = s.load(ctx, c, p, file); err != nil {
			return flow.Published{}, err
		}
		s.reached(pointRecorded)
	}
	return out, staged.Remove(file)
}

// load brings the staged rows into the table.
func (s *Sink) load(ctx context.Context, c *conn, p pending, file string) (flow.Published, error) {
	if err := staged.Check(file, p.Run, p.Digest); err != nil {
		return flow.Published{}, err
	}
	u := &upserter{c: c, entity: p.Entity, set: p.Set, shared: p.Shared, reached: s.reached}
	defer u.close()
	err := staged.Read(ctx, file, func(in *flow.Schema) error { return u.begin(ctx, in) }, func(r flow.Record) error { return u.write(ctx, r) })
	if err == nil && u.total != p.Rows {
		err = staged.WrongCount(file, p.Run, u.total, p.Rows)
	}
	if err != nil {
		return flow.Published{}, err
	}
	out := flow.Published{Rows: u.total - u.stale, Stale: u.stale}
	return out, u.finish(ctx, func() error { return c.publish(p, out, s.now()) })
}
