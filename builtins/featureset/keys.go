package featureset

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// compileKeys adds the key columns.
func (s *Set) compileKeys(sc *scope) ([]int, error) {
	var keys []int
	for i, k := range s.cfg.Keys {
		path := fmt.Sprintf("feature_set.keys[%d]", i)
		name, place := k.From, path+".from"
		if name == "" {
			name, place = k.Name, path+".name"
		}
		at, err := sc.resolve(name, place)
		if err != nil {
			return nil, err
		}
		if k.Type != "" {
			to, err := declared(k.Type, path+".type")
			if err != nil {
				return nil, err
			}
			if at, err = sc.convert(at, to, s.rules(), k.Name, path+".type"); err != nil {
				return nil, err
			}
		}
		switch typ := sc.slots[at].typ; typ.ID() {
		case arrow.FLOAT32, arrow.FLOAT64:
			if !s.profile.FloatKeys {
				return nil, fault.New(BadKey, "key %q is %s, whose values are seldom equal", k.Name, schema.TypeName(typ)).
					At("%s", path+".type").WithHint("declare a type that compares exactly: string, bigint or decimal(p,s)")
			}
			to := sc.add(slot{typ: typ})
			sc.steps = append(sc.steps, canonicalFloats{from: at, to: to})
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
