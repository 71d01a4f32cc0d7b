package file

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/featurehost/featurehost/connectors/blob/s3store"
)

const (
	// tailBytes is fetched of an object at first: its footer, most often. An
	// object of up to wholeBytes is fetched with it.
	tailBytes  = 64 << 10
	wholeBytes = 256 << 10
	// gapBytes between two wanted parts are fetched with them: cheaper than
	// another request.
	gapBytes = 128 << 10
	// mostBlock is the most that one request fetches.
	mostBlock = 8 << 20
	// parallel requests fetch ahead, and as many objects at most are opened
	// before they are read.
	parallel = 8
)

// packing is the ending of a file's name that tells how it is packed.
func packing(path string) string {
	switch e := filepath.Ext(path); e {
	case ".gz", ".zst", ".zstd":
		return e
	}
	return ""
}

// fetcher fetches what a read will need, in the order in which it will, while
// the bytes that wait stay within a budget. What is needed at once is fetched
// whatever the budget says.
type fetcher struct {
	ctx    context.Context //nolint:containedctx // of the read: the decoder passes none
	budget int64
	wait   sync.WaitGroup

	mu      sync.Mutex
	queue   []*block // planned, in order of need
	queued  int64    // bytes of the queue
	held    int64    // bytes that wait or are under way
	running int
}

// block is a range of an object that is fetched by one request.
type block struct {
	of    *remote
	group int
	at, n int64
	want  int64 // bytes of it that the decoder will read
	taken int64 // bytes of it that it has read
	begun bool
	freed bool
	buf   []byte
	err   error
	ready chan struct{}
}

// pump starts what the budget allows. The lock is held.
func (f *fetcher) pump() {
	for len(f.queue) > 0 && f.running < parallel && f.ctx.Err() == nil {
		b := f.queue[0]
		if f.held > 0 && f.held+b.n > f.budget {
			return
		}
		f.queue = f.queue[1:]
		f.queued -= b.n
		if !b.begun && !b.freed {
			f.begin(b)
		}
	}
}

// begin fetches a block. The lock is held.
func (f *fetcher) begin(b *block) {
	b.begun = true
	f.held += b.n
	f.running++
	f.wait.Go(func() {
		buf := make([]byte, b.n)
		err := b.of.object.Read(f.ctx, buf, b.at)
		f.mu.Lock()
		defer f.mu.Unlock()
		if b.err = err; err == nil && !b.freed {
			b.buf = buf
		}
		close(b.ready)
		f.running--
		f.pump()
	})
}

// free gives the memory of a block back. The lock is held.
func (f *fetcher) free(b *block) {
	if b.freed {
		return
	}
	b.freed, b.buf = true, nil
	if b.begun {
		f.held -= b.n
	}
	f.pump()
}

// remote is a Parquet object on S3.
type remote struct {
	ctx     context.Context //nolint:containedctx // of its reads: the decoder passes none
	object  *s3store.Object
	fetcher *fetcher // nil: nothing is fetched ahead
	at      int64    // of Read
	blocks  []*block // by place
	planned int      // row groups whose blocks are planned

	mu  sync.Mutex
	err error
}

func (r *remote) fetched() int64 { return r.object.Fetched() }

func (r *remote) trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Close implements io.Closer.
func (r *remote) Close() error {
	r.drop(-1)
	return nil
}

// drop frees what is left of a row group, or of all.
func (r *remote) drop(group int) {
	if r.fetcher == nil {
		return
	}
	r.fetcher.mu.Lock()
	defer r.fetcher.mu.Unlock()
	kept := r.blocks[:0]
	for _, b := range r.blocks {
		if group < 0 || b.group == group {
			r.fetcher.free(b)
		} else {
			kept = append(kept, b)
		}
	}
	r.blocks = kept
}

// Seek implements io.Seeker.
func (r *remote) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.object.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	r.at = offset
	return offset, nil
}

// Read implements io.Reader.
func (r *remote) Read(p []byte) (int, error) {
	n, err := r.ReadAt(p, r.at)
	r.at += int64(n)
	return n, err
}

