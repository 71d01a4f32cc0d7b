package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

func randomTuples(r *rand.Rand, n int, keys int64) []tuple {
	out := make([]tuple, n)
	for i := range out {
		out[i] = tuple{r.Int64N(keys) - keys/2, r.Int64N(3), r.Int64N(10), r.Int64N(100)}
	}
	return out
}

func randomOrder(rt *rapid.T) flow.Order {
	return rapid.SampledFrom([]flow.Order{
		{Keys: []string{"k"}, Time: "t"},
		{Keys: []string{"g"}, Then: []string{"t", "v"}},
		{Keys: []string{"k", "g"}, Then: []string{"v"}},
		{Keys: []string{"g", "k"}, Time: "t", Ties: []string{"v"}},
		{Keys: []string{"t"}},
		{Then: []string{"v"}},
		{Time: "t"},
	}).Draw(rt, "order")
}

func (w *world) randomSteps(rt *rapid.T, most int) (out []*plan.Step) {
	for range rapid.IntRange(0, most).Draw(rt, "steps") {
		switch rapid.IntRange(0, 4).Draw(rt, "step") {
		case 0:
			out = append(out, w.times(rapid.Int64Range(2, 5).Draw(rt, "times")))
		case 1:
			out = append(out, w.without(rapid.Int64Range(2, 5).Draw(rt, "without")))
		case 2:
			out = append(out, w.alone(1))
		case 3:
			out = append(out, w.running(randomOrder(rt)))
		case 4:
			out = append(out, w.total(randomOrder(rt)))
		}
	}
	return out
}

// TestRun_KeyedStepsAnywhere_AsInMemory: any chain of stateless and keyed steps
// gives what a naive evaluation of them gives, for any cut into batches,
// workers, partitions and budget; nothing is left behind.
// Rules: S-301, S-303, S-1601, S-1602.
func TestRun_KeyedStepsAnywhere_AsInMemory(t *testing.T) {
	scratch := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld()
		rows := randomTuples(rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)), rapid.SampledFrom([]int{0, 1, 20, 300}).Draw(rt, "rows"), 9)
		prepare, steps := w.randomSteps(rt, 4), w.randomSteps(rt, 3)
		set := []*plan.Step{w.times(1)}
		if rapid.Bool().Draw(rt, "window") {
			set = append(set, w.running(randomOrder(rt)), w.times(3))
		}
		set = append(set, w.running(flow.Order{Keys: []string{"k"}, Time: "t"}))
		chain := slices.Concat(prepare, steps, set)
		want := naive(rows, chain)

		s := w.settings(t)
		s.Scratch = scratch
		s.Workers = rapid.SampledFrom([]int{1, 2, 3}).Draw(rt, "workers")
		s.partitions = rapid.SampledFrom([]int{1, 2, 7}).Draw(rt, "partitions")
		s.BatchRows = rapid.SampledFrom([]int{1, 5, 1000}).Draw(rt, "batch rows")
		s.Memory = rapid.SampledFrom([]int64{1 << 15, 1 << 26}).Draw(rt, "memory")
		var tapped []tuple
		tap := chain[rapid.IntRange(0, len(chain)-1).Draw(rt, "tap")]
		if rapid.Bool().Draw(rt, "tapped") {
			s.Tap = func(stage string, b flow.Batch) error {
				if stage == tap.Name {
					tapped = append(tapped, tuplesOf(b.Record)...)
				}
				return nil
			}
		}
		var got []tuple
		r := &tuples{w: w, rows: slices.Clone(rows), size: rapid.SampledFrom([]int{1, 7, 1000}).Draw(rt, "cut")}
		result, err := Run(context.Background(), w.planOf(r, prepare, steps, set), s, []Output{w.collected(&got)})
		if err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%s of %d rows: got\n%v, want\n%v", nameOf(chain), len(rows), got, want)
		}
		if result.Features != int64(len(want)) || result.Read["r"].Rows != int64(len(rows)) {
			rt.Fatalf("%+v", result)
		}
		if w.mem.CurrentAlloc() != 0 || open(prepare, steps, set) != 0 || r.closed.Load() != 1 {
			rt.Fatalf("left: %d bytes, %d copies of stages; the reader was closed %d times", w.mem.CurrentAlloc(), open(prepare, steps, set), r.closed.Load())
		}
		// The tap saw what left the step, in order, when its name is its own.
		if s.Tap != nil && strings.Count(nameOf(chain)+",", tap.Name+",") == 1 {
			i := slices.Index(chain, tap)
			if through := naive(rows, chain[:i+1]); !slices.Equal(tapped, through) {
				rt.Fatalf("the tap at %s saw %d rows, want %d", tap.Name, len(tapped), len(through))
			}
		}
	})
}

