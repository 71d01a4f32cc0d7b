package pipeline

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/host/flow"
)

// job is one batch and the place where its output appears. Its fields belong
// to the worker that took it until done is closed.
type job struct {
	in   flow.Batch
	out  []flow.Batch
	done chan struct{}
}

// release gives back whatever the job still owns.
func (j *job) release() {
	if j.in.Record != nil {
		j.in.Release()
		j.in.Record = nil
	}
	for _, b := range j.out {
		b.Release()
	}
	j.out = nil
}

// mapOrdered passes every batch of src through one of the chains and hands the
// output to emit, one call at a time, in the order of the input. When src ends
// the chains are flushed one after the other.
func mapOrdered(ctx context.Context, src next, chains []*chain, emit flow.Emit) error {
	g, gctx := errgroup.WithContext(ctx)
	order := make(chan *job, 2*len(chains)+1) // jobs in the order of the input
	queue := make(chan *job, len(chains))     // the same jobs, to whichever worker is free
	var taken *job                            // by the emitter, when it had to stop

	g.Go(func() error {
		defer close(order)
		defer close(queue)
		for {
			b, err := src(gctx)
			if flow.Ended(err) {
				return nil
			}
			if err != nil {
				return err
			}
			j := &job{in: b, done: make(chan struct{})}
			select {
			case order <- j:
			case <-gctx.Done():
				j.release()
				return gctx.Err()
			}
			select {
			case queue <- j:
			case <-gctx.Done():
				return gctx.Err()
			}
		}
	})
	for _, c := range chains {
		g.Go(func() error {
			for {
				select {
				case <-gctx.Done():
					return gctx.Err()
				case j, ok := <-queue:
					if !ok {
						return nil
					}
					if err := c.work(gctx, j); err != nil {
						return err
					}
				}
			}
		})
	}
	g.Go(func() error {
		for j := range order {
			taken = j
			select {
			case <-j.done:
			case <-gctx.Done():
				return gctx.Err()
			}
			for len(j.out) > 0 {
				b := j.out[0]
				j.out = j.out[1:]
				if err := emit(b); err != nil {
					return err
				}
			}
			taken = nil
		}
		return nil
	})

	err := g.Wait()
	if taken != nil {
		taken.release()
	}
	for j := range order { // closed by the reader of src
		j.release()
	}
	if err != nil {
		return cause(ctx, err)
	}
	for _, c := range chains {
		if err := c.flush(ctx, emit); err != nil {
			return err
		}
	}
	return nil
}

// work processes one job. On an error the job stays undone: the emitter ends
// by the cancelled context instead.
func (c *chain) work(ctx context.Context, j *job) error {
	err := c.process(ctx, j.in, func(b flow.Batch) error {
		j.out = append(j.out, b)
		return nil
	})
	if err != nil {
		return err
	}
	j.in.Release()
	j.in.Record = nil
	close(j.done)
	return nil
}

// cause prefers the reason why the caller's context ended over the echo of it.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}
