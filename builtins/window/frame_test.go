package window

import (
	"math"
	"testing"
)

// Distances of doubles are exact: a window of a second holds the row that it
// ends at beside 1e16, where doubles lie two apart, and at infinity.
// Rules: S-105, S-803.
func TestFrame_Reals_DistancesAreExact(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		v, low, width     float64
		closedLow, beyond bool
	}{
		{1e16, 1e16, 1, false, false},
		{1e16, 1e16 - 2, 1, true, true},
		{inf, inf, 1, false, false},
		{-inf, -inf, 1, false, false},
		{inf, math.MaxFloat64, 1, true, true},
		{5, -inf, 1, true, true},
		{math.MaxFloat64, -math.MaxFloat64, 1, true, true},
		{0, math.Copysign(0, -1), 1, false, false},
		{3, 2, 1, false, true},
		{3, 2, 1, true, false},
		// 1 less -5e-324 is more than 1 by what the difference of doubles loses, and
		// 1 less 5e-324 is less than 1.
		{1, -5e-324, 1, true, true},
		{1, 5e-324, 1, false, false},
		{1, 0, 1, true, false},
		{0.1, -0.9, 1, true, true}, // 1 as doubles, yet more by 2.8e-17 in truth
	} {
		f := frame{width: c.width, closedLow: c.closedLow}
		if got := f.beyond(c.v, c.low); got != c.beyond {
			t.Errorf("%v to %v, width %v, closed %v: beyond is %v", c.low, c.v, c.width, c.closedLow, got)
		}
	}
}
