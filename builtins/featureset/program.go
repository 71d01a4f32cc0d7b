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

// program is what Open compiled.
type program struct {
	out       *flow.Schema
	head      []step // keys and timestamp
	tail      []step // what is computed of the rows that stay
	keys      []int
	from, at  int    // timestamp: column read, column made
	complaint string // what a value is told that is no timestamp
	outputs   []int
	evals     []flow.Evaluator
	reads     []string
	slots     int
}

// step makes columns of one batch from columns made before.
type step interface {
	run(ctx context.Context, f *frame) error
}

// frame holds the columns of one batch while steps run: one slot per column,
// each owned by the frame.
type frame struct {
	mem   memory.Allocator
	in    arrow.RecordBatch
	kept  []runs.Run // rows of in that go on; nil for all
	rows  int
	slots []arrow.Array
	count flow.Counter
}

// reset readies the frame for a batch of another record.
func (f *frame) reset(in arrow.RecordBatch) {
	f.in, f.kept, f.rows = in, nil, int(in.NumRows())
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
	f.kept, f.rows = kept, runs.Rows(kept)
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
	eval flow.Evaluator
	in   *flow.Schema
	from []int
	to   []int
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
