package window_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
)

// drawSpec draws windows and rules of rows; unit is what times are multiples
// of.
func drawSpec(t *rapid.T) (spec window.Spec, unit, from, to int64) {
	spec = window.Spec{
		Keys: []string{"k"}, Time: "ts",
		Grid:        rapid.SampledFrom([]window.Grid{window.EndsOnMultiples, window.StartsOnMultiples}).Draw(t, "grid"),
		Rows:        rapid.SampledFrom([]window.Rows{window.Changes, window.WithData, window.EveryLabel}).Draw(t, "rows"),
		OnlyChanges: rapid.Bool().Draw(t, "only changes"),
		EmptyNull:   rapid.Bool().Draw(t, "empty null"),
	}
	if spec.Rows != window.Changes && rapid.Bool().Draw(t, "null keys never match") {
		spec.NullKeys = window.NullNeverMatches
	}
	unit, from, to = 1, -40, 60
	spec.Slide.Micros = rapid.Int64Range(1, 8).Draw(t, "slide")
	if spec.Rows == window.EveryLabel {
		unit, from, to = flow.MicrosPerDay/4, -20, 30
		spec.Slide.Micros = flow.MicrosPerDay
	}
	for range rapid.IntRange(1, 3).Draw(t, "windows") {
		w := spec.Slide.Micros
		if spec.Rows == window.EveryLabel {
			w += rapid.Int64Range(0, 12).Draw(t, "half days") * flow.MicrosPerDay / 2
		} else {
			w += rapid.Int64Range(0, 30).Draw(t, "more")
		}
		spec.Windows = append(spec.Windows, window.Length{Micros: w})
	}
	if rapid.IntRange(0, 3).Draw(t, "bounded") == 0 {
		last := rapid.Int64Range(from, to+20).Draw(t, "last") * unit
		spec.LastLabel = &last
	}
	return spec, unit, from, to
}

// drawLanes gives aggregates conditions, and the spec a distinct.
func drawLanes(t *rapid.T, spec *window.Spec) {
	if rapid.Bool().Draw(t, "distinct") {
		spec.Distinct = &window.Distinct{
			Columns: rapid.SampledFrom([][]string{{"s"}, {"f"}, {"g", "b"}, {"b"}, {"d", "i", "n"}}).Draw(t, "tuple"),
			First:   rapid.Bool().Draw(t, "first"),
		}
	}
	switch rapid.IntRange(0, 2).Draw(t, "lanes") {
	case 0: // each its own
		for i := range spec.Aggregates {
			spec.Aggregates[i].Where = rapid.SampledFrom([]string{"", "b", "p", "q"}).Draw(t, "where")
		}
	case 1: // no lane of all rows
		for i := range spec.Aggregates {
			spec.Aggregates[i].Where = rapid.SampledFrom([]string{"b", "q"}).Draw(t, "where")
		}
	}
}

// Rules: S-914, S-916, S-917, S-931, S-1601, S-1607.
func TestSweep_LanesAndDistinct_SameAsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, unit, from, to := drawSpec(t)
		spec.Aggregates = something(t, len(spec.Windows), rapid.SampledFrom([][]string{{"f", "i", "s"}, {"g", "n", "b", "d"}, {"s", "f"}}).Draw(t, "columns")...)
		drawLanes(t, &spec)
		events := drawEvents(t, unit, from, to, rapid.Bool().Draw(t, "null keys"))
		cuts := drawCuts(t, len(events))
		want := oracleRows(spec, events)
		differ(t, rowsOf(t, window.NewSweep(spec), events, cuts...), want)
		differ(t, rowsOf(t, window.NewSweep(spec), events), want)
	})
}

// Rules: S-914, S-916, S-917, S-931, S-1601, S-1607.
func TestGroup_LanesAndDistinct_SameAsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := window.Spec{Keys: []string{"k"}, Time: "ts", Aggregates: something(t, 1, "f", "i", "s", "b"), EmptyNull: rapid.Bool().Draw(t, "empty null")}
		drawLanes(t, &spec)
		events := drawEvents(t, 1, 0, 6, true)
		cuts := drawCuts(t, len(events))
		want := oracleGroups(spec, events)
		differ(t, rowsOf(t, window.NewGroup(spec), events, cuts...), want)
		differ(t, rowsOf(t, window.NewGroup(spec), events), want)
	})
}

// Rules: S-905, S-906, S-910, S-1601, S-1607.
func TestSweep_SameAsOracle_AnyCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, unit, from, to := drawSpec(t)
		spec.Aggregates = everything(len(spec.Windows), "f", "i", "s", "g", "n", "b", "d")
		events := drawEvents(t, unit, from, to, rapid.Bool().Draw(t, "null keys"))
		cuts := drawCuts(t, len(events))
		want := oracleRows(spec, events)
		differ(t, rowsOf(t, window.NewSweep(spec), events, cuts...), want)
		differ(t, rowsOf(t, window.NewSweep(spec), events), want)
	})
}

// Rules: S-901, S-1601, S-1607.
func TestGroup_SameAsOracle_AnyCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := window.Spec{Keys: []string{"k"}, Time: "ts", Aggregates: everything(1, "f", "i", "s", "g", "n", "b", "d")}
		events := drawEvents(t, 1, 0, 10, true)
		cuts := drawCuts(t, len(events))
		want := oracleGroups(spec, events)
		differ(t, rowsOf(t, window.NewGroup(spec), events, cuts...), want)
		differ(t, rowsOf(t, window.NewGroup(spec), events), want)
	})
}

// inOrder reports a function of the order of rows.
func inOrder(f window.Function) bool {
	switch f {
	case window.First, window.Last, window.FirstNonNull, window.LastNonNull, window.CollectList, window.FirstK, window.LastK, window.Skewness, window.Kurtosis:
		return true
	}
	return false
}

// Functions that merge do not see the order of ties (S-1602).
func TestSweep_TiesInAnyOrder_SameRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, unit, from, to := drawSpec(t)
		for _, f := range window.Functions() {
			if !inOrder(f) {
				spec.Aggregates = append(spec.Aggregates, aggregate("f", f, len(spec.Windows)), aggregate("i", f, len(spec.Windows)))
			}
		}
		events := drawEvents(t, unit*5, from/5, to/5, false)
		other := rapid.Permutation(events).Draw(t, "other")
		sortEvents(other)
		differ(t, rowsOf(t, window.NewSweep(spec), other), rowsOf(t, window.NewSweep(spec), events))
	})
}

// The rows of a key do not depend on other keys (S-915), but for the last
// label, which is fixed here.
// Rule: S-1610.
func TestSweep_OtherKeys_ChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, unit, from, to := drawSpec(t)
		if spec.Rows == window.EveryLabel {
			spec.Rows = window.Changes // its first label depends on all keys
			spec.NullKeys = window.NullIsEqual
		}
		last := to * unit
		spec.LastLabel = &last
		spec.Aggregates = everything(len(spec.Windows), "f", "i", "s")
		events := drawEvents(t, unit, from, to, false)
		var alone []string
		for _, key := range byKey(events) {
			alone = append(alone, rowsOf(t, window.NewSweep(spec), key)...)
		}
		differ(t, rowsOf(t, window.NewSweep(spec), events), alone)
	})
}
