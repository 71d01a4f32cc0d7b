package colfile

import "unsafe"

// blockValues is how many values a block holds. A file with few rows wastes
// at most one block per column.
const blockValues = 256

// slabBytes is how much the arena asks of the system at a time.
const slabBytes = 1 << 20

// Arena lends blocks of memory to the open files and counts them. It is not
// safe for concurrent use.
type Arena struct {
	slabs [][]byte
	rest  []byte // of the newest slab
	free  [4][]unsafe.Pointer
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

// class is the place of a block size in the free lists.
func class(width uintptr) int {
	switch width {
	case 1:
		return 0
	case 4:
		return 1
	case 8:
		return 2
	default:
		return 3 // 16
	}
}

// take lends a block of blockValues values of the given width.
func (a *Arena) take(width uintptr) (unsafe.Pointer, error) {
	size := int(width) * blockValues
	a.held += int64(size)
	c := class(width)
	if n := len(a.free[c]); n > 0 {
		p := a.free[c][n-1]
		a.free[c] = a.free[c][:n-1]
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

func (a *Arena) give(p unsafe.Pointer, width uintptr) {
	a.held -= int64(width) * blockValues
	a.free[class(width)] = append(a.free[class(width)], p)
}
