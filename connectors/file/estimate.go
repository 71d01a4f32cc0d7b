package file

import (
	"context"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

var (
	_ flow.Estimator = (*Reader)(nil)
	_ flow.Dated     = (*Reader)(nil)
)

// Estimate implements flow.Estimator: it prunes files and row groups as a read
// does, and looks at the footers of the files that are left. Of text files it
// tells their size: how many rows they hold only reading tells.
func (r *Reader) Estimate(ctx context.Context, q flow.Request) (flow.ReadStats, error) {
	if _, err := r.Schema(ctx); err != nil {
		return flow.ReadStats{}, err
	}
	d, err := bindDays(r.cfg.Incremental, r.schema, r.partitions, q.Interval)
	if err != nil {
		return flow.ReadStats{}, r.placed(err)
	}
	out, err := r.project(q.Columns)
	if err != nil {
		return flow.ReadStats{}, r.placed(err)
	}
	var st flow.ReadStats
	x := &read{out: out, days: d, rows: defaultBatchRows}
	if r.remote != nil && r.cfg.Format == "parquet" {
		return r.estimateRemote(ctx, x)
	}
	for _, o := range r.list {
		if err := ctx.Err(); err != nil {
			return st, err
		}
		if !d.wants(o) {
			continue
		}
		st.Objects++
		if r.cfg.Format != "parquet" {
			n, err := textBytes(o)
			if err != nil {
				return st, err
			}
			st.Bytes += n
			st.Rows = -1
			continue
		}
		if err := r.estimateFile(ctx, x, o, &st); err != nil {
			return st, err
		}
	}
	return st, nil
}

// estimateRemote estimates the Parquet objects of S3, several at a time.
func (r *Reader) estimateRemote(ctx context.Context, x *read) (flow.ReadStats, error) {
	each := make([]flow.ReadStats, len(r.list))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, o := range r.list {
		if !x.days.wants(o) {
			continue
		}
		g.Go(func() error {
			each[i].Objects = 1
			own := &read{out: x.out, days: x.days, rows: x.rows}
			return r.estimateFile(gctx, own, o, &each[i])
		})
	}
	err := g.Wait()
	var st flow.ReadStats
	for _, e := range each {
		st.Objects += e.Objects
		st.Bytes += e.Bytes
		st.Rows += e.Rows
		st.RowGroups += e.RowGroups
		st.RowGroupsSkipped += e.RowGroupsSkipped
	}
	return st, err
}

// estimateFile adds what would be read of a Parquet file.
func (r *Reader) estimateFile(ctx context.Context, x *read, o object, st *flow.ReadStats) error {
	f, err := r.openObject(ctx, x, o, o.path)
	if err != nil {
		return err
	}
	defer f.close()
	for n := range f.raw.NumRowGroups() {
		skip, err := f.skips(n, x.days)
		if err != nil {
			return err
		}
		if skip {
			st.RowGroupsSkipped++
			continue
		}
		bytes, err := f.groupBytes(n, x.own)
		if err != nil {
			return err
		}
		st.RowGroups++
		st.Rows += f.raw.MetaData().RowGroup(n).NumRows()
		st.Bytes += bytes
	}
	st.Bytes += f.fetched()
	return nil
}

// skips reports whether the statistics of a row group show that no row of it
// belongs to the interval.
func (f *stored) skips(n int, d *strategy) (skip bool, err error) {
	defer guard(f.groupName(n), &err)
	if d == nil || d.column == "" {
		return false, nil
	}
	c := f.field(d.column)
	if c == nil || len(c.leaves) != 1 {
		return false, nil
	}
	chunk, err := f.raw.MetaData().RowGroup(n).ColumnChunk(c.leaves[0])
	if err != nil {
		return false, damaged(err, "column %q is damaged", c.name).At("%s", f.groupName(n))
	}
	return !d.mayHold(chunk, c.stored), nil
}

// groupBytes is the size of some columns of a row group.
func (f *stored) groupBytes(n int, columns []*storedField) (bytes int64, err error) {
	defer guard(f.groupName(n), &err)
	meta := f.raw.MetaData().RowGroup(n)
	for _, c := range columns {
		for _, l := range c.leaves {
			chunk, err := meta.ColumnChunk(l)
			if err != nil {
				return 0, damaged(err, "column %q is damaged", c.name).At("%s", f.groupName(n))
			}
			bytes += chunk.TotalCompressedSize()
		}
	}
	return bytes, nil
}

// fetched is the number of bytes read of the file so far; of a text file all of
// them, when it was turned into this one.
func (f *stored) fetched() int64 {
	if f.text > 0 {
		return f.text
	}
	return f.src.fetched()
}

// textBytes is the size of a text file.
func textBytes(o object) (int64, error) {
	if o.entry != nil {
		return o.entry.Size, nil
	}
	info, err := os.Stat(o.path)
	if err != nil {
		return 0, fault.Wrap(err, CannotRead, "cannot open %s", o.path)
	}
	return info.Size(), nil
}

// openObject opens the Parquet file of an object, at path, compares its columns
// with the first file's, and settles which of them are decoded.
func (r *Reader) openObject(ctx context.Context, x *read, o object, path string) (*stored, error) {
	src, err := r.source(ctx, o, path)
	if err != nil {
		return nil, err
	}
	f, _, err := openStored(src, o.path, x.rows)
	if err != nil {
		return nil, err
	}
	if err := r.alike(f); err != nil {
		f.close()
		return nil, err
	}
	x.object, x.own = o, r.columnsOf(x, f)
	return f, nil
}

// source opens the Parquet file of an object, which lies at path. One that was
// made of it in the scratch folder is taken over.
func (r *Reader) source(ctx context.Context, o object, path string) (source, error) {
	if o.entry != nil && path == o.path {
		return r.openRemote(ctx, o, nil)
	}
	if path != o.path {
		return openSpill(path, o.path)
	}
	return openLocal(path, o.path)
}

// columnsOf are the columns that are decoded of a file: those wanted, then
// maybe the one that tells the day.
func (r *Reader) columnsOf(x *read, f *stored) []*storedField {
	out := []*storedField{}
	own := func(want arrow.Field) bool { return !hasField(r.partitions, want.Name) }
	for _, want := range x.out.Fields() {
		if own(want) {
			out = append(out, f.field(want.Name))
		}
	}
	if x.days != nil && x.days.column != "" && !x.out.HasField(x.days.column) && !hasField(r.partitions, x.days.column) {
		out = append(out, f.field(x.days.column))
	}
	return out
}
