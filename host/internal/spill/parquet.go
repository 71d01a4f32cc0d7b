package spill

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Write puts batches into dir/name.parquet and gives its path. next gives
// batches, owned, until it has Ended; nil writes none, so that the file holds the
// schema alone.
func Write(ctx context.Context, dir, name string, s *flow.Schema, next func(context.Context) (flow.Batch, error)) (path string, err error) {
	path = filepath.Join(dir, name+".parquet")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fault.Wrap(err, WriteFailed, "%s cannot be made", path)
	}
	defer f.Close()
	// The file is read once, by this process: cheap to write beats small.
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Uncompressed), parquet.WithDictionaryDefault(false), parquet.WithStats(false))
	w, err := pqarrow.NewFileWriter(s, f, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return "", fault.Wrap(err, WriteFailed, "%s cannot be written", path)
	}
	for next != nil {
		b, err := next(ctx)
		if flow.Ended(err) {
			break
		}
		if err != nil {
			return "", errors.Join(err, w.Close())
		}
		err = w.WriteBuffered(b.Record)
		b.Release()
		if err != nil {
			return "", errors.Join(fault.Wrap(err, WriteFailed, "%s cannot be written", path), w.Close())
		}
	}
	if err := w.Close(); err != nil {
		return "", fault.Wrap(err, WriteFailed, "%s cannot be written", path)
	}
	return path, nil
}
