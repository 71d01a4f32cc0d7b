package window

import (
	"math"

	"github.com/featurehost/featurehost/builtins/window/exact"
)

// moments is the kernel of variances and standard deviations over numbers of
// type T.
type moments[T, A any, P spread[T, A]] struct {
	span
	input       *column[T]
	acc         A
	n           int64
	pop, sample float64 // variances
	// Outputs; nil: not asked for.
	varPop, varSample, devPop, devSample of[float64]
}

// outOf gives the place of a function's output.
func (k *moments[T, A, P]) outOf(f Function) *of[float64] {
	switch f {
	case VarPop:
		return &k.varPop
	case VarSamp:
		return &k.varSample
	case StddevPop:
		return &k.devPop
	case StddevSamp:
		return &k.devSample
	}
	return nil
}

// spread is an exact accumulator of first and second moments.
type spread[T, A any] interface {
	*A
	Add(T)
	Sub(T)
	Reset()
	Variance(sample bool) float64
}

func (k *moments[T, A, P]) feature() string { return "" } // doubles always fit

func (k *moments[T, A, P]) move(lo, hi int32) {
	vals, valid := k.input.vals, k.input.valid
	acc := P(&k.acc)
	if lo >= k.hi {
		acc.Reset()
		k.n, k.lo, k.hi = 0, lo, lo
	}
	for i := k.lo; i < lo; i++ {
		if valid[i] {
			acc.Sub(vals[i])
			k.n--
		}
	}
	for i := k.hi; i < hi; i++ {
		if valid[i] {
			acc.Add(vals[i])
			k.n++
		}
	}
	k.lo, k.hi = lo, hi
	k.pop, k.sample = 0, 0
	if k.n > 0 && (k.varPop != nil || k.devPop != nil) {
		k.pop = acc.Variance(false)
	}
	if k.n > 1 && (k.varSample != nil || k.devSample != nil) {
		k.sample = acc.Variance(true)
	}
}

func (k *moments[T, A, P]) run(moves []move, from, to int) int {
	for i := -1; i < len(moves); i++ {
		if i >= 0 {
			if k.hidden = moves[i].hi == absent; !k.hidden {
				k.move(moves[i].lo, moves[i].hi)
			}
		}
		end := until(moves, i, to)
		k.put(k.varPop, from, end, k.pop, 1)
		k.put(k.varSample, from, end, k.sample, 2)
		if k.devPop != nil {
			k.put(k.devPop, from, end, math.Sqrt(k.pop), 1)
		}
		if k.devSample != nil {
			k.put(k.devSample, from, end, math.Sqrt(k.sample), 2)
		}
		from = end
	}
	return -1
}

// put writes v, which takes at least least values, to rows of a column that
// was asked for.
func (k *moments[T, A, P]) put(out of[float64], from, to int, v float64, least int64) {
	if out != nil {
		repeat(out.slots(0, to+spare), from, to, v)
		out.mask().put(from, to, bit(!k.hidden && k.n >= least))
	}
}

func (k *moments[T, A, P]) drop(n int32) {
	if k.lo < n {
		k.move(n, max(k.hi, n))
	}
	k.lo -= n
	k.hi -= n
}

// singleMoments takes float32, widened exactly.
type singleMoments struct{ exact.Moments }

func (a *singleMoments) Add(v float32) { a.Moments.Add(float64(v)) }
func (a *singleMoments) Sub(v float32) { a.Moments.Sub(float64(v)) }

// shortMoments takes int32.
type shortMoments struct{ exact.IntMoments }

func (a *shortMoments) Add(v int32) { a.IntMoments.Add(int64(v)) }
func (a *shortMoments) Sub(v int32) { a.IntMoments.Sub(int64(v)) }
