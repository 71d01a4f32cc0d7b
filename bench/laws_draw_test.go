package bench

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
)

// world is a drawn pipeline with its events.
type world struct {
	set
	prepare, stages          []preparation
	query, incremental, flat bool
	events                   *source
	table                    *source // what enters the set
	end                      *int64
	first                    int64
	cuts                     []int64
}

// artist draws.
type artist struct{ *rand.Rand }

func (r artist) chance(n int) bool { return r.IntN(n) == 0 }

func pick[T any](r artist, list ...T) T { return list[r.IntN(len(list))] }

// some gives up to n of a list, at least one, in any order.
func some[T any](r artist, n int, list []T) []T {
	var out []T
	for _, i := range r.Perm(len(list))[:min(len(list), 1+r.IntN(n))] {
		out = append(out, list[i])
	}
	return out
}

// sourceColumns are those of the files.
func sourceColumns() []column {
	return []column{{"s", "string"}, {"ts", "timestamp"}, {"kb", "bigint"}, {"ki", "integer"}, {"ks", "string"}, {"kd", "double"},
		{"arr", "bigint"}, {"sq", "bigint"}, {"b", "bigint"}, {"i", "integer"}, {"d", "double"}, {"f", "float"}, {"o", "boolean"},
		{"m", decimals}, {"dt", "date"}, {"tz", "timestamp"}, {"u", "integer"}, {"v", "string"}, {"lat", "double"}, {"lng", "double"},
		{"st_a", "integer"}, {"st_b", "integer"}, {"st_c", "integer"}, {"js", "string"}}
}

// drawRows draws events around a moment.
func (r artist) drawRows(base, reach, grid int64) []event {
	n := r.IntN(60)
	if r.chance(8) {
		n = 200 + r.IntN(200)
	}
	if r.chance(25) {
		n = 0
	}
	nulls := pick(r, 2, 5, 20, 1<<30)
	odd := pick(r, 2, 10, 1<<30)
	offset := pick(r, 0, 0, 1e9, -1e9)
	keys := 1 + r.IntN(6)
	skew := r.chance(2)
	sparse := func(v any) any {
		if r.IntN(nulls) == 0 {
			return nil
		}
		return v
	}
	float := func() float64 {
		if r.IntN(odd) == 0 {
			return pick(r, math.NaN(), 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 1e16, -1e16, 1, 5e-324, 1e-300, math.MaxFloat64, -math.MaxFloat64, 1e308, 9.3e18, 2147483648)
		}
		switch r.IntN(4) {
		case 0:
			return offset + float64(r.IntN(5))
		case 1:
			return offset + r.NormFloat64()
		case 2:
			return pick(r, 0, math.Copysign(0, -1), 0.1, 0.2, 0.3, 1, 1e16, -1e16)
		}
		return float64(r.IntN(3))
	}
	moment := func() int64 {
		ts := base + r.Int64N(reach)
		switch r.IntN(6) {
		case 0:
			ts = floorDiv(ts, day) * day
		case 1:
			ts = floorDiv(ts, grid) * grid
		case 2:
			ts = floorDiv(ts, 1e6) * 1e6
		}
		return ts
	}
	var out []event
	for range n {
		k := r.IntN(keys)
		if skew && !r.chance(10) {
			k = 0
		}
		e := event{"kb": int64(k*k - 3), "ki": int32(k - 2), "ks": pick(r, "", "a", "aa", "b", "é", "a b"), "kd": []float64{0, 1.5, math.NaN(), math.Inf(1), -2, 1e300}[k]}
		if len(out) > 0 && r.chance(8) { // a row as before, or nearly
			for c, v := range out[r.IntN(len(out))] {
				e[c] = v
			}
			if r.chance(2) {
				e["s"] = "other"
			}
			out = append(out, e)
			continue
		}
		ts := moment()
		if len(out) > 0 && r.chance(4) {
			if t, ok := out[r.IntN(len(out))]["ts"].(instant); ok {
				ts = int64(t)
			}
		}
		e["ts"] = instant(ts)
		if nulls < 20 {
			for _, c := range []string{"ts", "kb", "ki", "ks", "kd"} {
				if r.chance(12) {
					e[c] = nil
				}
			}
		}
		e["arr"], e["sq"] = sparse(int64(r.IntN(3))), sparse(int64(r.IntN(3)))
		e["b"] = sparse(pick(r, int64(offset)+int64(r.IntN(5)), int64(r.IntN(3)), 1<<53, 1<<53+1, -1<<53-1, 1e15+1, 3000000000))
		e["i"] = sparse(pick(r, 0, 1, int32(r.IntN(100)), math.MaxInt32, math.MinInt32))
		e["d"], e["f"] = sparse(float()), sparse(float32(float()))
		e["s"] = sparse(pick(r, "", "a", "b", "ba", "é", " 12 ", "7", "nan", "None", "z"))
		e["o"] = sparse(r.chance(2))
		e["m"] = sparse(dec{big.NewInt(pick(r, 0, 5, -5, int64(r.IntN(2000)-1000), 999999999999, -999999999999)), 2})
		e["dt"] = sparse(civil(floorDiv(ts, day) + int64(r.IntN(3))))
		e["tz"] = sparse(instant(moment()))
		e["u"] = sparse(int32(r.IntN(4) - 1))
		e["v"] = sparse(pick(r, "p", "q", "r-s", "é"))
		e["lat"] = sparse(pick(r, 0, 91, -90, math.NaN(), math.Inf(1), -23.5+r.Float64(), 52.5))
		e["lng"] = sparse(pick(r, 0, 181, math.Inf(-1), -46.6+r.Float64(), 13.4))
		for _, c := range []string{"st_a", "st_b", "st_c"} {
			e[c] = sparse(int32(r.IntN(3)))
		}
		e["js"] = sparse(r.json())
		out = append(out, e)
	}
	return out
}

