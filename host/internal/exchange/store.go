package exchange

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// store copies batches into compact records of a table.
type store struct {
	table    *table
	mem      *held
	capacity int // rows of a record
	builders []builder
	rows     int   // in the record being built
	total    int   // in all
	varying  int64 // bytes in the record being built, beside those of fixed size
	// varyingMax closes a record early, so that a few long values do not make
	// one too large to handle.
	varyingMax int64
}

// recordRows is how many rows of a schema a record holds: a power of two, so
// that small budgets are not spent on empty room.
func recordRows(s *arrow.Schema, budget int64) int {
	rows := slotRows
	for rows > 16 && int64(rows)*fixedBytes(s) > budget/64 {
		rows /= 2
	}
	return rows
}

// fixedBytes is what a row takes at least.
func fixedBytes(s *arrow.Schema) int64 {
	n := int64(0)
	for _, f := range s.Fields() {
		switch x := f.Type.(type) {
		case arrow.FixedWidthDataType:
			n += int64(x.BitWidth()+8) / 8
		default:
			n += 8
		}
	}
	return n
}

func newStore(t *table, mem *held, capacity int, varyingMax int64) *store {
	s := &store{table: t, mem: mem, capacity: capacity, varyingMax: varyingMax}
	for i, f := range t.o.schema.Fields() {
		s.builders = append(s.builders, newBuilder(f.Type, t.columns[i], mem, capacity))
	}
	return s
}

// room is how many rows the record being built can still take.
func (s *store) room() int { return s.capacity - s.rows }

// add copies rows from..from+n of r, which must fit the room.
func (s *store) add(r arrow.RecordBatch, from, n int) error {
	for i, b := range s.builders {
		if err := b.add(r.Column(i), from, n); err != nil {
			return err
		}
	}
	s.rows += n
	s.total += n
	s.varying += varyingBytes(r, from, n)
	if s.rows == s.capacity || s.varying > s.varyingMax {
		return s.close()
	}
	return nil
}

// close moves the record being built into the table.
func (s *store) close() error {
	if s.rows == 0 {
		return nil
	}
	arrays := make([]arrow.Array, 0, len(s.builders))
	defer func() { releaseArrays(arrays) }()
	for _, b := range s.builders {
		a, err := b.finish(s.rows)
		if err != nil {
			return err
		}
		arrays = append(arrays, a)
	}
	s.table.add(array.NewRecordBatch(s.table.o.schema, arrays, int64(s.rows)), nil)
	s.rows, s.varying = 0, 0
	return nil
}

// varyingBytes is the size of rows of r in columns whose size varies.
func varyingBytes(r arrow.RecordBatch, from, n int) int64 {
	var sum int64
	for _, a := range r.Columns() {
		switch a.DataType().ID() {
		case arrow.STRING, arrow.BINARY:
			if b := a.Data().Buffers()[1]; b != nil && b.Len() > 0 {
				o := arrow.Int32Traits.CastFromBytes(b.Bytes())[a.Data().Offset()+from:]
				sum += int64(o[n] - o[0])
			}
		default:
			if _, ok := a.DataType().(arrow.FixedWidthDataType); !ok && a.Len() > 0 {
				sum += int64(float64(a.Data().SizeInBytes()) / float64(a.Len()) * float64(n))
			}
		}
	}
	return sum
}

// items names all rows of the table.
func (s *store) items(out []item) []item {
	out = out[:0]
	for slot, r := range s.table.records {
		if r == nil {
			continue
		}
		for row := range int(r.NumRows()) {
			out = append(out, item{id: rowID(slot, row)})
		}
	}
	return out
}

// release gives everything back; the store can be filled again.
func (s *store) release() {
	for _, b := range s.builders {
		b.drop()
	}
	s.table.release()
	s.rows, s.total, s.varying = 0, 0, 0
}
