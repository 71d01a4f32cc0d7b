package window

import (
	"math"

	"github.com/featurehost/featurehost/builtins/window/exact"
)

// moments is the kernel of stddev_pop and stddev_samp over numbers of type T.
type moments[T, A any, P spread[T, A]] struct {
	span
	input       *column[T]
	acc         A
	n           int64
	pop, sample float64
	popOut      of[float64] // nil: not asked for
	sampleOut   of[float64]
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
	if k.popOut != nil && k.n > 0 {
		k.pop = math.Sqrt(acc.Variance(false))
	}
	if k.sampleOut != nil && k.n > 1 {
		k.sample = math.Sqrt(acc.Variance(true))
	}
}

func (k *moments[T, A, P]) run(moves []move, from, to int) int {
	var pops, samples []float64
	if k.popOut != nil {
		pops = k.popOut.slots(0, to+spare)
	}
	if k.sampleOut != nil {
		samples = k.sampleOut.slots(0, to+spare)
	}
	for i := -1; i < len(moves); i++ {
		if i >= 0 {
			if k.hidden = moves[i].hi == absent; !k.hidden {
				k.move(moves[i].lo, moves[i].hi)
			}
		}
		end := until(moves, i, to)
		if pops != nil {
			repeat(pops, from, end, k.pop)
			k.popOut.mask().put(from, end, bit(!k.hidden && k.n > 0))
		}
		if samples != nil {
			repeat(samples, from, end, k.sample)
			k.sampleOut.mask().put(from, end, bit(!k.hidden && k.n > 1))
		}
		from = end
	}
	return -1
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
