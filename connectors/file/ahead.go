package file

import (
	"context"
	"io"

	"github.com/featurehost/featurehost/host/fault"
)

// upcoming is an object on S3 that is opened before it is read.
type upcoming struct {
	object object
	done   chan struct{}
	file   *stored
	err    error
	own    []*storedField // nil until it was compared with the first file
}

// nextWanted gives the next object that the interval needs.
func (r *Reader) nextWanted(x *read) (object, bool) {
	for x.next < len(r.list) {
		o := r.list[x.next]
		x.next++
		if x.days.wants(o) {
			return o, true
		}
	}
	return object{}, false
}

// lookAhead opens the objects that come next and plans what will be fetched of
// them, as far as memory goes.
func (r *Reader) lookAhead(x *read) {
	for len(x.ahead) < parallel {
		o, ok := r.nextWanted(x)
		if !ok {
			break
		}
		u := &upcoming{object: o, done: make(chan struct{})}
		x.ahead = append(x.ahead, u)
		x.fetch.wait.Go(func() {
			defer close(u.done)
			src, err := r.openRemote(x.fetch.ctx, o, x.fetch)
			if err == nil {
				u.file, _, err = openStored(src, o.path, x.rows)
			}
			u.err = err
		})
	}
	if x.file != nil && !r.planAhead(x, x.file, x.own) {
		return
	}
	for _, u := range x.ahead {
		select {
		case <-u.done:
		default:
			return // later ones wait for it, so that bytes come in order
		}
		if u.err != nil || r.settle(x, u) != nil || !r.planAhead(x, u.file, u.own) {
			return
		}
	}
}

// settle compares a file's columns with the first file's.
func (r *Reader) settle(x *read, u *upcoming) error {
	if u.own != nil {
		return nil
	}
	if err := r.alike(u.file); err != nil {
		return err
	}
	u.own = r.columnsOf(x, u.file)
	return nil
}

// planAhead plans row groups of a file that will be read, and reports whether
// all of them are planned.
func (r *Reader) planAhead(x *read, f *stored, own []*storedField) bool {
	src, ok := f.src.(*remote)
	if !ok {
		return true
	}
	for src.planned < f.raw.NumRowGroups() {
		x.fetch.mu.Lock()
		full := x.fetch.queued >= x.fetch.budget
		x.fetch.mu.Unlock()
		if full {
			return false
		}
		f.planGroup(src, src.planned, x.days, own)
		src.planned++
	}
	return true
}

// planGroup plans one row group. What is wrong with it the decoder says.
func (f *stored) planGroup(src *remote, n int, d *strategy, own []*storedField) {
	var ignored error
	defer guard(f.name, &ignored)
	if skip, err := f.skips(n, d); skip || err != nil {
		return
	}
	meta := f.raw.MetaData().RowGroup(n)
	var chunks [][2]int64
	for _, c := range own {
		for _, l := range c.leaves {
			chunk, err := meta.ColumnChunk(l)
			if err != nil {
				return
			}
			at, size := extent(chunk)
			chunks = append(chunks, [2]int64{at, size})
		}
	}
	src.plan(n, chunks)
}

// nextRemote goes to the next Parquet object on S3.
func (r *Reader) nextRemote(ctx context.Context, x *read) error {
	r.lookAhead(x)
	if len(x.ahead) == 0 {
		return io.EOF
	}
	u := x.ahead[0]
	select {
	case <-u.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.stats.Objects++
	x.ahead = x.ahead[1:]
	err := u.err
	if err == nil {
		if err = r.settle(x, u); err != nil {
			u.file.close()
		}
	}
	if err != nil {
		return err
	}
	x.object, x.own, x.file, x.passed = u.object, u.own, u.file, 0
	r.lookAhead(x)
	return nil
}

// openRemote opens a Parquet object on S3, to be read while ctx lasts.
func (r *Reader) openRemote(ctx context.Context, o object, f *fetcher) (source, error) {
	tail := int64(tailBytes)
	if o.entry.Size <= wholeBytes {
		tail = wholeBytes
	}
	x, err := r.version(ctx, o, tail)
	if err != nil {
		return nil, err
	}
	if x.Size == 0 {
		return nil, fault.New(Corrupt, "the file is empty").At("%s", o.path)
	}
	return &remote{ctx: ctx, object: x, fetcher: f}, nil
}
