//go:build duckdb_arrow

package sql

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2/arrowmapping"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// countColumn stands in for a row when no column is read.
const countColumn = "featurehost_row"

// evaluator runs a plan on its own connection.
type evaluator struct {
	plan   *plan
	leave  func()
	c      *connection
	feed   *feed
	stream *cdata.CArrowArrayStream
	pin    runtime.Pinner
	view   string
	groups []group
}

// group is a prepared statement over some of the expressions. Expressions
// that speak of zones see times with one; they are computed apart.
type group struct {
	statement *statement
	exprs     []int
}

// feed is an endless source of one-batch streams: each scan of the view takes
// the batch of the moment and then the end. DuckDB leaves the stream itself
// alone between scans.
type feed struct {
	schema *arrow.Schema
	batch  arrow.RecordBatch
	given  bool
}

func (f *feed) Retain()                        {}
func (f *feed) Release()                       {}
func (f *feed) Schema() *arrow.Schema          { return f.schema }
func (f *feed) Record() arrow.RecordBatch      { return f.batch }
func (f *feed) RecordBatch() arrow.RecordBatch { return f.batch }
func (f *feed) Err() error                     { return nil }
func (f *feed) Next() bool {
	if f.given || f.batch == nil {
		return false
	}
	f.given = true
	return true
}

// evaluator opens a connection with a view of the rows, not yet any
// statement.
func (p *plan) evaluator(ctx context.Context) (*evaluator, error) {
	leave, err := p.engine.enter()
	if err != nil {
		return nil, err
	}
	ev := &evaluator{plan: p, leave: leave}
	d, err := p.engine.rowDatabase(ctx)
	if err == nil {
		ev.c, err = d.connect()
	}
	if err == nil {
		err = ev.register()
	}
	if err != nil {
		ev.Close()
		return nil, failure(err, EngineFailed, "the rows cannot be shown to the sql engine")
	}
	return ev, nil
}

// register makes the view that the statements read.
func (ev *evaluator) register() error {
	fields := make([]arrow.Field, 0, len(ev.plan.used)+1)
	for _, i := range ev.plan.used {
		f := ev.plan.in.Field(i)
		fields = append(fields, arrow.Field{Name: f.Name, Type: withoutZone(f.Type), Nullable: true})
	}
	if len(fields) == 0 {
		fields = append(fields, arrow.Field{Name: countColumn, Type: arrow.PrimitiveTypes.Int8})
	}
	ev.feed = &feed{schema: arrow.NewSchema(fields, nil)}
	ev.stream = new(cdata.CArrowArrayStream)
	ev.pin.Pin(ev.stream)
	cdata.ExportRecordReader(ev.feed, ev.stream)

	// Making a view changes the catalog, one at a time.
	e := ev.plan.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	e.views++
	ev.view = fmt.Sprintf("featurehost_rows_%d", e.views)
	if arrowmapping.ArrowScan(ev.c.h, ev.view, arrowmapping.ArrowStream{Ptr: unsafe.Pointer(ev.stream)}) == mapping.StateError {
		ev.view = ""
		return fault.New(BadTypes, "the sql engine does not take rows of these types: %s", describe(ev.feed.schema))
	}
	return nil
}

// withoutZone is the type under which values of t are shown to the engine.
func withoutZone(t arrow.DataType) arrow.DataType {
	if ts, ok := t.(*arrow.TimestampType); ok && ts.TimeZone != "" {
		return &arrow.TimestampType{Unit: ts.Unit}
	}
	return t
}

func describe(s *arrow.Schema) string {
	var parts []string
	for _, f := range s.Fields() {
		parts = append(parts, f.Name+" "+f.Type.String())
	}
	return strings.Join(parts, ", ")
}

// from is the FROM clause of a group.
func (ev *evaluator) from(zoned bool) string {
	if !zoned {
		return " FROM " + quoteName(ev.view)
	}
	var items []string
	for k, f := range ev.feed.schema.Fields() {
		item := quoteName(f.Name)
		if len(ev.plan.used) > 0 && !arrow.TypeEqual(f.Type, ev.plan.in.Field(ev.plan.used[k]).Type) {
			item = "make_timestamptz(epoch_us(" + item + ")) AS " + item
		}
		items = append(items, item)
	}
	return " FROM (SELECT " + strings.Join(items, ", ") + " FROM " + quoteName(ev.view) + ")"
}

// settle binds the expressions, finds their types and prepares the
// statements. It runs once per plan; forks only prepare.
func (ev *evaluator) settle(ctx context.Context) error {
	fields := make([]arrow.Field, 0, len(ev.plan.exprs))
	for _, x := range ev.plan.exprs {
		if err := ev.bind(ctx, x); err != nil {
			return placed(err, x.Expr)
		}
		fields = append(fields, arrow.Field{Name: x.Name, Type: x.image.arrow, Nullable: true})
	}
	ev.plan.out = arrow.NewSchema(fields, nil)
	return ev.prepare(ctx)
}

