package featureset

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sort"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench runs a feature set the way a pipeline does: Select, keyed steps and
// Fold, each behind a sort by the order it asks for, Latest.
type bench struct {
	cfg      config.FeatureSet
	interval flow.Interval
	sql      flow.SQL
	batch    int // rows in a batch, in all stages; 0 for all
	plugin   func(ctx context.Context, use string, config map[string]any) (flow.Stage, error)
	history  flow.History
	forks    int // copies of Select and of each keyed step, used in turn; 0 for the stage itself

	rejected *hosttest.Rejected
	counts   *hosttest.Counts
	selected *flow.Schema
	order    flow.Order
	out      *flow.Schema
	steps    int // stages before Fold
}

// run gives the feature table as text.
func (b *bench) run(t testing.TB, rows arrow.RecordBatch) string {
	t.Helper()
	out, err := b.try(t, rows, false)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// latest gives the newest row of each key.
func (b *bench) latest(t testing.TB, rows arrow.RecordBatch) string {
	t.Helper()
	out, err := b.try(t, rows, true)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (b *bench) try(t testing.TB, rows arrow.RecordBatch, latest bool) (string, error) {
	t.Helper()
	ctx := context.Background()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b.rejected, b.counts = &hosttest.Rejected{}, &hosttest.Counts{}
	env := flow.Env{SQL: b.sql, Rejects: b.rejected, Counter: b.counts, Plugin: b.plugin}
	made, err := New(b.cfg, b.interval, env)
	if err != nil {
		return "", err
	}
	set := made.(*Set)
	set.mem = mem
	if b.history != nil {
		set.Remember(b.history)
	}
	steps := set.Steps()
	sel, fold, last := steps[0].(*Select), set.Fold(), set.Latest()
	for _, s := range append(steps[:len(steps):len(steps)], fold, last) {
		defer s.Close()
	}
	in := rows.Schema()
	if b.selected, err = sel.Open(ctx, in); err != nil {
		return "", err
	}
	entering := b.selected
	between := []*flow.Schema{entering}
	for _, s := range steps[1:] {
		if entering, err = s.Open(ctx, entering); err != nil {
			return "", err
		}
		between = append(between, entering)
	}
	if b.out, err = fold.Open(ctx, entering); err != nil {
		return "", err
	}
	if _, err = last.Open(ctx, b.out); err != nil {
		return "", err
	}
	b.order, b.steps = fold.Order(), len(steps)
	chosen, err := b.feedAny(ctx, sel, rows)
	if err != nil {
		return "", err
	}
	defer func() { chosen.Release() }()
	for i, s := range steps[1:] {
		k, ok := s.(flow.Keyed)
		if !ok {
			all := join(t, chosen, between[i])
			made, err := b.feedAny(ctx, s.(flow.Stateless), all)
			all.Release()
			if err != nil {
				return "", err
			}
			chosen.Release()
			chosen = made
			continue
		}
		if err := b.keyed(ctx, t, &chosen, between[i], k); err != nil {
			return "", err
		}
	}
	sorted := sortRows(t, chosen, entering, b.order)
	defer sorted.Release()
	if w, ok := fold.(flow.Bounded); ok {
		w.Bound(extent(sorted))
	}
	table, err := b.feed(ctx, fold, sorted)
	if err != nil {
		return "", err
	}
	defer table.Release()
	if latest {
		all := join(t, table, b.out)
		defer all.Release()
		newest, err := b.feed(ctx, last, all)
		if err != nil {
			return "", err
		}
		defer newest.Release()
		return newest.Text(), nil
	}
	return table.Text(), nil
}

// keyed runs a keyed step over the rows so far, in the order it asks for.
func (b *bench) keyed(ctx context.Context, t testing.TB, rows **hosttest.Recorder, in *flow.Schema, s flow.Keyed) error {
	sorted := sortRows(t, *rows, in, s.Order())
	defer sorted.Release()
	out, err := b.feedForks(ctx, s, sorted)
	if err != nil {
		return err
	}
	(*rows).Release()
	*rows = out
	return nil
}

// feedForks feeds a keyed step, or a fork of it for all its rows.
func (b *bench) feedForks(ctx context.Context, s flow.Keyed, rows arrow.RecordBatch) (*hosttest.Recorder, error) {
	if b.forks == 0 {
		return b.feed(ctx, s, rows)
	}
	g, err := s.Fork(ctx)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	return b.feed(ctx, g, rows)
}

// feedAny feeds a stateless stage, or forks of it in turn.
func (b *bench) feedAny(ctx context.Context, s flow.Stateless, rows arrow.RecordBatch) (*hosttest.Recorder, error) {
	if b.forks == 0 {
		return b.feed(ctx, s, rows)
	}
	var forks []flow.Stage
	for range b.forks {
		g, err := s.Fork(ctx)
		if err != nil {
			return nil, err
		}
		defer g.Close()
		forks = append(forks, g)
	}
	out := &hosttest.Recorder{}
	for i := range rows.NumRows() {
		one := rows.NewSlice(i, i+1)
		err := forks[int(i)%len(forks)].Process(ctx, flow.Batch{Record: one, Position: flow.Position{Object: "in", Row: i}}, out.Emit)
		one.Release()
		if err != nil {
			out.Release()
			return nil, err
		}
	}
	return out, nil
}

// feed runs one stage over rows cut into batches.
func (b *bench) feed(ctx context.Context, s flow.Stage, rows arrow.RecordBatch) (*hosttest.Recorder, error) {
	out := &hosttest.Recorder{}
	n := int(rows.NumRows())
	size := b.batch
	if size == 0 {
		size = max(n, 1)
	}
	for at := 0; at < n; at += size {
		one := rows.NewSlice(int64(at), int64(min(at+size, n)))
		err := s.Process(ctx, flow.Batch{Record: one, Position: flow.Position{Object: "in", Row: int64(at)}}, out.Emit)
		one.Release()
		if err != nil {
			out.Release()
			return nil, err
		}
	}
	err := s.Flush(ctx, out.Emit)
	if err != nil {
		out.Release()
	}
	return out, err
}

// join puts batches together.
func join(t testing.TB, r *hosttest.Recorder, s *flow.Schema) arrow.RecordBatch {
	t.Helper()
	if len(r.Batches) == 0 {
		return array.NewRecordBatch(s, emptyColumns(s), 0)
	}
	columns := make([]arrow.Array, s.NumFields())
	rows := int64(0)
	for c := range columns {
		var parts []arrow.Array
		for _, b := range r.Batches {
			if !b.Record.Schema().Equal(s) {
				t.Fatalf("a batch of schema %s, not %s", b.Record.Schema(), s)
			}
			parts = append(parts, b.Record.Column(c))
		}
		all, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		columns[c] = all
		rows = int64(all.Len())
	}
	return array.NewRecordBatch(s, columns, rows)
}

func emptyColumns(s *flow.Schema) []arrow.Array {
	columns := make([]arrow.Array, s.NumFields())
	for i := range columns {
		columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, s.Field(i).Type, 0)
	}
	return columns
}

// sortRows does what the exchange does.
func sortRows(t testing.TB, r *hosttest.Recorder, s *flow.Schema, o flow.Order) arrow.RecordBatch {
	t.Helper()
	all := join(t, r, s)
	names := append([]string(nil), o.Keys...)
	if o.Time != "" {
		names = append(names, o.Time)
	}
	names = append(append(names, o.Then...), o.Ties...)
	n := int(all.NumRows())
	places := make([][]byte, n)
	for _, name := range names {
		at := s.FieldIndices(name)
		if len(at) != 1 {
			t.Fatalf("order by %q, of which there are %d columns in %s", name, len(at), s)
		}
		for i := range n {
			places[i] = appendOrdered(places[i], all.Column(at[0]), i)
		}
	}
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	sort.SliceStable(index, func(a, b int) bool { return bytes.Compare(places[index[a]], places[index[b]]) < 0 })
	return pick(t, all, index)
}

// appendOrdered writes a value so that bytes compare as canonical bytes do; types
// that no test orders by are written as text.
func appendOrdered(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	word := func(v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63) }
	switch x := a.(type) {
	case *array.Int32:
		return word(int64(x.Value(i)))
	case *array.Int64:
		return word(x.Value(i))
	case *array.Timestamp:
		return word(int64(x.Value(i)))
	case *array.Date32:
		return word(int64(x.Value(i)))
	case *array.Float64:
		bits := math.Float64bits(x.Value(i))
		if x.Value(i) != x.Value(i) {
			bits = 0x7FF8 << 48
		}
		if bits>>63 == 1 {
			bits = ^bits
		} else {
			bits ^= 1 << 63
		}
		return binary.BigEndian.AppendUint64(dst, bits)
	case *array.Boolean:
		return fmt.Appendf(dst, "%t", x.Value(i))
	case *array.String:
		return append(append(dst, x.Value(i)...), 0)
	}
	return append(append(dst, a.ValueStr(i)...), 0)
}

