package table

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// read is a read under way.
type read struct {
	out     *arrow.Schema
	rows    int
	span    flow.Interval
	stored  *config.Incremental // the strategy, when a stored column tells the day
	formats map[string]*file.Listed

	names      []string // of partitions not yet asked for
	partitions []part   // not yet begun
	begun      []*beginning
	files      []file.ListedFile // of the partition under way
	in         part
	listed     *file.Listed
	tries      int   // how often the files of in were looked for
	before     int64 // rows decoded before in

	file   flow.Reader // under way; nil between files
	from   []int       // for each column of out its place in the file's batches, -1 for none
	values []arrow.Array

	life context.Context // of what is begun in the background
	end  context.CancelFunc
	wait sync.WaitGroup
}

// ahead is how many partitions on S3 are begun before they are read: to list
// and open their files takes several round trips.
const ahead = 4

// beginning is a partition whose files are listed, and the first of them
// opened, before it is its turn.
type beginning struct {
	in     part
	listed *file.Listed
	place  string
	done   chan struct{}
	empty  bool              // there were no files
	files  []file.ListedFile // the rest of them
	file   flow.Reader
	from   []int
	err    error
}

// part is a partition, or the whole of a table without.
type part struct {
	name   string
	sd     *hm.StorageDescriptor
	stored []string  // values, as the metastore has them
	values []*string // nil for a null
}

// Open implements flow.Reader: it chooses the partitions. A second Open starts
// again.
func (r *Reader) Open(ctx context.Context, q flow.Request) (*flow.Schema, error) {
	if _, err := r.Schema(ctx); err != nil {
		return nil, err
	}
	if err := r.CheckDays(); err != nil {
		return nil, err
	}
	if r.open != nil {
		if err := r.open.close(); err != nil {
			return nil, err
		}
	}
	out, err := r.project(q.Columns)
	if err != nil {
		return nil, placed(r.cfg, err)
	}
	x := &read{out: out, rows: q.BatchRows, span: q.Interval, formats: map[string]*file.Listed{}}
	if x.rows <= 0 {
		x.rows = defaultBatchRows
	}
	if by := r.cfg.Incremental; by != nil && !ofPartitions(r.keys, by) && (q.Interval.Start != nil || q.Interval.End != nil) {
		x.stored = by
	}
	if x.partitions, x.names, err = r.choose(ctx, q.Interval); err != nil {
		return nil, placed(r.cfg, err)
	}
	x.life, x.end = context.WithCancel(context.WithoutCancel(ctx))
	r.stats, r.open = flow.ReadStats{}, x
	return out, nil
}

// choose gives the whole of a table without partitions, or the names of those
// to read.
func (r *Reader) choose(ctx context.Context, span flow.Interval) ([]part, []string, error) {
	if len(r.keys) == 0 {
		return []part{{sd: r.table.Sd}}, nil, nil
	}
	names, err := r.m.PartitionNames(ctx, r.table.DbName, r.table.TableName)
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(names)
	names, err = choose(ctx, r.env, r.keys, names, r.cfg.Table.Where, r.cfg.Incremental, span)
	return nil, names, err
}

// close gives back what the read holds.
func (x *read) close() error {
	var err error
	x.end()
	x.wait.Wait()
	for _, b := range x.begun {
		if b.file != nil {
			err = b.file.Close()
		}
	}
	x.begun = nil
	if x.file != nil {
		err = x.file.Close()
		x.file = nil
	}
	for _, a := range x.values {
		if a != nil {
			a.Release()
		}
	}
	x.values = nil
	for _, l := range x.formats {
		if cerr := l.Close(); err == nil {
			err = cerr
		}
	}
	return err
}

// Next implements flow.Reader.
func (r *Reader) Next(ctx context.Context) (flow.Batch, error) {
	x := r.open
	if x == nil {
		return flow.Batch{}, io.EOF
	}
	for {
		if x.file != nil {
			b, err := x.file.Next(ctx)
			if err == nil {
				return r.batch(ctx, b)
			}
			if !flow.Ended(err) {
				if err = r.lost(ctx, x, err); err != nil {
					return flow.Batch{}, placed(r.cfg, err)
				}
				continue
			}
			if err := r.leave(); err != nil {
				return flow.Batch{}, err
			}
		}
		if err := r.step(ctx, x); err != nil {
			if !flow.Ended(err) {
				err = placed(r.cfg, err)
			}
			return flow.Batch{}, err
		}
	}
}

