package avro

import (
	"fmt"

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
	width   int // bytes of a row, besides its texts and elements
	made    int // bytes that the columns hold
}

// Plan reads rows of one writer's schema into the columns of a Decoder.
type Plan struct {
	fields []read // by field of the writer
	absent []absent
}

// absent is a field that the writer did not have, and its default.
type absent struct {
	read read
	row  []byte
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
		d.width += d.columns[at].width()
	}
	return d, nil
}

// Plan compiles a writer's schema. Errors: FH-7611, when a field wanted was
// written with a type that its column cannot hold; FH-7610, when its column does
// not hold its default, or the schemas together are too large.
func (d *Decoder) Plan(writer *Schema) (*Plan, error) {
	p := &Plan{fields: make([]read, len(writer.record.Fields()))}
	k := newCompiler(d.reader)
	for i, at := range match(d.reader.record, writer.record) {
		f, c := d.reader.record.Fields()[i], d.columns[i]
		if c == nil {
			continue
		}
		var err error
		if at >= 0 {
			p.fields[at], err = k.column(f.Type(), writer.record.Fields()[at].Type(), c)
		} else if row, ok := d.reader.defaults[f]; ok {
			err = d.addDefault(p, k, i, row)
		} else {
			p.absent = append(p.absent, absent{read: func(*cursor) { c.null() }})
		}
		if err != nil {
			return nil, fault.As(err).At("field %q", f.Name())
		}
	}
	for i, f := range writer.record.Fields() {
		if p.fields[i] == nil {
			p.fields[i] = read(k.pass(f.Type()))
		}
	}
	if k.tooMany {
		return nil, fault.New(BadSchema, "reading it as the newest schema takes more than %d pairs of types", mostPairs)
	}
	return p, nil
}

// addDefault plans the default of a field that was not written: a row of that
// field alone. It is tried first, on a column of its own.
func (d *Decoder) addDefault(p *Plan, k *compiler, field int, row []byte) error {
	t := d.reader.record.Fields()[field].Type()
	try, err := k.column(t, t, newColumn(d.columns[field].typ))
	if err != nil {
		return err
	}
	cur := cursor{b: row, room: mostBatch}
	if try(&cur); !cur.holds(cur.made) {
		return fault.New(BadSchema, "its column does not hold the default: %s", cur.bad)
	}
	read, err := k.column(t, t, d.columns[field])
	p.absent = append(p.absent, absent{read, row})
	return err
}

// Append adds the row that b is, to its last byte. A row that is bad adds
// nothing, and the error says why (A2). Errors: FH-7615; FH-7616 when the batch
// is full: the row is good, and Arrays makes room for it.
func (d *Decoder) Append(p *Plan, b []byte) error {
	made := d.made
	used, err := d.AppendFrom(p, b)
	if err == nil && used < len(b) {
		d.cutTo(d.rows - 1)
		d.made = made
		return fault.New(Corrupt, "%d bytes are left behind the row", len(b)-used)
	}
	return err
}

// AppendFrom adds the row that b begins with and tells how many bytes it took.
func (d *Decoder) AppendFrom(p *Plan, b []byte) (used int, err error) {
	cur := &d.cur
	*cur = cursor{b: b, room: mostBatch - d.made}
	for _, r := range p.fields {
		if r(cur); !cur.within(cur.made) {
			cur.over(cur.made)
			return 0, d.refuse()
		}
	}
	used, made := cur.i, cur.made
	for _, a := range p.absent {
		*cur = cursor{b: a.row, room: mostBatch - d.made - made}
		if a.read(cur); !cur.holds(cur.made) {
			return 0, d.refuse()
		}
		made += cur.made
	}
	d.rows++
	d.made += made + d.width
	return used, nil
}

// refuse takes back what a bad row has left.
func (d *Decoder) refuse() error {
	d.cutTo(d.rows)
	code := Corrupt
	if d.cur.full && d.rows > 0 {
		code = Full
	}
	return fault.New(code, "%s", d.cur.bad)
}

func (d *Decoder) cutTo(rows int) {
	for _, c := range d.wanted {
		c.cut(rows)
	}
	d.rows = rows
}

// Rows is the number of rows of the batch so far.
func (d *Decoder) Rows() int { return d.rows }

// Bytes is about how many bytes the columns hold. That may be far more than the
// rows had: whoever appends many ends the batch by it.
func (d *Decoder) Bytes() int { return d.made }

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
	d.rows, d.made = 0, 0
	return out
}
