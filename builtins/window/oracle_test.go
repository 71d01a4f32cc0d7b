package window_test

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
)

// event is a row of the test table; nil is null.
type event struct {
	k *int64
	t int64
	v map[string]any // column to int64, float64, string, bool or nil
}

// columns of the test table beside k and ts.
const columns = "k bigint, ts timestamp, f double, i bigint, s string, g float, n integer, b boolean, d decimal(12,2), p boolean, q boolean, dt date"

// oracleRows computes the rows of a spec the slow and obvious way: every
// label of every grid, every event of the key for every window, math/big.
func oracleRows(spec window.Spec, events []event) []string {
	if len(events) == 0 {
		return nil
	}
	lo, hi := events[0].t, events[0].t
	for _, e := range events {
		lo, hi = min(lo, e.t), max(hi, e.t)
	}
	phase := func(w window.Length) int64 {
		if spec.Grid == window.StartsOnMultiples {
			return w.Micros % spec.Slide.Micros
		}
		return 0
	}
	isLabel := func(t, phase int64) bool { return floorMod(t-phase, spec.Slide.Micros) == 0 }

	// Which grids have labels at all, and the last label.
	phases := map[int64]bool{}
	if spec.Rows == window.EveryLabel {
		phases[0] = true
	} else {
		for _, w := range spec.Windows {
			phases[phase(w)] = true
		}
	}
	last := int64(math.MinInt64)
	for p := range phases {
		t := hi + 1
		for !isLabel(t, p) {
			t++
			if spec.Slide.Micros >= flow.MicrosPerDay {
				t += flow.MicrosPerDay/2 - 1 // labels are midnights or noons
				t -= floorMod(t, flow.MicrosPerDay/2)
			}
		}
		last = max(last, t)
	}
	if spec.LastLabel != nil {
		last = *spec.LastLabel
	}
	step := int64(1)
	first := lo
	if spec.Slide.Micros >= flow.MicrosPerDay {
		step = flow.MicrosPerDay / 2
		first = lo - floorMod(lo, flow.MicrosPerDay)
	}
	base := lo - floorMod(lo, flow.MicrosPerDay)

	var out []string
	for _, key := range byKey(events) {
		nullKey := key[0].k == nil && spec.NullKeys == window.NullNeverMatches
		split := nullKey && spec.Rows == window.WithData && len(spec.Windows) > 1
		before := ""
		for e := first; e <= last; e += step {
			var shown []int
			onGrid := false
			for p := range phases {
				onGrid = onGrid || isLabel(e, p)
			}
			if !onGrid {
				continue
			}
			rows := make([][]event, len(spec.Windows))
			content, data := "", false
			for w, width := range spec.Windows {
				if !isLabel(e, phase(width)) || nullKey && spec.Rows == window.EveryLabel {
					continue
				}
				shown = append(shown, w)
				for j, x := range key {
					if e-width.Micros <= x.t && x.t < e {
						rows[w] = append(rows[w], x)
						content += fmt.Sprint(w, ":", j, " ")
						data = true
					}
				}
			}
			same := content == before
			before = content
			switch spec.Rows {
			case window.Changes:
				if e <= key[0].t {
					continue
				}
			case window.WithData:
				if !data {
					continue
				}
			case window.EveryLabel:
				same = same && e != base
			}
			if spec.OnlyChanges && same && len(phases) == 1 && !split {
				continue
			}
			if split {
				for _, w := range shown {
					if len(rows[w]) > 0 {
						out = append(out, line(spec, key[0].k, e, rows, []int{w}))
					}
				}
				continue
			}
			out = append(out, line(spec, key[0].k, e, rows, shown))
		}
	}
	return out
}

// oracleGroups computes the rows of a spec without windows.
func oracleGroups(spec window.Spec, events []event) []string {
	var out []string
	for _, key := range byKey(events) {
		for i := 0; i < len(key); {
			j := i
			for j < len(key) && key[j].t == key[i].t {
				j++
			}
			out = append(out, line(spec, key[0].k, key[i].t, [][]event{key[i:j]}, []int{0}))
			i = j
		}
	}
	return out
}

func floorMod(a, b int64) int64 { return ((a % b) + b) % b }

// byKey cuts events into keys; they are sorted already.
func byKey(events []event) [][]event {
	var out [][]event
	for i := 0; i < len(events); {
		j := i
		for j < len(events) && sameKey(events[i].k, events[j].k) {
			j++
		}
		out = append(out, events[i:j])
		i = j
	}
	return out
}

