package featureset

import (
	"context"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Events computes windows over other partitions than the keys, or in another
// order than that of time, and the features that read them and come before the
// next exchange. It hands on one row for each it gets.
//
// Counts: cast_failures by column.
// Rules: S-801..S-806, S-301.
type Events struct {
	set   *Set
	stage int // its number, from 1
	in    *flow.Schema
	chain *chain
}

// Open settles names and types. It needs Select open.
func (e *Events) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	d := e.set.design
	if d == nil || e.stage > len(d.stages) || in.NumFields() != len(d.entry(e.stage).fields) {
		return nil, fault.New(NotSelected, "windows were opened on rows that select did not make")
	}
	var err error
	if e.chain, err = e.set.newChain(ctx, e.stage, !e.set.schedule.stacks[e.stage]); err != nil {
		return nil, err
	}
	e.in = in
	return e.chain.schema(), nil
}

// Order asks for the rows of a partition in order, ties in the total order of
// S-301.
func (e *Events) Order() flow.Order {
	d := e.set.design
	k, rows := d.stages[e.stage-1], d.entry(e.stage)
	o := flow.Order{Keys: rows.names(k.partition)}
	o.Then, o.Ties = d.order.within(rows, true)
	if k.timed {
		o.Time = rows.name(k.order)
	} else {
		o.Then = append([]string{rows.name(k.order), timestampColumn}, o.Then...)
	}
	return o
}

// Fork opens another copy for another range of partitions.
func (e *Events) Fork(ctx context.Context) (flow.Stage, error) {
	g := &Events{set: e.set, stage: e.stage}
	_, err := g.Open(ctx, e.in)
	return g, err
}

// Process computes one batch.
func (e *Events) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	if in.Rows() == 0 {
		return nil
	}
	return e.chain.process(ctx, in, emit)
}

// Flush emits what the windows still hold.
func (e *Events) Flush(ctx context.Context, emit flow.Emit) error { return e.chain.flush(ctx, emit) }

// Close ends the windows.
func (e *Events) Close() error {
	c := e.chain
	e.chain = nil
	if c == nil {
		return nil
	}
	return c.close()
}

// newEvents makes the windows of a barrier.
func (s *Set) newEvents(spec window.EventSpec) flow.Stage { return window.NewEvents(spec) }
