package avro

import (
	"math"

	hamba "github.com/hamba/avro/v2"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// read takes a value from a cursor and puts it where it belongs.
type read func(*cursor)

// compiler makes the functions of one plan. Each type of the schemas is
// compiled once, however often it is met.
type compiler struct {
	defaults map[*hamba.Field][]byte // of the reader
	texts    map[pair]*text
	passes   map[hamba.Schema]*pass
	least    map[hamba.Schema]int
	tooMany  bool // pairs of types
}

// mostPairs is how many pairs of types are compiled. Two schemas that hold
// themselves can make as many as one has types times those of the other.
const mostPairs = 1 << 16

func newCompiler(reader *Schema) *compiler {
	return &compiler{defaults: reader.defaults, texts: map[pair]*text{}, passes: map[hamba.Schema]*pass{}, least: map[hamba.Schema]int{}}
}

// column makes the reader of values that were written as w and are to be read
// as r into column c, which is of r's type.
func (k *compiler) column(r, w hamba.Schema, c *column) (read, error) {
	r, w = resolved(r), resolved(w)
	if u, ok := w.(*hamba.UnionSchema); ok {
		return k.columnOfUnion(r, u, c)
	}
	if w.Type() == hamba.Null {
		return func(*cursor) { c.null() }, nil
	}
	if asJSON(r) {
		return jsonColumn(k.text(r, w), c), nil
	}
	if u, ok := r.(*hamba.UnionSchema); ok {
		if r = resolved(onlyType(u)); r == nil { // of null alone
			r = &hamba.NullSchema{}
		}
	}
	if r.Type() == hamba.Null {
		return nil, fault.New(NotAlike, "a value written as %s cannot be read as null", nameOf(w))
	}
	if a, ok := r.(*hamba.ArraySchema); ok {
		if x, ok := w.(*hamba.ArraySchema); ok {
			return k.list(a, x, c)
		}
	} else if read := scalar(r, w, c); read != nil {
		return read, nil
	}
	return nil, fault.New(NotAlike, "a value written as %s cannot be read as %s", nameOf(w), schema.TypeName(c.typ))
}

// nameOf tells a type as a person would.
func nameOf(s hamba.Schema) string {
	if l := logical(s); l != "" {
		return string(s.Type()) + " (" + string(l) + ")"
	}
	return string(s.Type())
}

// columnOfUnion reads the number of a type, then a value of it. A type that the
// column cannot hold makes only the rows bad that have it.
func (k *compiler) columnOfUnion(r hamba.Schema, u *hamba.UnionSchema, c *column) (read, error) {
	reads, fits := make([]read, len(u.Types())), false
	var first error
	for i, t := range u.Types() {
		read, err := k.column(r, t, c)
		if err != nil {
			if first == nil {
				first = err
			}
			read = func(cur *cursor) { cur.fail("a value is of a type that its column does not hold") }
		} else if t.Type() != hamba.Null {
			fits = true
		}
		reads[i] = read
	}
	if !fits && first != nil {
		return nil, first
	}
	return func(cur *cursor) {
		if n := cur.number(len(reads), noType); n >= 0 {
			reads[n](cur)
		}
	}, nil
}

// jsonColumn puts texts into a column.
func jsonColumn(value text, c *column) read {
	return func(cur *cursor) {
		cur.from = len(c.data) - cur.made
		c.data = value(cur, c.data)
		cur.made = len(c.data) - cur.from
		c.endBytes()
	}
}

func (k *compiler) list(r, w *hamba.ArraySchema, c *column) (read, error) {
	elem, err := k.column(r.Items(), w.Items(), c.elem)
	if err != nil {
		return nil, err
	}
	least, width := k.leastBytes(w.Items()), c.elem.width()
	return func(cur *cursor) {
		cur.blocks(least, func() {
			if cur.made += width; cur.step() && cur.holds(cur.made) {
				elem(cur)
			}
		})
		c.ends = append(c.ends, int32(c.elem.n))
		c.added()
	}, nil
}

// scalar gives nil where the column cannot hold the values.
func scalar(r, w hamba.Schema, c *column) read {
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
		return instant(r, w, c)
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
		return decimalColumn(r, w, c)
	case arrow.STRING:
		return bytesColumn(characters(r, w), c)
	case arrow.BINARY:
		return bytesColumn(bytesOf(w), c)
	}
	return nil
}

func bytesColumn(take take, c *column) read {
	if take == nil {
		return nil
	}
	return func(cur *cursor) {
		b := take(cur)
		cur.made += len(b)
		c.putBytes(b)
	}
}

// instant reads a time in microseconds, as columns have it.
func instant(r, w hamba.Schema, c *column) read {
	if w.Type() != hamba.Long && (w.Type() != hamba.Int || logical(w) != "") {
		return nil
	}
	if !inMillis(r, w) {
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

func decimalColumn(r, w hamba.Schema, c *column) read {
	t := c.typ.(*arrow.Decimal128Type)
	if d := decimal(w); d != nil && int32(d.Scale()) != t.Scale || w.Type() == hamba.String {
		return nil
	}
	take := bytesOf(w)
	if take == nil {
		return nil
	}
	return func(cur *cursor) {
		v, ok := decimalOf(take(cur), t.Precision)
		if !ok {
			cur.fail("a decimal has more digits than its column")
		}
		c.putDecimal(v)
	}
}

// leastBytes is how many bytes a value of s takes at least, as far as that can
// be told: 0 inside a type that holds itself.
func (k *compiler) leastBytes(s hamba.Schema) int {
	s = resolved(s)
	n, ok := k.least[s]
	if !ok {
		k.least[s] = 0
		n = k.countLeast(s)
		k.least[s] = n
	}
	return n
}

func (k *compiler) countLeast(s hamba.Schema) int {
	switch x := s.(type) {
	case *hamba.NullSchema:
		return 0
	case *hamba.FixedSchema:
		return x.Size()
	case *hamba.RecordSchema:
		for _, f := range x.Fields() {
			if n := k.leastBytes(f.Type()); n > 0 {
				return n // one is as good as many
			}
		}
		return 0
	}
	switch s.Type() {
	case hamba.Float:
		return 4
	case hamba.Double:
		return 8
	}
	return 1
}
