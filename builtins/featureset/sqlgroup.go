package featureset

import (
	"context"
	"strings"

	"github.com/featurehost/featurehost/host/flow"
)

// group is a run of SQL features that do not read each other: one evaluation.
type group struct {
	features []int
	exprs    []flow.Expr
	reads    map[string]bool
}

// joinGroup adds SQL feature i to the group, ending the group first when the
// feature reads one of it.
func (s *Set) joinGroup(ctx context.Context, sc *scope, g *group, i int, cols []column) error {
	f := s.cfg.Features[i]
	place := featurePlace(i) + ".sql"
	expr := flow.Expr{Name: f.Name, SQL: f.SQL, Compat: s.profile.CompatSQL}
	// The group's columns exist only once it has been added.
	if mentions(f.SQL, g.exprs) {
		if err := s.flushGroup(ctx, sc, g, cols); err != nil {
			return err
		}
	}
	reads, err := sc.probe(ctx, expr, place)
	if err != nil {
		return err
	}
	if clashes(reads, g.reads) {
		if err := s.flushGroup(ctx, sc, g, cols); err != nil {
			return err
		}
	}
	g.features = append(g.features, i)
	g.exprs = append(g.exprs, expr)
	for _, name := range reads {
		g.reads[name] = true
	}
	return nil
}

// flushGroup computes the features of the group and empties it.
func (s *Set) flushGroup(ctx context.Context, sc *scope, g *group, cols []column) error {
	if len(g.exprs) == 0 {
		return nil
	}
	slots, err := sc.compute(ctx, g.exprs, g.reads, featurePlace(g.features[0])+".sql")
	if err != nil {
		return err
	}
	for k, i := range g.features {
		f, at := s.cfg.Features[i], slots[k]
		if s.profile.DeclaredTypeOnSQL {
			if at, err = s.declare(sc, at, f, featurePlace(i)); err != nil {
				return err
			}
		}
		sc.define(f.Name, at)
		cols[i] = column{f.Name, at}
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
// others make. It looks at the text alone and errs on the side of yes.
func mentions(sql string, exprs []flow.Expr) bool {
	sql = strings.ToLower(sql)
	for _, e := range exprs {
		if strings.Contains(sql, strings.ToLower(e.Name)) || strings.Contains(e.Name, `"`) {
			return true
		}
	}
	return false
}
