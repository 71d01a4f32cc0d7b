package featureset

import (
	"fmt"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// windows is the number of rolling windows; 0 when the set has none.
func (s *Set) windows() int {
	if s.cfg.Windows == nil {
		return 0
	}
	return len(s.cfg.Windows.Rolling)
}

func aggregatePlace(feature, function int) string {
	return fmt.Sprintf("%s.aggregate[%d]", featurePlace(feature), function)
}

// spec says to the windows what this set asks of them.
func (s *Set) spec(in *flow.Schema) (window.Spec, error) {
	spec := window.Spec{Keys: s.Keys(), Time: timestampColumn}
	for i, f := range s.cfg.Features {
		names := s.outputNames(f)
		each := max(1, s.windows())
		for k, fn := range f.Aggregate {
			place := aggregatePlace(i, k)
			function, ok := window.FunctionByName(fn.Name)
			if !ok {
				return spec, unknownFunction(fn.Name, place)
			}
			column := in.FieldIndices(source(f))
			if len(column) == 0 {
				return spec, fault.New(NotSelected, "select made no column %q", source(f))
			}
			if _, err := window.ResultType(function, in.Field(column[0]).Type); err != nil {
				return spec, placed(err, place)
			}
			spec.Aggregates = append(spec.Aggregates, window.Aggregate{
				Column: source(f), Function: function, Outputs: names[k*each : (k+1)*each],
			})
		}
	}
	w := s.cfg.Windows
	if w == nil {
		return spec, nil
	}
	for _, r := range w.Rolling {
		spec.Windows = append(spec.Windows, window.Length{Micros: r.Micros})
	}
	spec.Slide.Micros = w.Slide.Micros
	spec.EmptyNull = s.profile.EmptyWindowNull
	if s.profile.StartGrid {
		spec.Grid = window.StartsOnMultiples
	}
	if s.profile.NullKeysLoseWindows {
		spec.NullKeys = window.NullNeverMatches
	}
	switch {
	case s.profile.BaseTableSlide != "" && w.Slide.Text == s.profile.BaseTableSlide:
		spec.Rows = window.EveryLabel
	case s.profile.BaseTableSlide != "" || w.Rows == "with_data":
		spec.Rows = window.WithData
	default:
		spec.Rows = window.Changes
	}
	// A label at which nothing changes makes a duplicate, unless the cut takes
	// away the row it duplicates.
	spec.OnlyChanges = s.cfg.DeduplicateRows && !(s.profile.CutBeforeDedup && s.interval.Start != nil)
	if s.interval.End != nil {
		last := (*s.interval.End + 1).Micros() - 1
		spec.LastLabel = &last
	}
	return spec, nil
}

func unknownFunction(name, place string) error {
	var known []string
	for _, f := range window.Functions() {
		known = append(known, f.String())
	}
	e := fault.New(BadFeature, "unknown aggregate function %q", name).At("%s", place)
	if near := fault.Suggest(name, known); near != "" {
		return e.WithHint("did you mean %q?", near)
	}
	return e.WithHint("the functions are %s", list(known))
}

// newWindows makes the stage that aggregates.
func (s *Set) newWindows(in *flow.Schema) (flow.Stage, error) {
	spec, err := s.spec(in)
	if err != nil {
		return nil, err
	}
	if s.cfg.Windows == nil {
		return window.NewGroup(spec), nil
	}
	return window.NewSweep(spec), nil
}
