package table

import (
	"context"
	"errors"
	"io/fs"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/fault"
)

// tries is how often the files of one partition are looked for, while whoever
// writes it replaces them each time.
const tries = 5

// vanished reports whether an error says that a file which was listed is gone,
// or is another one by now.
func vanished(err error) bool {
	if fault.Is(err, s3store.NoBucket) {
		return false
	}
	return errors.Is(err, fs.ErrNotExist) || fault.Is(err, file.Missing) || fault.Is(err, s3store.Changed)
}

// enter goes to a partition that was begun. Whoever publishes a partition again
// changes its location first and removes the old files then: where none are
// found, or one is gone, the metastore is asked whether that has happened.
func (r *Reader) enter(ctx context.Context, x *read, b *beginning) error {
	var gone error // a file was at this place, and is not any more
	for again := false; b.empty || vanished(b.err); {
		if b.err != nil {
			gone = b.err
		}
		if b.empty && again { // the metastore says so, and they have not come since
			if gone != nil {
				return gone
			}
			r.env.Log.Warn("no files at a place that the metastore names", "place", b.place, "table", r.about(b.in))
			break
		}
		now, there, err := r.look(ctx, b.in)
		if err != nil {
			return err
		}
		if !there {
			r.env.Log.Warn("the partition was forgotten by the metastore before it was read", "table", r.about(b.in))
			b = &beginning{in: b.in}
			break
		}
		if again = now.sd.Location == b.in.sd.Location; !again {
			gone = nil
		}
		if x.tries >= tries {
			if gone != nil {
				return gone
			}
			return r.replaced(b.in, b.err)
		}
		x.tries++
		if b = r.prepare(x, now); b.err == nil {
			r.begin(ctx, x, b)
		}
	}
	if b.err != nil {
		return b.err
	}
	x.in, x.listed, x.files, x.file, x.from = b.in, b.listed, b.files, b.file, b.from
	for _, a := range x.values {
		if a != nil {
			a.Release()
		}
	}
	x.values = make([]arrow.Array, x.out.NumFields())
	return nil
}

// look asks the metastore for a partition, or a table without any, once more.
func (r *Reader) look(ctx context.Context, p part) (now part, there bool, err error) {
	if len(r.keys) == 0 {
		t, err := r.m.Table(ctx, r.table.DbName, r.table.TableName)
		if err != nil {
			return p, false, err
		}
		p.sd = t.Sd
		return p, true, nil
	}
	got, err := r.m.Partition(ctx, r.table.DbName, r.table.TableName, p.stored)
	if err != nil || got == nil {
		return p, false, err
	}
	now, err = r.partOf(got)
	return now, err == nil, err
}

// lost is what becomes of an error while the partition under way is read. When
// a file is gone the partition is read anew, unless rows of it were given: they
// and others may not belong together.
func (r *Reader) lost(ctx context.Context, x *read, err error) error {
	if !vanished(err) {
		return err
	}
	if r.Stats().Rows > x.before {
		return r.replaced(x.in, err)
	}
	if cerr := r.leave(); cerr != nil {
		return cerr
	}
	return r.enter(ctx, x, &beginning{in: x.in, err: err})
}

// replaced is the error of a partition that is written while it is read.
func (r *Reader) replaced(p part, cause error) error {
	e := fault.New(Replaced, "its files were replaced while they were read").At("%s", r.about(p)).WithHint("run again")
	e.Err, e.Retry = cause, true
	return e
}
