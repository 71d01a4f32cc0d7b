package historical

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/host/flow"
)

// Registrar is the catalogue that is told of tables and partitions: a Hive
// metastore. The sink checks with it in Open and tells it in Publish, after the
// files are in place.
type Registrar interface {
	// Check finds out, before any row is computed, whether the catalogue would
	// take the table: it answers, and what it knows of the table fits.
	Check(ctx context.Context, t Table) error
	// Publish makes the catalogue know the table and just these changes of its
	// partitions. It may be called again after a crash at any point.
	Publish(ctx context.Context, t Table, set []Partition, drop []flow.Day) error
	Close() error
}

// Table is a table of the historical store as a catalogue sees it.
type Table struct {
	Entity, Set string
	// Columns of the files; the partition columns year, month and day, whole
	// numbers, follow them.
	Columns *arrow.Schema
	// Location is the URI of the table's folder, as in
	// s3://bucket/historical/customer/spend.
	Location string
}

// Partition is a day whose rows lie at a location of its own.
type Partition struct {
	Day         flow.Day
	Location    string // URI of the folder
	Rows, Bytes int64
}
