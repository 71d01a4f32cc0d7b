package bench

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/uber/h3-go/v4"
)

// length is a length of time as written.
type length struct {
	n    int64
	unit string
}

func (l length) String() string { return fmt.Sprintf("%d %s", l.n, l.unit) }
func (l length) name() string   { return fmt.Sprintf("%d_%s", l.n, l.unit) }

// parts gives the months, or days, or microseconds of a length.
func (l length) parts() (months int, days, micros int64) {
	switch strings.TrimSuffix(l.unit, "s") {
	case "year":
		return int(l.n) * 12, 0, 0
	case "month":
		return int(l.n), 0, 0
	case "week":
		return 0, 7 * l.n, 0
	case "day":
		return 0, l.n, 0
	case "hour":
		return 0, 0, l.n * 3600e6
	case "minute":
		return 0, 0, l.n * 60e6
	}
	return 0, 0, l.n * 1e6
}

// exact gives the microseconds of a length that is not of a calendar.
func (l length) exact() int64 {
	_, days, micros := l.parts()
	return days*day + micros
}

// cells are the H3 settings of a key or feature.
type cells struct {
	resolutions []int
	stack       bool
}

// keyed is a key of a set.
type keyed struct {
	name, typ, from string
	h3              *cells
	stack           []string // columns, in the order of the table
	patterns        []string // as written
	regex           bool
}

// frames are the windows of a plain feature.
type frames struct {
	fixed     []length
	rows      []length
	partition []string
	order     string
	bounds    string
}

// expression is a SQL expression with its meaning.
type expression struct {
	sql, typ string
	columns  []string
	of       func(event) any
}

// trait is a feature of a set.
type trait struct {
	name, from, typ string
	functions       []fun // of aggregates, of windows, or of one value
	aggregated      bool
	where           *condition
	window          *frames
	sql             *expression
	h3              *cells
	stack           []string
	patterns        []string
	regex           bool
}

// set is a drawn feature set.
type set struct {
	compat, deduplicate, nullKeys, withData bool
	keys                                    []keyed
	arrival, sequence                       string
	windows                                 []length
	slide                                   *length // nil: not written
	zone                                    string
	pivot                                   string
	values                                  []any
	distinct                                []string
	keep                                    string
	features                                []trait
}

func (s *set) aggregated() bool { return len(s.features) > 0 && s.features[0].aggregated }

// valueName is the part of a column's name that tells a value of a pivot (S-932).
func (s *set) valueName(v any) string {
	text := fmt.Sprint(v)
	switch v := v.(type) {
	case bool:
		if s.compat {
			text = map[bool]string{true: "True", false: "False"}[v]
		}
	case float64:
		if text = plainText(v); !strings.Contains(text, ".") {
			text += ".0"
		}
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, text)
}

// columns gives the names of the columns that a feature makes.
func (s *set) columns(f trait) (out []string) {
	switch {
	case f.h3 != nil && !f.h3.stack:
		return cellNamesOf(f.h3)
	case f.window != nil:
		for _, fn := range f.functions {
			for _, l := range f.window.fixed {
				out = append(out, fmt.Sprintf("%s__%s_over_%s_fixed_windows", f.name, fn.part(), l.name()))
			}
			for _, l := range f.window.rows {
				out = append(out, fmt.Sprintf("%s__%s_over_%s_row_windows", f.name, fn.part(), l.name()))
			}
		}
		return out
	case len(f.functions) > 0:
		for _, fn := range f.functions {
			out = append(out, f.name+"__"+fn.part())
		}
		return out
	}
	return []string{f.name}
}

func cellNamesOf(c *cells) (out []string) {
	for _, r := range c.resolutions {
		out = append(out, fmt.Sprintf("lat_lng__h3_hash__%d", r))
	}
	return out
}

