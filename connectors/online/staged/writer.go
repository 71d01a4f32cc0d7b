package staged

import (
	"bufio"
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

// RevisionColumn is the last column of a staged file.
const RevisionColumn = "fh_revision"

// Writer writes rows and their revisions to a file that Publish reads, an
// Arrow IPC stream, batch by batch.
type Writer struct {
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

// Path is where the rows of a run wait for the sink of a name.
func Path(state, run, sink string) string {
	return filepath.Join(state, "pending", run, sink+".arrow")
}

// Create begins a file. timestamp is the place of that column in the schema,
// revision tells the revision of a day; nil is 0 for all.
func Create(path string, schema *flow.Schema, timestamp int, revision func(flow.Day) int64) (*Writer, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, Failed(err, path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, Failed(err, path)
	}
	s := &Writer{path: path, file: f, hash: xxh3.New(), timestamp: timestamp, revision: revision}
	fields := append(append([]arrow.Field{}, schema.Fields()...), arrow.Field{Name: RevisionColumn, Type: arrow.PrimitiveTypes.Int64})
	s.schema = arrow.NewSchema(fields, nil)
	s.buf = bufio.NewWriterSize(io.MultiWriter(f, s.hash), 256<<10)
	s.ipc = ipc.NewWriter(s.buf, ipc.WithSchema(s.schema))
	return s, nil
}

// Rows is how many rows were written.
func (s *Writer) Rows() int64 { return s.rows }

// Revisions gives the revision of every row of a batch.
func (s *Writer) Revisions(r flow.Record) (*array.Int64, error) {
	if err := s.fits(r); err != nil {
		return nil, err
	}
	return s.revisions(r.Column(s.timestamp).(*array.Timestamp)), nil
}

// Write appends the rows of a batch.
func (s *Writer) Write(r flow.Record) error {
	revisions, err := s.Revisions(r)
	if err != nil {
		return err
	}
	defer revisions.Release()
	return s.WriteWith(r, revisions)
}

// WriteWith appends the rows of a batch with what Revisions gave for it.
func (s *Writer) WriteWith(r flow.Record, revisions *array.Int64) error {
	columns := append(append(make([]arrow.Array, 0, len(r.Columns())+1), r.Columns()...), revisions)
	with := array.NewRecordBatch(s.schema, columns, r.NumRows())
	defer with.Release()
	if err := s.ipc.Write(with); err != nil {
		return Failed(err, s.path)
	}
	s.rows += r.NumRows()
	return nil
}

// fits holds a batch against the schema of Create.
func (s *Writer) fits(r flow.Record) error {
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
func (s *Writer) revisions(times *array.Timestamp) *array.Int64 {
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

// Finish makes the file durable, with the folders that lead to it, and gives
// the digest of its bytes.
func (s *Writer) Finish() (digest string, err error) {
	err = errors.Join(s.ipc.Close(), s.buf.Flush(), s.file.Sync(), s.file.Close())
	s.file = nil
	if err == nil {
		err = syncFolders(s.path)
	}
	if err != nil {
		return "", Failed(err, s.path)
	}
	return hexDigest(s.hash), nil
}

// syncFolders makes the way to a staged file durable: the folders of the run,
// of pending runs and of the state.
func syncFolders(path string) error {
	for dir, n := filepath.Dir(path), 0; n < 3; dir, n = filepath.Dir(dir), n+1 {
		if err := blob.SyncFolder(dir); err != nil {
			return err
		}
	}
	return nil
}

// Abandon closes the file as it is.
func (s *Writer) Abandon() {
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
