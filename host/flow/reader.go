package flow

import (
	"context"
	"io"
)

// Request says what a reader is asked for.
type Request struct {
	// Columns is the projection: names of the columns wanted, nil for all.
	// The schema that Open answers holds them in the source's order.
	Columns []string
	// Interval limits what is read by the reader's incremental strategy.
	Interval Interval
	// BatchRows is the greatest number of rows in a batch.
	BatchRows int
}

// Reader turns a source into batches.
type Reader interface {
	// Schema tells the columns and types of the whole source, without
	// reading its rows.
	Schema(ctx context.Context) (*Schema, error)
	// Open starts a read and answers with the schema of its batches.
	Open(ctx context.Context, r Request) (*Schema, error)
	// Next gives the next batch, which the caller releases; io.EOF itself ends
	// a bounded read (see Ended).
	Next(ctx context.Context) (Batch, error)
	// Stats tells what was read so far.
	Stats() ReadStats
	Close() error
}

// Ended reports whether err is the end of a bounded read: io.EOF itself. An
// error that wraps io.EOF, as of a file cut short, is a failure; to take it for
// the end would lose rows in silence.
func Ended(err error) bool { return err == io.EOF } //nolint:errorlint // see above

// ReadStats counts what a reader touched.
type ReadStats struct {
	Objects   int64 // files opened
	Bytes     int64 // bytes fetched from them
	Rows      int64 // rows decoded
	OutOfSpan int64 // rows decoded and left out by the incremental strategy
	BadRows   int64 // malformed rows sent to the dead letter
	// RowGroups and RowGroupsSkipped count Parquet row groups, read and pruned.
	RowGroups, RowGroupsSkipped int64
}
