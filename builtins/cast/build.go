package cast

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/internal/buffers"
)

// total is the kernel of a conversion of fixed-width values that never fails.
// loop is handed all slots, those of nulls included.
func total[I, O arrow.FixedWidthType](to arrow.DataType, loop func(in []I, out []O)) kernel {
	width := int(unsafe.Sizeof(*new(O)))
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		out := buffers.New(mem, a.Len()*width)
		loop(arrow.GetValues[I](a.Data(), 1), arrow.GetData[O](out.Bytes()))
		return buffers.Column(to, a.Len(), a.NullN(), buffers.Validity(mem, a), out), 0
	}
}

// partial is the kernel of a conversion of fixed-width values in which f tells
// whether a value can be converted.
func partial[I, O arrow.FixedWidthType](to arrow.DataType, f func(I) (O, bool)) kernel {
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		in := arrow.GetValues[I](a.Data(), 1)
		return collect(mem, a, to, func(i int) (O, bool) { return f(in[i]) })
	}
}

// checked is partial for a conversion that changes no value: when all pass, the
// result shares them.
func checked[T arrow.FixedWidthType](to arrow.DataType, f func(T) (T, bool)) kernel {
	slow := partial(to, f)
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		for _, v := range arrow.GetValues[T](a.Data(), 1) {
			if _, ok := f(v); !ok {
				return slow(mem, a) // or the slot of a null, which slow passes over
			}
		}
		return retyped(a, to), 0
	}
}

// fromString is the kernel of a conversion of text to fixed-width values.
func fromString[O arrow.FixedWidthType](to arrow.DataType, f func(string) (O, bool)) kernel {
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		in := a.(*array.String)
		return collect(mem, a, to, func(i int) (O, bool) { return f(in.Value(i)) })
	}
}

// fromBool is the kernel of a conversion of booleans to fixed-width values.
func fromBool[O arrow.FixedWidthType](to arrow.DataType, f func(bool) (O, bool)) kernel {
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		in := a.(*array.Boolean)
		return collect(mem, a, to, func(i int) (O, bool) { return f(in.Value(i)) })
	}
}

// collect fills a fixed-width array from at, which is not asked about nulls.
func collect[O arrow.FixedWidthType](mem memory.Allocator, a arrow.Array, to arrow.DataType, at func(i int) (O, bool)) (arrow.Array, int64) {
	n := a.Len()
	values := buffers.New(mem, n*int(unsafe.Sizeof(*new(O))))
	out := arrow.GetData[O](values.Bytes())
	failed := buffers.NullsOf(mem, a)
	hasNulls := a.NullN() > 0
	var zero O
	for i := range n {
		if hasNulls && a.IsNull(i) {
			out[i] = zero
			continue
		}
		v, ok := at(i)
		if !ok {
			failed.Mark(i)
			v = zero
		}
		out[i] = v
	}
	bits, nulls := failed.Done()
	return buffers.Column(to, n, nulls, bits, values), int64(failed.Marked())
}

// booleans is the kernel of a conversion to boolean; at is not asked about
// nulls.
func booleans(at func(a arrow.Array) func(i int) (value, ok bool)) kernel {
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		n := a.Len()
		values := buffers.New(mem, int(bitutil.BytesForBits(int64(n))))
		memory.Set(values.Bytes(), 0)
		failed := buffers.NullsOf(mem, a)
		get := at(a)
		for i := range n {
			if a.IsNull(i) {
				continue
			}
			v, ok := get(i)
			if !ok {
				failed.Mark(i)
			} else if v {
				bitutil.SetBit(values.Bytes(), i)
			}
		}
		bits, nulls := failed.Done()
		return buffers.Column(arrow.FixedWidthTypes.Boolean, n, nulls, bits, values), int64(failed.Marked())
	}
}

// texts is the kernel of a conversion to text, which never fails; put appends
// the text of value i.
func texts(at func(a arrow.Array) func(dst []byte, i int) []byte) kernel {
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		b := array.NewStringBuilder(mem)
		defer b.Release()
		b.Reserve(a.Len())
		put := at(a)
		var scratch []byte
		for i := range a.Len() {
			if a.IsNull(i) {
				b.AppendNull()
				continue
			}
			scratch = put(scratch[:0], i)
			b.BinaryBuilder.Append(scratch)
		}
		return b.NewArray(), 0
	}
}
