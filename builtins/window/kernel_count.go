package window

// counts is the kernel of count over a column of no numbers.
type counts struct {
	span
	input     validRows
	n         int64
	out       of[int64]
	emptyNull bool
	name      string
}

// validRows gives the validity of an input column.
type validRows interface{ rows() []bool }

func (c *column[T]) rows() []bool { return c.valid }

func (k *counts) feature() string { return k.name }

func (k *counts) move(lo, hi int32) {
	valid := k.input.rows()
	if lo >= k.hi {
		k.n, k.lo, k.hi = 0, lo, lo
	}
	for _, ok := range valid[k.lo:lo] {
		k.n -= int64(bit(ok))
	}
	for _, ok := range valid[k.hi:hi] {
		k.n += int64(bit(ok))
	}
	k.lo, k.hi = lo, hi
}

func (k *counts) run(moves []move, from, to int) int {
	out, valid := k.out.slots(0, to+spare), k.out.mask()
	for i := -1; i < len(moves); i++ {
		if i >= 0 {
			if k.hidden = moves[i].hi == absent; !k.hidden {
				k.move(moves[i].lo, moves[i].hi)
			}
		}
		end := until(moves, i, to)
		repeat(out, from, end, k.n)
		valid.put(from, end, bit(!k.hidden && (k.lo < k.hi || !k.emptyNull)))
		from = end
	}
	return -1
}

func (k *counts) drop(n int32) {
	if k.lo < n {
		k.move(n, max(k.hi, n))
	}
	k.lo -= n
	k.hi -= n
}
