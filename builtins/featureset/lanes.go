package featureset

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/internal/buffers"
)

// pivotStep makes, for each value of the pivot, a boolean column that is true
// in the rows that hold it. Null is no value.
type pivotStep struct {
	find finder
	from int
	to   []int
}

func (s pivotStep) run(_ context.Context, f *frame) error {
	numbers := make([]int32, f.rows)
	s.find(f.slots[s.from], numbers)
	bits := make([]*memory.Buffer, len(s.to))
	for k := range bits {
		bits[k] = buffers.Bits(f.mem, f.rows)
	}
	for i, k := range numbers {
		if k >= 0 {
			bitutil.SetBit(bits[k].Bytes(), i)
		}
	}
	for k, slot := range s.to {
		f.slots[slot] = booleans(bits[k], f.rows)
	}
	return nil
}

// andStep makes a boolean column that is true where two others are.
type andStep struct{ a, b, to int }

func (s andStep) run(_ context.Context, f *frame) error {
	a, b := f.slots[s.a].(*array.Boolean), f.slots[s.b].(*array.Boolean)
	bits := buffers.Bits(f.mem, f.rows)
	for i := range f.rows {
		if isTrue(a, i) && isTrue(b, i) {
			bitutil.SetBit(bits.Bytes(), i)
		}
	}
	f.slots[s.to] = booleans(bits, f.rows)
	return nil
}

// nullStep gives a column with null where a condition is not true, sharing its
// values.
type nullStep struct{ from, where, to int }

func (s nullStep) run(_ context.Context, f *frame) error {
	a, where := f.slots[s.from], f.slots[s.where].(*array.Boolean)
	d := a.Data()
	// Bits are laid out like the values they belong to, offset and all.
	bits := buffers.Bits(f.mem, d.Offset()+a.Len())
	defer bits.Release()
	nulls := 0
	for i := range a.Len() {
		if isTrue(where, i) && a.IsValid(i) {
			bitutil.SetBit(bits.Bytes(), d.Offset()+i)
		} else {
			nulls++
		}
	}
	buffers := append([]*memory.Buffer{bits}, d.Buffers()[1:]...)
	out := array.NewData(a.DataType(), a.Len(), buffers, d.Children(), nulls, d.Offset())
	defer out.Release()
	f.slots[s.to] = array.MakeFromData(out)
	return nil
}

// isTrue tells whether row i is true; null is not.
func isTrue(a *array.Boolean, i int) bool { return a.IsValid(i) && a.Value(i) }

// booleans makes a column without nulls of bits, which it takes over.
func booleans(bits *memory.Buffer, n int) arrow.Array {
	return buffers.Column(arrow.FixedWidthTypes.Boolean, n, 0, nil, bits)
}
