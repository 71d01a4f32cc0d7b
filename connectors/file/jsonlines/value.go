package jsonlines

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// value adds the value at b[i] to the column and gives the place after it, or
// -1 when the value is not plain.
func (c *column) value(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	if b[i] == 'n' {
		if i = literal(b, i, "null"); i >= 0 {
			c.addNull()
		}
		return i
	}
	switch c.kind {
	case int32s:
		v, j := whole(b, i)
		if j < 0 || v != int64(int32(v)) {
			return -1
		}
		i, c.v32 = j, append(c.v32, uint32(v))
	case int64s:
		v, j := whole(b, i)
		if j < 0 {
			return -1
		}
		i, c.v64 = j, append(c.v64, uint64(v))
	case float32s:
		v, j := number(b, i)
		if j < 0 || math.Abs(v) > math.MaxFloat32 {
			return -1
		}
		i, c.v32 = j, append(c.v32, math.Float32bits(float32(v)))
	case float64s:
		v, j := number(b, i)
		if j < 0 {
			return -1
		}
		i, c.v64 = j, append(c.v64, math.Float64bits(v))
	case booleans:
		word := "false"
		if b[i] == 't' {
			word = "true"
		}
		if i = literal(b, i, word); i < 0 {
			return -1
		}
		c.bits = setBit(c.bits, c.n, word == "true")
	case texts:
		var ok bool
		if c.data, i, ok = appendText(c.data, b, i); !ok {
			return -1
		}
		c.ends = append(c.ends, int32(len(c.data)))
	case times:
		v, j := instant(b, i)
		if j < 0 {
			return -1
		}
		i, c.v64 = j, append(c.v64, uint64(v))
	case dates:
		text, j := plainText(b, i)
		if j < 0 || len(text) != 10 {
			return -1
		}
		day, ok := calendarDay(text)
		if !ok {
			return -1
		}
		i, c.v32 = j, append(c.v32, uint32(day))
	}
	c.added()
	return i
}

// literal steps over a word.
func literal(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// whole reads a whole number of 64 bits.
func whole(b []byte, i int) (v int64, next int) {
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	from, n := i, uint64(0)
	for i < len(b) && b[i]-'0' <= 9 {
		n = n*10 + uint64(b[i]-'0')
		i++
	}
	digits := i - from
	if digits == 0 || digits > 18 || digits > 1 && b[from] == '0' || i < len(b) && (b[i] == '.' || b[i]|0x20 == 'e') {
		return 0, -1 // 18 digits cannot overflow; of 19 some would
	}
	if negative {
		return -int64(n), i
	}
	return int64(n), i
}

// tens are the powers of ten that a double holds exactly.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number reads a number as the nearest double.
func number(b []byte, i int) (v float64, next int) {
	from := i
	mantissa, digits, fraction, simple, next := scanNumber(b, i)
	if next < 0 {
		return 0, -1
	}
	negative := b[from] == '-'
	if simple && digits <= 15 && fraction < len(tens) {
		// Both are exact, so that their quotient is the nearest double.
		if v = float64(mantissa) / tens[fraction]; !negative {
			return v, next
		}
		if mantissa == 0 && fraction == 0 {
			return 0, next // -0 is a whole number, which has no sign
		}
		return -v, next
	}
	text := b[from:next]
	v, err := strconv.ParseFloat(unsafe.String(&text[0], len(text)), 64)
	if err != nil {
		return 0, -1
	}
	return v, next
}

// scanNumber steps over a number. simple says that it has no exponent and that
// it is mantissa / 10^fraction with so many digits.
func scanNumber(b []byte, i int) (mantissa uint64, digits, fraction int, simple bool, next int) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	from := i
	for i < len(b) && b[i]-'0' <= 9 {
		mantissa = mantissa*10 + uint64(b[i]-'0')
		i++
	}
	digits = i - from
	if digits == 0 || digits > 1 && b[from] == '0' {
		return 0, 0, 0, false, -1
	}
	if i < len(b) && b[i] == '.' {
		i++
		from = i
		for i < len(b) && b[i]-'0' <= 9 {
			mantissa = mantissa*10 + uint64(b[i]-'0')
			i++
		}
		if fraction = i - from; fraction == 0 {
			return 0, 0, 0, false, -1
		}
		digits += fraction
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		from = i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		if i == from {
			return 0, 0, 0, false, -1
		}
		return mantissa, digits, fraction, false, i
	}
	return mantissa, digits, fraction, true, i
}

