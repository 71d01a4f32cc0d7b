package pipeline

import (
	"context"
	"io"

	"github.com/featurehost/featurehost/host/flow"
)

// next gives batches until io.EOF; the caller owns each.
type next func(context.Context) (flow.Batch, error)

// stream is rows in order. They are either fetched by next or pushed into an
// Emit until there are no more; the other way is made of the one there is.
type stream struct {
	next next
	push func(ctx context.Context, emit flow.Emit) error
}

// each hands every batch to emit, one call at a time.
func (s stream) each(ctx context.Context, emit flow.Emit) error {
	if s.push != nil {
		return s.push(ctx, emit)
	}
	for {
		b, err := s.next(ctx)
		if flow.Ended(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := emit(b); err != nil {
			return err
		}
	}
}

// pulled lets use fetch the batches. It returns when use has and all work for
// the stream has ended; what use did not fetch is given back.
func (s stream) pulled(ctx context.Context, use func(context.Context, next) error) error {
	if s.next != nil {
		return use(ctx, s.next)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pipe := make(chan flow.Batch, ahead)
	var failed error // settled once pipe is closed
	go func() {
		defer close(pipe)
		failed = s.push(ctx, func(b flow.Batch) error {
			select {
			case pipe <- b:
				return nil
			case <-ctx.Done():
				b.Release()
				return context.Cause(ctx)
			}
		})
	}()
	err := use(ctx, func(context.Context) (flow.Batch, error) {
		b, ok := <-pipe
		switch {
		case ok:
			return b, nil
		case failed != nil:
			return flow.Batch{}, failed
		default:
			return flow.Batch{}, io.EOF
		}
	})
	cancel()
	for b := range pipe {
		b.Release()
	}
	return err
}
