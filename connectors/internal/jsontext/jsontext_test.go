package jsontext_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/connectors/internal/jsontext"
)

func TestAppendQuoted_Special_Escaped(t *testing.T) {
	for in, want := range map[string]string{
		"":             `""`,
		"grüße":        `"grüße"`,
		"\"\\\n\t\r":   `"\"\\\n\t\r"`,
		"\x00\x1f\x7f": "\"\\u0000\\u001f\x7f\"",
		"a\xffb\xc3":   "\"a\uFFFDb\uFFFD\"",
		"\xed\xa0\x80": "\"\uFFFD\uFFFD\uFFFD\"", // half of a pair
		"\uFFFD😀":      "\"\uFFFD😀\"",
	} {
		if got := string(jsontext.AppendQuoted(nil, in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// What is written reads back, from text and from bytes alike.
func TestAppendQuoted_DrawnBytes_ReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{0xc3, 0xbc, 0xf0, '"'}))).Draw(rt, "bytes")
		b := jsontext.AppendQuoted([]byte("x"), in)
		var got string
		if err := json.Unmarshal(b[1:], &got); err != nil || b[0] != 'x' {
			rt.Fatal(err)
		}
		want := strings.Map(func(r rune) rune { return r }, string(in))
		if got != want {
			rt.Fatalf("%q, want %q", got, want)
		}
		if s := jsontext.AppendQuoted(nil, string(in)); string(s) != string(b[1:]) {
			rt.Fatalf("%s of text, %s of bytes", s, b[1:])
		}
	})
}

func TestAppendFloat_EachKind_Text(t *testing.T) {
	for _, c := range []struct {
		f    float64
		bits int
		want string
	}{
		{1.5, 64, "1.5"}, {0.1, 64, "0.1"}, {float64(float32(0.1)), 32, "0.1"}, {1e21, 64, "1e+21"}, {math.Copysign(0, -1), 64, "-0"},
		{math.NaN(), 64, `"NaN"`}, {math.Inf(1), 32, `"Infinity"`}, {math.Inf(-1), 64, `"-Infinity"`},
	} {
		if got := string(jsontext.AppendFloat(nil, c.f, c.bits)); got != c.want {
			t.Errorf("%g: %s, want %s", c.f, got, c.want)
		}
	}
}
