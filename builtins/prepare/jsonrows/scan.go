package jsonrows

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep a text may be nested, its own object included.
const maxDepth = 1000

// bad is the place that scanning functions answer with where a text is no
// JSON.
const bad = -1

// space gives the place of the first byte from i on that is no white space.
func space(s []byte, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// skip gives the end of the value at i.
func skip(s []byte, i, depth int) int {
	if i >= len(s) {
		return bad
	}
	switch s[i] {
	case '"':
		end, _ := text(s, i+1)
		return end
	case '{':
		return skipObject(s, i+1, depth+1)
	case '[':
		return skipArray(s, i+1, depth+1)
	case 't':
		return word(s, i, "true")
	case 'f':
		return word(s, i, "false")
	case 'n':
		return word(s, i, "null")
	}
	return number(s, i)
}

func word(s []byte, i int, w string) int {
	if len(s)-i < len(w) || string(s[i:i+len(w)]) != w {
		return bad
	}
	return i + len(w)
}

// skipObject gives the end of the object whose brace was opened before i.
func skipObject(s []byte, i, depth int) int {
	if depth > maxDepth {
		return bad
	}
	if i = space(s, i); i < len(s) && s[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(s) || s[i] != '"' {
			return bad
		}
		if i, _ = text(s, i+1); i < 0 {
			return bad
		}
		if i = colon(s, i); i < 0 {
			return bad
		}
		if i = skip(s, i, depth); i < 0 {
			return bad
		}
		var closed bool
		if i, closed = next(s, i, '}'); i < 0 || closed {
			return i
		}
	}
}

// skipArray gives the end of the array whose bracket was opened before i.
func skipArray(s []byte, i, depth int) int {
	if depth > maxDepth {
		return bad
	}
	if i = space(s, i); i < len(s) && s[i] == ']' {
		return i + 1
	}
	for {
		if i = skip(s, i, depth); i < 0 {
			return bad
		}
		var closed bool
		if i, closed = next(s, i, ']'); i < 0 || closed {
			return i
		}
	}
}

// colon gives the place of the value behind the colon that follows a name.
func colon(s []byte, i int) int {
	if i = space(s, i); i >= len(s) || s[i] != ':' {
		return bad
	}
	return space(s, i+1)
}

// next steps over what follows a value: a comma, to the next one, or the sign
// that closes.
func next(s []byte, i int, closing byte) (at int, closed bool) {
	if i = space(s, i); i >= len(s) {
		return bad, false
	}
	switch s[i] {
	case ',':
		return space(s, i+1), false
	case closing:
		return i + 1, true
	}
	return bad, false
}

// number gives the end of the number at i.
func number(s []byte, i int) int {
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i >= len(s) {
		return bad
	}
	if s[i] == '0' {
		i++
	} else if i = digits(s, i); i < 0 {
		return bad
	}
	if i < len(s) && s[i] == '.' {
		if i = digits(s, i+1); i < 0 {
			return bad
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		return digits(s, i)
	}
	return i
}

// digits steps over one digit or more.
func digits(s []byte, i int) int {
	from := i
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	if i == from {
		return bad
	}
	return i
}

// Eight bytes of the same value, for looking at eight bytes of a text at once.
const (
	ones    = 0x0101010101010101
	tops    = 0x80 * ones
	quotes  = '"' * ones
	slashes = '\\' * ones
	blanks  = ' ' * ones
)

// text gives the end of the text whose quote was opened before i, behind the
// closing quote, and whether it holds escapes.
func text(s []byte, i int) (end int, escaped bool) {
	from := i
	var all uint64 // bits of any of the bytes
	for {
		for i+8 <= len(s) {
			w := binary.LittleEndian.Uint64(s[i:])
			q, b := w^quotes, w^slashes
			// The top bit of the lowest byte that is a quote, a backslash or a
			// control character; bytes above that one may be marked falsely.
			m := ((q-ones)&^q | (b-ones)&^b | (w-blanks)&^w) & tops
			if m != 0 {
				n := bits.TrailingZeros64(m) &^ 7
				all |= w & (1<<n - 1)
				i += n / 8
				break
			}
			all |= w
			i += 8
		}
		for i < len(s) && s[i] != '"' && s[i] != '\\' && s[i] >= ' ' {
			all |= uint64(s[i])
			i++
		}
		switch {
		case i >= len(s) || s[i] < ' ':
			return bad, false
		case s[i] == '"':
			if all&tops != 0 && !utf8.Valid(s[from:i]) {
				return bad, false
			}
			return i + 1, escaped
		}
		escaped = true
		if i = escape(s, i+1); i < 0 {
			return bad, false
		}
	}
}

// escape gives the end of the escape whose backslash stands before i.
func escape(s []byte, i int) int {
	if i >= len(s) {
		return bad
	}
	switch s[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if len(s)-i < 5 {
			return bad
		}
		for _, c := range s[i+1 : i+5] {
			if _, ok := hex(c); !ok {
				return bad
			}
		}
		return i + 5
	}
	return bad
}

func hex(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10, true
	}
	return 0, false
}
