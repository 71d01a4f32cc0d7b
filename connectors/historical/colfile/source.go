package colfile

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// kind is how values are kept in blocks.
type kind uint8

const (
	kind32 kind = iota
	kind64
	kind128
	kindBool
	kindBytes
	kindList
)

// kindOf says how a type is kept; the types are those of S-401.
func kindOf(t arrow.DataType) (kind, error) {
	switch t.ID() {
	case arrow.INT32, arrow.DATE32, arrow.FLOAT32:
		return kind32, nil
	case arrow.INT64, arrow.TIMESTAMP, arrow.FLOAT64:
		return kind64, nil
	case arrow.DECIMAL128:
		return kind128, nil
	case arrow.BOOL:
		return kindBool, nil
	case arrow.STRING, arrow.BINARY:
		return kindBytes, nil
	case arrow.LIST:
		elem, err := kindOf(t.(*arrow.ListType).Elem())
		if err != nil || elem == kindList {
			return 0, fmt.Errorf("type %s cannot be stored", t)
		}
		return kindList, nil
	}
	return 0, fmt.Errorf("type %s cannot be stored", t)
}

// Source is one column of a batch, seen as raw values. It borrows the array.
type Source struct {
	kind    kind
	n       int
	nulls   int
	valid   []byte // validity bits, used only when nulls > 0
	offset  int    // of the first row in valid
	v32     []uint32
	v64     []uint64
	v128    []int128
	bits    []byte  // of booleans, from offset on
	offsets []int32 // of bytes and lists, n+1
	data    []byte
	elem    *Source
}

// NewSource looks at an array of a type that kindOf knows.
func NewSource(arr arrow.Array) (*Source, error) {
	k, err := kindOf(arr.DataType())
	if err != nil {
		return nil, err
	}
	d := arr.Data()
	n, off := d.Len(), d.Offset()
	s := &Source{kind: k, n: n, nulls: arr.NullN(), offset: off}
	if s.nulls > 0 {
		s.valid = d.Buffers()[0].Bytes()
	}
	if n == 0 {
		return s, nil
	}
	switch k {
	case kind32:
		s.v32 = view[uint32](d.Buffers()[1].Bytes(), off, n)
	case kind64:
		s.v64 = view[uint64](d.Buffers()[1].Bytes(), off, n)
	case kind128:
		s.v128 = view[int128](d.Buffers()[1].Bytes(), off, n)
	case kindBool:
		s.bits = d.Buffers()[1].Bytes()
	case kindBytes:
		s.offsets = view[int32](d.Buffers()[1].Bytes(), off, n+1)
		if b := d.Buffers()[2]; b != nil {
			s.data = b.Bytes()
		}
	case kindList:
		s.offsets = view[int32](d.Buffers()[1].Bytes(), off, n+1)
		s.elem, err = NewSource(arr.(*array.List).ListValues())
	}
	return s, err
}

// view sees bytes as values of T, from the off-th on.
func view[T any](b []byte, off, n int) []T {
	var v T
	width := int(unsafe.Sizeof(v))
	b = b[off*width : (off+n)*width]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// isNull says whether row r is null.
func (s *Source) isNull(r int32) bool {
	bit := s.offset + int(r)
	return s.nulls > 0 && s.valid[bit>>3]>>(bit&7)&1 == 0
}
