package file

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// read is a read under way.
type read struct {
	out    *arrow.Schema
	days   *strategy
	rows   int // greatest number of rows in a batch
	next   int // next object
	object object
	file   *stored
	group  *group
	lines  *lines         // of a JSON file, while its lines are plain
	avro   *container     // of an Avro file
	passed int64          // rows of the file that lines gave, to be passed over in file
	own    []*storedField // columns decoded of the file: those of out, then maybe the day's
	ready  []flow.Batch   // batches made but not given yet

	end   context.CancelFunc // ends what is fetched in the background
	fetch *fetcher
	ahead []*upcoming // objects on S3 that come next
}

func (x *read) close() {
	x.end()
	x.fetch.wait.Wait()
	for _, u := range x.ahead {
		if u.file != nil {
			u.file.close()
		}
	}
	x.ahead = nil
	if x.group != nil {
		x.group.close()
		x.group = nil
	}
	if x.file != nil {
		x.file.close()
		x.file = nil
	}
	if x.lines != nil {
		x.lines.close()
		x.lines = nil
	}
	if x.avro != nil {
		x.avro.close()
		x.avro = nil
	}
	for _, b := range x.ready {
		b.Release()
	}
	x.ready = nil
}

// Open implements flow.Reader. A second Open starts again.
func (r *Reader) Open(ctx context.Context, q flow.Request) (*flow.Schema, error) {
	if _, err := r.Schema(ctx); err != nil {
		return nil, err
	}
	if r.open != nil {
		r.open.close()
	}
	d, err := bindDays(r.cfg.Incremental, r.schema, r.partitions, q.Interval)
	if err != nil {
		return nil, r.placed(err)
	}
	out, err := r.project(q.Columns)
	if err != nil {
		return nil, r.placed(err)
	}
	rows := q.BatchRows
	if rows <= 0 {
		rows = defaultBatchRows
	}
	r.stats = flow.ReadStats{}
	// The read has a life of its own, from this call to Close; each call of Next
	// ends it when its context ends.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	r.open = &read{out: out, days: d, rows: rows, end: end, fetch: &fetcher{ctx: life, budget: r.share()}}
	return out, nil
}

// Next implements flow.Reader.
func (r *Reader) Next(ctx context.Context) (flow.Batch, error) {
	x := r.open
	if x == nil {
		return flow.Batch{}, io.EOF
	}
	if r.remote != nil {
		defer context.AfterFunc(ctx, x.end)()
	}
	for {
		if len(x.ready) > 0 {
			b := x.ready[0]
			x.ready = x.ready[1:]
			return b, nil
		}
		if err := ctx.Err(); err != nil {
			return flow.Batch{}, err
		}
		if err := r.step(ctx, x); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return flow.Batch{}, err
		}
	}
}

// step decodes a batch, or goes to the next row group or file.
func (r *Reader) step(ctx context.Context, x *read) error {
	switch {
	case x.lines != nil:
		return r.decodeLines(ctx, x)
	case x.avro != nil:
		return r.decodeAvro(ctx, x)
	case x.group != nil:
		return r.decode(ctx, x)
	case x.file != nil && x.file.group < x.file.raw.NumRowGroups():
		return r.nextGroup(ctx, x)
	}
	if x.file != nil {
		r.leave(x)
	}
	if r.remote != nil && r.cfg.Format == "parquet" {
		return r.nextRemote(ctx, x)
	}
	o, ok := r.nextWanted(x)
	if !ok {
		return io.EOF
	}
	r.stats.Objects++
	x.passed = 0
	switch {
	case r.cfg.Format == "avro":
		return r.openAvro(x, o)
	case r.maybePlain(o):
		return r.openLines(x, o)
	}
	return r.nextFile(ctx, x, o)
}

// nextFile opens a file and compares its columns with the first file's.
func (r *Reader) nextFile(ctx context.Context, x *read, o object) error {
	path, err := r.parquetOf(ctx, o)
	if err != nil {
		return err
	}
	f, err := r.openObject(ctx, x, o, path)
	if err != nil {
		return err
	}
	x.file = f
	if path != o.path {
		if f.text, err = textBytes(o); err != nil {
			return err
		}
	}
	return nil
}

// alike refuses a file whose columns differ from the reader's.
func (r *Reader) alike(f *stored) error {
	for _, want := range r.fields {
		got := f.field(want.Name)
		if got == nil {
			return fault.New(ColumnsDiffer, "the file has no column %q, as %s has", want.Name, r.list[0].path).At("%s", f.name)
		}
		if !arrow.TypeEqual(got.typ, want.Type) {
			return fault.New(ColumnsDiffer, "column %q is of type %s, and of type %s in %s", want.Name, schema.TypeName(got.typ), schema.TypeName(want.Type), r.list[0].path).At("%s", f.name)
		}
	}
	for _, got := range f.fields {
		if !r.schema.HasField(got.name) {
			return fault.New(ColumnsDiffer, "the file has a column %q, which %s has not", got.name, r.list[0].path).At("%s", f.name)
		}
	}
	return nil
}

// parquetOf gives the Parquet file of an object; a text file is turned into
// one, which goes when it is closed.
func (r *Reader) parquetOf(ctx context.Context, o object) (path string, err error) {
	if r.cfg.Format == "parquet" {
		return o.path, nil
	}
	text, done, err := r.local(ctx, o)
	if err != nil {
		return "", err
	}
	defer done()
	spill, err := os.CreateTemp(r.env.Scratch, "reader-*.parquet")
	if err != nil {
		return "", fault.Wrap(err, CannotRead, "cannot make a file in the scratch folder")
	}
	dst := spill.Name()
	spill.Close()
	if err := r.env.SQL.Convert(ctx, r.foreign(arrow.NewSchema(r.fields, nil), text), dst); err != nil {
		os.Remove(dst)
		return "", renamed(rowFault(err), text, o.path)
	}
	return dst, nil
}

