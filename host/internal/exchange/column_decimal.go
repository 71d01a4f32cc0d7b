package exchange

import (
	"cmp"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// decimals is a column of 16-byte decimals, sorted by high half, low half and,
// for what is left, validity.
type decimals struct {
	nulls
	typ arrow.DataType
	v   [][]decimal128.Num
}

func (c *decimals) set(slot int, a arrow.Array) {
	c.setValid(slot, a)
	c.v = grow(c.v, slot)
	c.v[slot] = nil
	if a != nil && a.Len() > 0 {
		c.v[slot] = arrow.Decimal128Traits.CastFromBytes(a.Data().Buffers()[1].Bytes())[:a.Len()]
	}
}

func (c *decimals) compare(a, b uint32) int {
	if x, known := c.order(a, b); known {
		return x
	}
	x, y := c.v[a>>rowBits][a&rowMask], c.v[b>>rowBits][b&rowMask]
	if d := cmp.Compare(x.HighBits(), y.HighBits()); d != 0 {
		return d
	}
	return cmp.Compare(x.LowBits(), y.LowBits())
}

// high is the order of the high half; null shares 0 with the least of it.
func (c *decimals) high(id uint32) uint64 {
	if c.slots > 0 && c.null(id) {
		return 0
	}
	return uint64(c.v[id>>rowBits][id&rowMask].HighBits()) ^ 1<<63
}

func (c *decimals) prefix(items []item, depth int) (int, bool) {
	for i := range items {
		id := items[i].id
		null := c.slots > 0 && c.null(id)
		switch {
		case depth == 0:
			items[i].k = c.high(id)
		case null:
			items[i].k = 0
		case depth == 1:
			items[i].k = 1
		default:
			items[i].k = c.v[id>>rowBits][id&rowMask].LowBits()
		}
	}
	return depth + 1, false
}

func (c *decimals) done(_ uint64, depth int) bool { return depth == 2 }

func (c *decimals) heads(slot int, out []uint64) {
	for i := range out {
		out[i] = c.high(rowID(slot, i))
	}
}

func (c *decimals) gather(ids []uint32, mem memory.Allocator) (arrow.Array, error) {
	buf := newBuffer(mem, 16*len(ids))
	out := arrow.Decimal128Traits.CastFromBytes(buf.Bytes())
	for i, id := range ids {
		out[i] = c.v[id>>rowBits][id&rowMask]
	}
	valid, n := c.gatherValid(ids, mem)
	if n > 0 { // what lies under a null is not data, and must not differ
		for i, id := range ids {
			if c.null(id) {
				out[i] = decimal128.Num{}
			}
		}
	}
	return makeArray(c.typ, len(ids), n, valid, buf), nil
}

func (c *decimals) bytes([]uint32) int64 { return 0 }
