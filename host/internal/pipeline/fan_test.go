package pipeline

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// TestRun_OutputSteps_ThatOutputAlone: each output gets the feature table, or
// what its own steps make of it (P6).
func TestRun_OutputSteps_ThatOutputAlone(t *testing.T) {
	byK := flow.Order{Keys: []string{"k"}, Time: "t"}
	rows := randomTuples(rand.New(rand.NewPCG(8, 9)), 3000, 40)
	w := newWorld()
	set := []*plan.Step{w.times(1), w.running(byK)}
	whole := naive(slices.Clone(rows), set)
	own := []*plan.Step{w.times(7), w.without(3)}
	latest := w.total(flow.Order{Keys: []string{"k"}})
	shared := w.total(flow.Order{Keys: []string{"k"}})
	var all, few, newest, newestFew []tuple
	outputs := []Output{w.collected(&newest), w.collected(&few), w.collected(&all), w.collected(&newestFew)}
	outputs[0].Newest = true
	outputs[1].Steps = own
	outputs[3].Newest, outputs[3].Steps, outputs[3].Latest = true, []*plan.Step{w.without(2)}, latest
	for i, name := range []string{"newest", "few", "all", "newest few"} {
		outputs[i].Name = name
	}
	p := w.planOf(&tuples{w: w, rows: slices.Clone(rows), size: 31}, nil, nil, set)
	p.Latest = shared
	s := w.settings(t)
	result, err := Run(t.Context(), p, s, outputs)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(all, whole) || result.Features != int64(len(whole)) {
		t.Errorf("%d rows of %d, %d counted", len(all), len(whole), result.Features)
	}
	if !slices.Equal(few, naive(whole, own)) {
		t.Error("other rows than its steps make in memory")
	}
	if !slices.Equal(newest, grouped(shared, whole)) || !slices.Equal(newestFew, grouped(latest, naive(whole, outputs[3].Steps))) {
		t.Error("other newest rows than in memory")
	}
	for _, m := range s.Events.Stages() {
		if m.Kind == observe.KindSink && m.Name == "few" && m.RowsIn != int64(len(few)) || m.Kind == observe.KindFilter {
			t.Errorf("counted %+v", m)
		}
	}
}

// grouped applies a keyed step to rows as they stand.
func grouped(s *plan.Step, rows []tuple) (out []tuple) {
	k := s.Stage.(*keyed)
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(x tuple) bool { return !k.same(rows[0], x) })
		if n < 0 {
			n = len(rows)
		}
		out = append(out, k.apply(flow.Extent{}, rows[:n])...)
		rows = rows[n:]
	}
	return out
}

// A step of an output that fails, or that loses rows without being a filter,
// ends the run.
func TestRun_OutputStepFailsOrLosesRows_Told(t *testing.T) {
	boom := errors.New("boom")
	run := func(edit func(*Output, *world)) error {
		w := newWorld()
		var got []tuple
		out := w.collected(&got)
		out.Steps = []*plan.Step{w.without(2)}
		edit(&out, w)
		r := &tuples{w: w, rows: randomTuples(rand.New(rand.NewPCG(1, 1)), 100, 5), size: 9}
		_, err := Run(t.Context(), w.planOf(r, nil, nil, []*plan.Step{w.times(1), w.running(flow.Order{Keys: []string{"k"}, Time: "t"})}), w.settings(t), []Output{out})
		return err
	}
	if err := run(func(o *Output, _ *world) { o.Steps[0].Kind = observe.KindStage }); !fault.Is(err, RowsLost) || !strings.Contains(err.Error(), `stage "without 2"`) {
		t.Errorf("lost rows: %v", err)
	}
	if err := run(func(o *Output, _ *world) {
		o.Write = func(context.Context, flow.Batch) error { return boom }
	}); !errors.Is(err, boom) {
		t.Errorf("the sink fails: %v", err)
	}
	if err := run(func(*Output, *world) {}); err != nil {
		t.Error(err)
	}
}
