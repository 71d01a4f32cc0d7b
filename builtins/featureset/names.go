package featureset

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
)

// outputNames gives the columns that a feature makes, in order: function, then
// window.
func (s *Set) outputNames(f config.Feature) []string {
	if len(f.Aggregate) == 0 {
		return plainNames(f)
	}
	values := 1
	if s.cfg.Pivot != nil {
		values = len(s.cfg.Pivot.Values)
	}
	var names []string
	for v := range values {
		for _, fn := range f.Aggregate {
			names = append(names, s.aggregateNames(f, fn, v)...)
		}
	}
	return names
}

// plainNames gives the columns of the feature table that a feature of a plain
// set makes.
func plainNames(f config.Feature) []string {
	var names []string
	switch {
	case f.Window != nil:
		for _, fn := range f.Function {
			names = append(names, windowedNames(f, fn)...)
		}
	case len(f.Function) > 0:
		for _, fn := range f.Function {
			names = append(names, f.Name+"__"+fn.Name)
		}
	case f.H3 != nil && !f.H3.Stack:
		names = cellNames(f.H3)
	default:
		names = []string{f.Name}
	}
	return names
}

// madeNames gives the columns that a feature of a plain set makes visible.
func (s *Set) madeNames(f config.Feature) []string {
	names := plainNames(f)
	if f.H3 != nil && f.H3.Stack {
		names = append(names, cellNames(f.H3)...)
	}
	return names
}

// aggregateNames names the columns of one aggregate, one for each rolling
// window or a single one; value is the number of the pivot value, if the set
// has a pivot (S-902, S-919, S-932).
func (s *Set) aggregateNames(f config.Feature, fn config.Function, value int) []string {
	name := f.Name + "__" + strings.ToLower(functionName(fn))
	if s.cfg.Pivot != nil {
		name = config.PivotName(s.cfg.Pivot.Values[value], s.cfg.Semantics) + "_" + name
	}
	if s.cfg.Windows == nil {
		return []string{name}
	}
	names := make([]string, len(s.cfg.Windows.Rolling))
	for i, w := range s.cfg.Windows.Rolling {
		names[i] = fmt.Sprintf("%s_over_%s_rolling_windows", name, windowName(w))
	}
	return names
}

// functionName is the part of a column's name that tells the function: its name
// as written and, where it takes parameters, those it was given (S-930):
// percentile_0_95, top_k_3.
func functionName(fn config.Function) string {
	function, _ := window.FunctionByName(fn.Name)
	switch function {
	case window.Percentile:
		return fn.Name + "_" + decimalName(fn.P)
	case window.TopK, window.BottomK, window.FirstK, window.LastK:
		return fn.Name + "_" + strconv.Itoa(fn.K)
	case window.ApproxCountDistinct:
		if fn.RSD != 0 {
			return fn.Name + "_" + decimalName(fn.RSD)
		}
	}
	return fn.Name
}

// decimalName writes a number the way names have it: 0.95 is 0_95.
func decimalName(v float64) string {
	return strings.ReplaceAll(strconv.FormatFloat(v, 'f', -1, 64), ".", "_")
}

func windowName(w config.TimeSpan) string { return fmt.Sprintf("%d_%s", w.N, w.Unit) }

// source is the column a feature is made from.
func source(f config.Feature) string {
	if f.From != "" {
		return f.From
	}
	return f.Name
}
