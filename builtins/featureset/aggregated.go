package featureset

import (
	"fmt"
	"sort"
	"strings"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

// aggregation is what an aggregated set asks of the windows, settled by the
// pipeline file alone: Select makes the input columns it names, Fold the
// outputs.
type aggregation struct {
	outputs []aggregate // in the order of their columns
	// columns are the inputs that are visible columns, by name; keys and
	// timestamp are not among them.
	columns    []named
	conditions []condition // each text once
	nulled     []nulled    // compat
	lanes      []lane
}

// aggregate is one function over one input column: one column of the feature
// table, or one for each rolling window.
type aggregate struct {
	feature, function int
	input             string // column of Select's rows
	lane              string // boolean column of Select's rows, "" for all rows
	names             []string
}

// named is a column with the key of the pipeline file that names it.
type named struct{ name, place string }

// condition is a `where`.
type condition struct{ sql, place string }

// nulled is a column whose values are null where a condition is not true
// (S-916, compat).
type nulled struct {
	name      string
	column    named
	condition int
}

// lane is a boolean column: true in rows that meet a condition, and that hold
// a value of the pivot. Either may be -1 for none.
type lane struct {
	name             string
	condition, value int
}

// newAggregation settles what the set aggregates.
func (s *Set) newAggregation() *aggregation {
	a := &aggregation{}
	have := map[string]bool{timestampColumn: true}
	for _, k := range s.cfg.Keys {
		have[k.Name] = true
	}
	use := func(n named) {
		if !have[n.name] {
			have[n.name] = true
			a.columns = append(a.columns, n)
		}
	}
	for i, f := range s.cfg.Features {
		use(sourceOf(f, i))
	}
	if d := s.cfg.Distinct; d != nil {
		for i, name := range d.Subset {
			use(named{name, fmt.Sprintf("feature_set.distinct.subset[%d]", i)})
		}
	}
	sort.Slice(a.columns, func(i, j int) bool { return a.columns[i].name < a.columns[j].name })
	// Hidden columns take no name that is in use.
	hidden := func(name string) string {
		name = "fh_" + name
		for have[name] {
			name += "_"
		}
		have[name] = true
		return name
	}
	conditions := make([]int, len(s.cfg.Features))
	inputs := make([]string, len(s.cfg.Features))
	for i, f := range s.cfg.Features {
		inputs[i], conditions[i] = source(f), -1
		if f.Where == "" {
			continue
		}
		c := a.condition(condition{f.Where, featurePlace(i) + ".where"})
		if s.profile.WhereMakesNull {
			inputs[i] = a.null(sourceOf(f, i), c, hidden)
		} else {
			conditions[i] = c
		}
	}
	values := []int{-1}
	if p := s.cfg.Pivot; p != nil {
		values = values[:0]
		for v := range p.Values {
			values = append(values, v)
		}
	}
	for _, v := range values {
		for i, f := range s.cfg.Features {
			l := a.lane(conditions[i], v, hidden)
			for k, fn := range f.Aggregate {
				a.outputs = append(a.outputs, aggregate{
					feature: i, function: k, input: inputs[i], lane: l, names: s.aggregateNames(f, fn, v),
				})
			}
		}
	}
	return a
}

// condition gives the number of a condition, which is there once.
func (a *aggregation) condition(c condition) int {
	for i, known := range a.conditions {
		if known.sql == c.sql {
			return i
		}
	}
	a.conditions = append(a.conditions, c)
	return len(a.conditions) - 1
}

func (a *aggregation) null(column named, condition int, hidden func(string) string) string {
	for _, n := range a.nulled {
		if n.column.name == column.name && n.condition == condition {
			return n.name
		}
	}
	name := hidden(fmt.Sprintf("%s_where_%d", column.name, condition))
	a.nulled = append(a.nulled, nulled{name, column, condition})
	return name
}

func (a *aggregation) lane(condition, value int, hidden func(string) string) string {
	if condition < 0 && value < 0 {
		return ""
	}
	for _, l := range a.lanes {
		if l.condition == condition && l.value == value {
			return l.name
		}
	}
	var parts []string
	if value >= 0 {
		parts = append(parts, fmt.Sprintf("pivot_%d", value))
	}
	if condition >= 0 {
		parts = append(parts, fmt.Sprintf("where_%d", condition))
	}
	name := hidden(strings.Join(parts, "_"))
	a.lanes = append(a.lanes, lane{name, condition, value})
	return name
}

// sourceOf gives the column that feature i is made from.
func sourceOf(f config.Feature, i int) named {
	return named{source(f), sourcePlace(f, featurePlace(i))}
}

// checkAggregated refuses what an aggregated feature cannot have, and settings
// of aggregated sets in a plain one.
func (s *Set) checkAggregated() error {
	if err := s.checkWindows(); err != nil {
		return err
	}
	if !s.aggregated {
		for _, w := range []struct {
			is  bool
			key string
		}{{s.cfg.Pivot != nil, "pivot"}, {s.cfg.Distinct != nil, "distinct"}} {
			if w.is {
				return fault.New(BadPivot, "%s needs features with `aggregate`", w.key).At("feature_set.%s", w.key).
					WithHint("give every feature `aggregate`, or remove it")
			}
		}
		return nil
	}
	for i, f := range s.cfg.Features {
		place := featurePlace(i)
		for _, other := range []struct {
			is        bool
			key, hint string
		}{
			{f.SQL != "", "sql", "compute the column in [query] or a stage, and aggregate it by from"},
			{f.Type != "", "type", fmt.Sprintf(`give the type to a function: { function = "avg", type = %q }`, f.Type)},
			{len(f.Function) > 0, "function", "functions of one value belong to a plain set"},
			{f.Use != "", "use", "use the plugin as a [[stage]], and aggregate its column by from"},
			{f.H3 != nil, "h3", "make the cell a key, or compute it in a set of its own"},
			{len(f.Stack) > 0, "stack", "make the stack a key, or aggregate its columns one by one"},
		} {
			if other.is {
				return fault.New(BadFeature, "feature %q has both aggregate and %s", f.Name, other.key).At("%s.%s", place, other.key).
					WithHint("%s", other.hint)
			}
		}
	}
	if p := s.cfg.Pivot; p != nil && len(p.Values) == 0 {
		return fault.New(BadPivot, "pivot has no values").At("feature_set.pivot.values").WithHint(`name them: values = ["a", "b"]`)
	}
	if d := s.cfg.Distinct; d != nil && len(d.Subset) == 0 {
		return fault.New(BadPivot, "distinct names no columns").At("feature_set.distinct.subset").
			WithHint("one row of each (key, timestamp) is the newest of its key: name the columns whose values may stand once")
	}
	return nil
}

func (s *Set) checkWindows() error {
	w := s.cfg.Windows
	if w == nil {
		return nil
	}
	const place = "feature_set.windows"
	if !s.aggregated {
		return fault.New(BadWindow, "rolling windows need features with `aggregate`").At(place)
	}
	if len(w.Rolling) == 0 {
		return fault.New(BadWindow, "no rolling window is given").At(place + ".rolling")
	}
	if _, err := s.zone(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, r := range append([]config.TimeSpan{w.Slide}, w.Rolling...) {
		at := fmt.Sprintf("%s.rolling[%d]", place, i-1)
		if i == 0 {
			at = place + ".slide"
		}
		if s.profile.NoCalendar && r.Months() > 0 {
			return fault.New(BadWindow, "%q is in months or years, which rolling windows do not have here", r.Text).At("%s", at).
				WithHint(`use days or weeks, or semantics = "featurehost"`)
		}
		if i == 0 {
			continue
		}
		if seen[windowName(r)] {
			return fault.New(BadWindow, "window %q stands twice", r.Text).At("%s", at).WithHint("remove one")
		}
		seen[windowName(r)] = true
		if w.Slide.LongerThan(r) {
			return fault.New(BadWindow, "slide %q is longer than window %q", w.Slide.Text, r.Text).At(place + ".slide").
				WithHint("a longer slide would leave events out of every window: make it at most the shortest window")
		}
	}
	return nil
}