// json draws a JSON text, or a text that is none.
func (r artist) json() string {
	leaf := func() string {
		return pick(r, "1", "-7", "2.50", "1e3", "12345678901", "true", "false", "null", `"a b"`, `"12"`, `"\u00e9"`, `{"x": 1}`, "[1, 2]", `""`)
	}
	if r.chance(12) {
		return pick(r, "", "nothing", "{", "[1]", "3", `{"n": 1`)
	}
	var parts []string
	for _, name := range []string{"n", "t", "x", "y"} {
		if !r.chance(4) {
			parts = append(parts, fmt.Sprintf("%q: %s", name, leaf()))
		}
	}
	if r.chance(2) {
		parts = append(parts, fmt.Sprintf(`"in": {"z": %s}`, leaf()))
	}
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return "{" + strings.Join(parts, pick(r, ",", " , ")) + "}"
}

// ofType gives the columns of a table that are of some types.
func (s *source) ofType(is func(string) bool) (names []string) {
	for _, c := range s.columns {
		if is(c.typ) {
			names = append(names, c.name)
		}
	}
	return names
}

// condition draws a condition over columns that are there.
func (r artist) condition(types map[string]string) *condition {
	var able []condition
	have := func(c condition, of string) {
		if types[c.columns[0]] == of {
			able = append(able, c)
		}
	}
	greater := func(c string, n int64) func(event) any {
		return func(e event) any {
			switch v := e[c].(type) {
			case int64:
				return v > n
			case int32:
				return int64(v) > n
			}
			return nil
		}
	}
	isA := func(e event) any {
		if e["s"] == nil {
			return nil
		}
		return e["s"] == "a"
	}
	have(condition{"i IS NOT NULL", []string{"i"}, func(e event) any { return e["i"] != nil }}, "integer")
	have(condition{"b > 1", []string{"b"}, greater("b", 1)}, "bigint")
	have(condition{"s = 'a'", []string{"s"}, isA}, "string")
	have(condition{"u > 0", []string{"u"}, greater("u", 0)}, "integer")
	have(condition{"o", []string{"o"}, func(e event) any { return e["o"] }}, "boolean")
	if types["s"] == "string" {
		have(condition{"u > 0 OR s = 'a'", []string{"u", "s"}, func(e event) any {
			x, y := greater("u", 0)(e), isA(e)
			switch {
			case x == true || y == true:
				return true
			case x == nil || y == nil:
				return nil
			}
			return false
		}}, "integer")
	}
	if able == nil {
		return nil
	}
	c := pick(r, able...)
	return &c
}

func (s *source) types() map[string]string {
	types := map[string]string{}
	for _, c := range s.columns {
		types[c.name] = c.typ
	}
	return types
}

