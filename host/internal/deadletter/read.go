package deadletter

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/regular"
)

// readRows is how many letters are decoded at a time.
const readRows = 256

// Read calls f with every letter of a file, in the order of the file. The row
// is borrowed until f returns. An error of f ends the read and is returned.
func Read(path string, f func(Letter) error) error {
	return read(path, nil, func(b arrow.RecordBatch) error {
		for i := range int(b.NumRows()) {
			l, err := letterOf(b, i)
			if err != nil {
				return unreadable(err, path)
			}
			err = f(l)
			l.Row.Release()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// read calls f with the batches of a file, of some of its columns or, with nil,
// of all. An error of f ends the read and is returned.
func read(path string, columns []int, f func(arrow.RecordBatch) error) error {
	in, info, err := regular.Open(path)
	if err != nil {
		return unreadable(err, path)
	}
	defer in.Close() //nolint:errcheck // only read
	var own error    // of f
	err = decode(in, info.Size(), columns, func(b arrow.RecordBatch) error { own = f(b); return own })
	if err != nil && own == nil {
		return unreadable(err, path)
	}
	return err
}

// decode is read for the bytes of a file.
func decode(in parquet.ReaderAtSeeker, size int64, columns []int, f func(arrow.RecordBatch) error) (err error) {
	// The Parquet library panics over some damaged files.
	inside := false
	defer func() {
		if p := recover(); p != nil {
			if inside {
				panic(p) // the caller's own
			}
			err = fmt.Errorf("%v", p)
		}
	}()
	r, err := openParquet(in, size)
	if err != nil {
		return err
	}
	batches, err := r.GetRecordReader(context.Background(), columns, nil)
	if err != nil {
		return err
	}
	defer batches.Release()
	all := r.ParquetReader().NumRows()
	left := all
	for batches.Next() {
		b := batches.RecordBatch()
		left -= b.NumRows()
		inside = true
		err := f(b)
		inside = false
		if err != nil {
			return err
		}
	}
	if err := batches.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	// Where a column ends early the library tells nothing else than the end.
	if left != 0 {
		return fmt.Errorf("%d of %d letters are missing", left, all)
	}
	return nil
}

func unreadable(err error, path string) error {
	return fault.Wrap(err, Unreadable, "the dead letter cannot be read").At("%s", path)
}

func letterOf(b arrow.RecordBatch, i int) (l Letter, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("letter %d: %v", i, p)
		}
	}()
	row, err := decodeRow(b.Column(0).(*array.Binary).Value(i), b.Column(8).(*array.Int64).Value(i))
	if err != nil {
		return Letter{}, fmt.Errorf("letter %d: %w", i, err)
	}
	text := func(c int) string { return b.Column(c).(*array.String).Value(i) }
	l = Letter{Row: row, Reason: text(1), Message: text(2), Stage: text(3), Plugin: text(4), Digest: text(5)}
	if !b.Column(6).IsNull(i) {
		l.Object, l.SourceRow = text(6), b.Column(7).(*array.Int64).Value(i)
	}
	return l, nil
}
