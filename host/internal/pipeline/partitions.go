package pipeline

import (
	"context"
	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/host/flow"
)

// part is one range of keys, read in order.
type part interface {
	Next(ctx context.Context) (flow.Batch, error)
}

// output carries what one partition gave to the writer, in order.
type output chan flow.Batch

// foldPartitions passes each partition through a chain of its own (fork makes
// one) and hands the output to emit, one call at a time, partition by
// partition. At most workers partitions are open at once; a partition whose
// turn has not come may hold `ahead` batches.
func foldPartitions[P part](ctx context.Context, parts []P, workers, ahead int, fork func(context.Context) (*chain, error), emit flow.Emit) error {
	g, gctx := errgroup.WithContext(ctx)
	outputs := make([]output, len(parts))
	for i := range outputs {
		outputs[i] = make(output, ahead)
	}
	turn := make(chan int)
	g.Go(func() error {
		defer close(turn)
		for i := range parts {
			select {
			case turn <- i:
			case <-gctx.Done():
				return gctx.Err()
			}
		}
		return nil
	})
	for range min(workers, len(parts)) {
		g.Go(func() error {
			for i := range turn {
				if err := foldOne(gctx, parts[i], fork, outputs[i]); err != nil {
					return err
				}
				close(outputs[i])
			}
			return nil
		})
	}
	g.Go(func() error {
		for _, out := range outputs {
			if err := forward(gctx, out, emit); err != nil {
				return err
			}
		}
		return nil
	})
	err := g.Wait()
	for _, out := range outputs {
		discard(out)
	}
	return cause(ctx, err)
}

// foldOne folds a partition into its output.
func foldOne(ctx context.Context, p part, fork func(context.Context) (*chain, error), out output) (err error) {
	c, err := fork(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if e := c.close(); err == nil {
			err = e
		}
	}()
	send := func(b flow.Batch) error {
		if b.Rows() == 0 {
			b.Release()
			return nil
		}
		select {
		case out <- b:
			return nil
		case <-ctx.Done():
			b.Release()
			return ctx.Err()
		}
	}
	for {
		b, err := p.Next(ctx)
		if flow.Ended(err) {
			return c.flush(ctx, send)
		}
		if err != nil {
			return err
		}
		err = c.process(ctx, b, send)
		b.Release()
		if err != nil {
			return err
		}
	}
}

// forward hands on one partition's output until it is closed.
func forward(ctx context.Context, out output, emit flow.Emit) error {
	for {
		select {
		case b, ok := <-out:
			if !ok {
				return nil
			}
			if err := emit(b); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// discard releases what nobody took; all senders have ended.
func discard(out output) {
	for {
		select {
		case b, ok := <-out:
			if !ok {
				return
			}
			b.Release()
		default:
			return
		}
	}
}
