package window

// sums is the kernel of count, sum and avg over numbers of type T; they share
// the accumulator A. S is the type of a sum, M that of an avg.
type sums[T, S, M any, A any, P accumulator[T, S, M, A]] struct {
	span
	input *column[T]
	acc   A
	n     int64
	// What the present span gives.
	sum  S
	mean M
	over overflow

	counts    of[int64] // nil: not asked for; so for the others
	sumOut    of[S]
	meanOut   of[M]
	emptyNull bool
	// overflowNull gives null for a result that does not fit; sum and avg have
	// masks of their own then.
	overflowNull bool
	names        [2]string // of sum and avg
}

// accumulator is an exact sum.
type accumulator[T, S, M, A any] interface {
	*A
	// add and sub take rows in and out and give how many were not null.
	// They take runs of rows, since a call from generic code costs more than
	// an addition.
	add(vals []T, valid []bool) int64
	sub(vals []T, valid []bool) int64
	Reset()
	// both gives sum and average of n values and which of them do not fit.
	both(n int64) (S, M, overflow)
}

// overflow says which results do not fit their type.
type overflow uint8

const (
	sumOver overflow = 1 << iota
	meanOver
)

func (k *sums[T, S, M, A, P]) feature() string {
	if k.sumOut != nil && k.over&sumOver != 0 {
		return k.names[0]
	}
	return k.names[1]
}

func (k *sums[T, S, M, A, P]) move(lo, hi int32) {
	in, acc := k.input, P(&k.acc)
	if lo >= k.hi { // nothing stays: start anew
		if k.n != 0 {
			acc.Reset()
			k.n = 0
		}
		k.lo, k.hi = lo, lo
	}
	if k.lo < lo {
		k.n -= acc.sub(in.vals[k.lo:lo], in.valid[k.lo:lo])
	}
	if k.hi < hi {
		k.n += acc.add(in.vals[k.hi:hi], in.valid[k.hi:hi])
	}
	k.lo, k.hi = lo, hi
	if k.n > 0 {
		k.sum, k.mean, k.over = acc.both(k.n)
	} else {
		var s S
		var m M
		k.sum, k.mean, k.over = s, m, 0
	}
}

func (k *sums[T, S, M, A, P]) run(moves []move, from, to int) int {
	var counts []int64
	var sums []S
	var means []M
	var counted, summed, averaged *mask
	var asked overflow
	if k.counts != nil {
		counts, counted = k.counts.slots(0, to+spare), k.counts.mask()
	}
	if k.sumOut != nil {
		sums, summed = k.sumOut.slots(0, to+spare), k.sumOut.mask()
		asked |= sumOver
	}
	if k.meanOut != nil {
		means, averaged = k.meanOut.slots(0, to+spare), k.meanOut.mask()
		asked |= meanOver
	}
	if summed == averaged {
		averaged = nil // one mask, written once
	}
	for i := -1; i < len(moves); i++ {
		if i >= 0 {
			if k.hidden = moves[i].hi == absent; !k.hidden {
				k.move(moves[i].lo, moves[i].hi)
			}
		}
		end := until(moves, i, to)
		if counts != nil {
			repeat(counts, from, end, k.n)
			counted.put(from, end, bit(!k.hidden && (k.lo < k.hi || !k.emptyNull)))
		}
		if sums != nil {
			repeat(sums, from, end, k.sum)
		}
		if means != nil {
			repeat(means, from, end, k.mean)
		}
		some, over := !k.hidden && k.n > 0, k.over&asked
		if over != 0 && some && !k.overflowNull && from < end {
			return from
		}
		if summed != nil {
			summed.put(from, end, bit(some && over&sumOver == 0))
		}
		if averaged != nil {
			averaged.put(from, end, bit(some && over&meanOver == 0))
		}
		from = end
	}
	return -1
}

func (k *sums[T, S, M, A, P]) drop(n int32) {
	if k.lo < n {
		k.move(n, max(k.hi, n))
	}
	k.lo -= n
	k.hi -= n
}