// outputs gives the names of all feature columns.
func (s *set) outputs() (out []string) {
	if !s.aggregated() {
		for _, f := range s.features {
			out = append(out, s.columns(f)...)
		}
		return out
	}
	prefixes := []string{""}
	if s.pivot != "" {
		prefixes = nil
		for _, v := range s.values {
			prefixes = append(prefixes, s.valueName(v)+"_")
		}
	}
	for _, p := range prefixes {
		for _, f := range s.features {
			for _, fn := range f.functions {
				name := p + f.name + "__" + strings.ToLower(fn.part())
				if s.windows == nil {
					out = append(out, name)
				}
				for _, w := range s.windows {
					out = append(out, name+"_over_"+w.name()+"_rolling_windows")
				}
			}
		}
	}
	return out
}

// line is a row on its way through a set.
type line struct {
	v, source event
	at        any // timestamp: instant, or nil
	ordinals  []int
}

// answer is what a set gives: its rows, by key in total order.
type answer struct {
	rows     []made
	rejected map[string]int64
	dropped  int64
	used     int64
	stacked  int64
	last     int64
}

// evaluation is a set at work.
type evaluation struct {
	*set
	types map[string]string // of visible columns
	named []string          // source columns that order rows, by name
	lines []*line
}

func (e *evaluation) total(a, b *line) int {
	if c := bytes.Compare(bytesOf(a.at), bytesOf(b.at)); c != 0 {
		return c
	}
	for _, c := range []string{e.arrival, e.sequence} {
		if c != "" {
			if n := bytes.Compare(bytesOf(a.source[c]), bytesOf(b.source[c])); n != 0 {
				return n
			}
		}
	}
	if n := byBytes(a.source, b.source, e.named); n != 0 {
		return n
	}
	return slices.Compare(a.ordinals, b.ordinals)
}

// names finds the source columns that the set names (S-303).
func (s *set) names() []string {
	made, named := map[string]bool{}, map[string]bool{"ts": true}
	use := func(names ...string) {
		for _, n := range names {
			if n != "" && !made[n] {
				named[n] = true
			}
		}
	}
	for _, k := range s.keys {
		switch {
		case k.h3 != nil:
			use("lat", "lng")
			for _, n := range cellNamesOf(k.h3) {
				made[n] = true
			}
		case k.stack != nil:
			use(k.stack...)
		default:
			use(k.from)
		}
		made[k.name] = true
	}
	made["timestamp"] = true
	use(s.arrival, s.sequence)
	use(s.pivot)
	use(s.distinct...)
	for _, f := range s.features {
		if f.where != nil {
			use(f.where.columns...)
		}
		switch {
		case f.sql != nil:
			use(f.sql.columns...)
		case f.h3 != nil:
			use("lat", "lng")
		case f.stack != nil:
			use(f.stack...)
		default:
			use(f.from)
		}
		if f.window != nil {
			use(f.window.partition...)
			use(f.window.order)
		}
		if !s.aggregated() {
			if f.h3 != nil {
				for _, n := range cellNamesOf(f.h3) {
					made[n] = true
				}
			}
			for _, n := range s.columns(f) {
				made[n] = true
			}
		}
	}
	for _, n := range []string{s.arrival, s.sequence} { // even where a feature hides them
		if n != "" {
			named[n] = true
		}
	}
	return slices.Sorted(maps.Keys(named))
}

// stack makes a row of each of some columns (S-1004).
func (e *evaluation) stack(columns []string, into string, to string) {
	var out []*line
	for _, l := range e.lines {
		for i, c := range columns {
			x := &line{v: l.v.with(into, widened(l.v[c], to)), source: l.source, at: l.at, ordinals: append(slices.Clone(l.ordinals), i)}
			out = append(out, x)
		}
	}
	e.lines = out
	e.types[into] = to
}

// widened makes integers and floats one type.
func widened(v any, to string) any {
	if v == nil || to != "bigint" && to != "double" {
		return v
	}
	out, _ := castTo(v, to, false)
	return out
}

func (e *evaluation) addCells(c *cells) {
	for i, name := range cellNamesOf(c) {
		for _, l := range e.lines {
			lat, ok := l.v["lat"].(float64)
			lng, and := l.v["lng"].(float64)
			var v any
			if ok && and && math.Abs(lat) <= 90 && !math.IsNaN(lng) && !math.IsInf(lng, 0) && !(e.compat && (lat == 0 || lng == 0)) {
				v = h3.LatLngToCell(h3.LatLng{Lat: lat, Lng: lng}, c.resolutions[i]).String()
			}
			l.v = l.v.with(name, v)
		}
		e.types[name] = "string"
	}
}