// preparation draws a step over a table; nil when none fits.
func (r artist) preparation(s *source) *preparation {
	types := s.types()
	groups := []string{"kb", "ks", "u", "v", "o", "s", "i"}
	groups = slices.DeleteFunc(groups, func(n string) bool { return types[n] == "" || isFloatType(types[n]) })
	var p preparation
	switch r.IntN(5) {
	case 0:
		c := r.condition(types)
		if c == nil {
			return nil
		}
		p = filterBy(*c)
	case 1:
		of := pick(r, "s", "v", "ks")
		if types[of] != "string" {
			return nil
		}
		p = replaceIn(of, pick(r, [][2]string{{"a", "b"}, {"b", "a"}}, [][2]string{{"p", "q"}, {"é", ""}, {"", "x"}}))
	case 2:
		var partition []string
		if !r.chance(5) {
			partition = some(r, 2, groups)
		}
		order := []string{pick(r, "ts", "ts", "ts", "b", "u")}
		if types[order[0]] == "" || isFloatType(types[order[0]]) {
			return nil
		}
		if r.chance(3) && types["sq"] != "" {
			order = append(order, "sq")
		}
		of := pick(r, s.columns...)
		if of.name == "ts" || isListType(of.typ) {
			return nil
		}
		into := pick(r, "", "filled")
		if types["filled"] != "" {
			into = ""
		}
		p = fillForward(partition, order, of.name, into)
	case 3:
		fields := some(r, 3, []column{{"n", "bigint"}, {"t", "string"}, {"x", "double"}, {"y", "boolean"}, {"in.z", "string"}, {"u", "integer"}, {"nn", "integer"}})
		if types["js"] == "" {
			return nil
		}
		p = explodeJSON("js", fields)
	default:
		of := pick(r, "u", "v", "o")
		able := s.ofType(func(t string) bool { return !isListType(t) })
		able = slices.DeleteFunc(able, func(n string) bool { return n == of || n == "ts" })
		if types[of] == "" || isFloatType(types[of]) || len(able) == 0 {
			return nil
		}
		value := pick(r, able...)
		group := []string{"kb", "ks", "ki"}
		for _, g := range []string{"i", "s", "arr", "sq", "st_a", "st_b", "lat", "u", "v", "o", "dt"} {
			if g != of && g != "lat" && r.chance(3) {
				group = append(group, g)
			}
		}
		group = append(slices.DeleteFunc(group, func(n string) bool { return types[n] == "" || isFloatType(types[n]) }), "ts")
		f := r.function(types[value], func(name string) bool { return name != "approx_count_distinct" })
		if f == nil {
			return nil
		}
		f.typ = ""
		fill := r.chance(2)
		result := resultOf(f.plain(), types[value], false)
		if isListType(result) && fill {
			return nil
		}
		var values []any
		named := r.chance(2)
		if named {
			switch types[of] {
			case "integer":
				values = []any{int64(2), int64(-1), int64(7)}
			case "string":
				values = []any{"q", "r-s", "none"}
			case "boolean":
				values = []any{true, false}
			default:
				return nil
			}
			// Cells compare as the column's type has them.
			if types[of] == "integer" {
				for i, v := range values {
					values[i] = int32(v.(int64))
				}
			}
		}
		p = pivotBy(group, of, value, *f, values, named, fill, fill && r.chance(2))
		if out := p.run(s); len(out.columns) == len(group) || len(out.columns) > len(group)+12 {
			return nil
		}
	}
	return &p
}

