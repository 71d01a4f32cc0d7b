package window

// ends is the kernel of first and last: the value of a window's end row,
// null or not.
type ends[T any] struct {
	input *column[T]
	out   of[T]
	name  string
	last  bool
	value T
	ok    bool
}

func (k *ends[T]) feature() string { return k.name }

func (k *ends[T]) run(moves []move, from, to int) int {
	out, valid, start := k.out.slots(0, to+spare), k.out.mask(), from
	for i := -1; i < len(moves); i++ {
		if i >= 0 {
			k.move(moves[i].lo, moves[i].hi)
		}
		end := until(moves, i, to)
		repeat(out, from, end, k.value)
		valid.put(from, end, bit(k.ok))
		from = end
	}
	if !k.out.commit(start, to) {
		return start
	}
	return -1
}

func (k *ends[T]) move(lo, hi int32) {
	var none T
	k.value, k.ok = none, false
	if hi == absent || lo == hi {
		return
	}
	at := lo
	if k.last {
		at = hi - 1
	}
	k.value, k.ok = k.input.vals[at], k.input.valid[at]
}

func (k *ends[T]) drop(int32) {}

// extreme is the kernel of min and max. It queues the rows of the window that
// may yet be the answer: each is nearer to it than all rows after it, so the
// head of the queue is the answer.
type extreme[T any] struct {
	span
	input *column[T]
	out   of[T]
	name  string
	// nearer reports whether a is strictly nearer to the answer than b.
	nearer func(a, b T) bool
	// clean makes the answer of the winner; nil leaves it alone.
	clean func(T) T
	queue []int32
	head  int
	best  T
}

func (k *extreme[T]) feature() string { return k.name }

func (k *extreme[T]) move(lo, hi int32) {
	vals, valid := k.input.vals, k.input.valid
	if lo >= k.hi {
		k.queue, k.head = k.queue[:0], 0
		k.lo, k.hi = lo, lo
	}
	for k.head < len(k.queue) && k.queue[k.head] < lo {
		k.head++
	}
	if k.head > 64 && k.head > len(k.queue)/2 {
		k.queue, k.head = k.queue[:copy(k.queue, k.queue[k.head:])], 0
	}
	for i := max(k.hi, lo); i < hi; i++ {
		if !valid[i] {
			continue
		}
		for len(k.queue) > k.head && !k.nearer(vals[k.queue[len(k.queue)-1]], vals[i]) {
			k.queue = k.queue[:len(k.queue)-1]
		}
		k.queue = append(k.queue, i)
	}
	k.lo, k.hi = lo, hi
	if k.head < len(k.queue) {
		k.best = vals[k.queue[k.head]]
		if k.clean != nil {
			k.best = k.clean(k.best)
		}
	} else {
		var none T
		k.best = none
	}
}

func (k *extreme[T]) run(moves []move, from, to int) int {
	out, valid, start := k.out.slots(0, to+spare), k.out.mask(), from
	for i := -1; i < len(moves); i++ {
		if i >= 0 {
			if k.hidden = moves[i].hi == absent; !k.hidden {
				k.move(moves[i].lo, moves[i].hi)
			}
		}
		end := until(moves, i, to)
		repeat(out, from, end, k.best)
		valid.put(from, end, bit(!k.hidden && k.head < len(k.queue)))
		from = end
	}
	if !k.out.commit(start, to) {
		return start
	}
	return -1
}

func (k *extreme[T]) drop(n int32) {
	if k.lo < n {
		k.move(n, max(k.hi, n))
	}
	k.lo -= n
	k.hi -= n
	for i := k.head; i < len(k.queue); i++ {
		k.queue[i] -= n
	}
}
