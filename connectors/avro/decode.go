package avro

import (
	"fmt"

	hamba "github.com/hamba/avro/v2"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/host/fault"
)

// Decoder makes columns of rows. It is for one caller at a time.
type Decoder struct {
	reader  *Schema
	columns []*column // by field of the reader; nil where nobody wants it
	wanted  []*column
	cur     cursor
	rows    int
	bytes   int
}

// NewDecoder makes a decoder of the fields wanted of a reader's schema.
func NewDecoder(reader *Schema, wanted []string) (*Decoder, error) {
	d := &Decoder{reader: reader, columns: make([]*column, len(reader.fields))}
	for _, name := range wanted {
		at := -1
		for i, f := range reader.fields {
			if f.Name == name {
				at = i
			}
		}
		if at < 0 || d.columns[at] != nil {
			return nil, fault.New(BadColumn, "the schema has no field %q to be read once", name)
		}
		d.columns[at] = newColumn(reader.fields[at].Type)
		d.wanted = append(d.wanted, d.columns[at])
	}
	return d, nil
}

// Plan compiles a writer's schema. Errors: FH-7611, when a field wanted was
// written with a type that its column cannot hold.
func (d *Decoder) Plan(writer *Schema) (*Plan, error) {
	p := &Plan{fields: make([]read, len(writer.record.Fields()))}
	for i, f := range d.reader.record.Fields() {
		c := d.columns[i]
		if c == nil {
			continue
		}
		at := fieldOf(writer.record, f)
		if at < 0 {
			add, err := p.defaultOf(f, c)
			if err != nil {
				return nil, err
			}
			p.absent = append(p.absent, add)
			continue
		}
		r, err := compile(writer.record.Fields()[at].Type(), c)
		if err != nil {
			return nil, fault.As(err).At("field %q", f.Name())
		}
		p.fields[at] = r
	}
	for i, f := range writer.record.Fields() {
		if p.fields[i] == nil {
			skip := skipping(f.Type())
			p.fields[i] = func(cur *cursor) { skip(cur, 0) }
		}
	}
	return p, nil
}

// defaultOf adds the default of a field that was not written.
func (p *Plan) defaultOf(f *hamba.Field, c *column) (func(), error) {
	if !f.HasDefault() || f.Default() == nil {
		return c.null, nil
	}
	b, err := hamba.Marshal(f.Type(), f.Default())
	if err != nil {
		return nil, fault.Wrap(err, BadSchema, "the default %v is no value of its field", f.Default()).At("field %q", f.Name())
	}
	r, err := compile(f.Type(), c)
	if err != nil {
		return nil, fault.As(err).At("field %q", f.Name())
	}
	p.extra += len(b)
	return func() { r(&cursor{b: b}) }, nil
}

// Append adds the row that b is, to its last byte. A row that is bad adds
// nothing, and the error says why (A2).
func (d *Decoder) Append(p *Plan, b []byte) error {
	used, err := d.AppendFrom(p, b)
	if err == nil && used < len(b) {
		d.cutTo(d.rows - 1)
		return fault.New(Corrupt, "%d bytes are left behind the row", len(b)-used)
	}
	return err
}

// AppendFrom adds the row that b begins with and tells how many bytes it took.
func (d *Decoder) AppendFrom(p *Plan, b []byte) (used int, err error) {
	cur := &d.cur
	*cur = cursor{b: b}
	for _, r := range p.fields {
		r(cur)
		if cur.bad != "" {
			d.cutTo(d.rows)
			return 0, fault.New(Corrupt, "%s", cur.bad)
		}
	}
	for _, add := range p.absent {
		add()
	}
	d.rows++
	d.bytes += cur.i + p.extra
	return cur.i, nil
}

func (d *Decoder) cutTo(rows int) {
	for _, c := range d.wanted {
		c.cut(rows)
	}
	d.rows = rows
}

// Rows is the number of rows of the batch so far.
func (d *Decoder) Rows() int { return d.rows }

// Bytes is the number of bytes they were made of.
func (d *Decoder) Bytes() int { return d.bytes }

// Arrays gives the wanted columns, in the order in which they were named, and
// begins a batch anew. The caller releases them.
func (d *Decoder) Arrays() []arrow.Array {
	out := make([]arrow.Array, len(d.wanted))
	for i, c := range d.wanted {
		if c.n != d.rows {
			panic(fmt.Sprintf("avro: column %d holds %d values of %d rows", i, c.n, d.rows))
		}
		out[i] = c.array()
	}
	d.rows, d.bytes = 0, 0
	return out
}
