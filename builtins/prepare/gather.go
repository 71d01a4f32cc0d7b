package prepare

import (
	"context"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/internal/buffers"
)

// gather makes an array whose row i is row from[i] of a, or null where that is
// negative. The caller releases it.
func gather(ctx context.Context, mem memory.Allocator, a arrow.Array, from []int32) (arrow.Array, error) {
	switch a.DataType().ID() {
	case arrow.BOOL:
		return gatherBits(mem, a.(*array.Boolean), from), nil
	case arrow.INT32, arrow.DATE32, arrow.FLOAT32:
		return gatherFixed[int32](mem, a, from), nil
	case arrow.INT64, arrow.TIMESTAMP, arrow.FLOAT64:
		return gatherFixed[int64](mem, a, from), nil
	case arrow.DECIMAL128:
		return gatherFixed[decimal128.Num](mem, a, from), nil
	}
	rows := buffers.New(mem, len(from)*4)
	copy(arrow.GetData[int32](rows.Bytes()), from)
	v := newPresence(mem, len(from))
	for i, k := range from {
		if k >= 0 {
			v.set(i)
		}
	}
	bits, nulls := v.done()
	index := buffers.Column(arrow.PrimitiveTypes.Int32, len(from), nulls, bits, rows)
	defer index.Release()
	return compute.TakeArray(compute.WithAllocator(ctx, mem), a, index)
}

func gatherFixed[T int32 | int64 | decimal128.Num](mem memory.Allocator, a arrow.Array, from []int32) arrow.Array {
	in := arrow.GetValues[T](a.Data(), 1)
	values := buffers.New(mem, len(from)*int(unsafe.Sizeof(*new(T))))
	out := arrow.GetData[T](values.Bytes())
	v := newPresence(mem, len(from))
	whole := a.NullN() == 0
	for i, k := range from {
		if k < 0 || !whole && a.IsNull(int(k)) {
			out[i] = *new(T)
			continue
		}
		out[i] = in[k]
		v.set(i)
	}
	bits, nulls := v.done()
	return buffers.Column(a.DataType(), len(from), nulls, bits, values)
}

func gatherBits(mem memory.Allocator, a *array.Boolean, from []int32) arrow.Array {
	values := buffers.Bits(mem, len(from))
	v := newPresence(mem, len(from))
	for i, k := range from {
		if k < 0 || a.IsNull(int(k)) {
			continue
		}
		v.set(i)
		if a.Value(int(k)) {
			bitutil.SetBit(values.Bytes(), i)
		}
	}
	bits, nulls := v.done()
	return buffers.Column(a.DataType(), len(from), nulls, bits, values)
}

// presence is a bitmap of the rows that are not null.
type presence struct {
	bits *memory.Buffer
	n    int // rows
	set1 int // of them not null
}

func newPresence(mem memory.Allocator, n int) presence {
	return presence{bits: buffers.Bits(mem, n), n: n}
}

func (p *presence) set(i int) {
	p.bits.Bytes()[i>>3] |= 1 << (i & 7)
	p.set1++
}

// done gives the bitmap, nil when no row is null.
func (p *presence) done() (*memory.Buffer, int) {
	if p.set1 == p.n {
		p.bits.Release()
		return nil, 0
	}
	return p.bits, p.n - p.set1
}
