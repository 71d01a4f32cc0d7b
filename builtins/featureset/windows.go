package featureset

import (
	"fmt"
	"time"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

func aggregatePlace(feature, function int) string {
	return fmt.Sprintf("%s.aggregate[%d]", featurePlace(feature), function)
}

// spec says to the windows what this set asks of them.
func (s *Set) spec(in *flow.Schema) (window.Spec, error) {
	// A group holds rows, and so does a window of Group: only values of a pivot
	// can be absent (S-931).
	spec := window.Spec{Keys: s.Keys(), Time: timestampColumn, EmptyNull: s.profile.EmptyWindowNull}
	for _, o := range s.aggregation.outputs {
		a, err := s.windowAggregate(o, in)
		if err != nil {
			return spec, err
		}
		spec.Aggregates = append(spec.Aggregates, a)
	}
	if d := s.cfg.Distinct; d != nil {
		spec.Distinct = &window.Distinct{Columns: d.Subset, First: d.Keep == "first"}
	}
	w := s.cfg.Windows
	if w == nil {
		return spec, nil
	}
	zone, err := s.zone()
	if err != nil {
		return spec, err
	}
	spec.Zone = zone
	for _, r := range w.Rolling {
		spec.Windows = append(spec.Windows, length(r, zone))
	}
	spec.Slide = length(w.Slide, zone)
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
	// A label at which nothing changes makes a duplicate. Rows before the
	// interval are of use only for the removal of duplicates after the cut.
	spec.OnlyChanges = s.cfg.DeduplicateRows
	if s.interval.Start != nil && (s.profile.CutBeforeDedup || !s.cfg.DeduplicateRows) {
		first := s.interval.Start.Micros()
		spec.FirstLabel = &first
	}
	if s.interval.End != nil {
		last := (*s.interval.End + 1).Micros() - 1
		spec.LastLabel = &last
	}
	return spec, nil
}

// windowAggregate says what one aggregate asks of the windows.
func (s *Set) windowAggregate(o aggregate, in *flow.Schema) (window.Aggregate, error) {
	f, place := s.cfg.Features[o.feature], aggregatePlace(o.feature, o.function)
	fn := f.Aggregate[o.function]
	a := window.Aggregate{
		Column: o.input, Where: o.lane, OverflowNull: f.OnOverflow == "null", Outputs: o.names,
		Params: window.Params{P: fn.P, K: fn.K, RSD: fn.RSD},
	}
	var ok bool
	if a.Function, ok = window.FunctionByName(fn.Name); !ok {
		return a, unknownFunction(fn.Name, place)
	}
	if err := a.Params.Check(a.Function); err != nil {
		return a, placed(err, place)
	}
	if s.profile.TextModes {
		switch a.Function {
		case window.Mode:
			a.Function = window.ModeText
		case window.MostFrequentSet:
			a.Function = window.MostFrequentSetText
		}
	}
	column := in.FieldIndices(o.input)
	if len(column) == 0 {
		return a, fault.New(NotSelected, "select made no column %q", o.input)
	}
	if _, err := window.ResultType(a.Function, in.Field(column[0]).Type); err != nil {
		return a, placed(err, place)
	}
	return a, nil
}

// zone gives the time zone of the windows; nil is UTC.
func (s *Set) zone() (*time.Location, error) {
	name := s.cfg.Windows.Zone
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fault.New(BadWindow, "%q is no time zone", name).At("feature_set.windows.zone").
			WithHint(`write an area and a city, as in "America/Sao_Paulo"`)
	}
	return zone, nil
}

// length gives a span to the windows. Days are those of a calendar only where
// a zone makes them longer or shorter than 24 hours (S-907).
func length(s config.TimeSpan, zone *time.Location) window.Length {
	switch {
	case s.Months() > 0:
		return window.Length{Months: int(s.Months())}
	case zone != nil && s.Days() > 0:
		return window.Length{Days: int(s.Days())}
	}
	return window.Length{Micros: s.Micros}
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
