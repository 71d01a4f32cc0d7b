package flow

import (
	"context"
	"encoding/json"
	"errors"
)

// Sink takes the rows of the feature table into a store. Rows come grouped by
// key in ascending order of the canonical key bytes, and inside a key in total
// order.
//
// Life: Open, Write any number of times, Prepare, then Publish. Close before
// Prepare has succeeded undoes the write; after that it leaves the prepared
// write in place, since the ledger may name it: Publish or Discard decide.
type Sink interface {
	Open(ctx context.Context, run Run, in *Schema) error
	// Write takes one batch, borrowed until it returns.
	Write(ctx context.Context, b Batch) error
	// Prepare makes all rows durable but invisible. What it returns goes into
	// the ledger and is all that Publish needs, in this or a later process.
	Prepare(ctx context.Context) (Pending, error)
	// Publish makes a prepared write visible. It is idempotent: a restart
	// publishes again what the ledger names.
	Publish(ctx context.Context, p Pending) (Published, error)
	// Discard removes what a run left behind that was never published:
	// another process crashed before or during Prepare. After Publish it removes
	// what Publish keeps for being asked again.
	Discard(ctx context.Context, run Run) error
	// Close gives back what is open. A stream opens the sink again after
	// Publish, for its next portion, and after Close too.
	Close() error
}

// ColumnChecker is a sink that tells, before a run begins, whether its table
// can have the columns of the feature table. It looks at nothing that is stored.
type ColumnChecker interface {
	CheckColumns(in *Schema) error
}

// ErrPendingLost is in the tree of the error of a Publish whose prepared rows
// are gone or not what they were: trying again cannot help, computing the
// interval again does.
var ErrPendingLost = errors.New("the prepared rows are lost")

// Pending is a prepared write: the sink's own description of it, as JSON.
type Pending struct {
	Sink string          `json:"sink"` // name of the sink in the pipeline: "historical", "online"
	Rows int64           `json:"rows"`
	Data json.RawMessage `json:"data"`
	// Held asks whether the write is still this process's to publish; nil means
	// always. A sink asks right before what would harm the rows of others: a
	// process that was stopped for long may find its work done, and the days
	// written anew, by another one. An error ends Publish.
	Held func(context.Context) error `json:"-"`
}

// Published tells what Publish did.
type Published struct {
	Rows       int64 `json:"rows"`       // rows now visible
	Stale      int64 `json:"stale"`      // rows refused because a newer one was there
	Partitions int   `json:"partitions"` // Hive partitions replaced
	Cleared    int   `json:"cleared"`    // Hive partitions emptied
}

// Run identifies a run to the parts that write.
type Run struct {
	Number   int64             // number in the ledger, from 1
	ID       string            // unique text of the run, for names and metadata
	Interval Interval          // days asked for
	Entity   string            // what the feature set describes
	Set      string            // name of the feature set
	Pipeline string            // digest of the pipeline file, "sha256:..."
	Plugins  map[string]string // plugin name@version to digest
	Version  string            // of featurehost
	// Portion says that the run is a portion of a stream: it has no number, and
	// others of the same stream come after it through the same sink.
	Portion bool
	// Revision of the cells of a day: how many earlier runs held that day
	// (S-1303). Nil means 0 for all.
	Revision func(Day) int64
}
