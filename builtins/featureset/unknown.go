package featureset

import (
	"errors"
	"fmt"

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
		if from != "" {
			name, place = from, path+".from"
		}
		if !known[name] {
			errs = append(errs, sc.unknown(name, place))
		}
	}
	for i, k := range s.cfg.Keys {
		check(k.From, k.Name, fmt.Sprintf("feature_set.keys[%d]", i), "name")
	}
	if s.cfg.Timestamp.From == "" && !known[timestampColumn] {
		errs = append(errs, sc.unknown(timestampColumn, timestampPlace))
	} else {
		check(s.timestampSource(), "", timestampPlace, "from")
	}
	for _, n := range append(s.Keys(), timestampColumn) {
		known[n] = true
		sc.order = append(sc.order, n) // for the hint: features may read them
	}
	for i, f := range s.cfg.Features {
		if f.SQL == "" {
			check(f.From, f.Name, featurePlace(i), "name")
		}
		known[f.Name] = true
	}
	return errors.Join(errs...)
}
