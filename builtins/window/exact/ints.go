package exact

import "math/bits"

// IntSum is an exact sum of int64 in 128 bits. The zero value is empty.
type IntSum struct {
	hi int64
	lo uint64
}

// Add puts v in.
func (s *IntSum) Add(v int64) {
	var c uint64
	s.lo, c = bits.Add64(s.lo, uint64(v), 0)
	s.hi += v>>63 + int64(c)
}

// Sub takes out v, which was put in before.
func (s *IntSum) Sub(v int64) {
	var c uint64
	s.lo, c = bits.Sub64(s.lo, uint64(v), 0)
	s.hi -= v>>63 + int64(c)
}

// Reset empties the sum.
func (s *IntSum) Reset() { *s = IntSum{} }

// Int64 gives the sum; ok is false when it does not fit.
func (s *IntSum) Int64() (v int64, ok bool) {
	return int64(s.lo), s.hi == int64(s.lo)>>63
}

// Mean gives the exact sum divided by n, rounded once. n must be positive.
func (s *IntSum) Mean(n int64) float64 {
	const doubles = 1 << 53 // integers up to here are doubles
	if v, ok := s.Int64(); ok && -doubles <= v && v <= doubles && n <= doubles {
		return float64(v) / float64(n)
	}
	neg, x := magnitude3([3]uint64{s.lo, uint64(s.hi), uint64(s.hi >> 63)})
	top, ok := normal3(x)
	if !ok {
		return 0
	}
	mean := top.over(uint64(n)).pack(0)
	if neg {
		return -mean
	}
	return mean
}
