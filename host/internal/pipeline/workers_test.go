package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// numbers gives n batches of one row each, holding 0, 1, 2 ...
func numbers(t testing.TB, n int) next {
	i := 0
	return func(ctx context.Context) (flow.Batch, error) {
		if err := ctx.Err(); err != nil {
			return flow.Batch{}, err
		}
		if i == n {
			return flow.Batch{}, io.EOF
		}
		b := hosttest.Batch(t, "n bigint", fmt.Sprint(i))
		i++
		return b, nil
	}
}

// stage is a stage made of functions; nil passes rows on.
type stage struct {
	process func(ctx context.Context, b flow.Batch, emit flow.Emit) error
	flush   func(emit flow.Emit) error
	closed  *atomic.Int64
}

func (s *stage) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) { return in, nil }
func (s *stage) Process(ctx context.Context, b flow.Batch, emit flow.Emit) error {
	if s.process == nil {
		b.Retain()
		return emit(b)
	}
	return s.process(ctx, b, emit)
}
func (s *stage) Flush(_ context.Context, emit flow.Emit) error {
	if s.flush == nil {
		return nil
	}
	return s.flush(emit)
}
func (s *stage) Close() error {
	if s.closed != nil {
		s.closed.Add(1)
	}
	return nil
}
func (s *stage) Fork(context.Context) (flow.Stage, error) { c := *s; return &c, nil }

func chainsOf(n int, stages ...flow.Stage) []*chain {
	var e observe.Events
	var out []*chain
	for range n {
		c := &chain{}
		for i, s := range stages {
			c.links = append(c.links, Link{Stage: s, Meter: e.Meter(fmt.Sprint(i), observe.KindStage)})
		}
		out = append(out, c)
	}
	return out
}

func collect(got *[]int64) flow.Emit {
	return func(b flow.Batch) error {
		defer b.Release()
		*got = append(*got, b.Record.Column(0).(*array.Int64).Int64Values()...)
		return nil
	}
}

// dawdle makes batches finish out of order.
func dawdle(ctx context.Context, b flow.Batch, emit flow.Emit) error {
	time.Sleep(time.Duration(rand.Intn(300)) * time.Microsecond)
	b.Retain()
	return emit(b)
}

func TestMapOrdered_AnyWorkers_OrderKept(t *testing.T) {
	for _, workers := range []int{1, 2, 7} {
		var got []int64
		err := mapOrdered(context.Background(), numbers(t, 200), chainsOf(workers, &stage{process: dawdle}, &stage{}), collect(&got))
		if err != nil || len(got) != 200 {
			t.Fatalf("%d workers: %d rows, %v", workers, len(got), err)
		}
		for i, v := range got {
			if v != int64(i) {
				t.Fatalf("%d workers: row %d is %d", workers, i, v)
			}
		}
	}
}

func TestMapOrdered_StageFails_ErrorAndNoLeak(t *testing.T) {
	boom := errors.New("boom")
	var seen atomic.Int64
	failing := &stage{process: func(_ context.Context, b flow.Batch, emit flow.Emit) error {
		if seen.Add(1) == 20 {
			return boom
		}
		b.Retain()
		return emit(b)
	}}
	var got []int64
	err := mapOrdered(context.Background(), numbers(t, 10_000), chainsOf(3, failing), collect(&got))
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if n := seen.Load(); n > 40 {
		t.Errorf("%d batches were processed after the error", n-20)
	}
}

