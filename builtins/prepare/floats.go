package prepare

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/internal/buffers"
)

// oneNaN gives floats whose NaNs all have the same bits, so that they are
// equal by them; with zeros -0.0 becomes 0.0. The caller releases the result.
func oneNaN(mem memory.Allocator, a arrow.Array, zeros bool) arrow.Array {
	if a.DataType().ID() == arrow.FLOAT32 {
		return normal(mem, a, float32(math.NaN()), zeros)
	}
	return normal(mem, a, math.NaN(), zeros)
}

func normal[T float32 | float64](mem memory.Allocator, a arrow.Array, nan T, zeros bool) arrow.Array {
	in := arrow.GetValues[T](a.Data(), 1)
	odd := false
	for _, v := range in {
		odd = odd || v != v || zeros && v == 0
	}
	if !odd {
		a.Retain()
		return a
	}
	width := a.DataType().(arrow.FixedWidthDataType).Bytes()
	values := buffers.New(mem, (a.Data().Offset()+len(in))*width)
	out := arrow.GetData[T](values.Bytes())
	clear(out)
	out = out[a.Data().Offset():]
	for i, v := range in {
		switch {
		case v != v:
			v = nan
		case zeros && v == 0:
			v = 0
		}
		out[i] = v
	}
	d := array.NewData(a.DataType(), a.Len(), []*memory.Buffer{a.Data().Buffers()[0], values}, nil, a.NullN(), a.Data().Offset())
	values.Release()
	defer d.Release()
	return array.MakeFromData(d)
}
