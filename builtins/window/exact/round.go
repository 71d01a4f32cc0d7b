package exact

import (
	"math"
	"math/bits"
)

// leading holds the leading 192 bits of a positive number: its value is
// (hi:mid:lo + rest) * 2^exp with the top bit of hi set and 0 <= rest < 1.
type leading struct {
	hi, mid, lo uint64
	rest        bool // rest is not zero
	exp         int
}

// normal3 brings x*2^0 into leading form; ok is false for zero.
func normal3(x [3]uint64) (leading, bool) {
	hi, mid, lo, exp := x[2], x[1], x[0], 0
	if hi == 0 {
		hi, mid, lo, exp = mid, lo, 0, -64
		if hi == 0 {
			hi, mid, exp = mid, 0, -128
			if hi == 0 {
				return leading{}, false
			}
		}
	}
	z := uint(bits.LeadingZeros64(hi))
	return leading{
		hi:  hi<<z | mid>>1>>(63-z),
		mid: mid<<z | lo>>1>>(63-z),
		lo:  lo << z,
		exp: exp - int(z),
	}, true
}

// normal brings the words, least significant first, into leading form.
func normal(words []uint64) (leading, bool) {
	i := len(words) - 1
	for i >= 0 && words[i] == 0 {
		i--
	}
	if i < 0 {
		return leading{}, false
	}
	at := func(j int) uint64 {
		if j < 0 {
			return 0
		}
		return words[j]
	}
	z := uint(bits.LeadingZeros64(words[i]))
	l := leading{
		hi:  at(i)<<z | at(i-1)>>1>>(63-z),
		mid: at(i-1)<<z | at(i-2)>>1>>(63-z),
		lo:  at(i-2)<<z | at(i-3)>>1>>(63-z),
		exp: 64*(i-2) - int(z),
	}
	l.rest = at(i-3)<<z != 0
	for j := i - 4; j >= 0 && !l.rest; j-- {
		l.rest = words[j] != 0
	}
	return l, true
}

// over divides by d, not 0. The quotient keeps as many bits as
// rounding needs, and whether anything follows them.
func (l leading) over(d uint64) leading {
	q, rest, k := divide(l.hi, l.mid, l.lo, d)
	z := uint(bits.LeadingZeros64(q)) // 0 or 1
	return leading{hi: q << z, rest: rest != 0 || l.rest, exp: l.exp - 64 + k - int(z)}
}

// head gives the leading 63 bits, the lowest of them or-ed with all that
// follows, and the weight of that lowest bit. Converting it to a double
// rounds as the whole number would, for 63 > 53 + 1.
func (l leading) head() (int64, int) {
	h := l.hi>>1 | l.hi&1
	if l.mid|l.lo != 0 || l.rest {
		h |= 1
	}
	return int64(h), l.exp + 129
}

// pack rounds the number times 2^scale to a double that must be normal.
func (l leading) pack(scale int) float64 {
	h, exp := l.head()
	return float64(h) * math.Float64frombits(uint64(exp+scale+1023)<<mantissaBits)
}

// packAny is pack for any magnitude: the double may be subnormal or infinite.
func (l leading) packAny(scale int) float64 {
	h, exp := l.head()
	exp += scale
	// The highest bit of h is bit 62.
	if exp+62 >= -1022 {
		return math.Ldexp(float64(h), exp)
	}
	cut := uint(-1074 - exp) // bits of h below the smallest subnormal; at least 10
	if cut > 63 {
		return 0 // less than half of it
	}
	keep, rest, half := uint64(h)>>cut, uint64(h)&(1<<cut-1), uint64(1)<<(cut-1)
	if rest > half || rest == half && keep&1 == 1 {
		keep++
	}
	return math.Float64frombits(keep)
}
