package cast

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// toDecimal rounds half away from zero at the scale; a value with more digits
// than the precision fails. A float enters by its shortest digits, so 2.675
// becomes 2.68 although the double is a little less.
func toDecimal(from, to arrow.DataType) (kernel, bool) {
	t := to.(*arrow.Decimal128Type)
	p, s := int(t.Precision), int(t.Scale)
	whole := func(v int64) (decimal128.Num, bool) { return rescale(decimal128.FromI64(v), 0, p, s) }
	switch from := from.(type) {
	case *arrow.Decimal128Type:
		if from.Scale == t.Scale && from.Precision <= t.Precision {
			if from.Precision == t.Precision {
				return nil, true
			}
			return total(to, func(in, out []decimal128.Num) { copy(out, in) }), true
		}
		return partial(to, func(v decimal128.Num) (decimal128.Num, bool) {
			return rescale(v, int(from.Scale), p, s)
		}), true
	case *arrow.Int32Type:
		return partial(to, func(v int32) (decimal128.Num, bool) { return whole(int64(v)) }), true
	case *arrow.Int64Type:
		return partial(to, whole), true
	case *arrow.Float32Type:
		return partial(to, func(v float32) (decimal128.Num, bool) { return floatToDecimal(float64(v), p, s) }), true
	case *arrow.Float64Type:
		return partial(to, func(v float64) (decimal128.Num, bool) { return floatToDecimal(v, p, s) }), true
	case *arrow.StringType:
		return fromString(to, func(text string) (decimal128.Num, bool) { return parseDecimal(text, p, s) }), true
	case *arrow.BooleanType:
		return fromBool(to, func(b bool) (decimal128.Num, bool) {
			if b {
				return whole(1)
			}
			return whole(0)
		}), true
	case *arrow.TimestampType:
		return partial(to, func(us int64) (decimal128.Num, bool) { return whole(floorDiv(us, 1_000_000)) }), true
	}
	return nil, false
}

// rescale changes the scale of v and checks the precision.
func rescale(v decimal128.Num, from, p, s int) (decimal128.Num, bool) {
	if s >= from {
		free := p - (s - from) // digits that v may have
		if free <= 0 {
			return v, v == decimal128.Num{}
		}
		return v.IncreaseScaleBy(int32(s - from)), v.FitsInPrecision(int32(free))
	}
	v = v.ReduceScaleBy(int32(from-s), true)
	return v, v.FitsInPrecision(int32(p))
}

// small gives v as an int64 when it fits.
func small(v decimal128.Num) (int64, bool) {
	lo := int64(v.LowBits())
	return lo, v.HighBits() == lo>>63
}

// decimalToInt cuts the fraction of v toward zero.
func decimalToInt(v decimal128.Num, scale int) (int64, bool) {
	if n, ok := small(v); ok && scale <= 18 {
		return n / int64(pow10(scale)), true
	}
	if scale > 0 {
		v = v.ReduceScaleBy(int32(scale), false)
	}
	return small(v)
}

// decimalToFloat rounds once to the nearest float of the size.
func decimalToFloat(v decimal128.Num, scale, size int) float64 {
	// A quotient of two exact floats is rounded once by the division itself.
	if n, ok := small(v); ok {
		if size == 64 && scale <= 22 && n > -(1<<53) && n < 1<<53 {
			return float64(n) / math.Pow10(scale)
		}
		if size == 32 && scale <= 10 && n > -(1<<24) && n < 1<<24 {
			return float64(float32(n) / float32(math.Pow10(scale)))
		}
	}
	f, _ := strconv.ParseFloat(string(appendDecimal(nil, v, scale)), size)
	return f
}

// floatToDecimal goes by the shortest digits that read back as v.
func floatToDecimal(v float64, p, s int) (decimal128.Num, bool) {
	if v != v || v > math.MaxFloat64 || v < -math.MaxFloat64 {
		return decimal128.Num{}, false
	}
	var scratch [32]byte
	text := strconv.AppendFloat(scratch[:0], v, 'e', -1, 64)
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	exp, _ := strconv.Atoi(string(text[e+1:]))
	// d.ddd: move the first digit over the point.
	digits := text[:e]
	if len(digits) > 1 {
		digits[1] = digits[0]
		digits = digits[1:]
	}
	return fromDigits(negative, digits, exp+1, p, s)
}

// parseDecimal reads [+-]digits[.digits].
func parseDecimal(text string, p, s int) (decimal128.Num, bool) {
	negative, whole, fraction, ok := splitNumber(trim(text))
	if !ok {
		return decimal128.Num{}, false
	}
	var scratch [64]byte
	digits := append(append(scratch[:0], whole...), fraction...)
	return fromDigits(negative, digits, len(whole), p, s)
}

// fromDigits makes the decimal(p,s) nearest to 0.digits * 10^point, half away
// from zero; false when it needs more than p digits.
func fromDigits(negative bool, digits []byte, point, p, s int) (decimal128.Num, bool) {
	for len(digits) > 0 && digits[0] == '0' {
		digits = digits[1:]
		point--
	}
	if len(digits) == 0 {
		return decimal128.Num{}, true
	}
	keep := point + s // digits of the unscaled result
	if keep < 0 {
		return decimal128.Num{}, true
	}
	if keep > 38 {
		return decimal128.Num{}, false
	}
	var hi, lo uint64
	push := func(d uint64) {
		h, l := bits.Mul64(lo, 10)
		l, carry := bits.Add64(l, d, 0)
		hi, lo = hi*10+h+carry, l
	}
	for i := range keep {
		d := uint64(0)
		if i < len(digits) {
			d = uint64(digits[i] - '0')
		}
		push(d)
	}
	if keep < len(digits) && digits[keep] >= '5' {
		var carry uint64
		lo, carry = bits.Add64(lo, 1, 0)
		hi += carry
	}
	v := decimal128.New(int64(hi), lo)
	if !v.FitsInPrecision(int32(p)) {
		return v, false
	}
	if negative {
		v = v.Negate()
	}
	return v, true
}

// pow10 is 10^n for n in 0..19.
func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// appendDecimal writes v with scale digits after the point.
func appendDecimal(dst []byte, v decimal128.Num, scale int) []byte {
	var scratch [64]byte
	var digits []byte
	negative := v.Sign() < 0
	if n, ok := small(v); ok && n != math.MinInt64 {
		if negative {
			n = -n
		}
		digits = strconv.AppendInt(scratch[:0], n, 10)
	} else {
		b := v.BigInt()
		digits = b.Abs(b).Append(scratch[:0], 10)
	}
	if negative {
		dst = append(dst, '-')
	}
	if scale == 0 {
		return append(dst, digits...)
	}
	whole := len(digits) - scale
	if whole <= 0 {
		dst = append(dst, "0."...)
		for range -whole {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[:whole]...)
	dst = append(dst, '.')
	return append(dst, digits[whole:]...)
}
