package kafka

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/connectors/internal/jsontext"
)

// The columns that every message has besides its value (S-507). They are made
// when somebody reads them.
const (
	colKey       = "kafka_key"
	colTopic     = "kafka_topic"
	colPartition = "kafka_partition"
	colOffset    = "kafka_offset"
	colTime      = "kafka_timestamp"
	colTimeType  = "kafka_timestamp_type"
	colHeaders   = "kafka_headers"
	colValue     = "value" // format raw
)

// aboutFields are those columns, behind the fields of the value.
func aboutFields() []arrow.Field {
	return []arrow.Field{
		{Name: colKey, Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: colTopic, Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: colPartition, Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: colOffset, Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: colTime, Type: schema.Timestamp(), Nullable: true},
		{Name: colTimeType, Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: colHeaders, Type: arrow.BinaryTypes.String, Nullable: true},
	}
}

// gathered are messages side by side.
type gathered struct {
	keys, times, kinds, headers bool // which of the columns are wanted

	values     textColumn
	offsets    []int64
	partitions []int32
	at         []int64 // microseconds
	timeless   []int   // rows without a time
	kind       []int32
	key        textColumn
	header     textColumn
	badKeys    int64 // that are not UTF-8
	badHeaders int64 // that are too long
}

// Limits of what is gathered. No message is longer than the answer it came in
// (mostResponse), so that offsets into the texts of a batch fit 32 bits.
const (
	// batchBytes ends a batch of long messages early.
	batchBytes = 16 << 20
	// mostHeaders is how long the JSON of a message's headers may be, which may
	// take twelve times their own bytes.
	mostHeaders = 64 << 20
)

// textColumn holds texts, or nulls.
type textColumn struct {
	data  []byte
	ends  []int32
	valid []byte // a bit for each; nil while there is no null
	nulls int
}

func (c *textColumn) start(rows int) {
	*c = textColumn{data: make([]byte, 0, len(c.data)), ends: append(make([]int32, 0, rows+1), 0)}
}

// again begins anew in the same memory, which nobody else must hold. Memory
// that a very long text took is let go.
func (c *textColumn) again() {
	if cap(c.data) > 2*batchBytes {
		c.data = nil
	}
	*c = textColumn{data: c.data[:0], ends: append(c.ends[:0], 0), valid: nil}
}

func (c *textColumn) rows() int { return len(c.ends) - 1 }

func (c *textColumn) add(b []byte) {
	if b == nil {
		c.null()
		return
	}
	c.data = append(c.data, b...)
	c.end()
}

// end adds what was appended to data.
func (c *textColumn) end() {
	if c.valid != nil {
		c.bit(true)
	}
	c.ends = append(c.ends, int32(len(c.data)))
}

func (c *textColumn) null() {
	if c.valid == nil {
		c.valid = make([]byte, 0, c.rows()/8+64)
		n := c.rows()
		for i := range n {
			if i&7 == 0 {
				c.valid = append(c.valid, 0)
			}
			c.valid[i>>3] |= 1 << (i & 7)
		}
	}
	c.bit(false)
	c.nulls++
	c.ends = append(c.ends, int32(len(c.data)))
}

// bit sets the bit of the row about to be added.
func (c *textColumn) bit(v bool) {
	i := c.rows()
	if i>>3 == len(c.valid) {
		c.valid = append(c.valid, 0)
	}
	if v {
		c.valid[i>>3] |= 1 << (i & 7)
	}
}

// array gives the texts as an array of type t, string or binary, in the same
// memory.
func (c *textColumn) array(t arrow.DataType) arrow.Array {
	var bits *memory.Buffer
	if c.nulls > 0 {
		bits = memory.NewBufferBytes(c.valid)
	}
	d := array.NewData(t, c.rows(), []*memory.Buffer{bits, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.ends)), memory.NewBufferBytes(c.data)}, nil, c.nulls, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

func (g *gathered) start(rows int) {
	g.values.again() // decoders copy; who keeps the memory begins anew
	g.offsets, g.partitions = g.offsets[:0], g.partitions[:0]
	g.at, g.timeless, g.kind = g.at[:0], g.timeless[:0], g.kind[:0]
	g.key.start(0)
	g.header.start(0)
	g.badKeys, g.badHeaders = 0, 0
}

func (g *gathered) rows() int { return len(g.offsets) }

// full reports whether a batch of so many rows at most should take no more.
func (g *gathered) full(rows int) bool {
	return g.rows() >= rows || g.rows() > 0 && len(g.values.data)+len(g.key.data)+len(g.header.data) >= batchBytes
}

