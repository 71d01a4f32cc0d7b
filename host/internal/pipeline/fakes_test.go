package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// tuple is a row of the tests: two columns to group by, a time and a value.
type tuple struct{ k, g, t, v int64 }

var tupleSchema = flow.NewSchema([]flow.Field{
	{Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "g", Type: arrow.PrimitiveTypes.Int64},
	{Name: "t", Type: arrow.FixedWidthTypes.Timestamp_us}, {Name: "v", Type: arrow.PrimitiveTypes.Int64},
})

func (x tuple) column(name string) int64 {
	switch name {
	case "k":
		return x.k
	case "g":
		return x.g
	case "t":
		return x.t
	case "v":
		return x.v
	}
	return 0
}

// world makes stages and watches them: every call of a stage, reader or output
// is a step, and the step numbered at fails, or cancels.
type world struct {
	mem  *memory.CheckedAllocator
	mu   sync.Mutex
	step int
	at   int
	stop func() error // called at step at
	peak int          // most bytes that were out at a step
}

func newWorld() *world { return &world{mem: memory.NewCheckedAllocator(memory.DefaultAllocator)} }

func (w *world) tick() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.step++
	w.peak = max(w.peak, w.mem.CurrentAlloc())
	if w.step == w.at {
		return w.stop()
	}
	return nil
}

func (w *world) record(rows []tuple) flow.Record {
	b := array.NewRecordBuilder(w.mem, tupleSchema)
	defer b.Release()
	for _, x := range rows {
		b.Field(0).(*array.Int64Builder).Append(x.k)
		b.Field(1).(*array.Int64Builder).Append(x.g)
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(x.t))
		b.Field(3).(*array.Int64Builder).Append(x.v)
	}
	return b.NewRecordBatch()
}

func tuplesOf(r flow.Record) []tuple {
	out := make([]tuple, r.NumRows())
	for i := range out {
		out[i] = tuple{
			r.Column(0).(*array.Int64).Value(i), r.Column(1).(*array.Int64).Value(i),
			int64(r.Column(2).(*array.Timestamp).Value(i)), r.Column(3).(*array.Int64).Value(i),
		}
	}
	return out
}

// tuples is a reader of rows in batches of a size.
type tuples struct {
	w      *world
	rows   []tuple
	size   int
	given  int64
	closed atomic.Int64
}

func (r *tuples) Schema(context.Context) (*flow.Schema, error) { return tupleSchema, nil }
func (r *tuples) Open(context.Context, flow.Request) (*flow.Schema, error) {
	return tupleSchema, r.w.tick()
}
func (r *tuples) Next(ctx context.Context) (flow.Batch, error) {
	if err := ctx.Err(); err != nil {
		return flow.Batch{}, err
	}
	if err := r.w.tick(); err != nil {
		return flow.Batch{}, err
	}
	n := min(r.size, len(r.rows))
	if n == 0 {
		return flow.Batch{}, io.EOF
	}
	b := flow.Batch{Record: r.w.record(r.rows[:n])}
	r.rows = r.rows[n:]
	r.given += int64(n)
	return b, nil
}
func (r *tuples) Stats() flow.ReadStats { return flow.ReadStats{Rows: r.given} }
func (r *tuples) Close() error          { r.closed.Add(1); return nil }

// mapping is a stateless stage over rows one by one; apply gives false to leave
// one out.
type mapping struct {
	w     *world
	apply func(tuple) (tuple, bool)
}

func (m *mapping) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) { return in, nil }
func (m *mapping) Process(_ context.Context, b flow.Batch, emit flow.Emit) error {
	if err := m.w.tick(); err != nil {
		return err
	}
	var out []tuple
	for _, x := range tuplesOf(b.Record) {
		if y, ok := m.apply(x); ok {
			out = append(out, y)
		}
	}
	return emit(flow.Batch{Record: m.w.record(out)})
}
func (m *mapping) Flush(context.Context, flow.Emit) error   { return m.w.tick() }
func (m *mapping) Close() error                             { return nil }
func (m *mapping) Fork(context.Context) (flow.Stage, error) { c := *m; return &c, m.w.tick() }

