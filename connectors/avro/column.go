package avro

import (
	"encoding/binary"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// column holds the values of the batch in the making. Of the slices only those
// of its type are used.
type column struct {
	typ   arrow.DataType
	n     int
	nulls int
	valid []byte // a bit for each value once there is a null
	bits  []byte
	v32   []uint32
	v64   []uint64
	v128  []decimal128.Num
	ends  []int32
	data  []byte
	elem  *column
}

func newColumn(t arrow.DataType) *column {
	c := &column{typ: t}
	if l, ok := t.(*arrow.ListType); ok {
		c.elem = newColumn(l.Elem())
	}
	c.start()
	return c
}

// width is about how many bytes a value takes, besides its text or elements.
func (c *column) width() int {
	switch c.typ.ID() {
	case arrow.BOOL:
		return 1
	case arrow.INT64, arrow.FLOAT64, arrow.TIMESTAMP:
		return 8
	case arrow.DECIMAL128:
		return 16
	}
	return 4
}

// start begins a batch with room for what the last one held.
func (c *column) start() {
	rows, data := c.n, len(c.data)
	c.n, c.nulls, c.valid = 0, 0, nil
	switch c.typ.ID() {
	case arrow.BOOL:
		c.bits = make([]byte, 0, bitutil.BytesForBits(int64(rows)))
	case arrow.INT32, arrow.FLOAT32, arrow.DATE32:
		c.v32 = make([]uint32, 0, rows)
	case arrow.INT64, arrow.FLOAT64, arrow.TIMESTAMP:
		c.v64 = make([]uint64, 0, rows)
	case arrow.DECIMAL128:
		c.v128 = make([]decimal128.Num, 0, rows)
	case arrow.STRING, arrow.BINARY:
		c.ends = append(make([]int32, 0, rows+1), 0)
		c.data = make([]byte, 0, data+data/8)
	case arrow.LIST:
		c.ends = append(make([]int32, 0, rows+1), 0)
		c.elem.start()
	}
}

// added counts a value that was put into its slice.
func (c *column) added() {
	if c.valid != nil {
		c.valid = setBit(c.valid, c.n, true)
	}
	c.n++
}

// null adds a null.
func (c *column) null() {
	if c.valid == nil {
		c.valid = make([]byte, 0, bitutil.BytesForBits(int64(c.n+64)))
		for i := range c.n {
			c.valid = setBit(c.valid, i, true)
		}
	}
	c.valid = setBit(c.valid, c.n, false)
	switch c.typ.ID() {
	case arrow.BOOL:
		c.bits = setBit(c.bits, c.n, false)
	case arrow.INT32, arrow.FLOAT32, arrow.DATE32:
		c.v32 = append(c.v32, 0)
	case arrow.INT64, arrow.FLOAT64, arrow.TIMESTAMP:
		c.v64 = append(c.v64, 0)
	case arrow.DECIMAL128:
		c.v128 = append(c.v128, decimal128.Num{})
	case arrow.STRING, arrow.BINARY:
		c.ends = append(c.ends, int32(len(c.data)))
	case arrow.LIST:
		c.ends = append(c.ends, int32(c.elem.n))
	}
	c.nulls++
	c.n++
}

// putBytes adds a text or bytes value.
func (c *column) putBytes(b []byte) {
	c.data = append(c.data, b...)
	c.endBytes()
}

// endBytes adds what was appended to data since the last value.
func (c *column) endBytes() {
	c.ends = append(c.ends, int32(len(c.data)))
	c.added()
}

func (c *column) put32(v uint32) {
	c.v32 = append(c.v32, v)
	c.added()
}

func (c *column) put64(v uint64) {
	c.v64 = append(c.v64, v)
	c.added()
}

func (c *column) putBool(v bool) {
	c.bits = setBit(c.bits, c.n, v)
	c.added()
}

func (c *column) putDecimal(v decimal128.Num) {
	c.v128 = append(c.v128, v)
	c.added()
}

// cut drops all values but the first n.
func (c *column) cut(n int) {
	if c.valid != nil {
		c.nulls = n - bitutil.CountSetBits(c.valid, 0, min(n, c.n))
		c.valid = c.valid[:bitutil.BytesForBits(int64(n))]
	}
	c.n = n
	switch c.typ.ID() {
	case arrow.BOOL:
		c.bits = c.bits[:bitutil.BytesForBits(int64(n))]
	case arrow.INT32, arrow.FLOAT32, arrow.DATE32:
		c.v32 = c.v32[:n]
	case arrow.INT64, arrow.FLOAT64, arrow.TIMESTAMP:
		c.v64 = c.v64[:n]
	case arrow.DECIMAL128:
		c.v128 = c.v128[:n]
	case arrow.STRING, arrow.BINARY:
		c.ends = c.ends[:n+1]
		c.data = c.data[:c.ends[n]]
	case arrow.LIST:
		c.ends = c.ends[:n+1]
		c.elem.cut(int(c.ends[n]))
	}
}

// array gives the values to the caller and begins anew.
func (c *column) array() arrow.Array {
	d := c.arrayData()
	defer d.Release()
	return array.MakeFromData(d)
}

func (c *column) arrayData() arrow.ArrayData {
	buffers := []*memory.Buffer{nil, nil}
	if c.nulls > 0 {
		buffers[0] = memory.NewBufferBytes(c.valid)
	}
	var children []arrow.ArrayData
	switch c.typ.ID() {
	case arrow.BOOL:
		buffers[1] = memory.NewBufferBytes(c.bits)
	case arrow.INT32, arrow.FLOAT32, arrow.DATE32:
		buffers[1] = memory.NewBufferBytes(rawBytes(c.v32))
	case arrow.INT64, arrow.FLOAT64, arrow.TIMESTAMP:
		buffers[1] = memory.NewBufferBytes(rawBytes(c.v64))
	case arrow.DECIMAL128:
		buffers[1] = memory.NewBufferBytes(rawBytes(c.v128))
	case arrow.STRING, arrow.BINARY:
		buffers[1] = memory.NewBufferBytes(rawBytes(c.ends))
		buffers = append(buffers, memory.NewBufferBytes(c.data))
	case arrow.LIST:
		buffers[1] = memory.NewBufferBytes(rawBytes(c.ends))
		e := c.elem.arrayData()
		defer e.Release()
		children = []arrow.ArrayData{e}
	}
	d := array.NewData(c.typ, c.n, buffers, children, c.nulls, 0)
	c.start()
	return d
}

// setBit sets bit i, growing b by a byte at most.
func setBit(b []byte, i int, v bool) []byte {
	if i>>3 == len(b) {
		b = append(b, 0)
	}
	if v {
		b[i>>3] |= 1 << (i & 7)
	} else {
		b[i>>3] &^= 1 << (i & 7)
	}
	return b
}

func rawBytes[T any](v []T) []byte {
	var x T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(x)))
}

// mostDigits is how many digits a decimal may have.
const mostDigits = 38

// decimalOf reads a big-endian two's complement number; ok is false when it has
// more than so many digits.
func decimalOf(b []byte, digits int32) (v decimal128.Num, ok bool) {
	negative := len(b) > 0 && b[0] >= 0x80
	for len(b) > 16 { // what is before must only repeat the sign
		if b[0] != 0 && !negative || b[0] != 0xff && negative {
			return v, false
		}
		b = b[1:]
	}
	var whole [16]byte
	if negative {
		for i := range whole {
			whole[i] = 0xff
		}
	}
	copy(whole[16-len(b):], b)
	if len(b) == 16 && (b[0] >= 0x80) != negative {
		return v, false
	}
	v = decimal128.New(int64(binary.BigEndian.Uint64(whole[:8])), binary.BigEndian.Uint64(whole[8:]))
	// The least number has no opposite, which the library's test takes.
	return v, v.Abs().Sign() >= 0 && v.FitsInPrecision(digits)
}
