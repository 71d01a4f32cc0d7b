package featureset

import (
	"context"
	"errors"

	"github.com/featurehost/featurehost/host/flow"
)

// chain runs a keyed stage: the rows of each of its parts pass through the
// windows that the next part begins with.
type chain struct {
	parts   []*copyOf
	windows []flow.Stage // windows[i] stand between parts[i] and parts[i+1]
	out     *flow.Schema
}

// newChain opens a copy of a keyed stage, numbered from 1. whole tells that the
// stage ends with its last part; else it ends with the windows before that.
func (s *Set) newChain(ctx context.Context, stage int, whole bool) (c *chain, err error) {
	c = &chain{}
	defer func() {
		if err != nil {
			_ = c.close()
		}
	}()
	parts := s.design.of(stage)
	for i, p := range parts {
		if i > 0 {
			w := s.newEvents(s.design.stages[stage-1].barriers[i-1].spec)
			c.windows = append(c.windows, w)
			if c.out, err = w.Open(ctx, c.out); err != nil {
				return nil, placed(err, "feature_set.feature")
			}
			if i == len(parts)-1 && !whole {
				break
			}
		}
		one, err := newCopy(ctx, s, s.design, p)
		if err != nil {
			return nil, err
		}
		c.parts = append(c.parts, one)
		c.out = p.schema
	}
	return c, nil
}

// schema is that of the rows that leave the stage.
func (c *chain) schema() *flow.Schema { return c.out }

// process feeds a batch, borrowed.
func (c *chain) process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	return c.parts[0].process(ctx, in, c.into(ctx, 0, emit))
}

// into takes the rows of a part to what comes behind it.
func (c *chain) into(ctx context.Context, i int, emit flow.Emit) flow.Emit {
	if i == len(c.windows) {
		return emit
	}
	return func(b flow.Batch) error {
		defer b.Release()
		return c.windows[i].Process(ctx, b, c.behind(ctx, i, emit))
	}
}

// behind takes the rows of windows to the part behind them.
func (c *chain) behind(ctx context.Context, i int, emit flow.Emit) flow.Emit {
	if i+1 == len(c.parts) {
		return emit
	}
	return func(b flow.Batch) error {
		defer b.Release()
		return c.parts[i+1].process(ctx, b, c.into(ctx, i+1, emit))
	}
}

// flush hands on what the windows hold back, the first windows first.
func (c *chain) flush(ctx context.Context, emit flow.Emit) error {
	for i, w := range c.windows {
		if err := w.Flush(ctx, c.behind(ctx, i, emit)); err != nil {
			return err
		}
	}
	return nil
}

func (c *chain) close() error {
	var err error
	for _, w := range c.windows {
		err = errors.Join(err, w.Close())
	}
	for _, p := range c.parts {
		err = errors.Join(err, p.close())
	}
	return err
}
