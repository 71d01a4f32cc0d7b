package config

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/featurehost/featurehost/host/fault"
)

// index keeps the place of every key of a pipeline file, by its path:
// `pipeline.name`, `reader[1].prepare[0].where`, `stage[0].config."a b"`.
type index struct {
	file    string
	src     []byte
	lines   []int // byte at which each line starts
	places  map[string]place
	secrets []extent   // values that must not be printed
	env     []envValue // what was read from the environment
	hushed  []string   // values of secrets, wherever they were written
}

// extent is a run of bytes of the source.
type extent struct{ start, end int }

// place is where a key and its value stand. The value of a table with a header
// is the header; an element of an array has no key.
type place struct {
	key, val extent
	secret   bool
}

// at chooses between the two places of a path.
type at bool

const (
	atKey   at = false
	atValue at = true
)

// note keeps the first place of a path.
func (x *index) note(path string, p place) {
	if _, ok := x.places[path]; !ok {
		x.places[path] = p
	}
}

// has tells whether the file holds path.
func (x *index) has(path string) bool {
	_, ok := x.places[path]
	return ok
}

// offset orders paths as they stand in the file.
func (x *index) offset(path string) int {
	p := x.places[path]
	if p.key != (extent{}) {
		return p.key.start
	}
	return p.val.start
}

// extent gives the bytes of path, or of the nearest enclosing path that has a
// place; the file's beginning when there is none.
func (x *index) extent(path string, which at) extent {
	for exact := true; path != ""; path, exact = parentPath(path), false {
		p, ok := x.places[path]
		switch {
		case !ok:
		case exact && which == atKey && p.key != (extent{}):
			return p.key
		default:
			return p.val
		}
	}
	return extent{}
}

// isSecret tells whether path, or a table around it, is named like a secret.
func (x *index) isSecret(path string) bool {
	for ; path != ""; path = parentPath(path) {
		if p, ok := x.places[path]; ok {
			return p.secret
		}
	}
	return false
}

func (x *index) span(path string, which at) Span { return x.spanOf(x.extent(path, which)) }

// spanOf turns bytes into a line and characters. It never leaves the source.
func (x *index) spanOf(e extent) Span {
	start := min(max(e.start, 0), len(x.src))
	line := sort.Search(len(x.lines), func(i int) bool { return x.lines[i] > start }) - 1
	from, to := x.line(line)
	start = min(max(start, from), to)
	end := min(max(e.end, start), to)
	// The parser may point into the middle of a character.
	for start > from && start < to && !utf8.RuneStart(x.src[start]) {
		start--
	}
	for end < to && !utf8.RuneStart(x.src[end]) {
		end++
	}
	return Span{
		File: x.file,
		Line: line + 1,
		Col:  utf8.RuneCount(x.src[from:start]) + 1,
		Len:  utf8.RuneCount(x.src[start:end]),
	}
}

// line gives the bytes of a line, counted from 0, without its end and without
// a byte order mark.
func (x *index) line(n int) (from, to int) {
	from, to = x.lines[n], len(x.src)
	if n+1 < len(x.lines) {
		to = x.lines[n+1] - 1
	}
	if to > from && x.src[to-1] == '\r' {
		to--
	}
	if n == 0 && strings.HasPrefix(string(x.src[:min(3, to)]), "\xef\xbb\xbf") {
		from = 3
	}
	return from, to
}

// maxExcerpt is how many characters of a source line are shown.
const maxExcerpt = 160

// excerpt gives the line of a span as it may be printed.
func (x *index) excerpt(s Span) excerpt {
	from, to := x.line(s.Line - 1)
	var text []rune
	col, width, seen := -1, 0, 0 // seen counts characters of the source line
	masked := false
	for b := from; b < to; {
		r, size := utf8.DecodeRune(x.src[b:to])
		if seen < s.Col-2*maxExcerpt { // too far from the caret to be shown
			seen, b = seen+1, b+size
			continue
		}
		if seen > s.Col+2*maxExcerpt {
			break
		}
		inSpan := seen >= s.Col-1 && seen < s.Col-1+max(s.Len, 1)
		if inSpan && col < 0 {
			col = len(text)
			if masked && x.hidden(b) {
				col -= len("***")
			}
		}
		if x.hidden(b) {
			if !masked {
				text = append(text, '*', '*', '*')
			}
			masked = true
		} else {
			masked = false
			if r < ' ' && r != '\t' || r == utf8.RuneError || r == 0x7f {
				r = '\uFFFD'
			}
			text = append(text, r)
		}
		if inSpan {
			width = len(text) - col
		}
		seen++
		b += size
	}
	if col < 0 {
		col = len(text)
	}
	width = max(width, 1)
	if len(text) > maxExcerpt {
		cut := max(0, min(col-maxExcerpt/3, len(text)-maxExcerpt))
		text = text[cut:min(len(text), cut+maxExcerpt)]
		col -= cut
		width = max(1, min(width, maxExcerpt-col))
	}
	return excerpt{text: string(text), col: col, width: width}
}