// single is a mapping that only one worker may run.
type single struct{ m *mapping }

func (s single) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	return s.m.Open(ctx, in)
}
func (s single) Process(ctx context.Context, b flow.Batch, emit flow.Emit) error {
	return s.m.Process(ctx, b, emit)
}
func (s single) Flush(ctx context.Context, emit flow.Emit) error { return s.m.Flush(ctx, emit) }
func (s single) Close() error                                    { return nil }

// keyed is a stage over the rows of a key in order: apply makes the rows of
// one group. lose makes it lose a row.
type keyed struct {
	w      *world
	order  flow.Order
	folds  bool
	apply  func(extent flow.Extent, group []tuple) []tuple
	extent flow.Extent
	group  []tuple
	forks  *atomic.Int64 // less copies closed
}

func (k *keyed) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) { return in, nil }
func (k *keyed) Order() flow.Order                                             { return k.order }
func (k *keyed) Folds() bool                                                   { return k.folds }
func (k *keyed) Bound(e flow.Extent)                                           { k.extent = e }
func (k *keyed) Fork(context.Context) (flow.Stage, error) {
	if err := k.w.tick(); err != nil {
		return nil, err
	}
	k.forks.Add(1)
	return &keyed{w: k.w, order: k.order, apply: k.apply, forks: k.forks}, nil
}
func (k *keyed) Close() error { k.forks.Add(-1); return nil }

func (k *keyed) same(a, b tuple) bool {
	return !slices.ContainsFunc(k.order.Keys, func(c string) bool { return a.column(c) != b.column(c) })
}

func (k *keyed) Process(_ context.Context, b flow.Batch, emit flow.Emit) error {
	if err := k.w.tick(); err != nil {
		return err
	}
	var out []tuple
	for _, x := range tuplesOf(b.Record) {
		if len(k.group) > 0 && !k.same(k.group[0], x) {
			out = append(out, k.apply(k.extent, k.group)...)
			k.group = k.group[:0]
		}
		k.group = append(k.group, x)
	}
	if len(out) == 0 {
		return nil
	}
	return emit(flow.Batch{Record: k.w.record(out)})
}
func (k *keyed) Flush(_ context.Context, emit flow.Emit) error {
	if err := k.w.tick(); err != nil {
		return err
	}
	if len(k.group) == 0 {
		return nil
	}
	return emit(flow.Batch{Record: k.w.record(k.apply(k.extent, k.group))})
}

// all is the naive form of a keyed stage.
func (k *keyed) all(rows []tuple) []tuple {
	rows = slices.Clone(rows)
	chain := slices.Concat(k.order.Keys, []string{k.order.Time}, k.order.Then, k.order.Ties, []string{"g", "k", "t", "v"})
	slices.SortFunc(rows, func(a, b tuple) int {
		for _, c := range chain {
			if x := cmp.Compare(a.column(c), b.column(c)); x != 0 {
				return x
			}
		}
		return 0
	})
	extent := flow.Extent{Rows: int64(len(rows))}
	if k.order.Time != "" && len(rows) > 0 {
		extent.Timed, extent.MinTime, extent.MaxTime = true, rows[0].t, rows[0].t
		for _, x := range rows {
			extent.MinTime, extent.MaxTime = min(extent.MinTime, x.t), max(extent.MaxTime, x.t)
		}
	}
	var out []tuple
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(x tuple) bool { return !k.same(rows[0], x) })
		if n < 0 {
			n = len(rows)
		}
		out = append(out, k.apply(extent, rows[:n])...)
		rows = rows[n:]
	}
	return out
}

// naive passes rows through steps in memory.
func naive(rows []tuple, steps []*plan.Step) []tuple {
	for _, s := range steps {
		switch x := s.Stage.(type) {
		case *keyed:
			rows = x.all(rows)
		case *mapping:
			rows = each(rows, x)
		case single:
			rows = each(rows, x.m)
		}
	}
	return rows
}

