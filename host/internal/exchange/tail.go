package exchange

import (
	"cmp"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow/canonical"
)

// tail is what the last columns of a chain share: they only compare, rows that
// are equal in all canonical bytes, so that rows in truth different never come
// out in the order they came in (E1).
type tail struct{}

func (tail) set(int, arrow.Array)                                   {}
func (tail) heads(_ int, out []uint64)                              { clear(out) }
func (tail) bytes([]uint32) int64                                   { return 0 }
func (tail) gather([]uint32, memory.Allocator) (arrow.Array, error) { return nil, nil }

// printed orders values without canonical bytes, such as intervals, as Arrow
// prints them.
type printed struct {
	tail
	of arrays
}

// arrays is a column that keeps its arrays: others and lists.
type arrays interface {
	array(slot uint32) arrow.Array
}

func (c printed) compare(a, b uint32) int {
	return comparePrinted(c.of.array(a>>rowBits), int(a&rowMask), c.of.array(b>>rowBits), int(b&rowMask))
}

// comparePrinted goes into lists and structs itself: Arrow prints an empty
// list in two ways.
func comparePrinted(a arrow.Array, i int, b arrow.Array, j int) int {
	switch an, bn := a.IsNull(i), b.IsNull(j); {
	case an && bn:
		return 0
	case an:
		return -1
	case bn:
		return 1
	}
	switch x := a.(type) {
	case array.ExtensionArray:
		return comparePrinted(x.Storage(), i, b.(array.ExtensionArray).Storage(), j)
	case *array.Struct:
		for f := range x.NumField() {
			if c := comparePrinted(x.Field(f), i, b.(*array.Struct).Field(f), j); c != 0 {
				return c
			}
		}
		return 0
	case array.ListLike:
		y := b.(array.ListLike)
		p, pEnd := x.ValueOffsets(i)
		q, qEnd := y.ValueOffsets(j)
		for ; p < pEnd && q < qEnd; p, q = p+1, q+1 {
			if c := comparePrinted(x.ListValues(), int(p), y.ListValues(), int(q)); c != 0 {
				return c
			}
		}
		return cmp.Compare(pEnd-p, qEnd-q)
	}
	if canonical.Supported(a.DataType()) {
		return canonical.Compare(a, i, b, j)
	}
	return strings.Compare(a.ValueStr(i), b.ValueStr(j))
}

// rawBits tells apart the NaNs that canonical bytes hold equal.
type rawBits struct {
	tail
	of column
}

// hasFloat reports whether values of type t may hold a NaN.
func hasFloat(t arrow.DataType) bool {
	switch x := t.(type) {
	case arrow.ExtensionType:
		return hasFloat(x.StorageType())
	case arrow.NestedType:
		for _, f := range x.Fields() {
			if hasFloat(f.Type) {
				return true
			}
		}
	}
	return arrow.IsFloating(t.ID())
}

func (c rawBits) compare(a, b uint32) int {
	as, ar, bs, br := a>>rowBits, a&rowMask, b>>rowBits, b&rowMask
	switch x := c.of.(type) {
	case *fixed64:
		if x.any() && x.null(a) {
			return 0
		}
		return cmp.Compare(x.v[as][ar], x.v[bs][br])
	case *fixed32:
		if x.any() && x.null(a) {
			return 0
		}
		return cmp.Compare(x.v[as][ar], x.v[bs][br])
	case arrays:
		return compareRaw(x.array(as), int(ar), x.array(bs), int(br))
	}
	return 0
}

// compareRaw compares the bits of floats in two values that are equal by their
// canonical bytes, so of one shape.
func compareRaw(a arrow.Array, i int, b arrow.Array, j int) int {
	if a.IsNull(i) {
		return 0
	}
	switch x := a.(type) {
	case *array.Float16:
		return cmp.Compare(x.Value(i).Uint16(), b.(*array.Float16).Value(j).Uint16())
	case *array.Float32:
		return cmp.Compare(math.Float32bits(x.Value(i)), math.Float32bits(b.(*array.Float32).Value(j)))
	case *array.Float64:
		return cmp.Compare(math.Float64bits(x.Value(i)), math.Float64bits(b.(*array.Float64).Value(j)))
	case array.ExtensionArray:
		return compareRaw(x.Storage(), i, b.(array.ExtensionArray).Storage(), j)
	case *array.Struct:
		for f := range x.NumField() {
			if c := compareRaw(x.Field(f), i, b.(*array.Struct).Field(f), j); c != 0 {
				return c
			}
		}
	case array.ListLike:
		y := b.(array.ListLike)
		p, end := x.ValueOffsets(i)
		q, _ := y.ValueOffsets(j)
		for ; p < end; p, q = p+1, q+1 {
			if c := compareRaw(x.ListValues(), int(p), y.ListValues(), int(q)); c != 0 {
				return c
			}
		}
	}
	return 0
}
