package buffers

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Nulls are those of a column that is computed row by row from another one:
// the other's, and rows marked on the way. The bitmap is made at the first mark.
type Nulls struct {
	mem    memory.Allocator
	of     arrow.Array
	bits   *memory.Buffer
	marked int
}

// NullsOf begins with the nulls of a.
func NullsOf(mem memory.Allocator, a arrow.Array) Nulls { return Nulls{mem: mem, of: a} }

// Mark makes row i, which is not null in the other column, null.
func (n *Nulls) Mark(i int) {
	if n.bits == nil {
		if old := n.of.Data().Buffers()[0]; n.of.NullN() > 0 && old != nil {
			n.bits = copied(n.mem, n.of)
		} else {
			n.bits = New(n.mem, int(bitutil.BytesForBits(int64(n.of.Len()))))
			memory.Set(n.bits.Bytes(), 0xff)
		}
	}
	bitutil.ClearBit(n.bits.Bytes(), i)
	n.marked++
}

// Marked is the number of rows marked.
func (n *Nulls) Marked() int { return n.marked }

// Done gives the bitmap and the number of nulls, for Column.
func (n *Nulls) Done() (*memory.Buffer, int) {
	if n.bits != nil {
		return n.bits, n.of.NullN() + n.marked
	}
	return Validity(n.mem, n.of), n.of.NullN()
}
