package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/host/fault"
)

// source is a Parquet file as the decoder reads it.
type source interface {
	io.ReaderAt
	io.ReadSeeker
	io.Closer
	// fetched is the number of bytes read of the file so far.
	fetched() int64
	// trouble is the first failure to fetch bytes, as opposed to bytes that make
	// no sense.
	trouble() error
}

// openLocal opens a file of this machine; name is what people call it.
func openLocal(path, name string) (source, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(Missing, "no file %s", name)
	}
	if err != nil {
		return nil, fault.Wrap(err, CannotRead, "cannot open %s", name)
	}
	return &counted{File: f}, nil
}

// counted is a file that counts the bytes read of it.
type counted struct {
	*os.File
	bytes int64
}

// ReadAt implements io.ReaderAt.
func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.File.ReadAt(p, at)
	c.bytes += int64(n)
	return n, err
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	c.bytes += int64(n)
	return n, err
}

func (c *counted) fetched() int64 { return c.bytes }
func (c *counted) trouble() error { return nil }

// openBytes opens an object as it is stored, to be read from its beginning.
func (r *Reader) openBytes(ctx context.Context, o object) (io.ReadCloser, error) {
	if o.entry == nil {
		f, err := os.Open(o.path)
		if err != nil {
			return nil, fault.Wrap(err, CannotRead, "cannot open %s", o.path)
		}
		return f, nil
	}
	x, err := r.remote.Open(ctx, o.entry.Key, 1)
	if err != nil {
		return nil, gone(err, o)
	}
	size := int(min(max(r.share()/8, 1<<20), 8<<20))
	return x.Stream(ctx, size, 4), nil
}

// gone is an absent object as an error of this room: it was listed.
func gone(err error, o object) error {
	if errors.Is(err, fs.ErrNotExist) && !fault.Is(err, s3store.NoBucket) {
		e := fault.Wrap(err, Missing, "no file %s", o.path)
		e.Retry = true
		return e
	}
	return err
}

// share is how much of the object store's bytes may wait in memory.
func (r *Reader) share() int64 {
	if r.env.MemoryBytes <= 0 { // the host names no share
		return 64 << 20
	}
	return min(max(r.env.MemoryBytes/2, 4<<20), 256<<20)
}

// local gives a file of this machine with the bytes of an object, and what ends
// its use. Objects on S3 are fetched into the scratch folder.
func (r *Reader) local(ctx context.Context, o object) (path string, done func(), err error) {
	if o.entry == nil {
		return o.path, func() {}, nil
	}
	x, err := r.remote.Open(ctx, o.entry.Key, 1)
	if err != nil {
		return "", nil, gone(err, o)
	}
	f, err := os.CreateTemp(r.env.Scratch, "fetched-*"+packing(o.path))
	if err != nil {
		return "", nil, fault.Wrap(err, CannotRead, "cannot make a file in the scratch folder")
	}
	remove := sync.OnceFunc(func() { os.Remove(f.Name()) })
	err = x.Download(ctx, f, 4)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		remove()
		if fault.As(err) == nil {
			err = fault.Wrap(err, CannotRead, "the object cannot be kept in the scratch folder").At("%s", o.path)
		}
		return "", nil, err
	}
	return f.Name(), remove, nil
}
