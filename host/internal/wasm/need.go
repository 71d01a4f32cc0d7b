package wasm

import "sync"

// A guest is taken to need so many times the bytes of its input, until it has
// shown what it needs.
const firstRatio = 3

// leastSeen is the input from which a guest's memory says something about its
// need: less drowns in pages and in what a language's runtime keeps ready.
const leastSeen = 1 << 20

// forgets is by what part of what was learnt too much each batch forgets, where a
// batch that does not fit is tried again in halves.
const forgets = 1.0 / 32

// need estimates how much memory guests of a stage want for a batch, so that a
// batch which does not fit is cut before it fails (ABI-W-074). Only a batch that
// made the memory grow tells what it needed more; one that did not, that it needed
// no more than there was.
type need struct {
	mu     sync.Mutex
	idle   int64 // bytes of a guest that has done nothing
	cap    int64
	ratio  float64
	forget bool
}

func (n *need) begin(idle, cap int64, forget bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.idle, n.cap, n.ratio, n.forget = idle, cap, firstRatio, forget
}

// saw tells what memory a guest had before and after a batch of so many bytes.
func (n *need) saw(input, before, after int64) {
	if input < leastSeen {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if after > before {
		n.ratio = max(n.ratio, float64(after-before)/float64(input))
		return
	}
	n.ratio = min(n.ratio, float64(after-n.idle)/float64(input))
	if n.forget {
		n.ratio -= (n.ratio - firstRatio) * forgets
	}
	n.ratio = max(n.ratio, firstRatio)
}

// failed tells that a guest had no room for so many bytes.
func (n *need) failed(input int64) {
	if input < leastSeen {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ratio = max(n.ratio, 1.25*float64(n.cap-n.idle)/float64(input))
}

// most is how many of rows, which have so many bytes, fit at once.
func (n *need) most(rows, bytes int64) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	room, want := float64(n.cap-n.idle), float64(bytes)*n.ratio
	if want <= room {
		return rows
	}
	return max(1, int64(float64(rows)*room/want))
}
