package window

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow"
)

// output is an output column under construction.
type output interface {
	// begin makes room for n rows, all null.
	begin(p *pool, n int)
	// finish gives the first n rows and forgets them.
	finish(n int) arrow.Array
	// abandon gives back what begin took.
	abandon()
}

// of is an output column of values of type T.
type of[T any] interface {
	output
	// slots gives the values of rows from to to, to be written.
	slots(from, to int) []T
	// mask gives the validity of the column.
	mask() *mask
	// commit tells that slots and validity of the rows were written. It is
	// false when the column has become too large for its type.
	commit(from, to int) bool
}

// mask is a validity bitmap, bit by bit in words. Columns of the same rows,
// such as sum and avg of a window, may share one.
type mask struct {
	words  []uint64
	buffer *memory.Buffer
}

func (m *mask) begin(p *pool, n int) {
	if m.buffer != nil {
		return // begun by a column that shares it
	}
	m.buffer = lend(p, (n+63)/64*8)
	m.words = view[uint64](m.buffer)
	clear(m.words)
}

// put sets the bits from to to, none of which was set, to ok.
func (m *mask) put(from, to int, ok uint64) {
	for from < to {
		n := min(to-from, 64-from&63)
		m.words[from>>6] |= -ok >> (64 - n) << (from & 63)
		from += n
	}
}

func (m *mask) set(r int) { m.words[r>>6] |= 1 << (r & 63) }

func (m *mask) unset(r int) { m.words[r>>6] &^= 1 << (r & 63) }

// nulls counts the unset bits of the first n.
func (m *mask) nulls(n int) int {
	set := 0
	for i, w := range m.words[:(n+63)/64] {
		if rest := n - i*64; rest < 64 {
			w &= 1<<rest - 1
		}
		set += bits.OnesCount64(w)
	}
	return n - set
}

func (m *mask) abandon() {
	if m.buffer != nil {
		m.buffer.Release()
		m.buffer, m.words = nil, nil
	}
}

func lend(p *pool, size int) *memory.Buffer {
	return memory.NewBufferWithAllocator(p.Allocate(size), p)
}

func view[T any](b *memory.Buffer) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b.Bytes()))), b.Len()/int(unsafe.Sizeof(zero)))
}

// wrap makes an array of n rows of the mask and the values' buffers. It takes
// the values over; the mask stays with its other columns.
func wrap(t flow.DataType, n int, m *mask, values ...*memory.Buffer) arrow.Array {
	all := append([]*memory.Buffer{nil}, values...)
	nulls := m.nulls(n)
	if nulls > 0 {
		all[0] = m.buffer
	}
	d := array.NewData(t, n, all, nil, nulls, 0)
	defer d.Release()
	for _, b := range values {
		b.Release()
	}
	return array.MakeFromData(d)
}

// fixed is a column of values of one width.
type fixed[T any] struct {
	typ    flow.DataType
	vals   []T
	buffer *memory.Buffer
	valid  *mask
}

func (f *fixed[T]) begin(p *pool, n int) {
	var zero T
	f.buffer = lend(p, (n+spare)*int(unsafe.Sizeof(zero)))
	f.vals = view[T](f.buffer)
	f.valid.begin(p, n)
}

func (f *fixed[T]) slots(from, to int) []T { return f.vals[from:to] }
func (f *fixed[T]) mask() *mask            { return f.valid }
func (f *fixed[T]) commit(int, int) bool   { return true }

func (f *fixed[T]) finish(n int) arrow.Array {
	a := wrap(f.typ, n, f.valid, f.buffer)
	f.buffer, f.vals = nil, nil
	return a
}

func (f *fixed[T]) abandon() {
	if f.buffer != nil {
		f.buffer.Release()
		f.buffer, f.vals = nil, nil
	}
	f.valid.abandon()
}

// flags is a column of booleans.
type flags struct {
	pool  *pool
	vals  []bool
	valid *mask
}

func (f *flags) begin(p *pool, n int) {
	f.pool = p
	f.vals = grown(f.vals, n+spare)
	f.valid.begin(p, n)
}

