package window

import (
	"cmp"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/builtins/window/exact"
)

// bagged is the state that holds the values of a window in a bag.
type bagged[T, K any, R ranking[T, K]] struct {
	bag[K, R]
	input   *column[T]
	sum     distinctSum[K] // nil: not asked for
	nulls   int            // rows without value
	scratch []K
}

// distinctSum is an exact sum of the distinct keys of a bag.
type distinctSum[K any] interface {
	reset()
	add(k K)
	sub(k K)
}

func (s *bagged[T, K, R]) reset(int32) {
	s.bag.reset()
	s.nulls = 0
	if s.sum != nil {
		s.sum.reset()
	}
}

// keys gives the keys of rows.
func (s *bagged[T, K, R]) keys(from, to int32) []K {
	s.scratch = s.order.keys(s.scratch[:0], s.input.vals[from:to], s.input.valid[from:to])
	return s.scratch
}

func (s *bagged[T, K, R]) enter(from, to int32) {
	keys := s.keys(from, to)
	s.nulls += int(to-from) - len(keys)
	for _, k := range keys {
		if s.add(k) && s.sum != nil {
			s.sum.add(k)
		}
	}
	clear(keys)
}

func (s *bagged[T, K, R]) leave(from, to int32) {
	keys := s.keys(from, to)
	s.nulls -= int(to-from) - len(keys)
	for _, k := range keys {
		if s.remove(k) && s.sum != nil {
			s.sum.sub(k)
		}
	}
	clear(keys)
}

func (s *bagged[T, K, R]) drop(int32) {}

// countDistinct answers count_distinct.
func (s *bagged[T, K, R]) countDistinct() (int64, bool, bool) { return int64(s.distinct), true, true }

// mode answers mode.
func (s *bagged[T, K, R]) mode() (v T, ok, fits bool) {
	if s.total == 0 {
		return v, false, true
	}
	return s.order.value(s.bag.mode()), true, true
}

// percentile answers percentile(p): between v[i] and v[i+1], i being the whole
// part of r = p*(n-1), as far as r is past i (table 9.4). number gives a key's
// value as a double.
func (s *bagged[T, K, R]) percentile(p float64, number func(K) float64) (v float64, ok, fits bool) {
	if s.total == 0 {
		return 0, false, true
	}
	r := float64(p * float64(s.total-1))
	i := math.Floor(r)
	x, y := s.at(int(i))
	a, b := number(x), number(y)
	if part := r - i; part > 0 && a != b {
		d := float64(b - a)
		a += float64(d * part)
	}
	return a, true, true
}

// collectSet answers collect_set.
func (s *bagged[T, K, R]) collectSet(to []T) []T {
	for i := range s.blocks {
		for _, k := range s.blocks[i].keys {
			to = append(to, s.order.value(k))
		}
	}
	return to
}

// mostFrequent answers most_frequent_set: the distinct values, sorted by how
// often they are in by counting, which keeps equally frequent ones ascending.
func (s *bagged[T, K, R]) mostFrequent(to []T, room *[]int) []T {
	// starts[c] is how many keys are in more than c times, so where those of
	// count c begin.
	most := 0
	for i := range s.blocks {
		for _, c := range s.blocks[i].counts {
			most = max(most, int(c))
		}
	}
	if most > 8*s.distinct+64 {
		return s.mostFrequentOfFew(to)
	}
	starts := grown(*room, most+1)
	*room = starts
	clear(starts)
	for i := range s.blocks {
		for _, c := range s.blocks[i].counts {
			starts[c]++
		}
	}
	n := 0
	for c := most; c > 0; c-- {
		starts[c], n = n, n+starts[c]
	}
	to = grown(to, n)
	for i := range s.blocks {
		x := &s.blocks[i]
		for j, c := range x.counts {
			to[starts[c]] = s.order.value(x.keys[j])
			starts[c]++
		}
	}
	return to
}

// mostFrequentOfFew is mostFrequent for few keys that are in very often.
func (s *bagged[T, K, R]) mostFrequentOfFew(to []T) []T {
	type counted struct {
		key   K
		count int32
	}
	var all []counted
	for i := range s.blocks {
		x := &s.blocks[i]
		for j, c := range x.counts {
			all = append(all, counted{x.keys[j], c})
		}
	}
	slices.SortStableFunc(all, func(a, b counted) int { return cmp.Compare(b.count, a.count) })
	for _, c := range all {
		to = append(to, s.order.value(c.key))
	}
	return to
}

// least answers bottom_k.
func (s *bagged[T, K, R]) least(to []T, k int) []T {
	for i := range s.blocks {
		x := &s.blocks[i]
		for j := range x.keys {
			if to = s.repeated(to, x, j, k); len(to) == k {
				return to
			}
		}
	}
	return to
}

// most answers top_k.
func (s *bagged[T, K, R]) most(to []T, k int) []T {
	for i := len(s.blocks) - 1; i >= 0; i-- {
		x := &s.blocks[i]
		for j := len(x.keys) - 1; j >= 0; j-- {
			if to = s.repeated(to, x, j, k); len(to) == k {
				return to
			}
		}
	}
	return to
}

// repeated appends a key as often as it is in, up to k values in all.
func (s *bagged[T, K, R]) repeated(to []T, x *block[K], at, k int) []T {
	v := s.order.value(x.keys[at])
	for range min(int(x.counts[at]), k-len(to)) {
		to = append(to, v)
	}
	return to
}

// summing is a distinctSum with its result.
type summing[K, V any] interface {
	distinctSum[K]
	// sum gives the sum of the n keys, more than none, and whether it fits.
	sum(n int) (V, bool)
}

// distinctFloats sums distinct float keys.
type distinctFloats struct{ exact.Sum }

func (a *distinctFloats) reset()      { a.Reset() }
func (a *distinctFloats) add(k int64) { a.Add(floatOf(k)) }
func (a *distinctFloats) sub(k int64) { a.Sub(floatOf(k)) }

func (a *distinctFloats) sum(n int) (float64, bool) {
	v, _ := a.Both(int64(n))
	return v, true
}

// distinctInts sums distinct integer keys.
type distinctInts struct{ exact.IntSum }

func (a *distinctInts) reset()      { a.Reset() }
func (a *distinctInts) add(k int64) { a.Add(k) }
func (a *distinctInts) sub(k int64) { a.Sub(k) }

func (a *distinctInts) sum(int) (int64, bool) { return a.Int64() }

// distinctDecimals sums distinct decimal keys.
type distinctDecimals struct{ exact.WideSum }

func (a *distinctDecimals) reset()               { a.Reset() }
func (a *distinctDecimals) add(k decimal128.Num) { a.Add(k.HighBits(), k.LowBits()) }
func (a *distinctDecimals) sub(k decimal128.Num) { a.Sub(k.HighBits(), k.LowBits()) }

func (a *distinctDecimals) sum(int) (decimal128.Num, bool) {
	s := a.Big()
	if !fitsDecimal(s) {
		return decimal128.Num{}, false
	}
	return decimal128.FromBigInt(s), true
}
