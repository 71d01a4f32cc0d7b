package sdk

import (
	"math/bits"
	"strconv"
	"unsafe"
)

// Builder takes the output of one call: a value for each row of the input in
// each column that the manifest declares. Rows not set are 0, false or, in a
// column of texts, missing, which is a mistake in the plugin. A keyed plugin says
// how many rows there are, by Take or Make.
type Builder struct {
	rows   int
	chosen chosen
	cols   []*outColumn
}

// outColumn holds the buffers of an output column. They are used again for
// the next batch; the host has copied them by then.
type outColumn struct {
	Field
	width   int
	data    []byte
	valid   []byte
	nulls   int
	offsets []int32
	rows    int // texts appended
}

// Rows is the number of rows to make.
func (b *Builder) Rows() int { return b.rows }

// Fields tells the columns to make.
func (b *Builder) Fields() []Field {
	out := make([]Field, len(b.cols))
	for i, c := range b.cols {
		out[i] = c.Field
	}
	return out
}

func newBuilder(fields []Field) (*Builder, error) {
	b := &Builder{}
	for _, f := range fields {
		_, width, err := formatOf(f.Type)
		if err != nil {
			return nil, SchemaError("output column " + f.Name + ": " + err.Error())
		}
		b.cols = append(b.cols, &outColumn{Field: f, width: width})
	}
	return b, nil
}

// reset makes room for a batch of that many rows.
func (b *Builder) reset(rows int) {
	b.rows = rows
	for _, c := range b.cols {
		c.nulls, c.rows = 0, 0
		switch {
		case c.width > 0:
			c.data = zeroed(c.data, rows*c.width)
		case c.width == 0:
			c.data = zeroed(c.data, (rows+7)/8)
		default:
			c.data = c.data[:0]
			c.offsets = append(c.offsets[:0], 0)
		}
	}
}

// done checks that every column is complete.
func (b *Builder) done() error {
	for _, c := range b.cols {
		if c.width < 0 && c.rows != b.rows {
			return &Error{BadData, "output column " + c.Name + " has " + strconv.Itoa(c.rows) +
				" rows, the batch " + strconv.Itoa(b.rows)}
		}
		if c.nulls > 0 && !c.Nullable {
			return &Error{BadData, "output column " + c.Name + " has nulls, but its manifest says it has none"}
		}
	}
	return nil
}

// zeroed gives n zero bytes at an address divisible by 8, reusing b.
func zeroed(b []byte, n int) []byte {
	if cap(b) < n || b == nil {
		words := make([]uint64, (n+7)/8+8)
		b = unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)
		return b[:n]
	}
	b = b[:n]
	clear(b)
	return b
}

func (b *Builder) column(name, want string) *outColumn {
	for _, c := range b.cols {
		if c.Name == name {
			if family(c.Type) != want {
				panic("output column " + name + " is of type " + c.Type + ", not " + want)
			}
			return c
		}
	}
	panic("there is no output column " + name)
}

// setNull clears the bit of row i; the bits come to life with the first null.
func (c *outColumn) setNull(i, rows int) {
	if c.nulls == 0 {
		c.valid = zeroed(c.valid, (rows+7)/8)
		for k := range c.valid {
			c.valid[k] = 0xFF
		}
	}
	if bit := byte(1) << (i & 7); c.valid[i>>3]&bit != 0 {
		c.valid[i>>3] &^= bit
		c.nulls++
	}
}

// copyNulls makes every row null that is null in n, eight rows at a time.
func (c *outColumn) copyNulls(n Nulls, rows int) {
	if n.valid == nil || rows == 0 {
		return
	}
	if c.nulls == 0 {
		c.valid = zeroed(c.valid, (rows+7)/8)
		for k := range c.valid {
			c.valid[k] = 0xFF
		}
	}
	from, shift := n.valid[n.at>>3:], n.at&7
	c.nulls = rows
	for k := range c.valid {
		m := uint(from[k])
		if shift != 0 {
			if k+1 < len(from) {
				m |= uint(from[k+1]) << 8
			}
			m >>= shift
		}
		b := c.valid[k] & byte(m)
		if left := rows - 8*k; left < 8 {
			b |= 0xFF << left
			c.nulls += 8 - left
		}
		c.valid[k] = b
		c.nulls -= bits.OnesCount8(b)
	}
}

// Out is an output column of numbers.
type Out[T any] struct {
	values []T
	col    *outColumn
}

