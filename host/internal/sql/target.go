//go:build duckdb_arrow

package sql

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// target collects the chunks of a result column in Arrow buffers of our own,
// without a value by value copy where the layouts agree.
type target struct {
	typ     arrow.DataType
	n       int // values so far
	nulls   int
	valid   []byte // bitmap; nil while there are no nulls
	data    []byte // values, packed bits, or the bytes of texts
	offsets []int32
	elem    *target
	width   int // bytes per value; 0 for other layouts
}

// newTarget makes a target; n is how many values to expect.
func newTarget(t arrow.DataType, n int) *target {
	x := &target{typ: t}
	switch t := t.(type) {
	case *arrow.BooleanType:
		x.data = make([]byte, 0, (n+7)/8)
	case *arrow.StringType, *arrow.BinaryType:
		x.offsets = append(make([]int32, 0, n+1), 0)
	case *arrow.ListType:
		x.offsets = append(make([]int32, 0, n+1), 0)
		x.elem = newTarget(t.Elem(), n)
	case arrow.FixedWidthDataType:
		x.width = t.BitWidth() / 8
		x.data = make([]byte, 0, n*x.width)
	}
	return x
}

// take appends the values from, from+1, ... of a vector.
func (x *target) take(v vector, from, count int) {
	x.takeValid(v, from, count)
	switch {
	case x.width == 16:
		x.takeDecimals(v, from, count)
	case x.width > 0:
		x.data = append(x.data, unsafe.Slice((*byte)(unsafe.Add(v.data, from*x.width)), count*x.width)...)
	case x.elem != nil:
		x.takeLists(v, from, count)
	case x.offsets != nil:
		x.takeTexts(v, from, count)
	default:
		x.takeBools(v, from, count)
	}
	x.n += count
}

// takeValid appends the validity bits.
func (x *target) takeValid(v vector, from, count int) {
	nulls := 0
	if v.validity != nil {
		for i := from; i < from+count; i++ {
			if !v.valid(i) {
				nulls++
			}
		}
	}
	if nulls == 0 && x.valid == nil {
		return
	}
	if x.valid == nil {
		x.valid = growBits(nil, x.n)
		bitutil.SetBitsTo(x.valid, 0, int64(x.n), true)
	}
	x.valid = growBits(x.valid, x.n+count)
	if nulls == 0 {
		bitutil.SetBitsTo(x.valid, int64(x.n), int64(count), true)
		return
	}
	for i := range count {
		if v.valid(from + i) {
			bitutil.SetBit(x.valid, x.n+i)
		}
	}
	x.nulls += nulls
}

// growBits makes room for n bits; new ones are 0.
func growBits(b []byte, n int) []byte {
	for len(b) < (n+7)/8 {
		b = append(b, 0)
	}
	return b
}

// takeDecimals widens to 128 bits: DuckDB keeps a decimal in the narrowest
// integer that holds its digits.
func (x *target) takeDecimals(v vector, from, count int) {
	physical := 16
	switch p := x.typ.(*arrow.Decimal128Type).Precision; {
	case p <= 4:
		physical = 2
	case p <= 9:
		physical = 4
	case p <= 18:
		physical = 8
	}
	if physical == 16 {
		x.data = append(x.data, unsafe.Slice((*byte)(unsafe.Add(v.data, from*16)), count*16)...)
		return
	}
	at := len(x.data)
	x.data = append(x.data, make([]byte, count*16)...)
	out := unsafe.Slice((*[2]int64)(unsafe.Pointer(unsafe.SliceData(x.data[at:]))), count)
	for i := range count {
		p := unsafe.Add(v.data, (from+i)*physical)
		var value int64
		switch physical {
		case 2:
			value = int64(*(*int16)(p))
		case 4:
			value = int64(*(*int32)(p))
		default:
			value = *(*int64)(p)
		}
		out[i] = [2]int64{value, value >> 63}
	}
}

// takeBools packs bytes into bits.
func (x *target) takeBools(v vector, from, count int) {
	x.data = growBits(x.data, x.n+count)
	for i, b := range unsafe.Slice((*byte)(unsafe.Add(v.data, from)), count) {
		if b != 0 {
			bitutil.SetBit(x.data, x.n+i)
		}
	}
}

// takeTexts appends bytes and offsets; a null has no bytes.
func (x *target) takeTexts(v vector, from, count int) {
	for i := from; i < from+count; i++ {
		if v.valid(i) {
			x.data = append(x.data, v.text(i)...)
		}
		x.offsets = append(x.offsets, int32(len(x.data)))
	}
}

// takeLists appends the elements of each list: an entry is offset and length
// in the child vector.
func (x *target) takeLists(v vector, from, count int) {
	c := vectorOf(mapping.ListVectorGetChild(v.h))
	entries := unsafe.Slice((*[2]uint64)(v.data), from+count)
	for i := from; i < from+count; i++ {
		if v.valid(i) && entries[i][1] > 0 {
			x.elem.take(c, int(entries[i][0]), int(entries[i][1]))
		}
		x.offsets = append(x.offsets, int32(x.elem.n))
	}
}

// array hands the values over.
func (x *target) array() arrow.Array {
	d := x.finish()
	defer d.Release()
	return array.MakeFromData(d)
}

func (x *target) finish() arrow.ArrayData {
	buffers := []*memory.Buffer{nil}
	if x.valid != nil {
		buffers[0] = memory.NewBufferBytes(x.valid)
	}
	if x.offsets != nil {
		buffers = append(buffers, memory.NewBufferBytes(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x.offsets))), len(x.offsets)*4)))
	}
	if x.elem != nil {
		elem := x.elem.finish()
		defer elem.Release()
		return array.NewData(x.typ, x.n, buffers, []arrow.ArrayData{elem}, x.nulls, 0)
	}
	return array.NewData(x.typ, x.n, append(buffers, memory.NewBufferBytes(x.data)), nil, x.nulls, 0)
}