// evaluate computes a set over a table and an interval of days; nil leaves a
// side open.
func (s *set) evaluate(in *source, start, end *int64) answer {
	e := &evaluation{set: s, types: map[string]string{}, named: s.names()}
	for _, c := range in.columns {
		e.types[c.name] = c.typ
	}
	for _, r := range in.rows {
		e.lines = append(e.lines, &line{v: r, source: r, at: r["ts"]})
	}
	for _, k := range s.keys {
		switch {
		case k.h3 != nil:
			e.addCells(k.h3)
			e.stack(cellNamesOf(k.h3), k.name, "string")
		case k.stack != nil:
			e.stack(k.stack, k.name, k.typ)
		default:
			for _, l := range e.lines {
				v, _ := castTo(one(l.v[k.from]), k.typ, s.compat)
				l.v = l.v.with(k.name, v)
			}
		}
		e.types[k.name] = k.typ
	}
	out := answer{rejected: map[string]int64{}, stacked: int64(len(e.lines) - len(in.rows))}
	var used []*line
	for _, l := range e.lines {
		l.v = l.v.with("timestamp", l.at)
		null := slices.ContainsFunc(s.keys, func(k keyed) bool { return l.v[k.name] == nil })
		switch {
		case null && !s.nullKeys && !s.compat:
			out.rejected["null_key"]++
		case l.at == nil && !s.compat:
			out.rejected["null_timestamp"]++
		case l.at == nil && s.windows != nil:
			out.dropped++
		default:
			used = append(used, l)
		}
	}
	e.types["timestamp"] = "timestamp"
	e.lines, out.used = used, int64(len(used))
	if !s.aggregated() {
		before := len(e.lines)
		for _, f := range s.features {
			e.plain(f)
		}
		out.stacked += int64(len(e.lines) - before)
		out.used += int64(len(e.lines) - before)
	}
	if len(e.lines) == 0 {
		return out
	}
	groups := map[string][]*line{}
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	slices.SortStableFunc(e.lines, e.total)
	for _, l := range e.lines {
		id := ""
		for _, k := range s.keys {
			id += string(bytesOf(l.v[k.name]))
		}
		groups[id] = append(groups[id], l)
		if t, ok := l.at.(instant); ok {
			lo, hi = min(lo, int64(t)), max(hi, int64(t))
		}
	}
	out.last = hi
	inside := func(m made) bool {
		if start == nil && end == nil {
			return true
		}
		if m.ts == nil {
			return false
		}
		d := floorDiv(m.ts.(int64), day)
		return (start == nil || d >= *start) && (end == nil || d <= *end)
	}
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		var before *made
		rows := e.rowsOf(groups[id], lo, hi, end)
		for i := range rows {
			m := &rows[i]
			if s.compat && s.aggregated() && !inside(*m) {
				continue
			}
			duplicate := s.deduplicate && before != nil && same(before.values, m.values)
			before = m
			if !duplicate && inside(*m) {
				out.rows = append(out.rows, *m)
			}
		}
	}
	return out
}

// rowsOf gives the rows of a key.
func (e *evaluation) rowsOf(group []*line, lo, hi int64, end *int64) (out []made) {
	var key []any
	for _, k := range e.keys {
		key = append(key, group[0].v[k.name])
	}
	at := func(v any) any {
		if t, ok := v.(instant); ok {
			return int64(t)
		}
		return nil
	}
	switch {
	case e.windows != nil:
		return e.rolling(key, group, lo, hi, end)
	case e.aggregated():
		for i := 0; i < len(group); {
			j := i
			for j < len(group) && group[j].at == group[i].at {
				j++
			}
			out = append(out, made{key, at(group[i].at), e.aggregates([][]*line{group[i:j]}, []bool{false})})
			i = j
		}
	default:
		names := e.outputs()
		for _, l := range group {
			m := made{key: key, ts: at(l.at)}
			for _, n := range names {
				m.values = append(m.values, l.v[n])
			}
			out = append(out, m)
		}
	}
	return out
}

