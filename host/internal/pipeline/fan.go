package pipeline

import (
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
)

// fan hands every batch of the feature table to the outputs; those that want
// only the newest row of a key get it through the latest stage.
type fan struct {
	ctx    context.Context
	run    *run
	latest *chain // nil when no output wants it
}

func (r *run) fan(ctx context.Context) *fan {
	f := &fan{ctx: ctx, run: r}
	for i := range r.outputs {
		o := &r.outputs[i]
		if o.Newest && f.latest == nil {
			f.latest = &chain{links: []Link{{
				Stage: r.plan.Latest.Stage,
				Meter: r.settings.Events.Meter(r.plan.Latest.Name, r.plan.Latest.Kind),
			}}}
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
	if err := f.to(b, false); err != nil {
		return err
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

func (f *fan) newest(b flow.Batch) error {
	defer b.Release()
	return f.to(b, true)
}

// to writes a batch to the outputs of one kind.
func (f *fan) to(b flow.Batch, newest bool) error {
	for i := range f.run.outputs {
		o := &f.run.outputs[i]
		if o.Newest != newest {
			continue
		}
		o.meter.In(b.Rows())
		start := time.Now()
		err := o.Write(f.ctx, b)
		o.meter.Busy(time.Since(start))
		if err != nil {
			return err
		}
		o.meter.Out(b.Rows())
	}
	return nil
}

func (f *fan) flush(ctx context.Context) error {
	if f.latest == nil {
		return nil
	}
	return f.latest.flush(ctx, f.newest)
}
