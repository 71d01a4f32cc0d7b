package kafka

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/zeebo/xxh3"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// staged writes rows to a file that Publish reads: an Arrow IPC stream.
type staged struct {
	path string
	file *os.File
	buf  *bufio.Writer
	hash *xxh3.Hasher
	ipc  *ipc.Writer
	in   *flow.Schema
	rows int64
}

func newStaged(path string, in *flow.Schema) (*staged, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, failedDisk(err, path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, failedDisk(err, path)
	}
	s := &staged{path: path, file: f, hash: xxh3.New(), in: in}
	s.buf = bufio.NewWriterSize(io.MultiWriter(f, s.hash), 256<<10)
	s.ipc = ipc.NewWriter(s.buf, ipc.WithSchema(in))
	return s, nil
}

func (s *staged) write(r flow.Record) error {
	if int(r.NumCols()) != s.in.NumFields() {
		return fault.New(WrongBatch, "a batch has %d columns, %d were announced", r.NumCols(), s.in.NumFields())
	}
	for i, c := range r.Columns() {
		if f := s.in.Field(i); r.ColumnName(i) != f.Name || !arrow.TypeEqual(c.DataType(), f.Type) {
			return fault.New(WrongBatch, "column %d of a batch is %q of type %s, %q of type %s was announced", i, r.ColumnName(i), typeName(c.DataType()), f.Name, typeName(f.Type))
		}
	}
	if err := s.ipc.Write(r); err != nil {
		return failedDisk(err, s.path)
	}
	s.rows += r.NumRows()
	return nil
}

// finish makes the file durable and gives its digest.
func (s *staged) finish() (digest string, err error) {
	err = errors.Join(s.ipc.Close(), s.buf.Flush(), s.file.Sync(), s.file.Close(), blob.SyncFolder(filepath.Dir(s.path)))
	if err != nil {
		return "", failedDisk(err, s.path)
	}
	return digestOf(s.hash), nil
}

func (s *staged) abandon() {
	_ = s.ipc.Close() // the file goes anyway
	_ = s.file.Close()
}

func digestOf(h *xxh3.Hasher) string {
	sum := h.Sum128().Bytes()
	return "xxh3:" + hex.EncodeToString(sum[:])
}

// fileDigest reads a whole staged file; ok is false when there is none.
func fileDigest(path string) (digest string, ok bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, failedDisk(err, path)
	}
	defer f.Close()
	h := xxh3.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", false, failedDisk(err, path)
	}
	return digestOf(h), true, nil
}

// readStaged hands the batches of a staged file to use, borrowed.
func readStaged(ctx context.Context, path string, use func(flow.Record) error) error {
	f, err := os.Open(path)
	if err != nil {
		return failedDisk(err, path)
	}
	defer f.Close()
	r, err := ipc.NewReader(bufio.NewReaderSize(f, 256<<10))
	if err != nil {
		return failedDisk(err, path)
	}
	defer r.Release()
	for r.Next() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := use(r.RecordBatch()); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return failedDisk(err, path)
	}
	return nil
}
