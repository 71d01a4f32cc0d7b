package exchange

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// builder copies slices of arrays into one compact array at offset 0.
type builder interface {
	add(a arrow.Array, from, n int) error
	// finish gives the array of all rows added and starts anew.
	finish(rows int) (arrow.Array, error)
	// drop forgets all rows added.
	drop()
}

func newBuilder(t arrow.DataType, c column, mem memory.Allocator, capacity int) builder {
	switch c.(type) {
	case *fixed64, *fixed32, *decimals:
		return &fixedBuilder{validBuilder: validBuilder{mem: mem, capacity: capacity}, typ: t, width: t.(arrow.FixedWidthDataType).BitWidth() / 8}
	case *bools:
		return &boolBuilder{validBuilder: validBuilder{mem: mem, capacity: capacity}}
	case *texts:
		return &textBuilder{validBuilder: validBuilder{mem: mem, capacity: capacity}, typ: t}
	default:
		return &otherBuilder{typ: t, mem: mem}
	}
}

// validBuilder builds validity; it holds no bytes until the first null.
type validBuilder struct {
	mem      memory.Allocator
	capacity int
	rows     int
	nulls    int
	valid    []byte
}

func (b *validBuilder) addValid(a arrow.Array, from, n int) {
	nulls := 0
	if a.NullN() > 0 {
		nulls = n - bitutil.CountSetBits(a.NullBitmapBytes(), a.Data().Offset()+from, n)
	}
	if nulls > 0 && b.valid == nil {
		b.valid = b.mem.Allocate(int(bitutil.BytesForBits(int64(b.capacity))))
		clear(b.valid)
		bitutil.SetBitsTo(b.valid, 0, int64(b.rows), true)
	}
	switch {
	case nulls > 0:
		bitutil.CopyBitmap(a.NullBitmapBytes(), a.Data().Offset()+from, n, b.valid, b.rows)
	case b.valid != nil:
		bitutil.SetBitsTo(b.valid, int64(b.rows), int64(n), true)
	}
	b.nulls += nulls
	b.rows += n
}

// take gives the validity and starts anew.
func (b *validBuilder) take() (*memory.Buffer, int) {
	n := b.nulls
	var buf *memory.Buffer
	if b.valid != nil {
		buf = memory.NewBufferWithAllocator(b.valid, b.mem)
	}
	b.valid, b.rows, b.nulls = nil, 0, 0
	return buf, n
}

func (b *validBuilder) dropValid() {
	if b.valid != nil {
		b.mem.Free(b.valid)
	}
	b.valid, b.rows, b.nulls = nil, 0, 0
}

// fixedBuilder builds values of a whole number of bytes.
type fixedBuilder struct {
	validBuilder
	typ    arrow.DataType
	width  int
	values []byte
}

func (b *fixedBuilder) add(a arrow.Array, from, n int) error {
	if b.values == nil {
		b.values = b.mem.Allocate(b.capacity * b.width)
	}
	to := b.values[b.rows*b.width : (b.rows+n)*b.width]
	if src := a.Data().Buffers()[1]; src != nil {
		copy(to, src.Bytes()[(a.Data().Offset()+from)*b.width:])
	} else {
		clear(to) // all null
	}
	b.addValid(a, from, n)
	return nil
}

func (b *fixedBuilder) finish(rows int) (arrow.Array, error) {
	values := memory.NewBufferWithAllocator(b.values[:rows*b.width], b.mem)
	b.values = nil
	valid, n := b.take()
	return makeArray(b.typ, rows, n, valid, values), nil
}

func (b *fixedBuilder) drop() {
	b.dropValid()
	if b.values != nil {
		b.mem.Free(b.values)
		b.values = nil
	}
}

// boolBuilder builds bits.
type boolBuilder struct {
	validBuilder
	values []byte
}

func (b *boolBuilder) add(a arrow.Array, from, n int) error {
	if b.values == nil {
		b.values = b.mem.Allocate(int(bitutil.BytesForBits(int64(b.capacity))))
		clear(b.values)
	}
	if src := a.Data().Buffers()[1]; src != nil {
		bitutil.CopyBitmap(src.Bytes(), a.Data().Offset()+from, n, b.values, b.rows)
	}
	b.addValid(a, from, n)
	return nil
}

