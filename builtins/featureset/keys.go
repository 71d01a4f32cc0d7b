package featureset

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

// compileKeys adds the key columns.
func (s *Set) compileKeys(sc *scope) ([]int, error) {
	var keys []int
	for i, k := range s.cfg.Keys {
		path := fmt.Sprintf("feature_set.keys[%d]", i)
		at, err := s.compileKey(sc, k, path)
		if err != nil {
			return nil, err
		}
		switch typ := sc.slots[at].typ; typ.ID() {
		case arrow.FLOAT32, arrow.FLOAT64:
			if !s.profile.FloatKeys {
				return nil, fault.New(BadKey, "key %q is %s, whose values are seldom equal", k.Name, schema.TypeName(typ)).
					At("%s", path+".type").WithHint("declare a type that compares exactly: string, bigint or decimal(p,s)")
			}
			to := sc.add(slot{typ: typ})
			sc.do(canonicalFloats{from: at, to: to}, []int{at}, to)
			at = to
		case arrow.LIST, arrow.NULL:
			return nil, fault.New(BadKey, "key %q is %s", k.Name, schema.TypeName(typ)).At("%s", path+".type").
				WithHint("a key is one value: declare another type or column")
		}
		sc.define(k.Name, at)
		keys = append(keys, at)
	}
	return keys, nil
}

// compileKey adds the column of a key, with its type.
func (s *Set) compileKey(sc *scope, k config.Key, path string) (int, error) {
	var cols []column
	var err error
	switch {
	case k.H3 != nil:
		cols, err = s.compileH3(sc, k.H3, k.Name, k.Type, path)
	case k.Stack != nil:
		cols, err = s.compileStack(sc, patterns{k.Stack, k.Regex, path + ".stack"}, k.Name, k.Type, path)
	default:
		cols, err = s.compileCopy(sc, config.Feature{Name: k.Name, From: k.From, Type: k.Type}, path)
	}
	if err != nil {
		return 0, err
	}
	return cols[0].at, nil
}

// checkKeys refuses keys that cannot be one column.
func (s *Set) checkKeys() error {
	if len(s.cfg.Keys) == 0 {
		return fault.New(BadKey, "the feature set has no key").At("feature_set.keys").
			WithHint(`name at least one column: keys = [{ name = "id", type = "bigint" }]`)
	}
	for i, k := range s.cfg.Keys {
		path := fmt.Sprintf("feature_set.keys[%d]", i)
		switch {
		case k.H3 != nil && k.Stack != nil:
			return fault.New(BadKey, "key %q has both h3 and stack", k.Name).At("%s.stack", path).
				WithHint("remove one: h3 = { ..., stack = true } stacks cells")
		case k.From != "" && (k.H3 != nil || k.Stack != nil):
			return fault.New(BadKey, "key %q has from beside h3 or stack, which name columns themselves", k.Name).At("%s.from", path).
				WithHint("remove from")
		case k.H3 != nil && !k.H3.Stack:
			return fault.New(BadH3, "key %q is a cell for each resolution, and a key is one column", k.Name).At("%s.h3", path).
				WithHint("add stack = true: it makes a row for each resolution")
		}
	}
	return nil
}

func canonical(v float64) float64 {
	if v != v {
		return math.NaN()
	}
	if v == 0 {
		return 0 // -0.0 too
	}
	return v
}

// canonicalFloats makes every zero +0.0 and every NaN the same one, so that
// keys that are equal have equal bytes.
type canonicalFloats struct{ from, to int }

func (c canonicalFloats) run(_ context.Context, f *frame) error {
	switch in := f.slots[c.from].(type) {
	case *array.Float64:
		b := array.NewFloat64Builder(f.mem)
		defer b.Release()
		b.Reserve(in.Len())
		for i := range in.Len() {
			if in.IsNull(i) {
				b.UnsafeAppendBoolToBitmap(false)
			} else {
				b.UnsafeAppend(canonical(in.Value(i)))
			}
		}
		f.slots[c.to] = b.NewArray()
	case *array.Float32:
		b := array.NewFloat32Builder(f.mem)
		defer b.Release()
		b.Reserve(in.Len())
		for i := range in.Len() {
			if in.IsNull(i) {
				b.UnsafeAppendBoolToBitmap(false)
			} else {
				b.UnsafeAppend(float32(canonical(float64(in.Value(i)))))
			}
		}
		f.slots[c.to] = b.NewArray()
	}
	return nil
}
