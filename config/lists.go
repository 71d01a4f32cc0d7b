package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// integer reads a whole number within the key's bounds.
func (d *decoder) integer(path string, v any, key KeyDoc) (any, bool) {
	n, ok := v.(int64)
	if !ok {
		d.wrongType(path, key, v)
		return nil, false
	}
	if (key.Min != 0 || key.Max != 0) && (n < key.Min || n > key.Max) {
		at := path
		if strings.HasSuffix(path, "]") {
			at = parentPath(path)
		}
		d.bad(path, atValue, BadValue, "", "%q %s must be from %d to %d", key.Name, tableName(parentPath(at)), key.Min, key.Max)
		return nil, false
	}
	return n, true
}

// columnNames reads a name, or a list of names, each once.
func (d *decoder) columnNames(path string, v any, key KeyDoc) (any, bool) {
	elems, isList := v.([]any)
	if !isList {
		t, ok := d.columnName(path, v, key)
		return []item[any]{{path, t}}, ok
	}
	if len(elems) == 0 {
		d.bad(path, atValue, BadValue, `write a name, or a list as in ["id"]`, "%q %s names nothing", key.Name, tableName(parentPath(path)))
		return nil, false
	}
	var out []item[any]
	seen := map[string]bool{}
	for i, e := range elems {
		at := element(path, i)
		t, ok := d.columnName(at, e, key)
		if !ok {
			continue
		}
		if seen[t.val] {
			d.bad(at, atValue, DuplicateName, "remove one", "%s stands twice in %q %s", d.quote(at, t), key.Name, tableName(parentPath(path)))
			continue
		}
		seen[t.val] = true
		out = append(out, item[any]{at, t})
	}
	return out, len(out) == len(elems)
}

func (d *decoder) columnName(path string, v any, key KeyDoc) (text, bool) {
	t, ok := d.plain(path, v, key)
	if ok && strings.TrimSpace(t.val) == "" {
		at := path
		if strings.HasSuffix(path, "]") {
			at = parentPath(path)
		}
		d.bad(path, atValue, BadValue, "", "a name in %q %s is empty", key.Name, tableName(parentPath(at)))
		return t, false
	}
	return t, ok
}

// scalar reads a text, a number or a boolean.
func (d *decoder) scalar(path string, v any, key KeyDoc) (any, bool) {
	switch x := v.(type) {
	case string:
		return d.raw(path, x)
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			at := path
			if strings.HasSuffix(path, "]") {
				at = parentPath(path)
			}
			d.bad(path, atValue, BadValue, "", "a value of %q %s must be a finite number", key.Name, tableName(parentPath(at)))
			return nil, false
		}
		return x, true
	case int64, bool:
		return x, true
	}
	d.wrongType(path, key, v)
	return nil, false
}

// values gives a list of scalars as they are after interpolation, and refuses
// one that stands twice.
func (d *decoder) values(t *table, key string) []any {
	list, _ := get[[]item[any]](t, key)
	var out []any
	seen := map[any]bool{}
	for _, it := range list {
		v := it.val
		if s, ok := v.(text); ok {
			v = s.val
		}
		same := v
		if n, ok := v.(int64); ok && int64(float64(n)) == n {
			same = float64(n) // 1 and 1.0 are one value
		}
		if seen[same] {
			d.bad(it.path, atValue, DuplicateName, "remove one", "the same value stands twice in %q %s", key, tableName(t.path))
			continue
		}
		seen[same] = true
		out = append(out, v)
	}
	return out
}

// texts reads a table of old = "new".
func (d *decoder) texts(path string, v any, key KeyDoc) (any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		d.wrongType(path, key, v)
		return nil, false
	}
	if len(m) == 0 {
		d.bad(path, atValue, BadValue, `write { old = "new" }`, "%q %s is empty", key.Name, tableName(parentPath(path)))
		return nil, false
	}
	out := make(map[string]string, len(m))
	for _, old := range d.inOrder(path, m) {
		at := join(path, old)
		s, isText := m[old].(string)
		if !isText {
			d.bad(at, atValue, WrongType, `write "..." around it`, "a new value in %q %s must be a string, found %s", key.Name, tableName(parentPath(path)), typeName(m[old]))
			continue
		}
		if t, ok := d.raw(at, s); ok {
			out[old] = t.val
		}
	}
	return out, len(out) == len(m)
}

// rowSpan reads a number of rows.
func (d *decoder) rowSpan(path string, v any, key KeyDoc) (any, bool) {
	t, ok := d.plain(path, v, key)
	if !ok {
		return nil, false
	}
	span, err := ParseRowSpan(t.val)
	if err != nil {
		d.bad(path, atValue, BadDuration, `write a positive whole number, a space and a word, as in "3 events"`, "%s is no number of rows", d.quote(path, t))
		return nil, false
	}
	return span, true
}

// maxRowSpan bounds the rows of a window: they are held in memory.
const maxRowSpan = 1 << 31

// ParseRowSpan reads a positive whole number of rows and a word of letters,
// as in "3 events".
func ParseRowSpan(s string) (RowSpan, error) {
	fields := strings.Fields(s)
	if len(fields) == 2 {
		n, err := strconv.ParseInt(fields[0], 10, 64)
		letters := strings.Trim(strings.ToLower(fields[1]), "abcdefghijklmnopqrstuvwxyz") == ""
		if err == nil && n >= 1 && n <= maxRowSpan && fields[0] == strconv.FormatInt(n, 10) && letters {
			return RowSpan{Text: s, N: n, Unit: fields[1]}, nil
		}
	}
	return RowSpan{}, fmt.Errorf(`%q is no number of rows: write a positive whole number, a space and a word, as in "3 events"`, s)
}
