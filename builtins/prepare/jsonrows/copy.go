package jsonrows

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// The functions of this file take texts that were scanned and found good.

// unescape appends the characters of a text; s is what stands between its
// quotes.
func unescape(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			var r rune
			r, s = unit(s), s[4:]
			if utf16.IsSurrogate(r) {
				r, s = pair(r, s)
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
}

// unit reads four hex digits.
func unit(s []byte) rune {
	var r rune
	for _, c := range s[:4] {
		h, _ := hex(c)
		r = r<<4 | h
	}
	return r
}

// pair joins a surrogate with the escape of another one that follows it; alone
// it is U+FFFD.
func pair(first rune, s []byte) (rune, []byte) {
	if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
		if r := utf16.DecodeRune(first, unit(s[2:])); r != utf8.RuneError {
			return r, s[6:]
		}
	}
	return utf8.RuneError, s
}

// compact appends a value without the white space between its parts.
func compact(dst, s []byte) []byte {
	for len(s) > 0 {
		n := 0
		for n < len(s) && s[n] != '"' && s[n] > ' ' {
			n++
		}
		if n < len(s) && s[n] == '"' {
			n, _ = text(s, n+1)
		}
		dst = append(dst, s[:n]...)
		s = s[space(s, n):]
	}
	return dst
}
