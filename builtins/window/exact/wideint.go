package exact

import (
	"math/big"
	"math/bits"
)

// WideSum is an exact sum of 128-bit integers, the unscaled values of
// decimals. The zero value is empty.
type WideSum struct{ w [3]uint64 }

// Add puts the two's complement integer hi:lo in.
func (s *WideSum) Add(hi int64, lo uint64) {
	var c uint64
	s.w[0], c = bits.Add64(s.w[0], lo, 0)
	s.w[1], c = bits.Add64(s.w[1], uint64(hi), c)
	s.w[2], _ = bits.Add64(s.w[2], uint64(hi>>63), c)
}

// Sub takes out hi:lo, which was put in before.
func (s *WideSum) Sub(hi int64, lo uint64) {
	var c uint64
	s.w[0], c = bits.Sub64(s.w[0], lo, 0)
	s.w[1], c = bits.Sub64(s.w[1], uint64(hi), c)
	s.w[2], _ = bits.Sub64(s.w[2], uint64(hi>>63), c)
}

// Reset empties the sum.
func (s *WideSum) Reset() { *s = WideSum{} }

// Big gives the sum.
func (s *WideSum) Big() *big.Int {
	neg, x := magnitude3(s.w)
	v := bigOf(x[:])
	if neg {
		v.Neg(v)
	}
	return v
}

// bigOf gives the magnitude in words, least significant first.
func bigOf(words []uint64) *big.Int {
	v, part := new(big.Int), new(big.Int)
	for i := len(words) - 1; i >= 0; i-- {
		v.Lsh(v, 64).Or(v, part.SetUint64(words[i]))
	}
	return v
}

// DivHalfAway divides by n > 0 and rounds half away from zero.
func DivHalfAway(v *big.Int, n int64) *big.Int {
	d := big.NewInt(n)
	q, r := new(big.Int).QuoRem(v, d, new(big.Int))
	if r.Abs(r).Lsh(r, 1).Cmp(d) >= 0 {
		q.Add(q, big.NewInt(int64(v.Sign())))
	}
	return q
}
