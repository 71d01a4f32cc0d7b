package featureset

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// withoutNaN gives a with null in place of NaN, sharing its values; a itself
// when it holds none. The caller releases it.
func withoutNaN(mem memory.Allocator, a arrow.Array) arrow.Array {
	switch x := a.(type) {
	case *array.Float64:
		return nullNaN(mem, a, x.Float64Values())
	case *array.Float32:
		return nullNaN(mem, a, x.Float32Values())
	}
	a.Retain()
	return a
}

func nullNaN[T float32 | float64](mem memory.Allocator, a arrow.Array, v []T) arrow.Array {
	first := 0
	for first < len(v) && v[first] == v[first] {
		first++
	}
	if first == len(v) {
		a.Retain()
		return a
	}
	// Bits are laid out like the values they belong to, offset and all.
	offset := a.Data().Offset()
	bits := memory.NewResizableBuffer(mem)
	defer bits.Release()
	bits.Resize(int(bitutil.BytesForBits(int64(offset + len(v)))))
	memory.Set(bits.Bytes(), 0)
	nulls := 0
	for i := range v {
		if v[i] != v[i] || a.IsNull(i) {
			nulls++
		} else {
			bitutil.SetBit(bits.Bytes(), offset+i)
		}
	}
	d := array.NewData(a.DataType(), len(v), []*memory.Buffer{bits, a.Data().Buffers()[1]}, nil, nulls, offset)
	defer d.Release()
	return array.MakeFromData(d)
}
