package hll

import (
	"math"
	"math/bits"
)

// The precisions for which biases were published.
const (
	LeastPrecision = 4
	MostPrecision  = 18
)

// neighbours is the number of published points that a bias is the mean of.
const neighbours = 6

// Estimator turns registers of one precision into estimates. It never changes.
type Estimator struct {
	precision int
	alphaM2   float64
	threshold float64
	raw, bias []float64
}

// NewEstimator makes the estimator of 2^precision registers, from
// LeastPrecision to MostPrecision.
func NewEstimator(precision int) *Estimator {
	e := &Estimator{precision: precision, threshold: threshold(precision)}
	e.raw, e.bias = published(precision)
	m := float64(e.Registers())
	alpha := 0.7213 / (1 + 1.079/m)
	switch precision {
	case 4:
		alpha = 0.673
	case 5:
		alpha = 0.697
	case 6:
		alpha = 0.709
	}
	e.alphaM2 = alpha * m * m
	return e
}

// Registers is the number of registers.
func (e *Estimator) Registers() int { return 1 << e.precision }

// Place gives the register that a hash chooses, and its rank in it: one more
// than the zeros in front of the bits that do not choose.
func (e *Estimator) Place(hash uint64) (register int, rank uint8) {
	guard := uint64(1) << (e.precision - 1)
	return int(hash >> (64 - e.precision)), uint8(bits.LeadingZeros64(hash<<e.precision|guard) + 1)
}

// Sums are what an estimate depends on: the number of registers that are zero,
// and the sum of 2^-rank over all registers, exactly, in units of 2^-64.
type Sums struct {
	Zeros  int
	hi, lo uint64
}

// Empty gives the sums of registers that are all zero.
func (e *Estimator) Empty() Sums { return Sums{Zeros: e.Registers(), hi: uint64(e.Registers())} }

// Change tells that a register went from one rank to another; 0 is none.
func (s *Sums) Change(from, to uint8) {
	s.Zeros -= int(isZero(from)) - int(isZero(to))
	var borrow, carry uint64
	hi, lo := unit(from)
	s.lo, borrow = bits.Sub64(s.lo, lo, 0)
	s.hi, _ = bits.Sub64(s.hi, hi, borrow)
	hi, lo = unit(to)
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, _ = bits.Add64(s.hi, hi, carry)
}

func isZero(rank uint8) uint8 {
	if rank == 0 {
		return 1
	}
	return 0
}

// unit gives 2^-rank in units of 2^-64.
func unit(rank uint8) (hi, lo uint64) {
	if rank == 0 {
		return 1, 0
	}
	return 0, 1 << (64 - rank)
}

// float rounds the sum of 2^-rank to a double.
func (s *Sums) float() float64 {
	if s.hi == 0 {
		return math.Ldexp(float64(s.lo), -64)
	}
	z := bits.LeadingZeros64(s.hi)
	top := s.hi<<z | s.lo>>1>>(63-z)
	if s.lo<<z != 0 {
		top |= 1 // is below the last bit of a double, so it only breaks ties
	}
	return math.Ldexp(float64(top), -z)
}

// Estimate gives the number of distinct values.
func (e *Estimator) Estimate(s Sums) int64 {
	m := float64(e.Registers())
	if s.Zeros > 0 {
		linear := m * math.Log(m/float64(s.Zeros))
		if linear <= e.threshold {
			return int64(math.Round(linear))
		}
	}
	n := e.alphaM2 / s.float()
	if n < 5*m {
		n -= e.biasAt(n)
	}
	return int64(math.Round(n))
}

// biasAt gives the mean bias of the published points nearest to an estimate.
func (e *Estimator) biasAt(n float64) float64 {
	away := func(i int) float64 {
		d := n - e.raw[i]
		return float64(d * d)
	}
	// The points are ascending but for noise, so this search is Spark's, step
	// by step.
	lo, hi := 0, len(e.raw)-1
	for lo <= hi {
		mid := (lo + hi) / 2
		if e.raw[mid] == n {
			lo = mid
			break
		}
		if e.raw[mid] < n {
			lo = mid + 1
		} else {
			hi = mid - 1
		}
	}
	from := max(0, lo-neighbours+1)
	to := min(from+neighbours, len(e.raw))
	for to < len(e.raw) && away(to) < away(from) {
		from, to = from+1, to+1
	}
	sum := 0.0
	for _, b := range e.bias[from:to] {
		sum += b
	}
	return sum / float64(to-from)
}
