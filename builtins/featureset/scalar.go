package featureset

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/internal/buffers"
)

// scalarKernel computes a column of the same length, which the caller releases.
// bad is a row whose result does not fit, -1 for none; overflowNull asks for
// null there.
type scalarKernel func(mem memory.Allocator, a arrow.Array, overflowNull bool) (out arrow.Array, bad int)

// quietNaN is the one NaN that functions answer (S-303).
var quietNaN = math.Float64frombits(0x7FF8 << 48)

// realKernel computes a function of doubles that is null up to a bound.
func realKernel(f func(float64) float64, nullUpTo float64) scalarKernel {
	bounded := !math.IsInf(nullUpTo, -1)
	return func(mem memory.Allocator, a arrow.Array, _ bool) (arrow.Array, int) {
		in := a.(*array.Float64).Float64Values()
		data := buffers.New(mem, len(in)*8)
		out := arrow.GetData[float64](data.Bytes())
		made, hasNulls := buffers.NullsOf(mem, a), a.NullN() > 0
		for i, v := range in {
			if hasNulls && a.IsNull(i) {
				out[i] = 0
				continue
			}
			if bounded && v <= nullUpTo {
				made.Mark(i)
				out[i] = 0
				continue
			}
			r := f(v)
			if r != r {
				r = quietNaN
			}
			out[i] = r
		}
		bits, nulls := made.Done()
		return buffers.Column(arrow.PrimitiveTypes.Float64, len(in), nulls, bits, data), -1
	}
}

// rounded gives floats without their fraction. A zero is +0.0; round takes
// halves away from zero.
func rounded(name string) scalarKernel {
	f := map[string]func(float64) float64{"ceil": math.Ceil, "floor": math.Floor, "round": math.Round}[name]
	return func(mem memory.Allocator, a arrow.Array, _ bool) (arrow.Array, int) {
		switch x := a.(type) {
		case *array.Float64:
			return mapped(mem, a, x.Float64Values(), func(v float64) float64 { return f(v) + 0 }), -1
		default:
			return mapped(mem, a, a.(*array.Float32).Float32Values(), func(v float32) float32 { return float32(f(float64(v))) + 0 }), -1
		}
	}
}

// mapped computes a column of the same type; rows that are null hold anything.
func mapped[T int32 | int64 | float32 | float64](mem memory.Allocator, a arrow.Array, in []T, f func(T) T) arrow.Array {
	data := buffers.New(mem, len(in)*int(unsafe.Sizeof(T(0))))
	out := arrow.GetData[T](data.Bytes())
	for i, v := range in {
		out[i] = f(v)
	}
	return buffers.Column(a.DataType(), len(in), a.NullN(), buffers.Validity(mem, a), data)
}

// absolute gives the kernel of absolute values; nil when the type has none.
func absolute(typ arrow.DataType) scalarKernel {
	switch typ.ID() {
	case arrow.FLOAT64:
		return func(mem memory.Allocator, a arrow.Array, _ bool) (arrow.Array, int) {
			return mapped(mem, a, a.(*array.Float64).Float64Values(), math.Abs), -1
		}
	case arrow.FLOAT32:
		return func(mem memory.Allocator, a arrow.Array, _ bool) (arrow.Array, int) {
			return mapped(mem, a, a.(*array.Float32).Float32Values(), func(v float32) float32 { return float32(math.Abs(float64(v))) }), -1
		}
	case arrow.INT64:
		return func(mem memory.Allocator, a arrow.Array, overflowNull bool) (arrow.Array, int) {
			return magnitudes(mem, a, a.(*array.Int64).Int64Values(), math.MinInt64, overflowNull)
		}
	case arrow.INT32:
		return func(mem memory.Allocator, a arrow.Array, overflowNull bool) (arrow.Array, int) {
			return magnitudes(mem, a, a.(*array.Int32).Int32Values(), math.MinInt32, overflowNull)
		}
	case arrow.DECIMAL128:
		return func(mem memory.Allocator, a arrow.Array, _ bool) (arrow.Array, int) {
			return decimals(mem, a, typ, decimal128.Num.Abs)
		}
	}
	return nil
}

// magnitudes gives absolute values of integers; the least one has none.
func magnitudes[T int32 | int64](mem memory.Allocator, a arrow.Array, in []T, least T, overflowNull bool) (arrow.Array, int) {
	data := buffers.New(mem, len(in)*int(unsafe.Sizeof(T(0))))
	out := arrow.GetData[T](data.Bytes())
	made, bad := buffers.NullsOf(mem, a), -1
	for i, v := range in {
		if v < 0 {
			v = -v
		}
		out[i] = v
		if v == least && a.IsValid(i) {
			if overflowNull {
				made.Mark(i)
			} else if bad < 0 {
				bad = i
			}
		}
	}
	bits, nulls := made.Done()
	return buffers.Column(a.DataType(), len(in), nulls, bits, data), bad
}