// leave ends a file and keeps its counts.
func (r *Reader) leave() error {
	if r.open.file == nil {
		return nil
	}
	f := r.open.file
	r.open.file = nil
	err := f.Close()
	r.stats = sum(r.stats, f.Stats())
	return err
}

// step goes to the next file, partition or page of partitions.
func (r *Reader) step(ctx context.Context, x *read) error {
	switch {
	case len(x.files) > 0:
		f := x.files[0]
		x.files = x.files[1:]
		in, from, err := r.openFile(ctx, x, x.listed, f)
		x.file, x.from = in, from
		return r.lost(ctx, x, err)
	case len(x.begun)+len(x.partitions) > 0:
		return r.nextPart(ctx, x)
	case len(x.names) > 0:
		return r.ask(ctx, x, x.page())
	}
	return io.EOF
}

// page takes as many names as are asked for at once.
func (x *read) page() []string {
	n := min(len(x.names), hive.Asked)
	page := x.names[:n]
	x.names = x.names[n:]
	return page
}

// ask gets the partitions of a page of names. One that was dropped in the
// meantime is not there any more.
func (r *Reader) ask(ctx context.Context, x *read, names []string) error {
	return r.m.Partitions(ctx, r.table.DbName, r.table.TableName, names, func(list []*hm.Partition) error {
		for _, p := range list {
			one, err := r.partOf(p)
			if err != nil {
				return err
			}
			x.partitions = append(x.partitions, one)
		}
		slices.SortFunc(x.partitions, func(a, b part) int { return strings.Compare(a.sd.Location, b.sd.Location) })
		return nil
	})
}

// partOf is a partition as the metastore describes it.
func (r *Reader) partOf(p *hm.Partition) (part, error) {
	one := part{name: strings.Join(p.Values, "/"), sd: p.Sd, stored: p.Values, values: make([]*string, len(p.Values))}
	if len(p.Values) != len(r.keys) {
		return one, fault.New(BadPartition, "partition %q has %d values, and the table %d partition columns", one.name, len(p.Values), len(r.keys))
	}
	if p.Sd == nil {
		return one, fault.New(BadPartition, "partition %q has no description of its files", one.name)
	}
	for i, v := range p.Values {
		if v != hive.NullPartition {
			one.values[i] = &p.Values[i]
		}
	}
	return one, nil
}

// nextPart goes to the next partition, and begins those on S3 that follow it.
func (r *Reader) nextPart(ctx context.Context, x *read) error {
	for len(x.partitions) > 0 && (len(x.begun) == 0 || len(x.begun) <= ahead && strings.HasPrefix(x.begun[0].place, "s3://")) {
		b := r.prepare(x, x.partitions[0])
		x.partitions = x.partitions[1:]
		x.begun = append(x.begun, b)
		if b.err != nil {
			close(b.done)
			break
		}
		if !strings.HasPrefix(b.place, "s3://") {
			r.begin(ctx, x, b)
			break
		}
		x.wait.Go(func() { r.begin(x.life, x, b) })
	}
	b := x.begun[0]
	select {
	case <-b.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	x.begun = x.begun[1:]
	x.tries, x.before = 1, r.stats.Rows
	return r.enter(ctx, x, b)
}

// prepare finds out where the files of a partition are, and how they are read.
func (r *Reader) prepare(x *read, p part) *beginning {
	b := &beginning{in: p, done: make(chan struct{})}
	if b.place, b.err = placeOf(r.about(p), p.sd.Location); b.err == nil {
		b.listed, b.err = r.listedOf(x, p.sd)
	}
	return b
}

// about names a partition, for messages.
func (r *Reader) about(p part) string {
	about := "table " + r.table.DbName + "." + r.table.TableName
	if p.name != "" {
		about += ", partition " + p.name
	}
	return about
}

// begin lists the files of a partition and opens the first. It changes nothing
// of the reader.
func (r *Reader) begin(ctx context.Context, x *read, b *beginning) {
	defer close(b.done)
	if b.files, b.err = b.listed.Files(ctx, b.place); b.err != nil {
		return
	}
	if len(b.files) == 0 {
		b.empty = true
		return
	}
	b.file, b.from, b.err = r.openFile(ctx, x, b.listed, b.files[0])
	b.files = b.files[1:]
}

// openFile opens a file and finds the table's columns in it. It gives nil when
// no row of the file can belong to the interval.
func (r *Reader) openFile(ctx context.Context, x *read, listed *file.Listed, f file.ListedFile) (in flow.Reader, from []int, err error) {
	if in, err = listed.Open(ctx, f, nil); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil && in != nil {
			_ = in.Close()
			in = nil
		}
	}()
	own, err := in.Schema(ctx)
	if err != nil {
		return in, nil, err
	}
	byName := map[string]int{}
	for i, c := range own.Fields() {
		low := strings.ToLower(c.Name)
		if before, twice := byName[low]; twice && own.Field(before).Name == low {
			continue // written as the metastore writes it
		}
		byName[low] = i
	}
	if x.stored != nil {
		i, ok := byName[strings.ToLower(x.stored.Column)]
		if err := in.Close(); err != nil || !ok { // nulls only, which belong to no day
			return nil, nil, err
		}
		by := *x.stored
		by.Column = own.Field(i).Name
		if in, err = listed.Open(ctx, f, &by); err != nil {
			return nil, nil, err
		}
	}
	from, err = r.bind(ctx, x, f.Path, in, own, byName)
	return in, from, err
}

