package cdata

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// ImportLimits bound what an import copies and how it treats floats.
type ImportLimits struct {
	OutputRatio float64 // bytes copied <= OutputRatio x input + Slack; 0 = the default of abi.Limits
	Slack       int64   // 0 = abi.CopySlack
	// CanonicalNaN rewrites every NaN to the quiet one without payload, for
	// plugins that call themselves deterministic (ABI-M-021).
	CanonicalNaN bool
	// PoolBytes is the most that idle host buffers may hold; 0 = 64 MiB.
	PoolBytes int64
}

// Want is what a batch must fit.
type Want struct {
	Rows       int64 // exact number of rows, or -1 for any
	InputBytes int64 // of the batch that the guest was given, as Exporter.Size tells
	Before     int64 // bytes copied for the same input already, when its answer comes in pieces
}

// Importer copies batches of one schema out of guest memory. One goroutine may
// import at a time; the records may be released from any.
type Importer struct {
	schema *arrow.Schema
	root   node
	limits ImportLimits
	pool   *pool

	// Of the import under way:
	mem    guest
	parts  *Parts // where it comes in parts, not in memory
	left   int64  // bytes that may still be copied
	copies []*memory.Buffer
	datas  []arrow.ArrayData
	arrays []arrow.Array
}

// NewImporter prepares for batches of schema s, as ImportSchema answered it.
// It refuses (FH-2003) types that may not cross.
func NewImporter(s *arrow.Schema, limits ImportLimits) (*Importer, error) {
	if err := checkFields(s.Fields()); err != nil {
		return nil, fault.New(badOutput, "%v", err)
	}
	if limits.OutputRatio == 0 {
		limits.OutputRatio = abi.DefaultLimits().OutputRatio
	}
	if limits.Slack == 0 {
		limits.Slack = abi.CopySlack
	}
	if limits.PoolBytes == 0 {
		limits.PoolBytes = 64 << 20
	}
	root := node{nullable: true, shape: structShape, children: nodesOf("", s.Fields())}
	number(&root)
	return &Importer{schema: s, root: root, limits: limits, pool: &pool{max: limits.PoolBytes}}, nil
}

// Schema of the records.
func (im *Importer) Schema() *arrow.Schema { return im.schema }

// Import copies the batch whose root struct lies at ptr and checks the copy:
// V2 to V7 and V9 to V12, with the codes of this package. The caller releases
// the record, which gives its buffers back; it stays valid whatever becomes of
// mem. After an error nothing is held.
func (im *Importer) Import(mem []byte, ptr uint32, want Want) (arrow.RecordBatch, error) {
	im.mem = mem
	h, err := im.header(ptr, &im.root)
	if err != nil {
		return nil, err
	}
	return im.batch(h, want)
}

// batch copies what the header of the root stands for.
func (im *Importer) batch(h header, want Want) (arrow.RecordBatch, error) {
	im.left = budget(im.limits, want.InputBytes) - want.Before
	defer im.reset()
	root := &im.root
	if want.Rows >= 0 && h.length != want.Rows {
		return nil, fault.New(BadLength, "the batch has %d rows, expected %d", h.length, want.Rows)
	}
	if _, nulls, err := im.validity(h, root, h.offset, h.length); err != nil || nulls > 0 {
		if err == nil {
			err = fault.New(BadNulls, "the batch marks %d of its rows as null: a batch has no validity", nulls)
		}
		return nil, err
	}
	for i := range root.children {
		c, err := im.child(h, root, i)
		if err != nil {
			return nil, err
		}
		d, err := im.take(c, &root.children[i], c.offset+h.offset, h.length)
		if err != nil {
			return nil, err
		}
		im.arrays = append(im.arrays, array.MakeFromData(d))
	}
	return array.NewRecordBatch(im.schema, im.arrays, h.length), nil
}