// aggregates computes the columns of a row of windows, or groups; absent ones
// are null.
func (e *evaluation) aggregates(windows [][]*line, absent []bool) (out []any) {
	values := e.values
	if e.pivot == "" {
		values = []any{nil}
	}
	for _, value := range values {
		for _, f := range e.features {
			for _, fn := range f.functions {
				for w, rows := range windows {
					rows = e.chosen(rows)
					if e.pivot != "" {
						var of []*line
						for _, l := range rows {
							if v := l.v[e.pivot]; v != nil && compareValues(v, value) == 0 {
								of = append(of, l)
							}
						}
						rows = of
					}
					if absent[w] || e.compat && e.pivot != "" && rows == nil {
						out = append(out, nil)
						continue
					}
					var in []any
					for _, l := range rows {
						counts := f.where == nil || f.where.of(l.v) == true
						switch {
						case counts:
							in = append(in, l.v[f.from])
						case e.compat:
							in = append(in, nil)
						}
					}
					v, _ := castTo(compute(fn, e.types[f.from], in, e.compat), fn.typ, e.compat)
					switch x := v.(type) {
					case float64:
						if x != x {
							v = nil
						}
					case float32:
						if x != x {
							v = nil
						}
					}
					out = append(out, v)
				}
			}
		}
	}
	return out
}

// chosen leaves one row of each tuple (S-917).
func (e *evaluation) chosen(rows []*line) (out []*line) {
	if e.distinct == nil {
		return rows
	}
	for i, l := range rows {
		equal := func(o *line) bool {
			for _, c := range e.distinct {
				if !same([]any{l.v[c]}, []any{o.v[c]}) {
					return false
				}
			}
			return true
		}
		others := rows[:i]
		if e.keep != "first" {
			others = rows[i+1:]
		}
		if !slices.ContainsFunc(others, equal) {
			out = append(out, l)
		}
	}
	return out
}

// clocks answers for a zone by trying.
type clocks struct{ zone *time.Location }

// wall gives what clocks show at an instant, as if it were UTC.
func (c clocks) wall(us int64) int64 {
	_, seconds := time.UnixMicro(us).In(c.zone).Zone()
	return us + int64(seconds)*1e6
}

// instant gives the first instant at which clocks show a time, or, when they
// never do, the instant by the clocks of before.
func (c clocks) instant(wall int64) int64 {
	if c.zone == time.UTC {
		return wall
	}
	best, found := int64(0), false
	for at := wall - 2*day; at <= wall+2*day; at += 15 * 60e6 {
		u := at + wall - c.wall(at)
		if c.wall(u) == wall && (!found || u < best) {
			best, found = u, true
		}
	}
	if !found {
		before := wall - 2*day
		return wall - (c.wall(before) - before)
	}
	return best
}

// monthsBefore is the same day and time so many months before, or the last day
// of a month that is too short.
func monthsBefore(wall int64, months int) int64 {
	u := time.UnixMicro(wall).UTC()
	begin := time.Date(u.Year(), u.Month(), 1, u.Hour(), u.Minute(), u.Second(), u.Nanosecond(), time.UTC).AddDate(0, -months, 0)
	return begin.AddDate(0, 0, min(u.Day(), begin.AddDate(0, 1, -1).Day())-1).UnixMicro()
}

// label is the end of windows, with the local time that it stands for.
type label struct{ at, wall int64 }

