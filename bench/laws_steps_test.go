package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// column is a column of a source table.
type column struct{ name, typ string }

// source is a table of source rows, which have no order.
type source struct {
	columns []column
	rows    []event
}

func (s *source) typeOf(name string) string {
	for _, c := range s.columns {
		if c.name == name {
			return c.typ
		}
	}
	return ""
}

// put gives the columns with one more, or one of another type.
func (s *source) put(c column) []column {
	columns := slices.Clone(s.columns)
	for i := range columns {
		if columns[i].name == c.name {
			columns[i] = c
			return columns
		}
	}
	return append(columns, c)
}

func (e event) with(name string, v any) event {
	out := make(event, len(e)+1)
	for k, x := range e {
		out[k] = x
	}
	out[name] = v
	return out
}

// preparation is a prepare step: its settings as written, and what it makes of
// a table.
type preparation struct {
	use, settings string
	folds, causal bool // whether rows go; whether no row depends on later ones
	run           func(*source) *source
}

// condition is a condition in SQL, and what it is for a row: true, false or nil.
type condition struct {
	sql     string
	columns []string
	of      func(event) any
}

func filterBy(c condition) preparation {
	return preparation{use: "filter", settings: fmt.Sprintf("where = %q", c.sql), causal: true, run: func(s *source) *source {
		out := &source{columns: s.columns}
		for _, e := range s.rows {
			if c.of(e) == true {
				out.rows = append(out.rows, e)
			}
		}
		return out
	}}
}

func replaceIn(column string, by [][2]string) preparation {
	var parts []string
	for _, b := range by {
		parts = append(parts, fmt.Sprintf("%q = %q", b[0], b[1]))
	}
	return preparation{use: "replace", settings: fmt.Sprintf("column = %q\nvalues = { %s }", column, strings.Join(parts, ", ")), causal: true, run: func(s *source) *source {
		out := &source{columns: s.columns}
		for _, e := range s.rows {
			for _, b := range by {
				if e[column] == b[0] {
					e = e.with(column, b[1])
					break
				}
			}
			out.rows = append(out.rows, e)
		}
		return out
	}}
}

// byBytes compares rows by the canonical bytes of columns.
func byBytes(a, b event, columns []string) int {
	for _, c := range columns {
		if n := bytes.Compare(bytesOf(a[c]), bytesOf(b[c])); n != 0 {
			return n
		}
	}
	return 0
}

