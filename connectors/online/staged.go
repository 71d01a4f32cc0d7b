package online

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/zeebo/xxh3"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// staged writes rows and their revisions to a file that Publish reads, an
// Arrow IPC stream, batch by batch.
type staged struct {
	path      string
	file      *os.File
	buf       *bufio.Writer
	hash      *xxh3.Hasher
	ipc       *ipc.Writer
	schema    *arrow.Schema // the feature table's columns, then the revision
	timestamp int
	revision  func(flow.Day) int64
	rows      int64
}

// stagedPath is where the rows of a run wait.
func stagedPath(state, run string) string {
	return filepath.Join(state, "pending", run, "online.arrow")
}

func newStaged(path string, columns []column, revision func(flow.Day) int64) (*staged, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, failed(err, path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, failed(err, path)
	}
	s := &staged{path: path, file: f, hash: xxh3.New(), revision: revision}
	for i, c := range columns {
		if c.role == roleTimestamp {
			s.timestamp = i
		}
	}
	fields := append(schemaOf(columns).Fields(), arrow.Field{Name: revisionColumn, Type: arrow.PrimitiveTypes.Int64})
	s.schema = arrow.NewSchema(fields, nil)
	s.buf = bufio.NewWriterSize(io.MultiWriter(f, s.hash), 256<<10)
	s.ipc = ipc.NewWriter(s.buf, ipc.WithSchema(s.schema))
	return s, nil
}

func (s *staged) write(r flow.Record) error {
	if err := s.fits(r); err != nil {
		return err
	}
	revisions := s.revisions(r.Column(s.timestamp).(*array.Timestamp))
	defer revisions.Release()
	columns := append(append(make([]arrow.Array, 0, len(r.Columns())+1), r.Columns()...), revisions)
	with := array.NewRecordBatch(s.schema, columns, r.NumRows())
	defer with.Release()
	if err := s.ipc.Write(with); err != nil {
		return failed(err, s.path)
	}
	s.rows += r.NumRows()
	return nil
}

// fits holds a batch against the schema of Open.
func (s *staged) fits(r flow.Record) error {
	if int(r.NumCols()) != s.schema.NumFields()-1 {
		return fault.New(WrongBatch, "a batch has %d columns, %d were announced", r.NumCols(), s.schema.NumFields()-1)
	}
	for i, c := range r.Columns() {
		if f := s.schema.Field(i); r.ColumnName(i) != f.Name || !arrow.TypeEqual(c.DataType(), f.Type) {
			return fault.New(WrongBatch, "column %d of a batch is %q of type %s, %q of type %s was announced", i, r.ColumnName(i), c.DataType(), f.Name, f.Type)
		}
	}
	return nil
}

// revisions materialises the revision of every row's day, for the function is
// gone when a later process publishes. A row without a timestamp is in no
// day's cell, so its revision is 0.
func (s *staged) revisions(times *array.Timestamp) *array.Int64 {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(times.Len())
	var day flow.Day
	var revision int64
	known := false
	for i := range times.Len() {
		if times.IsNull(i) || s.revision == nil {
			b.UnsafeAppend(0)
			continue
		}
		if d := flow.DayOf(int64(times.Value(i))); !known || d != day {
			day, revision, known = d, s.revision(d), true
		}
		b.UnsafeAppend(revision)
	}
	return b.NewInt64Array()
}

// finish makes the file durable, with the folders that lead to it, and gives
// the digest of its bytes.
func (s *staged) finish() (digest string, err error) {
	err = errors.Join(s.ipc.Close(), s.buf.Flush(), s.file.Sync(), s.file.Close())
	s.file = nil
	for dir, n := filepath.Dir(s.path), 0; err == nil && n < 3; dir, n = filepath.Dir(dir), n+1 {
		err = blob.SyncFolder(dir)
	}
	if err != nil {
		return "", failed(err, s.path)
	}
	return hexDigest(s.hash), nil
}

// abandon closes the file as it is.
func (s *staged) abandon() {
	if s.file != nil {
		// The rows are given up: what closing says of them does not matter.
		_ = s.ipc.Close()
		_ = s.file.Close()
		s.file = nil
	}
}

func hexDigest(h *xxh3.Hasher) string {
	sum := h.Sum128().Bytes()
	return "xxh3:" + hex.EncodeToString(sum[:])
}

// digestOf reads a whole file; ok is false when it does not exist.
func digestOf(path string) (digest string, ok bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, failed(err, path)
	}
	defer f.Close()
	h := xxh3.New()
	if _, err := io.CopyBuffer(h, f, make([]byte, 256<<10)); err != nil {
		return "", false, failed(err, path)
	}
	return hexDigest(h), true, nil
}

// readStaged calls f with every batch of a staged file.
func readStaged(ctx context.Context, path string, begin func(*flow.Schema) error, f func(flow.Record) error) error {
	file, err := os.Open(path)
	if err != nil {
		return failed(err, path)
	}
	defer file.Close()
	r, err := ipc.NewReader(bufio.NewReaderSize(file, 256<<10))
	if err != nil {
		return fault.Wrap(err, PendingLost, "the staged rows cannot be read").At("%s", path)
	}
	defer r.Release()
	if err := begin(r.Schema()); err != nil {
		return err
	}
	for r.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f(r.RecordBatch()); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fault.Wrap(err, PendingLost, "the staged rows cannot be read").At("%s", path)
	}
	return nil
}

// removeStaged removes a staged file and, when that leaves them empty, the
// folder of its run.
func removeStaged(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return failed(err, path)
	}
	// Another sink of the run may still have files there.
	_ = os.Remove(filepath.Dir(path))
	return nil
}