// labels gives the labels after from, up to last or the first one after hi.
func (s *set) labels(from, hi int64, last *int64) (out []label) {
	zone := time.UTC
	if s.zone != "" {
		var err error
		if zone, err = time.LoadLocation(s.zone); err != nil {
			panic(err)
		}
	}
	c := clocks{zone}
	slide := length{1, "day"}
	if s.slide != nil {
		slide = *s.slide
	}
	add := func(at, wall int64) (more bool) {
		if at <= from || len(out) > 0 && out[len(out)-1].at == at {
			return true
		}
		if last != nil && at > *last {
			return false
		}
		out = append(out, label{at, wall})
		return last != nil || at <= hi
	}
	months, days, micros := slide.parts()
	switch {
	case months > 0:
		u := time.UnixMicro(from).UTC()
		since := (u.Year()-1970)*12 + int(u.Month()) - 1
		for m := int(floorDiv(int64(since-1), int64(months))) * months; ; m += months {
			wall := time.Date(1970, time.Month(1+m), 1, 0, 0, 0, 0, time.UTC).UnixMicro()
			if !add(c.instant(wall), wall) {
				return out
			}
		}
	case days > 0 && s.zone != "":
		step := days * day
		for wall := floorDiv(from-3*day, step) * step; add(c.instant(wall), wall); wall += step {
		}
	default:
		step := days*day + micros
		for at := floorDiv(from, step) * step; add(at, c.wall(at)); at += step {
		}
	}
	return out
}

// begin gives the first instant of a window that ends at a label.
func (s *set) begin(l label, w length) int64 {
	zone := time.UTC
	if s.zone != "" {
		zone, _ = time.LoadLocation(s.zone)
	}
	months, days, micros := w.parts()
	switch {
	case months > 0:
		return clocks{zone}.instant(monthsBefore(l.wall, months))
	case days > 0 && s.zone != "":
		return clocks{zone}.instant(l.wall - days*day)
	}
	return l.at - days*day - micros
}

// rolling gives the rows of a key at its labels.
func (e *evaluation) rolling(key []any, group []*line, lo, hi int64, end *int64) (out []made) {
	if e.compat {
		return e.rollingCompat(key, group, lo, hi, end)
	}
	var last *int64
	if end != nil {
		x := (*end+1)*day - 1
		last = &x
	}
	for _, l := range e.labels(int64(group[0].at.(instant)), hi, last) {
		windows, data := make([][]*line, len(e.windows)), false
		for w, width := range e.windows {
			from := e.begin(l, width)
			for _, x := range group {
				if t := int64(x.at.(instant)); from <= t && t < l.at {
					windows[w] = append(windows[w], x)
				}
			}
			data = data || windows[w] != nil
		}
		if data || !e.withData {
			out = append(out, made{key, l.at, e.aggregates(windows, make([]bool, len(windows)))})
		}
	}
	return out
}

// rollingCompat is S-912, S-913 and S-918.
func (e *evaluation) rollingCompat(key []any, group []*line, lo, hi int64, end *int64) (out []made) {
	slide, daily := int64(day), e.slide == nil || e.slide.String() == "1 day"
	if e.slide != nil {
		slide = e.slide.exact()
	}
	null := slices.Contains(key, nil)
	phases := make([]int64, len(e.windows))
	for w, width := range e.windows {
		phases[w] = width.exact() % slide
	}
	next := func(t, phase int64) int64 { return (floorDiv(t-phase, slide)+1)*slide + phase }
	grids := phases
	if daily {
		grids = []int64{0}
	}
	last := int64(math.MinInt64)
	for _, p := range grids {
		last = max(last, next(hi, p))
	}
	if end != nil {
		last = (*end+1)*day - 1
	}
	var labels []int64
	for _, p := range grids {
		at := next(int64(group[0].at.(instant)), p)
		if daily {
			at = floorDiv(lo, day) * day
		}
		for ; at <= last; at = next(at, p) {
			labels = append(labels, at)
		}
	}
	slices.Sort(labels)
	for _, at := range slices.Compact(labels) {
		windows, absent, data := make([][]*line, len(e.windows)), make([]bool, len(e.windows)), false
		for w, width := range e.windows {
			if floorDiv(at-phases[w], slide)*slide != at-phases[w] || daily && null {
				absent[w] = true
				continue
			}
			for _, x := range group {
				if t := int64(x.at.(instant)); at-width.exact() <= t && t < at {
					windows[w] = append(windows[w], x)
				}
			}
			absent[w] = windows[w] == nil
			data = data || windows[w] != nil
		}
		switch {
		case !daily && !data:
		case !daily && null && len(windows) > 1:
			for w := range windows {
				if windows[w] != nil {
					only := make([]bool, len(windows))
					for v := range only {
						only[v] = v != w
					}
					out = append(out, made{key, at, e.aggregates(windows, only)})
				}
			}
		default:
			out = append(out, made{key, at, e.aggregates(windows, absent)})
		}
	}
	return out
}