// nextGroup opens the file's next row group, or skips it.
func (r *Reader) nextGroup(ctx context.Context, x *read) (err error) {
	f, n := x.file, x.file.group
	defer guard(f.groupName(n), &err)
	meta := f.raw.MetaData().RowGroup(n)
	f.group++
	if x.passed >= meta.NumRows() {
		x.passed -= meta.NumRows()
		f.first += meta.NumRows()
		return nil
	}
	skip, err := f.skips(n, x.days)
	if err != nil {
		return err
	}
	if skip {
		x.passed = 0
		r.stats.RowGroupsSkipped++
		f.first += meta.NumRows()
		return nil
	}
	g, err := f.openGroup(ctx, n, x.own)
	if err != nil {
		return err
	}
	f.first += meta.NumRows()
	r.stats.RowGroups++
	x.group = g
	if r.remote != nil && r.cfg.Format == "parquet" {
		r.lookAhead(x)
	}
	return nil
}

// decode makes the next batch of the row group ready.
func (r *Reader) decode(ctx context.Context, x *read) error {
	row := x.group.row
	want := x.rows
	if x.passed > 0 {
		want = int(min(int64(want), x.passed))
	}
	arrays, n, bad, err := x.group.next(ctx, want)
	if err != nil {
		return err
	}
	if n == 0 {
		x.group.close()
		x.group = nil
		return nil
	}
	defer func() {
		for _, a := range arrays {
			a.Release()
		}
	}()
	if x.passed > 0 {
		x.passed -= int64(n)
		return nil
	}
	r.stats.Rows += int64(n)
	for i, b := range bad {
		if b > 0 {
			r.env.Counter.Add("cast_failures", x.own[i].name, b)
		}
	}
	whole, err := r.assemble(x, arrays, n)
	if err != nil {
		return err
	}
	defer whole.Release()
	return r.cut(ctx, x, whole, arrays, row)
}

// assemble puts the columns together with those of the path.
func (r *Reader) assemble(x *read, arrays []arrow.Array, n int) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, 0, x.out.NumFields())
	k := 0
	for _, f := range x.out.Fields() {
		if !hasField(r.partitions, f.Name) {
			columns = append(columns, arrays[k])
			k++
			continue
		}
		a, err := constant(f, x.object.partitions[f.Name], n)
		if err != nil {
			return nil, err
		}
		defer a.Release()
		columns = append(columns, a)
	}
	return array.NewRecordBatch(x.out, columns, int64(n)), nil
}

// constant is a partition column.
func constant(f arrow.Field, c cell, n int) (arrow.Array, error) {
	if !c.ok {
		return array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, n), nil
	}
	if f.Type.ID() == arrow.INT64 {
		v, err := strconv.ParseInt(c.text, 10, 64)
		if err != nil {
			return nil, fault.New(NotValue, "partition %s=%s is no whole number", f.Name, c.text)
		}
		values := make([]int64, n)
		for i := range values {
			values[i] = v
		}
		d := array.NewData(f.Type, n, []*memory.Buffer{nil, bufferOf(values)}, nil, 0, 0)
		defer d.Release()
		return array.MakeFromData(d), nil
	}
	offsets := make([]int32, n+1)
	for i := range offsets {
		offsets[i] = int32(i * len(c.text))
	}
	d := array.NewData(f.Type, n, []*memory.Buffer{nil, bufferOf(offsets), memory.NewBufferBytes([]byte(strings.Repeat(c.text, n)))}, nil, 0, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

// manyRuns is how many runs of rows a batch may fall into before its rows are
// copied together; then their positions are no longer a sequence and unknown.
const manyRuns = 8

// cut keeps the rows of the interval.
func (r *Reader) cut(ctx context.Context, x *read, whole arrow.RecordBatch, arrays []arrow.Array, row int64) error {
	n := int(whole.NumRows())
	give := func(b arrow.RecordBatch, p flow.Position) {
		x.ready = append(x.ready, flow.Batch{Record: b, Position: p})
	}
	at := func(i int) flow.Position { return flow.Position{Object: x.object.path, Row: row + int64(i)} }
	day := dayColumn(x, arrays)
	if day == nil {
		whole.Retain()
		give(whole, at(0))
		return nil
	}
	keep := make([]bool, n)
	kept := x.days.clock.Mark(day, x.days.lo, x.days.hi, keep)
	r.stats.OutOfSpan += int64(n - kept)
	var runs [][2]int
	for i := 0; i < n; i++ {
		if !keep[i] {
			continue
		}
		from := i
		for i < n && keep[i] {
			i++
		}
		runs = append(runs, [2]int{from, i})
	}
	if len(runs) <= manyRuns {
		for _, s := range runs {
			give(whole.NewSlice(int64(s[0]), int64(s[1])), at(s[0]))
		}
		return nil
	}
	b := array.NewBooleanBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(keep, nil)
	filter := b.NewArray()
	defer filter.Release()
	out, err := compute.FilterRecordBatch(ctx, whole, filter, compute.DefaultFilterOptions())
	if err != nil {
		return damaged(err, "rows cannot be filtered").At("%s", x.object.path)
	}
	give(out, flow.Position{})
	return nil
}

// dayColumn is the column that tells the day, or nil when all rows belong.
func dayColumn(x *read, arrays []arrow.Array) arrow.Array {
	if x.days == nil || x.days.column == "" {
		return nil
	}
	for i, c := range x.own {
		if c.name == x.days.column {
			return arrays[i]
		}
	}
	return nil
}
