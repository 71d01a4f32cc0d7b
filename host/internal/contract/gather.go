package contract

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// chosen is the rows that a filter keeps: as numbers for the types that most
// columns have, as a mask for the library, which spends twice
// the time.
type chosen struct {
	rows []int32
	mask *array.Boolean
}

// choose lists the rows that mask marks.
func choose(mask *array.Boolean, count int) chosen {
	rows := make([]int32, 0, count)
	bits, at := mask.Data().Buffers()[1].Bytes(), mask.Data().Offset()
	for i := range mask.Len() {
		if bitutil.BitIsSet(bits, at+i) {
			rows = append(rows, int32(i))
		}
	}
	return chosen{rows, mask}
}

// of gives the chosen rows of a column; the caller releases them.
func (c chosen) of(ctx context.Context, col arrow.Array) (arrow.Array, error) {
	d := col.Data()
	if d.DataType().ID() == arrow.MAP { // the library filters all nested types but this one
		return c.taken(ctx, col)
	}
	var buffers []*memory.Buffer
	if b := d.Buffers(); len(b) < 2 || b[1] == nil {
		return compute.FilterArray(ctx, col, c.mask, compute.FilterOptions{})
	}
	switch t := col.DataType().(type) {
	case *arrow.StringType, *arrow.BinaryType:
		buffers = c.texts(d)
	case *arrow.DictionaryType: // its indices alone are no column
	case arrow.FixedWidthDataType:
		switch t.BitWidth() {
		case 64:
			buffers = []*memory.Buffer{nil, pick[uint64](c.rows, d)}
		case 32:
			buffers = []*memory.Buffer{nil, pick[uint32](c.rows, d)}
		}
	}
	if buffers == nil {
		return compute.FilterArray(ctx, col, c.mask, compute.FilterOptions{})
	}
	nulls := 0
	if col.NullN() > 0 {
		buffers[0], nulls = c.validity(d)
	}
	out := array.NewData(col.DataType(), len(c.rows), buffers, nil, nulls, 0)
	defer out.Release()
	return array.MakeFromData(out), nil
}

// taken gives the chosen rows of a column by their numbers.
func (c chosen) taken(ctx context.Context, col arrow.Array) (arrow.Array, error) {
	data := array.NewData(arrow.PrimitiveTypes.Int32, len(c.rows), []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(c.rows))}, nil, 0, 0)
	defer data.Release()
	rows := array.NewInt32Data(data)
	defer rows.Release()
	return compute.TakeArray(ctx, col, rows)
}

func pick[T uint32 | uint64](rows []int32, d arrow.ArrayData) *memory.Buffer {
	src := arrow.GetData[T](d.Buffers()[1].Bytes())[d.Offset():]
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = src[r]
	}
	return memory.NewBufferBytes(arrow.GetBytes(out))
}

func (c chosen) texts(d arrow.ArrayData) []*memory.Buffer {
	src := arrow.GetData[int32](d.Buffers()[1].Bytes())[d.Offset():]
	total := 0
	for _, r := range c.rows {
		total += int(src[r+1] - src[r])
	}
	offsets, text := make([]int32, len(c.rows)+1), make([]byte, 0, total)
	if total > 0 {
		all := d.Buffers()[2].Bytes()
		for i, r := range c.rows {
			text = append(text, all[src[r]:src[r+1]]...)
			offsets[i+1] = int32(len(text))
		}
	}
	return []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(offsets)), memory.NewBufferBytes(text)}
}

func (c chosen) validity(d arrow.ArrayData) (*memory.Buffer, int) {
	src, at := d.Buffers()[0].Bytes(), d.Offset()
	out, valid := make([]byte, (len(c.rows)+7)/8), 0
	for i, r := range c.rows {
		k := at + int(r)
		bit := src[k>>3] >> (k & 7) & 1
		out[i>>3] |= bit << (i & 7)
		valid += int(bit)
	}
	return memory.NewBufferBytes(out), len(c.rows) - valid
}
