package window

// batchBytes is about how many bytes of lists an output batch may hold.
const batchBytes = 32 << 20

// stepRows is how many rows may be scheduled before lists are looked at.
const stepRows = 64

// sized is an output whose rows may be of any size.
type sized interface {
	// size gives about how many bytes it holds.
	size() int
}

// listBytes gives the size of all lists of the rows computed, and whether
// there are lists at all.
func (t *tally) listBytes() (n int, some bool) {
	for _, o := range t.features {
		if x, ok := o.(sized); ok {
			n, some = n+x.size(), true
		}
	}
	return n, some
}

// heavy reports that the rows computed hold so much in lists that they should
// leave: lists of a million values each are too much for one batch of
// outputRows. Otherwise it says in most when to look again, at room at last.
func (t *tally) heavy(room int) bool {
	n, some := t.listBytes()
	t.most = room
	if some {
		t.most = min(room, t.rows+stepRows)
	}
	return n >= batchBytes
}
