package window

import (
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// pool lends memory for output columns and takes it back when the last holder
// releases it, so that a run of millions of rows touches the memory of a few
// batches. All its blocks have one of few sizes. It does not clear memory.
type pool struct {
	mu    sync.Mutex // columns may be released by other goroutines
	free  map[int][][]byte
	below memory.Allocator
	keep  int // unused blocks of a size that it holds on to
}

func newPool() *pool {
	return &pool{free: map[int][][]byte{}, below: memory.NewGoAllocator(), keep: 64}
}

// expect readies the pool for batches of so many columns.
func (p *pool) expect(columns int) { p.keep = max(p.keep, 2*columns) }

// Allocate implements memory.Allocator.
func (p *pool) Allocate(size int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.free[size]; len(f) > 0 {
		b := f[len(f)-1]
		p.free[size] = f[:len(f)-1]
		return b
	}
	return p.below.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (p *pool) Reallocate(size int, b []byte) []byte {
	n := p.Allocate(size)
	copy(n, b)
	p.Free(b)
	return n
}

// Free implements memory.Allocator.
func (p *pool) Free(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.free[len(b)]; len(f) < p.keep {
		p.free[len(b)] = append(f, b)
	}
}
