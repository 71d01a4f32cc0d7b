package sdk

import "unsafe"

// Batch is the input of one call: the columns of the manifest, in its order.
type Batch struct {
	rows int
	cols []column
}

// column is a view over a column's buffers, wherever they lie.
type column struct {
	Field
	width   int
	at      int    // rows before the first one, in all buffers
	valid   []byte // bits; nil when nothing is null
	data    unsafe.Pointer
	offsets []int32 // text only
}

// Rows is the number of rows.
func (b Batch) Rows() int { return b.rows }

// Fields tells the columns: names, types, and whether they may be null.
func (b Batch) Fields() []Field {
	out := make([]Field, len(b.cols))
	for i := range b.cols {
		out[i] = b.cols[i].Field
	}
	return out
}

// Has reports whether there is a column of that name.
func (b Batch) Has(name string) bool {
	for i := range b.cols {
		if b.cols[i].Name == name {
			return true
		}
	}
	return false
}

func (b Batch) column(name, want string) *column {
	for i := range b.cols {
		if c := &b.cols[i]; c.Name == name {
			if family(c.Type) != want {
				panic("input column " + name + " is of type " + c.Type + ", not " + want)
			}
			return c
		}
	}
	panic("there is no input column " + name)
}

// Nulls tells which rows of a column are null.
type Nulls struct {
	valid []byte
	at    int
}

// IsNull reports whether row i is null.
func (n Nulls) IsNull(i int) bool {
	if n.valid == nil {
		return false
	}
	k := i + n.at
	return n.valid[k>>3]>>(k&7)&1 == 0
}

// None reports whether no row can be null.
func (n Nulls) None() bool { return n.valid == nil }

// Column is a column of numbers.
type Column[T any] struct {
	Nulls
	values []T
}

// Value of row i; meaningless when the row is null.
func (c Column[T]) Value(i int) T { return c.values[i] }

// Values of all rows, null ones included. Read only.
func (c Column[T]) Values() []T { return c.values }

// Len is the number of rows.
func (c Column[T]) Len() int { return len(c.values) }

// Or gives the values of all rows with v in the place of nulls. It writes
// into buf, made larger when it must be: keep what it answers for the next
// batch, as with append.
func (c Column[T]) Or(v T, buf []T) []T {
	buf = append(buf[:0], c.values...)
	for i := 0; i < len(buf) && c.valid != nil; {
		k := i + c.at
		b := c.valid[k>>3] >> (k & 7)
		n := min(8-k&7, len(buf)-i)
		if b|0xFF<<n != 0xFF {
			for j := range n {
				if b>>j&1 == 0 {
					buf[i+j] = v
				}
			}
		}
		i += n
	}
	return buf
}

func view[T any](b Batch, name, want string) Column[T] {
	c := b.column(name, want)
	if b.rows == 0 {
		return Column[T]{}
	}
	return Column[T]{
		Nulls:  Nulls{c.valid, c.at},
		values: unsafe.Slice((*T)(c.data), c.at+b.rows)[c.at:],
	}
}

// Int8 and its kin give a view of a column of that type. They panic when
// there is no such column or its type is another.
func (b Batch) Int8(name string) Column[int8] { return view[int8](b, name, "int8") }

// Int16 is a view of an int16 column.
func (b Batch) Int16(name string) Column[int16] { return view[int16](b, name, "int16") }

// Int32 is a view of an int32 column.
func (b Batch) Int32(name string) Column[int32] { return view[int32](b, name, "int32") }

// Int64 is a view of an int64 column.
func (b Batch) Int64(name string) Column[int64] { return view[int64](b, name, "int64") }

// Uint8 is a view of a uint8 column.
func (b Batch) Uint8(name string) Column[uint8] { return view[uint8](b, name, "uint8") }

// Uint16 is a view of a uint16 column.
func (b Batch) Uint16(name string) Column[uint16] { return view[uint16](b, name, "uint16") }

// Uint32 is a view of a uint32 column.
func (b Batch) Uint32(name string) Column[uint32] { return view[uint32](b, name, "uint32") }

// Uint64 is a view of a uint64 column.
func (b Batch) Uint64(name string) Column[uint64] { return view[uint64](b, name, "uint64") }

// Float32 is a view of a float32 column.
func (b Batch) Float32(name string) Column[float32] { return view[float32](b, name, "float32") }

// Float64 is a view of a float64 column.
func (b Batch) Float64(name string) Column[float64] { return view[float64](b, name, "float64") }

// Date32 is a view of a date32 column: days since 1970-01-01.
func (b Batch) Date32(name string) Column[int32] { return view[int32](b, name, "date32") }

// Timestamp is a view of a timestamp column: ticks of its unit since the
// epoch.
func (b Batch) Timestamp(name string) Column[int64] { return view[int64](b, name, "timestamp") }

// Bools is a column of truth values.
type Bools struct {
	Nulls
	bits []byte
	at   int
	rows int
}

// Value of row i.
func (c Bools) Value(i int) bool {
	k := i + c.at
	return c.bits[k>>3]>>(k&7)&1 == 1
}

// Len is the number of rows.
func (c Bools) Len() int { return c.rows }

// Bool is a view of a bool column.
func (b Batch) Bool(name string) Bools {
	c := b.column(name, "bool")
	if b.rows == 0 {
		return Bools{}
	}
	bits := unsafe.Slice((*byte)(c.data), (c.at+b.rows+7)/8)
	return Bools{Nulls{c.valid, c.at}, bits, c.at, b.rows}
}

// Texts is a column of texts or bytes.
type Texts struct {
	Nulls
	offsets []int32
	bytes   []byte
}

// Bytes of row i, without a copy: read only, and gone after the call.
func (c Texts) Bytes(i int) []byte {
	from, to := c.offsets[i], c.offsets[i+1]
	return c.bytes[from:to:to]
}

// Value of row i as a string, without a copy: gone after the call. Use
// strings.Clone to keep it.
func (c Texts) Value(i int) string {
	b := c.Bytes(i)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Len is the number of rows.
func (c Texts) Len() int { return max(len(c.offsets)-1, 0) }

// String is a view of a utf8 column.
func (b Batch) String(name string) Texts { return b.texts(name, "utf8") }

// Binary is a view of a binary column.
func (b Batch) Binary(name string) Texts { return b.texts(name, "binary") }

func (b Batch) texts(name, want string) Texts {
	c := b.column(name, want)
	if b.rows == 0 {
		return Texts{}
	}
	offsets := c.offsets[c.at : c.at+b.rows+1]
	var all []byte
	if end := int(offsets[b.rows]); end > 0 {
		all = unsafe.Slice((*byte)(c.data), end)
	}
	return Texts{Nulls{c.valid, c.at}, offsets, all}
}
