package window_test

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// oracleEvents computes the rows of a spec the slow and obvious way: all rows
// of the partition for every row and every frame.
func oracleEvents(spec window.EventSpec, events []event) []string {
	if len(events) == 0 {
		return nil
	}
	all := record(events)
	defer all.Release()
	out := strings.Split(strings.TrimSuffix(hosttest.Text(all), "\n"), "\n")
	at := 0
	for _, part := range byKey(events) {
		for i := range part {
			rows := make([][]event, len(spec.Frames))
			for f, frame := range spec.Frames {
				for j, x := range part {
					if inFrame(spec.Order, frame, part, i, j) {
						rows[f] = append(rows[f], x)
					}
				}
			}
			for _, a := range spec.Aggregates {
				for f := range spec.Frames {
					out[at] += " | " + oracleOf(a, taking(a.Where, rows[f]))
				}
			}
			at++
		}
	}
	return out
}

// orderOf gives the order value of a row: nil, an int64 or a float64.
func orderOf(column string, e event) any {
	if column != "ts" {
		return e.v[column]
	}
	if e.t == noTime {
		return nil
	}
	return e.t
}

// inFrame reports whether row j is in the frame of row i.
func inFrame(column string, f window.Frame, part []event, i, j int) bool {
	if f.Rows > 0 {
		return j <= i && int64(i-j) < f.Rows
	}
	a, b := orderOf(column, part[i]), orderOf(column, part[j])
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	low := f.Bounds == window.ClosedClosed || f.Bounds == window.ClosedOpen
	high := f.Bounds == window.ClosedClosed || f.Bounds == window.OpenClosed
	inside := func(toLow, toHigh int) bool {
		return (toLow > 0 || low && toLow == 0) && (toHigh < 0 || high && toHigh == 0)
	}
	if x, ok := a.(float64); ok {
		y := b.(float64)
		if math.IsNaN(x) || math.IsNaN(y) {
			return math.IsNaN(x) && math.IsNaN(y)
		}
		switch {
		case x == y:
			return high
		case math.IsInf(x, 0) || math.IsInf(y, 0):
			return false
		}
		start := new(big.Rat).SetFloat64(x)
		start.Sub(start, big.NewRat(f.Span.Micros, 1e6))
		return inside(new(big.Rat).SetFloat64(y).Cmp(start), cmp.Compare(y, x))
	}
	micros := func(v any) *big.Int {
		unit := map[string]int64{"ts": 1, "dt": flow.MicrosPerDay}[column]
		if unit == 0 {
			unit = 1_000_000
		}
		us := new(big.Int).Mul(big.NewInt(v.(int64)), big.NewInt(unit))
		if f.WholeSeconds && column == "ts" {
			us.Sub(us, new(big.Int).Mod(us, big.NewInt(1_000_000)))
		}
		return us
	}
	x, y := micros(a), micros(b)
	var start *big.Int
	if f.Span.Months > 0 {
		start = big.NewInt(monthsEarlier(time.UnixMicro(x.Int64()).UTC(), f.Span.Months).UnixMicro())
	} else {
		w := new(big.Int).Mul(big.NewInt(int64(f.Span.Days)), big.NewInt(flow.MicrosPerDay))
		start = new(big.Int).Sub(x, w.Add(w, big.NewInt(f.Span.Micros)))
	}
	return inside(y.Cmp(start), y.Cmp(x))
}

// monthsEarlier is the same time of day n months before, the day clamped to
// the month's end.
func monthsEarlier(u time.Time, n int) time.Time {
	first := time.Date(u.Year(), u.Month()-time.Month(n), 1, 0, 0, 0, 0, u.Location())
	dom := min(u.Day(), first.AddDate(0, 1, -1).Day())
	return time.Date(first.Year(), first.Month(), dom, u.Hour(), u.Minute(), u.Second(), u.Nanosecond(), u.Location())
}

// sortFor sorts events by key and order value: nulls first, NaN last.
func sortFor(column string, events []event) {
	sortEvents(events)
	slices.SortStableFunc(events, func(a, b event) int {
		if !sameKey(a.k, b.k) {
			return map[bool]int{true: -1, false: 1}[a.k == nil || b.k != nil && *a.k < *b.k]
		}
		x, y := orderOf(column, a), orderOf(column, b)
		if x == nil || y == nil {
			return map[bool]int{true: 0, false: map[bool]int{true: -1, false: 1}[x == nil]}[x == nil && y == nil]
		}
		return compare(x, y)
	})
}
