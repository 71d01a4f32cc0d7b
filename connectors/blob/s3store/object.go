package s3store

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/host/fault"
)

// Object is one version of an object, read in ranges. It is safe for use by
// several goroutines, and holds nothing open.
type Object struct {
	Size int64
	Meta map[string]string // user metadata, names in lower case
	Tail []byte            // its last bytes, as many as Open was asked for

	store   *Store
	key     string
	etag    string
	fetched atomic.Int64
}

// Open looks at an object and fetches its last bytes, at most tail of them and
// at least one, with one request.
func (s *Store) Open(ctx context.Context, key string, tail int64) (*Object, error) {
	return s.OpenListed(ctx, Entry{Key: key}, tail)
}

// OpenListed opens an object that was listed, as Open does. It may have been
// replaced since; when it was not, it must have the size that was listed.
func (s *Store) OpenListed(ctx context.Context, e Entry, tail int64) (*Object, error) {
	key, tail := e.Key, max(tail, 1)
	api, err := s.client.service(ctx)
	if err != nil {
		return nil, err
	}
	var o *Object
	err = s.tries(ctx, func() error {
		out, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + key), Range: aws.String(fmt.Sprintf("bytes=-%d", tail))})
		if err != nil {
			if answerOf(err).status == http.StatusRequestedRangeNotSatisfiable {
				o = nil
				return nil // it is empty
			}
			return final{err}
		}
		defer out.Body.Close()
		length, err := s.length(key, out.ContentLength)
		if err != nil {
			return err
		}
		o = &Object{store: s, key: key, etag: aws.ToString(out.ETag), Meta: lower(out.Metadata), Size: length}
		if r := aws.ToString(out.ContentRange); r != "" {
			var first, last int64
			if _, err := fmt.Sscanf(r, "bytes %d-%d/%d", &first, &last, &o.Size); err != nil || first < 0 || last-first+1 != length || last != o.Size-1 {
				return s.odd(key, "asked for the last bytes, the server answered with range %q", r)
			}
			if length > tail {
				return s.odd(key, "asked for the last %d bytes, the server answered with %d bytes", tail, length)
			}
		} else if length > tail {
			return s.odd(key, "the server knows no ranges")
		}
		o.Tail = make([]byte, length)
		n, err := io.ReadFull(out.Body, o.Tail)
		o.fetched.Store(int64(n))
		return err
	})
	if err != nil {
		return nil, s.failed("read", key, err)
	}
	if o == nil {
		out, err := s.head(ctx, key)
		if err != nil {
			return nil, err
		}
		size, err := s.length(key, out.ContentLength)
		if err != nil {
			return nil, err
		}
		o = &Object{store: s, key: key, etag: aws.ToString(out.ETag), Meta: lower(out.Metadata), Size: size}
	}
	switch {
	case o.etag == "":
		return nil, s.odd(key, "the server names no version (ETag)")
	case o.etag == e.ETag && o.Size != e.Size:
		return nil, s.odd(key, "the object is listed with %d bytes, and has %d in the same version", e.Size, o.Size)
	}
	return o, nil
}

// length is how many bytes an answer has, or is about. One that does not tell,
// as of a gateway that sends chunks, must not be taken for an empty object.
func (s *Store) length(key string, n *int64) (int64, error) {
	if n == nil {
		return 0, s.odd(key, "the server does not tell how long it is")
	}
	return *n, nil
}

func (s *Store) odd(key, format string, args ...any) error {
	return fault.New(Refused, "the answer makes no sense: "+format, args...).At("%s", s.Path(key))
}

// Path names the object to people.
func (o *Object) Path() string { return o.store.Path(o.key) }

// Fetched is the number of bytes read of the object so far.
func (o *Object) Fetched() int64 { return o.fetched.Load() }

