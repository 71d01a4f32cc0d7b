package runs

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/internal/buffers"
)

// Record gives the rows of r in the runs. The caller releases the result; it
// shares r's memory when there is at most one run.
func Record(mem memory.Allocator, r arrow.RecordBatch, runs []Run) arrow.RecordBatch {
	switch len(runs) {
	case 0:
		return r.NewSlice(0, 0)
	case 1:
		if runs[0].From == 0 && int64(runs[0].To) == r.NumRows() {
			r.Retain()
			return r
		}
		return r.NewSlice(int64(runs[0].From), int64(runs[0].To))
	}
	columns := make([]arrow.Array, r.NumCols())
	for i := range columns {
		columns[i] = Array(mem, r.Column(i), runs)
	}
	out := array.NewRecordBatch(r.Schema(), columns, int64(Rows(runs)))
	for _, c := range columns {
		c.Release()
	}
	return out
}

// Array gives the values of a in the runs. The caller releases the result; it
// shares a's memory when there is at most one run.
func Array(mem memory.Allocator, a arrow.Array, runs []Run) arrow.Array {
	switch len(runs) {
	case 0:
		return array.NewSlice(a, 0, 0)
	case 1:
		if runs[0].From == 0 && runs[0].To == a.Len() {
			a.Retain()
			return a
		}
		return array.NewSlice(a, int64(runs[0].From), int64(runs[0].To))
	}
	switch t := a.DataType().(type) {
	case *arrow.NullType:
		return array.NewNull(Rows(runs))
	case *arrow.BooleanType:
		return booleans(mem, a, runs)
	case *arrow.StringType, *arrow.BinaryType:
		return texts(mem, a, runs)
	case *arrow.ListType:
		return lists(mem, a.(*array.List), runs)
	case arrow.FixedWidthDataType:
		if t.ID() != arrow.DICTIONARY && t.ID() != arrow.EXTENSION && t.ID() != arrow.FIXED_SIZE_LIST {
			return fixed(mem, a, runs, t.Bytes())
		}
	}
	return joined(mem, a, runs)
}

// fixed copies values of width bytes.
func fixed(mem memory.Allocator, a arrow.Array, runs []Run, width int) arrow.Array {
	n := Rows(runs)
	out := buffers.New(mem, n*width)
	data := a.Data()
	offset := data.Offset()
	in := data.Buffers()[1].Bytes()
	switch width {
	case 8:
		gather(arrow.GetData[int64](in)[offset:], arrow.GetData[int64](out.Bytes()), runs)
	case 4:
		gather(arrow.GetData[int32](in)[offset:], arrow.GetData[int32](out.Bytes()), runs)
	default:
		dst, at := out.Bytes(), 0
		for _, r := range runs {
			at += copy(dst[at:], in[(offset+r.From)*width:(offset+r.To)*width])
		}
	}
	bits, nulls := validity(mem, a, runs, n)
	return buffers.Column(a.DataType(), n, nulls, bits, out)
}

// gather copies runs of words; short runs by hand, for a call of memmove costs
// more than a few words.
func gather[T int32 | int64](in, out []T, runs []Run) {
	at := 0
	for _, r := range runs {
		if r.To-r.From > 8 {
			at += copy(out[at:], in[r.From:r.To])
			continue
		}
		for _, v := range in[r.From:r.To] {
			out[at] = v
			at++
		}
	}
}

func booleans(mem memory.Allocator, a arrow.Array, runs []Run) arrow.Array {
	n := Rows(runs)
	out := bitmap(mem, a.Data().Buffers()[1], a.Data().Offset(), runs, n)
	bits, nulls := validity(mem, a, runs, n)
	return buffers.Column(a.DataType(), n, nulls, bits, out)
}

func texts(mem memory.Allocator, a arrow.Array, runs []Run) arrow.Array {
	n := Rows(runs)
	data := a.Data()
	in := arrow.GetOffsets[int32](data, 1)
	offsets := buffers.New(mem, (n+1)*4)
	size := moveOffsets(in, arrow.GetData[int32](offsets.Bytes()), runs)
	out := buffers.New(mem, size)
	if size > 0 {
		src, dst, at := data.Buffers()[2].Bytes(), out.Bytes(), 0
		for _, r := range runs {
			at += copy(dst[at:], src[in[r.From]:in[r.To]])
		}
	}
	bits, nulls := validity(mem, a, runs, n)
	return buffers.Column(a.DataType(), n, nulls, bits, offsets, out)
}

func lists(mem memory.Allocator, a *array.List, runs []Run) arrow.Array {
	n := Rows(runs)
	in := arrow.GetOffsets[int32](a.Data(), 1)
	offsets := buffers.New(mem, (n+1)*4)
	moveOffsets(in, arrow.GetData[int32](offsets.Bytes()), runs)
	inner := make([]Run, 0, len(runs))
	for _, r := range runs {
		if from, to := int(in[r.From]), int(in[r.To]); to > from {
			inner = append(inner, Run{from, to})
		}
	}
	values := Array(mem, a.ListValues(), inner)
	defer values.Release()
	bits, nulls := validity(mem, a, runs, n)
	return buffers.Nested(a.DataType(), n, nulls, []arrow.ArrayData{values.Data()}, bits, offsets)
}

// moveOffsets writes the offsets of the runs from 0 and gives the last.
func moveOffsets(in, out []int32, runs []Run) int {
	out[0] = 0
	at, end := 1, int32(0)
	for _, r := range runs {
		shift := end - in[r.From]
		for _, o := range in[r.From+1 : r.To+1] {
			out[at] = o + shift
			at++
		}
		end = out[at-1]
	}
	return int(end)
}

// joined serves types that no feature set computes with: slices, put together
// by Arrow.
func joined(mem memory.Allocator, a arrow.Array, runs []Run) arrow.Array {
	parts := make([]arrow.Array, len(runs))
	for i, r := range runs {
		parts[i] = array.NewSlice(a, int64(r.From), int64(r.To))
		defer parts[i].Release()
	}
	out, err := array.Concatenate(parts, mem)
	if err != nil {
		// Parts of one array have one type; nothing else can go wrong.
		panic(err)
	}
	return out
}

// validity copies the null bits of the runs; nil when a has none.
func validity(mem memory.Allocator, a arrow.Array, runs []Run, n int) (*memory.Buffer, int) {
	bits := a.Data().Buffers()[0]
	if a.NullN() == 0 || bits == nil || bits.Len() == 0 {
		return nil, 0
	}
	out := bitmap(mem, bits, a.Data().Offset(), runs, n)
	return out, n - bitutil.CountSetBits(out.Bytes(), 0, n)
}

func bitmap(mem memory.Allocator, in *memory.Buffer, offset int, runs []Run, n int) *memory.Buffer {
	out := buffers.Bits(mem, n)
	src, dst := in.Bytes(), out.Bytes()
	at := 0
	for _, r := range runs {
		if r.To-r.From > 16 {
			bitutil.CopyBitmap(src, offset+r.From, r.To-r.From, dst, at)
			at += r.To - r.From
			continue
		}
		for i := offset + r.From; i < offset+r.To; i++ {
			dst[at>>3] |= (src[i>>3] >> (i & 7) & 1) << (at & 7)
			at++
		}
	}
	return out
}
