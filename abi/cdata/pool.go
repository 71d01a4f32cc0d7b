package cdata

import (
	"math/bits"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// pool lends host buffers and takes them back when the last record that uses
// them is released, from any goroutine. Sizes are rounded up to a class, so
// that a batch of nearly the same size finds the buffers of the one before.
type pool struct {
	mu   sync.Mutex
	free [classes][]*block
	held int64 // bytes in free
	max  int64 // most bytes to keep in free
}

const (
	smallest = 6 // log2 of the smallest class
	classes  = (32 - smallest) * 4
)

// block is one lent buffer. It is the memory.Allocator of its own buffer, for
// that is whom a buffer tells that it is free.
type block struct {
	pool  *pool
	class int
	bytes []byte
}

// class gives the least class of at least n bytes; there are four to each
// doubling, so at most a quarter is wasted.
func class(n int) (index, size int) {
	if n <= 1<<smallest {
		return 0, 1 << smallest
	}
	e := bits.Len(uint(n-1)) - 1 // 2^e < n <= 2^(e+1), but for n a power of two
	step := 1 << (e - 2)
	k := (n - 1<<e + step - 1) / step // 1..4
	return (e-smallest)*4 + k, 1<<e + k*step
}

// get lends a buffer of n bytes whose contents are undefined.
func (p *pool) get(n int) *memory.Buffer {
	index, size := class(n)
	if index >= classes { // beyond what a guest can write; the caps stop it before
		return memory.NewBufferBytes(make([]byte, n))
	}
	p.mu.Lock()
	var b *block
	if l := p.free[index]; len(l) > 0 {
		b = l[len(l)-1]
		l[len(l)-1] = nil
		p.free[index] = l[:len(l)-1]
		p.held -= int64(size)
	}
	p.mu.Unlock()
	if b == nil {
		b = &block{pool: p, class: index, bytes: make([]byte, size)}
	}
	return memory.NewBufferWithAllocator(b.bytes[:n:n], b)
}

// Free implements memory.Allocator: the buffer's last user is gone.
func (b *block) Free([]byte) {
	p := b.pool
	p.mu.Lock()
	if p.held+int64(len(b.bytes)) <= p.max {
		p.held += int64(len(b.bytes))
		p.free[b.class] = append(p.free[b.class], b)
	}
	p.mu.Unlock()
}

// Allocate implements memory.Allocator; buffers of a block are never resized,
// so nobody calls it.
func (b *block) Allocate(size int) []byte { return make([]byte, size) }

// Reallocate implements memory.Allocator, see Allocate.
func (b *block) Reallocate(size int, old []byte) []byte {
	next := make([]byte, size)
	copy(next, old)
	return next
}
