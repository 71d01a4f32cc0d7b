package window

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"
)

// Ranks count as a walk over the rows does, however many were forgotten and
// wherever the bitmaps they were loaded from begin.
func TestLane_LoadAndForget_SameRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &lane{}
		var rows []bool
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if rapid.IntRange(0, 2).Draw(t, "forget") == 0 {
				n := rapid.IntRange(0, len(rows)).Draw(t, "n")
				l.drop(n)
				rows = rows[n:]
			} else {
				b := array.NewBooleanBuilder(memory.DefaultAllocator)
				values := rapid.SliceOfN(rapid.IntRange(0, 2), 0, 200).Draw(t, "values")
				for _, v := range values {
					if v == 2 {
						b.AppendNull()
					} else {
						b.Append(v == 1)
					}
				}
				whole := b.NewBooleanArray()
				from := rapid.IntRange(0, len(values)).Draw(t, "from")
				part := array.NewSlice(whole, int64(from), int64(len(values)))
				at := 0
				taken := l.load(part, nil)
				for i, v := range values[from:] {
					rows = append(rows, v == 1)
					if v == 1 {
						if at == len(taken) || int(taken[at]) != i {
							t.Fatalf("row %d is not in %v", i, taken)
						}
						at++
					}
				}
				if at != len(taken) {
					t.Fatalf("%v takes in more than %d rows", taken, at)
				}
			}
			n := int32(0)
			for i, in := range rows {
				if l.rank(int32(i)) != n || l.has(int32(i)) != in {
					t.Fatalf("rank of row %d is %d, want %d", i, l.rank(int32(i)), n)
				}
				n += int32(bit(in))
			}
			if l.size(len(rows)) != int(n) {
				t.Fatalf("%d rows, want %d", l.size(len(rows)), n)
			}
		}
	})
}