// hidden tells whether a byte belongs to a secret.
func (x *index) hidden(b int) bool {
	for _, e := range x.secrets {
		if b >= e.start && b < e.end {
			return true
		}
	}
	return false
}

// problem makes a Problem at path. The caller answers for what args hold.
func (x *index) problem(path string, which at, code fault.Code, hint, format string, args ...any) Problem {
	return x.problemAt(x.span(path, which), code, hint, format, args...)
}

func (x *index) problemAt(s Span, code fault.Code, hint, format string, args ...any) Problem {
	return Problem{Span: s, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint, excerpt: x.excerpt(s)}
}

// redactArg replaces what came from the environment in anything that would
// print as text.
func (x *index) redactArg(a any) any {
	switch v := a.(type) {
	case string:
		return x.redact(v)
	case []string:
		out := make([]string, len(v))
		for i, s := range v {
			out[i] = x.redact(s)
		}
		return out
	case error:
		return x.redact(v.Error())
	case fmt.Stringer:
		return x.redact(v.String())
	}
	return a
}

// redact replaces values of the environment by the name of their variable. A
// value of one to three characters is replaced only when it is the whole text:
// inside a longer one it would be found by accident.
func (x *index) redact(s string) string {
	for _, e := range x.env {
		if s != e.value && len(e.value) <= 3 {
			continue
		}
		name := "${" + e.name + "}"
		s = strings.ReplaceAll(s, e.value, name)
		if quoted := strconv.Quote(e.value); quoted != `"`+e.value+`"` {
			s = strings.ReplaceAll(s, quoted[1:len(quoted)-1], name)
		}
	}
	for _, secret := range x.hushed {
		s = strings.ReplaceAll(s, secret, NewSecret(secret).String())
	}
	return s
}

// hush notes values that redact hides. Those of one to three characters, and
// those that the file also holds in the open, are left out: the word would be
// hidden where it says something else, and so be told.
func (x *index) hush(values []string) {
	if len(values) == 0 {
		return
	}
	open := append([]byte(nil), x.src...)
	for _, e := range x.secrets {
		for i := e.start; i < e.end && i < len(open); i++ {
			open[i] = ' '
		}
	}
	text := strings.ToLower(string(open))
	for _, v := range values {
		if len(v) > 3 && !strings.Contains(text, strings.ToLower(v)) {
			x.hushed = append(x.hushed, v)
		}
	}
	sort.SliceStable(x.hushed, func(i, j int) bool { return len(x.hushed[i]) > len(x.hushed[j]) })
}

// sortEnv puts longer values first, so that none is torn by a shorter one that
// is part of it.
func (x *index) sortEnv() {
	sort.SliceStable(x.env, func(i, j int) bool { return len(x.env[i].value) > len(x.env[j].value) })
}

// join adds a key to a path, quoted when it is not a bare key.
func join(path, key string) string {
	for i := 0; i < len(key); i++ {
		if !bareKey(key[i]) {
			key = strconv.Quote(key)
			break
		}
	}
	if key == "" {
		key = `""`
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func element(path string, n int) string { return path + "[" + strconv.Itoa(n) + "]" }

// parentPath takes the last key or element off a path.
func parentPath(path string) string {
	cut, quoted := 0, false
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '.' || c == '['):
			cut = i
		}
	}
	return path[:cut]
}

// table names the table at path as its header would be written.
func tableName(path string) string {
	if path == "" {
		return "at the top level"
	}
	array := strings.HasSuffix(path, "]")
	var b strings.Builder
	quoted, in := false, false
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && c == '[':
			in = true
		}
		if !in {
			b.WriteByte(c)
		}
		if !quoted && c == ']' {
			in = false
		}
	}
	if array {
		return "in [[" + b.String() + "]]"
	}
	return "in [" + b.String() + "]"
}
