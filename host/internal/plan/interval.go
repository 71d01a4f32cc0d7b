package plan

import (
	"context"
	"slices"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/parts/days"
)

// bindInterval settles where rows of other days are left out: by the reader, or
// by a filter behind the prepare steps when those do not allow that (S-501).
func (b *binder) bindInterval(ctx context.Context, i int, s *Source, narrow bool) error {
	by := s.Config.Incremental
	if !narrow {
		// The step that a survey is for stands behind those of the plan.
		b.seen.late[i] = b.ahead.endsIn(inReader) || late(s)
	}
	if !b.seen.late[i] {
		if r, ok := s.Reader.(flow.Dated); ok {
			if err := r.CheckDays(); err != nil {
				return b.problem(s.Path+".incremental", within(s.Path, err))
			}
		}
		return nil
	}
	interval := s.Request.Interval
	s.Request.Interval = flow.Interval{}
	if by == nil || b.ahead.endsIn(inReader) {
		return nil
	}
	filter := days.NewFilter(*by, interval, LateIncremental)
	step := &Step{Path: s.Path + ".incremental", Name: s.Config.ID + ": interval", Kind: observe.KindFilter, Stage: filter, In: s.Output}
	var err error
	if step.Out, err = filter.Open(ctx, s.Output); err != nil {
		return b.problem(step.Path, within(s.Path, err))
	}
	if interval.Start == nil && interval.End == nil {
		return filter.Close() // nothing is left out, not even rows without a day
	}
	s.Prepare = append(s.Prepare, step)
	s.Output = step.Out
	return nil
}

// late reports whether rows must pass the prepare steps before those of other
// days may go: a step looks at several rows at once, or makes the column that
// tells the day.
func late(s *Source) bool {
	by := s.Config.Incremental
	for i, step := range s.Prepare {
		if _, ok := step.Stage.(flow.Stateless); !ok || step.Keyed() != nil {
			return true
		}
		if by == nil {
			continue
		}
		made := append(makes(step), replaced(s.Config.Prepare[i])...)
		for _, name := range append([]string{by.Column}, by.Partitions...) {
			if name != "" && (slices.Contains(made, name) || !step.In.HasField(name) && step.Out.HasField(name)) {
				return true
			}
		}
	}
	return false
}

// makes gives the columns that a stage says it makes.
func makes(s *Step) []string {
	m, ok := s.Stage.(flow.Makes)
	if !ok {
		return nil
	}
	return slices.Clone(m.Makes())
}

// replaced gives the columns that a built-in step puts values into.
func replaced(s config.Stage) (out []string) {
	if s.Replace != nil {
		out = append(out, s.Replace.Column)
	}
	if s.ExplodeJSON != nil {
		for _, c := range s.ExplodeJSON.Schema {
			out = append(out, c.Name)
		}
	}
	return out
}
