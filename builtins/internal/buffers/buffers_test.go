package buffers_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/internal/buffers"
)

// column makes int64s of a slice from row 3 on: null where valid is false.
func column(mem memory.Allocator, valid []bool) arrow.Array {
	b := array.NewInt64Builder(mem)
	defer b.Release()
	b.AppendNulls(3)
	for i, ok := range valid {
		if ok {
			b.Append(int64(i))
		} else {
			b.AppendNull()
		}
	}
	whole := b.NewArray()
	defer whole.Release()
	return array.NewSlice(whole, 3, int64(3+len(valid)))
}

// TestNulls marks rows of columns cut from others and reads the result.
func TestNulls(t *testing.T) {
	cases := map[string]struct {
		valid []bool
		marks []int
		want  []bool
	}{
		"none":           {[]bool{true, true}, nil, []bool{true, true}},
		"of the other":   {[]bool{true, false, true}, nil, []bool{true, false, true}},
		"marked":         {[]bool{true, true, true}, []int{1}, []bool{true, false, true}},
		"both":           {[]bool{true, false, true, true}, []int{0, 3}, []bool{false, false, true, false}},
		"beyond a byte":  {[]bool{true, true, true, true, true, true, true, true, false, true}, []int{9}, []bool{true, true, true, true, true, true, true, true, false, false}},
		"without a row":  {nil, nil, nil},
		"all but marked": {[]bool{false, true}, []int{1}, []bool{false, false}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			a := column(mem, c.valid)
			defer a.Release()
			nulls := buffers.NullsOf(mem, a)
			for _, i := range c.marks {
				nulls.Mark(i)
			}
			bits, n := nulls.Done()
			out := buffers.Column(arrow.PrimitiveTypes.Int64, len(c.valid), n, bits, buffers.New(mem, len(c.valid)*8))
			defer out.Release()
			if nulls.Marked() != len(c.marks) {
				t.Errorf("%d marked, want %d", nulls.Marked(), len(c.marks))
			}
			missing := 0
			for i, want := range c.want {
				if out.IsValid(i) != want {
					t.Errorf("row %d valid: %v, want %v", i, out.IsValid(i), want)
				}
				if !want {
					missing++
				}
			}
			if out.NullN() != missing {
				t.Errorf("%d nulls, want %d", out.NullN(), missing)
			}
			for i, ok := range c.valid {
				if a.IsValid(i) != ok {
					t.Errorf("the column's own row %d changed", i)
				}
			}
		})
	}
}