func TestMapOrdered_SinkFails_ReaderStops(t *testing.T) {
	full := errors.New("disk full")
	n := 0
	err := mapOrdered(context.Background(), numbers(t, 1_000_000), chainsOf(2, &stage{}), func(b flow.Batch) error {
		b.Release()
		if n++; n == 5 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) {
		t.Fatal(err)
	}
}

func TestMapOrdered_Cancelled_CauseIsTold(t *testing.T) {
	why := errors.New("somebody pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(context.Background())
	n := 0
	err := mapOrdered(ctx, numbers(t, 1_000_000), chainsOf(2, &stage{}), func(b flow.Batch) error {
		b.Release()
		if n++; n == 5 {
			cancel(why)
		}
		return nil
	})
	if !errors.Is(err, why) {
		t.Fatal(err)
	}
}

func TestMapOrdered_SlowSink_QueueStaysSmall(t *testing.T) {
	var read, written atomic.Int64
	src := numbers(t, 300)
	counted := func(ctx context.Context) (flow.Batch, error) {
		read.Add(1)
		return src(ctx)
	}
	const workers = 2
	err := mapOrdered(context.Background(), counted, chainsOf(workers, &stage{}), func(b flow.Batch) error {
		b.Release()
		ahead := read.Load() - written.Add(1)
		if ahead > 4*workers+4 {
			t.Errorf("the reader is %d batches ahead of the sink", ahead)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestChain_FlushReachesLaterStages(t *testing.T) {
	last := &stage{flush: func(emit flow.Emit) error { return emit(hosttest.Batch(t, "n bigint", "7")) }}
	double := &stage{process: func(_ context.Context, b flow.Batch, emit flow.Emit) error {
		for range 2 {
			b.Retain()
			if err := emit(b); err != nil {
				return err
			}
		}
		return nil
	}}
	var got []int64
	err := mapOrdered(context.Background(), numbers(t, 0), chainsOf(1, last, double), collect(&got))
	if err != nil || fmt.Sprint(got) != "[7 7]" {
		t.Fatal(got, err)
	}
}

// Each stage is charged with its own time only: the times of all stages of one
// worker together cannot exceed what passed, as they would if a stage were
// charged with those behind it.
func TestChain_Meters_CountRowsAndOwnTime(t *testing.T) {
	slow := &stage{process: func(_ context.Context, b flow.Batch, emit flow.Emit) error {
		time.Sleep(2 * time.Millisecond)
		b.Retain()
		return emit(b)
	}}
	var e observe.Events
	c := &chain{links: []Link{{&stage{}, e.Meter("fast", observe.KindStage)}, {&stage{}, e.Meter("also fast", observe.KindStage)}, {slow, e.Meter("slow", observe.KindStage)}}}
	var got []int64
	start := time.Now()
	if err := mapOrdered(context.Background(), numbers(t, 10), []*chain{c}, collect(&got)); err != nil {
		t.Fatal(err)
	}
	passed := time.Since(start)
	var sum float64
	for _, s := range e.Stages() {
		if s.RowsIn != 10 || s.RowsOut != 10 || s.Batches != 10 {
			t.Errorf("counts %+v", s)
		}
		sum += s.Seconds
	}
	// A reading is rounded to a microsecond.
	if limit := (passed + 3*time.Microsecond).Seconds(); sum > limit {
		t.Errorf("the stages were charged %vs of %vs", sum, limit)
	}
}

// fixed is a partition of ready batches.
type fixed struct {
	t    testing.TB
	rows []string
	fail error
}

func (f *fixed) Next(ctx context.Context) (flow.Batch, error) {
	if err := ctx.Err(); err != nil {
		return flow.Batch{}, err
	}
	if len(f.rows) == 0 {
		if f.fail != nil {
			return flow.Batch{}, f.fail
		}
		return flow.Batch{}, io.EOF
	}
	b := hosttest.Batch(f.t, "n bigint", f.rows[0])
	f.rows = f.rows[1:]
	return b, nil
}

func TestFoldPartitions_AnyWorkers_PartitionOrderKept(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 12).Draw(rt, "sizes")
		workers, ahead := rapid.IntRange(1, 5).Draw(rt, "workers"), rapid.IntRange(0, 3).Draw(rt, "ahead")
		var parts []*fixed
		var want []int64
		for _, size := range sizes {
			p := &fixed{t: t}
			for range size {
				p.rows = append(p.rows, fmt.Sprint(len(want)))
				want = append(want, int64(len(want)))
			}
			parts = append(parts, p)
		}
		var got []int64
		var closed atomic.Int64
		fork := func(context.Context) (*chain, error) { return chainsOf(1, &stage{closed: &closed})[0], nil }
		if err := foldPartitions(context.Background(), parts, workers, ahead, fork, collect(&got)); err != nil {
			rt.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("got %v, want %v", got, want)
		}
		if int(closed.Load()) != len(parts) {
			rt.Fatalf("%d of %d copies were closed", closed.Load(), len(parts))
		}
	})
}

func TestFoldPartitions_Errors_EndEverything(t *testing.T) {
	boom := errors.New("boom")
	long := func() []*fixed {
		var out []*fixed
		for range 6 {
			out = append(out, &fixed{t: t, rows: strings.Split(strings.Repeat("1 ", 40)+"1", " ")})
		}
		return out
	}
	fork := func(context.Context) (*chain, error) { return chainsOf(1, &stage{})[0], nil }
	drop := func(b flow.Batch) error { b.Release(); return nil }
	t.Run("reading", func(t *testing.T) {
		parts := long()
		parts[3].fail = boom
		if err := foldPartitions(context.Background(), parts, 2, 2, fork, drop); !errors.Is(err, boom) {
			t.Fatal(err)
		}
	})
	t.Run("opening", func(t *testing.T) {
		bad := func(context.Context) (*chain, error) { return nil, boom }
		if err := foldPartitions(context.Background(), long(), 2, 2, bad, drop); !errors.Is(err, boom) {
			t.Fatal(err)
		}
	})
	t.Run("writing", func(t *testing.T) {
		full := func(b flow.Batch) error { b.Release(); return boom }
		if err := foldPartitions(context.Background(), long(), 2, 2, fork, full); !errors.Is(err, boom) {
			t.Fatal(err)
		}
	})
}

// A reader or a spilled partition that was cut short wraps io.EOF. Taken for
// the end, the rest of the rows would be missing and nobody would notice.
func TestRun_WrappedEOF_IsAFailure(t *testing.T) {
	short := fmt.Errorf("file cut short: %w", io.EOF)
	drop := func(b flow.Batch) error { b.Release(); return nil }
	broken := func(context.Context) (flow.Batch, error) { return flow.Batch{}, short }
	if err := mapOrdered(context.Background(), broken, chainsOf(2, &stage{}), drop); !errors.Is(err, short) {
		t.Errorf("a reader cut short: %v", err)
	}
	fork := func(context.Context) (*chain, error) { return chainsOf(1, &stage{})[0], nil }
	parts := []*fixed{{t: t, rows: []string{"1"}, fail: short}}
	if err := foldPartitions(context.Background(), parts, 2, 2, fork, drop); !errors.Is(err, short) {
		t.Errorf("a partition cut short: %v", err)
	}
}
