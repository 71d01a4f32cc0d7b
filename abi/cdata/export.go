package cdata

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// Exporter writes batches of one schema into guest memory. It keeps no state
// between batches and may be shared.
type Exporter struct {
	columns []node
	structs int    // ArrowArrays, the root included
	head    uint64 // bytes of structs and pointer tables, a multiple of 64
}

// NewExporter prepares for batches of schema s. It refuses (FH-2002) types
// that may not cross.
func NewExporter(s *arrow.Schema) (*Exporter, error) {
	if err := checkFields(s.Fields()); err != nil {
		return nil, fault.New(badInput, "%v", err).WithHint("cast the column in a stage before, or leave it out")
	}
	e := &Exporter{columns: nodesOf("", s.Fields()), structs: 1}
	tables := 4 + 4*len(e.columns)
	for i := range e.columns {
		e.columns[i].walk(func(n *node) {
			e.structs++
			tables += 4*n.buffers() + 4*len(n.children)
		})
	}
	e.head = align64(uint64(e.structs*abi.ArraySize + tables))
	return e, nil
}

// Size gives the bytes of arena that Write needs for rec.
func (e *Exporter) Size(rec arrow.RecordBatch) (uint32, error) {
	if int(rec.NumCols()) != len(e.columns) {
		return 0, fault.New(badInput, "the batch has %d columns, the plugin was bound to %d", rec.NumCols(), len(e.columns))
	}
	total := e.head
	for i := range e.columns {
		d := rec.Column(i).Data()
		if !arrow.TypeEqual(d.DataType(), e.columns[i].typ) {
			return 0, fault.New(badInput, "column %q has type %s, the plugin was bound to %s", e.columns[i].path, d.DataType(), e.columns[i].typ)
		}
		total += sizeOf(&e.columns[i], d, d.Offset(), d.Len())
	}
	if total > math.MaxInt32 {
		return 0, fault.New(arenaTooFull, "the batch needs %d bytes of guest memory, at most %d can be handed over at once", total, math.MaxInt32).
			WithHint("lower batch_rows or the stage's limits.max_batch_rows")
	}
	return uint32(total), nil
}

// sizeOf gives the bytes of all buffers of rows [start, start+count) of d.
func sizeOf(n *node, d arrow.ArrayData, start, count int) uint64 {
	size := uint64(0)
	if nullsIn(d, start, count) > 0 {
		size = align64(uint64(count+7) / 8)
	}
	switch n.shape {
	case bitsShape:
		size += align64(uint64(count+7) / 8)
	case fixedShape:
		size += align64(uint64(count) * uint64(n.width))
	case bytesShape:
		from, to := span(d, start, count)
		size += align64(uint64(count+1)*4) + align64(uint64(to-from))
	case listShape:
		from, to := span(d, start, count)
		child := d.Children()[0]
		size += align64(uint64(count+1)*4) + sizeOf(&n.children[0], child, child.Offset()+from, to-from)
	case structShape:
		for i, child := range d.Children() {
			size += sizeOf(&n.children[i], child, child.Offset()+start, count)
		}
	}
	return size
}

// Write puts rec into mem[base:base+Size(rec)] and gives the address of its
// root struct. Buffers are aligned to 64 bytes and begin at offset 0, a column
// without nulls has no validity buffer, and all release fields are 0. base
// must be a multiple of 64 and not 0 (FH-4003, FH-4002): it is what the guest
// answered to fh_alloc. A null in a column that the schema calls non-nullable
// is FH-3001.
func (e *Exporter) Write(mem []byte, base uint32, rec arrow.RecordBatch) (arrayPtr uint32, err error) {
	size, err := e.Size(rec)
	if err != nil {
		return 0, err
	}
	if err := checkArena(mem, base, size); err != nil {
		return 0, err
	}
	w := writer{mem: mem, structs: base, tables: base + uint32(e.structs*abi.ArraySize), data: base + uint32(e.head)}
	root := w.array(rec.NumRows(), 0, 1, len(e.columns))
	for i := range e.columns {
		d := rec.Column(i).Data()
		at, err := w.column(&e.columns[i], d, d.Offset(), d.Len())
		if err != nil {
			return 0, err
		}
		root.child(mem, i, at)
	}
	return base, nil
}

// checkArena holds what fh_alloc answered against mem.
func checkArena(mem []byte, base, size uint32) error {
	switch {
	case base%abi.AllocAlign != 0:
		return fault.New(Misaligned, "fh_alloc answered address %d, expected a multiple of %d", base, abi.AllocAlign)
	case base == 0 || uint64(base)+uint64(size) > uint64(len(mem)):
		return fault.New(OutOfMemory, "fh_alloc answered address %d for %d bytes, the memory has %d", base, size, len(mem))
	}
	return nil
}

// writer lays out one batch: structs, then pointer tables, then buffers.
type writer struct {
	mem                   []byte
	structs, tables, data uint32
}

// written is an ArrowArray in the arena, and where its tables are.
type written struct{ at, buffers, children uint32 }