// plain computes a feature over the whole table.
func (e *evaluation) plain(f trait) {
	switch {
	case f.window != nil:
		made := make([][]any, len(e.lines))
		for i, l := range e.lines {
			made[i] = e.windowed(f, l)
		}
		e.define(f, made)
	case f.sql != nil:
		for _, l := range e.lines {
			v := f.sql.of(l.v)
			if !e.compat {
				v, _ = castTo(v, f.typ, false)
			}
			l.v = l.v.with(f.name, v)
		}
		e.types[f.name] = f.sql.typ
		if f.typ != "" && !e.compat {
			e.types[f.name] = f.typ
		}
	case f.h3 != nil:
		e.addCells(f.h3)
		if f.h3.stack {
			e.stack(cellNamesOf(f.h3), f.name, "string")
		}
	case f.stack != nil:
		e.stack(f.stack, f.name, f.typ)
	case len(f.functions) > 0:
		made := make([][]any, len(e.lines))
		for i, l := range e.lines {
			for _, fn := range f.functions {
				v := scalar(fn.plain(), l.v[f.from])
				v, _ = castTo(v, fn.typ, e.compat)
				made[i] = append(made[i], v)
			}
		}
		e.define(f, made)
	default:
		for _, l := range e.lines {
			v, _ := castTo(l.v[f.from], f.typ, e.compat)
			l.v = l.v.with(f.name, v)
		}
		e.types[f.name] = f.typ
	}
}

func (e *evaluation) define(f trait, values [][]any) {
	types := e.set.typesOf(f, e.types)
	for i, name := range e.columns(f) {
		for r, l := range e.lines {
			l.v = l.v.with(name, values[r][i])
		}
		e.types[name] = types[i]
	}
}

// typesOf gives the types of the columns that functions of a plain feature make.
func (s *set) typesOf(f trait, types map[string]string) (out []string) {
	for _, fn := range f.functions {
		t := fn.typ
		if t == "" && f.window != nil {
			t = resultOf(fn.plain(), types[f.from], s.compat)
		} else if t == "" {
			t = scalarType(fn.plain(), types[f.from])
		}
		n := 1
		if f.window != nil {
			n = len(f.window.fixed) + len(f.window.rows)
		}
		for range n {
			out = append(out, t)
		}
	}
	return out
}

// windowed computes the windows of one row (section 8).
func (e *evaluation) windowed(f trait, l *line) (out []any) {
	w := f.window
	partition := w.partition
	if partition == nil {
		for _, k := range e.keys {
			partition = append(partition, k.name)
		}
	}
	order := w.order
	if order == "" {
		order = "timestamp"
	}
	var part []*line
	for _, o := range e.lines {
		if !slices.ContainsFunc(partition, func(c string) bool { return !same([]any{o.v[c]}, []any{l.v[c]}) }) {
			part = append(part, o)
		}
	}
	slices.SortStableFunc(part, e.total)
	slices.SortStableFunc(part, func(a, b *line) int {
		x, y := a.v[order], b.v[order]
		if x == nil || y == nil {
			return bytes.Compare(bytesOf(x), bytesOf(y))
		}
		return compareValues(x, y)
	})
	at := slices.Index(part, l)
	var windows [][]*line
	for _, width := range w.fixed {
		var in []*line
		for _, o := range part {
			if e.holds(w, width, l.v[order], o.v[order]) {
				in = append(in, o)
			}
		}
		windows = append(windows, in)
	}
	for _, n := range w.rows {
		windows = append(windows, part[max(0, at+1-int(n.n)):at+1])
	}
	for _, fn := range f.functions {
		for _, rows := range windows {
			var in []any
			for _, o := range rows {
				in = append(in, o.v[f.from])
			}
			v, _ := castTo(compute(fn, e.types[f.from], in, e.compat), fn.typ, e.compat)
			out = append(out, v)
		}
	}
	return out
}

