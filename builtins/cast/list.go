package cast

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/internal/buffers"
)

// listKernel casts element by element; an element that fails is null and
// counted, its list stays.
func listKernel(from, to *arrow.ListType, rules Rules) (kernel, error) {
	elem, err := compile(from.Elem(), to.Elem(), rules)
	if err != nil {
		return nil, fmt.Errorf("%s cannot become %s: %w", schema.TypeName(from), schema.TypeName(to), err)
	}
	if elem == nil {
		if arrow.TypeEqual(from, to) {
			return nil, nil
		}
		return func(_ memory.Allocator, a arrow.Array) (arrow.Array, int64) { return retyped(a, to), 0 }, nil
	}
	return overElements(to, elem), nil
}

// overElements runs a kernel over the elements of lists.
func overElements(to *arrow.ListType, elem kernel) kernel {
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		in := a.(*array.List)
		n := in.Len()
		// Only the elements of these rows, so that a slice of a large array
		// neither costs nor counts what lies outside it.
		first, last := int64(0), int64(0)
		if n > 0 {
			first, _ = in.ValueOffsets(0)
			_, last = in.ValueOffsets(n - 1)
		}
		values := array.NewSlice(in.ListValues(), first, last)
		defer values.Release()
		out, failed := elem(mem, values)
		defer out.Release()
		offsets := buffers.New(mem, (n+1)*4)
		at := arrow.GetData[int32](offsets.Bytes())
		at[0] = 0
		for i := range n {
			_, end := in.ValueOffsets(i)
			at[i+1] = int32(end - first)
		}
		return buffers.Nested(to, n, a.NullN(), []arrow.ArrayData{out.Data()}, buffers.Validity(mem, a), offsets), failed
	}
}
