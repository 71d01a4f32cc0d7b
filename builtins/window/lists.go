package window

import (
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow"
)

// lists is an output column of lists of values of type T, none of them null.
// Rows are written in order.
type lists[T any] struct {
	typ     *arrow.ListType
	items   items[T]
	offsets []int32
	valid   mask
}

// newLists makes the output for lists of type t, T being the Go type that
// newInput chose for their elements.
func newLists[T any](t flow.DataType) *lists[T] {
	l := &lists[T]{typ: t.(*arrow.ListType)}
	var zero T
	var x any
	switch any(zero).(type) {
	case bool:
		x = &flagItems{}
	case string:
		x = &textItems{}
	default:
		x = &fixedItems[T]{}
	}
	l.items = x.(items[T])
	return l
}

func (l *lists[T]) begin(p *pool, n int) {
	// They leave with the array, so they are made anew.
	l.offsets = make([]int32, 1, n+1)
	l.items.begin()
	l.valid.begin(p, n)
}

// put makes each of the rows from to to the list of vals. It is false when a
// batch would hold more than an Arrow list can count.
func (l *lists[T]) put(from, to int, vals []T) bool {
	end := int(l.offsets[len(l.offsets)-1])
	if end+(to-from)*len(vals) > math.MaxInt32 {
		return false
	}
	for range to - from {
		if len(vals) > 0 && !l.items.add(vals) {
			return false
		}
		end += len(vals)
		l.offsets = append(l.offsets, int32(end))
	}
	l.valid.put(from, to, 1)
	return true
}

// null makes the rows from to to null.
func (l *lists[T]) null(from, to int) {
	end := l.offsets[len(l.offsets)-1]
	for range to - from {
		l.offsets = append(l.offsets, end)
	}
}

func (l *lists[T]) finish(n int) arrow.Array {
	child := l.items.finish(l.typ.Elem())
	defer child.Release()
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(l.offsets))
	defer offsets.Release()
	buffers := []*memory.Buffer{nil, offsets}
	nulls := l.valid.nulls(n)
	if nulls > 0 {
		buffers[0] = l.valid.buffer
	}
	d := array.NewData(l.typ, n, buffers, []arrow.ArrayData{child}, nulls, 0)
	defer d.Release()
	l.offsets = nil
	return array.MakeFromData(d)
}

func (l *lists[T]) size() int { return l.items.size() }

func (l *lists[T]) abandon() {
	l.offsets = nil
	l.items.begin()
	l.valid.abandon()
}

// items are the elements of lists under construction.
type items[T any] interface {
	// begin forgets all elements.
	begin()
	// add appends elements; false when they are too many bytes for an array.
	add(vals []T) bool
	// size gives the bytes of the elements.
	size() int
	finish(t flow.DataType) arrow.ArrayData
}

// fixedItems are elements of one width.
type fixedItems[T any] struct {
	vals []T
	room int // elements of the batch before
}

func (x *fixedItems[T]) begin() {
	// They leave with the array, so they are made anew.
	x.room, x.vals = max(x.room/2, len(x.vals)), nil
}

func (x *fixedItems[T]) add(vals []T) bool {
	if x.vals == nil {
		x.vals = make([]T, 0, max(x.room, len(vals)))
	}
	x.vals = append(x.vals, vals...)
	return true
}

func (x *fixedItems[T]) size() int {
	var zero T
	return len(x.vals) * int(unsafe.Sizeof(zero))
}

func (x *fixedItems[T]) finish(t flow.DataType) arrow.ArrayData {
	var zero T
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x.vals))), len(x.vals)*int(unsafe.Sizeof(zero)))
	return itemData(t, len(x.vals), memory.NewBufferBytes(raw))
}

// flagItems are booleans.
type flagItems struct {
	bits []byte
	n    int
}

func (x *flagItems) begin() { x.bits, x.n = nil, 0 }

func (x *flagItems) add(vals []bool) bool {
	for _, v := range vals {
		if x.n&7 == 0 {
			x.bits = append(x.bits, 0)
		}
		x.bits[x.n>>3] |= byte(bit(v)) << (x.n & 7)
		x.n++
	}
	return true
}

func (x *flagItems) size() int { return len(x.bits) }

func (x *flagItems) finish(t flow.DataType) arrow.ArrayData {
	return itemData(t, x.n, memory.NewBufferBytes(x.bits))
}

// textItems are strings or binaries, copied.
type textItems struct {
	offsets []int32
	data    []byte
}

func (x *textItems) begin() { x.offsets, x.data = []int32{0}, nil }

func (x *textItems) add(vals []string) bool {
	size := len(x.data)
	for _, v := range vals {
		size += len(v)
	}
	if size > math.MaxInt32 {
		return false
	}
	for _, v := range vals {
		x.data = append(x.data, v...)
		x.offsets = append(x.offsets, int32(len(x.data)))
	}
	return true
}

func (x *textItems) size() int { return len(x.data) + 4*len(x.offsets) }

func (x *textItems) finish(t flow.DataType) arrow.ArrayData {
	return itemData(t, len(x.offsets)-1, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(x.offsets)), memory.NewBufferBytes(x.data))
}

// itemData makes an array without nulls of the buffers, which it takes over.
func itemData(t flow.DataType, n int, buffers ...*memory.Buffer) arrow.ArrayData {
	d := array.NewData(t, n, append([]*memory.Buffer{nil}, buffers...), nil, 0, 0)
	for _, b := range buffers {
		b.Release()
	}
	return d
}
