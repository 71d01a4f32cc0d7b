package exchange

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// table is a set of records in slots, seen as columns whose rows are named by
// id. Several goroutines may read it; adding and dropping are for one.
type table struct {
	o       *ordering
	columns []column // by column number
	chain   []column // those compared, first to last
	records []arrow.RecordBatch
	free    []int
	varying []column // columns whose size varies by row
}

func newTable(o *ordering) *table {
	t := &table{o: o, columns: make([]column, o.schema.NumFields())}
	for i, f := range o.schema.Fields() {
		c := newColumn(f.Type)
		t.columns[i] = c
		switch c.(type) {
		case *texts, *lists, *others:
			t.varying = append(t.varying, c)
		}
	}
	for _, c := range o.chain {
		t.chain = append(t.chain, t.columns[c])
	}
	for _, c := range o.texts {
		t.chain = append(t.chain, printed{tail{}, t.columns[c].(arrays)})
	}
	for _, c := range o.chain {
		if hasFloat(o.schema.Field(c).Type) {
			t.chain = append(t.chain, rawBits{tail{}, t.columns[c]})
		}
	}
	return t
}

// add puts a record of at most slotRows rows into a free slot, and owns one
// reference to it from then on. columns numbers the table's columns that the
// record has; nil for all.
func (t *table) add(r arrow.RecordBatch, columns []int) int {
	slot := len(t.records)
	if n := len(t.free); n > 0 {
		slot, t.free = t.free[n-1], t.free[:n-1]
	} else {
		t.records = append(t.records, nil)
	}
	t.records[slot] = r
	if columns == nil {
		for i, c := range t.columns {
			c.set(slot, r.Column(i))
		}
		return slot
	}
	for i, c := range columns {
		t.columns[c].set(slot, r.Column(i))
	}
	return slot
}

// drop empties a slot.
func (t *table) drop(slot int) {
	for _, c := range t.columns {
		c.set(slot, nil)
	}
	t.records[slot].Release()
	t.records[slot] = nil
	t.free = append(t.free, slot)
}

// release drops everything.
func (t *table) release() {
	for slot, r := range t.records {
		if r != nil {
			t.drop(slot)
		}
	}
}

// compare orders two rows from the from-th column of the chain on.
func (t *table) compare(a, b uint32, from int) int {
	for _, c := range t.chain[from:] {
		if x := c.compare(a, b); x != 0 {
			return x
		}
	}
	return 0
}

// compareKeys orders two rows by their keys.
func (t *table) compareKeys(a, b uint32) int {
	for _, c := range t.chain[:t.o.keys] {
		if x := c.compare(a, b); x != 0 {
			return x
		}
	}
	return 0
}

// gather makes a record of the rows named.
func (t *table) gather(ids []uint32, mem memory.Allocator) (arrow.RecordBatch, error) {
	return gather(t.o.schema, t.columns, ids, mem)
}

func gather(s *arrow.Schema, columns []column, ids []uint32, mem memory.Allocator) (arrow.RecordBatch, error) {
	arrays := make([]arrow.Array, 0, len(columns))
	defer func() { releaseArrays(arrays) }()
	for _, c := range columns {
		a, err := c.gather(ids, mem)
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, a)
	}
	return array.NewRecordBatch(s, arrays, int64(len(ids))), nil
}

// fit is how many of the rows named, from the first on, make a record of about
// limit bytes: at least one.
func (t *table) fit(ids []uint32, limit int64) int {
	n := len(ids)
	for n > 1 {
		var sum int64
		for _, c := range t.varying {
			sum += c.bytes(ids[:n])
		}
		if sum <= limit {
			break
		}
		n = max(1, min(n-1, int(int64(n)*limit/sum)))
	}
	return n
}
