package avro

import (
	"math"
	"slices"
	"unicode/utf8"

	hamba "github.com/hamba/avro/v2"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// read takes a value from a cursor and puts it where it belongs.
type read func(*cursor)

// Plan reads rows of one writer's schema into the columns of a Decoder.
type Plan struct {
	fields []read // by field of the writer
	absent []func()
	extra  int // bytes that defaults add to each row
}

// compile makes the reader of values written as w into column c.
func compile(w hamba.Schema, c *column) (read, error) {
	w = resolved(w)
	if u, ok := w.(*hamba.UnionSchema); ok {
		return compileUnion(u, c)
	}
	if w.Type() == hamba.Null {
		return func(*cursor) { c.null() }, nil
	}
	if c.typ.ID() == arrow.LIST {
		return compileList(w, c)
	}
	if c.typ.ID() == arrow.STRING && (asJSON(w) || w.Type() == hamba.Array) {
		text := jsonText(w)
		return func(cur *cursor) {
			c.data = text(cur, c.data, 0)
			c.endBytes()
		}, nil
	}
	if r := compileScalar(w, c); r != nil {
		return r, nil
	}
	return nil, fault.New(NotAlike, "a value written as %s cannot be read as %s", nameOf(w), schema.TypeName(c.typ))
}

// nameOf tells a type as a person would.
func nameOf(s hamba.Schema) string {
	if l, ok := s.(hamba.LogicalTypeSchema); ok && l.Logical() != nil {
		return string(s.Type()) + " (" + string(l.Logical().Type()) + ")"
	}
	return string(s.Type())
}

// compileUnion reads the number of a type, then a value of it. A type that the
// column cannot hold makes only the rows bad that have it.
func compileUnion(u *hamba.UnionSchema, c *column) (read, error) {
	types := u.Types()
	if c.typ.ID() == arrow.STRING && onlyType(u) == nil {
		text := jsonUnion(u)
		return func(cur *cursor) {
			from, start := len(c.data), cur.i
			c.data = text(cur, c.data, 0)
			if string(c.data[from:]) == "null" && isNullBranch(types, cur.b[start:]) {
				c.data = c.data[:from]
				c.null()
				return
			}
			c.endBytes()
		}, nil
	}
	reads, fits := make([]read, len(types)), false
	var first error
	for i, t := range types {
		r, err := compile(t, c)
		if err != nil {
			if first == nil {
				first = err
			}
			r = func(cur *cursor) { cur.fail("a value is of a type that its column does not hold") }
		} else if t.Type() != hamba.Null {
			fits = true
		}
		reads[i] = r
	}
	if !fits && first != nil {
		return nil, first
	}
	return func(cur *cursor) {
		n := cur.long()
		if n < 0 || n >= int64(len(reads)) {
			cur.fail("a union has no type of the number given")
			return
		}
		reads[n](cur)
	}, nil
}

// isNullBranch reports whether the number that b begins with names null.
func isNullBranch(types hamba.Schemas, b []byte) bool {
	cur := cursor{b: b}
	n := cur.long()
	return cur.bad == "" && n >= 0 && n < int64(len(types)) && types[n].Type() == hamba.Null
}

func compileList(w hamba.Schema, c *column) (read, error) {
	a, ok := w.(*hamba.ArraySchema)
	if !ok {
		return nil, fault.New(NotAlike, "a value written as %s cannot be read as %s", nameOf(w), schema.TypeName(c.typ))
	}
	elem, err := compile(a.Items(), c.elem)
	if err != nil {
		return nil, err
	}
	least := leastBytes(a.Items(), 0)
	return func(cur *cursor) {
		cur.blocks(least, func() { elem(cur) })
		c.ends = append(c.ends, int32(c.elem.n))
		c.added()
	}, nil
}

// compileScalar gives nil where the column cannot hold the values.
func compileScalar(w hamba.Schema, c *column) read {
	logical := hamba.LogicalSchema(nil)
	if l, ok := w.(hamba.LogicalTypeSchema); ok {
		logical = l.Logical()
	}
	switch c.typ.ID() {
	case arrow.BOOL:
		if w.Type() == hamba.Boolean {
			return func(cur *cursor) { c.putBool(cur.bool()) }
		}
	case arrow.INT32, arrow.DATE32:
		if w.Type() == hamba.Int {
			return func(cur *cursor) { c.put32(uint32(cur.int())) }
		}
	case arrow.INT64:
		if w.Type() == hamba.Int || w.Type() == hamba.Long {
			return func(cur *cursor) { c.put64(uint64(cur.long())) }
		}
	case arrow.TIMESTAMP:
		return readInstant(w, logical, c)
	case arrow.FLOAT32:
		switch w.Type() {
		case hamba.Float:
			return func(cur *cursor) { c.put32(math.Float32bits(cur.float())) }
		case hamba.Int, hamba.Long:
			return func(cur *cursor) { c.put32(math.Float32bits(float32(cur.long()))) }
		}
	case arrow.FLOAT64:
		switch w.Type() {
		case hamba.Double:
			return func(cur *cursor) { c.put64(math.Float64bits(cur.double())) }
		case hamba.Float:
			return func(cur *cursor) { c.put64(math.Float64bits(float64(cur.float()))) }
		case hamba.Int, hamba.Long:
			return func(cur *cursor) { c.put64(math.Float64bits(float64(cur.long()))) }
		}
	case arrow.DECIMAL128:
		return readDecimal(w, logical, c)
	case arrow.STRING:
		return readText(w, c)
	case arrow.BINARY:
		switch x := w.(type) {
		case *hamba.FixedSchema:
			return func(cur *cursor) { c.putBytes(cur.take(x.Size())) }
		case *hamba.PrimitiveSchema:
			if x.Type() == hamba.Bytes || x.Type() == hamba.String {
				return func(cur *cursor) { c.putBytes(cur.bytes()) }
			}
		}
	}
	return nil
}

func readText(w hamba.Schema, c *column) read {
	switch x := w.(type) {
	case *hamba.EnumSchema:
		symbols := x.Symbols()
		return func(cur *cursor) {
			n := cur.long()
			if n < 0 || n >= int64(len(symbols)) {
				cur.fail("an enum has no symbol of the number given")
				return
			}
			c.data = append(c.data, symbols[n]...)
			c.endBytes()
		}
	case *hamba.PrimitiveSchema:
		if x.Type() == hamba.String || x.Type() == hamba.Bytes {
			return func(cur *cursor) {
				b := cur.bytes()
				if !utf8.Valid(b) {
					cur.fail("a text is not UTF-8")
				}
				c.putBytes(b)
			}
		}
	}
	return nil
}

// readInstant reads a time in the unit it was written in; a plain number counts
// in microseconds, as the column does.
func readInstant(w hamba.Schema, logical hamba.LogicalSchema, c *column) read {
	if w.Type() != hamba.Long {
		return nil
	}
	if logical == nil || logical.Type() != hamba.TimestampMillis && logical.Type() != hamba.LocalTimestampMillis {
		return func(cur *cursor) { c.put64(uint64(cur.long())) }
	}
	return func(cur *cursor) {
		ms := cur.long()
		if us := ms * 1000; us/1000 == ms {
			c.put64(uint64(us))
			return
		}
		cur.fail("a time is out of range")
	}
}

func readDecimal(w hamba.Schema, logical hamba.LogicalSchema, c *column) read {
	t := c.typ.(*arrow.Decimal128Type)
	d, ok := logical.(*hamba.DecimalLogicalSchema)
	if !ok || int32(d.Scale()) != t.Scale {
		return nil
	}
	put := func(cur *cursor, b []byte) {
		v, ok := decimalOf(b, t.Precision)
		if !ok {
			cur.fail("a decimal has more digits than its column")
		}
		c.putDecimal(v)
	}
	switch x := w.(type) {
	case *hamba.FixedSchema:
		return func(cur *cursor) { put(cur, cur.take(x.Size())) }
	case *hamba.PrimitiveSchema:
		if x.Type() == hamba.Bytes {
			return func(cur *cursor) { put(cur, cur.bytes()) }
		}
	}
	return nil
}

// fieldOf finds the writer's field for a field of the reader (A3).
func fieldOf(writer *hamba.RecordSchema, f *hamba.Field) int {
	for i, w := range writer.Fields() {
		if w.Name() == f.Name() {
			return i
		}
	}
	for i, w := range writer.Fields() {
		if slices.Contains(f.Aliases(), w.Name()) {
			return i
		}
	}
	return -1
}
