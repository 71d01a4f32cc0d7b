package buffers

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// New makes a buffer of n bytes that hold anything.
func New(mem memory.Allocator, n int) *memory.Buffer {
	b := memory.NewResizableBuffer(mem)
	b.Resize(n)
	return b
}

// Bits makes a buffer of n bits, all 0.
func Bits(mem memory.Allocator, n int) *memory.Buffer {
	b := New(mem, int(bitutil.BytesForBits(int64(n))))
	memory.Set(b.Bytes(), 0)
	return b
}

// Validity gives the null bitmap of a, which may be a's own: nobody may write
// into it. The caller releases it.
func Validity(mem memory.Allocator, a arrow.Array) *memory.Buffer {
	bits := a.Data().Buffers()[0]
	if a.NullN() == 0 || bits == nil || bits.Len() == 0 {
		return nil
	}
	if a.Data().Offset() == 0 {
		bits.Retain()
		return bits
	}
	return copied(mem, a)
}

func copied(mem memory.Allocator, a arrow.Array) *memory.Buffer {
	out := New(mem, int(bitutil.BytesForBits(int64(a.Len()))))
	bitutil.CopyBitmap(a.Data().Buffers()[0].Bytes(), a.Data().Offset(), a.Len(), out.Bytes(), 0)
	return out
}

// Column makes a column of n rows over buffers, the null bitmap or nil first.
func Column(t arrow.DataType, n, nulls int, buffers ...*memory.Buffer) arrow.Array {
	return Nested(t, n, nulls, nil, buffers...)
}

// Nested is Column for types with children.
func Nested(t arrow.DataType, n, nulls int, children []arrow.ArrayData, buffers ...*memory.Buffer) arrow.Array {
	d := array.NewData(t, n, buffers, children, nulls, 0)
	defer d.Release()
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	return array.MakeFromData(d)
}