func (f *flags) slots(from, to int) []bool { return f.vals[from:to] }
func (f *flags) mask() *mask               { return f.valid }
func (f *flags) commit(int, int) bool      { return true }

func (f *flags) finish(n int) arrow.Array {
	var packed mask
	packed.begin(f.pool, n)
	for i, v := range f.vals[:n] {
		if v {
			packed.set(i)
		}
	}
	return wrap(arrow.FixedWidthTypes.Boolean, n, f.valid, packed.buffer)
}

func (f *flags) abandon() { f.valid.abandon() }

// texts is a column of strings or binaries. Values are copied when the rows
// are committed.
type texts struct {
	typ     flow.DataType
	scratch []string
	offsets []int32
	data    []byte
	valid   *mask
}

func (x *texts) begin(p *pool, n int) {
	x.scratch = grown(x.scratch, n+spare)
	// These two leave with the array, so they are made anew.
	x.offsets = make([]int32, 1, n+1)
	x.data = make([]byte, 0, 16*n)
	x.valid.begin(p, n)
}

func (x *texts) slots(from, to int) []string { return x.scratch[from:to] }
func (x *texts) mask() *mask                 { return x.valid }

func (x *texts) commit(from, to int) bool {
	defer clear(x.scratch[from:to])
	for r := from; r < to; r++ {
		if x.valid.words[r>>6]>>(r&63)&1 == 1 {
			if len(x.data)+len(x.scratch[r]) > math.MaxInt32 {
				return false
			}
			x.data = append(x.data, x.scratch[r]...)
		}
		x.offsets = append(x.offsets, int32(len(x.data)))
	}
	return true
}

func (x *texts) finish(n int) arrow.Array {
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(x.offsets))
	return wrap(x.typ, n, x.valid, offsets, memory.NewBufferBytes(x.data))
}

func (x *texts) abandon() { x.valid.abandon() }

// cells is a column of nested values, put together from slices of the input.
type cells struct {
	typ     flow.DataType
	scratch []cell
	parts   []arrow.Array
	valid   *mask
}

func (x *cells) begin(p *pool, n int) {
	x.scratch = grown(x.scratch, n+spare)
	x.valid.begin(p, n)
}

func (x *cells) slots(from, to int) []cell { return x.scratch[from:to] }
func (x *cells) mask() *mask               { return x.valid }

func (x *cells) commit(from, to int) bool {
	for r := from; r < to; r++ {
		if x.valid.words[r>>6]>>(r&63)&1 == 1 {
			c := x.scratch[r]
			x.parts = append(x.parts, array.NewSlice(c.of, int64(c.row), int64(c.row)+1))
		} else {
			x.parts = append(x.parts, array.MakeArrayOfNull(memory.DefaultAllocator, x.typ, 1))
		}
	}
	clear(x.scratch[from:to])
	return true
}

func (x *cells) finish(int) arrow.Array {
	a, err := array.Concatenate(x.parts, memory.DefaultAllocator)
	if err != nil {
		panic(err) // the parts all have the column's type
	}
	x.release()
	return a
}

func (x *cells) release() {
	for _, p := range x.parts {
		p.Release()
	}
	x.parts = x.parts[:0]
}

func (x *cells) abandon() {
	x.release()
	x.valid.abandon()
}

func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// newOutput makes the output for values of type T, the Go type that newInput
// chose for t.
func newOutput[T any](t flow.DataType, m *mask) of[T] {
	var o any
	var zero T
	switch any(zero).(type) {
	case bool:
		o = &flags{valid: m}
	case string:
		o = &texts{typ: t, valid: m}
	case cell:
		o = &cells{typ: t, valid: m}
	case int32:
		o = &fixed[int32]{typ: t, valid: m}
	case int64:
		o = &fixed[int64]{typ: t, valid: m}
	case float32:
		o = &fixed[float32]{typ: t, valid: m}
	case float64:
		o = &fixed[float64]{typ: t, valid: m}
	case decimal128.Num:
		o = &fixed[decimal128.Num]{typ: t, valid: m}
	}
	return o.(of[T])
}