// function draws an aggregate function of a column type.
func (r artist) function(typ string, also func(string) bool) *fun {
	names := []string{"count", "sum", "avg", "min", "max", "first", "last", "first_non_null", "last_non_null", "var_pop", "var_samp",
		"stddev_pop", "stddev_samp", "skewness", "kurtosis", "collect_list", "collect_set", "count_distinct", "sum_distinct",
		"approx_count_distinct", "mode", "most_frequent_set", "median", "percentile", "top_k", "bottom_k", "first_k", "last_k"}
	names = slices.DeleteFunc(names, func(n string) bool {
		return !takes(n, typ) || !also(n) || n == "approx_count_distinct" && strings.HasPrefix(typ, "decimal")
	})
	if len(names) == 0 {
		return nil
	}
	f := &fun{name: pick(r, names...)}
	switch f.name {
	case "percentile":
		f.p = pick(r, 0, 0.25, 0.9, 0.95, 1)
	case "top_k", "bottom_k", "first_k", "last_k":
		f.k = pick(r, 1, 2, 5)
	case "approx_count_distinct":
		f.rsd = pick(r, 0, 0.02, 0.04)
	}
	if r.chance(6) {
		result := resultOf(f.name, typ, false)
		switch {
		case result == "bigint":
			f.typ = pick(r, "integer", "double", "bigint", "float")
		case isFloatType(result):
			f.typ = pick(r, "float", "double", "bigint")
		case result == "array<double>":
			f.typ = pick(r, "array<float>", "array<bigint>")
		case result == "array<integer>":
			f.typ = pick(r, "array<bigint>", "array<string>")
		}
	}
	if r.chance(5) {
		if more := map[string][]string{"avg": {"mean"}, "stddev_samp": {"stddev", "std"}, "var_samp": {"variance"},
			"count_distinct": {"countDistinct"}, "sum_distinct": {"sumDistinct"}}[f.name]; more != nil {
			f.name = pick(r, more...)
		} else {
			f.name = strings.ToUpper(f.name)
		}
	}
	return f
}

// functions draws several, no two of them of one name.
func (r artist) functions(n int, typ string, compat bool) (out []fun) {
	for range 1 + r.IntN(n) {
		f := r.function(typ, func(name string) bool {
			return !slices.ContainsFunc(out, func(g fun) bool { return g.plain() == name })
		})
		if f == nil {
			break
		}
		if compat && (f.plain() == "mode" || f.plain() == "most_frequent_set") {
			f.typ = ""
		}
		out = append(out, *f)
	}
	return out
}

// drawWorld draws a pipeline and its events.
func drawWorld(seed uint64) *world {
	r := artist{rand.New(rand.NewPCG(seed, 29))}
	w := &world{query: r.chance(3), incremental: r.chance(3), flat: r.chance(5)}
	w.compat, w.deduplicate, w.arrival = r.chance(4), !r.chance(3), pick(r, "", "", "arr")
	w.sequence = pick(r, "", "", "sq")
	w.nullKeys = !w.compat && r.chance(3)
	rolling := r.chance(2)
	base, reach, grid := r.moments(w, rolling)
	w.events = &source{columns: sourceColumns(), rows: r.drawRows(base, reach, grid)}
	w.table = w.events
	for range r.IntN(4) - 1 {
		if p := r.preparation(w.table); p != nil {
			after := p.run(w.table)
			w.table = after
			if len(w.stages) > 0 || w.query && r.chance(2) {
				w.stages = append(w.stages, *p)
			} else {
				w.prepare = append(w.prepare, *p)
			}
		}
	}
	if w.table.typeOf("arr") == "" {
		w.arrival = ""
	}
	if w.table.typeOf("sq") == "" {
		w.sequence = ""
	}
	r.keys(w)
	if rolling || r.chance(3) {
		r.aggregates(w)
	} else {
		for range r.IntN(6) {
			r.plain(w)
		}
		w.settle()
	}
	r.interval(w)
	return w
}

// settle takes windows of rows, and what follows them, out of sets over rows
// that are equal in all that orders them: which of two equal rows is the second
// in a window, and which comes first behind it, nobody says (S-304).
func (w *world) settle() {
	first := slices.IndexFunc(w.features, func(f trait) bool { return f.window != nil && f.window.rows != nil })
	if first < 0 {
		return
	}
	rows := slices.Clone(w.table.rows)
	slices.SortFunc(rows, func(a, b event) int { return byBytes(a, b, w.names()) })
	for i := range rows {
		if i > 0 && byBytes(rows[i-1], rows[i], w.names()) == 0 {
			w.features = w.features[:first]
			return
		}
	}
}

