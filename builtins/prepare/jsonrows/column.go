package jsonrows

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/host/fault"
)

// column takes the values of a field, one for each row.
type column interface {
	null()
	// value takes the value at v, which is there and was scanned.
	value(s []byte, v span)
	// array gives what was taken and how many values failed, and begins anew.
	array(mem memory.Allocator) (a arrow.Array, failed int64, err error)
}

// newColumn makes the column of a type.
func newColumn(t arrow.DataType) (column, error) {
	switch t := t.(type) {
	case *arrow.ListType:
		elem, err := newColumn(t.Elem())
		return &list{typ: t, elem: elem, ends: []int32{0}}, err
	case *arrow.StructType:
		if t.NumFields() == 0 {
			return nil, fault.New(BadField, "a struct without fields: expected one at least")
		}
		c := &structure{typ: t}
		for i, f := range t.Fields() {
			field, err := newColumn(f.Type)
			if err != nil {
				return nil, err
			}
			n := c.names.add(f.Name)
			if n.field >= 0 || f.Name == "" {
				return nil, fault.New(BadField, "the field %q of a struct: expected a name of its own", f.Name)
			}
			n.field = i
			c.fields = append(c.fields, field)
		}
		c.walk.spans = make([]span, len(c.fields))
		return c, nil
	}
	to, err := cast.New(arrow.BinaryTypes.String, t, cast.Rules{})
	if err != nil {
		return nil, fault.Wrap(err, BadField, "no JSON value can become %s", schema.TypeName(t))
	}
	return &scalar{cast: to, shared: t.ID() == arrow.STRING || t.ID() == arrow.BINARY, ends: []int32{0}}, nil
}

// validity grows a bitmap.
type validity struct {
	bits     []byte
	n, nulls int
}

func (v *validity) put(valid bool) {
	if v.n&7 == 0 {
		v.bits = append(v.bits, 0)
	}
	if valid {
		v.bits[v.n>>3] |= 1 << (v.n & 7)
	} else {
		v.nulls++
	}
	v.n++
}

// take gives the bitmap and begins anew. Arrays share bitmaps, so each has its
// own.
func (v *validity) take() (bits *memory.Buffer, n, nulls int) {
	n, nulls = v.n, v.nulls
	if nulls > 0 {
		bits = memory.NewBufferBytes(v.bits)
		v.bits = make([]byte, 0, len(bits.Bytes()))
	}
	*v = validity{bits: v.bits[:0]}
	return bits, n, nulls
}

// scalar keeps values as text and casts them all at once.
type scalar struct {
	validity
	cast   *cast.Cast
	shared bool // what the cast gives points into what it took
	data   []byte
	ends   []int32
}

func (c *scalar) null() {
	c.put(false)
	c.ends = append(c.ends, int32(len(c.data)))
}

func (c *scalar) value(s []byte, v span) {
	switch s[v.from] {
	case 'n':
		c.null()
		return
	case '"':
		if v.escaped {
			c.data = unescape(c.data, s[v.from+1:v.end-1])
		} else {
			c.data = append(c.data, s[v.from+1:v.end-1]...)
		}
	case '{', '[':
		c.data = compact(c.data, s[v.from:v.end])
	default:
		c.data = append(c.data, s[v.from:v.end]...)
	}
	c.put(true)
	c.ends = append(c.ends, int32(len(c.data)))
}

func (c *scalar) array(mem memory.Allocator) (arrow.Array, int64, error) {
	bits, n, nulls := c.take()
	data, ends := c.data, c.ends
	if c.shared {
		c.data, c.ends = make([]byte, 0, len(data)), make([]int32, 0, len(ends))
	}
	c.data, c.ends = c.data[:0], append(c.ends[:0], 0)
	if len(data) > math.MaxInt32 {
		return nil, 0, tooLong(len(data))
	}
	d := array.NewData(arrow.BinaryTypes.String, n,
		[]*memory.Buffer{bits, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(ends)), memory.NewBufferBytes(data)}, nil, nulls, 0)
	defer d.Release()
	texts := array.NewStringData(d)
	defer texts.Release()
	out, failed := c.cast.Apply(mem, texts)
	return out, failed, nil
}

func tooLong(n int) error {
	return fault.New(TooLong, "%d bytes of text in one batch: expected at most %d", n, math.MaxInt32).
		WithHint("lower batch_rows in the [pipeline] table")
}

// list takes arrays, element by element.
type list struct {
	validity
	typ    *arrow.ListType
	elem   column
	ends   []int32
	count  int32
	failed int64
}

func (c *list) null() {
	c.put(false)
	c.ends = append(c.ends, c.count)
}

func (c *list) value(s []byte, v span) {
	if s[v.from] != '[' {
		if s[v.from] != 'n' {
			c.failed++
		}
		c.null()
		return
	}
	for i, closed := space(s, int(v.from)+1), s[space(s, int(v.from)+1)] == ']'; !closed; {
		var end int
		escaped := false
		if s[i] == '"' {
			end, escaped = text(s, i+1)
		} else {
			end = skip(s, i, 0)
		}
		c.elem.value(s, span{int32(i), int32(end), escaped})
		c.count++
		i, closed = next(s, end, ']')
	}
	c.put(true)
	c.ends = append(c.ends, c.count)
}

func (c *list) array(mem memory.Allocator) (arrow.Array, int64, error) {
	bits, n, nulls := c.take()
	failed, ends := c.failed, c.ends
	c.ends, c.failed, c.count = append(make([]int32, 0, len(ends)), 0), 0, 0
	elems, more, err := c.elem.array(mem)
	if err != nil {
		return nil, 0, err
	}
	defer elems.Release()
	d := array.NewData(c.typ, n, []*memory.Buffer{bits, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(ends))},
		[]arrow.ArrayData{elems.Data()}, nulls, 0)
	defer d.Release()
	return array.NewListData(d), failed + more, nil
}

// structure takes objects, field by field.
type structure struct {
	validity
	typ    *arrow.StructType
	names  names
	fields []column
	walk   walk
	failed int64
}

func (c *structure) null() {
	c.put(false)
	for _, f := range c.fields {
		f.null()
	}
}

func (c *structure) value(s []byte, v span) {
	if s[v.from] != '{' {
		if s[v.from] != 'n' {
			c.failed++
		}
		c.null()
		return
	}
	clear(c.walk.spans)
	c.walk.row++
	c.walk.object(s, int(v.from)+1, &c.names, 0)
	c.put(true)
	for i, f := range c.fields {
		if at := c.walk.spans[i]; at.end == 0 {
			f.null()
		} else {
			f.value(s, at)
		}
	}
}

func (c *structure) array(mem memory.Allocator) (arrow.Array, int64, error) {
	bits, n, nulls := c.take()
	failed := c.failed
	c.failed = 0
	var children []arrow.ArrayData
	var broken error
	for _, f := range c.fields {
		a, more, err := f.array(mem)
		if err != nil {
			broken = err
			continue
		}
		defer a.Release()
		failed += more
		children = append(children, a.Data())
	}
	if broken != nil {
		return nil, 0, broken
	}
	d := array.NewData(c.typ, n, []*memory.Buffer{bits}, children, nulls, 0)
	defer d.Release()
	return array.NewStructData(d), failed, nil
}