func decimals(mem memory.Allocator, a arrow.Array, to arrow.DataType, f func(decimal128.Num) decimal128.Num) (arrow.Array, int) {
	in := arrow.GetValues[decimal128.Num](a.Data(), 1)
	data := buffers.New(mem, len(in)*arrow.Decimal128SizeBytes)
	out := arrow.GetData[decimal128.Num](data.Bytes())
	for i, v := range in {
		out[i] = f(v)
	}
	return buffers.Column(to, len(in), a.NullN(), buffers.Validity(mem, a), data), -1
}

// wholeDecimal gives decimals without their fraction.
func wholeDecimal(name string, scale int32, to arrow.DataType) scalarKernel {
	unit := decimal128.GetScaleMultiplier(int(scale))
	one := decimal128.FromI64(1)
	return func(mem memory.Allocator, a arrow.Array, _ bool) (arrow.Array, int) {
		return decimals(mem, a, to, func(v decimal128.Num) decimal128.Num {
			whole, rest := v.Div(unit) // toward zero
			switch {
			case rest.Sign() == 0:
			case name == "ceil" && rest.Sign() > 0:
				return whole.Add(one)
			case name == "floor" && rest.Sign() < 0:
				return whole.Sub(one)
			case name == "round":
				// |rest| >= unit/2, without doubling what may be as long as a decimal is.
				if half := unit.Sub(rest.Abs()); !rest.Abs().Less(half) {
					if rest.Sign() > 0 {
						return whole.Add(one)
					}
					return whole.Sub(one)
				}
			}
			return whole
		})
	}
}

// textKernel changes texts.
func textKernel(name string) scalarKernel {
	var f func(string) string
	var ascii func(b byte) byte
	switch name {
	case "upper":
		f, ascii = strings.ToUpper, func(b byte) byte {
			if 'a' <= b && b <= 'z' {
				return b - 'a' + 'A'
			}
			return b
		}
	case "lower":
		f, ascii = strings.ToLower, func(b byte) byte {
			if 'A' <= b && b <= 'Z' {
				return b - 'A' + 'a'
			}
			return b
		}
	case "trim":
		f = func(s string) string { return strings.Trim(s, " ") }
	case "ltrim":
		f = func(s string) string { return strings.TrimLeft(s, " ") }
	case "rtrim":
		f = func(s string) string { return strings.TrimRight(s, " ") }
	case "reverse":
		f = func(s string) string {
			runes := []rune(s)
			slices.Reverse(runes)
			return string(runes)
		}
	}
	return func(mem memory.Allocator, a arrow.Array, _ bool) (arrow.Array, int) {
		in := a.(*array.String)
		if ascii != nil {
			if from, to := textBytes(in); isASCII(from) {
				return relettered(mem, in, from, to, ascii), -1
			}
		}
		b := array.NewStringBuilder(mem)
		defer b.Release()
		b.Reserve(in.Len())
		for i := range in.Len() {
			if in.IsNull(i) {
				b.AppendNull()
			} else {
				b.Append(f(in.Value(i)))
			}
		}
		return b.NewArray(), -1
	}
}

// textBytes gives the bytes that the texts of a column lie in and where they begin.
func textBytes(a *array.String) ([]byte, int32) {
	offsets := arrow.GetOffsets[int32](a.Data(), 1)
	from, to := offsets[0], offsets[a.Len()]
	if to == from {
		return nil, from
	}
	return a.Data().Buffers()[2].Bytes()[from:to], from
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7] >= utf8.RuneSelf {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// relettered changes texts byte by byte.
func relettered(mem memory.Allocator, a *array.String, in []byte, from int32, f func(byte) byte) arrow.Array {
	data := buffers.New(mem, len(in))
	out := data.Bytes()
	for i, c := range in {
		out[i] = f(c)
	}
	offsets := buffers.New(mem, (a.Len()+1)*4)
	to := arrow.GetData[int32](offsets.Bytes())
	for i, o := range arrow.GetOffsets[int32](a.Data(), 1)[:a.Len()+1] {
		to[i] = o - from
	}
	return buffers.Column(arrow.BinaryTypes.String, a.Len(), a.NullN(), buffers.Validity(mem, a), offsets, data)
}

// characters counts the code points of texts.
func characters(mem memory.Allocator, a arrow.Array, _ bool) (arrow.Array, int) {
	in := a.(*array.String)
	return counted(mem, a, func(i int) int64 { return int64(utf8.RuneCountInString(in.Value(i))) }), -1
}

// octets counts the bytes of binary values.
func octets(mem memory.Allocator, a arrow.Array, _ bool) (arrow.Array, int) {
	in := a.(*array.Binary)
	return counted(mem, a, func(i int) int64 { return int64(in.ValueLen(i)) }), -1
}

func counted(mem memory.Allocator, a arrow.Array, f func(int) int64) arrow.Array {
	data := buffers.New(mem, a.Len()*8)
	out := arrow.GetData[int64](data.Bytes())
	for i := range out {
		if a.IsNull(i) {
			out[i] = 0
		} else {
			out[i] = f(i)
		}
	}
	return buffers.Column(arrow.PrimitiveTypes.Int64, a.Len(), a.NullN(), buffers.Validity(mem, a), data)
}