func (w *writer) array(length int64, nulls, buffers, children int) written {
	a := written{w.structs, w.tables, w.tables + uint32(4*buffers)}
	w.structs += abi.ArraySize
	w.tables += uint32(4*buffers + 4*children)
	s := w.mem[a.at : a.at+abi.ArraySize]
	clear(s)
	le := binary.LittleEndian
	le.PutUint64(s[abi.ArrayLength:], uint64(length))
	le.PutUint64(s[abi.ArrayNullCount:], uint64(nulls))
	le.PutUint64(s[abi.ArrayNBuffers:], uint64(buffers))
	le.PutUint64(s[abi.ArrayNChildren:], uint64(children))
	le.PutUint32(s[abi.ArrayBuffers:], a.buffers)
	if children > 0 {
		le.PutUint32(s[abi.ArrayChildren:], a.children)
	}
	clear(w.mem[a.buffers:w.tables])
	return a
}

func (a written) buffer(mem []byte, i int, at uint32) {
	binary.LittleEndian.PutUint32(mem[a.buffers+uint32(4*i):], at)
}

func (a written) child(mem []byte, i int, at uint32) {
	binary.LittleEndian.PutUint32(mem[a.children+uint32(4*i):], at)
}

// room takes n bytes of the arena for a buffer.
func (w *writer) room(n int) (at uint32, b []byte) {
	at = w.data
	w.data += uint32(align64(uint64(n)))
	return at, w.mem[at : at+uint32(n)]
}

// column writes rows [start, start+count) of d; start counts from the first
// slot of d's buffers.
func (w *writer) column(n *node, d arrow.ArrayData, start, count int) (uint32, error) {
	nulls := nullsIn(d, start, count)
	if nulls > 0 && !n.nullable {
		return 0, nullRefused(n, nulls, count)
	}
	a := w.array(int64(count), nulls, n.buffers(), len(n.children))
	if nulls > 0 {
		at, b := w.room((count + 7) / 8)
		copyBits(b, d.Buffers()[0].Bytes(), start, count)
		a.buffer(w.mem, 0, at)
	}
	switch n.shape {
	case bitsShape:
		at, b := w.room((count + 7) / 8)
		if src := bytesOf(d, 1); len(src) > 0 {
			copyBits(b, src, start, count)
		} else {
			clear(b)
		}
		a.buffer(w.mem, 1, at)
	case fixedShape:
		at, b := w.room(count * n.width)
		if src := bytesOf(d, 1); len(src) > 0 {
			copy(b, src[start*n.width:(start+count)*n.width])
		} else {
			clear(b)
		}
		a.buffer(w.mem, 1, at)
	case bytesShape:
		from, to := w.offsets(a, d, start, count)
		at, b := w.room(to - from)
		if to > from {
			copy(b, bytesOf(d, 2)[from:to])
		}
		a.buffer(w.mem, 2, at)
	case listShape:
		from, to := w.offsets(a, d, start, count)
		child := d.Children()[0]
		at, err := w.column(&n.children[0], child, child.Offset()+from, to-from)
		if err != nil {
			return 0, err
		}
		a.child(w.mem, 0, at)
	case structShape:
		for i, child := range d.Children() {
			at, err := w.column(&n.children[i], child, child.Offset()+start, count)
			if err != nil {
				return 0, err
			}
			a.child(w.mem, i, at)
		}
	}
	return a.at, nil
}

// offsets writes the offsets of count rows from start on, so that they begin
// at 0, and gives the span of the data that they stand for.
func (w *writer) offsets(a written, d arrow.ArrayData, start, count int) (from, to int) {
	at, b := w.room(4 * (count + 1))
	a.buffer(w.mem, 1, at)
	src := offsetsOf(d, start, count)
	if src == nil {
		clear(b)
		return 0, 0
	}
	first := src[0]
	if first == 0 {
		copy(b, arrow.Int32Traits.CastToBytes(src))
	} else {
		dst := arrow.Int32Traits.CastFromBytes(b)
		for i, o := range src {
			dst[i] = o - first
		}
	}
	return int(first), int(src[count])
}

// span gives the first and last offset of count rows from start on.
func span(d arrow.ArrayData, start, count int) (from, to int) {
	src := offsetsOf(d, start, count)
	if src == nil {
		return 0, 0
	}
	return int(src[0]), int(src[count])
}

// offsetsOf gives the count+1 offsets of count rows, nil when there are none:
// an empty array may come without an offsets buffer.
func offsetsOf(d arrow.ArrayData, start, count int) []int32 {
	b := bytesOf(d, 1)
	if len(b) == 0 {
		return nil
	}
	return arrow.Int32Traits.CastFromBytes(b)[start : start+count+1]
}

func bytesOf(d arrow.ArrayData, i int) []byte {
	if b := d.Buffers()[i]; b != nil {
		return b.Bytes()
	}
	return nil
}

// nullsIn counts the nulls among rows [start, start+count) of d.
func nullsIn(d arrow.ArrayData, start, count int) int {
	validity := bytesOf(d, 0)
	if len(validity) == 0 || count == 0 || d.NullN() == 0 {
		return 0
	}
	if n := d.NullN(); n > 0 && start == d.Offset() && count == d.Len() {
		return n
	}
	return count - bitutil.CountSetBits(validity, start, count)
}

func align64(n uint64) uint64 { return (n + 63) &^ 63 }
