package staged

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/zeebo/xxh3"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Check holds a whole staged file against the digest that the ledger has:
// half of a damaged file would be worse than none.
func Check(path, run, digest string) error {
	got, ok, err := digestOf(path)
	switch {
	case err != nil:
		return err
	case !ok:
		return lost(path, "the staged file of run %q is gone and was not published", run)
	case got != digest:
		return lost(path, "the staged file of run %q has digest %s, the ledger says %s", run, got, digest)
	}
	return nil
}

// WrongCount is the error of a file that holds another number of rows than the
// ledger says.
func WrongCount(path, run string, got, want int64) error {
	return lost(path, "the staged file of run %q holds %d rows, the ledger says %d", run, got, want)
}

// digestOf reads a whole file; ok is false when it does not exist.
func digestOf(path string) (digest string, ok bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, Failed(err, path)
	}
	defer f.Close()
	h := xxh3.New()
	if _, err := io.CopyBuffer(h, f, make([]byte, 256<<10)); err != nil {
		return "", false, Failed(err, path)
	}
	return hexDigest(h), true, nil
}

// Read calls begin with the schema of a staged file, then f with every batch,
// which is borrowed.
func Read(ctx context.Context, path string, begin func(*flow.Schema) error, f func(flow.Record) error) error {
	file, err := os.Open(path)
	if err != nil {
		return Failed(err, path)
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

// Columns gives the schema of a staged file without the revisions.
func Columns(in *flow.Schema) (*flow.Schema, error) {
	n := in.NumFields() - 1
	if n < 0 || in.Field(n).Name != RevisionColumn {
		return nil, fault.New(PendingLost, "the staged rows have no revisions")
	}
	return flow.NewSchema(in.Fields()[:n]), nil
}

// Remove removes a staged file and, when that leaves it empty, the folder of
// its run.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Failed(err, path)
	}
	// Another sink of the run may still have files there.
	_ = os.Remove(filepath.Dir(path))
	return nil
}

// Below gives path as it is written into a Pending: relative to the pipeline's
// folder when it lies there, so that the folder may be moved as a whole.
func Below(dir, path string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs // path is absolute, and dir often is "."
	}
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// Resolve is the inverse of Below.
func Resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