// moments draws windows, and when the events are.
func (r artist) moments(w *world, rolling bool) (base, reach, grid int64) {
	base = pick[int64](r, 1704067200e6, 1709164800e6-2*day, 0, -100*day, -5000*day+12345678, 1e15, 1325203200e6-3*day, 1351382400e6-2*day, 1710036000e6-2*day)
	if !rolling {
		return base, pick(r, int64(5e6), 3600e6, 3*day, 40*day, 900*day), pick(r, int64(1e6), 60e6, 3600e6)
	}
	wide := 1 + r.Int64N(25)
	unit := pick(r, "second", "minute", "hour", "day", "day", "week", "month", "year")
	if w.compat && (unit == "month" || unit == "year") {
		unit = "day"
	}
	slide := length{pick[int64](r, 1, 1, 1, 2, 3), unit}
	if r.chance(3) {
		slide = length{1, "day"}
	}
	if !w.compat && r.chance(2) {
		w.zone = pick(r, "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe", "Europe/London", "America/New_York", "UTC")
	}
	months, _, _ := slide.parts()
	grid = slide.exact()
	if months > 0 {
		grid = int64(months) * 31 * day
	}
	written := slide
	if slide.n > 1 || r.chance(2) {
		written.unit += "s"
	}
	if written.String() == "1 day" && w.compat && r.chance(3) {
		written = length{24, "hours"}
	}
	if slide != (length{1, "day"}) || written != slide || r.chance(2) {
		w.slide = &written
	}
	taken := map[string]bool{}
	for range 1 + r.IntN(3) {
		n := slide.n * (1 + r.Int64N(6))
		one := length{n, slide.unit}
		if r.chance(3) {
			one.n += r.Int64N(3)
		}
		if r.chance(3) {
			// The same length, or some more, in another unit.
			if x := one.exact(); x > 0 && x%3600e6 == 0 && !(w.zone != "" && slide.exact()%day == 0) {
				one = length{x/3600e6 + pick[int64](r, 0, 0, 7), "hour"}
			} else if months > 0 && one.n%12 == 0 && unit == "month" {
				one = length{one.n / 12, "year"}
			} else if months == 0 && !w.compat && x >= 0 && x <= 28*day {
				one = length{1 + r.Int64N(2), "month"}
			}
		}
		if r.chance(2) {
			one.unit += "s"
		}
		if !taken[one.name()] {
			taken[one.name()] = true
			w.windows = append(w.windows, one)
		}
	}
	exact := func(l length) bool { m, d, _ := l.parts(); return m == 0 && d == 0 }
	if w.slide != nil && exact(*w.slide) && !slices.ContainsFunc(w.windows, func(l length) bool { return !exact(l) }) {
		w.zone = "" // it would change nothing
	}
	w.withData = !w.compat && r.chance(4)
	return base, max(1, wide*grid), grid
}

// keys draws keys over the columns that are there.
func (r artist) keys(w *world) {
	types := w.table.types()
	plain := func(from string) keyed {
		k := keyed{name: from, typ: types[from], from: from}
		if r.chance(3) {
			k.name = "key_" + from
		}
		return k
	}
	able := slices.DeleteFunc([]string{"kb", "ks", "ki", "dt", "o", "u"}, func(n string) bool { return types[n] == "" })
	for _, from := range some(r, 2, able) {
		w.keys = append(w.keys, plain(from))
	}
	switch {
	case r.chance(10) && types["lat"] == "double" && types["lng"] == "double":
		w.keys[0] = keyed{name: "cell", typ: "string", h3: &cells{resolutions: some(r, 3, []int{0, 3, 7, 9, 15}), stack: true}}
		if len(w.keys[0].h3.resolutions) < 2 {
			w.keys[0].h3.resolutions = []int{5, 2}
		}
	case r.chance(8) && types["st_a"] == "integer" && types["st_b"] == "integer":
		k := keyed{name: "member", typ: "integer"}
		k.stack, k.patterns, k.regex = r.pattern(w.table.columns)
		w.keys[0] = k
	case r.chance(6) && w.compat && types["kd"] == "double":
		w.keys[0] = plain("kd")
	}
}

// pattern draws columns st_a, st_b and st_c in their order, and how to say so.
func (r artist) pattern(columns []column) (names, patterns []string, regex bool) {
	for _, c := range columns {
		if strings.HasPrefix(c.name, "st_") {
			names = append(names, c.name)
		}
	}
	switch r.IntN(3) {
	case 0:
		return names, []string{pick(r, "st_*", "st*_*")}, false
	case 1:
		names = slices.DeleteFunc(names, func(n string) bool { return n == "st_c" })
		return names, []string{"st_[ab]"}, true
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "st_c" })
	patterns = slices.Clone(names)
	slices.Reverse(patterns)
	return names, patterns, false
}

// visible gives the types of the columns that features may read at first.
func (w *world) visible() map[string]string {
	types := w.table.types()
	for _, k := range w.keys {
		types[k.name] = k.typ
		if k.h3 != nil {
			for _, n := range cellNamesOf(k.h3) {
				types[n] = "string"
			}
		}
	}
	types["timestamp"] = "timestamp"
	delete(types, "ts") // compat has another one
	return types
}

