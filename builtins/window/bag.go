package window

import "slices"

// bag is an ordered multiset of keys: a sorted list cut into blocks, each
// distinct key once, with its count. Adding and removing cost a search and the
// shift of part of a block, finding the i-th a walk over the blocks: O(sqrt n)
// of n distinct keys, and a few nanoseconds while one block holds all.
type bag[K any, O searcher[K]] struct {
	order  O
	blocks []block[K] // none is empty, unless it is the only one
	// For each block, apart from it so that walks stay in the cache: its first
	// key, how many keys it holds with repeats, and its most frequent key.
	firsts []K
	totals []int
	tops   []top

	total    int // keys with repeats
	distinct int
	spares   []block[K]
}

// searcher finds the place of a key among sorted distinct keys, and whether it
// is there.
type searcher[K any] interface {
	search(keys []K, k K) (int, bool)
}

type block[K any] struct {
	keys   []K
	counts []int32
}

// top is the most frequent key of a block, of several the smallest.
type top struct{ at, count int32 } // count 0: not known

// blockSize is the number of keys at which a block is split; two neighbours
// that together have at most a quarter are joined.
const blockSize = 256

func (b *bag[K, O]) reset() {
	for i := range b.blocks {
		x := &b.blocks[i]
		clear(x.keys) // lets go of texts
		x.keys, x.counts = x.keys[:0], x.counts[:0]
	}
	if len(b.blocks) > 1 {
		b.spares = append(b.spares, b.blocks[1:]...)
		clear(b.blocks[1:])
		b.blocks = b.blocks[:1]
		clear(b.firsts[1:])
		b.firsts, b.totals, b.tops = b.firsts[:1], b.totals[:1], b.tops[:1]
	}
	if len(b.blocks) == 1 {
		var none K
		b.firsts[0], b.totals[0], b.tops[0] = none, 0, top{}
	}
	b.total, b.distinct = 0, 0
}

// find gives the block that holds k or would.
func (b *bag[K, O]) find(k K) int {
	if len(b.blocks) == 1 {
		return 0
	}
	i, same := b.order.search(b.firsts, k)
	if !same && i > 0 {
		i--
	}
	return i
}

// add puts k in and reports whether no equal key was there. Of equal keys the
// last one added is kept: rows leave in the order they came in, so it lives
// longest.
func (b *bag[K, O]) add(k K) bool {
	if len(b.blocks) == 0 {
		b.blocks = append(b.blocks, b.fresh())
		b.firsts, b.totals, b.tops = append(b.firsts, k), append(b.totals, 0), append(b.tops, top{})
	}
	at := b.find(k)
	x := &b.blocks[at]
	i, same := b.order.search(x.keys, k)
	b.total++
	b.totals[at]++
	b.tops[at] = top{}
	if same {
		x.keys[i] = k
		x.counts[i]++
	} else {
		x.keys = slices.Insert(x.keys, i, k)
		x.counts = slices.Insert(x.counts, i, 1)
		b.distinct++
	}
	if i == 0 {
		b.firsts[at] = k
	}
	if len(x.keys) > blockSize {
		b.split(at)
	}
	return !same
}

// remove takes out one key equal to k, which is in, and reports whether it was
// the last one.
func (b *bag[K, O]) remove(k K) bool {
	at := b.find(k)
	x := &b.blocks[at]
	i, _ := b.order.search(x.keys, k)
	b.total--
	b.totals[at]--
	b.tops[at] = top{}
	if x.counts[i]--; x.counts[i] > 0 {
		return false
	}
	x.keys = slices.Delete(x.keys, i, i+1)
	x.counts = slices.Delete(x.counts, i, i+1)
	b.distinct--
	if i == 0 && len(x.keys) > 0 {
		b.firsts[at] = x.keys[0]
	}
	if len(b.blocks) > 1 {
		b.shrink(at)
	}
	return true
}

func (b *bag[K, O]) fresh() block[K] {
	if n := len(b.spares); n > 0 {
		x := b.spares[n-1]
		b.spares[n-1] = block[K]{}
		b.spares = b.spares[:n-1]
		return x
	}
	return block[K]{}
}

// split moves the upper half of a block to a new one.
func (b *bag[K, O]) split(at int) {
	y, x := b.fresh(), &b.blocks[at]
	half := len(x.keys) / 2
	y.keys = append(y.keys, x.keys[half:]...)
	y.counts = append(y.counts, x.counts[half:]...)
	clear(x.keys[half:])
	x.keys, x.counts = x.keys[:half], x.counts[:half]
	n := 0
	for _, c := range y.counts {
		n += int(c)
	}
	b.totals[at] -= n
	b.blocks = slices.Insert(b.blocks, at+1, y)
	b.firsts = slices.Insert(b.firsts, at+1, y.keys[0])
	b.totals = slices.Insert(b.totals, at+1, n)
	b.tops = slices.Insert(b.tops, at+1, top{})
}

// shrink joins a block that became small to a small neighbour.
func (b *bag[K, O]) shrink(at int) {
	n := len(b.blocks[at].keys)
	switch {
	case n > blockSize/4:
		return
	case at > 0 && (n == 0 || n+len(b.blocks[at-1].keys) <= blockSize/4):
		at--
	case at+1 < len(b.blocks) && (n == 0 || n+len(b.blocks[at+1].keys) <= blockSize/4):
	default:
		return
	}
	x, y := &b.blocks[at], b.blocks[at+1]
	x.keys = append(x.keys, y.keys...)
	x.counts = append(x.counts, y.counts...)
	b.firsts[at] = x.keys[0]
	b.totals[at] += b.totals[at+1]
	b.tops[at] = top{}
	clear(y.keys)
	b.spares = append(b.spares, block[K]{y.keys[:0], y.counts[:0]})
	b.blocks = slices.Delete(b.blocks, at+1, at+2)
	b.firsts = slices.Delete(b.firsts, at+1, at+2)
	b.totals = slices.Delete(b.totals, at+1, at+2)
	b.tops = slices.Delete(b.tops, at+1, at+2)
}

// at gives the i-th smallest key with repeats, from 0, and the one after it;
// the last one is after itself.
func (b *bag[K, O]) at(i int) (K, K) {
	n := 0
	for i >= b.totals[n] {
		i -= b.totals[n]
		n++
	}
	x, j := &b.blocks[n], 0
	if b.totals[n] == len(x.keys) {
		j, i = i, 0
	} else {
		for i >= int(x.counts[j]) {
			i -= int(x.counts[j])
			j++
		}
	}
	k := x.keys[j]
	switch {
	case i+1 < int(x.counts[j]):
		return k, k
	case j+1 < len(x.keys):
		return k, x.keys[j+1]
	case n+1 < len(b.blocks):
		return k, b.firsts[n+1]
	}
	return k, k
}

// mode gives the most frequent key, of several the smallest; the bag is not
// empty.
func (b *bag[K, O]) mode() K {
	best, most := 0, int32(0)
	for i := range b.tops {
		t := &b.tops[i]
		if t.count == 0 {
			for j, c := range b.blocks[i].counts {
				if c > t.count {
					t.at, t.count = int32(j), c
				}
			}
		}
		if t.count > most {
			best, most = i, t.count
		}
	}
	return b.blocks[best].keys[b.tops[best].at]
}
