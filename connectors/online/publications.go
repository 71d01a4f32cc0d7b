package online

import (
	"context"
	"time"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// publicationAge is how long the record of a publication is kept. A ledger asks
// for it after a crash, before anything else is published to the table.
const publicationAge = 7 * 24 * time.Hour

// dated gives the records of publications a time, in databases of before they
// had one, and finds the old ones without reading all: a stream makes a record
// for each portion. It runs inside a transaction.
func (c *conn) dated(ctx context.Context) error {
	row, err := c.one(ctx, "SELECT 1 FROM pragma_table_info('fh_publications') WHERE name = 'published_at'")
	if err == nil && row == nil {
		err = c.exec("ALTER TABLE fh_publications ADD COLUMN published_at INTEGER")
	}
	if err != nil {
		return err
	}
	return c.exec("CREATE INDEX IF NOT EXISTS fh_publications_age ON fh_publications (table_name, published_at)")
}

// published looks for the record of an earlier Publish of the same rows.
func (c *conn) published(ctx context.Context, p pending) (out flow.Published, done bool, err error) {
	if known, err := c.has(ctx, "fh_publications"); !known || err != nil {
		return out, false, err
	}
	row, err := c.one(ctx, `SELECT "rows", stale FROM fh_publications WHERE run = ? AND table_name = ? AND digest = ?`, p.Run, p.Table, p.Digest)
	if row == nil || err != nil {
		return out, false, err
	}
	rows, ok1 := row[0].(int64)
	stale, ok2 := row[1].(int64)
	if !ok1 || !ok2 {
		return out, false, fault.New(Damaged, "fh_publications holds %v for run %q", row, p.Run).At("%s", c.path)
	}
	return flow.Published{Rows: rows, Stale: stale}, true, nil
}

// publish records a publication, inside its last transaction, and forgets the
// table's old ones. A record without a time was made by an older featurehost: it
// is taken to be of now.
func (c *conn) publish(p pending, out flow.Published, now time.Time) error {
	err := c.exec(`INSERT OR REPLACE INTO fh_publications (run, table_name, digest, "rows", stale, published_at) VALUES (?, ?, ?, ?, ?, ?)`,
		p.Run, p.Table, p.Digest, out.Rows, out.Stale, now.UnixMicro())
	if err != nil {
		return err
	}
	if err := c.exec("UPDATE fh_publications SET published_at = ? WHERE table_name = ? AND published_at IS NULL", now.UnixMicro(), p.Table); err != nil {
		return err
	}
	return c.exec("DELETE FROM fh_publications WHERE table_name = ? AND published_at < ?", p.Table, now.Add(-publicationAge).UnixMicro())
}