func (b *boolBuilder) finish(rows int) (arrow.Array, error) {
	values := memory.NewBufferWithAllocator(b.values, b.mem)
	b.values = nil
	valid, n := b.take()
	return makeArray(arrow.FixedWidthTypes.Boolean, rows, n, valid, values), nil
}

func (b *boolBuilder) drop() {
	b.dropValid()
	if b.values != nil {
		b.mem.Free(b.values)
		b.values = nil
	}
}

// textBuilder builds text and binary.
type textBuilder struct {
	validBuilder
	typ     arrow.DataType
	offsets []byte
	data    []byte // cap is the room, len what is filled
}

func (b *textBuilder) add(a arrow.Array, from, n int) error {
	if b.offsets == nil {
		b.offsets = b.mem.Allocate(4 * (b.capacity + 1))
		binary.NativeEndian.PutUint32(b.offsets, 0)
	}
	to := arrow.Int32Traits.CastFromBytes(b.offsets)[b.rows+1:]
	src := a.Data().Buffers()
	if src[1] == nil || src[1].Len() == 0 { // all null
		for i := range n {
			to[i] = int32(len(b.data))
		}
	} else {
		first := a.Data().Offset() + from
		o := arrow.Int32Traits.CastFromBytes(src[1].Bytes())[first : first+n+1]
		b.reserve(int(o[n]-o[0]), n)
		shift := int32(len(b.data)) - o[0]
		for i := range n {
			to[i] = o[i+1] + shift
		}
		if o[n] > o[0] {
			b.data = append(b.data, src[2].Bytes()[o[0]:o[n]]...)
		}
	}
	b.addValid(a, from, n)
	return nil
}

// reserve makes room for more bytes; rows, the last n of them among these,
// tell how many the full record will need.
func (b *textBuilder) reserve(more, n int) {
	need := len(b.data) + more
	if need <= cap(b.data) {
		return
	}
	whole := int(float64(need) / float64(b.rows+n) * float64(b.capacity) * 1.05)
	whole = min(whole, 2*need+1<<12) // a few long values promise nothing
	to := b.mem.Allocate(max(need, whole))[:len(b.data)]
	copy(to, b.data)
	if b.data != nil {
		b.mem.Free(b.data)
	}
	b.data = to
}

func (b *textBuilder) finish(rows int) (arrow.Array, error) {
	offsets := memory.NewBufferWithAllocator(b.offsets[:4*(rows+1)], b.mem)
	var data *memory.Buffer
	if b.data != nil {
		data = memory.NewBufferWithAllocator(b.data, b.mem)
	}
	b.offsets, b.data = nil, nil
	valid, n := b.take()
	return makeArray(b.typ, rows, n, valid, offsets, data), nil
}

func (b *textBuilder) drop() {
	b.dropValid()
	if b.offsets != nil {
		b.mem.Free(b.offsets)
	}
	if b.data != nil {
		b.mem.Free(b.data)
	}
	b.offsets, b.data = nil, nil
}

// otherBuilder joins copies of the slices.
type otherBuilder struct {
	typ   arrow.DataType
	mem   memory.Allocator
	parts []arrow.Array
}

func (b *otherBuilder) add(a arrow.Array, from, n int) error {
	if b.typ.ID() == arrow.NULL {
		return nil
	}
	s := array.NewSlice(a, int64(from), int64(from+n))
	defer s.Release()
	own, err := array.Concatenate([]arrow.Array{s}, b.mem)
	if err != nil {
		return err
	}
	b.parts = append(b.parts, own)
	return nil
}

func (b *otherBuilder) finish(rows int) (arrow.Array, error) {
	if b.typ.ID() == arrow.NULL {
		return array.NewNull(rows), nil
	}
	if len(b.parts) == 1 {
		a := b.parts[0]
		b.parts = nil
		return a, nil
	}
	a, err := array.Concatenate(b.parts, b.mem)
	b.drop()
	return a, err
}

func (b *otherBuilder) drop() {
	releaseArrays(b.parts)
	b.parts = nil
}
