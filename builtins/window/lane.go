package window

import (
	"encoding/binary"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// lane is the open rows that take part in the aggregates of one condition.
// Its inputs hold no others, and its ranks tell which run of them a run of
// open rows is; so kernels need not know of conditions, and a row costs
// nothing in the lanes it takes no part in.
type lane struct {
	name  string // Aggregate.Where
	where int    // its column, or -1 for the lane of all rows
	ranks
	inputs []laneInput // one for each source, or nil
}

// laneInput is an input that can be filled from another one.
type laneInput interface {
	input
	// pick appends rows of an input of the same type; they count from base.
	pick(from input, base int, rows []int32)
}

func (c *column[T]) pick(from input, base int, rows []int32) {
	src := from.(*column[T])
	vals, valid := src.vals[base:], src.valid[base:]
	for _, r := range rows {
		c.vals = append(c.vals, vals[r])
		c.valid = append(c.valid, valid[r])
	}
}

// size gives the number of rows of the lane, open being those of all rows.
func (l *lane) size(open int) int {
	if l.where < 0 {
		return open
	}
	return int(l.rank(int32(open)))
}

// load appends the rows of a batch, of which those take part where a is true,
// and appends the numbers of these to part.
func (l *lane) load(a arrow.Array, part []int32) []int32 {
	b := a.(*array.Boolean)
	d := b.Data()
	n, offset := b.Len(), d.Offset()
	var values []byte
	if d.Buffers()[1] != nil {
		values = d.Buffers()[1].Bytes()
	}
	valid := b.NullBitmapBytes()
	if b.NullN() == 0 {
		valid = nil
	}
	for i := 0; i < n; i += 64 {
		k := min(64, n-i)
		w := bitsAt(values, offset+i, k)
		if valid != nil {
			w &= bitsAt(valid, offset+i, k)
		}
		l.append(w, k)
		for ; w != 0; w &= w - 1 {
			part = append(part, int32(i+bits.TrailingZeros64(w)))
		}
	}
	return part
}

// bitsAt gives n bits, at most 64, of a bitmap.
func bitsAt(b []byte, at, n int) uint64 {
	b = b[at>>3:]
	var w uint64
	if len(b) >= 8 {
		w = binary.LittleEndian.Uint64(b)
	} else {
		for i, x := range b {
			w |= uint64(x) << (8 * i)
		}
	}
	if s := at & 7; s > 0 {
		w >>= s
		if s+n > 64 {
			w |= uint64(b[8]) << (64 - s)
		}
	}
	if n < 64 {
		w &= 1<<n - 1
	}
	return w
}

// ranks is a bitmap of rows that counts set bits quickly and forgets rows at
// its front.
type ranks struct {
	words  []uint64
	before []uint32 // set bits before each word; counts wrap around
	skip   int      // rows of the first word that were forgotten
	base   uint32   // set bits before the first row
	total  uint32   // set bits in all
	n      int
}

// append appends the lowest n bits of w, 1 to 64; the others are 0.
func (r *ranks) append(w uint64, n int) {
	s := (r.skip + r.n) & 63
	switch {
	case s == 0:
		r.words, r.before = append(r.words, w), append(r.before, r.total)
	default:
		r.words[len(r.words)-1] |= w << s
		if s+n > 64 {
			r.words = append(r.words, w>>(64-s))
			r.before = append(r.before, r.total+uint32(bits.OnesCount64(w<<s)))
		}
	}
	r.total += uint32(bits.OnesCount64(w))
	r.n += n
}

// rank counts the set bits before row i.
func (r *ranks) rank(i int32) int32 { return int32(r.count(r.skip+int(i)) - r.base) }

func (r *ranks) count(at int) uint32 {
	w := at >> 6
	if w == len(r.words) {
		return r.total
	}
	return r.before[w] + uint32(bits.OnesCount64(r.words[w]&(1<<(at&63)-1)))
}

// has reports whether the bit of row i is set.
func (r *ranks) has(i int32) bool {
	at := r.skip + int(i)
	return r.words[at>>6]>>(at&63)&1 == 1
}

// forget forgets the first n rows.
func (r *ranks) forget(n int) {
	r.skip += n
	r.n -= n
	r.base = r.count(r.skip)
	gone := r.skip >> 6
	r.words = r.words[:copy(r.words, r.words[gone:])]
	r.before = r.before[:copy(r.before, r.before[gone:])]
	r.skip &= 63
}

// drop takes leave of the first dead open rows.
func (l *lane) drop(dead int) {
	n := int(l.rank(int32(dead)))
	for _, in := range l.inputs {
		if in != nil {
			in.drop(n)
		}
	}
	l.forget(dead)
}
