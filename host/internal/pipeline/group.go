package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/exchange"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// group is a keyed stage with the exchange in front of it.
type group struct {
	line     *line
	step     *plan.Step
	stage    flow.Keyed // opened; each partition gets a copy
	exchange *observe.Meter
	meter    *observe.Meter
}

// ahead is how many batches a partition may finish before its turn.
const ahead = 8

// regroup fills an exchange with what fill emits, and then lets use empty it
// through the keyed stage.
func (g *group) regroup(ctx context.Context, fill func(flow.Emit) error, use func(stream) error) (err error) {
	r := g.line.run
	partitions := r.settings.partitions
	if partitions == 0 {
		partitions = 4 * r.settings.Workers
	}
	x, err := exchange.New(exchange.Options{
		Schema: g.step.In, Order: g.stage.Order(), MemoryBytes: g.line.memory, Scratch: r.settings.Scratch,
		Workers: r.settings.Workers, Partitions: partitions, BatchRows: r.settings.BatchRows, Allocator: r.settings.allocator,
	})
	if err != nil {
		return g.placed(err)
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	var entered int64
	err = fill(func(b flow.Batch) error {
		defer b.Release()
		entered += b.Rows()
		g.exchange.In(b.Rows())
		return g.placed(x.Add(ctx, b))
	})
	if err != nil {
		return err
	}
	start := time.Now()
	extent, err := x.Finish(ctx)
	g.exchange.Busy(time.Since(start))
	if err != nil {
		return g.placed(err)
	}
	g.exchange.Out(extent.Rows)
	if extent.Rows != entered {
		return g.placed(fault.New(RowsLost, "%d rows entered the exchange, %d are in it", entered, extent.Rows))
	}
	if g.step == r.plan.Fold {
		r.result.Extent, r.result.Input = extent, entered
	}
	return use(stream{push: func(ctx context.Context, emit flow.Emit) error { return g.drain(ctx, x, extent, emit) }})
}

// drain passes the partitions through copies of the stage. When it is done the
// exchange is gone, so that the next one may sort in its place.
func (g *group) drain(ctx context.Context, x *exchange.Exchange, extent flow.Extent, emit flow.Emit) error {
	r := g.line.run
	workers := r.settings.Workers
	if r.settings.Tap != nil {
		workers = 1 // as a tap sees batches in order
	}
	err := foldPartitions(ctx, x.Partitions(), workers, ahead, func(ctx context.Context) (*chain, error) {
		s, err := g.stage.Fork(ctx)
		if err != nil {
			return nil, err
		}
		if bounded, ok := s.(flow.Bounded); ok {
			bounded.Bound(extent)
		}
		return &chain{links: []Link{{Stage: s, Meter: g.meter}}, tap: r.settings.Tap}, nil
	}, emit)
	r.exchanged(x.Stats())
	if err != nil {
		return err
	}
	if st := g.meter.Stats(); g.step != r.plan.Fold && g.step.Kind != observe.KindFold && st.RowsOut != extent.Rows {
		return g.placed(fault.New(RowsLost, "%d rows went in and %d came out; it should hand on one row for each", extent.Rows, st.RowsOut))
	}
	return x.Close()
}

// placed says which stage's exchange an error is about.
func (g *group) placed(err error) error {
	if f := fault.As(err); f != nil && f.Place == "" {
		return f.At("stage %q", g.step.Name)
	}
	return err
}
