package window

import "math"

// shape is the state of skewness and kurtosis, which S-943 defines as one fold
// over the rows of the window in total order: O(rows in the window) for each
// window that moved. The mean they measure from is kept exactly.
type shape[T int32 | int64 | float32 | float64, S, A any, P accumulator[T, S, float64, A]] struct {
	input  *column[T]
	acc    A
	n      int64
	lo, hi int32

	folded     bool // the rest is of the present rows
	m2, m3, m4 float64
	equal      bool // all values are equal, or there are none
}

func (s *shape[T, S, A, P]) reset(at int32) {
	P(&s.acc).Reset()
	s.n, s.lo, s.hi, s.folded = 0, at, at, false
}

func (s *shape[T, S, A, P]) enter(from, to int32) {
	s.n += P(&s.acc).add(s.input.vals[from:to], s.input.valid[from:to])
	s.hi, s.folded = to, false
}

func (s *shape[T, S, A, P]) leave(from, to int32) {
	s.n -= P(&s.acc).sub(s.input.vals[from:to], s.input.valid[from:to])
	s.lo, s.folded = to, false
}

func (s *shape[T, S, A, P]) drop(n int32) {
	s.lo -= n
	s.hi -= n
}

// fold computes the sums of powers; both functions use one fold.
func (s *shape[T, S, A, P]) fold() {
	if s.folded {
		return
	}
	s.folded, s.equal = true, true
	s.m2, s.m3, s.m4 = 0, 0, 0
	if s.n == 0 {
		return
	}
	_, mean, _ := P(&s.acc).both(s.n)
	vals, valid := s.input.vals[s.lo:s.hi], s.input.valid[s.lo:s.hi]
	first := 0
	for !valid[first] {
		first++
	}
	m2, m3, m4 := 0.0, 0.0, 0.0
	one, differ := vals[first], false
	for i, v := range vals {
		if !valid[i] {
			continue
		}
		differ = differ || v != one && (v == v || one == one)
		d := float64(v) - mean
		// The conversions keep a compiler from fusing steps (S-946).
		d2 := float64(d * d)
		d3 := float64(d2 * d)
		m2 += d2
		m3 += d3
		m4 += float64(d3 * d)
	}
	s.equal, s.m2, s.m3, s.m4 = !differ, m2, m3, m4
}

// skewness answers skewness.
func (s *shape[T, S, A, P]) skewness() (v float64, ok, fits bool) {
	s.fold()
	if s.equal {
		return 0, false, true
	}
	top := float64(math.Sqrt(float64(s.n)) * s.m3)
	return top / float64(s.m2*math.Sqrt(s.m2)), true, true
}

// kurtosis answers kurtosis.
func (s *shape[T, S, A, P]) kurtosis() (v float64, ok, fits bool) {
	s.fold()
	if s.equal {
		return 0, false, true
	}
	top := float64(float64(s.n) * s.m4)
	return float64(top/float64(s.m2*s.m2)) - 3, true, true
}
