package window

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// A bag is a sorted list with repeats, whatever came in and went out. Long runs
// of neighbours make its blocks split and join.
// Rules: S-915, S-1607.
func TestBag_SameAsSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bag[int64, byOrder[int64]]
		var list []int64
		variety := rapid.SampledFrom([]int64{3, 100, 5000}).Draw(t, "variety")
		for range rapid.IntRange(1, 12).Draw(t, "phases") {
			if rapid.IntRange(0, 9).Draw(t, "reset") == 0 {
				b.reset()
				list = nil
			}
			n, from := rapid.IntRange(0, 900).Draw(t, "n"), rapid.Int64Range(0, variety).Draw(t, "from")
			step := rapid.SampledFrom([]int64{0, 1, 7, 2654435761}).Draw(t, "step")
			adding := rapid.IntRange(0, 2).Draw(t, "adding") > 0
			for i := range int64(n) {
				k := (from + i*step) % variety
				at, in := slices.BinarySearch(list, k)
				switch {
				case adding:
					if b.add(k) == in {
						t.Fatalf("%d is new: %v", k, in)
					}
					list = slices.Insert(list, at, k)
				case in:
					last := at+1 == len(list) || list[at+1] != k
					if b.remove(k) != last {
						t.Fatalf("%d was the last: %v", k, !last)
					}
					list = slices.Delete(list, at, at+1)
				}
			}
			agree(t, &b, list)
		}
	})
}

func agree(t *rapid.T, b *bag[int64, byOrder[int64]], list []int64) {
	distinct := slices.Compact(slices.Clone(list))
	if b.total != len(list) || b.distinct != len(distinct) {
		t.Fatalf("%d keys, %d distinct, want %d and %d", b.total, b.distinct, len(list), len(distinct))
	}
	var keys []int64
	most, mode := int32(0), int64(0)
	for i, x := range b.blocks {
		if len(x.keys) > blockSize || len(x.keys) == 0 && len(b.blocks) > 1 || len(x.keys) > 0 && b.firsts[i] != x.keys[0] {
			t.Fatalf("block %d of %d begins with %d and holds %v", i, len(b.blocks), b.firsts[i], x.keys)
		}
		keys = append(keys, x.keys...)
		for j, c := range x.counts {
			if c > most {
				most, mode = c, x.keys[j]
			}
		}
	}
	if !slices.Equal(keys, distinct) {
		t.Fatalf("%v, want %v", keys, distinct)
	}
	if small := len(b.blocks); small > 2 && small > 2*len(distinct)/(blockSize/8)+2 {
		t.Fatalf("%d blocks for %d keys", small, len(distinct))
	}
	if len(list) == 0 {
		return
	}
	if got := b.mode(); got != mode {
		t.Fatalf("mode %d, want %d", got, mode)
	}
	var places []int // some, and those around the borders of blocks
	for i := 0; i < len(list); i += 1 + len(list)/50 {
		places = append(places, i)
	}
	border := 0
	for _, n := range b.totals {
		border += n
		places = append(places, max(0, border-2), border-1)
	}
	for _, i := range places {
		if x, y := b.at(i); x != list[i] || y != list[min(i+1, len(list)-1)] {
			t.Fatalf("%d and %d at %d, want %d and %d", x, y, i, list[i], list[min(i+1, len(list)-1)])
		}
	}
}

// Of equal texts the bag keeps the one that came last: the memory of the others
// may be gone while it is still in.
func TestBag_EqualTexts_LastOneIsKept(t *testing.T) {
	var b bag[string, byOrder[string]]
	const n = 2000
	text := func(memory []byte, i int) string {
		part := memory[i*5 : i*5+5]
		copy(part, fmt.Sprintf("%05d", i*7919%n))
		return unsafe.String(&part[0], len(part))
	}
	old, young := make([]byte, 5*n), make([]byte, 5*n)
	for i := range n {
		b.add(text(old, i))
	}
	for i := range n {
		b.add(text(young, i))
	}
	for i := range n {
		b.remove(text(old, i))
	}
	for i := range old {
		old[i] = 0xAA
	}
	if len(b.blocks) < 4 {
		t.Fatalf("%d blocks are too few for this test", len(b.blocks))
	}
	for i := range n {
		if !b.remove(text(young, i)) {
			t.Fatalf("text %d was in twice", i)
		}
	}
	if b.total != 0 || b.distinct != 0 {
		t.Fatalf("%d texts are left", b.total)
	}
}
