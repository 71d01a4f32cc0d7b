package config

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deeply arrays, inline tables and dotted keys nest. No
// pipeline needs more, and parsers recurse.
const maxDepth = 64

// scanner walks over TOML source and notes where each key and value stands. It
// checks nothing: on valid TOML it is exact; on anything else it ends early or
// notes nonsense, but always ends, and never reads outside src. It reads what
// comes before the first syntax error as a parser does.
type scanner struct {
	src     []byte
	pos     int
	idx     *index
	counts  map[string]int // length of each array of tables so far
	tooDeep int            // position where maxDepth was passed, or -1
	depth   int
}

// scan makes the index of src. tooDeep is the byte where nesting passed
// maxDepth, or -1.
func scan(file string, src []byte) (idx *index, tooDeep int) {
	s := &scanner{
		src:     src,
		idx:     &index{file: file, src: src, places: map[string]place{}},
		counts:  map[string]int{},
		tooDeep: -1,
	}
	s.idx.lines = lineStarts(src)
	s.document()
	return s.idx, s.tooDeep
}

func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// context is the table that keys are written into.
type context struct {
	path   string
	secret bool // a key on the way here is named like a secret
}

func (s *scanner) document() {
	if bytes.HasPrefix(s.src, []byte("\xef\xbb\xbf")) {
		s.pos = 3
	}
	var table context
	for s.tooDeep < 0 {
		s.blank()
		if s.pos >= len(s.src) {
			return
		}
		before := s.pos
		if s.src[s.pos] == '[' {
			table = s.header()
		} else {
			s.assignment(table)
		}
		if s.pos == before {
			s.pos++
		}
	}
}

// header reads [a.b] or [[a.b]] and gives the table it opens.
func (s *scanner) header() context {
	start := s.pos
	s.pos++
	array := s.pos < len(s.src) && s.src[s.pos] == '['
	if array {
		s.pos++
	}
	parts := s.key()
	s.space()
	for n := 0; n < 2 && (n == 0 || array) && s.pos < len(s.src) && s.src[s.pos] == ']'; n++ {
		s.pos++
	}
	end := s.pos
	var cur context
	for i, part := range parts {
		cur.secret = cur.secret || secretish(part.name)
		cur.path = join(cur.path, part.name)
		p := place{key: part.at, val: extent{start, end}, secret: cur.secret}
		s.idx.note(cur.path, p)
		if i < len(parts)-1 {
			if n := s.counts[cur.path]; n > 0 {
				cur.path = element(cur.path, n-1)
			}
			continue
		}
		if array {
			base := cur.path
			cur.path = element(base, s.counts[base])
			s.counts[base]++
			s.idx.note(cur.path, p)
		} else {
			s.idx.places[cur.path] = p // better than where a dotted key implied it
		}
	}
	return cur
}

// assignment reads key = value.
func (s *scanner) assignment(table context) {
	parts := s.key()
	s.space()
	if len(parts) == 0 || s.pos >= len(s.src) || s.src[s.pos] != '=' {
		s.restOfLine()
		return
	}
	s.pos++
	s.space()
	cur := table
	for i, part := range parts {
		cur.secret = cur.secret || secretish(part.name)
		cur.path = join(cur.path, part.name)
		if i < len(parts)-1 {
			s.idx.note(cur.path, place{key: part.at, val: part.at, secret: cur.secret})
		}
	}
	s.value(cur, parts[len(parts)-1].at)
}

// part is one piece of a dotted key.
type part struct {
	name string
	at   extent
}

func (s *scanner) key() []part {
	var parts []part
	for {
		s.space()
		start := s.pos
		if start >= len(s.src) {
			return parts
		}
		var name string
		switch c := s.src[s.pos]; {
		case c == '"' || c == '\'':
			s.quoted()
			name = unquote(s.src[start:s.pos])
		default:
			for s.pos < len(s.src) && bareKey(s.src[s.pos]) {
				s.pos++
			}
			if s.pos == start {
				return parts
			}
			name = string(s.src[start:s.pos])
		}
		if len(parts) == maxDepth {
			s.deep(start)
			return parts
		}
		parts = append(parts, part{name, extent{start, s.pos}})
		s.space()
		if s.pos >= len(s.src) || s.src[s.pos] != '.' {
			return parts
		}
		s.pos++
	}
}

// value reads one value and notes it at cur.path.
func (s *scanner) value(cur context, key extent) {
	start, text := s.pos, false
	defer func() {
		v := extent{start, max(start, s.pos)}
		s.idx.note(cur.path, place{key: key, val: v, secret: cur.secret})
		if cur.secret || text && (secretDefault.Match(s.src[v.start:v.end]) || urlPassword.Match(s.src[v.start:v.end])) {
			s.idx.secrets = append(s.idx.secrets, v)
		}
	}()
	if s.pos >= len(s.src) {
		return
	}
	switch s.src[s.pos] {
	case '"', '\'':
		text = true
		s.quoted()
	case '[', '{':
		if s.depth == maxDepth {
			s.deep(s.pos)
			return
		}
		s.depth++
		if s.src[s.pos] == '[' {
			s.array(cur)
		} else {
			s.inlineTable(cur)
		}
		s.depth--
	default:
		for s.pos < len(s.src) && !bytes.ContainsRune([]byte(",]}#\r\n"), rune(s.src[s.pos])) {
			s.pos++
		}
		for s.pos > start && (s.src[s.pos-1] == ' ' || s.src[s.pos-1] == '\t') {
			s.pos--
		}
	}
}