// budget gives the bytes that may be copied for an input.
func budget(l ImportLimits, input int64) int64 {
	b := l.OutputRatio*float64(input) + float64(l.Slack)
	if !(b < math.MaxInt64/2) {
		return math.MaxInt64 / 2
	}
	return int64(b)
}

// reset gives up the importer's own references; a record has its own.
func (im *Importer) reset() {
	for _, a := range im.arrays {
		a.Release()
	}
	for _, d := range im.datas {
		d.Release()
	}
	for _, b := range im.copies {
		b.Release()
	}
	clear(im.arrays)
	clear(im.datas)
	clear(im.copies)
	im.arrays, im.datas, im.copies = im.arrays[:0], im.datas[:0], im.copies[:0]
	im.mem, im.parts = nil, nil
}

// header is an ArrowArray, read once.
type header struct {
	length, nulls, offset int64
	buffers               [3]uint32
	children              table
	parts                 [3][]byte // instead of the two above, of an array that comes in parts
}

// header reads and checks the ArrowArray at ptr.
func (im *Importer) header(ptr uint32, n *node) (header, error) {
	var h header
	b, err := im.mem.region(ptr, abi.ArraySize, abi.Align, n.path, "an ArrowArray")
	if err != nil {
		return h, err
	}
	h.length, h.nulls, h.offset = u64(b, abi.ArrayLength), u64(b, abi.ArrayNullCount), u64(b, abi.ArrayOffset)
	buffers, kids := u64(b, abi.ArrayNBuffers), u64(b, abi.ArrayNChildren)
	switch {
	case kids != int64(len(n.children)):
		return h, fault.New(BadShape, "%s has %d children, expected %d", column(n.path), kids, len(n.children))
	case u32(b, abi.ArrayDictionary) != 0:
		return h, fault.New(BadShape, "%s has a dictionary, expected none", column(n.path))
	case h.length < 0 || h.offset < 0 || h.length > math.MaxInt32 || h.offset > math.MaxInt32-h.length:
		return h, fault.New(BadLength, "%s has length %d and offset %d, expected both from 0 and their sum at most 2147483647", column(n.path), h.length, h.offset)
	case buffers != int64(n.buffers()):
		return h, fault.New(BadBuffers, "%s has %d buffers, expected %d", column(n.path), buffers, n.buffers())
	case h.nulls < -1 || h.nulls > h.length:
		return h, fault.New(BadNulls, "%s has null count %d, expected -1 to %d", column(n.path), h.nulls, h.length)
	}
	t, err := im.mem.pointers(u32(b, abi.ArrayBuffers), n.buffers(), n.path, "the table of buffers")
	if err != nil {
		return h, err
	}
	for i := range n.buffers() {
		h.buffers[i] = t.at(i)
	}
	h.children, err = im.mem.pointers(u32(b, abi.ArrayChildren), len(n.children), n.path, "the table of children")
	return h, err
}

// child reads child i of a struct, which must be as long as its parent's
// slots, or the child of a list.
func (im *Importer) child(h header, n *node, i int) (header, error) {
	var c header
	var err error
	if im.parts != nil {
		c, err = im.part(&n.children[i])
	} else {
		c, err = im.header(h.children.at(i), &n.children[i])
	}
	if err == nil && n.shape == structShape && c.length < h.offset+h.length {
		err = fault.New(BadLength, "%s has length %d, its parent needs %d", column(n.children[i].path), c.length, h.offset+h.length)
	}
	return c, err
}

