package jsonrows

// span is where a value lies in a text; its first byte tells its kind. An end
// of 0 means: no value.
type span struct {
	from, end int32
	escaped   bool // of a text
}

// walk scans objects and notes the values of names.
type walk struct {
	spans   []span // by field
	row     int64  // number of the present row or object, from 1
	scratch []byte // a name with escapes
}

// object scans the object whose brace was opened before i, and gives its end.
func (w *walk) object(s []byte, i int, wanted *names, depth int) int {
	if depth > maxDepth {
		return bad
	}
	wanted.next = 0
	if i = space(s, i); i < len(s) && s[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(s) || s[i] != '"' {
			return bad
		}
		from := i + 1
		end, escaped := text(s, from)
		if end < 0 {
			return bad
		}
		name := s[from : end-1]
		if escaped {
			w.scratch = unescape(w.scratch[:0], name)
			name = w.scratch
		}
		found := wanted.find(name)
		if i = colon(s, end); i < 0 {
			return bad
		}
		if found == nil || found.row == w.row {
			i = skip(s, i, depth)
		} else {
			i = w.value(s, i, found, depth)
		}
		if i < 0 {
			return bad
		}
		var closed bool
		if i, closed = next(s, i, '}'); i < 0 || closed {
			return i
		}
	}
}

// value scans the value at i of a name that is wanted.
func (w *walk) value(s []byte, i int, n *node, depth int) int {
	if i >= len(s) {
		return bad
	}
	n.row = w.row
	var end int
	escaped := false
	switch {
	case s[i] == '"':
		end, escaped = text(s, i+1)
	case s[i] == '{' && len(n.below.list) > 0:
		end = w.object(s, i+1, &n.below, depth+1)
	default:
		end = skip(s, i, depth)
	}
	if n.field >= 0 {
		w.spans[n.field] = span{int32(i), int32(end), escaped}
	}
	return end
}
