package cast

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// trim cuts ASCII white space from both ends.
func trim(s string) string {
	for len(s) > 0 && space(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && space(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// splitNumber takes [+-]digits[.digits] apart.
func splitNumber(s string) (negative bool, whole, fraction string, ok bool) {
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		negative = s[0] == '-'
		s = s[1:]
	}
	n := digits(s)
	whole = s[:n]
	if n == 0 {
		return negative, "", "", false
	}
	if n == len(s) {
		return negative, whole, "", true
	}
	if s[n] != '.' {
		return negative, "", "", false
	}
	fraction = s[n+1:]
	return negative, whole, fraction, len(fraction) > 0 && digits(fraction) == len(fraction)
}

// digits counts the ASCII digits at the head of s.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// ParseInt reads [+-]digits[.digits] between white space, its fraction cut;
// false for another text or one beyond 64 bits.
func ParseInt(s string) (int64, bool) {
	negative, whole, _, ok := splitNumber(trim(s))
	if !ok {
		return 0, false
	}
	var n uint64
	for i := range len(whole) {
		if n > math.MaxInt64/10 {
			return 0, false
		}
		n = n*10 + uint64(whole[i]-'0')
	}
	if negative {
		if n > 1<<63 {
			return 0, false
		}
		return -int64(n), true
	}
	return int64(n), n <= math.MaxInt64
}

// parseFloat reads [+-]digits[.digits][e[+-]digits], NaN and Infinity, signed
// and in any case, between white space, to the nearest number of size bits.
// Beyond range it is infinity.
func parseFloat(s string, size int) (float64, bool) {
	s = trim(s)
	body := s
	sign := 1.0
	if len(body) > 0 && (body[0] == '+' || body[0] == '-') {
		if body[0] == '-' {
			sign = -1
		}
		body = body[1:]
	}
	switch {
	case fold(body, "nan"):
		return math.NaN(), true
	case fold(body, "infinity"):
		return math.Inf(int(sign)), true
	}
	mantissa := body
	for i := range len(body) {
		if body[i] == 'e' || body[i] == 'E' {
			mantissa = body[:i]
			exp := body[i+1:]
			if len(exp) > 0 && (exp[0] == '+' || exp[0] == '-') {
				exp = exp[1:]
			}
			if len(exp) == 0 || digits(exp) != len(exp) {
				return 0, false
			}
			break
		}
	}
	// A second sign belongs to neither part.
	if len(mantissa) == 0 || digits(mantissa) == 0 {
		return 0, false
	}
	if _, _, _, ok := splitNumber(mantissa); !ok {
		return 0, false
	}
	f, _ := strconv.ParseFloat(s, size) // the only error left is range, whose value is infinity
	return f, true
}

// ParseBool reads t true y yes 1, f false n no 0, in any case, between white
// space.
func ParseBool(s string) (value, ok bool) {
	s = trim(s)
	for _, t := range [...]string{"t", "true", "y", "yes", "1"} {
		if fold(s, t) {
			return true, true
		}
	}
	for _, f := range [...]string{"f", "false", "n", "no", "0"} {
		if fold(s, f) {
			return false, true
		}
	}
	return false, false
}

// fold compares s with a lower-case ASCII word in any case.
func fold(s, word string) bool {
	if len(s) != len(word) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// toText writes values the way they are read back.
func toText(from arrow.DataType) (kernel, bool) {
	switch from := from.(type) {
	case *arrow.StringType:
		return nil, true
	case *arrow.BinaryType:
		return binaryToText, true
	case *arrow.BooleanType:
		return texts(func(a arrow.Array) func([]byte, int) []byte {
			in := a.(*array.Boolean)
			return func(dst []byte, i int) []byte { return strconv.AppendBool(dst, in.Value(i)) }
		}), true
	case *arrow.Int32Type:
		return textOf(func(dst []byte, v int32) []byte { return strconv.AppendInt(dst, int64(v), 10) }), true
	case *arrow.Int64Type:
		return textOf(func(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }), true
	case *arrow.Float32Type:
		return textOf(func(dst []byte, v float32) []byte { return appendFloat(dst, float64(v), 32) }), true
	case *arrow.Float64Type:
		return textOf(AppendFloat), true
	case *arrow.Decimal128Type:
		scale := int(from.Scale)
		return textOf(func(dst []byte, v decimal128.Num) []byte { return appendDecimal(dst, v, scale) }), true
	case *arrow.TimestampType:
		return textOf(AppendInstant), true
	case *arrow.Date32Type:
		return textOf(func(dst []byte, v arrow.Date32) []byte { return appendDay(dst, int64(v)) }), true
	}
	return nil, false
}

func textOf[I arrow.FixedWidthType](put func([]byte, I) []byte) kernel {
	return texts(func(a arrow.Array) func([]byte, int) []byte {
		in := arrow.GetValues[I](a.Data(), 1)
		return func(dst []byte, i int) []byte { return put(dst, in[i]) }
	})
}

// AppendFloat writes the shortest digits that read back as v: plain with at
// least one decimal for 1e-3 <= |v| < 1e7 and for zero, else 1.0E10.
func AppendFloat(dst []byte, v float64) []byte { return appendFloat(dst, v, 64) }

func appendFloat(dst []byte, v float64, size int) []byte {
	switch {
	case v != v:
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	if m := math.Abs(v); m == 0 || m >= 1e-3 && m < 1e7 {
		from := len(dst)
		dst = strconv.AppendFloat(dst, v, 'f', -1, size)
		for _, c := range dst[from:] {
			if c == '.' {
				return dst
			}
		}
		return append(dst, ".0"...)
	}
	var scratch [32]byte
	text := strconv.AppendFloat(scratch[:0], v, 'e', -1, size)
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	mantissa, exp := text[:e], text[e+1:]
	dst = append(dst, mantissa...)
	if len(mantissa) <= 2 { // one digit, with its sign if it has one
		dst = append(dst, ".0"...)
	}
	dst = append(dst, 'E')
	if exp[0] == '-' {
		dst = append(dst, '-')
	}
	exp = exp[1:]
	for len(exp) > 1 && exp[0] == '0' {
		exp = exp[1:]
	}
	return append(dst, exp...)
}

// toBinary keeps the bytes of text.
func toBinary(from arrow.DataType) (kernel, bool) {
	switch from.ID() {
	case arrow.BINARY:
		return nil, true
	case arrow.STRING:
		return func(_ memory.Allocator, a arrow.Array) (arrow.Array, int64) {
			return retyped(a, arrow.BinaryTypes.Binary), 0
		}, true
	}
	return nil, false
}

// binaryToText shares the bytes when all of them are UTF-8.
func binaryToText(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
	in := a.(*array.Binary)
	bad := 0
	for i := range in.Len() {
		if in.IsValid(i) && !utf8.Valid(in.Value(i)) {
			bad++
		}
	}
	if bad == 0 {
		return retyped(a, arrow.BinaryTypes.String), 0
	}
	b := array.NewStringBuilder(mem)
	defer b.Release()
	b.Reserve(in.Len())
	for i := range in.Len() {
		if in.IsNull(i) || !utf8.Valid(in.Value(i)) {
			b.AppendNull()
		} else {
			b.BinaryBuilder.Append(in.Value(i))
		}
	}
	return b.NewArray(), int64(bad)
}

// retyped gives the same buffers another type of the same layout.
func retyped(a arrow.Array, to arrow.DataType) arrow.Array {
	old := a.Data()
	d := array.NewData(to, old.Len(), old.Buffers(), old.Children(), old.NullN(), old.Offset())
	defer d.Release()
	return array.MakeFromData(d)
}