// plain marks the bytes of a text that stand for themselves: ASCII but control
// characters, quote and backslash.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// plainText gives a text without escapes and the place after it.
func plainText(b []byte, i int) (text []byte, next int) {
	if i >= len(b) || b[i] != '"' {
		return nil, -1
	}
	i++
	from := i
	for i < len(b) && plain[b[i]] {
		i++
	}
	for i < len(b) && (plain[b[i]] || b[i] >= utf8.RuneSelf) {
		i++
	}
	if i >= len(b) || b[i] != '"' {
		return nil, -1
	}
	if text = b[from:i]; !utf8.Valid(text) {
		return nil, -1
	}
	return text, i + 1
}

// appendText appends the characters of a text.
func appendText(dst, b []byte, i int) (_ []byte, next int, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return dst, i, false
	}
	i++
	for ascii := true; i < len(b); {
		from := i
		for i < len(b) && plain[b[i]] {
			i++
		}
		for i < len(b) && (plain[b[i]] || b[i] >= utf8.RuneSelf) {
			i, ascii = i+1, false
		}
		if !ascii && !utf8.Valid(b[from:i]) {
			return dst, i, false
		}
		dst = append(dst, b[from:i]...)
		if i >= len(b) {
			break
		}
		switch b[i] {
		case '"':
			return dst, i + 1, true
		case '\\':
			r, j := escape(b, i+1)
			if j < 0 {
				return dst, i, false
			}
			dst, i = utf8.AppendRune(dst, r), j
		default:
			return dst, i, false // a control character
		}
	}
	return dst, i, false
}

// escape reads what follows a backslash.
func escape(b []byte, i int) (r rune, next int) {
	if i >= len(b) {
		return 0, -1
	}
	switch b[i] {
	case '"', '\\', '/':
		return rune(b[i]), i + 1
	case 'b':
		return '\b', i + 1
	case 'f':
		return '\f', i + 1
	case 'n':
		return '\n', i + 1
	case 'r':
		return '\r', i + 1
	case 't':
		return '\t', i + 1
	case 'u':
		r, i = hex4(b, i+1)
		switch {
		case i < 0 || !utf16.IsSurrogate(r):
			return r, i
		case len(b)-i < 6 || b[i] != '\\' || b[i+1] != 'u':
			return 0, -1
		}
		low, j := hex4(b, i+2)
		if r = utf16.DecodeRune(r, low); j < 0 || r == utf8.RuneError {
			return 0, -1
		}
		return r, j
	}
	return 0, -1
}

func hex4(b []byte, i int) (r rune, next int) {
	if len(b)-i < 4 {
		return 0, -1
	}
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20-'a' <= 5:
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, -1
		}
	}
	return r, i + 4
}

// deepest is how deep values that nobody wants may be nested.
const deepest = 64

// skip steps over a value that nobody wants, or gives -1 when it is not plain.
func skip(b []byte, i, depth int) int {
	if i >= len(b) || depth > deepest {
		return -1
	}
	switch b[i] {
	case '"':
		return skipText(b, i)
	case 'n':
		return literal(b, i, "null")
	case 't':
		return literal(b, i, "true")
	case 'f':
		return literal(b, i, "false")
	case '[', '{':
		object := b[i] == '{'
		end := b[i] + 2 // ] follows [ but one, } follows {
		if i = space(b, i+1); i < len(b) && b[i] == end {
			return i + 1
		}
		for {
			if object {
				if i = skipText(b, i); i < 0 {
					return -1
				}
				if i = space(b, i); i >= len(b) || b[i] != ':' {
					return -1
				}
				i = space(b, i+1)
			}
			if i = skip(b, i, depth+1); i < 0 {
				return -1
			}
			if i = space(b, i); i >= len(b) {
				return -1
			}
			switch b[i] {
			case end:
				return i + 1
			case ',':
				i = space(b, i+1)
			default:
				return -1
			}
		}
	}
	_, next := number(b, i) // it must be one that a double can be near to
	return next
}

// skipText steps over a text.
func skipText(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	i++
	for i < len(b) {
		for i < len(b) && plain[b[i]] {
			i++
		}
		if i >= len(b) {
			return -1
		}
		switch {
		case b[i] == '"':
			return i + 1
		case b[i] == '\\':
			if _, i = escape(b, i+1); i < 0 {
				return -1
			}
		case b[i] >= utf8.RuneSelf:
			from := i
			for i < len(b) && b[i] >= utf8.RuneSelf {
				i++
			}
			if !utf8.Valid(b[from:i]) {
				return -1
			}
		default:
			return -1
		}
	}
	return -1
}