func (s *scanner) array(cur context) {
	s.pos++
	for n := 0; s.tooDeep < 0; {
		s.blank()
		if s.pos >= len(s.src) {
			return
		}
		switch s.src[s.pos] {
		case ']':
			s.pos++
			return
		case ',':
			s.pos++
			continue
		}
		before := s.pos
		s.value(context{element(cur.path, n), cur.secret}, extent{})
		n++
		if s.pos == before {
			return // no value: not TOML
		}
	}
}

func (s *scanner) inlineTable(cur context) {
	s.pos++
	for s.tooDeep < 0 {
		s.blank()
		if s.pos >= len(s.src) {
			return
		}
		switch s.src[s.pos] {
		case '}':
			s.pos++
			return
		case ',':
			s.pos++
			continue
		}
		before := s.pos
		s.assignment(cur)
		if s.pos == before {
			return
		}
	}
}

// quoted moves over a string of any of the four kinds.
func (s *scanner) quoted() {
	q := s.src[s.pos]
	triple := []byte{q, q, q}
	if bytes.HasPrefix(s.src[s.pos:], triple) {
		for s.pos += 3; s.pos < len(s.src); s.pos++ {
			if q == '"' && s.src[s.pos] == '\\' {
				s.pos++
				continue
			}
			if bytes.HasPrefix(s.src[s.pos:], triple) {
				s.pos += 3
				// Up to two quotes may stand before the closing three.
				for i := 0; i < 2 && s.pos < len(s.src) && s.src[s.pos] == q; i++ {
					s.pos++
				}
				return
			}
		}
		s.pos = len(s.src)
		return
	}
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == q:
			s.pos++
			return
		case c == '\n':
			return
		case q == '"' && c == '\\':
			s.pos++
		}
	}
	s.pos = len(s.src)
}

// blank moves over white space, line ends and comments.
func (s *scanner) blank() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		case '#':
			s.restOfLine()
		default:
			return
		}
	}
}

func (s *scanner) space() {
	for s.pos < len(s.src) && (s.src[s.pos] == ' ' || s.src[s.pos] == '\t') {
		s.pos++
	}
}

func (s *scanner) restOfLine() {
	for s.pos < len(s.src) && s.src[s.pos] != '\n' {
		s.pos++
	}
}

func (s *scanner) deep(at int) {
	if s.tooDeep < 0 {
		s.tooDeep = at
	}
}

func bareKey(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// unquote gives the text of a quoted key.
func unquote(b []byte) string {
	if len(b) < 2 {
		return string(b)
	}
	in := string(b[1 : len(b)-1])
	if b[0] == '\'' || !strings.Contains(in, `\`) {
		return in
	}
	var out strings.Builder
	for i := 0; i < len(in); i++ {
		if in[i] != '\\' || i+1 == len(in) {
			out.WriteByte(in[i])
			continue
		}
		i++
		digits := 0
		switch in[i] {
		case 'b':
			out.WriteByte('\b')
		case 't':
			out.WriteByte('\t')
		case 'n':
			out.WriteByte('\n')
		case 'f':
			out.WriteByte('\f')
		case 'r':
			out.WriteByte('\r')
		case 'e':
			out.WriteByte(0x1b)
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		default:
			out.WriteByte(in[i])
		}
		if digits > 0 && i+digits < len(in) {
			if n, err := strconv.ParseUint(in[i+1:i+1+digits], 16, 32); err == nil && n <= utf8.MaxRune {
				out.WriteRune(rune(n))
			}
			i += digits
		}
	}
	return out.String()
}

// secretDefault finds a default written for a variable that holds a secret.
var secretDefault = regexp.MustCompile(`(?i)\$\{\w*(?:passw|secret|token|credential|api_?key|access_?key|private_?key)\w*:-`)

// urlPassword finds a password written into a URL.
var urlPassword = regexp.MustCompile(`://[^/@\s"'$]*:[^/@\s"'${]+@`)

// secretKey finds such a key where the file is too broken to know its keys.
var secretKey = regexp.MustCompile(`(?i)[\w."'-]*(?:passw|secret|token|credential|api_?key|access_?key|private_?key)[\w."'-]*\s*=\s*`)

// secretish tells whether a key of this name holds what nobody may print.
func secretish(name string) bool {
	n := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	for _, s := range []string{"passw", "secret", "token", "credential", "api_key", "apikey", "access_key", "accesskey", "private_key", "privatekey"} {
		if strings.Contains(n, s) {
			return true
		}
	}
	return false
}
