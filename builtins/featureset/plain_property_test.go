package featureset

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/hosttest"
)

// plainRow is a row of the naive evaluation: columns as numbers, nil for null.
type plainRow struct {
	columns  map[string]*int64
	source   []*int64 // the source columns, by name
	ordinals []int64
}

// plainColumns are the source columns, all of them named by every set drawn, in
// the order of their names.
var plainColumns = []string{"id", "n", "p", "ts", "v", "w"}

func compareNull(a, b *int64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}

// total is the order of S-301.
func (r *plainRow) total(o *plainRow) int {
	if c := compareNull(r.columns["ts"], o.columns["ts"]); c != 0 {
		return c
	}
	for i := range r.source {
		if c := compareNull(r.source[i], o.source[i]); c != 0 {
			return c
		}
	}
	return slices.Compare(r.ordinals, o.ordinals)
}

func sameParts(a, b *plainRow, names []string) bool {
	for _, n := range names {
		if compareNull(a.columns[n], b.columns[n]) != 0 {
			return false
		}
	}
	return true
}

// evaluatePlain computes a set the slow and obvious way: feature after feature
// over the whole table.
func evaluatePlain(cfg config.FeatureSet, rows []*plainRow) string {
	var names []string
	for _, f := range cfg.Features {
		switch {
		case f.Window != nil:
			for _, fn := range f.Function {
				for i, name := range windowedNames(f, fn) {
					names = append(names, name)
					made := make([]*int64, len(rows))
					for k, r := range rows {
						made[k] = naiveWindow(f, fn.Name, i, r, rows)
					}
					for k, r := range rows {
						r.columns[name] = made[k]
					}
				}
			}
		case len(f.Function) > 0:
			name := f.Name + "__abs"
			names = append(names, name)
			for _, r := range rows {
				if v := r.columns[source(f)]; v != nil && *v < 0 {
					w := -*v
					r.columns[name] = &w
				} else {
					r.columns[name] = v
				}
			}
		case f.Stack != nil:
			names = append(names, f.Name)
			var out []*plainRow
			for _, r := range rows {
				for k, from := range f.Stack {
					g := &plainRow{columns: map[string]*int64{}, source: r.source}
					for n, v := range r.columns {
						g.columns[n] = v
					}
					g.columns[f.Name] = r.columns[from]
					g.ordinals = append(slices.Clone(r.ordinals), int64(k))
					out = append(out, g)
				}
			}
			rows = out
		case f.SQL != "":
			names = append(names, f.Name)
			for _, r := range rows {
				if v := r.columns[strings.TrimPrefix(f.SQL, "1 + ")]; v != nil {
					w := *v + 1
					r.columns[f.Name] = &w
				} else {
					r.columns[f.Name] = nil
				}
			}
		default:
			names = append(names, f.Name)
			for _, r := range rows {
				r.columns[f.Name] = r.columns[source(f)]
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b *plainRow) int {
		if c := compareNull(a.columns["id"], b.columns["id"]); c != 0 {
			return c
		}
		return a.total(b)
	})
	text := func(v *int64) string {
		if v == nil {
			return "null"
		}
		return strconv.FormatInt(*v, 10)
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%s | %s", text(r.columns["id"]), text(r.columns["ts"]))
		for _, n := range names {
			b.WriteString(" | " + text(r.columns[n]))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const minuteMicros = 60_000_000

// naiveWindow computes one function over the i-th window of a row.
func naiveWindow(f config.Feature, function string, i int, r *plainRow, rows []*plainRow) *int64 {
	parts := f.Window.PartitionBy
	if parts == nil {
		parts = []string{"id"}
	}
	order, unit := f.Window.OrderBy, int64(60) // seconds of a minute
	if order == "" {
		order, unit = "ts", minuteMicros
	}
	var inside []*plainRow
	for _, o := range rows {
		if sameParts(o, r, parts) {
			inside = append(inside, o)
		}
	}
	slices.SortStableFunc(inside, func(a, b *plainRow) int {
		if c := compareNull(a.columns[order], b.columns[order]); c != 0 {
			return c
		}
		return a.total(b)
	})
	if w := f.Window; i < len(w.Fixed) {
		t, width := r.columns[order], w.Fixed[i].N*unit
		inside = slices.DeleteFunc(inside, func(o *plainRow) bool {
			x := o.columns[order]
			if t == nil || x == nil {
				return t != nil || x != nil
			}
			low := *x <= *t-width
			if strings.HasPrefix(w.Bounds, "[") {
				low = *x < *t-width
			}
			return low || *x > *t
		})
	} else {
		at := slices.Index(inside, r)
		inside = inside[max(0, at+1-int(w.Rows[i-len(w.Fixed)].N)) : at+1]
	}
	var sum, n int64
	var last *int64
	for _, o := range inside {
		last = o.columns[source(f)]
		if last != nil {
			sum += *last
			n++
		}
	}
	switch {
	case function == "count":
		return &n
	case function == "last":
		return last
	case n == 0:
		return nil
	}
	return &sum
}

// Any set of copies, expressions, functions, windows and stacks gives what it
// gives feature after feature over the whole table, however the rows come and
// are cut, and whoever computes them.
// Rules: S-301, S-303, S-603, S-801, S-803, S-804, S-805, S-1004, S-1601, S-1602, S-1607.
func TestSet_AnyPlainFeatures_EqualOneAfterAnother(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		small := func(label string, lo, hi int) string {
			if rapid.IntRange(0, 9).Draw(rt, label+" null") == 0 {
				return "null"
			}
			return strconv.Itoa(rapid.IntRange(lo, hi).Draw(rt, label))
		}
		var rows []string
		for range rapid.IntRange(0, 12).Draw(rt, "rows") {
			if len(rows) > 0 && rapid.IntRange(0, 2).Draw(rt, "again") == 0 {
				rows = append(rows, rows[len(rows)-1])
				continue
			}
			minute := rapid.IntRange(0, 6).Draw(rt, "minute")
			rows = append(rows, fmt.Sprintf("%s | %d | %s | %s | %s | %s", small("id", 1, 2), minute*minuteMicros, small("p", 1, 2), strconv.Itoa(60*rapid.IntRange(0, 5).Draw(rt, "n")), small("v", -3, 3), small("w", 0, 1)))
		}
		cfg := plainSet("", config.Feature{Name: "p"}, config.Feature{Name: "n"}, config.Feature{Name: "v"}, config.Feature{Name: "w"})
		cfg.Timestamp.Unit, cfg.NullKeys, cfg.DeduplicateRows = "us", "keep", false
		visible := []string{"n", "v", "w"}
		pick := func(label string) string { return rapid.SampledFrom(visible).Draw(rt, label) }
		sql := &fakeSQL{known: map[string]fakeExpr{}}
		stacks := 0
		for i := range rapid.IntRange(1, 6).Draw(rt, "features") {
			f := config.Feature{Name: fmt.Sprintf("f%d", i)}
			switch kind := rapid.SampledFrom([]string{"window", "window", "window", "sql", "abs", "copy", "stack"}).Draw(rt, "kind"); {
			case kind == "window":
				f.From = pick("of")
				f.Function = functions(rapid.SampledFrom([][]string{{"sum"}, {"count", "last"}, {"last"}}).Draw(rt, "functions")...)
				f.Window = &config.FeatureWindow{
					PartitionBy: rapid.SampledFrom([][]string{nil, {"id"}, {"p"}, {"p", "id"}}).Draw(rt, "partition"),
					OrderBy:     rapid.SampledFrom([]string{"", "", "n", "v"}).Draw(rt, "order"),
				}
				if rapid.Bool().Draw(rt, "fixed") {
					f.Window.Fixed = []config.TimeSpan{{N: 1, Unit: "minute", Micros: minuteMicros}, {N: 3, Unit: "minutes", Micros: 3 * minuteMicros}}
					f.Window.Bounds = rapid.SampledFrom([]string{"", "[]"}).Draw(rt, "bounds")
				} else {
					f.Window.Rows = []config.RowSpan{{N: 2, Unit: "rows"}}
				}
				for _, fn := range f.Function {
					visible = append(visible, windowedNames(f, fn)...)
				}
			case kind == "sql":
				from := pick("of")
				f.SQL = "1 + " + from
				sql.known[f.SQL] = fakeExpr{[]string{from}, "bigint", func(r map[string]string) string {
					v, err := strconv.Atoi(r[from])
					if err != nil {
						return "null"
					}
					return strconv.Itoa(v + 1)
				}}
				visible = append(visible, f.Name)
			case kind == "abs":
				f.From, f.Function = pick("of"), functions("abs")
				visible = append(visible, f.Name+"__abs")
			case kind == "stack" && stacks < 2:
				stacks++
				// In the order of the columns, which is that of visible.
				a := rapid.IntRange(0, len(visible)-2).Draw(rt, "first")
				b := rapid.IntRange(a+1, len(visible)-1).Draw(rt, "second")
				f.Stack = []string{visible[a], visible[b]}
				visible = append(visible, f.Name)
			default:
				f.From = pick("of")
				visible = append(visible, f.Name)
			}
			cfg.Features = append(cfg.Features, f)
		}
		b := bench{cfg: cfg, sql: sql, batch: rapid.SampledFrom([]int{0, 1, 3}).Draw(rt, "batch"), forks: rapid.SampledFrom([]int{0, 2}).Draw(rt, "forks")}
		got := b.run(t, hosttest.Record(t, "id bigint, ts bigint, p bigint, n bigint, v bigint, w bigint", rapid.Permutation(rows).Draw(rt, "order")...))
		var naive []*plainRow
		for _, row := range rows {
			r := &plainRow{columns: map[string]*int64{}}
			for i, text := range strings.Split(row, " | ") {
				if v, err := strconv.ParseInt(text, 10, 64); err == nil {
					r.columns[[]string{"id", "ts", "p", "n", "v", "w"}[i]] = &v
				}
			}
			for _, n := range plainColumns {
				r.source = append(r.source, r.columns[n])
			}
			naive = append(naive, r)
		}
		want := evaluatePlain(cfg, naive)
		if got := microsText(got); got != want {
			rt.Fatalf("%+v\ngot\n%swant\n%s", cfg.Features, got, want)
		}
		if sql.open != 0 {
			rt.Fatalf("%d evaluators left open", sql.open)
		}
	})
}

// microsText gives the text of a table with the timestamp, second of its
// columns, in microseconds.
func microsText(table string) string {
	lines := strings.SplitAfter(table, "\n")
	for i, l := range lines {
		parts := strings.Split(l, " | ")
		if len(parts) < 2 {
			continue
		}
		at := parts[1]
		end := strings.TrimSuffix(at, "\n")
		if len(end) == len("2006-01-02") {
			end += "T00:00:00Z"
		}
		for m := range 7 {
			if end == fmt.Sprintf("1970-01-01T00:%02d:00Z", m) {
				parts[1] = strconv.Itoa(m*minuteMicros) + at[len(strings.TrimSuffix(at, "\n")):]
			}
		}
		lines[i] = strings.Join(parts, " | ")
	}
	return strings.Join(lines, "")
}
