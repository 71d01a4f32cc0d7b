package cast

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

type integer interface{ ~int32 | ~int64 }

type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~float32 | ~float64
}

// convert is Go's conversion of numbers: to a float it rounds to nearest even
// and gives infinity beyond range.
func convert[I, O number](in []I, out []O) {
	for i, v := range in {
		out[i] = O(v)
	}
}

// toInteger cuts fractions toward zero.
func toInteger(from, to arrow.DataType, rules Rules) (kernel, bool) {
	if to.ID() == arrow.INT32 {
		return intKernel[int32](from, to, rules, math.MinInt32, math.MaxInt32)
	}
	return intKernel[int64](from, to, rules, math.MinInt64, math.MaxInt64)
}

func intKernel[O integer](from, to arrow.DataType, rules Rules, least, most int64) (kernel, bool) {
	fits := func(v int64) (O, bool) { return O(v), v >= least && v <= most }
	if rules.Overflow == Wrap {
		fits = func(v int64) (O, bool) { return O(v), true }
	}
	float := func(v float64) (O, bool) { return floatToInt[O](v, least, most) }
	if rules.Overflow == Wrap {
		float = func(v float64) (O, bool) { return floatSaturated[O](v, least, most), true }
	}
	switch from := from.(type) {
	case *arrow.Int32Type:
		if to.ID() == arrow.INT32 {
			return nil, true
		}
		return total(to, convert[int32, O]), true
	case *arrow.Int64Type:
		if to.ID() == arrow.INT64 {
			return nil, true
		}
		return partial(to, fits), true
	case *arrow.Float32Type:
		return partial(to, func(v float32) (O, bool) { return float(float64(v)) }), true
	case *arrow.Float64Type:
		return partial(to, float), true
	case *arrow.Decimal128Type:
		scale := int(from.Scale)
		return partial(to, func(v decimal128.Num) (O, bool) {
			n, ok := decimalToInt(v, scale)
			return O(n), ok && n >= least && n <= most
		}), true
	case *arrow.StringType:
		return fromString(to, func(s string) (O, bool) {
			n, ok := ParseInt(s)
			return O(n), ok && n >= least && n <= most
		}), true
	case *arrow.BooleanType:
		return fromBool(to, func(b bool) (O, bool) {
			if b {
				return 1, true
			}
			return 0, true
		}), true
	case *arrow.TimestampType:
		return partial(to, func(us int64) (O, bool) { return fits(floorDiv(us, 1_000_000)) }), true
	}
	return nil, false
}

// floatToInt cuts toward zero; NaN and values out of range fail.
func floatToInt[O integer](v float64, least, most int64) (O, bool) {
	t := math.Trunc(v)
	// 2^63-1 is no float: it rounds to 2^63, which is what most+1 should be.
	if !(t >= float64(least) && t < float64(most)+1) {
		return 0, false
	}
	return O(int64(t)), true
}

// floatSaturated cuts toward zero, stops at the ends of the type, and makes
// NaN 0.
func floatSaturated[O integer](v float64, least, most int64) O {
	switch {
	case v != v:
		return 0
	case v >= float64(most):
		return O(most)
	case v <= float64(least):
		return O(least)
	}
	return O(int64(v))
}

// toFloat rounds to nearest even.
func toFloat(from, to arrow.DataType) (kernel, bool) {
	if to.ID() == arrow.FLOAT32 {
		return floatKernel[float32](from, to, 32)
	}
	return floatKernel[float64](from, to, 64)
}

func floatKernel[O float32 | float64](from, to arrow.DataType, bits int) (kernel, bool) {
	switch from := from.(type) {
	case *arrow.Int32Type:
		return total(to, convert[int32, O]), true
	case *arrow.Int64Type:
		return total(to, convert[int64, O]), true
	case *arrow.Float32Type:
		if bits == 32 {
			return nil, true
		}
		return total(to, convert[float32, O]), true
	case *arrow.Float64Type:
		if bits == 64 {
			return nil, true
		}
		return total(to, convert[float64, O]), true
	case *arrow.Decimal128Type:
		scale := int(from.Scale)
		return partial(to, func(v decimal128.Num) (O, bool) { return O(decimalToFloat(v, scale, bits)), true }), true
	case *arrow.StringType:
		return fromString(to, func(s string) (O, bool) {
			f, ok := parseFloat(s, bits)
			return O(f), ok
		}), true
	case *arrow.BooleanType:
		return fromBool(to, func(b bool) (O, bool) {
			if b {
				return 1, true
			}
			return 0, true
		}), true
	case *arrow.TimestampType:
		return partial(to, func(us int64) (O, bool) { return O(floorDiv(us, 1_000_000)), true }), true
	}
	return nil, false
}

// toBoolean: numbers other than zero are true, NaN among them.
func toBoolean(from arrow.DataType) (kernel, bool) {
	switch from.(type) {
	case *arrow.BooleanType:
		return nil, true
	case *arrow.Int32Type:
		return nonZero[int32](), true
	case *arrow.Int64Type:
		return nonZero[int64](), true
	case *arrow.Float32Type:
		return nonZero[float32](), true
	case *arrow.Float64Type:
		return nonZero[float64](), true
	case *arrow.Decimal128Type:
		return nonZero[decimal128.Num](), true
	case *arrow.StringType:
		return booleans(func(a arrow.Array) func(int) (bool, bool) {
			in := a.(*array.String)
			return func(i int) (bool, bool) { return ParseBool(in.Value(i)) }
		}), true
	}
	return nil, false
}

func nonZero[I arrow.FixedWidthType]() kernel {
	return booleans(func(a arrow.Array) func(int) (bool, bool) {
		in := arrow.GetValues[I](a.Data(), 1)
		var zero I
		return func(i int) (bool, bool) { return in[i] != zero, true }
	})
}

// floorDiv divides toward minus infinity; d is positive.
func floorDiv(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}
