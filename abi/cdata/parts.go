package cdata

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/host/fault"
)

// Parts is a batch as an Arrow IPC message tells it: what is known of each
// array, parents before their children, and the buffers of all in that order,
// validity first. A buffer may be empty where the message leaves it out.
type Parts struct {
	Rows    int64
	Nodes   []Part
	Buffers [][]byte
}

// Part is one array of a batch.
type Part struct{ Length, Nulls int64 }

// ImportParts is Import for a batch that comes in parts, which nobody may
// change meanwhile. The checks and their codes are the same; as there are no
// addresses, FH-4002 says that a buffer is too short.
func (im *Importer) ImportParts(p *Parts, want Want) (arrow.RecordBatch, error) {
	nodes, buffers := 0, 0
	for i := range im.root.children {
		im.root.children[i].walk(func(n *node) { nodes, buffers = nodes+1, buffers+n.buffers() })
	}
	switch {
	case len(p.Nodes) != nodes:
		return nil, fault.New(BadShape, "the batch has %d arrays, expected %d", len(p.Nodes), nodes)
	case len(p.Buffers) != buffers:
		return nil, fault.New(BadBuffers, "the batch has %d buffers, expected %d", len(p.Buffers), buffers)
	case p.Rows < 0 || p.Rows > math.MaxInt32:
		return nil, fault.New(BadLength, "the batch says that it has %d rows, expected 0 to 2147483647", p.Rows)
	}
	im.parts = p
	for i := range im.root.children {
		// Shorter children are refused below; a longer one would hide a mistake.
		if n := &im.root.children[i]; p.Nodes[n.index].Length != p.Rows {
			im.parts = nil
			return nil, fault.New(BadLength, "%s has length %d, the batch has %d rows", column(n.path), p.Nodes[n.index].Length, p.Rows)
		}
	}
	return im.batch(header{length: p.Rows}, want)
}

// Copied is how many bytes the last import copied for a Want.
func (im *Importer) Copied(want Want) int64 {
	return budget(im.limits, want.InputBytes) - im.left
}

// part gives the header of an array that came in parts.
func (im *Importer) part(n *node) (header, error) {
	p := im.parts.Nodes[n.index]
	h := header{length: p.Length, nulls: p.Nulls}
	switch {
	case h.length < 0 || h.length > math.MaxInt32:
		return h, fault.New(BadLength, "%s has length %d, expected 0 to 2147483647", column(n.path), h.length)
	case h.nulls < -1 || h.nulls > h.length:
		return h, fault.New(BadNulls, "%s has null count %d, expected -1 to %d", column(n.path), h.nulls, h.length)
	}
	copy(h.parts[:n.buffers()], im.parts.Buffers[n.first:])
	return h, nil
}

// source gives the n bytes of buffer i of an array.
func (im *Importer) source(h header, i int, n uint64, align uint32, path, what string) ([]byte, error) {
	if im.parts == nil {
		return im.mem.region(h.buffers[i], n, align, path, what)
	}
	b := h.parts[i]
	if uint64(len(b)) < n {
		return nil, fault.New(OutOfMemory, "%s: %s have %d bytes, expected %d", column(path), what, len(b), n)
	}
	return b[:n], nil
}

// CheckNulls refuses (FH-3001) a batch that holds a null where the schema
// allows none, as Write does.
func (e *Exporter) CheckNulls(rec arrow.RecordBatch) error {
	for i := range e.columns {
		d := rec.Column(i).Data()
		if err := checkNulls(&e.columns[i], d, d.Offset(), d.Len()); err != nil {
			return err
		}
	}
	return nil
}

func checkNulls(n *node, d arrow.ArrayData, start, count int) error {
	if !n.nullable {
		if nulls := nullsIn(d, start, count); nulls > 0 {
			return nullRefused(n, nulls, count)
		}
	}
	switch n.shape {
	case listShape:
		from, to := span(d, start, count)
		child := d.Children()[0]
		return checkNulls(&n.children[0], child, child.Offset()+from, to-from)
	case structShape:
		for i, child := range d.Children() {
			if err := checkNulls(&n.children[i], child, child.Offset()+start, count); err != nil {
				return err
			}
		}
	}
	return nil
}

func nullRefused(n *node, nulls, count int) error {
	return fault.New(inputNull, "column %q holds %d nulls of %d values, the plugin declares it as non-nullable", n.path, nulls, count).
		WithHint("filter out or replace the nulls in a stage before")
}
