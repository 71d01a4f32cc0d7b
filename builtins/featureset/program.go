package featureset

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/builtins/internal/runs"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// step makes columns of one batch from columns made before. Most steps hold
// nothing and serve any number of copies of a stage; one that holds something
// is also a holder.
type step interface {
	run(ctx context.Context, f *frame) error
}

// holder is a step that serves one copy of a stage at a time.
type holder interface {
	step
	// fork gives a step for another copy.
	fork(ctx context.Context) (step, error)
	close() error
}

// forkSteps gives the steps for another copy of their stage.
func forkSteps(ctx context.Context, steps []step) ([]step, error) {
	out := make([]step, 0, len(steps))
	for _, st := range steps {
		if h, ok := st.(holder); ok {
			one, err := h.fork(ctx)
			if err != nil {
				_ = closeSteps(out)
				return nil, err
			}
			st = one
		}
		out = append(out, st)
	}
	return out, nil
}

func closeSteps(steps []step) error {
	var first error
	for _, st := range steps {
		if h, ok := st.(holder); ok {
			if err := h.close(); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}

func run(ctx context.Context, steps []step, f *frame) error {
	for _, st := range steps {
		if err := st.run(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// frame holds the columns of one batch while steps run: one slot per column,
// each owned by the frame.
type frame struct {
	mem      memory.Allocator
	in       arrow.RecordBatch
	position flow.Position // of the first row, while the rows are a run of their object
	kept     []runs.Run    // rows of in that go on; nil for all
	rows     int
	copies   int // rows that each row of in became before any was left out
	slots    []arrow.Array
	count    flow.Counter
}

func newFrame(s *Set, slots int) frame {
	return frame{mem: s.mem, slots: make([]arrow.Array, slots), count: s.env.Counter}
}

// reset readies the frame for another batch.
func (f *frame) reset(in flow.Batch) {
	f.in, f.position, f.kept, f.rows, f.copies = in.Record, in.Position, nil, int(in.Rows()), 1
}

// release gives every column back.
func (f *frame) release() {
	for i, a := range f.slots {
		if a != nil {
			a.Release()
			f.slots[i] = nil
		}
	}
	f.in = nil
}

// narrow keeps only the rows in the runs: of the columns made so far, and of
// those still to be loaded.
func (f *frame) narrow(kept []runs.Run) {
	for i, a := range f.slots {
		if a != nil {
			f.slots[i] = runs.Array(f.mem, a, kept)
			a.Release()
		}
	}
	f.kept, f.rows, f.position = kept, runs.Rows(kept), flow.Position{}
}

// batch gives columns as rows of the schema, which the caller owns.
func (f *frame) batch(s *flow.Schema, slots []int) flow.Batch {
	columns := make([]arrow.Array, len(slots))
	for i, at := range slots {
		columns[i] = f.slots[at]
	}
	return flow.Batch{Record: array.NewRecordBatch(s, columns, int64(f.rows)), Position: f.position}
}

// failed counts casts that gave null.
func (f *frame) failed(column string, n int64) {
	if n > 0 {
		f.count.Add("cast_failures", column, n)
	}
}

// loadStep takes a column of the source batch.
type loadStep struct{ column, to int }

func (s loadStep) run(_ context.Context, f *frame) error {
	a := f.in.Column(s.column)
	if f.kept != nil {
		f.slots[s.to] = runs.Array(f.mem, a, f.kept)
		return nil
	}
	a.Retain()
	f.slots[s.to] = a
	return nil
}

// castStep converts a column; failures count under the name of the column it
// makes.
type castStep struct {
	cast     *cast.Cast
	name     string
	from, to int
}

func (s castStep) run(_ context.Context, f *frame) error {
	out, failed := s.cast.Apply(f.mem, f.slots[s.from])
	f.slots[s.to] = out
	f.failed(s.name, failed)
	return nil
}

// sqlStep evaluates expressions that do not depend on each other.
type sqlStep struct {
	sql   flow.SQL
	exprs []flow.Expr
	eval  flow.Evaluator
	in    *flow.Schema
	from  []int
	to    []int
}

func (s *sqlStep) fork(ctx context.Context) (step, error) {
	g := *s
	var err error
	g.eval, err = s.sql.Expressions(ctx, s.in, s.exprs)
	return &g, err
}

func (s *sqlStep) close() error {
	eval := s.eval
	s.eval = nil
	if eval == nil {
		return nil
	}
	return eval.Close()
}

func (s *sqlStep) run(ctx context.Context, f *frame) error {
	columns := make([]arrow.Array, len(s.from))
	for i, slot := range s.from {
		columns[i] = f.slots[slot]
	}
	in := array.NewRecordBatch(s.in, columns, int64(f.rows))
	defer in.Release()
	out, err := s.eval.Eval(ctx, in)
	if err != nil {
		return err
	}
	defer out.Release()
	if out.NumRows() != int64(f.rows) {
		return fault.New(LostRows, "expressions gave %d values for %d rows", out.NumRows(), f.rows)
	}
	for i, slot := range s.to {
		a := out.Column(i)
		a.Retain()
		f.slots[slot] = a
	}
	return nil
}
