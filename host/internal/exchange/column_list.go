package exchange

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// lists is a column of lists whose elements take a whole number of bytes. It
// is sorted as others are, and gathered by copying ranges of elements.
type lists struct {
	others
	nulls
	typ      *arrow.ListType
	width    int
	offsets  [][]int32
	elements [][]byte
	inner    nulls // validity of elements
}

// newLists gives nil when t is no such list.
func newLists(t arrow.DataType) *lists {
	l, ok := t.(*arrow.ListType)
	if !ok {
		return nil
	}
	e, ok := l.Elem().(arrow.FixedWidthDataType)
	if !ok || e.BitWidth() == 0 || e.BitWidth()%8 != 0 {
		return nil
	}
	return &lists{others: others{typ: t}, typ: l, width: e.BitWidth() / 8}
}

func (c *lists) set(slot int, a arrow.Array) {
	c.others.set(slot, a)
	c.setValid(slot, a)
	c.offsets, c.elements = grow(c.offsets, slot), grow(c.elements, slot)
	c.offsets[slot], c.elements[slot] = nil, nil
	if a == nil {
		c.inner.setValid(slot, nil)
		return
	}
	e := a.(*array.List).ListValues()
	c.inner.setValid(slot, e)
	if a.Len() > 0 {
		c.offsets[slot] = arrow.Int32Traits.CastFromBytes(a.Data().Buffers()[1].Bytes())[:a.Len()+1]
	}
	if e.Len() > 0 {
		c.elements[slot] = e.Data().Buffers()[1].Bytes()
	}
}

// at gives the elements of a row: those of its slot from..to.
func (c *lists) at(id uint32) (from, to int32) {
	if c.slots > 0 && c.null(id) {
		return 0, 0
	}
	o, r := c.offsets[id>>rowBits], id&rowMask
	return o[r], o[r+1]
}

func (c *lists) gather(ids []uint32, mem memory.Allocator) (arrow.Array, error) {
	offsets := newBuffer(mem, 4*(len(ids)+1))
	o := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	end := int32(0)
	o[0] = 0
	for i, id := range ids {
		from, to := c.at(id)
		end += to - from
		o[i+1] = end
	}
	buf := newBuffer(mem, int(end)*c.width)
	out := buf.Bytes()
	for i, id := range ids {
		if o[i] < o[i+1] {
			from, to := c.at(id)
			copy(out[int(o[i])*c.width:], c.elements[id>>rowBits][int(from)*c.width:int(to)*c.width])
		}
	}
	inner, innerNulls := c.gatherInner(ids, o, mem)
	values := makeArray(c.typ.Elem(), int(end), innerNulls, inner, buf)
	defer values.Release()
	valid, n := c.gatherValid(ids, mem)
	d := array.NewData(c.typ, len(ids), []*memory.Buffer{valid, offsets}, []arrow.ArrayData{values.Data()}, n, 0)
	defer d.Release()
	if valid != nil {
		valid.Release()
	}
	offsets.Release()
	return array.MakeFromData(d), nil
}

// gatherInner gives the validity of the elements, nil when all are valid.
func (c *lists) gatherInner(ids []uint32, o []int32, mem memory.Allocator) (*memory.Buffer, int) {
	n := int(o[len(ids)])
	if !c.inner.any() || n == 0 {
		return nil, 0
	}
	buf := newBuffer(mem, int(bitutil.BytesForBits(int64(n))))
	out := buf.Bytes()
	clear(out)
	for i, id := range ids {
		if o[i] == o[i+1] {
			continue
		}
		from, to := c.at(id)
		if v := c.inner.valid[id>>rowBits]; v != nil {
			bitutil.CopyBitmap(v, int(from), int(to-from), out, int(o[i]))
		} else {
			bitutil.SetBitsTo(out, int64(o[i]), int64(to-from), true)
		}
	}
	return buf, n - bitutil.CountSetBits(out, 0, n)
}

func (c *lists) bytes(ids []uint32) int64 {
	var sum int64
	for _, id := range ids {
		from, to := c.at(id)
		sum += int64(to - from)
	}
	return sum * int64(c.width)
}