// bind opens a file for the columns wanted, and tells where each of them is.
func (r *Reader) bind(ctx context.Context, x *read, path string, in flow.Reader, own *arrow.Schema, byName map[string]int) ([]int, error) {
	want := []string{}
	for _, c := range x.out.Fields() {
		if fieldOf(r.keys, c.Name) != nil {
			continue
		}
		i, ok := byName[strings.ToLower(c.Name)]
		if !ok {
			continue
		}
		if have := own.Field(i).Type; !fits(have, c.Type) {
			return nil, fault.New(FileDiffers, "column %q is of type %s in the file, and %s in the table", c.Name, schema.TypeName(have), schema.TypeName(c.Type)).At("%s", path)
		}
		want = append(want, own.Field(i).Name)
	}
	got, err := in.Open(ctx, flow.Request{Columns: want, Interval: x.span, BatchRows: x.rows})
	if err != nil {
		return nil, err
	}
	from := make([]int, x.out.NumFields())
	for k, c := range x.out.Fields() {
		from[k] = -1
		if i, ok := byName[strings.ToLower(c.Name)]; ok && fieldOf(r.keys, c.Name) == nil {
			from[k] = got.FieldIndices(own.Field(i).Name)[0]
		}
	}
	return from, nil
}

// batch gives a file's rows the table's columns.
func (r *Reader) batch(ctx context.Context, b flow.Batch) (flow.Batch, error) {
	defer b.Release()
	x, n := r.open, int(b.Rows())
	arrays := make([]arrow.Array, x.out.NumFields())
	defer func() {
		for _, a := range arrays {
			if a != nil {
				a.Release()
			}
		}
	}()
	for k, c := range x.out.Fields() {
		var err error
		switch i := x.from[k]; {
		case i >= 0:
			arrays[k], err = convert(ctx, b.Record.Column(i), c.Type)
		case fieldOf(r.keys, c.Name) != nil:
			arrays[k], err = r.value(x, k, c, n)
		default:
			arrays[k] = array.MakeArrayOfNull(memory.DefaultAllocator, c.Type, n)
		}
		if err != nil {
			if f := fault.As(err); f != nil && f.Place == "" {
				f.Place = b.Position.Object
				f.Message = "column \"" + c.Name + "\": " + f.Message
			}
			return flow.Batch{}, err
		}
	}
	return flow.Batch{Record: array.NewRecordBatch(x.out, arrays, int64(n)), Position: b.Position}, nil
}

// value gives n times the value of a partition column; the longest array made
// for a partition serves all its batches.
func (r *Reader) value(x *read, k int, c arrow.Field, n int) (arrow.Array, error) {
	if x.values[k] == nil || x.values[k].Len() < n {
		var text *string
		for i := range r.keys {
			if r.keys[i].Name == c.Name {
				text = x.in.values[i]
			}
		}
		a, err := constant(c, text, max(n, x.rows))
		if err != nil {
			return nil, err
		}
		if x.values[k] != nil {
			x.values[k].Release()
		}
		x.values[k] = a
	}
	return array.NewSlice(x.values[k], 0, int64(n)), nil
}
