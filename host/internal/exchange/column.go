package exchange

import (
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// column is one column over all records of a table. Its methods work on many
// rows at a time; compare alone is called per pair of rows, and only for rows
// that are equal in the prefixes before it.
type column interface {
	// set makes slot read from a, which has offset 0 and outlives the slot.
	set(slot int, a arrow.Array)
	// compare orders two rows by canonical bytes.
	compare(a, b uint32) int
	// gather makes an array of the rows named.
	gather(ids []uint32, mem memory.Allocator) (arrow.Array, error)
	// heads sets out[i] to a number for row i of slot whose order never
	// contradicts compare.
	heads(slot int, out []uint64)
	// bytes is the size of the rows named, as far as it varies by row.
	bytes(ids []uint32) int64
}

// prefixed is a column that can be sorted by numbers. A value is seen in
// steps: depth says how far into it earlier steps have looked.
type prefixed interface {
	column
	// prefix sets k of each item for a step. equal tells that all items have
	// one value. next is the depth of the step after this.
	prefix(items []item, depth int) (next int, equal bool)
	// done reports whether rows equal up to depth, with prefix k in this step,
	// are equal.
	done(k uint64, depth int) bool
}

func newColumn(t arrow.DataType) column {
	switch t.ID() {
	case arrow.INT64, arrow.TIMESTAMP, arrow.DATE64, arrow.TIME64, arrow.DURATION:
		return &fixed64{typ: t, kind: signed}
	case arrow.UINT64:
		return &fixed64{typ: t, kind: unsigned}
	case arrow.FLOAT64:
		return &fixed64{typ: t, kind: float}
	case arrow.INT32, arrow.DATE32, arrow.TIME32:
		return &fixed32{typ: t, kind: signed}
	case arrow.UINT32:
		return &fixed32{typ: t, kind: unsigned}
	case arrow.FLOAT32:
		return &fixed32{typ: t, kind: float}
	case arrow.DECIMAL128:
		return &decimals{typ: t}
	case arrow.BOOL:
		return &bools{}
	case arrow.STRING, arrow.BINARY:
		return &texts{typ: t}
	}
	if l := newLists(t); l != nil {
		return l
	}
	return &others{typ: t}
}

// nulls keeps the validity of a column's slots; slots without nulls have none.
type nulls struct {
	valid [][]byte
	slots int // how many slots have nulls
}

func (n *nulls) setValid(slot int, a arrow.Array) {
	for len(n.valid) <= slot {
		n.valid = append(n.valid, nil)
	}
	if n.valid[slot] != nil {
		n.slots--
	}
	n.valid[slot] = nil
	if a != nil && a.NullN() > 0 {
		n.valid[slot] = a.NullBitmapBytes()
		n.slots++
	}
}

func (n *nulls) any() bool { return n.slots > 0 }

func (n *nulls) null(id uint32) bool {
	v := n.valid[id>>rowBits]
	if v == nil {
		return false
	}
	i := id & rowMask
	return v[i>>3]>>(i&7)&1 == 0
}

// order compares validity: known is true when that settles it.
func (n *nulls) order(a, b uint32) (c int, known bool) {
	if n.slots == 0 {
		return 0, false
	}
	switch an, bn := n.null(a), n.null(b); {
	case an && bn:
		return 0, true
	case an:
		return -1, true
	case bn:
		return 1, true
	}
	return 0, false
}

// gatherValid gives the validity of the rows named, nil when all are valid.
func (n *nulls) gatherValid(ids []uint32, mem memory.Allocator) (*memory.Buffer, int) {
	if n.slots == 0 {
		return nil, 0
	}
	buf := newBuffer(mem, int(bitutil.BytesForBits(int64(len(ids)))))
	out := buf.Bytes()
	clear(out)
	set := 0
	for i, id := range ids {
		if !n.null(id) {
			out[i>>3] |= 1 << (i & 7)
			set++
		}
	}
	if set == len(ids) {
		buf.Release()
		return nil, 0
	}
	return buf, len(ids) - set
}

func newBuffer(mem memory.Allocator, size int) *memory.Buffer {
	return memory.NewBufferWithAllocator(mem.Allocate(size), mem)
}

// makeArray wraps buffers, taking over their references.
func makeArray(t arrow.DataType, n, nullN int, buffers ...*memory.Buffer) arrow.Array {
	d := array.NewData(t, n, buffers, nil, nullN, 0)
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	defer d.Release()
	return array.MakeFromData(d)
}

// grow makes s long enough to hold slot.
func grow[T any](s []T, slot int) []T {
	if slot < len(s) {
		return s
	}
	return append(s, make([]T, slot+1-len(s))...)
}

// digits is how many bits tell lo from hi apart.
func digits(lo, hi uint64) int { return bits.Len64(lo ^ hi) }
