package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// This file computes feature tables the slow and obvious way: every label,
// every event of the key, every window, in rational numbers.

// event is a row of the source: column to int64, int32, float64, float32 or
// string; nil is null. ts is in microseconds.
type event map[string]any

// span is a length of time as written in a pipeline file.
type span struct {
	n      int64
	unit   string
	micros int64
}

func (s span) String() string { return fmt.Sprintf("%d %s", s.n, s.unit) }

// aggregate is a function with the type its column is cast to.
type aggregate struct{ name, typ string }

// feature is a column of a plain set, or the functions over one.
type feature struct {
	name, from, typ string
	aggregates      []aggregate
}

// made is a row of a feature table.
type made struct {
	key    []any
	ts     any // int64, or nil
	values []any
}

// outcome is what a run should give.
type outcome struct {
	rows     []made // by key in total order
	columns  []string
	rejected map[string]int64
	dropped  map[string]int64
	filtered int64
	used     int64
	failures map[string]int64 // of casts, by column
	last     int64            // the greatest timestamp that was used
}

const day = 86_400_000_000

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// bytesOf gives canonical bytes (S-303).
func bytesOf(v any) []byte {
	switch v := v.(type) {
	case nil:
		return []byte{0}
	case int64:
		return binary.BigEndian.AppendUint64([]byte{1}, uint64(v)^1<<63)
	case int32:
		return binary.BigEndian.AppendUint32([]byte{1}, uint32(v)^1<<31)
	case float64:
		b := math.Float64bits(v)
		if v != v {
			b = 0x7FF8000000000000
		}
		if b>>63 != 0 {
			b = ^b
		} else {
			b |= 1 << 63
		}
		return binary.BigEndian.AppendUint64([]byte{1}, b)
	case float32:
		b := math.Float32bits(v)
		if v != v {
			b = 0x7FC00000
		}
		if b>>31 != 0 {
			b = ^b
		} else {
			b |= 1 << 31
		}
		return binary.BigEndian.AppendUint32([]byte{1}, b)
	case string:
		return append([]byte("\x01"+strings.ReplaceAll(v, "\x00", "\x00\xff")), 0, 0)
	}
	return moreBytes(v)
}

// compareOrder is the total order of the rows of a set (S-301).
func (p *pipeline) compareOrder(a, b event) int {
	for _, c := range []string{"ts", p.arrival, p.sequence} {
		if c == "" {
			continue
		}
		if n := bytes.Compare(bytesOf(a[c]), bytesOf(b[c])); n != 0 {
			return n
		}
	}
	named := append([]string{"ts", p.arrival, p.sequence}, p.keys...)
	for _, f := range p.features {
		named = append(named, f.from)
	}
	slices.Sort(named)
	for _, c := range slices.Compact(named) {
		if c == "" {
			continue
		}
		if n := bytes.Compare(bytesOf(a[c]), bytesOf(b[c])); n != 0 {
			return n
		}
	}
	return 0
}

// one gives a key value in the form that equals itself: of zeros +0.0.
func one(v any) any {
	if f, ok := v.(float64); ok && f == 0 {
		return 0.0
	}
	return v
}

// number gives a value as a rational, or as a float that is none.
func number(v any) (*big.Rat, float64) {
	switch v := v.(type) {
	case int64:
		return new(big.Rat).SetInt64(v), 0
	case int32:
		return new(big.Rat).SetInt64(int64(v)), 0
	case float32:
		return number(float64(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, v
		}
		return new(big.Rat).SetFloat64(v), 0
	case instant:
		return new(big.Rat).SetInt64(int64(v)), 0
	case civil:
		return new(big.Rat).SetInt64(int64(v)), 0
	case dec:
		return v.rat(), 0
	case bool: // false before true
		if v {
			return big.NewRat(1, 1), 0
		}
		return new(big.Rat), 0
	}
	panic(fmt.Sprintf("%T", v))
}

func rounded(r *big.Rat) float64 { f, _ := r.Float64(); return f }

// apply computes a function over rows in total order (section 9.4).
func apply(name string, all []any) any {
	var values []any
	for _, v := range all {
		if v != nil {
			values = append(values, v)
		}
	}
	n := int64(len(values))
	name = strings.ToLower(name)
	if name == "count" {
		return n
	}
	if name == "first" || name == "last" {
		switch {
		case len(all) == 0:
			return nil
		case name == "first":
			return all[0]
		}
		return all[len(all)-1]
	}
	if n == 0 {
		return nil
	}
	if name == "min" || name == "max" {
		best := values[0]
		for _, v := range values {
			if c := compareValues(v, best); c < 0 && name == "min" || c > 0 && name == "max" {
				best = v
			}
		}
		switch f := best.(type) {
		case float64:
			if f == 0 {
				return 0.0
			}
		case float32:
			if f == 0 {
				return float32(0)
			}
		}
		return best
	}
	sum, squares := new(big.Rat), new(big.Rat)
	var odd []float64
	for _, v := range values {
		r, f := number(v)
		if r == nil {
			odd = append(odd, f)
			continue
		}
		sum.Add(sum, r)
		squares.Add(squares, new(big.Rat).Mul(r, r))
	}
	oddSum := 0.0
	for _, f := range odd {
		oddSum += f
	}
	count := new(big.Rat).SetInt64(n)
	switch name {
	case "sum":
		switch values[0].(type) {
		case int64, int32:
			if !sum.IsInt() || !sum.Num().IsInt64() {
				panic("the generator made a sum that overflows")
			}
			return sum.Num().Int64()
		}
		if odd != nil {
			return oddSum
		}
		return rounded(sum)
	case "avg", "mean":
		if odd != nil {
			return oddSum
		}
		return rounded(sum.Quo(sum, count))
	}
	divisor := new(big.Rat).Set(count)
	if name != "stddev_pop" {
		if n == 1 {
			return nil
		}
		divisor.Sub(count, big.NewRat(1, 1))
	}
	if odd != nil {
		return math.NaN()
	}
	variance := new(big.Rat).Mul(count, squares)
	variance.Sub(variance, sum.Mul(sum, sum))
	variance.Quo(variance, count)
	return math.Sqrt(rounded(variance.Quo(variance, divisor)))
}

// compareValues is value order (S-305).
func compareValues(a, b any) int {
	switch a := a.(type) {
	case []any: // lists are equal or not
		b := b.([]any)
		if len(a) == len(b) && same(a, b) {
			return 0
		}
		return 1
	case string:
		return strings.Compare(a, b.(string))
	case float32:
		return compareValues(float64(a), float64(b.(float32)))
	case float64:
		b := b.(float64)
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		case a == b || a != a && b != b:
			return 0
		case a != a:
			return 1
		}
		return -1
	}
	x, _ := number(a)
	y, _ := number(b)
	return x.Cmp(y)
}

