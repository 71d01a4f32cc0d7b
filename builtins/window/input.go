package window

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/host/flow"
)

// input holds the open rows of an input column.
type input interface {
	// load appends the rows of a. Texts and nested values keep pointing into
	// a, which the owner keeps alive.
	load(a arrow.Array)
	// drop forgets the first n rows.
	drop(n int)
	// aliases reports whether loaded values point into loaded arrays.
	aliases() bool
}

// column is an input column of values of type T. The value of a null is
// whatever the slot held.
type column[T any] struct {
	vals  []T
	valid []bool
	read  func(dst []T, a arrow.Array) []T
	alias bool
	// hashes are those of vals as far as a kernel asked for them; windows and
	// kernels share them. That of a null is of whatever the slot holds.
	hashes []uint64
}

// hashed gives the hashes of all rows.
func (c *column[T]) hashed(hash func(dst []uint64, vals []T) []uint64) []uint64 {
	if n := len(c.hashes); n < len(c.vals) {
		c.hashes = hash(c.hashes, c.vals[n:])
	}
	return c.hashes
}

// cell is a nested value: a row of an array.
type cell struct {
	of  arrow.Array
	row int
}

func (c *column[T]) load(a arrow.Array) {
	c.vals = c.read(c.vals, a)
	c.valid = appendValid(c.valid, a)
}

func (c *column[T]) drop(n int) {
	kept := copy(c.vals, c.vals[n:])
	clear(c.vals[kept:]) // lets go of texts
	c.vals = c.vals[:kept]
	c.valid = c.valid[:copy(c.valid, c.valid[n:])]
	c.hashes = c.hashes[:copy(c.hashes, c.hashes[min(n, len(c.hashes)):])]
}

func (c *column[T]) aliases() bool { return c.alias }

func appendValid(dst []bool, a arrow.Array) []bool {
	n, from := a.Len(), len(dst)
	if cap(dst)-from < n {
		dst = append(dst, make([]bool, n)...)
	} else {
		dst = dst[:from+n]
	}
	tail := dst[from:]
	bits, offset := a.NullBitmapBytes(), a.Data().Offset()
	if len(bits) == 0 || a.NullN() == 0 {
		none := a.DataType().ID() == arrow.NULL
		for i := range tail {
			tail[i] = !none
		}
		return dst
	}
	for i := range tail {
		tail[i] = bitutil.BitIsSet(bits, offset+i)
	}
	return dst
}

// plain gives the values of an array whose type is as wide as T.
func plain[T any](a arrow.Array) []T {
	d := a.Data()
	b := d.Buffers()[1]
	if b == nil || d.Len() == 0 {
		return nil
	}
	all := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b.Bytes()))), d.Offset()+d.Len())
	return all[d.Offset():]
}

func readPlain[T any](dst []T, a arrow.Array) []T { return append(dst, plain[T](a)...) }

func readBool(dst []bool, a arrow.Array) []bool {
	b := a.(*array.Boolean)
	for i := range b.Len() {
		dst = append(dst, b.Value(i))
	}
	return dst
}

func readBytes(dst []string, a arrow.Array) []string {
	switch x := a.(type) {
	case *array.String:
		for i := range x.Len() {
			dst = append(dst, x.Value(i))
		}
	case *array.Binary:
		for i := range x.Len() {
			v := x.Value(i)
			dst = append(dst, unsafe.String(unsafe.SliceData(v), len(v)))
		}
	}
	return dst
}

func readCells(dst []cell, a arrow.Array) []cell {
	for i := range a.Len() {
		dst = append(dst, cell{a, i})
	}
	return dst
}

// newInput makes the input for a usable type. Integers and floats get their
// own types, for sums; other types of the same width are integers.
func newInput(t flow.DataType) input {
	switch t.ID() {
	case arrow.FLOAT32:
		return &column[float32]{read: readPlain[float32]}
	case arrow.FLOAT64:
		return &column[float64]{read: readPlain[float64]}
	}
	switch kindOf(t) {
	case four:
		return &column[int32]{read: readPlain[int32]}
	case eight:
		return &column[int64]{read: readPlain[int64]}
	case sixteen:
		return &column[decimal128.Num]{read: readPlain[decimal128.Num]}
	case boolean:
		return &column[bool]{read: readBool}
	case bytes:
		return &column[string]{read: readBytes, alias: true}
	default:
		return &column[cell]{read: readCells, alias: true}
	}
}
