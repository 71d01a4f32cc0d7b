package contract

import (
	"strings"
	"unicode/utf8"

	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/flow"
)

// Printable makes a text of a plugin's bytes: valid UTF-8 without control
// characters other than line feed and tab, which could steer a terminal.
func Printable(b []byte) string {
	odd := 0
	for _, c := range b {
		if !plain(c) {
			odd++
		}
	}
	if odd == 0 { // as nearly all texts are
		return string(b)
	}
	out := make([]byte, 0, len(b)+2*odd)
	for i := 0; i < len(b); {
		c, n := b[i], 1
		switch {
		case plain(c):
			out = append(out, c)
		case c < utf8.RuneSelf:
			out = append(out, "\uFFFD"...)
		default:
			var r rune
			if r, n = utf8.DecodeRune(b[i:]); r < 0xA0 {
				r = utf8.RuneError
			}
			out = utf8.AppendRune(out, r)
		}
		i += n
	}
	return string(out)
}

// plain tells a byte that stands for itself.
func plain(c byte) bool { return c >= ' ' && c < 0x7F || c == '\n' || c == '\t' }

// mostShown bounds what is shown of a schema.
const mostShown = 400

// Shown is a schema of a plugin's as messages show it: names and types in one
// line of bounded length.
func Shown(s *flow.Schema) string {
	var b strings.Builder
	for i, f := range s.Fields() {
		if b.Len() > mostShown {
			return b.String()[:mostShown] + "..."
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(oneLine(f.Name) + " " + typeName(f.Type))
		if !f.Nullable {
			b.WriteString(" not null")
		}
	}
	return b.String()
}

// typeName shows a type of a plugin's, in which names may be anything.
func typeName(t flow.DataType) string {
	name := oneLine(cdata.TypeName(t))
	if len(name) > mostShown {
		name = name[:mostShown] + "..."
	}
	return name
}

func oneLine(s string) string {
	return strings.NewReplacer("\n", string(utf8.RuneError), "\t", " ").Replace(Printable([]byte(s)))
}

// Indent moves the lines of a plugin's text behind the first one to the right, so
// that none of them passes for a line of the host's.
func Indent(s string) string { return strings.ReplaceAll(s, "\n", "\n    ") }