// same is null-safe equality by value.
func same(a, b []any) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) || a[i] != nil && compareValues(a[i], b[i]) != 0 {
			return false
		}
	}
	return true
}

// cast converts to a type (section 4); failed tells that v was no null.
func (p *pipeline) cast(v any, to string) (out any, failed bool) {
	if v == nil || to == "" {
		return v, false
	}
	toInt := func(lo, hi float64) (i int64, ok bool) {
		switch v := v.(type) {
		case int64:
			return v, true
		case int32:
			return int64(v), true
		case float32:
			return floatToInt(float64(v), lo, hi, p.compat)
		case float64:
			return floatToInt(v, lo, hi, p.compat)
		case string:
			// Text of the generator: digits, or no number at all.
			i, err := strconv.ParseInt(strings.TrimFunc(v, unicode.IsSpace), 10, 64)
			return i, err == nil
		}
		panic(fmt.Sprintf("%T", v))
	}
	switch to {
	case "bigint":
		i, ok := toInt(-1<<63, 1<<63)
		if !ok {
			return nil, true
		}
		return i, false
	case "integer":
		i, ok := toInt(-1<<31, 1<<31)
		if _, text := v.(string); !ok || (!p.compat || text) && i != int64(int32(i)) {
			return nil, true
		}
		return int32(i), false
	case "double":
		switch v := v.(type) {
		case int64:
			return float64(v), false
		case int32:
			return float64(v), false
		case float32:
			return float64(v), false
		}
		return v, false
	case "float":
		switch v := v.(type) {
		case int64:
			return float32(v), false
		case int32:
			return float32(v), false
		case float64:
			return float32(v), false
		}
		return v, false
	case "string":
		switch v := v.(type) {
		case int64, int32:
			return fmt.Sprint(v), false
		}
		return v, false
	}
	panic(to)
}

func floatToInt(f, lo, hi float64, saturate bool) (int64, bool) {
	t := math.Trunc(f)
	switch {
	case f != f:
		return 0, saturate
	case t < lo:
		return int64(lo), saturate
	case t >= hi:
		if hi == 1<<63 {
			return math.MaxInt64, saturate
		}
		return int64(hi) - 1, saturate
	}
	return int64(t), true
}

// row computes the values of one row; rows[w] are those of window w, absent[w]
// makes its columns null.
func (p *pipeline) row(key []any, ts any, rows [][]event, absent []bool) made {
	m := made{key: key, ts: ts}
	for _, f := range p.features {
		for _, a := range f.aggregates {
			for w := range rows {
				if absent[w] {
					m.values = append(m.values, nil)
					continue
				}
				var in []any
				for _, e := range rows[w] {
					in = append(in, e[f.from])
				}
				v, _ := p.cast(apply(a.name, in), a.typ)
				switch f := v.(type) {
				case float64:
					if f != f {
						v = nil
					}
				case float32:
					if f != f {
						v = nil
					}
				}
				m.values = append(m.values, v)
			}
		}
	}
	return m
}

// names gives the feature columns.
func (p *pipeline) names() (out []string) {
	for _, f := range p.features {
		if f.aggregates == nil {
			out = append(out, f.name)
		}
		for _, a := range f.aggregates {
			name := f.name + "__" + strings.ToLower(a.name)
			if p.windows == nil {
				out = append(out, name)
			}
			for _, w := range p.windows {
				out = append(out, fmt.Sprintf("%s_over_%d_%s_rolling_windows", name, w.n, w.unit))
			}
		}
	}
	return out
}

