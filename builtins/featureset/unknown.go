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
	sc := newScope(in, nil)
	known := map[string]bool{}
	for _, f := range in.Fields() {
		known[f.Name] = true
	}
	var errs []error
	check := func(from, name, path, key string) {
		place := path + "." + key
		if from != "" && from != name { // a name left alone is its own source
			name, place = from, path+".from"
		}
		if !known[name] {
			errs = append(errs, sc.unknown(name, place))
		}
	}
	both := func(h *config.H3, path string) {
		check("", h.Lat, path, "lat")
		check("", h.Lng, path, "lng")
		for _, n := range cellNames(h) {
			known[n] = true
			sc.order = append(sc.order, n)
		}
	}
	for i, k := range s.cfg.Keys {
		path := fmt.Sprintf("feature_set.keys[%d]", i)
		switch {
		case k.H3 != nil:
			both(k.H3, path+".h3")
		case k.Stack == nil:
			check(k.From, k.Name, path, "name")
		}
	}
	if from := s.timestampSource(); from == timestampColumn && !known[from] {
		e := fault.New(UnknownColumn, "no column of the event time: unknown column %q", from).At("%s", timestampPlace+".from")
		errs = append(errs, e.WithHint(`write timestamp = { from = "..." } with one of %s`, list(fieldNames(in))))
	} else {
		check(from, "", timestampPlace, "from")
	}
	for _, c := range []struct{ name, key string }{{s.cfg.OrderArrival, "arrival"}, {s.cfg.OrderSequence, "sequence"}} {
		if c.name != "" {
			check("", c.name, "feature_set.order", c.key)
		}
	}
	for _, n := range append(s.Keys(), timestampColumn) {
		known[n] = true
		sc.order = append(sc.order, n) // for the hint: features may read them
	}
	if p := s.cfg.Pivot; p != nil {
		check("", p.Column, "feature_set.pivot", "column")
	}
	if d := s.cfg.Distinct; d != nil {
		for k, n := range d.Subset {
			check("", n, "feature_set.distinct", fmt.Sprintf("subset[%d]", k))
		}
	}
	for i, f := range s.cfg.Features {
		path := featurePlace(i)
		switch {
		case f.H3 != nil:
			both(f.H3, path+".h3")
		case f.SQL == "" && f.Use == "" && f.Stack == nil:
			check(f.From, f.Name, path, "name")
		}
		if w := f.Window; w != nil {
			for k, n := range w.PartitionBy {
				check("", n, path+".window", fmt.Sprintf("partition_by[%d]", k))
			}
			if w.OrderBy != "" {
				check("", w.OrderBy, path+".window", "order_by")
			}
		}
		if s.aggregated {
			known[f.Name] = true
			continue
		}
		for _, n := range s.madeNames(f) {
			known[n] = true
		}
	}
	return errors.Join(errs...)
}