// long is a pipeline with everything: steps of all kinds on both sides of
// three exchanges.
func long(w *world) (prepare, steps, set []*plan.Step) {
	byK, byG := flow.Order{Keys: []string{"k"}, Time: "t"}, flow.Order{Keys: []string{"g"}, Then: []string{"v"}}
	return []*plan.Step{w.times(2), w.running(byG), w.without(7)},
		[]*plan.Step{w.total(flow.Order{Keys: []string{"k", "g"}, Time: "t"}), w.alone(1)},
		[]*plan.Step{w.times(3), w.running(byK)}
}

// TestRun_AnyStepFails_ToldAndNothingLeft: whatever fails, or is cancelled, at
// any moment, is told, and no goroutine, batch or copy of a stage is left.
func TestRun_AnyStepFails_ToldAndNothingLeft(t *testing.T) {
	rows := randomTuples(rand.New(rand.NewPCG(2, 3)), 100, 9)
	scratch := t.TempDir()
	for _, memory := range []int64{1 << 26, 1 << 15} {
		for _, cancels := range []bool{false, true} {
			t.Run(fmt.Sprintf("memory %d, cancelled %t", memory, cancels), func(t *testing.T) {
				told, stride := 0, 1
				if memory < 1<<20 { // spilling takes its time
					stride = 8
				}
				for at := 1; ; at += stride {
					w := newWorld()
					ctx, cancel := context.WithCancelCause(context.Background())
					boom := fmt.Errorf("boom at step %d", at)
					w.at, w.stop = at, func() error { return boom }
					if cancels {
						w.stop = func() error { cancel(boom); return nil }
					}
					prepare, steps, set := long(w)
					r := &tuples{w: w, rows: slices.Clone(rows), size: 20}
					s := w.settings(t)
					s.Memory, s.Scratch, s.Workers = memory, scratch, 3
					var got []tuple
					_, err := Run(ctx, w.planOf(r, prepare, steps, set), s, []Output{w.collected(&got)})
					cancel(nil)
					if w.mem.CurrentAlloc() != 0 || open(prepare, steps, set) != 0 {
						t.Fatalf("step %d: %d bytes and %d copies of stages are left", at, w.mem.CurrentAlloc(), open(prepare, steps, set))
					}
					if w.step < at { // at is beyond the last step
						if err != nil {
							t.Fatal(err)
						}
						break
					}
					switch {
					case errors.Is(err, boom):
						told++
					case err != nil:
						t.Fatalf("step %d: %v", at, err)
					case !cancels || len(got) < len(naive(rows, slices.Concat(prepare, steps, set))):
						t.Fatalf("step %d: nobody was told", at)
					}
				}
				if told < 40/stride {
					t.Errorf("only %d failures were told", told)
				}
			})
		}
	}
}

