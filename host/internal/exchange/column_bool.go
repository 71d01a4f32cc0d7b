package exchange

import (
	"cmp"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// bools is a column of single bits.
type bools struct {
	nulls
	v [][]byte
}

func (c *bools) set(slot int, a arrow.Array) {
	c.setValid(slot, a)
	c.v = grow(c.v, slot)
	c.v[slot] = nil
	if a != nil && a.Len() > 0 {
		c.v[slot] = a.Data().Buffers()[1].Bytes()
	}
}

// head is 0 for null, 1 for false, 2 for true.
func (c *bools) head(id uint32) uint64 {
	if c.slots > 0 && c.null(id) {
		return 0
	}
	i := id & rowMask
	return uint64(c.v[id>>rowBits][i>>3]>>(i&7)&1) + 1
}

func (c *bools) compare(a, b uint32) int { return cmp.Compare(c.head(a), c.head(b)) }

func (c *bools) prefix(items []item, _ int) (int, bool) {
	for i := range items {
		items[i].k = c.head(items[i].id)
	}
	return 1, false
}

func (c *bools) done(uint64, int) bool { return true }

func (c *bools) heads(slot int, out []uint64) {
	for i := range out {
		out[i] = c.head(rowID(slot, i))
	}
}

func (c *bools) gather(ids []uint32, mem memory.Allocator) (arrow.Array, error) {
	buf := newBuffer(mem, int(bitutil.BytesForBits(int64(len(ids)))))
	out := buf.Bytes()
	clear(out)
	for i, id := range ids {
		r := id & rowMask
		out[i>>3] |= (c.v[id>>rowBits][r>>3] >> (r & 7) & 1) << (i & 7)
	}
	valid, n := c.gatherValid(ids, mem)
	return makeArray(arrow.FixedWidthTypes.Boolean, len(ids), n, valid, buf), nil
}

func (c *bools) bytes([]uint32) int64 { return 0 }
