package featureset

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// compileInputs adds the columns that an aggregated set hands to the windows:
// those that aggregates and distinct read, once each, by name, then the hidden
// ones. Keys and timestamp are there already.
func (s *Set) compileInputs(ctx context.Context, sc *scope) ([]column, error) {
	a := s.aggregation
	var cols []column
	for _, c := range a.columns {
		at, err := sc.resolve(c.name, c.place)
		if err != nil {
			return nil, err
		}
		cols = append(cols, column{c.name, at})
	}
	conditions, err := s.compileConditions(ctx, sc)
	if err != nil {
		return nil, err
	}
	for _, n := range a.nulled {
		from, err := sc.resolve(n.column.name, n.column.place)
		if err != nil {
			return nil, err
		}
		st := nullStep{from: from, where: conditions[n.condition], to: sc.add(slot{typ: sc.slots[from].typ})}
		sc.do(st, []int{st.from, st.where}, st.to)
		cols = append(cols, column{n.name, st.to})
	}
	values, err := s.compilePivot(sc)
	if err != nil {
		return nil, err
	}
	for _, l := range a.lanes {
		var at int
		switch {
		case l.value < 0:
			at = conditions[l.condition]
		case l.condition < 0:
			at = values[l.value]
		default:
			st := andStep{a: values[l.value], b: conditions[l.condition], to: sc.add(slot{typ: arrow.FixedWidthTypes.Boolean})}
			sc.do(st, []int{st.a, st.b}, st.to)
			at = st.to
		}
		cols = append(cols, column{l.name, at})
	}
	return cols, nil
}

// compileConditions gives the slots of all conditions. Those that may be
// evaluated together are.
func (s *Set) compileConditions(ctx context.Context, sc *scope) ([]int, error) {
	var out []int
	var exprs []flow.Expr
	reads := map[string]bool{}
	flush := func() error {
		if len(exprs) == 0 {
			return nil
		}
		slots, err := sc.compute(ctx, exprs, reads, s.aggregation.conditions[len(out)].place)
		if err != nil {
			return err
		}
		for _, at := range slots {
			c := s.aggregation.conditions[len(out)]
			if typ := sc.slots[at].typ; typ.ID() != arrow.BOOL {
				return fault.New(BadCondition, "the condition gives %s: expected boolean", schema.TypeName(typ)).At("%s", c.place).
					WithHint("compare it with something, as in %s IS NOT NULL", c.sql)
			}
			out = append(out, at)
		}
		exprs, reads = nil, map[string]bool{}
		return nil
	}
	for i, c := range s.aggregation.conditions {
		expr := flow.Expr{Name: fmt.Sprintf("fh_where_%d", i), SQL: c.sql, Compat: s.profile.CompatSQL}
		names, err := sc.probe(ctx, expr, c.place)
		if err != nil {
			return nil, err
		}
		if clashes(names, reads) {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		exprs = append(exprs, expr)
		for _, n := range names {
			reads[n] = true
		}
	}
	return out, flush()
}

// compilePivot gives the slot of a boolean column for each value of the pivot;
// none when the set has no pivot.
func (s *Set) compilePivot(sc *scope) ([]int, error) {
	p := s.cfg.Pivot
	if p == nil {
		return nil, nil
	}
	from, err := sc.resolve(p.Column, pivotColumnPlace)
	if err != nil {
		return nil, err
	}
	values, err := typedValues(p, sc.slots[from].typ)
	if err != nil {
		return nil, err
	}
	defer values.Release()
	find, err := newFinder(values)
	if err != nil {
		return nil, err
	}
	st := pivotStep{find: find, from: from}
	for range p.Values {
		st.to = append(st.to, sc.add(slot{typ: arrow.FixedWidthTypes.Boolean}))
	}
	sc.do(st, []int{from}, st.to...)
	return st.to, nil
}