// holds tells whether a window that ends at order value t holds a row of order
// value x (S-803..S-806).
func (e *evaluation) holds(w *frames, width length, t, x any) bool {
	if t == nil || x == nil {
		return t == nil && x == nil
	}
	bounds := w.bounds
	if bounds == "" {
		bounds = map[bool]string{false: "(]", true: "[]"}[e.compat]
	}
	low, high := bounds[0] == '[', bounds[1] == ']'
	tr, tf := number(t)
	xr, xf := number(x)
	if tr == nil || xr == nil { // an infinity or NaN is as far from itself as from others
		if tr == nil && xr == nil && (tf == xf || tf != tf && xf != xf) {
			return apart(tf, high)
		}
		return false
	}
	unit := int64(1e6)
	start := new(big.Rat)
	switch v := t.(type) {
	case instant:
		unit = 1
		if _, stamp := x.(instant); e.compat && stamp {
			xr.SetInt64(floorDiv(int64(x.(instant)), 1e6) * 1e6)
			tr.SetInt64(floorDiv(int64(v), 1e6) * 1e6)
		}
	case civil:
		unit = day
	}
	micros := func(r *big.Rat) *big.Rat { return new(big.Rat).Mul(r, new(big.Rat).SetInt64(unit)) }
	tr, xr = micros(tr), micros(xr)
	months, _, _ := width.parts()
	switch {
	case months > 0 && e.compat:
		start.Sub(tr, new(big.Rat).SetInt64(int64(months/12)*29_030_400e6))
	case months > 0:
		start.SetInt64(monthsBefore(tr.Num().Int64(), months))
	default:
		start.Sub(tr, new(big.Rat).SetInt64(width.exact()))
	}
	a, b := xr.Cmp(start), xr.Cmp(tr)
	return (a > 0 || low && a == 0) && (b < 0 || high && b == 0)
}

// apart tells whether the window of an order value that is no number holds the
// rows of that very value: an infinity's, when it holds those of its instant; a
// NaN's, as a null's, always.
func apart(t float64, high bool) bool { return high || t != t }

// scalarType gives the type of a function of one value.
func scalarType(name, typ string) string {
	switch name {
	case "sqrt", "log", "sign":
		return "double"
	case "length":
		return "bigint"
	}
	return typ
}

// scalar is a function of one value (S-704).
func scalar(name string, v any) any {
	if v == nil {
		return nil
	}
	whole := func(f func(float64) float64) any {
		switch x := v.(type) {
		case float64:
			return positive(f(x))
		case float32:
			return positive(float32(f(float64(x))))
		}
		return v
	}
	switch name {
	case "abs":
		switch x := v.(type) {
		case int64:
			return max(x, -x)
		case int32:
			if x == math.MinInt32 {
				return nil // with on_overflow = "null"
			}
			return max(x, -x)
		case float64:
			return math.Abs(x)
		case float32:
			return float32(math.Abs(float64(x)))
		case dec:
			return dec{new(big.Int).Abs(x.n), x.scale}
		}
	case "ceil":
		return whole(math.Ceil)
	case "floor":
		return whole(math.Floor)
	case "round":
		return whole(math.Round)
	case "sqrt":
		return math.Sqrt(asDouble(v))
	case "log":
		if x := asDouble(v); x <= 0 {
			return nil
		}
		return math.Log(asDouble(v))
	case "sign":
		x := asDouble(v)
		switch {
		case x > 0:
			return 1.0
		case x < 0:
			return -1.0
		}
		return x
	case "upper":
		return strings.ToUpper(v.(string))
	case "trim":
		return strings.Trim(v.(string), " ")
	case "reverse":
		r := []rune(v.(string))
		slices.Reverse(r)
		return string(r)
	case "length":
		return int64(len([]rune(v.(string))))
	}
	panic(name)
}