// Read fills p with the bytes from at on. It fails with Changed when the object
// was replaced since it was opened (O3).
func (o *Object) Read(ctx context.Context, p []byte, at int64) error {
	if at < 0 || at+int64(len(p)) > o.Size {
		return fault.Wrap(io.ErrUnexpectedEOF, Refused, "bytes %d to %d of an object of %d bytes", at, at+int64(len(p)), o.Size).At("%s", o.Path())
	}
	if from := o.Size - int64(len(o.Tail)); at >= from {
		copy(p, o.Tail[at-from:])
		return nil
	}
	if len(p) == 0 {
		return nil
	}
	s := o.store
	api, err := s.client.service(ctx)
	if err != nil {
		return err
	}
	done := 0
	err = s.tries(ctx, func() error {
		from := at + int64(done)
		want := fmt.Sprintf("bytes=%d-%d", from, at+int64(len(p))-1)
		out, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + o.key), Range: &want, IfMatch: &o.etag})
		if err != nil {
			return final{err}
		}
		defer out.Body.Close()
		if etag := aws.ToString(out.ETag); etag != o.etag {
			e := fault.New(Changed, "the object was replaced while it was read").At("%s", o.Path()).WithHint("run again")
			e.Retry = true
			return e
		}
		if got, exact := aws.ToString(out.ContentRange), fmt.Sprintf("bytes %s/%d", strings.TrimPrefix(want, "bytes="), o.Size); got != exact && (got != "" || from != 0 || int64(len(p)) != o.Size) {
			return s.odd(o.key, "asked for %s, the server answered with %q", want, got)
		}
		n, err := io.ReadFull(out.Body, p[done:])
		done += n
		o.fetched.Add(int64(n))
		return err
	})
	return s.failed("read", o.key, err)
}

// chunk is how much is fetched by one request where everything is wanted.
const chunk = 8 << 20

// Download writes the whole object to a file, in ranges, a few at a time.
func (o *Object) Download(ctx context.Context, f *os.File, workers int) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, workers))
	for at := int64(0); at < o.Size; at += chunk {
		g.Go(func() error {
			buf := make([]byte, min(chunk, o.Size-at))
			if err := o.Read(gctx, buf, at); err != nil {
				return err
			}
			_, err := f.WriteAt(buf, at)
			return err
		})
	}
	return g.Wait()
}

// Stream reads the whole object from its beginning, ahead pieces of size bytes
// before they are wanted. Closing it ends what is under way.
func (o *Object) Stream(ctx context.Context, size, ahead int) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{object: o, ctx: ctx, cancel: cancel, size: int64(max(size, 1))}
	for range max(ahead, 1) {
		s.more(nil)
	}
	return s
}

// piece is a part of a stream, fetched in the background.
type piece struct {
	buf   []byte
	err   error
	ready chan struct{}
}

type stream struct {
	object *Object
	ctx    context.Context //nolint:containedctx // of the reads that io.Reader cannot name
	cancel context.CancelFunc
	size   int64
	next   int64 // begin of the piece to be asked for
	queue  []*piece
	left   []byte // of the first piece
	wait   sync.WaitGroup
}

// more asks for the next piece, into buf if there is one.
func (s *stream) more(buf []byte) {
	if s.next >= s.object.Size {
		return
	}
	at, n := s.next, min(s.size, s.object.Size-s.next)
	s.next += n
	p := &piece{buf: buf, ready: make(chan struct{})}
	if int64(cap(p.buf)) < n {
		p.buf = make([]byte, n)
	}
	p.buf = p.buf[:n]
	s.queue = append(s.queue, p)
	s.wait.Go(func() {
		defer close(p.ready)
		p.err = s.object.Read(s.ctx, p.buf, at)
	})
}

// Read implements io.Reader.
func (s *stream) Read(b []byte) (int, error) {
	if len(s.left) == 0 {
		if len(s.queue) == 0 {
			return 0, io.EOF
		}
		p := s.queue[0]
		<-p.ready
		if p.err != nil {
			return 0, p.err
		}
		s.left = p.buf
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	if len(s.left) == 0 {
		p := s.queue[0]
		s.queue = s.queue[1:]
		s.more(p.buf)
	}
	return n, nil
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.cancel()
	s.wait.Wait()
	s.queue, s.left, s.next = nil, nil, s.object.Size
	return nil
}