// bind finds the type of an expression.
func (ev *evaluator) bind(ctx context.Context, x *expression) error {
	from := ev.from(x.zoned)
	if x.Compat {
		text, err := compatText(ctx, ev.c, x, from)
		if err != nil {
			return err
		}
		x.text = text
	}
	columns, err := ev.c.columns(ctx, selectPrefix+"(\n"+x.text+"\n)"+from)
	if err != nil {
		return bindFault(err, x)
	}
	x.image, err = imageOf(columns[0].typ, x.naiveType(ev.plan.in))
	if err != nil {
		return fault.New(BadTypes, "the result is %s", err).WithHint("the expression is: %s", oneLine(x.SQL))
	}
	return nil
}

// item is an expression as it stands in a statement.
func (x *expression) item() string {
	if x.image.cast {
		return "CAST((\n" + x.text + "\n) AS " + x.image.sql + ")"
	}
	return "(\n" + x.text + "\n)"
}

// prepare makes the statements of the groups.
func (ev *evaluator) prepare(ctx context.Context) error {
	for _, zoned := range []bool{false, true} {
		var items []string
		var exprs []int
		for i, x := range ev.plan.exprs {
			if x.zoned == zoned {
				items = append(items, fmt.Sprintf("%s AS featurehost_%d", x.item(), i))
				exprs = append(exprs, i)
			}
		}
		if len(items) == 0 {
			continue
		}
		s, err := ev.c.prepare(ctx, selectPrefix+strings.Join(items, ", ")+ev.from(zoned))
		if err != nil {
			return failure(err, EngineFailed, "the expressions cannot be prepared")
		}
		ev.groups = append(ev.groups, group{s, exprs})
	}
	return nil
}

// Schema implements flow.Evaluator.
func (ev *evaluator) Schema() *flow.Schema { return ev.plan.out }

// Columns implements flow.Evaluator: names in the input's order.
func (ev *evaluator) Columns() []string {
	out := make([]string, len(ev.plan.used))
	for k, i := range ev.plan.used {
		out[k] = ev.plan.in.Field(i).Name
	}
	return out
}

// Fork gives another evaluator of the same expressions, for another caller.
func (ev *evaluator) Fork(ctx context.Context) (flow.Evaluator, error) {
	other, err := ev.plan.evaluator(ctx)
	if err != nil {
		return nil, err
	}
	if err := other.prepare(ctx); err != nil {
		other.Close()
		return nil, err
	}
	return other, nil
}

// Close implements flow.Evaluator; it may be called twice.
func (ev *evaluator) Close() error {
	if ev.leave == nil {
		return nil
	}
	for _, g := range ev.groups {
		g.statement.close()
	}
	ev.groups = nil
	if ev.c != nil {
		if ev.view != "" {
			e := ev.plan.engine
			e.mu.Lock()
			// A view left behind is only a name: the next evaluator takes another.
			_ = ev.c.exec(context.Background(), "DROP VIEW "+quoteName(ev.view))
			e.mu.Unlock()
		}
		ev.c.close()
	}
	if ev.stream != nil {
		cdata.ReleaseCArrowArrayStream(ev.stream)
		ev.pin.Unpin()
	}
	ev.leave()
	ev.leave = nil
	return nil
}

// Eval implements flow.Evaluator.
func (ev *evaluator) Eval(ctx context.Context, r flow.Record) (flow.Record, error) {
	if ev.leave == nil {
		return nil, fault.New(EngineClosed, "the evaluator is closed")
	}
	batch, err := ev.project(r)
	if err != nil {
		return nil, err
	}
	defer batch.Release()
	out, at, err := ev.compute(ctx, batch)
	if err != nil {
		return nil, ev.blame(ctx, batch, ev.groups[at], err)
	}
	return out, nil
}

