package jsonlines

import (
	"bytes"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
)

// ErrOdd says that a line is not plain. It may be wrong or only unusual.
var ErrOdd = errors.New("the line is not plain JSON")

// longestLine is the longest line taken: what the SQL engine takes too.
const longestLine = 16 << 20

// Decoder makes columns of lines. It is for one caller at a time.
type Decoder struct {
	columns []column
	wanted  []int
	byName  map[string]int
	shape   []member // of the line before, which the next one is likely to have too
	rows    int
	bytes   int
}

// member is a field of a line: its name as written, with the colon.
type member struct {
	key    []byte
	column int // -1: nobody wants it
}

// Reads reports whether values of type t can be decoded.
func Reads(t arrow.DataType) bool { return kindOf(t) != skipped }

// New makes a decoder of fields of types that Reads knows. wanted names those
// that Arrays gives; of the others it is only checked that they are plain.
func New(fields []arrow.Field, wanted []string) *Decoder {
	d := &Decoder{columns: make([]column, len(fields)), byName: map[string]int{}}
	for i, f := range fields {
		d.columns[i] = column{kind: kindOf(f.Type), typ: f.Type}
		d.byName[f.Name] = i
	}
	for _, name := range wanted {
		i := d.byName[name]
		d.columns[i].keep = true
		d.wanted = append(d.wanted, i)
	}
	return d
}

// Start begins a batch of at most so many rows.
func (d *Decoder) Start(rows int) {
	d.rows, d.bytes = 0, 0
	for i := range d.columns {
		d.columns[i].start(rows)
	}
}

// Rows is the number of rows of the batch so far.
func (d *Decoder) Rows() int { return d.rows }

// Bytes is the number of bytes they were made of.
func (d *Decoder) Bytes() int { return d.bytes }

// Arrays gives the wanted columns of the batch, in the order in which they were
// named. The caller releases them.
func (d *Decoder) Arrays() []arrow.Array {
	out := make([]arrow.Array, len(d.wanted))
	for i, c := range d.wanted {
		out[i] = d.columns[c].array()
	}
	return out
}

// Decode adds rows of the lines in b, each of which ends with a line feed,
// until the batch has so many. It tells how many bytes it used up. After
// ErrOdd those are the lines before the odd one.
func (d *Decoder) Decode(b []byte, rows int) (used int, err error) {
	for used < len(b) && d.rows < rows {
		end, ok := d.line(b, used)
		if !ok || end-used > longestLine {
			for i := range d.columns {
				d.columns[i].cut(d.rows)
			}
			return used, ErrOdd
		}
		d.bytes += end - used
		used = end
	}
	return used, nil
}

// line adds the row of the line that starts at i and gives the place after it.
func (d *Decoder) line(b []byte, i int) (next int, ok bool) {
	i = space(b, i)
	if i >= len(b) || b[i] != '{' {
		return i, false
	}
	i = space(b, i+1)
	if i >= len(b) {
		return i, false
	}
	seen, k := 0, 0
	for more := b[i] != '}'; more; {
		var at int
		if k < len(d.shape) && bytes.HasPrefix(b[i:], d.shape[k].key) {
			at = d.shape[k].column
			i += len(d.shape[k].key)
		} else if at, i = d.member(b, i, k); i < 0 {
			return i, false
		}
		k++
		i = space(b, i)
		if at < 0 {
			if i = skip(b, i, 0); i < 0 {
				return i, false
			}
		} else {
			c := &d.columns[at]
			if c.n != d.rows { // the second of this name
				return i, false
			}
			if i = c.value(b, i); i < 0 {
				return i, false
			}
			seen++
		}
		if i = space(b, i); i >= len(b) {
			return i, false
		}
		switch b[i] {
		case ',':
			if i = space(b, i+1); i >= len(b) {
				return i, false
			}
		case '}':
			more = false
		default:
			return i, false
		}
	}
	if i = space(b, i+1); i < len(b) && b[i] == '\r' {
		i++
	}
	if i >= len(b) || b[i] != '\n' {
		return i, false
	}
	if seen < len(d.columns) {
		for c := range d.columns {
			if d.columns[c].n == d.rows {
				d.columns[c].addNull()
			}
		}
	}
	d.rows++
	return i + 1, true
}

// member reads the name of the k-th field of a line and its colon, and keeps
// it as what the next line will have there. The place after it is -1 when the
// name is not plain.
func (d *Decoder) member(b []byte, i, k int) (column, next int) {
	from := i
	name, i := plainText(b, i)
	if i < 0 {
		return 0, -1
	}
	column, ok := d.byName[string(name)]
	if !ok {
		column = -1
	}
	if i = space(b, i); i >= len(b) || b[i] != ':' {
		return 0, -1
	}
	i++
	d.shape = append(d.shape[:k], member{bytes.Clone(b[from:i]), column})
	return column, i
}

// space steps over white space inside a line.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}
