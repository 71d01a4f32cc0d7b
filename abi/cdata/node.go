package cdata

import (
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
)

// shape is how the buffers of a type are laid out.
type shape uint8

const (
	bitsShape   shape = iota // validity, bits
	fixedShape               // validity, values of width bytes
	bytesShape               // validity, int32 offsets, bytes
	listShape                // validity, int32 offsets; 1 child
	structShape              // validity; children
)

// node is a column, or a field of a nested one, prepared for walking.
type node struct {
	path     string // "a", "a.b", "a.item"
	typ      arrow.DataType
	nullable bool
	shape    shape
	width    int    // fixedShape: bytes of a value
	align    uint32 // fixedShape: alignment of the values
	utf8     bool
	float    bool
	decimal  *[2]uint64 // greatest absolute value: low, high word
	children []node
	index    int // place among the nodes, and of its first buffer among the buffers, where
	first    int // a batch comes in parts: parents before their children
}

// number gives the nodes below the root their places.
func number(root *node) {
	index, first := 0, 0
	for i := range root.children {
		root.children[i].walk(func(n *node) {
			n.index, n.first = index, first
			index, first = index+1, first+n.buffers()
		})
	}
}

func nodesOf(prefix string, fields []arrow.Field) []node {
	out := make([]node, len(fields))
	for i, f := range fields {
		out[i] = nodeOf(prefix+f.Name, f)
	}
	return out
}

// nodeOf prepares a field whose type is supported.
func nodeOf(path string, f arrow.Field) node {
	n := node{path: path, typ: f.Type, nullable: f.Nullable, shape: fixedShape}
	switch t := f.Type.(type) {
	case *arrow.BooleanType:
		n.shape = bitsShape
	case *arrow.StringType:
		n.shape, n.utf8 = bytesShape, true
	case *arrow.BinaryType:
		n.shape = bytesShape
	case *arrow.ListType:
		n.shape, n.children = listShape, nodesOf(path+".", children(t))
	case *arrow.StructType:
		n.shape, n.children = structShape, nodesOf(path+".", children(t))
	case *arrow.FixedSizeBinaryType:
		n.width, n.align = t.ByteWidth, 1
	case *arrow.Decimal128Type:
		n.width, n.align = 16, 8
		n.decimal = greatest(t.Precision)
	case arrow.FixedWidthDataType:
		n.width = t.Bytes()
		n.align = uint32(n.width)
		n.float = arrow.IsFloating(t.ID())
	}
	return n
}

// greatest gives 10^precision - 1.
func greatest(precision int32) *[2]uint64 {
	v := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	v.Sub(v, big.NewInt(1))
	low := new(big.Int).And(v, new(big.Int).SetUint64(^uint64(0)))
	return &[2]uint64{low.Uint64(), new(big.Int).Rsh(v, 64).Uint64()}
}

// buffers is the number of buffers of the node's type, validity included.
func (n *node) buffers() int {
	switch n.shape {
	case bytesShape:
		return 3
	case structShape:
		return 1
	}
	return 2
}

// walk calls f for n and everything below it, parents first.
func (n *node) walk(f func(*node)) {
	f(n)
	for i := range n.children {
		n.children[i].walk(f)
	}
}
