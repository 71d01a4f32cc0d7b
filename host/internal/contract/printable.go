package contract

import (
	"strings"
	"unicode/utf8"
)

// Printable makes a text of a plugin's bytes: valid UTF-8 without control
// characters other than line feed and tab, which could steer a terminal.
func Printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r >= 0x7F && r < 0xA0 || r == utf8.RuneError:
			return utf8.RuneError
		}
		return r
	}, string(b))
}
