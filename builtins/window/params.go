package window

import (
	"math"

	"github.com/featurehost/featurehost/builtins/window/hll"
	"github.com/featurehost/featurehost/host/fault"
)

// defaultRSD is the relative standard deviation of approx_count_distinct where
// none is given.
const defaultRSD = 0.05

// Check refuses parameters that f has no use for and values out of range.
func (p Params) Check(f Function) error {
	switch f {
	case Percentile:
		if !(p.P >= 0 && p.P <= 1) {
			return fault.New(BadParameter, "percentile of %v: expected 0 to 1", p.P).WithHint("write 0.95 for the 95th percentile")
		}
	case TopK, BottomK, FirstK, LastK:
		if p.K < 1 || p.K > math.MaxInt32 {
			return fault.New(BadParameter, "%s with k = %d: expected a whole number from 1 to %d", f, p.K, math.MaxInt32)
		}
	case ApproxCountDistinct:
		if n := p.precision(); n < hll.LeastPrecision || n > hll.MostPrecision {
			return fault.New(BadParameter, "approx_count_distinct with a relative standard deviation of %v: expected 0.0022 to 0.39", p.RSD).
				WithHint("leave it out for 0.05, or use count_distinct, which is exact")
		}
	}
	switch {
	case p.P != 0 && f != Percentile:
		return fault.New(BadParameter, "%s with p = %v: expected none", f, p.P)
	case p.K != 0 && f != TopK && f != BottomK && f != FirstK && f != LastK:
		return fault.New(BadParameter, "%s with k = %d: expected none", f, p.K)
	case p.RSD != 0 && f != ApproxCountDistinct:
		return fault.New(BadParameter, "%s with rsd = %v: expected none", f, p.RSD)
	}
	return nil
}

// precision gives the number of bits of a hash that choose a register of
// approx_count_distinct (S-944); 0 for a deviation that is no positive number.
func (p Params) precision() int {
	rsd := p.RSD
	if rsd == 0 {
		rsd = defaultRSD
	}
	if !(rsd > 0) {
		return 0
	}
	n := math.Ceil(2 * math.Log(1.106/rsd) / math.Ln2)
	return int(max(0, min(n, hll.MostPrecision+1)))
}
