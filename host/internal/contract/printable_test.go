package contract

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// Texts come out as they are, but for what could steer a terminal and what is no
// UTF-8.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"plain text":              "plain text",
		"lines\n\tand tabs":       "lines\n\tand tabs",
		"größer, 語":               "größer, 語",
		"\x1b[31m red":            "\uFFFD[31m red",
		"a\x7fb\u0085c\r":         "a\uFFFDb\uFFFDc\uFFFD",
		"\xff\xfe":                "\uFFFD\uFFFD",
		"cut \xe8\xaa":            "cut \uFFFD\uFFFD",
		"\uFFFD as it stands":     "\uFFFD as it stands",
		strings.Repeat("\x01", 3): "\uFFFD\uFFFD\uFFFD",
	} {
		if got := Printable([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzPrintable holds what comes out to what it promises.
func FuzzPrintable(f *testing.F) {
	f.Add([]byte("a\x1b\xffé"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Printable(b)
		if !utf8.ValidString(s) {
			t.Errorf("%q is no UTF-8", s)
		}
		for _, r := range s {
			if r < ' ' && r != '\n' && r != '\t' || r >= 0x7F && r < 0xA0 {
				t.Errorf("%q has %U", s, r)
			}
		}
		if again := Printable([]byte(s)); again != s {
			t.Errorf("%q, then %q", s, again)
		}
	})
}

func BenchmarkPrintable(b *testing.B) {
	for name, text := range map[string][]byte{
		"ascii":    bytes.Repeat([]byte("a"), 4096),
		"control":  bytes.Repeat([]byte{1}, 4096),
		"accents":  bytes.Repeat([]byte("é"), 2048),
		"no utf-8": bytes.Repeat([]byte{0xFF}, 4096),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Printable(text)
			}
		})
	}
}