func sameKey(a, b *int64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

func sortEvents(events []event) {
	sort.SliceStable(events, func(i, j int) bool {
		a, b := events[i], events[j]
		if !sameKey(a.k, b.k) {
			return a.k == nil || b.k != nil && *a.k < *b.k
		}
		return a.t < b.t
	})
}

func line(spec window.Spec, k *int64, e int64, rows [][]event, shown []int) string {
	cells := []string{"null", when(e)}
	if k != nil {
		cells[0] = strconv.FormatInt(*k, 10)
	}
	for _, a := range spec.Aggregates {
		for w := range rows {
			kept := taking(a.Where, chosen(spec.Distinct, rows[w]))
			switch {
			case !slices.Contains(shown, w), spec.EmptyNull && len(kept) == 0:
				cells = append(cells, "null")
			default:
				cells = append(cells, oracleOf(a, kept))
			}
		}
	}
	return strings.Join(cells, " | ")
}

// taking gives the rows in which a boolean column is true.
func taking(where string, rows []event) []event {
	if where == "" {
		return rows
	}
	var out []event
	for _, r := range rows {
		if r.v[where] == true {
			out = append(out, r)
		}
	}
	return out
}

// chosen gives one row of each tuple.
func chosen(d *window.Distinct, rows []event) []event {
	if d == nil {
		return rows
	}
	var out []event
	for i, r := range rows {
		others := rows[i+1:]
		if d.First {
			others = rows[:i]
		}
		if !slices.ContainsFunc(others, func(o event) bool { return tuple(d, o) == tuple(d, r) }) {
			out = append(out, r)
		}
	}
	return out
}

func tuple(d *window.Distinct, r event) string {
	var parts []string
	for _, c := range d.Columns {
		v := r.v[c]
		if x, ok := v.(float64); ok && x == 0 {
			v = 0.0 // of either sign
		}
		parts = append(parts, fmt.Sprintf("%T %v", v, v))
	}
	return strings.Join(parts, "|")
}

func when(t int64) string {
	u := time.UnixMicro(t).UTC()
	if floorMod(t, flow.MicrosPerDay) == 0 {
		return u.Format("2006-01-02")
	}
	return u.Format(time.RFC3339Nano)
}

// oracle is one aggregate by table 9.4.
func oracle(f window.Function, column string, rows []event) string {
	var vals []any
	for _, r := range rows {
		if r.v[column] != nil {
			vals = append(vals, r.v[column])
		}
	}
	switch f {
	case window.Count:
		return strconv.Itoa(len(vals))
	case window.First, window.Last:
		if len(rows) == 0 {
			return "null"
		}
		if f == window.First {
			return text(column, rows[0].v[column])
		}
		return text(column, rows[len(rows)-1].v[column])
	}
	if len(vals) == 0 {
		return "null"
	}
	switch f {
	case window.Min, window.Max:
		best := vals[0]
		for _, v := range vals[1:] {
			if c := compare(v, best); f == window.Min && c < 0 || f == window.Max && c > 0 {
				best = v
			}
		}
		if x, ok := best.(float64); ok && x == 0 {
			best = 0.0
		}
		return text(column, best)
	}
	n := int64(len(vals))
	if column == "d" {
		cents := new(big.Int)
		for _, v := range vals {
			cents.Add(cents, big.NewInt(v.(int64)))
		}
		if f == window.Sum {
			return decimal(new(big.Rat).SetFrac(cents, big.NewInt(100)), 2)
		}
		return decimal(new(big.Rat).SetFrac(cents, big.NewInt(100*n)), 6)
	}
	sum, squares, special := new(big.Rat), new(big.Rat), 0.0
	for _, v := range vals {
		x, ok := v.(float64)
		switch {
		case !ok:
			r := new(big.Rat).SetInt64(v.(int64))
			sum.Add(sum, r)
			squares.Add(squares, r.Mul(r, r))
		case math.IsNaN(x) || math.IsInf(x, 0):
			special += x // IEEE does what S-940 says of these
		default:
			r := new(big.Rat).SetFloat64(x)
			sum.Add(sum, r)
			squares.Add(squares, r.Mul(r, r))
		}
	}
	spread := f == window.StddevPop || f == window.StddevSamp
	if f == window.StddevSamp && n == 1 {
		return "null"
	}
	if special != 0 {
		if spread {
			special = math.NaN()
		}
		return float(special)
	}
	rn := new(big.Rat).SetInt64(n)
	switch {
	case f == window.Sum && (column == "i" || column == "n"):
		return sum.Num().String()
	case f == window.Sum:
		x, _ := sum.Float64()
		return float(x)
	case f == window.Avg:
		x, _ := sum.Quo(sum, rn).Float64()
		return float(x)
	}
	d := n
	if f == window.StddevSamp {
		d--
	}
	num := squares.Sub(squares.Mul(squares, rn), sum.Mul(sum, sum))
	x, _ := num.Quo(num, rn.Mul(rn, new(big.Rat).SetInt64(d))).Float64()
	return float(math.Sqrt(x))
}

// decimal rounds half away from zero and prints as Arrow does.
func decimal(r *big.Rat, scale int) string {
	s := strings.TrimRight(strings.TrimRight(r.FloatString(scale), "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

func float(x float64) string {
	if x == 0 && math.Signbit(x) {
		return "-0"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func text(column string, v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case float64:
		return float(x)
	case int64:
		if column == "d" {
			return decimal(big.NewRat(x, 100), 2)
		}
	}
	return fmt.Sprint(v)
}

func compare(a, b any) int {
	switch x := a.(type) {
	case int64:
		return cmp.Compare(x, b.(int64))
	case string:
		return strings.Compare(x, b.(string))
	case bool:
		if x == b.(bool) {
			return 0
		}
		if x {
			return 1
		}
		return -1
	}
	x, y := a.(float64), b.(float64)
	switch {
	case x == y || math.IsNaN(x) && math.IsNaN(y):
		return 0
	case x < y || math.IsNaN(y):
		return -1
	}
	return 1
}
