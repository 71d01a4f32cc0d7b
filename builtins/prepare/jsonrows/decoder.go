package jsonrows

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Decoder makes columns of JSON texts. It is for one caller at a time and may
// be used for any number of batches; its memory is that of the largest one.
// Rule: S-505.
type Decoder struct {
	schema  *flow.Schema
	names   names
	columns []column
	walk    walk
	bad     []int
}

// New makes a decoder of the fields of s: their names are paths (J2), their
// types any of abi/schema.ParseType, structs among them. Errors: FH-7029.
func New(s *flow.Schema) (*Decoder, error) {
	d := &Decoder{schema: s}
	for i, f := range s.Fields() {
		at := &d.names
		var n *node
		for _, part := range strings.Split(f.Name, ".") {
			if part == "" {
				return nil, fault.New(BadField, "the field %q: expected names parted by single dots", f.Name).At("%s", f.Name)
			}
			n = at.add(part)
			at = &n.below
		}
		if n == nil || n.field >= 0 {
			return nil, fault.New(BadField, "the field %q occurs twice", f.Name).At("%s", f.Name)
		}
		n.field = i
		c, err := newColumn(f.Type)
		if err != nil {
			return nil, fault.As(err).At("%s", f.Name)
		}
		d.columns = append(d.columns, c)
	}
	d.walk.spans = make([]span, len(d.columns))
	return d, nil
}

// Schema gives the columns that Decode makes.
func (d *Decoder) Schema() *flow.Schema { return d.schema }

// Rows are the columns made of texts, as long as these.
type Rows struct {
	Columns []arrow.Array
	// Failed counts for each column the values that its type cannot hold and
	// that are null therefore.
	Failed []int64
	// Bad are the rows whose text is no JSON object, ascending; all their
	// values are null. A null is no text and not among them. The slice is the
	// decoder's and good until it decodes again.
	Bad []int
}

// Release gives the columns back.
func (r Rows) Release() {
	for _, c := range r.Columns {
		c.Release()
	}
}

// Decode reads texts, an array of type string or binary, borrowed; it panics
// on another type. The caller releases the rows. Errors: FH-7043.
// Cost: one pass over the bytes, a second one over declared arrays and
// structs, then one pass over each column.
func (d *Decoder) Decode(mem memory.Allocator, texts arrow.Array) (Rows, error) {
	ends, data := bytesOf(texts)
	d.bad = d.bad[:0]
	nulls := texts.NullN() > 0
	for i := range texts.Len() {
		if nulls && texts.IsNull(i) {
			d.null()
			continue
		}
		s := data[ends[i]:ends[i+1]]
		if !d.scan(s) {
			d.bad = append(d.bad, i)
			d.null()
			continue
		}
		for f, c := range d.columns {
			if v := d.walk.spans[f]; v.end > 0 {
				c.value(s, v)
			} else {
				c.null()
			}
		}
	}
	out := Rows{Bad: d.bad}
	var broken error
	for _, c := range d.columns {
		a, failed, err := c.array(mem)
		if err != nil {
			broken = err // the other columns begin anew too
			continue
		}
		out.Columns, out.Failed = append(out.Columns, a), append(out.Failed, failed)
	}
	if broken != nil {
		out.Release()
		return Rows{}, broken
	}
	return out, nil
}

// null gives every column a null.
func (d *Decoder) null() {
	for _, c := range d.columns {
		c.null()
	}
}

// scan notes where the values of a text lie; false when it is no object.
func (d *Decoder) scan(s []byte) bool {
	clear(d.walk.spans)
	d.walk.row++
	i := space(s, 0)
	if i >= len(s) || s[i] != '{' {
		return false
	}
	end := d.walk.object(s, i+1, &d.names, 1)
	return end >= 0 && space(s, end) == len(s)
}

// bytesOf gives the ends of texts and the bytes they count in.
func bytesOf(a arrow.Array) (ends []int32, data []byte) {
	switch x := a.(type) {
	case *array.String:
		ends = offsets(x)
	case *array.Binary:
		ends = offsets(x)
	default:
		panic("jsonrows: texts of type " + a.DataType().String())
	}
	if b := a.Data().Buffers()[2]; b != nil {
		data = b.Bytes()
	}
	return ends, data
}

func offsets(a interface {
	Len() int
	ValueOffsets() []int32
}) []int32 {
	if a.Len() == 0 { // such an array may come without
		return nil
	}
	return a.ValueOffsets()
}