// project gives the rows as the view shows them.
func (ev *evaluator) project(r flow.Record) (arrow.RecordBatch, error) {
	n := int(r.NumRows())
	columns := make([]arrow.Array, 0, len(ev.plan.used)+1)
	for k, i := range ev.plan.used {
		want := ev.plan.in.Field(i)
		if i >= int(r.NumCols()) || r.ColumnName(i) != want.Name || !arrow.TypeEqual(r.Column(i).DataType(), want.Type) {
			return nil, fault.New(EngineFailed, "the batch has another schema than the expressions were bound to")
		}
		col := r.Column(i)
		if t := ev.feed.schema.Field(k).Type; !arrow.TypeEqual(t, want.Type) {
			d := col.Data()
			plain := array.NewData(t, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
			col = array.MakeFromData(plain)
			plain.Release()
			defer col.Release()
		}
		columns = append(columns, col)
	}
	if len(columns) == 0 {
		d := array.NewData(arrow.PrimitiveTypes.Int8, n, []*memory.Buffer{nil, memory.NewBufferBytes(make([]byte, n))}, nil, 0, 0)
		col := array.MakeFromData(d)
		d.Release()
		defer col.Release()
		columns = append(columns, col)
	}
	return array.NewRecordBatch(ev.feed.schema, columns, int64(n)), nil
}

// compute runs all groups over a batch. On an error it tells which group
// failed.
func (ev *evaluator) compute(ctx context.Context, batch arrow.RecordBatch) (out arrow.RecordBatch, at int, err error) {
	n := int(batch.NumRows())
	results := make([]arrow.Array, len(ev.plan.exprs))
	defer func() {
		for _, a := range results {
			if a != nil {
				a.Release()
			}
		}
	}()
	for at, g := range ev.groups {
		arrays, err := ev.execute(ctx, g.statement, batch, ev.types(g), n)
		if err != nil {
			return nil, at, err
		}
		for k, i := range g.exprs {
			results[i] = arrays[k]
		}
	}
	return array.NewRecordBatch(ev.plan.out, results, int64(n)), 0, nil
}

func (ev *evaluator) types(g group) []arrow.DataType {
	types := make([]arrow.DataType, len(g.exprs))
	for k, i := range g.exprs {
		types[k] = ev.plan.exprs[i].image.arrow
	}
	return types
}

// execute runs a prepared statement over the rows of a batch and copies the
// result out.
func (ev *evaluator) execute(ctx context.Context, s *statement, batch arrow.RecordBatch, types []arrow.DataType, n int) ([]arrow.Array, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ev.feed.batch, ev.feed.given = batch, n == 0
	stop := ev.c.watch(ctx)
	var res mapping.Result
	state := mapping.ExecutePrepared(s.h, &res)
	stop()
	ev.feed.batch = nil
	defer mapping.DestroyResult(&res)
	if state == mapping.StateError {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, newDuckError(mapping.ResultError(&res))
	}
	targets := make([]*target, len(types))
	for k, t := range types {
		targets[k] = newTarget(t, n)
	}
	got := 0
	for got <= n {
		chunk := mapping.FetchChunk(res)
		if chunk.Ptr == nil {
			break
		}
		rows := int(mapping.DataChunkGetSize(chunk))
		if got+rows <= n {
			for k, t := range targets {
				t.take(vectorOf(mapping.DataChunkGetVector(chunk, mapping.IdxT(k))), 0, rows)
			}
		}
		got += rows
		mapping.DestroyDataChunk(&chunk)
	}
	if got != n {
		return nil, fault.New(RowsDiffer, "%d rows went in and %d came out", n, got)
	}
	out := make([]arrow.Array, len(targets))
	for k, t := range targets {
		out[k] = t.array()
	}
	return out, nil
}

// blame finds the expression and the row that made a group fail, by running
// the expressions one by one and then halving the rows.
func (ev *evaluator) blame(ctx context.Context, batch arrow.RecordBatch, g group, cause error) error {
	if asDuck(cause) == nil {
		return cause
	}
	for _, i := range g.exprs {
		x := ev.plan.exprs[i]
		s, err := ev.c.prepare(ctx, selectPrefix+x.item()+ev.from(x.zoned))
		if err != nil {
			continue
		}
		row, why := ev.firstFailure(ctx, s, batch, x.image.arrow)
		s.close()
		if why != nil {
			return placed(failure(why, ComputationFailed, "row %d of %d in the batch made %s fail", row+1, batch.NumRows(), oneLine(x.SQL)), x.Expr)
		}
	}
	return failure(cause, ComputationFailed, "a row of the batch made an expression fail")
}

// firstFailure gives the first row that fails alone, and why.
func (ev *evaluator) firstFailure(ctx context.Context, s *statement, batch arrow.RecordBatch, t arrow.DataType) (int64, error) {
	run := func(from, to int64) error {
		part := batch.NewSlice(from, to)
		defer part.Release()
		arrays, err := ev.execute(ctx, s, part, []arrow.DataType{t}, int(to-from))
		for _, a := range arrays {
			a.Release()
		}
		return err
	}
	from, to := int64(0), batch.NumRows()
	why := run(from, to)
	if asDuck(why) == nil {
		return 0, why
	}
	for to-from > 1 {
		mid := from + (to-from)/2
		if err := run(from, mid); asDuck(err) != nil {
			to, why = mid, err
		} else {
			from = mid
		}
	}
	if err := run(from, to); asDuck(err) != nil {
		why = err
	}
	return from, why
}
