package jsonlines

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// kind is how the values of a column are written and kept.
type kind uint8

const (
	skipped kind = iota // no column
	int32s
	int64s
	float32s
	float64s
	booleans
	texts
	times
	dates
)

func kindOf(t arrow.DataType) kind {
	switch x := t.(type) {
	case *arrow.Int32Type:
		return int32s
	case *arrow.Int64Type:
		return int64s
	case *arrow.Float32Type:
		return float32s
	case *arrow.Float64Type:
		return float64s
	case *arrow.BooleanType:
		return booleans
	case *arrow.StringType:
		return texts
	case *arrow.Date32Type:
		return dates
	case *arrow.TimestampType:
		if x.Unit == arrow.Microsecond && x.TimeZone == "UTC" {
			return times
		}
	}
	return skipped
}

// column holds the values of the batch in the making.
type column struct {
	kind  kind
	typ   arrow.DataType
	keep  bool
	n     int // values, nulls included
	nulls int
	// valid has a bit for each value once there is a null.
	valid []byte
	v32   []uint32 // int32s, float32s, dates
	v64   []uint64 // int64s, float64s, times
	bits  []byte   // booleans
	ends  []int32  // texts: 0, then where each ends in data
	data  []byte
}

// start makes room for a batch of so many rows.
func (c *column) start(rows int) {
	data := len(c.data) // as much as the batch before had
	c.n, c.nulls, c.valid = 0, 0, nil
	if !c.keep && cap(c.v32)+cap(c.v64)+cap(c.bits)+cap(c.ends) > 0 {
		c.v32, c.v64, c.bits, c.ends, c.data = c.v32[:0], c.v64[:0], c.bits[:0], c.ends[:min(1, len(c.ends))], c.data[:0]
		return
	}
	switch c.kind {
	case int32s, float32s, dates:
		c.v32 = make([]uint32, 0, rows)
	case int64s, float64s, times:
		c.v64 = make([]uint64, 0, rows)
	case booleans:
		c.bits = make([]byte, 0, bitutil.BytesForBits(int64(rows)))
	case texts:
		c.ends = append(make([]int32, 0, rows+1), 0)
		c.data = make([]byte, 0, data+data/8)
	}
}

// added counts a value, which is not null.
func (c *column) added() {
	if c.valid != nil {
		c.valid = setBit(c.valid, c.n, true)
	}
	c.n++
}

// addNull adds a null.
func (c *column) addNull() {
	if c.valid == nil {
		c.valid = make([]byte, 0, bitutil.BytesForBits(int64(c.n+1)))
		for i := range c.n {
			c.valid = setBit(c.valid, i, true)
		}
	}
	c.valid = setBit(c.valid, c.n, false)
	switch c.kind {
	case int32s, float32s, dates:
		c.v32 = append(c.v32, 0)
	case int64s, float64s, times:
		c.v64 = append(c.v64, 0)
	case booleans:
		c.bits = setBit(c.bits, c.n, false)
	case texts:
		c.ends = append(c.ends, int32(len(c.data)))
	}
	c.nulls++
	c.n++
}

// cut drops all values but the first n.
func (c *column) cut(n int) {
	if c.n == n {
		return
	}
	if c.valid != nil {
		c.nulls = n - bitutil.CountSetBits(c.valid, 0, n)
	}
	c.n = n
	switch c.kind {
	case int32s, float32s, dates:
		c.v32 = c.v32[:n]
	case int64s, float64s, times:
		c.v64 = c.v64[:n]
	case texts:
		c.ends = c.ends[:n+1]
		c.data = c.data[:c.ends[n]]
	}
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

// array gives the values to the caller.
func (c *column) array() arrow.Array {
	buffers := []*memory.Buffer{nil, nil}
	if c.nulls > 0 {
		buffers[0] = memory.NewBufferBytes(c.valid)
	}
	switch c.kind {
	case int32s, float32s, dates:
		buffers[1] = memory.NewBufferBytes(bytesOf(c.v32))
	case int64s, float64s, times:
		buffers[1] = memory.NewBufferBytes(bytesOf(c.v64))
	case booleans:
		buffers[1] = memory.NewBufferBytes(c.bits)
	case texts:
		buffers[1] = memory.NewBufferBytes(bytesOf(c.ends))
		buffers = append(buffers, memory.NewBufferBytes(c.data))
	}
	d := array.NewData(c.typ, c.n, buffers, nil, c.nulls, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

func bytesOf[T any](v []T) []byte {
	var x T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(x)))
}
