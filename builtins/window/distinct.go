package window

import (
	"encoding/binary"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// chooser chooses, inside every window, one row of each tuple of values
// (S-917). The rows chosen are no run of the open rows, and one that entered
// may go without having left; so kernels get them as runs of their own, one
// after another, and start anew with each. That costs as many additions as
// rows are kept, for every move.
type chooser struct {
	columns []int // of the input
	first   bool
	// seen gives for each tuple of the present key its last row; rows are
	// numbered from the first one ever, and origin is the number of the first
	// open one.
	seen   map[string]int64
	origin int64
	tuple  []byte
	// For each open row the one before it and the one after it with the same
	// tuple in the same key; prev is negative and next 0 if there is none.
	prev, next []int32

	windows []chosen
	rows    []int32 // scratch
}

// chosen are the rows kept of a window.
type chosen struct {
	lo, hi int32
	n      int
	words  []uint64
	skip   int // rows of the first word that were dropped
}

// pickedAtOnce is how many rows of distinct windows are laid out for kernels
// at a time, unless one window alone keeps more.
const pickedAtOnce = 1 << 14

// wide is how many tuples make clearing a map worse than making one anew.
const wide = 1024

// load appends the rows of a batch; fresh tells where keys begin.
func (d *chooser) load(rec flow.Record, fresh []bool) {
	base := len(d.prev)
	for i, begins := range fresh {
		if begins {
			if len(d.seen) > wide {
				d.seen = map[string]int64{}
			} else {
				clear(d.seen)
			}
		}
		d.tuple = d.tuple[:0]
		for _, c := range d.columns {
			d.tuple = appendEqual(d.tuple, rec.Column(c), i)
		}
		at, prev := d.origin+int64(base+i), int32(-1)
		if before, ok := d.seen[string(d.tuple)]; ok {
			prev = int32(before - d.origin)
			if d.first {
				d.next[prev] = int32(base + i)
			}
		}
		d.seen[string(d.tuple)] = at
		d.prev = append(d.prev, prev)
		if d.first {
			d.next = append(d.next, 0)
		}
	}
}

// drop takes leave of the first n open rows.
func (d *chooser) drop(n int) {
	d.origin += int64(n)
	for k, at := range d.seen {
		if at < d.origin {
			delete(d.seen, k)
		}
	}
	d.prev = d.prev[:copy(d.prev, d.prev[n:])]
	for i := range d.prev {
		d.prev[i] = max(d.prev[i]-int32(n), -1)
	}
	if d.first {
		d.next = d.next[:copy(d.next, d.next[n:])]
		for i := range d.next {
			d.next[i] = max(d.next[i]-int32(n), 0)
		}
	}
	for i := range d.windows {
		d.windows[i].drop(n)
	}
}

// move gives c the rows kept of [lo, hi).
func (d *chooser) move(c *chosen, lo, hi int32) {
	if lo >= c.hi || lo < c.lo {
		c.clear(lo)
	}
	c.grow(hi)
	for i := c.lo; i < lo; i++ {
		if !c.has(i) {
			continue
		}
		c.unset(i)
		if d.first {
			if n := d.next[i]; n > i && n < c.hi {
				c.set(n)
			}
		}
	}
	for i := c.hi; i < hi; i++ {
		switch p := d.prev[i]; {
		case p < lo:
			c.set(i)
		case !d.first:
			c.unset(p)
			c.set(i)
		}
	}
	c.lo, c.hi = lo, hi
}

func (c *chosen) set(i int32) {
	c.words[(c.skip+int(i))>>6] |= 1 << ((c.skip + int(i)) & 63)
	c.n++
}

func (c *chosen) unset(i int32) {
	c.words[(c.skip+int(i))>>6] &^= 1 << ((c.skip + int(i)) & 63)
	c.n--
}

func (c *chosen) has(i int32) bool {
	return c.words[(c.skip+int(i))>>6]>>((c.skip+int(i))&63)&1 == 1
}

// clear makes c hold no rows at lo.
func (c *chosen) clear(lo int32) {
	if c.n > 0 {
		clear(c.words[(c.skip+int(c.lo))>>6 : (c.skip+int(c.hi)-1)>>6+1])
	}
	c.n, c.lo, c.hi = 0, lo, lo
}

// grow makes room for rows before hi.
func (c *chosen) grow(hi int32) {
	for len(c.words)<<6 < c.skip+int(hi) {
		c.words = append(c.words, 0)
	}
}

// list appends the rows kept, ascending.
func (c *chosen) list(to []int32) []int32 {
	if c.n == 0 {
		return to
	}
	for w := (c.skip + int(c.lo)) >> 6; w <= (c.skip+int(c.hi)-1)>>6; w++ {
		for x := c.words[w]; x != 0; x &= x - 1 {
			to = append(to, int32(w<<6+bits.TrailingZeros64(x)-c.skip))
		}
	}
	return to
}

func (c *chosen) drop(n int) {
	c.clear(int32(n)) // no later move holds what it held
	c.lo, c.hi = 0, 0
	c.grow(int32(n))
	c.skip += n
	gone := c.skip >> 6
	c.words = c.words[:copy(c.words, c.words[gone:])]
	c.skip &= 63
}

// runDistinct takes the kernels of a window through its moves, over the rows
// that were kept.
func (t *tally) runDistinct(w int, note func(kernel, int)) {
	d, m := t.distinct, &t.moves[w]
	from := t.rows
	if m.n > 0 {
		from = int(m.list[0].row)
	}
	if t.done < from { // these hold what the last row held
		for _, k := range t.tracks {
			if k.window == w {
				for _, x := range k.kernels {
					note(x, x.run(nil, t.done, from))
				}
			}
		}
	}
	c := &d.windows[w]
	for i := 0; i < m.n; {
		rows, list := d.rows[:0], t.list[:0]
		for ; i < m.n; i++ {
			v := m.list[i]
			if v.hi != absent {
				d.move(c, v.lo, v.hi)
				if len(list) > 0 && len(rows)+c.n > pickedAtOnce {
					break
				}
				v.lo = int32(len(rows))
				rows = c.list(rows)
				v.hi = int32(len(rows))
			}
			list = append(list, v)
		}
		d.rows, t.list = rows, list
		to := t.rows
		if i < m.n {
			to = int(m.list[i].row)
		}
		for _, k := range t.tracks {
			if k.window == w {
				t.runPicked(k, list, rows, int(list[0].row), to, note)
			}
		}
	}
}

// runPicked takes the kernels of a track through moves over picked rows, of
// which those take part that are in the track's lane.
func (t *tally) runPicked(k *track, list []move, rows []int32, from, to int, note func(kernel, int)) {
	for _, x := range k.kernels {
		x.drop(int32(k.picked))
	}
	for _, in := range k.inputs {
		if in != nil {
			in.drop(k.picked)
		}
	}
	if l := t.lanes[k.lane]; l.where >= 0 {
		part := t.part[:0]
		mapped := make([]move, len(list))
		for i, v := range list {
			if v.hi != absent {
				lo := int32(len(part))
				for _, r := range rows[v.lo:v.hi] {
					if l.has(r) {
						part = append(part, r)
					}
				}
				v.lo, v.hi = lo, int32(len(part))
			}
			mapped[i] = v
		}
		t.part, rows, list = part, part, mapped
	}
	for i, in := range k.inputs {
		if in != nil {
			in.pick(t.sources[i].all, 0, rows)
		}
	}
	k.picked = len(rows)
	for _, x := range k.kernels {
		note(x, x.run(list, from, to))
	}
}

// appendEqual appends bytes of row i of a that are the same for equal values
// (S-305) and for no others: the canonical bytes, but for negative zeros.
func appendEqual(to []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(to, 0)
	}
	switch x := a.(type) {
	case *array.Float64:
		v := positiveZero(x.Value(i))
		return binary.BigEndian.AppendUint64(append(to, 1), canonical.Float64Bits(v))
	case *array.Float32:
		v := positiveZero(x.Value(i))
		return binary.BigEndian.AppendUint32(append(to, 1), canonical.Float32Bits(v))
	case *array.Struct:
		to = append(to, 1)
		for f := range x.NumField() {
			to = appendEqual(to, x.Field(f), i)
		}
		return to
	case array.ListLike:
		to = append(to, 1)
		from, end := x.ValueOffsets(i)
		for e := from; e < end; e++ {
			to = appendEqual(append(to, 2), x.ListValues(), int(e))
		}
		return append(to, 0)
	}
	return canonical.AppendValue(to, a, i)
}
