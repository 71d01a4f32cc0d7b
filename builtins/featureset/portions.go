package featureset

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// portionBytes is about how much stacking may make of the rows worked on at
// once. Every column is repeated for each row made, so that a batch of texts
// would otherwise grow without bound, and past what 32-bit offsets can tell.
const portionBytes = 64 << 20

// fanOut is how many rows the steps make of one.
func fanOut(lists ...[]step) int64 {
	n := int64(1)
	for _, steps := range lists {
		for _, st := range steps {
			if x, ok := st.(*explode); ok {
				n *= int64(len(x.from))
			}
		}
	}
	return n
}

// portions gives use the rows of in, which it borrows, a few at a time: as many
// as grow to at most about the given bytes when each becomes fan rows, and one
// at least.
func portions(in flow.Batch, fan, most int64, use func(flow.Batch) error) error {
	if fan <= 1 {
		return use(in)
	}
	n := in.Rows()
	size := int64(0)
	for _, a := range in.Record.Columns() {
		size += heldBytes(a)
	}
	if size*fan <= most {
		return use(in)
	}
	if n <= 1 {
		if size*fan > math.MaxInt32 {
			e := fault.New(RowTooLong, "a row of %d bytes would become %d rows, which is more than 2 GiB", size, fan)
			if p := in.Position.String(); p != "" {
				e = e.At("%s", p)
			}
			return e.WithHint("stack fewer columns, or leave long texts out of the set")
		}
		return use(in)
	}
	for _, end := range [][2]int64{{0, n / 2}, {n / 2, n}} {
		half := flow.Batch{Record: in.Record.NewSlice(end[0], end[1]), Position: in.Position}
		if half.Position.Object != "" {
			half.Position.Row += end[0]
		}
		err := portions(half, fan, most, use)
		half.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// heldBytes is about how many bytes the values of a column take.
func heldBytes(a arrow.Array) int64 {
	n := int64(a.Len())
	switch x := a.(type) {
	case *array.String:
		return 4*n + int64(len(x.ValueBytes()))
	case *array.Binary:
		return 4*n + int64(len(x.ValueBytes()))
	case *array.List:
		if n == 0 {
			return 0
		}
		from, _ := x.ValueOffsets(0)
		_, to := x.ValueOffsets(int(n) - 1)
		values := array.NewSlice(x.ListValues(), from, to)
		defer values.Release()
		return 4*n + heldBytes(values)
	}
	if t, ok := a.DataType().(arrow.FixedWidthDataType); ok {
		return n * int64(t.BitWidth()) / 8
	}
	return 8 * n
}
