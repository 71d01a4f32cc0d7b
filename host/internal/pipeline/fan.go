package pipeline

import (
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/crash"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// fan hands every batch of the feature table to the outputs; those that want
// only the newest row of a key get it through the latest stage, and those with
// steps of their own through these.
type fan struct {
	ctx    context.Context
	run    *run
	latest *chain // nil when no output without steps wants it
}

func (r *run) fan(ctx context.Context) *fan {
	f := &fan{ctx: ctx, run: r}
	link := func(s *plan.Step, kind string) Link {
		return Link{Stage: s.Stage, Meter: r.settings.Events.Meter(s.Name, kind)}
	}
	for i := range r.outputs {
		switch o := &r.outputs[i]; {
		case len(o.Steps) > 0:
			o.chain = &chain{tap: r.settings.Tap}
			for _, s := range o.Steps {
				o.chain.links = append(o.chain.links, link(s, observe.KindSinkStage))
			}
			if o.Latest != nil {
				o.chain.links = append(o.chain.links, link(o.Latest, observe.KindSinkStage))
			}
		case o.Newest && f.latest == nil:
			f.latest = &chain{links: []Link{link(r.plan.Latest, r.plan.Latest.Kind)}}
		}
	}
	for i := range r.outputs {
		r.outputs[i].meter = r.settings.Events.Meter(r.outputs[i].Name, observe.KindSink)
	}
	return f
}

// write takes ownership of a batch of the feature table.
func (f *fan) write(b flow.Batch) error {
	defer b.Release()
	f.run.result.Features += b.Rows()
	f.date(b)
	for i := range f.run.outputs {
		o := &f.run.outputs[i]
		var err error
		switch {
		case o.chain != nil:
			err = o.chain.process(f.ctx, b, f.into(o))
		case !o.Newest:
			err = f.to(o, b)
		}
		if err != nil {
			return err
		}
	}
	if f.latest == nil {
		return nil
	}
	return f.latest.process(f.ctx, b, f.newest)
}

// date keeps the greatest timestamp of the feature table.
func (f *fan) date(b flow.Batch) {
	r := &f.run.result
	for _, i := range b.Record.Schema().FieldIndices(f.run.plan.Fold.Keyed().Order().Time) {
		times, ok := b.Record.Column(i).(*array.Timestamp)
		if !ok {
			continue
		}
		for k, t := range times.TimestampValues() {
			if times.IsValid(k) && (!r.Dated || int64(t) > r.Last) {
				r.Last, r.Dated = int64(t), true
			}
		}
	}
}

// newest hands newest rows, which it takes ownership of, to the outputs without
// steps that want them.
func (f *fan) newest(b flow.Batch) error {
	defer b.Release()
	for i := range f.run.outputs {
		if o := &f.run.outputs[i]; o.Newest && o.chain == nil {
			if err := f.to(o, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// into writes what comes out of an output's own steps.
func (f *fan) into(o *Output) flow.Emit {
	return func(b flow.Batch) error {
		defer b.Release()
		return f.to(o, b)
	}
}

// to writes a batch to one output.
func (f *fan) to(o *Output, b flow.Batch) error {
	o.meter.In(b.Rows())
	start := time.Now()
	err := o.Write(f.ctx, b)
	o.meter.Busy(time.Since(start))
	if err == nil {
		o.meter.Out(b.Rows())
	}
	return err
}

func (f *fan) flush(ctx context.Context) error {
	for i := range f.run.outputs {
		if o := &f.run.outputs[i]; o.chain != nil {
			if err := o.chain.flush(ctx, f.into(o)); err != nil {
				return err
			}
			if err := o.lost(f.run.settings.Events); err != nil {
				return err
			}
		}
	}
	if f.latest == nil {
		return nil
	}
	return f.latest.flush(ctx, f.newest)
}

// lost tells of a step that has not handed on a row for each that it did not turn
// down, and is no filter.
func (o *Output) lost(e *observe.Events) error {
	for i, s := range o.Steps {
		st, turned := o.chain.links[i].Meter.Stats(), turnedDown(e, s.Name)
		if s.Kind == observe.KindStage && st.RowsIn != st.RowsOut+turned {
			return fault.New(RowsLost, "%d rows went in, %d were turned down and %d came out; it should hand on one row for each", st.RowsIn, turned, st.RowsOut).At("stage %q", s.Name)
		}
	}
	return nil
}

// turnedDown counts the rows that a stage's plugin failed on and that were
// rejected or skipped.
func turnedDown(e *observe.Events, stage string) int64 {
	return e.Labels(crash.CountRejected)[stage] + e.Labels(crash.CountSkipped)[stage]
}