// pick gives rows of r by number, in the order given.
func pick(t testing.TB, r arrow.RecordBatch, index []int) arrow.RecordBatch {
	t.Helper()
	if len(index) == 0 {
		return r.NewSlice(0, 0)
	}
	columns := make([]arrow.Array, r.NumCols())
	for c := range columns {
		parts := make([]arrow.Array, len(index))
		for i, row := range index {
			parts[i] = array.NewSlice(r.Column(c), int64(row), int64(row+1))
		}
		all, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		columns[c] = all
	}
	return array.NewRecordBatch(r.Schema(), columns, int64(len(index)))
}

func extent(r arrow.RecordBatch) flow.Extent {
	e := flow.Extent{Rows: r.NumRows()}
	times := r.Column(r.Schema().FieldIndices(timestampColumn)[0]).(*array.Timestamp)
	for i, v := range times.TimestampValues() {
		if times.IsNull(i) {
			continue
		}
		if us := int64(v); !e.Timed || us < e.MinTime {
			e.MinTime = us
		}
		if us := int64(v); !e.Timed || us > e.MaxTime {
			e.MaxTime = us
		}
		e.Timed = true
	}
	return e
}

func days(t testing.TB, start, end string) flow.Interval {
	t.Helper()
	i, err := flow.ParseInterval(start, end)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func span(n int64, unit string) config.TimeSpan {
	micros := map[string]int64{"hour": 3600e6, "hours": 3600e6, "day": 86400e6, "days": 86400e6}[unit]
	return config.TimeSpan{Text: fmt.Sprintf("%d %s", n, unit), N: n, Unit: unit, Micros: n * micros}
}

func rolling(slide config.TimeSpan, widths ...config.TimeSpan) *config.Windows {
	return &config.Windows{Rolling: widths, Slide: slide}
}

// table compares a feature table with rows written with any spaces, in any
// order of keys but with the rows of a key in order.
func table(t testing.TB, got, want string) {
	t.Helper()
	clean := func(s string) string {
		var lines []string
		for _, l := range strings.Split(strings.TrimSpace(s), "\n") {
			lines = append(lines, strings.Join(strings.Fields(l), " "))
		}
		return strings.Join(lines, "\n")
	}
	if clean(got) != clean(want) {
		t.Errorf("got\n%s\nwant\n%s", clean(got), clean(want))
	}
}

func columnsOf(s *flow.Schema) string {
	var out []string
	for _, f := range s.Fields() {
		if !f.Nullable {
			out = append(out, "NOT NULL")
		}
		out = append(out, f.Name+" "+schema.TypeName(f.Type))
	}
	return strings.Join(out, ", ")
}

// refused checks code and place of an error of configuration.
func refused(t testing.TB, err error, code fault.Code, place, hint string) {
	t.Helper()
	e := fault.As(err)
	if e == nil || e.Code != code || e.Place != place || !strings.Contains(e.Error(), hint) {
		t.Errorf("got %v, want %s at %q that speaks of %q", err, code, place, hint)
	}
	if e != nil && e.Code.Class() != fault.Usage {
		t.Errorf("%s is no error of usage", e.Code)
	}
}

// fakeSQL knows a few expressions by their text.
type fakeSQL struct {
	known map[string]fakeExpr
	evals []string // names evaluated together, by Expressions call that was kept
	open  int
}

type fakeExpr struct {
	reads []string
	typ   string
	value func(row map[string]string) string
}

func (f *fakeSQL) Expressions(_ context.Context, in *flow.Schema, exprs []flow.Expr) (flow.Evaluator, error) {
	e := &fakeEval{sql: f}
	var fields []flow.Field
	seen := map[string]bool{}
	for _, x := range exprs {
		k, ok := f.known[x.SQL]
		if !ok {
			return nil, fault.New(299, "expression %q is not known", x.SQL).At("sql of %q", x.Name)
		}
		for _, c := range k.reads {
			if len(in.FieldIndices(c)) == 0 {
				return nil, fault.New(298, "no column %q", c)
			}
			if !seen[c] {
				seen[c] = true
				e.columns = append(e.columns, c)
			}
		}
		typ, err := schema.ParseType(k.typ)
		if err != nil {
			return nil, err
		}
		fields = append(fields, flow.Field{Name: x.Name, Type: typ, Nullable: true})
		e.exprs = append(e.exprs, k)
		e.names = append(e.names, x.Name)
	}
	e.schema = flow.NewSchema(fields)
	f.open++
	return e, nil
}

func (f *fakeSQL) Convert(context.Context, flow.Foreign, string) error { return nil }
func (f *fakeSQL) Describe(context.Context, flow.Foreign) (*flow.Schema, error) {
	return nil, nil
}

type fakeEval struct {
	sql     *fakeSQL
	schema  *flow.Schema
	columns []string
	exprs   []fakeExpr
	names   []string
}

func (e *fakeEval) Schema() *flow.Schema { return e.schema }
func (e *fakeEval) Columns() []string    { return e.columns }
func (e *fakeEval) Close() error         { e.sql.open--; return nil }

func (e *fakeEval) Eval(_ context.Context, r flow.Record) (flow.Record, error) {
	e.sql.evals = append(e.sql.evals, strings.Join(e.names, "+"))
	b := array.NewRecordBuilder(memory.DefaultAllocator, e.schema)
	defer b.Release()
	for i := range int(r.NumRows()) {
		row := map[string]string{}
		for c, f := range r.Schema().Fields() {
			row[f.Name] = hosttest.Value(r.Column(c), i)
		}
		for k, x := range e.exprs {
			v := x.value(row)
			if v == "null" {
				b.Field(k).AppendNull()
			} else if err := b.Field(k).AppendValueFromString(v); err != nil {
				return nil, err
			}
		}
	}
	return b.NewRecordBatch(), nil
}