// allOf gives the names of all columns, by name.
func (s *source) allOf() []string {
	var names []string
	for _, c := range s.columns {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return names
}

func quotedList(names []string) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = fmt.Sprintf("%q", n)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// fillForward is S-503.
func fillForward(partition, order []string, column, into string) preparation {
	settings := fmt.Sprintf("order_by = %s\ncolumn = %q", quotedList(order), column)
	if partition != nil {
		settings += "\npartition_by = " + quotedList(partition)
	}
	to := column
	if into != "" {
		settings += fmt.Sprintf("\ninto = %q", into)
		to = into
	}
	return preparation{use: "forward_fill", settings: settings, causal: order[0] == "ts", run: func(s *source) *source {
		by := append(append(slices.Clone(partition), order...), s.allOf()...)
		rows := slices.Clone(s.rows)
		slices.SortStableFunc(rows, func(a, b event) int { return byBytes(a, b, by) })
		out := &source{columns: s.put(columnOf(to, s.typeOf(column)))}
		var last any
		for i, e := range rows {
			if i > 0 && byBytes(rows[i-1], e, partition) != 0 {
				last = nil
			}
			if e[column] != nil {
				last = e[column]
			}
			out.rows = append(out.rows, e.with(to, last))
		}
		return out
	}}
}

func columnOf(name, typ string) column { return column{name, typ} }

// textOf is a value as text (S-409), for names.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// pivotBy is S-504; named tells that values are written down.
func pivotBy(group []string, of, value string, f fun, values []any, named, fill, mock bool) preparation {
	settings := fmt.Sprintf("group_by = %s\ncolumn = %q\nvalue = %q\naggregation = %s", quotedList(group), of, value, f.toml())
	if named {
		settings += "\nvalues = " + tomlList(values)
	}
	if fill {
		settings += "\nforward_fill = true"
	}
	if mock {
		settings += "\nmock = \"x\""
	}
	return preparation{use: "pivot", settings: settings, folds: true, causal: group[len(group)-1] == "ts", run: func(s *source) *source {
		out := &source{}
		for _, g := range group {
			out.columns = append(out.columns, columnOf(g, s.typeOf(g)))
		}
		columns := values
		if !named {
			columns = nil
			for _, e := range s.rows {
				if !slices.ContainsFunc(columns, func(v any) bool { return same([]any{v}, []any{e[of]}) }) {
					columns = append(columns, e[of])
				}
			}
			slices.SortFunc(columns, func(a, b any) int { return bytes.Compare(bytesOf(a), bytesOf(b)) })
		}
		result := f.typ
		if result == "" {
			result = resultOf(f.plain(), s.typeOf(value), false)
		}
		for _, v := range columns {
			out.columns = append(out.columns, columnOf(textOf(v), result))
		}
		by := append(slices.Clone(group), s.allOf()...)
		rows := slices.Clone(s.rows)
		slices.SortStableFunc(rows, func(a, b event) int { return byBytes(a, b, by) })
		series := group[:len(group)-1]
		var before event
		for i := 0; i < len(rows); {
			j := i
			for j < len(rows) && byBytes(rows[i], rows[j], group) == 0 {
				j++
			}
			e := event{}
			for _, g := range group {
				e[g] = rows[i][g]
			}
			for _, v := range columns {
				var in []any
				for _, x := range rows[i:j] {
					if same([]any{x[of]}, []any{v}) {
						in = append(in, x[value])
					}
				}
				if in != nil {
					e[textOf(v)], _ = castTo(compute(f, s.typeOf(value), in, false), f.typ, false)
				}
				if e[textOf(v)] == nil && fill && !(mock && in != nil) && before != nil && byBytes(before, e, series) == 0 {
					e[textOf(v)] = before[textOf(v)]
				}
			}
			out.rows = append(out.rows, e)
			before, i = e, j
		}
		return out
	}}
}

func tomlList(values []any) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = fmt.Sprint(v)
		switch v := v.(type) {
		case string:
			parts[i] = fmt.Sprintf("%q", v)
		case float64:
			parts[i] = plainText(v)
			if v == float64(int64(v)) && !strings.Contains(parts[i], ".") {
				parts[i] += ".0"
			}
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// explodeJSON is S-505.
func explodeJSON(of string, fields []column) preparation {
	var parts []string
	for _, f := range fields {
		parts = append(parts, fmt.Sprintf("%q = %q", f.name, f.typ))
	}
	return preparation{use: "explode_json", settings: fmt.Sprintf("column = %q\nschema = { %s }", of, strings.Join(parts, ", ")), causal: true, run: func(s *source) *source {
		out := &source{columns: s.columns}
		for _, f := range fields {
			out.columns = out.put(f)
		}
		for _, e := range s.rows {
			for _, f := range fields {
				var v any
				if text, ok := e[of].(string); ok {
					v = jsonField(text, f)
				}
				e = e.with(f.name, v)
			}
			out.rows = append(out.rows, e)
		}
		return out
	}}
}

func jsonField(text string, f column) any {
	raw := json.RawMessage(text)
	if !json.Valid(raw) {
		return nil
	}
	for _, part := range strings.Split(f.name, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil || object[part] == nil {
			return nil
		}
		raw = object[part]
	}
	written := string(raw)
	switch raw[0] {
	case 'n':
		return nil
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s)
		if f.typ == "string" {
			return s // as it is
		}
		written = s
	case '{', '[':
		var b bytes.Buffer
		_ = json.Compact(&b, raw)
		written = b.String()
	}
	v, _ := readText(written, f.typ)
	return v
}

// castTo is cast, of lists too.
func castTo(v any, to string, compat bool) (any, bool) {
	switch v.(type) {
	case bool, instant, civil, dec:
		return v, false // the laws draw no casts of these
	}
	list, ok := v.([]any)
	if !ok {
		return (&pipeline{compat: compat}).cast(v, to)
	}
	if to == "" {
		return v, false
	}
	elem := strings.TrimSuffix(strings.TrimPrefix(to, "array<"), ">")
	out := make([]any, len(list))
	bad := false
	for i, e := range list {
		x, failed := castTo(e, elem, compat)
		out[i], bad = x, bad || failed
	}
	return out, bad
}
