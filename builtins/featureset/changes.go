package featureset

import (
	"bytes"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// markChanges sets changed[i] to 1 for every row i > 0 whose value is not that
// of row i-1, by value equality with null equal to null (S-305). It touches no
// other byte.
func markChanges(a arrow.Array, changed []byte) {
	switch x := a.(type) {
	case *array.Int64:
		markWords(x, x.Int64Values(), changed)
	case *array.Timestamp:
		markWords(x, x.TimestampValues(), changed)
	case *array.Int32:
		markWords(x, x.Int32Values(), changed)
	case *array.Date32:
		markWords(x, x.Date32Values(), changed)
	case *array.Float64:
		markFloats(x, x.Float64Values(), changed)
	case *array.Float32:
		markFloats(x, x.Float32Values(), changed)
	default:
		same := sameIn(a, a)
		for i := 1; i < a.Len(); i++ {
			if changed[i] == 0 && !same(i-1, i) {
				changed[i] = 1
			}
		}
	}
}

func markWords[T ~int32 | ~int64](a arrow.Array, v []T, changed []byte) {
	changed = changed[:len(v)]
	if a.NullN() == 0 {
		for i := 1; i < len(v); i++ {
			if v[i] != v[i-1] {
				changed[i] = 1
			}
		}
		return
	}
	bits, offset := a.NullBitmapBytes(), a.Data().Offset()
	before := bit(bits, offset)
	for i := 1; i < len(v); i++ {
		now := bit(bits, offset+i)
		if now != before || now == 1 && v[i] != v[i-1] {
			changed[i] = 1
		}
		before = now
	}
}

func markFloats[T float32 | float64](a arrow.Array, v []T, changed []byte) {
	changed = changed[:len(v)]
	if a.NullN() == 0 {
		for i := 1; i < len(v); i++ {
			if x, y := v[i], v[i-1]; x != y && (x == x || y == y) {
				changed[i] = 1
			}
		}
		return
	}
	bits, offset := a.NullBitmapBytes(), a.Data().Offset()
	before := bit(bits, offset)
	for i := 1; i < len(v); i++ {
		now := bit(bits, offset+i)
		if x, y := v[i], v[i-1]; now != before || now == 1 && x != y && (x == x || y == y) {
			changed[i] = 1
		}
		before = now
	}
}

// bit is bit i of a bitmap, 0 or 1.
func bit(bits []byte, i int) byte { return bits[i>>3] >> (i & 7) & 1 }

// sameFloat: -0.0 equals +0.0 and NaN equals NaN.
func sameFloat(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) }

// sameIn gives the test whether row i of a and row j of b, of the same type,
// are equal by value, null equal to null.
func sameIn(a, b arrow.Array) func(i, j int) bool {
	same := sameValue(a, b)
	return func(i, j int) bool {
		if an, bn := a.IsNull(i), b.IsNull(j); an || bn {
			return an && bn
		}
		return same(i, j)
	}
}

// sameValue is sameIn for rows that are not null.
func sameValue(a, b arrow.Array) func(i, j int) bool {
	switch x := a.(type) {
	case *array.Boolean:
		y := b.(*array.Boolean)
		return func(i, j int) bool { return x.Value(i) == y.Value(j) }
	case *array.Int32:
		return sameWords(x.Int32Values(), b.(*array.Int32).Int32Values())
	case *array.Date32:
		return sameWords(x.Date32Values(), b.(*array.Date32).Date32Values())
	case *array.Int64:
		return sameWords(x.Int64Values(), b.(*array.Int64).Int64Values())
	case *array.Timestamp:
		return sameWords(x.TimestampValues(), b.(*array.Timestamp).TimestampValues())
	case *array.Decimal128:
		return sameWords(arrow.GetValues[decimal128.Num](x.Data(), 1), arrow.GetValues[decimal128.Num](b.Data(), 1))
	case *array.Float32:
		y := b.(*array.Float32)
		return func(i, j int) bool { return sameFloat(float64(x.Value(i)), float64(y.Value(j))) }
	case *array.Float64:
		y := b.(*array.Float64)
		return func(i, j int) bool { return sameFloat(x.Value(i), y.Value(j)) }
	case *array.String:
		y := b.(*array.String)
		return func(i, j int) bool { return x.Value(i) == y.Value(j) }
	case *array.Binary:
		y := b.(*array.Binary)
		return func(i, j int) bool { return bytes.Equal(x.Value(i), y.Value(j)) }
	case *array.List:
		y := b.(*array.List)
		elem := sameIn(x.ListValues(), y.ListValues())
		return func(i, j int) bool {
			from, to := x.ValueOffsets(i)
			other, end := y.ValueOffsets(j)
			if to-from != end-other {
				return false
			}
			for ; from < to; from, other = from+1, other+1 {
				if !elem(int(from), int(other)) {
					return false
				}
			}
			return true
		}
	}
	// Feature tables hold no other type: Select widens or refuses them.
	return func(i, j int) bool { return array.SliceEqual(a, int64(i), int64(i)+1, b, int64(j), int64(j)+1) }
}

func sameWords[T comparable](x, y []T) func(i, j int) bool {
	return func(i, j int) bool { return x[i] == y[j] }
}

// sameRow tells whether row i of a equals row j of b in the columns given.
func sameRow(a arrow.RecordBatch, i int, b arrow.RecordBatch, j int, columns []int) bool {
	for _, c := range columns {
		if !sameIn(a.Column(c), b.Column(c))(i, j) {
			return false
		}
	}
	return true
}
