package exchange

import (
	"bytes"
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// texts is a column of text or binary. Its prefix is the next seven bytes of
// the value after what all items share, and how many there were: 0 for null,
// 1 to 8 for a value that ended after 0 to 7 of them, 9 for one that goes on.
type texts struct {
	nulls
	typ     arrow.DataType
	offsets [][]int32
	data    [][]byte
}

const (
	textStep = 7
	textMore = textStep + 2
)

func (c *texts) set(slot int, a arrow.Array) {
	c.setValid(slot, a)
	c.offsets, c.data = grow(c.offsets, slot), grow(c.data, slot)
	c.offsets[slot], c.data[slot] = nil, nil
	if a != nil && a.Len() > 0 {
		b := a.Data().Buffers()
		c.offsets[slot] = arrow.Int32Traits.CastFromBytes(b[1].Bytes())[:a.Len()+1]
		if b[2] != nil {
			c.data[slot] = b[2].Bytes()
		}
	}
}

func (c *texts) at(id uint32) []byte {
	o, r := c.offsets[id>>rowBits], id&rowMask
	return c.data[id>>rowBits][o[r]:o[r+1]]
}

func (c *texts) compare(a, b uint32) int {
	if x, known := c.order(a, b); known {
		return x
	}
	return bytes.Compare(c.at(a), c.at(b))
}

// shared is how many bytes after depth all non-null items have in common;
// equal tells that they have no others, and no nulls beside them.
func (c *texts) shared(items []item, depth int) (n int, equal bool) {
	var first []byte
	nulls, values := 0, 0
	same := true
	for i := range items {
		if c.slots > 0 && c.null(items[i].id) {
			nulls++
			continue
		}
		s := c.at(items[i].id)[depth:]
		if values++; values == 1 {
			first, n = s, len(s)
			continue
		}
		if len(s) >= n && bytes.Equal(s[:n], first[:n]) {
			same = same && len(s) == len(first)
			continue
		}
		same = false
		n = min(n, len(s))
		for j := range n {
			if s[j] != first[j] {
				n = j
				break
			}
		}
	}
	return n, same && (nulls == 0 || values == 0)
}

func (c *texts) prefix(items []item, depth int) (int, bool) {
	n, equal := c.shared(items, depth)
	if equal {
		return 0, true
	}
	depth += n
	for i := range items {
		if c.slots > 0 && c.null(items[i].id) {
			items[i].k = 0
			continue
		}
		items[i].k = textPrefix(c.at(items[i].id)[depth:])
	}
	return depth + textStep, false
}

func textPrefix(s []byte) uint64 {
	if len(s) > textStep {
		return binary.BigEndian.Uint64(s)&^0xFF | textMore
	}
	var b [8]byte
	copy(b[:], s)
	return binary.BigEndian.Uint64(b[:]) | uint64(len(s)+1)
}

func (c *texts) done(k uint64, _ int) bool { return k&0xFF != textMore }

func (c *texts) heads(slot int, out []uint64) {
	for i := range out {
		id := rowID(slot, i)
		out[i] = 0
		if !c.null(id) {
			out[i] = textPrefix(c.at(id))
		}
	}
}

func (c *texts) gather(ids []uint32, mem memory.Allocator) (arrow.Array, error) {
	offsets := newBuffer(mem, 4*(len(ids)+1))
	o := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	valid, n := c.gatherValid(ids, mem)
	end := int32(0)
	o[0] = 0
	for i, id := range ids {
		from, r := c.offsets[id>>rowBits], id&rowMask
		if n == 0 || !c.null(id) {
			end += from[r+1] - from[r]
		}
		o[i+1] = end
	}
	data := newBuffer(mem, int(end))
	out := data.Bytes()
	for i, id := range ids {
		if o[i+1] > o[i] {
			copy(out[o[i]:o[i+1]], c.at(id))
		}
	}
	return makeArray(c.typ, len(ids), n, valid, offsets, data), nil
}

func (c *texts) bytes(ids []uint32) int64 {
	var sum int64
	for _, id := range ids {
		o, r := c.offsets[id>>rowBits], id&rowMask
		sum += int64(o[r+1] - o[r])
	}
	return sum
}