// take copies count values of an array from slot start on, and everything
// below them.
func (im *Importer) take(h header, n *node, start, count int64) (arrow.ArrayData, error) {
	validity, nulls, err := im.validity(h, n, start, count)
	if err != nil {
		return nil, err
	}
	buffers := make([]*memory.Buffer, 1, n.buffers())
	buffers[0] = validity
	var kids []arrow.ArrayData
	switch n.shape {
	case bitsShape:
		b, err := im.bits(h, n, 1, start, count)
		if err != nil {
			return nil, err
		}
		if nulls > 0 {
			for i, v := range validity.Bytes() {
				b.Bytes()[i] &= v
			}
		}
		buffers = append(buffers, b)
	case fixedShape:
		b, err := im.fixed(h, n, validity, nulls, start, count)
		if err != nil {
			return nil, err
		}
		buffers = append(buffers, b)
	case bytesShape:
		offsets, text, err := im.text(h, n, validity, nulls, start, count)
		if err != nil {
			return nil, err
		}
		buffers = append(buffers, offsets, text)
	case listShape:
		offsets, first, last, err := im.offsets(h, n, start, count)
		if err != nil {
			return nil, err
		}
		buffers = append(buffers, offsets)
		c, err := im.child(h, n, 0)
		if err != nil {
			return nil, err
		}
		if last > c.length {
			return nil, fault.New(BadOffsets, "%s: the last offset is %d, the items are %d", column(n.path), last, c.length)
		}
		kid, err := im.take(c, &n.children[0], c.offset+first, last-first)
		if err != nil {
			return nil, err
		}
		kids = []arrow.ArrayData{kid}
	case structShape:
		kids = make([]arrow.ArrayData, len(n.children))
		for i := range kids {
			c, err := im.child(h, n, i)
			if err != nil {
				return nil, err
			}
			if kids[i], err = im.take(c, &n.children[i], c.offset+start, count); err != nil {
				return nil, err
			}
		}
	}
	d := array.NewData(n.typ, int(count), buffers, kids, nulls, 0)
	im.datas = append(im.datas, d)
	return d, nil
}

// room lends a host buffer of n bytes against the budget (V12).
func (im *Importer) room(n int64, path string) (*memory.Buffer, error) {
	if n > im.left {
		return nil, fault.New(TooMuch, "%s: the output is larger than %g x the input and %d bytes", column(path), im.limits.OutputRatio, im.limits.Slack).
			WithHint("raise the stage's limits.output_ratio if the plugin is meant to give that much")
	}
	im.left -= n
	b := im.pool.get(int(n))
	im.copies = append(im.copies, b)
	return b, nil
}

// bits copies count bits of buffer i from bit start on.
func (im *Importer) bits(h header, n *node, i int, start, count int64) (*memory.Buffer, error) {
	what := "the bits"
	if i == 0 {
		what = "the validity buffer"
	}
	var src []byte
	if all := uint64(h.offset+h.length+7) / 8; all > 0 {
		var err error
		if src, err = im.source(h, i, all, 1, n.path, what); err != nil {
			return nil, err
		}
	}
	b, err := im.room((count+7)/8, n.path)
	if err == nil {
		copyBits(b.Bytes(), src, int(start), int(count))
	}
	return b, err
}

// validity copies the validity bits and counts the nulls (V7). The buffer is
// nil when there are none.
func (im *Importer) validity(h header, n *node, start, count int64) (*memory.Buffer, int, error) {
	nulls := 0
	var b *memory.Buffer
	if (h.buffers[0] != 0 || len(h.parts[0]) > 0) && h.length > 0 {
		var err error
		if b, err = im.bits(h, n, 0, start, count); err != nil {
			return nil, 0, err
		}
		nulls = int(count) - countBits(b.Bytes(), int(count))
	}
	whole := start == h.offset && count == h.length
	switch {
	case whole && h.nulls >= 0 && h.nulls != int64(nulls):
		return nil, 0, fault.New(BadNulls, "%s says %d nulls, %d were found", column(n.path), h.nulls, nulls).
			WithHint("write null_count -1 if the number is not known")
	case nulls > 0 && !n.nullable:
		return nil, 0, fault.New(BadNulls, "%s holds %d nulls, the schema calls it non-nullable", column(n.path), nulls)
	case nulls == 0:
		return nil, 0, nil
	}
	return b, nulls, nil
}
