package exact

import (
	"math"
	"math/bits"
)

const (
	// unit places the lowest bit of the three words at 2^-unit.
	unit = 100
	// reach is the greatest left shift of a 53-bit significand into the
	// words. It keeps each value under 2^160 units, so that one addition
	// cannot jump over the two guard bits at the top.
	reach = 107

	mantissaBits = 52
	mantissaMask = 1<<mantissaBits - 1
	exponentMask = 0x7ff
	// bias turns the exponent field into a shift: a field of bias+k puts the
	// significand k bits above the lowest one.
	bias = 1075 - unit
)

// Sum is an exact sum of doubles. The zero value is the empty sum.
type Sum struct {
	// Two's complement, w0 the least significant; single words, because the
	// compiler keeps those in registers and arrays in memory.
	w0, w1, w2 uint64
	wide       *wide // values that do not fit the words; nil for none
}

// Add puts v in.
func (s *Sum) Add(v float64) {
	b := math.Float64bits(v)
	shift := b>>mantissaBits&exponentMask - bias
	if shift > reach {
		s.addWide(v, 1)
		return
	}
	s.put(b, shift)
}

// Sub takes out v, which was put in before.
func (s *Sum) Sub(v float64) {
	b := math.Float64bits(v)
	shift := b>>mantissaBits&exponentMask - bias
	if shift > reach {
		s.addWide(v, -1)
		return
	}
	s.put(b^1<<63, shift)
}

// put adds the double with bits b to the words. It has no branch on the
// value, since signs and magnitudes of data are hard to foretell.
func (s *Sum) put(b, shift uint64) {
	m := b&mantissaMask | 1<<mantissaBits
	k := shift & 63
	low, high := m<<k, m>>1>>(63-k)
	up := -(shift >> 6) // all ones if the value starts in the second word
	sign := uint64(int64(b) >> 63)
	w0, c := bits.Add64(s.w0, low&^up^sign, sign&1)
	w1, c := bits.Add64(s.w1, (high&^up|low&up)^sign, c)
	w2, _ := bits.Add64(s.w2, high&up^sign, c)
	s.w0, s.w1, s.w2 = w0, w1, w2
	if int64(w2^w2<<1) < 0 {
		s.spill()
	}
}

// Reset empties the sum.
func (s *Sum) Reset() { *s = Sum{} }

// Value gives the sum. It is +0.0 if the exact sum is zero, an infinity
// beyond the range of doubles, NaN if a NaN or infinities of both signs are
// in, else the infinity that is in.
func (s *Sum) Value() float64 {
	sum, _ := s.Both(1)
	return sum
}

// Mean gives the exact sum divided by n, rounded once. n must be positive.
func (s *Sum) Mean(n int64) float64 {
	_, mean := s.Both(n)
	return mean
}

// Both gives Value and Mean for little more than the price of one. It is
// leading.pack and leading.over once more, on single words and without the
// cases that the three words cannot reach.
func (s *Sum) Both(n int64) (sum, mean float64) {
	if s.wide != nil {
		return s.wideBoth(n)
	}
	sign := uint64(int64(s.w2) >> 63)
	lo, c := bits.Add64(s.w0^sign, 0, sign&1)
	mid, c := bits.Add64(s.w1^sign, 0, c)
	hi, _ := bits.Add64(s.w2^sign, 0, c)
	exp := 128 - unit // of the lowest bit of hi
	for hi == 0 {
		hi, mid, lo = mid, lo, 0
		exp -= 64
		if exp < -unit {
			return 0, 0
		}
	}
	z := uint(bits.LeadingZeros64(hi)) & 63
	hi, mid, lo = hi<<z|mid>>1>>(63-z), mid<<z|lo>>1>>(63-z), lo<<z
	exp -= int(z)
	sum = signed(round(hi, mid|lo), exp, sign)
	if n == 1 {
		return sum, sum
	}
	if hi&(1<<11-1)|mid|lo == 0 && n <= 1<<(mantissaBits+1) {
		// Sum and n are doubles, so one IEEE division rounds once.
		return sum, sum / float64(n)
	}
	q, rest, k := divide(hi, mid, lo, uint64(n))
	return sum, signed(round(q, rest), exp-64+k, sign)
}

// round gives h rounded to 53 bits, as a double; rest is zero if and only if
// nothing follows h. h must have 63 bits at least.
func round(h, rest uint64) float64 {
	rest = (rest | -rest) >> 63
	// 62 bits are more than 53 + 1, so that the lowest of them may stand for
	// all that follow; 63 of them are a signed integer, which converts fast.
	return float64(int64(h>>1 | h&1 | rest))
}

// signed gives f*2^(exp+1), negative if sign is not zero. The result must be
// a normal double.
func signed(f float64, exp int, sign uint64) float64 {
	return f * math.Float64frombits(uint64(exp+1+1023)<<mantissaBits|sign&(1<<63))
}

// divide divides hi:mid:lo, whose top bit is set, by d, not 0. The
// quotient is q*2^k in units of the lowest bit of mid, plus a rest; q has 63
// bits at least.
func divide(hi, mid, lo, d uint64) (q, rest uint64, k int) {
	z := bits.LeadingZeros64(d)
	q, r := bits.Div64(hi>>1, hi<<63|mid>>1, d<<z)
	return q, r | mid&1 | lo, z + 1
}

// magnitude3 splits a two's complement integer into sign and magnitude.
func magnitude3(w [3]uint64) (neg bool, x [3]uint64) {
	sign := uint64(int64(w[2]) >> 63)
	var c uint64
	x[0], c = bits.Add64(w[0]^sign, 0, sign&1)
	x[1], c = bits.Add64(w[1]^sign, 0, c)
	x[2], _ = bits.Add64(w[2]^sign, 0, c)
	return sign != 0, x
}
