package featureset

import (
	"errors"
	"fmt"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// unknownColumns finds every key, timestamp and feature that names a column
// which is not there, so that all are told at once. Expressions are left to the
// SQL engine. The error joins one *fault.Error for each.
func (s *Set) unknownColumns(in *flow.Schema) error {
	u := &unknowns{sc: newScope(in, nil), known: map[string]bool{}}
	for _, f := range in.Fields() {
		u.known[f.Name] = true
	}
	s.unknownInSet(u, in)
	for i := range s.cfg.Features {
		s.unknownInFeature(u, i)
	}
	return errors.Join(u.errs...)
}

// unknownInSet looks at what the set itself names.
func (s *Set) unknownInSet(u *unknowns, in *flow.Schema) {
	for i, k := range s.cfg.Keys {
		path := fmt.Sprintf("feature_set.keys[%d]", i)
		switch {
		case k.H3 != nil:
			u.cells(k.H3, path+".h3")
		case k.Stack == nil:
			u.source(k.From, k.Name, path)
		}
	}
	if from := s.timestampSource(); from == timestampColumn && !u.known[from] {
		e := fault.New(UnknownColumn, "no column of the event time: unknown column %q", from).At("%s", timestampPlace+".from")
		u.errs = append(u.errs, e.WithHint(`write timestamp = { from = "..." } with one of %s`, list(fieldNames(in))))
	} else {
		u.check(from, timestampPlace+".from")
	}
	for _, c := range []struct{ name, key string }{{s.cfg.OrderArrival, "arrival"}, {s.cfg.OrderSequence, "sequence"}} {
		if c.name != "" {
			u.check(c.name, "feature_set.order."+c.key)
		}
	}
	u.make(append(s.Keys(), timestampColumn)...) // features may read them
	if p := s.cfg.Pivot; p != nil {
		u.check(p.Column, "feature_set.pivot.column")
	}
	if d := s.cfg.Distinct; d != nil {
		for k, n := range d.Subset {
			u.check(n, fmt.Sprintf("feature_set.distinct.subset[%d]", k))
		}
	}
}

// unknownInFeature looks at what a feature names.
func (s *Set) unknownInFeature(u *unknowns, i int) {
	f, path := s.cfg.Features[i], featurePlace(i)
	switch {
	case f.H3 != nil:
		u.cells(f.H3, path+".h3")
	case f.SQL == "" && f.Use == "" && f.Stack == nil:
		u.source(f.From, f.Name, path)
	}
	if w := f.Window; w != nil {
		for k, n := range w.PartitionBy {
			u.check(n, fmt.Sprintf("%s.window.partition_by[%d]", path, k))
		}
		if w.OrderBy != "" {
			u.check(w.OrderBy, path+".window.order_by")
		}
	}
	if s.aggregated {
		u.known[f.Name] = true
		return
	}
	for _, n := range s.madeNames(f) {
		u.known[n] = true
	}
}

// unknowns gathers names of columns that are not there.
type unknowns struct {
	sc    *scope // for the hint: what may be named
	known map[string]bool
	errs  []error
}

// check tells of a name that is not known.
func (u *unknowns) check(name, place string) {
	if !u.known[name] {
		u.errs = append(u.errs, u.sc.unknown(name, place))
	}
}

// source checks the column that a key or feature at path is made of: its own
// name, when from is left out or says the same.
func (u *unknowns) source(from, name, path string) {
	if from == "" || from == name {
		u.check(name, path+".name")
		return
	}
	u.check(from, path+".from")
}

// cells checks the columns of a place, and makes those of its cells.
func (u *unknowns) cells(h *config.H3, path string) {
	u.check(h.Lat, path+".lat")
	u.check(h.Lng, path+".lng")
	u.make(cellNames(h)...)
}

// make notes columns that those behind may name.
func (u *unknowns) make(names ...string) {
	for _, n := range names {
		u.known[n] = true
		u.sc.order = append(u.sc.order, n)
	}
}