// Set gives row i a value.
func (o Out[T]) Set(i int, v T) { o.values[i] = v }

// SetNull makes row i null.
func (o Out[T]) SetNull(i int) { o.col.setNull(i, len(o.values)) }

// CopyNulls makes every row null that is null in n. That is faster than row by
// row, and null rows may then be computed like any other: nobody looks at
// them.
func (o Out[T]) CopyNulls(n Nulls) { o.col.copyNulls(n, len(o.values)) }

// Values of all rows, to be written in place.
func (o Out[T]) Values() []T { return o.values }

func output[T any](b *Builder, name, want string) Out[T] {
	c := b.column(name, want)
	if b.rows == 0 {
		return Out[T]{col: c}
	}
	return Out[T]{unsafe.Slice((*T)(unsafe.Pointer(&c.data[0])), b.rows), c}
}

// Int8 and its kin give the output column of that name. They panic when
// there is none or its type is another.
func (b *Builder) Int8(name string) Out[int8] { return output[int8](b, name, "int8") }

// Int16 is an int16 output column.
func (b *Builder) Int16(name string) Out[int16] { return output[int16](b, name, "int16") }

// Int32 is an int32 output column.
func (b *Builder) Int32(name string) Out[int32] { return output[int32](b, name, "int32") }

// Int64 is an int64 output column.
func (b *Builder) Int64(name string) Out[int64] { return output[int64](b, name, "int64") }

// Uint8 is a uint8 output column.
func (b *Builder) Uint8(name string) Out[uint8] { return output[uint8](b, name, "uint8") }

// Uint16 is a uint16 output column.
func (b *Builder) Uint16(name string) Out[uint16] { return output[uint16](b, name, "uint16") }

// Uint32 is a uint32 output column.
func (b *Builder) Uint32(name string) Out[uint32] { return output[uint32](b, name, "uint32") }

// Uint64 is a uint64 output column.
func (b *Builder) Uint64(name string) Out[uint64] { return output[uint64](b, name, "uint64") }

// Float32 is a float32 output column.
func (b *Builder) Float32(name string) Out[float32] { return output[float32](b, name, "float32") }

// Float64 is a float64 output column.
func (b *Builder) Float64(name string) Out[float64] { return output[float64](b, name, "float64") }

// Date32 is a date32 output column: days since 1970-01-01.
func (b *Builder) Date32(name string) Out[int32] { return output[int32](b, name, "date32") }

// Timestamp is a timestamp output column: ticks of its unit since the epoch.
func (b *Builder) Timestamp(name string) Out[int64] { return output[int64](b, name, "timestamp") }

// OutBools is an output column of truth values.
type OutBools struct {
	bits []byte
	col  *outColumn
	rows int
}

// Set gives row i a value.
func (o OutBools) Set(i int, v bool) {
	if bit := byte(1) << (i & 7); v {
		o.bits[i>>3] |= bit
	} else {
		o.bits[i>>3] &^= bit
	}
}

// SetNull makes row i null.
func (o OutBools) SetNull(i int) { o.col.setNull(i, o.rows) }

// Bool is a bool output column.
func (b *Builder) Bool(name string) OutBools {
	c := b.column(name, "bool")
	return OutBools{c.data, c, b.rows}
}

// OutTexts is an output column of texts or bytes, filled from the first row
// to the last.
type OutTexts struct {
	col  *outColumn
	rows int
}

// Append gives the next row a text.
func (o OutTexts) Append(s string) {
	o.col.data = append(o.col.data, s...)
	o.next()
}

// AppendBytes gives the next row bytes.
func (o OutTexts) AppendBytes(b []byte) {
	o.col.data = append(o.col.data, b...)
	o.next()
}

// AppendNull makes the next row null.
func (o OutTexts) AppendNull() {
	if o.col.rows < o.rows {
		o.col.setNull(o.col.rows, o.rows)
	}
	o.next()
}

func (o OutTexts) next() {
	o.col.offsets = append(o.col.offsets, int32(len(o.col.data)))
	o.col.rows++
}

// String is a utf8 output column.
func (b *Builder) String(name string) OutTexts { return OutTexts{b.column(name, "utf8"), b.rows} }

// Binary is a binary output column.
func (b *Builder) Binary(name string) OutTexts { return OutTexts{b.column(name, "binary"), b.rows} }