// TestRun_SeveralExchanges_ShareTheBudget: two exchanges alive at once hold
// half the budget each; what does not fit is spilled, and nothing is lost.
func TestRun_SeveralExchanges_ShareTheBudget(t *testing.T) {
	rows := randomTuples(rand.New(rand.NewPCG(4, 5)), 50_000, 50)
	byK, byG := flow.Order{Keys: []string{"k"}, Time: "t"}, flow.Order{Keys: []string{"g"}, Then: []string{"v"}}
	const memory = 2 << 20
	var peaks []int64
	for _, between := range []int{0, 1, 2} {
		w := newWorld()
		steps := []*plan.Step{w.times(1), w.running(byG), w.running(byK)}[:1+between]
		set := []*plan.Step{w.times(1), w.running(byK)}
		var got []tuple
		s := w.settings(t)
		s.Memory, s.BatchRows = memory, 256
		r := &tuples{w: w, rows: slices.Clone(rows), size: 500}
		result, err := Run(t.Context(), w.planOf(r, nil, steps, set), s, []Output{w.collected(&got)})
		if err != nil {
			t.Fatal(err)
		}
		if want := naive(rows, slices.Concat(steps, set)); !slices.Equal(got, want) {
			t.Errorf("%d keyed steps: other rows than in memory", between)
		}
		alive := int64(min(2, between+1))
		if x := result.Exchange; x.Spilled == 0 || x.PeakBytes > memory/alive {
			t.Errorf("%d keyed steps: %+v, each may hold %d", between, x, memory/alive)
		}
		peaks = append(peaks, result.Exchange.PeakBytes)
	}
	if peaks[0] <= memory/2 {
		t.Errorf("one exchange alone held %d of %d bytes", peaks[0], memory)
	}
}

// TestRun_ManyExchanges_TwoAliveAtMost: an exchange that was emptied is gone
// before the next one sorts (P5).
func TestRun_ManyExchanges_TwoAliveAtMost(t *testing.T) {
	const n, bytes = 40_000, 40_000 * 4 * 8
	rows := randomTuples(rand.New(rand.NewPCG(4, 5)), n, 5000)
	byK := flow.Order{Keys: []string{"k"}, Time: "t"}
	w := newWorld()
	steps := []*plan.Step{w.running(byK), w.running(byK), w.running(byK), w.running(byK)}
	set := []*plan.Step{w.times(1), w.running(byK)}
	got := 0
	out := Output{Name: "out", Write: func(_ context.Context, b flow.Batch) error { got += int(b.Rows()); return w.tick() }}
	s := w.settings(t)
	s.Memory, s.BatchRows = 1<<30, 256
	r := &tuples{w: w, rows: rows, size: 500}
	if _, err := Run(t.Context(), w.planOf(r, nil, steps, set), s, []Output{out}); err != nil || got != n {
		t.Fatalf("%d rows, %v", got, err)
	}
	if w.peak < bytes || w.peak > bytes*5/2 {
		t.Errorf("%d bytes were held at once; the rows of one exchange have %d", w.peak, bytes)
	}
}

// One key holds all rows of a keyed step: one partition, whatever was asked.
func TestRun_HotKey_AsInMemory(t *testing.T) {
	rows := randomTuples(rand.New(rand.NewPCG(6, 7)), 20_000, 1)
	w := newWorld()
	steps := []*plan.Step{w.times(2), w.running(flow.Order{Keys: []string{"k"}, Then: []string{"t"}}), w.times(3)}
	set := []*plan.Step{w.times(1), w.running(flow.Order{Keys: []string{"g"}, Time: "t"})}
	var got []tuple
	s := w.settings(t)
	s.Memory, s.BatchRows, s.partitions = 1<<20, 1000, 7
	r := &tuples{w: w, rows: slices.Clone(rows), size: 1000}
	if _, err := Run(t.Context(), w.planOf(r, nil, steps, set), s, []Output{w.collected(&got)}); err != nil {
		t.Fatal(err)
	}
	if want := naive(rows, slices.Concat(steps, set)); !slices.Equal(got, want) {
		t.Error("other rows than in memory")
	}
}

// Rule: S-1608.
func TestRun_KeyedStepLosesRows_Told(t *testing.T) {
	for _, folds := range []bool{false, true} {
		w := newWorld()
		lossy := w.total(flow.Order{Keys: []string{"k"}})
		lossy.Stage.(*keyed).folds = folds
		lossy.Name, lossy.Kind = "lossy", observe.KindStage
		if folds {
			lossy.Kind = observe.KindFold
		}
		r := &tuples{w: w, rows: randomTuples(rand.New(rand.NewPCG(1, 1)), 100, 5), size: 9}
		var got []tuple
		_, err := Run(t.Context(), w.planOf(r, nil, []*plan.Step{lossy}, []*plan.Step{w.times(1), w.running(flow.Order{Keys: []string{"k"}, Time: "t"})}), w.settings(t), []Output{w.collected(&got)})
		if folds && err != nil || !folds && (!fault.Is(err, RowsLost) || !strings.Contains(err.Error(), `stage "lossy"`)) {
			t.Errorf("folds %t: %v", folds, err)
		}
	}
}

