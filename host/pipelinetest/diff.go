package pipelinetest

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// table is rows with the types of their columns.
type table struct {
	schema *arrow.Schema
	rows   []row
}

// shown is how many rows of a difference are printed.
const shown = 20

// diff compares rows as multisets and describes what differs, or gives "".
// Rows that agree in every column that is no float are held against each other
// before a row counts as missing.
func diff(want []row, got table, e Expect) string {
	var b strings.Builder
	columns := e.Columns
	if len(columns) == 0 {
		columns = got.columns()
		if text := columnsDiffer(want, columns); text != "" {
			return text
		}
	}
	types := map[string]arrow.DataType{}
	for _, f := range got.schema.Fields() {
		types[f.Name] = f.Type
	}
	for _, c := range append(append([]string(nil), columns...), e.Unordered...) {
		if types[c] == nil {
			return fmt.Sprintf("column %q is expected, but there are only %s\n", c, strings.Join(got.columns(), ", "))
		}
	}
	want, left := sorted(want, e.Unordered), append([]row(nil), sorted(got.rows, e.Unordered)...)
	var missing []row
	for _, w := range want {
		at := -1
		for i, g := range left {
			if g != nil && rowsSame(w, g, columns, types, e.Tolerance) {
				at = i
				break
			}
		}
		if at < 0 {
			missing = append(missing, w)
			continue
		}
		left[at] = nil
	}
	var extra []row
	for _, g := range left {
		if g != nil {
			extra = append(extra, g)
		}
	}
	if len(missing) == 0 && len(extra) == 0 {
		return ""
	}
	fmt.Fprintf(&b, "expected %d rows, got %d; %d not found, %d not expected\n", len(want), len(got.rows), len(missing), len(extra))
	for i, w := range missing {
		if i == shown {
			fmt.Fprintf(&b, "  ... and %d more\n", len(missing)-shown)
			break
		}
		fmt.Fprintf(&b, "- %s\n", line(w, columns))
		if near := closest(w, extra, columns, types, e.Tolerance); near != nil {
			fmt.Fprintf(&b, "+ %s\n", line(near, columns))
			for _, c := range columns {
				if !same(w[c], near[c], types[c], e.Tolerance) {
					fmt.Fprintf(&b, "    %s: expected %s, got %s\n", c, text(w[c]), text(near[c]))
				}
			}
			extra = without(extra, near)
		}
	}
	for i, g := range extra {
		if i == shown {
			fmt.Fprintf(&b, "  ... and %d more\n", len(extra)-shown)
			break
		}
		fmt.Fprintf(&b, "+ %s\n", line(g, columns))
	}
	return b.String()
}

func (t table) columns() []string {
	var out []string
	for _, f := range t.schema.Fields() {
		out = append(out, f.Name)
	}
	return out
}

// columnsDiffer holds the names used in the expected rows against the actual.
func columnsDiffer(want []row, columns []string) string {
	have := map[string]bool{}
	for _, c := range columns {
		have[c] = true
	}
	var extra []string
	for _, w := range want {
		for c := range w {
			if !have[c] {
				have[c] = true
				extra = append(extra, c)
			}
		}
	}
	if len(extra) == 0 {
		return ""
	}
	sort.Strings(extra)
	return fmt.Sprintf("expected columns that are not there: %s; there are: %s\n", strings.Join(extra, ", "), strings.Join(columns, ", "))
}

func rowsSame(w, g row, columns []string, types map[string]arrow.DataType, tolerance float64) bool {
	for _, c := range columns {
		if !same(w[c], g[c], types[c], tolerance) {
			return false
		}
	}
	return true
}

// closest gives the row that agrees with w in the most columns, if in half.
func closest(w row, among []row, columns []string, types map[string]arrow.DataType, tolerance float64) row {
	var best row
	most := len(columns) / 2
	for _, g := range among {
		n := 0
		for _, c := range columns {
			if same(w[c], g[c], types[c], tolerance) {
				n++
			}
		}
		if n > most {
			best, most = g, n
		}
	}
	return best
}

func without(rows []row, r row) []row {
	for i := range rows {
		if fmt.Sprintf("%p", rows[i]) == fmt.Sprintf("%p", r) {
			return append(rows[:i:i], rows[i+1:]...)
		}
	}
	return rows
}

// line prints a row as JSON with the columns in order, so that it can be
// pasted into the test.
func line(r row, columns []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q: %s", c, text(r[c]))
	}
	b.WriteByte('}')
	return b.String()
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
