package pipeline

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/exchange"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// Settings of a run.
type Settings struct {
	Workers   int
	BatchRows int
	// Memory that exchanges may hold together, in bytes.
	Memory  int64
	Scratch string
	Events  *observe.Events
	// Queries runs [query]; needed when the plan has one.
	Queries plan.Queries
	// Spill writes batches to a Parquet file; Read gives them back.
	Spill func(ctx context.Context, name string, s *flow.Schema, next func(context.Context) (flow.Batch, error)) (string, error)
	Read  func(path string) (flow.Reader, error)
	// Tap sees every batch, borrowed, that leaves the named stage, in order.
	// Calls for different stages may come at the same time.
	Tap func(stage string, b flow.Batch) error

	partitions int              // of an exchange; 0 is four for each worker
	allocator  memory.Allocator // of exchanges; nil is Go's heap
}

// Output takes the feature table, one batch at a time, borrowed, in key order.
// Newest asks for the newest row of each key only. Steps stand between the
// feature table and this output alone, row-wise, with Latest behind them where
// only the newest row is asked for.
type Output struct {
	Name   string
	Newest bool
	Steps  []*plan.Step
	Latest *plan.Step
	Write  func(ctx context.Context, b flow.Batch) error
	meter  *observe.Meter
	chain  *chain // of Steps and Latest; nil without
}

// Result tells what went through.
type Result struct {
	Read     map[string]flow.ReadStats // by reader
	Query    int64                     // rows the query gave
	Input    int64                     // rows that entered the feature set's fold
	Features int64                     // rows of the feature table
	Last     int64                     // greatest timestamp of the feature table, when it has rows with one
	Dated    bool
	Extent   flow.Extent    // of the rows that entered the fold
	Exchange exchange.Stats // of all exchanges together; Rows and PeakBytes are the greatest of one
}

// Run reads the plan's sources to their end and writes the feature table to
// the outputs.
func Run(ctx context.Context, p *plan.Plan, s Settings, outputs []Output) (Result, error) {
	r := newRun(p, s)
	r.outputs = outputs
	err := r.all(ctx)
	return r.result, cause(ctx, err)
}

// Rows hands use the rows of a plan that ends before its feature set, in
// order. use need not read them to their end.
func Rows(ctx context.Context, p *plan.Plan, s Settings, use func(ctx context.Context, next func(context.Context) (flow.Batch, error)) error) error {
	r := newRun(p, s)
	return cause(ctx, r.read(ctx, func(src stream, steps []*plan.Step) error {
		return r.line(steps).stream(src).pulled(ctx, func(ctx context.Context, n next) error { return use(ctx, n) })
	}))
}

type run struct {
	plan     *plan.Plan
	settings Settings
	outputs  []Output
	result   Result
}

func newRun(p *plan.Plan, s Settings) *run {
	return &run{plan: p, settings: s, result: Result{Read: map[string]flow.ReadStats{}}}
}

func (r *run) all(ctx context.Context) error {
	return r.read(ctx, func(src stream, steps []*plan.Step) error {
		l := r.line(append(append(steps, r.plan.Before...), r.plan.Fold))
		out := r.fan(ctx)
		if err := l.stream(src).each(ctx, out.write); err != nil {
			return err
		}
		return out.flush(ctx)
	})
}

// read opens what the steps of the plan read: the only reader, or the query's
// rows. use gets it with the steps that stand between it and the feature set.
func (r *run) read(ctx context.Context, use func(stream, []*plan.Step) error) (err error) {
	var src *source
	var steps []*plan.Step
	if r.plan.Query != nil {
		src, err = r.query(ctx)
	} else {
		s := r.plan.Sources[0]
		src, err = r.open(ctx, s)
		steps = append(steps, s.Prepare...)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	return use(stream{next: src.Next}, append(steps, r.plan.Steps...))
}

// exchanged adds up what the exchanges did.
func (r *run) exchanged(s exchange.Stats) {
	x := &r.result.Exchange
	x.Rows, x.PeakBytes = max(x.Rows, s.Rows), max(x.PeakBytes, s.PeakBytes)
	x.Runs += s.Runs
	x.Spilled += s.Spilled
}
