package canonical

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Compare orders row i of a against row j of b as their canonical bytes are
// ordered: -1, 0 or +1. Both arrays must be of one type that is Supported.
// Cost: no allocation.
func Compare(a arrow.Array, i int, b arrow.Array, j int) int {
	a, i = resolve(a, i)
	b, j = resolve(b, j)
	if an, bn := a.IsNull(i), b.IsNull(j); an || bn {
		switch {
		case an && bn:
			return 0
		case an:
			return -1
		default:
			return 1
		}
	}
	return comparePresent(a, i, b, j)
}

// resolve steps through dictionaries and extensions to the array that holds
// the value.
func resolve(a arrow.Array, i int) (arrow.Array, int) {
	for {
		switch x := a.(type) {
		case *array.Dictionary:
			if x.IsNull(i) {
				return a, i
			}
			a, i = x.Dictionary(), x.GetValueIndex(i)
		case array.ExtensionArray:
			a = x.Storage()
		default:
			return a, i
		}
	}
}

func comparePresent(a arrow.Array, i int, b arrow.Array, j int) int {
	switch x := a.(type) {
	case *array.Null:
		return 0
	case *array.Boolean:
		return compareBool(x.Value(i), b.(*array.Boolean).Value(j))
	case *array.Int8:
		return cmp.Compare(x.Value(i), b.(*array.Int8).Value(j))
	case *array.Int16:
		return cmp.Compare(x.Value(i), b.(*array.Int16).Value(j))
	case *array.Int32:
		return cmp.Compare(x.Value(i), b.(*array.Int32).Value(j))
	case *array.Int64:
		return cmp.Compare(x.Value(i), b.(*array.Int64).Value(j))
	case *array.Uint8:
		return cmp.Compare(x.Value(i), b.(*array.Uint8).Value(j))
	case *array.Uint16:
		return cmp.Compare(x.Value(i), b.(*array.Uint16).Value(j))
	case *array.Uint32:
		return cmp.Compare(x.Value(i), b.(*array.Uint32).Value(j))
	case *array.Uint64:
		return cmp.Compare(x.Value(i), b.(*array.Uint64).Value(j))
	case *array.Float16:
		return cmp.Compare(float16Bits(x.Value(i).Uint16()), float16Bits(b.(*array.Float16).Value(j).Uint16()))
	case *array.Float32:
		return cmp.Compare(Float32Bits(x.Value(i)), Float32Bits(b.(*array.Float32).Value(j)))
	case *array.Float64:
		return cmp.Compare(Float64Bits(x.Value(i)), Float64Bits(b.(*array.Float64).Value(j)))
	case *array.Date32:
		return cmp.Compare(x.Value(i), b.(*array.Date32).Value(j))
	case *array.Date64:
		return cmp.Compare(x.Value(i), b.(*array.Date64).Value(j))
	case *array.Time32:
		return cmp.Compare(x.Value(i), b.(*array.Time32).Value(j))
	case *array.Time64:
		return cmp.Compare(x.Value(i), b.(*array.Time64).Value(j))
	case *array.Timestamp:
		return cmp.Compare(x.Value(i), b.(*array.Timestamp).Value(j))
	case *array.Duration:
		return cmp.Compare(x.Value(i), b.(*array.Duration).Value(j))
	case *array.Decimal128:
		v, w := x.Value(i), b.(*array.Decimal128).Value(j)
		if c := cmp.Compare(v.HighBits(), w.HighBits()); c != 0 {
			return c
		}
		return cmp.Compare(v.LowBits(), w.LowBits())
	case array.StringLike:
		return strings.Compare(x.Value(i), b.(array.StringLike).Value(j))
	case binaryLike:
		return bytes.Compare(x.Value(i), b.(binaryLike).Value(j))
	case *array.Struct:
		y := b.(*array.Struct)
		for f := 0; f < x.NumField(); f++ {
			if c := Compare(x.Field(f), i, y.Field(f), j); c != 0 {
				return c
			}
		}
		return 0
	case array.ListLike:
		y := b.(array.ListLike)
		p, pEnd := x.ValueOffsets(i)
		q, qEnd := y.ValueOffsets(j)
		u, v := x.ListValues(), y.ListValues()
		for ; p < pEnd && q < qEnd; p, q = p+1, q+1 {
			if c := Compare(u, int(p), v, int(q)); c != 0 {
				return c
			}
		}
		return cmp.Compare(pEnd-p, qEnd-q)
	}
	panic(fmt.Sprintf("canonical: type %s has no canonical bytes", a.DataType()))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
