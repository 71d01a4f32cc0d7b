package featureset

import (
	"context"
	"strings"

	"github.com/featurehost/featurehost/host/flow"
)

// group is a run of SQL features of one segment that do not read each other:
// one evaluation.
type group struct {
	features []int
	exprs    []flow.Expr
	reads    map[string]bool
	at       segment
}

// joinGroup adds SQL feature i to the group, ending the group first when the
// feature reads one of it.
func (s *Set) joinGroup(ctx context.Context, sc *scope, g *group, i int, made [][]column) error {
	f := s.cfg.Features[i]
	place := featurePlace(i) + ".sql"
	expr := flow.Expr{Name: f.Name, SQL: f.SQL, Compat: s.profile.CompatSQL}
	// The group's columns exist only once it has been added.
	if mentions(f.SQL, g.exprs) {
		if err := s.flushGroup(ctx, sc, g, made); err != nil {
			return err
		}
	}
	reads, err := sc.probe(ctx, expr, place)
	if err != nil {
		return err
	}
	var at segment
	for _, name := range reads {
		at = at.later(sc.madeAt(name))
	}
	if clashes(reads, g.reads) || at != g.at {
		if err := s.flushGroup(ctx, sc, g, made); err != nil {
			return err
		}
	}
	g.at = at
	g.features = append(g.features, i)
	g.exprs = append(g.exprs, expr)
	for _, name := range reads {
		g.reads[name] = true
	}
	return nil
}

// flushGroup computes the features of the group and empties it.
func (s *Set) flushGroup(ctx context.Context, sc *scope, g *group, made [][]column) error {
	if len(g.exprs) == 0 {
		return nil
	}
	slots, err := sc.compute(ctx, g.exprs, g.reads, featurePlace(g.features[0])+".sql")
	if err != nil {
		return err
	}
	for k, i := range g.features {
		f, at := s.cfg.Features[i], slots[k]
		if at, err = s.declareMade(sc, at, f.Type, f.Name, featurePlace(i)); err != nil {
			return err
		}
		sc.define(f.Name, at)
		made[i] = []column{{f.Name, at}}
	}
	*g = group{reads: map[string]bool{}}
	return nil
}

// clashes tells whether two names differ in case alone: SQL would not tell the
// columns apart if it read them together.
func clashes(names []string, with map[string]bool) bool {
	for _, n := range names {
		for w := range with {
			if n != w && strings.EqualFold(n, w) {
				return true
			}
		}
	}
	return false
}

// mentions tells whether an expression may name one of the columns that the
// others make.
func mentions(sql string, exprs []flow.Expr) bool {
	for _, e := range exprs {
		if mentionsName(sql, e.Name) {
			return true
		}
	}
	return false
}

// mentionsName tells whether an expression may name a column. It looks at the
// text alone and errs on the side of yes.
func mentionsName(sql, name string) bool {
	return strings.Contains(strings.ToLower(sql), strings.ToLower(name)) || strings.Contains(name, `"`)
}
