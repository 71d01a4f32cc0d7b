package cdata

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func bitAt(b []byte, i int) bool { return b[i/8]&(1<<(i%8)) != 0 }

// copyBits, countBits and eachNull agree with looking at one bit at a time.
func TestBits_Property_SameAsOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		src := rapid.SliceOfN(rapid.Byte(), 1, 60).Draw(rt, "src")
		from := rapid.IntRange(0, len(src)*8).Draw(rt, "from")
		n := rapid.IntRange(0, len(src)*8-from).Draw(rt, "n")
		dst := slices.Repeat([]byte{0xff}, (n+7)/8)
		// Exactly the bytes that hold the bits: reading one more would panic.
		copyBits(dst, src[:(from+n+7)/8:(from+n+7)/8], from, n)
		count, nulls := 0, []int{}
		for i := range n {
			if bitAt(dst, i) != bitAt(src, from+i) {
				rt.Fatalf("bit %d differs", i)
			}
			if bitAt(dst, i) {
				count++
			} else {
				nulls = append(nulls, i)
			}
		}
		if n%8 != 0 && dst[n/8]>>(n%8) != 0 {
			rt.Fatal("bits after the last are set")
		}
		if got := countBits(dst, n); got != count {
			rt.Fatalf("counted %d, want %d", got, count)
		}
		got := []int{}
		eachNull(dst, n, func(i int) { got = append(got, i) })
		if !slices.Equal(got, nulls) {
			rt.Fatalf("nulls %v, want %v", got, nulls)
		}
	})
}

// A class holds its size, wastes at most a quarter, and classes ascend.
func TestClass_EverySize_Fits(t *testing.T) {
	last := -1
	for n := range 1 << 16 {
		index, size := class(n)
		if size < n || index < last || n > 64 && size > n+n/4+1 {
			t.Fatalf("%d bytes: class %d of %d bytes after class %d", n, index, size, last)
		}
		if _, again := class(size); again != size {
			t.Fatalf("%d bytes: a block of %d would come back as %d", n, size, again)
		}
		last = index
	}
	if index, _ := class(1<<31 - 1); index >= classes {
		t.Errorf("2 GiB - 1 has class %d of %d", index, classes)
	}
}
