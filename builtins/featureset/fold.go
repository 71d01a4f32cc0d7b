package featureset

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Fold makes the feature table from Select's rows, which come grouped by key
// in total order: it aggregates, or drops the hidden columns of a plain set;
// gives aggregates their declared types; removes duplicates; cuts to the
// interval. Its rows are keys, timestamp, features, in the order they came.
//
// Counts: cast_failures by column, duplicates_dropped, outside_interval.
// Rules: S-901..S-920, S-404, S-1101..S-1107.
type Fold struct {
	set   *Set
	in    *flow.Schema
	out   *flow.Schema
	inner flow.Stage // window.Sweep or window.Group; nil for a plain set
	chain *chain     // of a plain set whose rows need more than a cut
	casts []*cast.Cast
	trim  *trim
	empty arrow.RecordBatch // of a key whose windows are empty, once asked for
}

// BoundedFold is the Fold of rolling windows: it must know the extent of all
// rows before the first one.
type BoundedFold struct{ *Fold }

// Bound hands the extent to the windows.
func (f *BoundedFold) Bound(e flow.Extent) { f.inner.(flow.Bounded).Bound(e) }

// Fork opens another copy for another partition of keys.
func (f *BoundedFold) Fork(ctx context.Context) (flow.Stage, error) {
	g, err := f.Fold.fork(ctx)
	return &BoundedFold{g}, err
}

// Open settles names and types of the feature table. It needs Select open.
func (f *Fold) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	l := f.set.layout
	if l == nil || in.NumFields() != len(l.fields) {
		return nil, fault.New(NotSelected, "fold was opened on rows that select did not make")
	}
	f.in = in
	fields := l.fields[:l.visible:l.visible]
	if f.set.aggregated {
		var err error
		if f.inner, err = f.set.newWindows(in); err != nil {
			return nil, err
		}
		made, err := f.inner.Open(ctx, in)
		if err != nil {
			if fault.Is(err, window.BadSpec) {
				return nil, placed(err, "feature_set.windows")
			}
			return nil, placed(err, "feature_set.feature")
		}
		if fields, err = f.declare(made); err != nil {
			return nil, err
		}
	} else if d := f.set.design; d.computes(len(d.stages)) {
		var err error
		if f.chain, err = f.set.newChain(ctx, len(d.stages), true); err != nil {
			return nil, err
		}
		fields = f.chain.schema().Fields()
	}
	f.out = flow.NewSchema(fields)
	f.trim = f.set.newTrim(len(fields))
	f.trim.emptied = f.emptied
	return f.out, nil
}

// declare compiles the casts of aggregates to their declared types.
func (f *Fold) declare(made *flow.Schema) ([]flow.Field, error) {
	fields := append([]flow.Field(nil), made.Fields()...)
	f.casts = make([]*cast.Cast, len(fields))
	at := len(f.set.cfg.Keys) + 1
	for _, o := range f.set.aggregation.outputs {
		fn, place := f.set.cfg.Features[o.feature].Aggregate[o.function], aggregatePlace(o.feature, o.function)+".type"
		for range o.names {
			if fn.Type != "" {
				to, err := declared(fn.Type, place)
				if err != nil {
					return nil, err
				}
				c, err := cast.New(fields[at].Type, to, f.set.rules())
				if err != nil {
					return nil, fault.Wrap(err, BadCast, "the result of %s", fn.Name).At("%s", place)
				}
				fields[at].Type, f.casts[at] = to, c
			}
			at++
		}
	}
	for i := range fields {
		fields[i].Nullable = true
	}
	return fields, nil
}

// Order asks for the total order of S-301.
func (f *Fold) Order() flow.Order {
	return flow.Order{Keys: f.set.Keys(), Time: timestampColumn, Then: f.set.layout.then, Ties: f.set.layout.ties}
}

// Fork opens another copy for another partition of keys.
func (f *Fold) Fork(ctx context.Context) (flow.Stage, error) { return f.fork(ctx) }

func (f *Fold) fork(ctx context.Context) (*Fold, error) {
	g := &Fold{set: f.set}
	_, err := g.Open(ctx, f.in)
	return g, err
}

// Process folds one batch.
func (f *Fold) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	if f.inner != nil {
		return f.inner.Process(ctx, in, f.finishing(emit))
	}
	if in.Rows() == 0 {
		return nil
	}
	if f.chain != nil {
		return f.chain.process(ctx, in, f.handing(emit))
	}
	r := in.Record
	plain := array.NewRecordBatch(f.out, r.Columns()[:f.out.NumFields()], r.NumRows())
	defer plain.Release()
	return f.hand(plain, emit)
}

// Flush emits what the windows still hold.
func (f *Fold) Flush(ctx context.Context, emit flow.Emit) error {
	if f.chain != nil {
		return f.chain.flush(ctx, f.handing(emit))
	}
	if f.inner == nil {
		return nil
	}
	return f.inner.Flush(ctx, f.finishing(emit))
}

// Close ends the windows.
func (f *Fold) Close() error {
	if f.trim != nil {
		f.trim.release()
	}
	if f.empty != nil {
		f.empty.Release()
		f.empty = nil
	}
	if c := f.chain; c != nil {
		f.chain = nil
		return c.close()
	}
	if f.inner == nil {
		return nil
	}
	return f.inner.Close()
}

// finishing takes rows of aggregates, gives them their types, and hands them on.
func (f *Fold) finishing(emit flow.Emit) flow.Emit {
	return func(b flow.Batch) error {
		defer b.Release()
		r := f.typed(b.Record)
		defer r.Release()
		return f.hand(r, emit)
	}
}

// typed applies declared types, and makes NaN null in columns of floats
// (S-920).
func (f *Fold) typed(r arrow.RecordBatch) arrow.RecordBatch {
	columns := make([]arrow.Array, r.NumCols())
	for i, a := range r.Columns() {
		a.Retain()
		if c := f.casts[i]; c != nil {
			out, failed := c.Apply(f.set.mem, a)
			a.Release()
			a = out
			if failed > 0 {
				f.set.env.Counter.Add("cast_failures", f.out.Field(i).Name, failed)
			}
		}
		if i > len(f.set.cfg.Keys) {
			out := withoutNaN(f.set.mem, a)
			a.Release()
			a = out
		}
		columns[i] = a
	}
	out := array.NewRecordBatch(f.out, columns, r.NumRows())
	for _, a := range columns {
		a.Release()
	}
	return out
}

// handing takes rows of a plain set's feature table and hands them on.
func (f *Fold) handing(emit flow.Emit) flow.Emit {
	return func(b flow.Batch) error {
		defer b.Release()
		return f.hand(b.Record, emit)
	}
}

// hand emits the rows of the feature table that stay.
func (f *Fold) hand(r arrow.RecordBatch, emit flow.Emit) error {
	out, err := f.trim.apply(r)
	if out == nil || err != nil {
		return err
	}
	return emit(flow.Batch{Record: out})
}

// newTrim makes the end of a Fold whose table has the given number of columns.
func (s *Set) newTrim(columns int) *trim {
	t := &trim{
		mem: s.mem, count: s.env.Counter, time: len(s.cfg.Keys),
		dedup: s.cfg.DeduplicateRows, cutFirst: s.aggregated && s.profile.CutBeforeDedup,
	}
	for i := range t.time {
		t.keys = append(t.keys, i)
	}
	for i := t.time + 1; i < columns; i++ {
		t.features = append(t.features, i)
	}
	t.bound(s.interval)
	t.history = func() flow.History { return s.history }
	return t
}