// A stage that asks for an order which its rows do not have is named.
func TestRun_OrderDoesNotFit_StageNamed(t *testing.T) {
	w := newWorld()
	bad := w.running(flow.Order{Keys: []string{"absent"}})
	r := &tuples{w: w, rows: randomTuples(rand.New(rand.NewPCG(1, 1)), 10, 5), size: 9}
	_, err := Run(t.Context(), w.planOf(r, []*plan.Step{bad}, nil, []*plan.Step{w.times(1), w.running(flow.Order{})}), w.settings(t), nil)
	if !fault.Is(err, 8033) || !strings.HasPrefix(err.Error(), `stage "running": `) {
		t.Error(err)
	}
}

// The summary names every step, and the exchange in front of it, in the order
// of the rows' way.
func TestRun_Meters_NameEveryStep(t *testing.T) {
	w := newWorld()
	prepare, steps, set := long(w)
	steps[0].Name, set[1].Name = "pivot#2", "set"
	s := w.settings(t)
	r := &tuples{w: w, rows: randomTuples(rand.New(rand.NewPCG(1, 1)), 100, 5), size: 9}
	var got []tuple
	result, err := Run(t.Context(), w.planOf(r, prepare, steps, set), s, []Output{w.collected(&got)})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	in := map[string]int64{}
	for _, m := range s.Events.Stages() {
		names = append(names, m.Name+" "+m.Kind)
		in[m.Name] = m.RowsIn
		if m.Kind == observe.KindExchange && m.RowsIn != m.RowsOut {
			t.Errorf("%+v", m)
		}
	}
	want := []string{
		"r reader", "times 2 stage", "running: exchange exchange", "running stage", "without 7 filter",
		"pivot#2: exchange exchange", "pivot#2 fold", "alone 1 stage", "times 3 feature_set", "exchange exchange", "set feature_set", "out sink",
	}
	if !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	if in["running: exchange"] != 100 || in["exchange"] != in["alone 1"] || result.Input != in["exchange"] {
		t.Errorf("rows in: %v, input %d", in, result.Input)
	}
}

// TestRows_PlanWithoutSet_RowsOfItsSteps is what a survey reads, and that it
// may stop early.
func TestRows_PlanWithoutSet_RowsOfItsSteps(t *testing.T) {
	rows := randomTuples(rand.New(rand.NewPCG(8, 9)), 500, 5)
	for _, stateless := range []bool{false, true} {
		for _, most := range []int{0, 1, 10_000} {
			w := newWorld()
			prepare, steps, set := long(w)
			if stateless {
				prepare, steps = []*plan.Step{w.times(2)}, nil
			}
			r := &tuples{w: w, rows: slices.Clone(rows), size: 20}
			p := w.planOf(r, prepare, steps, set)
			p.Before, p.Fold = nil, nil
			var got []tuple
			enough := errors.New("enough")
			err := Rows(t.Context(), p, w.settings(t), func(ctx context.Context, next func(context.Context) (flow.Batch, error)) error {
				for len(got) < most {
					b, err := next(ctx)
					if flow.Ended(err) {
						return nil
					}
					if err != nil {
						return err
					}
					got = append(got, tuplesOf(b.Record)...)
					b.Release()
				}
				if most == 1 {
					return enough
				}
				return nil
			})
			want := naive(rows, slices.Concat(prepare, steps))
			if (most == 1) != errors.Is(err, enough) || most == 10_000 && !slices.Equal(got, want) || !slices.Equal(got, want[:len(got)]) {
				t.Errorf("up to %d rows: %v, %d rows", most, err, len(got))
			}
			if w.mem.CurrentAlloc() != 0 || open(prepare, steps) != 0 || r.closed.Load() != 1 {
				t.Errorf("up to %d rows: %d bytes, %d copies left", most, w.mem.CurrentAlloc(), open(prepare, steps))
			}
		}
	}
}