// add takes a message; what it holds is copied.
func (g *gathered) add(p int32, m *message) {
	g.values.add(m.value)
	g.offsets, g.partitions = append(g.offsets, m.offset), append(g.partitions, p)
	if g.times {
		if m.time == noTime {
			g.timeless = append(g.timeless, len(g.at))
			g.at = append(g.at, 0)
		} else {
			g.at = append(g.at, m.time*1000)
		}
	}
	if g.kinds {
		g.kind = append(g.kind, m.kind)
	}
	if g.keys {
		if m.key != nil && !utf8.Valid(m.key) {
			g.badKeys++
			g.key.null()
		} else {
			g.key.add(m.key)
		}
	}
	if g.headers {
		g.addHeaders(m.headers)
	}
}

// addHeaders writes headers as a JSON array of {"key", "value"}, in their
// order; a value that is not UTF-8 or was not given is null. Without any, and
// when they are too long, the column is null.
func (g *gathered) addHeaders(b []byte) {
	n, i := varint(b)
	if i == 0 || n <= 0 {
		g.header.null()
		return
	}
	b = b[i:]
	from := len(g.header.data)
	dst := append(g.header.data, '[')
	for k := int64(0); k < n; k++ {
		var key, value []byte
		var ok bool
		if key, b, ok = bytesOf(b); !ok {
			break
		}
		if value, b, ok = bytesOf(b); !ok {
			break
		}
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendQuoted(append(dst, `{"key":`...), key)
		dst = append(dst, `,"value":`...)
		if value == nil || !utf8.Valid(value) {
			dst = append(dst, "null"...)
		} else {
			dst = jsontext.AppendQuoted(dst, value)
		}
		dst = append(dst, '}')
		if len(dst)-from > mostHeaders {
			g.badHeaders++
			g.header.null()
			return
		}
	}
	g.header.data = append(dst, ']')
	g.header.end()
}

// about makes one of the columns of aboutFields.
func (g *gathered) about(name, topic string) arrow.Array {
	n := g.rows()
	fixed := func(t arrow.DataType, b []byte, nulls ...int) arrow.Array {
		d := array.NewData(t, n, []*memory.Buffer{except(n, nulls), memory.NewBufferBytes(b)}, nil, len(nulls), 0)
		defer d.Release()
		return array.MakeFromData(d)
	}
	switch name {
	case colKey:
		return g.key.array(arrow.BinaryTypes.String)
	case colTopic:
		var c textColumn
		c.start(n)
		for range n {
			c.add([]byte(topic))
		}
		return c.array(arrow.BinaryTypes.String)
	case colPartition:
		return fixed(arrow.PrimitiveTypes.Int32, arrow.Int32Traits.CastToBytes(append([]int32(nil), g.partitions...)))
	case colOffset:
		return fixed(arrow.PrimitiveTypes.Int64, arrow.Int64Traits.CastToBytes(append([]int64(nil), g.offsets...)))
	case colTime:
		return fixed(schema.Timestamp(), arrow.Int64Traits.CastToBytes(append([]int64(nil), g.at...)), g.timeless...)
	case colTimeType:
		return fixed(arrow.PrimitiveTypes.Int32, arrow.Int32Traits.CastToBytes(append([]int32(nil), g.kind...)))
	case colHeaders:
		return g.header.array(arrow.BinaryTypes.String)
	}
	return nil
}

// except is the bitmap of n rows that are there but for some; nil for all.
func except(n int, nulls []int) *memory.Buffer {
	if len(nulls) == 0 {
		return nil
	}
	bits := bytes.Repeat([]byte{0xff}, (n+7)/8)
	for _, i := range nulls {
		bits[i>>3] &^= 1 << (i & 7)
	}
	return memory.NewBufferBytes(bits)
}

// place tells where rows came from, when they follow each other in one
// partition.
func (g *gathered) place(topic string, from, to int) (object string, row int64) {
	offsets, partitions := g.offsets[from:to], g.partitions[from:to]
	n := len(offsets)
	if n == 0 || offsets[n-1]-offsets[0] != int64(n-1) {
		return "", 0
	}
	for i, p := range partitions {
		if p != partitions[0] || offsets[i] != offsets[0]+int64(i) {
			return "", 0
		}
	}
	return objectName(topic, partitions[0]), offsets[0]
}

// objectName names a topic partition as the place that rows come from.
func objectName(topic string, p int32) string {
	return "kafka:" + topic + "/" + strconv.Itoa(int(p))
}