// ReadAt implements io.ReaderAt.
func (r *remote) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 {
		return 0, errors.New("read before the beginning")
	}
	var end error
	if left := r.object.Size - at; left < int64(len(p)) {
		end = io.EOF
		p = p[:max(left, 0)]
	}
	done := 0
	for done < len(p) {
		n, err := r.part(p[done:], at+int64(done))
		done += n
		if err != nil {
			r.mu.Lock()
			if r.err == nil {
				r.err = err
			}
			r.mu.Unlock()
			return done, err
		}
	}
	return done, end
}

// part reads from one block, or what lies before the next one.
func (r *remote) part(p []byte, at int64) (int, error) {
	f := r.fetcher
	if f == nil {
		return len(p), r.object.Read(r.ctx, p, at)
	}
	b, next := r.block(at)
	if b == nil {
		if next > at && next < at+int64(len(p)) {
			p = p[:next-at]
		}
		return len(p), r.object.Read(r.ctx, p, at)
	}
	f.mu.Lock()
	if !b.begun {
		f.begin(b)
	}
	f.mu.Unlock()
	select {
	case <-b.ready:
	case <-f.ctx.Done():
		return 0, f.ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	n := copy(p, b.buf[at-b.at:])
	if b.taken += int64(n); b.taken >= b.want {
		f.free(b)
	}
	return n, nil
}

// block finds the block that holds a place; when there is none, the begin of
// the next one, or -1.
func (r *remote) block(at int64) (*block, int64) {
	r.fetcher.mu.Lock()
	defer r.fetcher.mu.Unlock()
	i, exact := slices.BinarySearchFunc(r.blocks, at, func(b *block, at int64) int { return cmp.Compare(b.at, at) })
	next := int64(-1)
	if !exact {
		if i < len(r.blocks) {
			next = r.blocks[i].at
		}
		i--
	}
	if i >= 0 && at < r.blocks[i].at+r.blocks[i].n && !r.blocks[i].freed {
		return r.blocks[i], next
	}
	return nil, next
}

// extent is where a column chunk lies.
func extent(c *metadata.ColumnChunkMetaData) (at, n int64) {
	at = c.DataPageOffset()
	if c.HasDictionaryPage() && c.DictionaryPageOffset() > 0 && c.DictionaryPageOffset() < at {
		at = c.DictionaryPageOffset()
	}
	return at, c.TotalCompressedSize()
}

// plan puts the blocks of a row group's columns in the queue.
func (r *remote) plan(group int, chunks [][2]int64) {
	f := r.fetcher
	slices.SortFunc(chunks, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	inTail := r.object.Size - int64(len(r.object.Tail))
	var runs [][2]int64 // begin and end
	for _, c := range chunks {
		from, to := c[0], c[0]+c[1]
		if from < 0 || c[1] <= 0 || to > r.object.Size || to < from {
			continue // damaged: the decoder finds out
		}
		if from >= inTail {
			continue
		}
		if k := len(runs) - 1; k >= 0 && from <= runs[k][1]+gapBytes {
			runs[k][1] = max(runs[k][1], to)
		} else {
			runs = append(runs, [2]int64{from, to})
		}
	}
	size := min(max(f.budget/8, 256<<10), mostBlock)
	type placed struct {
		*block
		into int64 // how far into its run
	}
	var made []placed
	for _, run := range runs {
		for at := run[0]; at < run[1]; at += size {
			b := &block{of: r, group: group, at: at, n: min(size, run[1]-at), ready: make(chan struct{})}
			for _, c := range chunks {
				b.want += max(0, min(c[0]+c[1], b.at+b.n)-max(c[0], b.at))
			}
			if b.want > 0 {
				made = append(made, placed{b, at - run[0]})
			}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range made {
		r.blocks = append(r.blocks, m.block)
	}
	slices.SortFunc(r.blocks, func(a, b *block) int { return cmp.Compare(a.at, b.at) })
	// Columns are decoded side by side: of several long runs the begins are
	// needed first.
	slices.SortStableFunc(made, func(a, b placed) int { return cmp.Compare(a.into, b.into) })
	for _, m := range made {
		f.queue = append(f.queue, m.block)
		f.queued += m.n
	}
	f.pump()
}