func namesOf(types map[string]string, is func(string) bool) (names []string) {
	for n, t := range types {
		if is(t) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

func singleType(t string) bool { return !isListType(t) }

func (r artist) aggregates(w *world) {
	types := w.visible()
	for i := range 1 + r.IntN(3) {
		f := trait{name: fmt.Sprintf("x%d", i), from: pick(r, namesOf(types, singleType)...), aggregated: true}
		if f.functions = r.functions(5, types[f.from], w.compat); f.functions == nil {
			continue
		}
		if r.chance(3) {
			f.where = r.condition(types)
		}
		w.features = append(w.features, f)
	}
	if w.features == nil {
		w.features = []trait{{name: "x", from: w.keys[0].name, aggregated: true, functions: []fun{{name: "count"}}}}
	}
	if r.chance(4) {
		switch w.pivot = pick(r, "u", "v", "o"); types[w.pivot] {
		case "integer":
			w.values = []any{int32(2), int32(-1), int32(7)}
		case "string":
			w.values = []any{"r-s", "q", "none"}
		case "boolean":
			w.values = []any{true, false}
		default:
			w.pivot = ""
		}
	}
	if r.chance(4) {
		w.distinct = some(r, 2, namesOf(types, singleType))
		w.keep = pick(r, "", "last", "first")
	}
}

// plain draws one more feature of a plain set.
func (r artist) plain(w *world) {
	types := w.visible()
	for _, f := range w.features {
		w.see(f, types)
	}
	f := trait{name: fmt.Sprintf("x%d", len(w.features))}
	stacked := 0
	for _, g := range w.features {
		if g.stack != nil || g.h3 != nil && g.h3.stack {
			stacked++
		}
	}
	switch kind := r.IntN(9); {
	case kind < 4:
		f.from = pick(r, namesOf(types, singleType)...)
		f.functions = r.functions(3, types[f.from], w.compat)
		f.window = r.frames(types, w.compat)
		if len(f.functions) == 0 {
			return
		}
	case kind == 4:
		if f.sql = r.expression(types, w.compat); f.sql == nil {
			return
		}
		if r.chance(4) && isRealType(f.sql.typ) {
			f.typ = pick(r, "double", "float", "bigint")
		}
	case kind == 5:
		able := namesOf(types, func(t string) bool { return isRealType(t) || t == "string" || t == decimals })
		f.from = pick(r, able...)
		names := []string{"abs", "ceil", "floor", "round", "sqrt", "sign", "log"}
		switch t := types[f.from]; {
		case t == "string":
			names = []string{"upper", "trim", "reverse", "length"}
		case t == decimals:
			names = []string{"abs"}
		}
		for _, n := range some(r, 2, names) {
			f.functions = append(f.functions, fun{name: n})
		}
	case kind == 6 && stacked < 2 && types["st_a"] == "integer" && types["st_b"] == "integer":
		f.stack, f.patterns, f.regex = r.pattern(w.table.columns)
		f.typ = "integer"
	case kind == 7 && types["lat"] == "double" && types["lng"] == "double" && types["lat_lng__h3_hash__7"] == "" && w.keys[0].h3 == nil:
		for _, g := range w.features {
			if g.h3 != nil {
				return
			}
		}
		f.h3 = &cells{resolutions: [][]int{{7}, {4, 8}, {9, 0, 3}}[r.IntN(3)], stack: r.chance(2)}
		if f.h3.stack && (stacked > 1 || len(f.h3.resolutions) < 2) {
			f.h3.stack = false
		}
	default:
		f.from = pick(r, namesOf(types, singleType)...)
		f.typ = types[f.from]
		if isRealType(f.typ) && r.chance(2) {
			f.typ = pick(r, "double", "float", "bigint", "integer")
		}
	}
	w.features = append(w.features, f)
}

// see adds the columns of a feature.
func (w *world) see(f trait, types map[string]string) {
	switch {
	case f.h3 != nil:
		for _, n := range cellNamesOf(f.h3) {
			types[n] = "string"
		}
		if f.h3.stack {
			types[f.name] = "string"
		}
	case f.sql != nil:
		types[f.name] = f.sql.typ
		if f.typ != "" && !w.compat {
			types[f.name] = f.typ
		}
	case len(f.functions) > 0:
		for i, n := range w.columns(f) {
			types[n] = w.typesOf(f, types)[i]
		}
	default:
		types[f.name] = f.typ
	}
}

func (r artist) frames(types map[string]string, compat bool) *frames {
	w := &frames{}
	if r.chance(2) {
		able := namesOf(types, singleType)
		w.partition = some(r, 2, able)
	}
	if r.chance(3) {
		w.order = pick(r, namesOf(types, func(t string) bool { return isRealType(t) || t == "date" || t == "timestamp" })...)
	}
	if r.chance(3) {
		for _, n := range some(r, 2, []int64{1, 2, 3, 10}) {
			w.rows = append(w.rows, length{n, "events"})
		}
		return w
	}
	units := []string{"second", "minute", "hour", "day", "week"}
	calendar := w.order == "" || types[w.order] == "timestamp" || types[w.order] == "date"
	if calendar {
		units = append(units, "year")
		if !compat {
			units = append(units, "month")
		}
	}
	for _, u := range some(r, 2, units) {
		l := length{1 + r.Int64N(3), u}
		if u == "second" || u == "day" {
			l.n = 1 + r.Int64N(40)
		}
		if l.n > 1 {
			l.unit += "s"
		}
		w.fixed = append(w.fixed, l)
	}
	w.bounds = pick(r, "", "", "(]", "[]", "[)", "()")
	return w
}

// expression draws SQL over columns that are there.
func (r artist) expression(types map[string]string, compat bool) *expression {
	quoted := func(n string) string { return `"` + n + `"` }
	whole := slices.DeleteFunc(namesOf(types, func(t string) bool { return t == "bigint" }), func(n string) bool { return false })
	texts := namesOf(types, func(t string) bool { return t == "string" })
	of := pick(r, namesOf(types, singleType)...)
	able := []*expression{
		{quoted(of) + " IS NULL", "boolean", []string{of}, func(e event) any { return e[of] == nil }},
	}
	if len(texts) > 0 {
		c := pick(r, texts...)
		able = append(able, &expression{"CASE WHEN " + quoted(c) + " = 'a' THEN 'x' ELSE 'other' END", "string", []string{c}, func(e event) any {
			if e[c] == "a" {
				return "x"
			}
			return "other"
		}})
	}
	if len(whole) > 0 {
		c := pick(r, whole...)
		able = append(able, &expression{"coalesce(" + quoted(c) + ", 0)", "bigint", []string{c}, func(e event) any {
			if e[c] == nil {
				return int64(0)
			}
			return e[c]
		}}, &expression{quoted(c) + " + 1", "bigint", []string{c}, func(e event) any {
			if e[c] == nil {
				return nil
			}
			return e[c].(int64) + 1
		}})
		if !compat {
			able = append(able, &expression{quoted(c) + " / 4", "double", []string{c}, func(e event) any {
				if e[c] == nil {
					return nil
				}
				return float64(e[c].(int64)) / 4
			}}, &expression{quoted(c) + " % 3", "bigint", []string{c}, func(e event) any {
				if e[c] == nil {
					return nil
				}
				return e[c].(int64) % 3
			}}, &expression{quoted(c) + " // 0", "bigint", []string{c}, func(e event) any { return nil }})
		}
	}
	return pick(r, able...)
}

// interval draws the end of the runs and their cuts.
func (r artist) interval(w *world) {
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for _, e := range w.events.rows {
		if t, ok := e["ts"].(instant); ok {
			lo, hi = min(lo, int64(t)), max(hi, int64(t))
		}
	}
	if lo > hi {
		lo, hi = 0, 0
	}
	w.first = floorDiv(lo, day) - r.Int64N(3)
	days := floorDiv(hi, day) - w.first + 1
	if r.chance(2) {
		e := w.first + r.Int64N(days+min(days, 10))
		w.end = &e
		days = e - w.first + 1
	}
	for range r.IntN(3) {
		w.cuts = append(w.cuts, w.first+1+r.Int64N(days))
	}
	slices.Sort(w.cuts)
	w.cuts = slices.Compact(w.cuts)
	if w.slide != nil && w.windows != nil {
		if months, _, _ := w.slide.parts(); months == 0 && w.slide.exact() < 3600e6 {
			w.end, w.cuts = nil, nil // a day has too many labels to look at each
		}
	}
}
