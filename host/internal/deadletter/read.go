package deadletter

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/host/fault"
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
func read(path string, columns []int, f func(arrow.RecordBatch) error) (err error) {
	// The Parquet library panics over some damaged files.
	inside := false
	defer func() {
		if p := recover(); p != nil {
			if inside {
				panic(p) // the caller's own
			}
			err = unreadable(fmt.Errorf("%v", p), path)
		}
	}()
	in, err := file.OpenParquetFile(path, false)
	if err != nil {
		return unreadable(err, path)
	}
	defer in.Close() //nolint:errcheck // only read
	if v := in.MetaData().KeyValueMetadata().FindValue(formatKey); v != nil && *v != formatVersion {
		return unreadable(fmt.Errorf("it is of version %q of the format, and this build reads version %s", *v, formatVersion), path)
	}
	r, err := pqarrow.NewFileReader(in, pqarrow.ArrowReadProperties{BatchSize: readRows}, memory.DefaultAllocator)
	if err != nil {
		return unreadable(err, path)
	}
	s, err := r.Schema()
	if err != nil {
		return unreadable(err, path)
	}
	if err := sameColumns(s); err != nil {
		return unreadable(err, path)
	}
	batches, err := r.GetRecordReader(context.Background(), columns, nil)
	if err != nil {
		return unreadable(err, path)
	}
	defer batches.Release()
	for batches.Next() {
		inside = true
		err := f(batches.RecordBatch())
		inside = false
		if err != nil {
			return err
		}
	}
	if err := batches.Err(); err != nil && !errors.Is(err, io.EOF) {
		return unreadable(err, path)
	}
	return nil
}

func unreadable(err error, path string) error {
	return fault.Wrap(err, Unreadable, "the dead letter cannot be read").At("%s", path)
}

func sameColumns(got *arrow.Schema) error {
	want := columns()
	if got.NumFields() != want.NumFields() {
		return fmt.Errorf("%d columns: %d were expected", got.NumFields(), want.NumFields())
	}
	for i, w := range want.Fields() {
		if g := got.Field(i); g.Name != w.Name || !arrow.TypeEqual(g.Type, w.Type) {
			return fmt.Errorf("column %d is %q of type %s: %q of type %s was expected", i, g.Name, g.Type, w.Name, w.Type)
		}
	}
	return nil
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
