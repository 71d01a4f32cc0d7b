package exchange

import (
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// held is an allocator that knows how many bytes are out, and how many were
// at most. Memory that is not Arrow's is reported to it by add.
type held struct {
	mem  memory.Allocator
	now  atomic.Int64
	peak atomic.Int64
}

func (h *held) add(n int64) {
	now := h.now.Add(n)
	for {
		p := h.peak.Load()
		if now <= p || h.peak.CompareAndSwap(p, now) {
			return
		}
	}
}

// Allocate implements memory.Allocator.
func (h *held) Allocate(size int) []byte {
	b := h.mem.Allocate(size)
	h.add(int64(cap(b)))
	return b
}

// Reallocate implements memory.Allocator.
func (h *held) Reallocate(size int, b []byte) []byte {
	if cap(b) >= size {
		return b[:size]
	}
	to := h.Allocate(size)
	copy(to, b)
	h.Free(b)
	return to
}

// Free implements memory.Allocator.
func (h *held) Free(b []byte) {
	h.add(-int64(cap(b)))
	h.mem.Free(b[:cap(b)])
}
