package colfile

import (
	"math/bits"
	"unsafe"
)

// blockValues is how many values a full block holds, and blockSizes how many
// sizes of blocks there are: the first block of a column holds an eighth of
// that, so that a table of thousands of days with few rows each wastes little.
const (
	blockValues = 256
	blockSizes  = 4
)

// blockSize is how many values the i-th block of a column holds.
func blockSize(i int) int { return blockValues >> (blockSizes - 1 - min(i, blockSizes-1)) }

// slabBytes is how much the arena asks of the system at a time.
const slabBytes = 1 << 20

// Arena lends blocks of memory to the open files and counts them. It is not
// safe for concurrent use.
type Arena struct {
	slabs [][]byte
	rest  []byte // of the newest slab
	free  [4][blockSizes][]unsafe.Pointer
	held  int64
}

// Held is the number of bytes lent and not given back.
func (a *Arena) Held() int64 { return a.held }

// Close gives all memory back to the system. No block may be used after it.
func (a *Arena) Close() {
	for _, s := range a.slabs {
		unmapSlab(s)
	}
	*a = Arena{}
}

// list is the free list of blocks of so many values of a width.
func (a *Arena) list(width uintptr, values int) *[]unsafe.Pointer {
	class := 3 // 16 bytes
	switch width {
	case 1:
		class = 0
	case 4:
		class = 1
	case 8:
		class = 2
	}
	return &a.free[class][bits.TrailingZeros(uint(blockValues/values))]
}

// take lends a block of so many values of the given width.
func (a *Arena) take(width uintptr, values int) (unsafe.Pointer, error) {
	size := int(width) * values
	a.held += int64(size)
	free := a.list(width, values)
	if n := len(*free); n > 0 {
		p := (*free)[n-1]
		*free = (*free)[:n-1]
		return p, nil
	}
	if len(a.rest) < size {
		slab, err := mapSlab(slabBytes)
		if err != nil {
			a.held -= int64(size)
			return nil, err
		}
		a.slabs = append(a.slabs, slab)
		a.rest = slab
	}
	p := unsafe.Pointer(&a.rest[0])
	a.rest = a.rest[size:]
	return p, nil
}

func (a *Arena) give(p unsafe.Pointer, width uintptr, values int) {
	a.held -= int64(width) * int64(values)
	free := a.list(width, values)
	*free = append(*free, p)
}
