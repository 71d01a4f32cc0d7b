package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
)

// Link is an opened stage and the meter that counts it.
type Link struct {
	Stage flow.Stage
	Meter *observe.Meter
}

// chain passes batches through stages one after the other. One goroutine at a
// time uses it.
type chain struct {
	links []Link
	// below is the time spent downstream of the stage that is running, so
	// that each stage is charged with its own time only.
	below time.Duration
	tap   func(stage string, b flow.Batch) error // may be nil
}

// fork makes a chain of copies for another worker; ok is false when a stage
// has no copies.
func (c *chain) fork(ctx context.Context) (fork *chain, ok bool, err error) {
	fork = &chain{tap: c.tap}
	for _, l := range c.links {
		s, stateless := l.Stage.(flow.Stateless)
		if !stateless {
			return nil, false, fork.close()
		}
		copied, err := s.Fork(ctx)
		if err != nil {
			return nil, false, errors.Join(err, fork.close())
		}
		fork.links = append(fork.links, Link{Stage: copied, Meter: l.Meter})
	}
	return fork, true, nil
}

// process sends a batch, borrowed, through all stages.
func (c *chain) process(ctx context.Context, b flow.Batch, emit flow.Emit) error {
	return c.from(ctx, 0, b, emit)
}

// from sends a batch, borrowed, through the stages from i on.
func (c *chain) from(ctx context.Context, i int, b flow.Batch, emit flow.Emit) error {
	if b.Rows() == 0 {
		return nil
	}
	if i == len(c.links) {
		b.Retain()
		return emit(b)
	}
	link := c.links[i]
	link.Meter.In(b.Rows())
	return c.timed(link, func() error { return link.Stage.Process(ctx, b, c.after(ctx, i, emit)) })
}

// flush ends the input of all stages, first to last.
func (c *chain) flush(ctx context.Context, emit flow.Emit) error {
	for i, link := range c.links {
		if err := c.timed(link, func() error { return link.Stage.Flush(ctx, c.after(ctx, i, emit)) }); err != nil {
			return err
		}
	}
	return nil
}

// after is what stage i emits to.
func (c *chain) after(ctx context.Context, i int, emit flow.Emit) flow.Emit {
	return func(b flow.Batch) error {
		defer b.Release()
		start := time.Now()
		c.links[i].Meter.Out(b.Rows())
		if c.tap != nil {
			if err := c.tap(c.links[i].Meter.Name, b); err != nil {
				return err
			}
		}
		err := c.from(ctx, i+1, b, emit)
		c.below += time.Since(start)
		return err
	}
}

// timed charges a stage with the time of a call, less what was downstream.
func (c *chain) timed(link Link, call func() error) error {
	outer, start := c.below, time.Now()
	c.below = 0
	err := call()
	link.Meter.Busy(time.Since(start) - c.below)
	c.below = outer
	return err
}

// close closes the stages.
func (c *chain) close() error {
	var errs []error
	for _, l := range c.links {
		errs = append(errs, l.Stage.Close())
	}
	return errors.Join(errs...)
}
