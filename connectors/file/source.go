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

// openSpill opens a file that was made in the scratch folder and takes it over:
// it goes when it is closed.
func openSpill(path, name string) (source, error) {
	src, err := openLocal(path, name)
	if err != nil {
		os.Remove(path)
		return nil, err
	}
	return &spilled{source: src, path: path}, nil
}

// spilled is a file of the scratch folder that nobody else reads.
type spilled struct {
	source
	path string
	once sync.Once
}

// Close implements io.Closer. The decoder closes what it reads, and so do we.
func (s *spilled) Close() error {
	err := s.source.Close()
	s.once.Do(func() { os.Remove(s.path) })
	return err
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

// openBytes opens an object as it is stored, to be read from its beginning. On
// S3 it tells the version.
func (r *Reader) openBytes(ctx context.Context, o object) (io.ReadCloser, *s3store.Object, error) {
	if o.entry == nil {
		f, err := os.Open(o.path)
		if err != nil {
			return nil, nil, fault.Wrap(err, CannotRead, "cannot open %s", o.path)
		}
		return f, nil, nil
	}
	x, err := r.version(ctx, o, 1)
	if err != nil {
		return nil, nil, err
	}
	size := int(min(max(r.share()/8, 1<<20), 8<<20))
	return x.Stream(ctx, size, 4), x, nil
}

// version opens an object on S3, and fetches so many bytes of its end.
func (r *Reader) version(ctx context.Context, o object, tail int64) (*s3store.Object, error) {
	x, err := r.remote.OpenListed(ctx, *o.entry, tail)
	if err != nil {
		return nil, gone(err, o)
	}
	return x, nil
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
	x := o.opened
	if x == nil {
		if x, err = r.version(ctx, o, 1); err != nil {
			return "", nil, err
		}
	}
	f, err := os.CreateTemp(r.env.Scratch, "fetched-*"+packing(o.path))
	if err != nil {
		return "", nil, fault.Wrap(err, CannotRead, "cannot make a file in the scratch folder")
	}
	remove := sync.OnceFunc(func() { os.Remove(f.Name()) })
	err = gone(x.Download(ctx, f, 4), o)
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
