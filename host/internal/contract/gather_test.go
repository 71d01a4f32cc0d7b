package contract

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/hosttest"
)

// Our own cutting of columns is the library's, for all types, from slices.
func TestChosen_SameAsLibrary(t *testing.T) {
	ctx := context.Background()
	for _, nulls := range []int{0, 4, 10} {
		whole := hosttest.Zoo(t, 700, nulls)
		r := rand.New(rand.NewPCG(5, uint64(nulls)))
		for _, cut := range [][2]int64{{0, 700}, {3, 90}, {699, 700}} {
			part := whole.Record.NewSlice(cut[0], cut[1])
			b := array.NewBooleanBuilder(memory.DefaultAllocator)
			count := 0
			for range part.NumRows() {
				keep := r.IntN(3) > 0
				if b.Append(keep); keep {
					count++
				}
			}
			mask := b.NewBooleanArray()
			stay := choose(mask, count)
			for i, col := range part.Columns() {
				got, err := stay.of(ctx, col)
				if err != nil {
					t.Fatal(err)
				}
				want, err := compute.FilterArray(ctx, col, mask, compute.FilterOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if !array.Equal(got, want) || got.NullN() != want.NullN() {
					t.Errorf("%s, rows %v: got %v, want %v", hosttest.ZooTypes()[i], cut, got, want)
				}
			}
			part.Release()
		}
		whole.Release()
	}
}
