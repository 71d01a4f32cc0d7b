package prepare

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// filler puts the last value before a null in its place, batch after batch. It
// holds one value.
type filler struct {
	mem  memory.Allocator
	last arrow.Array // a row: the value at hand, null or nil for none
	from []int32
}

// fill answers with a, borrowed, filled; the caller releases the result. Where
// reset is true the values before do not reach the row.
func (f *filler) fill(ctx context.Context, a arrow.Array, reset []bool) (arrow.Array, error) {
	n := a.Len()
	if n == 0 || a.NullN() == 0 {
		if n > 0 {
			f.keep(a)
		}
		a.Retain()
		return a, nil
	}
	carried := f.last != nil && f.last.IsValid(0) && a.IsNull(0)
	from := f.from[:0]
	at := int32(-1)
	if carried {
		at = int32(n)
	}
	for i := range n {
		if a.IsValid(i) {
			at = int32(i)
		} else if reset[i] {
			at = -1
		}
		from = append(from, at)
	}
	f.from = from
	source := a
	if carried {
		// The value at hand stands behind the others.
		both, err := array.Concatenate([]arrow.Array{a, f.last}, f.mem)
		if err != nil {
			return nil, err
		}
		defer both.Release()
		source = both
	}
	out, err := gather(ctx, f.mem, source, from)
	if err != nil {
		return nil, err
	}
	f.keep(out)
	return out, nil
}

// keep takes the last row of a as the value at hand.
func (f *filler) keep(a arrow.Array) {
	f.release()
	f.last = array.NewSlice(a, int64(a.Len()-1), int64(a.Len()))
}

func (f *filler) release() {
	if f.last != nil {
		f.last.Release()
		f.last = nil
	}
}
