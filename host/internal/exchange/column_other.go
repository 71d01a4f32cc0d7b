package exchange

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow/canonical"
)

// others is a column of any other type: lists of texts, structs, small integers. It is
// sorted by comparing and gathered by joining slices, which costs about a
// microsecond per row.
type others struct {
	typ    arrow.DataType
	arrays []arrow.Array
	each   []int64 // average bytes of a row, by slot
}

func (c *others) set(slot int, a arrow.Array) {
	c.arrays, c.each = grow(c.arrays, slot), grow(c.each, slot)
	c.arrays[slot] = a
	if a != nil {
		c.each[slot] = int64(a.Data().SizeInBytes()) / int64(max(a.Len(), 1))
		a.NullN() // counted on first use, which must not be by two goroutines
	}
}

func (c *others) array(slot uint32) arrow.Array { return c.arrays[slot] }

func (c *others) compare(a, b uint32) int {
	return canonical.Compare(c.arrays[a>>rowBits], int(a&rowMask), c.arrays[b>>rowBits], int(b&rowMask))
}

func (c *others) heads(_ int, out []uint64) { clear(out) }

func (c *others) gather(ids []uint32, mem memory.Allocator) (arrow.Array, error) {
	if c.typ.ID() == arrow.NULL {
		return array.NewNull(len(ids)), nil
	}
	var parts []arrow.Array
	defer func() { releaseArrays(parts) }()
	for i := 0; i < len(ids); {
		j := i + 1
		for j < len(ids) && ids[j] == ids[j-1]+1 && ids[j]>>rowBits == ids[i]>>rowBits {
			j++
		}
		from := int64(ids[i] & rowMask)
		parts = append(parts, array.NewSlice(c.arrays[ids[i]>>rowBits], from, from+int64(j-i)))
		i = j
	}
	return array.Concatenate(parts, mem)
}

// bytes takes the average of each slot.
func (c *others) bytes(ids []uint32) int64 {
	var sum int64
	for _, id := range ids {
		sum += c.each[id>>rowBits]
	}
	return sum
}

func releaseArrays(s []arrow.Array) {
	for _, a := range s {
		a.Release()
	}
}
