package pipeline

import (
	"context"
	"errors"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// line is the way of rows through steps: segments of stateless stages, and
// between two of them a keyed stage behind an exchange.
type line struct {
	run      *run
	segments []segment
	memory   int64            // that one exchange may hold
	meters   []*observe.Meter // of all steps and exchanges, in order
}

// segment is a chain of stateless stages with the keyed stage that it ends
// in; the last segment of a line may have none.
type segment struct {
	links []Link
	keyed *group
}

// line lays out steps and opens their meters.
func (r *run) line(steps []*plan.Step) *line {
	l := &line{run: r, segments: make([]segment, 1)}
	meter := func(name, kind string) *observe.Meter {
		m := r.settings.Events.Meter(name, kind)
		l.meters = append(l.meters, m)
		return m
	}
	for _, s := range steps {
		last := &l.segments[len(l.segments)-1]
		keyed := s.Keyed()
		if keyed == nil {
			last.links = append(last.links, Link{Stage: s.Stage, Meter: meter(s.Name, s.Kind)})
			continue
		}
		name := s.Name + ": exchange"
		if s == r.plan.Fold {
			name = "exchange"
		}
		last.keyed = &group{line: l, step: s, stage: keyed, exchange: meter(name, observe.KindExchange)}
		last.keyed.meter = meter(s.Name, s.Kind)
		l.segments = append(l.segments, segment{})
	}
	// While one exchange is emptied the next one fills; the one before is gone.
	l.memory = r.settings.Memory / int64(min(2, max(1, len(l.segments)-1)))
	return l
}

// stream gives what comes out of the line when src goes in.
func (l *line) stream(src stream) stream {
	if len(l.segments) == 1 && len(l.segments[0].links) == 0 {
		return src
	}
	return stream{push: func(ctx context.Context, emit flow.Emit) error { return l.pass(ctx, l.segments, src, emit) }}
}

// pass sends src through segments into emit.
func (l *line) pass(ctx context.Context, segments []segment, src stream, emit flow.Emit) error {
	s := segments[0]
	if s.keyed == nil {
		return l.work(ctx, s.links, src, emit)
	}
	return s.keyed.regroup(ctx,
		func(emit flow.Emit) error { return l.work(ctx, s.links, src, emit) },
		func(out stream) error { return l.pass(ctx, segments[1:], out, emit) })
}

// work passes src through stateless stages, on as many workers as they allow.
func (l *line) work(ctx context.Context, links []Link, src stream, emit flow.Emit) error {
	if len(links) == 0 {
		return src.each(ctx, emit)
	}
	r := l.run
	first := &chain{links: links, tap: r.settings.Tap}
	chains := []*chain{first}
	// A tap sees batches in order, so one worker feeds it.
	for r.settings.Tap == nil && len(chains) < r.settings.Workers {
		c, ok, err := first.fork(ctx)
		if err != nil {
			return closeAll(chains[1:], err)
		}
		if !ok {
			break // a stage that only one worker may run
		}
		chains = append(chains, c)
	}
	err := src.pulled(ctx, func(ctx context.Context, rows next) error { return mapOrdered(ctx, rows, chains, emit) })
	return closeAll(chains[1:], err) // the first belongs to the plan
}

func closeAll(chains []*chain, err error) error {
	errs := []error{err}
	for _, c := range chains {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}