// oracle computes what a run over an interval of days should give; nil leaves
// a side open.
func (p *pipeline) oracle(events []event, start, end *int64) outcome {
	o := outcome{columns: p.names(), rejected: map[string]int64{}, dropped: map[string]int64{}, failures: map[string]int64{}}
	groups, order := map[string][]event{}, []string{}
	keep := p.nullKeys || p.compat
	for _, e := range events {
		if p.incremental && end != nil && (e["ts"] == nil || floorDiv(e["ts"].(int64), day) > *end) {
			continue
		}
		if p.filter && e["i"] == nil {
			o.filtered++
			continue
		}
		null := false
		id := ""
		for _, k := range p.keys {
			null = null || e[k] == nil
			id += string(bytesOf(one(e[k])))
		}
		switch {
		case null && !keep:
			o.rejected["null_key"]++
			continue
		case e["ts"] == nil && !p.compat:
			o.rejected["null_timestamp"]++
			continue
		case e["ts"] == nil && p.windows != nil:
			o.dropped["null_timestamp"]++
			continue
		}
		o.used++
		if groups[id] == nil {
			order = append(order, id)
		}
		groups[id] = append(groups[id], e)
	}
	if o.used == 0 {
		return o
	}
	slices.Sort(order)
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for _, id := range order {
		slices.SortStableFunc(groups[id], p.compareOrder)
		for _, e := range groups[id] {
			if t, ok := e["ts"].(int64); ok {
				lo, hi = min(lo, t), max(hi, t)
			}
		}
	}
	o.last = hi
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
	for _, id := range order {
		group := groups[id]
		var key []any
		null := false
		for _, k := range p.keys {
			key = append(key, one(group[0][k]))
			null = null || group[0][k] == nil
		}
		var rows []made
		switch {
		case p.windows != nil:
			rows = p.rolling(key, null, group, lo, hi, end)
		case p.features[0].aggregates != nil:
			for i := 0; i < len(group); {
				j := i
				for j < len(group) && group[j]["ts"] == group[i]["ts"] {
					j++
				}
				rows = append(rows, p.row(key, group[i]["ts"], [][]event{group[i:j]}, []bool{false}))
				i = j
			}
		default:
			for _, e := range group {
				m := made{key: key, ts: e["ts"]}
				for _, f := range p.features {
					v, failed := p.cast(e[f.from], f.typ)
					if failed {
						o.failures[f.name]++
					}
					m.values = append(m.values, v)
				}
				rows = append(rows, m)
			}
		}
		cutFirst := p.compat && p.features[0].aggregates != nil
		var before *made
		for i := range rows {
			m := &rows[i]
			if cutFirst && !inside(*m) {
				continue
			}
			duplicate := p.deduplicate && before != nil && same(before.values, m.values)
			before = m
			if !duplicate && inside(*m) {
				o.rows = append(o.rows, *m)
			}
		}
	}
	return o
}

// rolling gives the rows of one key at its labels, in order.
func (p *pipeline) rolling(key []any, null bool, group []event, lo, hi int64, end *int64) (out []made) {
	slide := p.slide.micros
	daily := p.compat && p.slideText == "1 day"
	// Phases of the grids: a label is a multiple of the slide, plus one.
	phases := make([]int64, len(p.windows))
	if p.compat {
		for w, width := range p.windows {
			phases[w] = width.micros % slide
		}
	}
	next := func(t, phase int64) int64 { return (floorDiv(t-phase, slide)+1)*slide + phase }
	last := int64(math.MinInt64)
	labels := []int64{}
	grids := phases
	if daily {
		grids = []int64{0}
	}
	for _, phase := range grids {
		last = max(last, next(hi, phase))
	}
	if end != nil {
		last = (*end+1)*day - 1
	}
	from := group[0]["ts"].(int64)
	for _, phase := range grids {
		e := next(from, phase)
		if daily {
			e = floorDiv(lo, day) * day
		}
		for ; e <= last; e = next(e, phase) {
			labels = append(labels, e)
		}
	}
	slices.Sort(labels)
	for _, e := range slices.Compact(labels) {
		rows, absent, data := make([][]event, len(p.windows)), make([]bool, len(p.windows)), false
		for w, width := range p.windows {
			if floorDiv(e-phases[w], slide)*slide != e-phases[w] || daily && null {
				absent[w] = true
				continue
			}
			for _, x := range group {
				if t := x["ts"].(int64); e-width.micros <= t && t < e {
					rows[w] = append(rows[w], x)
				}
			}
			data = data || rows[w] != nil
			absent[w] = p.compat && rows[w] == nil
		}
		switch {
		case (p.withData || p.compat && !daily) && !data:
		case p.compat && !daily && null && len(p.windows) > 1:
			for w := range rows {
				if rows[w] != nil {
					only := make([]bool, len(rows))
					for v := range only {
						only[v] = v != w
					}
					out = append(out, p.row(key, e, rows, only))
				}
			}
		default:
			out = append(out, p.row(key, e, rows, absent))
		}
	}
	return out
}
