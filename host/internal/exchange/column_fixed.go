package exchange

import (
	"cmp"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow/canonical"
)

// kind says how the bits of a number are ordered.
type kind int

const (
	unsigned kind = iota
	signed
	float
)

// fixed64 is a column of 8-byte numbers.
type fixed64 struct {
	nulls
	typ  arrow.DataType
	kind kind
	v    [][]uint64
}

func (c *fixed64) set(slot int, a arrow.Array) {
	c.setValid(slot, a)
	c.v = grow(c.v, slot)
	c.v[slot] = nil
	if a != nil && a.Len() > 0 {
		c.v[slot] = arrow.Uint64Traits.CastFromBytes(a.Data().Buffers()[1].Bytes())[:a.Len()]
	}
}

func (c *fixed64) norm(v uint64) uint64 {
	switch c.kind {
	case signed:
		return v ^ 1<<63
	case float:
		return canonical.Float64Bits(math.Float64frombits(v))
	}
	return v
}

func (c *fixed64) compare(a, b uint32) int {
	if x, known := c.order(a, b); known {
		return x
	}
	return cmp.Compare(c.norm(c.v[a>>rowBits][a&rowMask]), c.norm(c.v[b>>rowBits][b&rowMask]))
}

func (c *fixed64) prefix(items []item, depth int) (int, bool) {
	if depth == 1 { // nulls from least values
		for i := range items {
			items[i].k = 1
			if c.null(items[i].id) {
				items[i].k = 0
			}
		}
		return 2, false
	}
	if c.kind == float {
		for i := range items {
			id := items[i].id
			items[i].k = canonical.Float64Bits(math.Float64frombits(c.v[id>>rowBits][id&rowMask]))
		}
	} else {
		flip := uint64(0)
		if c.kind == signed {
			flip = 1 << 63
		}
		for i := range items {
			id := items[i].id
			items[i].k = c.v[id>>rowBits][id&rowMask] ^ flip
		}
	}
	if c.any() {
		for i := range items {
			if c.null(items[i].id) {
				items[i].k = 0
			}
		}
	}
	return 1, false
}

func (c *fixed64) done(k uint64, depth int) bool { return depth == 1 || k != 0 || !c.any() }

func (c *fixed64) heads(slot int, out []uint64) {
	v := c.v[slot]
	for i := range out {
		out[i] = c.norm(v[i])
	}
	if c.valid[slot] != nil {
		for i := range out {
			if c.null(rowID(slot, i)) {
				out[i] = 0
			}
		}
	}
}

func (c *fixed64) gather(ids []uint32, mem memory.Allocator) (arrow.Array, error) {
	buf := newBuffer(mem, 8*len(ids))
	valid, n := gatherFixed(&c.nulls, arrow.Uint64Traits.CastFromBytes(buf.Bytes()), c.v, ids, mem)
	return makeArray(c.typ, len(ids), n, valid, buf), nil
}

func (c *fixed64) bytes([]uint32) int64 { return 0 }

// fixed32 is a column of 4-byte numbers. A prefix of it has room for nulls.
type fixed32 struct {
	nulls
	typ  arrow.DataType
	kind kind
	v    [][]uint32
}

func (c *fixed32) set(slot int, a arrow.Array) {
	c.setValid(slot, a)
	c.v = grow(c.v, slot)
	c.v[slot] = nil
	if a != nil && a.Len() > 0 {
		c.v[slot] = arrow.Uint32Traits.CastFromBytes(a.Data().Buffers()[1].Bytes())[:a.Len()]
	}
}

// head is 0 for null, otherwise above it and in order.
func (c *fixed32) head(id uint32) uint64 {
	if c.slots > 0 && c.null(id) {
		return 0
	}
	v := c.v[id>>rowBits][id&rowMask]
	switch c.kind {
	case signed:
		v ^= 1 << 31
	case float:
		v = canonical.Float32Bits(math.Float32frombits(v))
	}
	return uint64(v) + 1
}

func (c *fixed32) compare(a, b uint32) int { return cmp.Compare(c.head(a), c.head(b)) }

func (c *fixed32) prefix(items []item, _ int) (int, bool) {
	for i := range items {
		items[i].k = c.head(items[i].id)
	}
	return 1, false
}

func (c *fixed32) done(uint64, int) bool { return true }

func (c *fixed32) heads(slot int, out []uint64) {
	for i := range out {
		out[i] = c.head(rowID(slot, i))
	}
}

func (c *fixed32) gather(ids []uint32, mem memory.Allocator) (arrow.Array, error) {
	buf := newBuffer(mem, 4*len(ids))
	valid, n := gatherFixed(&c.nulls, arrow.Uint32Traits.CastFromBytes(buf.Bytes()), c.v, ids, mem)
	return makeArray(c.typ, len(ids), n, valid, buf), nil
}

func (c *fixed32) bytes([]uint32) int64 { return 0 }

// gatherFixed copies the values of the rows named into out, and gives which of
// them are null.
func gatherFixed[T uint32 | uint64](c *nulls, out []T, v [][]T, ids []uint32, mem memory.Allocator) (*memory.Buffer, int) {
	for i, id := range ids {
		out[i] = v[id>>rowBits][id&rowMask]
	}
	valid, n := c.gatherValid(ids, mem)
	if n > 0 { // what lies under a null is not data, and must not differ
		for i, id := range ids {
			if c.null(id) {
				out[i] = 0
			}
		}
	}
	return valid, n
}
