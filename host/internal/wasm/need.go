package wasm

import "sync"

// A guest is taken to need so many times the bytes of its input, until it has
// shown what it needs.
const firstRatio = 3

// leastSeen is the input from which a guest's memory says something about its
// need: less drowns in pages and in what a language's runtime keeps ready.
const leastSeen = 1 << 20

// need estimates how much memory guests of a stage want for a batch, so that a
// batch which does not fit is cut before it fails (ABI-W-074).
type need struct {
	mu    sync.Mutex
	idle  int64 // bytes of a guest that has done nothing
	cap   int64
	ratio float64
}

func (n *need) begin(idle, cap int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.idle, n.cap, n.ratio = idle, cap, firstRatio
}

// saw tells what memory a guest had after a batch of so many bytes.
func (n *need) saw(input, memory int64) {
	if input < leastSeen {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ratio = max(n.ratio, float64(memory-n.idle)/float64(input))
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
