package prepare

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/internal/runs"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// Filter keeps the rows whose SQL condition is true; null is not true. Rows
// keep their order and columns. What it leaves out is counted as "filtered"
// under the text of the condition.
//
// It is a flow.Stateless and tells by Reads which columns the condition looks
// at. A batch that passes whole is handed on without a copy.
// Rule: S-502.
type Filter struct {
	where string
	env   flow.Env
	mem   memory.Allocator

	in   *flow.Schema
	eval flow.Evaluator
	keep []runs.Run // reused from batch to batch
}

// NewFilter is the parts.StageFactory of `use = "filter"`.
func NewFilter(cfg config.Stage, _ parts.Place, env flow.Env) (flow.Stage, error) {
	if cfg.Where == "" {
		return nil, fault.New(BadCondition, "a filter has no condition").At("where").
			WithHint(`add where = "...", a SQL condition that is true for the rows to keep`)
	}
	return &Filter{where: cfg.Where, env: env, mem: memory.DefaultAllocator}, nil
}

// Open compiles the condition over in.
func (f *Filter) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	if f.env.SQL == nil {
		return nil, fault.New(BadCondition, "the filter was lent no SQL engine to read %q with", f.where).At("where")
	}
	eval, err := f.env.SQL.Expressions(ctx, in, []flow.Expr{{Name: "keep", SQL: f.where}})
	if err != nil {
		return nil, err
	}
	if t := eval.Schema().Field(0).Type; t.ID() != arrow.BOOL {
		_ = eval.Close()
		return nil, fault.New(BadCondition, "the condition %q gives %s, not a boolean", f.where, schema.TypeName(t)).
			At("where").WithHint("write a comparison, for example %q", "("+f.where+") <> 0")
	}
	f.in, f.eval = in, eval
	return in, nil
}

// Reads names the columns of the condition.
func (f *Filter) Reads() []string { return f.eval.Columns() }

// Process hands on the rows that pass.
func (f *Filter) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	n := int(in.Rows())
	if n == 0 {
		return nil
	}
	result, err := f.eval.Eval(ctx, in.Record)
	if err != nil {
		return err
	}
	defer result.Release()
	condition, ok := result.Column(0).(*array.Boolean)
	if !ok || condition.Len() != n {
		return fault.New(ConditionOffStep, "the condition %q gave %d values for %d rows", f.where, result.NumRows(), n)
	}
	f.keep = runs.True(f.keep[:0], condition)
	kept := runs.Rows(f.keep)
	if kept < n {
		f.env.Counter.Add("filtered", f.where, int64(n-kept))
	}
	if kept == 0 {
		return nil
	}
	out := flow.Batch{Record: runs.Record(f.mem, in.Record, f.keep)}
	if len(f.keep) == 1 && in.Position.Object != "" {
		// One run is still a run of the object; of several, only the first row
		// would have the right place.
		out.Position = in.Position
		out.Position.Row += int64(f.keep[0].From)
	}
	return emit(out)
}

// Flush has nothing left.
func (f *Filter) Flush(context.Context, flow.Emit) error { return nil }

// Close gives the compiled condition back.
func (f *Filter) Close() error {
	if f.eval == nil {
		return nil
	}
	err := f.eval.Close()
	f.eval = nil
	return err
}

// Fork opens another copy for another worker.
func (f *Filter) Fork(ctx context.Context) (flow.Stage, error) {
	g := &Filter{where: f.where, env: f.env, mem: f.mem}
	if _, err := g.Open(ctx, f.in); err != nil {
		return nil, err
	}
	return g, nil
}