func each(rows []tuple, m *mapping) (out []tuple) {
	for _, x := range rows {
		if y, ok := m.apply(x); ok {
			out = append(out, y)
		}
	}
	return out
}

// step makes a step of a plan.
func (w *world) named(name string, s flow.Stage) *plan.Step {
	kind := observe.KindStage
	if f, ok := s.(flow.Folds); ok && f.Folds() {
		kind = observe.KindFold
	}
	return &plan.Step{Name: name, Kind: kind, Stage: s, In: tupleSchema, Out: tupleSchema}
}

// times multiplies the values.
func (w *world) times(n int64) *plan.Step {
	return w.named(fmt.Sprint("times ", n), &mapping{w, func(x tuple) (tuple, bool) { x.v *= n; return x, true }})
}

// alone adds to the values, on one worker.
func (w *world) alone(n int64) *plan.Step {
	return w.named(fmt.Sprint("alone ", n), single{&mapping{w, func(x tuple) (tuple, bool) { x.v += n; return x, true }}})
}

// without leaves out every value that n divides.
func (w *world) without(n int64) *plan.Step {
	s := w.named(fmt.Sprint("without ", n), &mapping{w, func(x tuple) (tuple, bool) { return x, x.v%n != 0 }})
	s.Kind = observe.KindFilter
	return s
}

// running gives each row the sum so far and its number, and the extent.
func (w *world) running(o flow.Order) *plan.Step {
	return w.named("running", &keyed{w: w, order: o, forks: &atomic.Int64{}, apply: func(e flow.Extent, group []tuple) []tuple {
		out, sum := slices.Clone(group), e.Rows+e.MinTime-e.MaxTime
		for i := range out {
			sum = (sum*3 + out[i].v) % 1_000_003
			out[i].v = sum
		}
		return out
	}})
}

// total makes one row of a group, that depends on the order of its rows.
func (w *world) total(o flow.Order) *plan.Step {
	return w.named("total", &keyed{w: w, order: o, folds: true, forks: &atomic.Int64{}, apply: func(_ flow.Extent, group []tuple) []tuple {
		sum := int64(0)
		for _, x := range group {
			sum = (sum*5 + x.v) % 1_000_003
		}
		last := group[len(group)-1]
		last.v = sum
		return []tuple{last}
	}})
}

// planOf makes a plan of a reader's prepare steps, stages and steps of the
// feature set; the last one is the fold.
func (w *world) planOf(r *tuples, prepare, steps, set []*plan.Step) *plan.Plan {
	for _, s := range set {
		s.Kind = observe.KindFeatureSet
	}
	return &plan.Plan{
		Sources: []*plan.Source{{Path: "reader[0]", Config: config.Reader{ID: "r"}, Reader: r, Schema: tupleSchema, Prepare: prepare, Output: tupleSchema}},
		Steps:   steps, Before: set[:len(set)-1], Fold: set[len(set)-1], Output: tupleSchema,
	}
}

// collected is an output that keeps the rows.
func (w *world) collected(rows *[]tuple) Output {
	return Output{Name: "out", Write: func(_ context.Context, b flow.Batch) error {
		*rows = append(*rows, tuplesOf(b.Record)...)
		return w.tick()
	}}
}

func (w *world) settings(t testing.TB) Settings {
	return Settings{Workers: 2, BatchRows: 16, Memory: 64 << 20, Scratch: t.TempDir(), Events: &observe.Events{}, allocator: w.mem}
}

// open counts copies of keyed stages that were not closed.
func open(steps ...[]*plan.Step) (n int64) {
	for _, s := range slices.Concat(steps...) {
		if k, ok := s.Stage.(*keyed); ok {
			n += k.forks.Load()
		}
	}
	return n
}

func nameOf(steps []*plan.Step) string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Name)
	}
	return strings.Join(out, ", ")
}
