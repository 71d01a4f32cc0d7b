package window

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// order holds the open rows of the column that orders events. Whole numbers
// keep the unit of the column; floats are doubles.
type order struct {
	name string
	at   int
	id   arrow.Type
	unit int64 // microseconds in one of a whole number; 0 for floats

	ints   []int64
	reals  []float64
	floors bool    // whole seconds are asked for
	secs   []int64 // ints floored to seconds, only if floors
	// classes of rows; nil as long as all of them were numbers.
	classes []class
	odd     bool // classes is kept
	n       int
}

// class says what stands in place of an order value; in ascending order.
type class uint8

const (
	null class = iota
	number
	nan
)

// bind readies o for a column.
func (o *order) bind(at int, t flow.DataType) error {
	o.at, o.id = at, t.ID()
	switch {
	case arrow.TypeEqual(t, schema.Timestamp()):
		o.unit = 1
	case o.id == arrow.DATE32:
		o.unit = day
	case isInteger(t):
		o.unit = second
	case isFloat(t):
	default:
		return fault.New(BadFrame, "windows are ordered by column %q, which is %s: expected timestamp, date, integer, bigint, float or double",
			o.name, schema.TypeName(t))
	}
	return nil
}

const second = int64(1_000_000)

// whole reports whether values are whole numbers.
func (o *order) whole() bool { return o.unit > 0 }

// timed reports whether values are times.
func (o *order) timed() bool { return o.id == arrow.TIMESTAMP || o.id == arrow.DATE32 }

// load appends the rows of a batch.
func (o *order) load(rec flow.Record) {
	a := rec.Column(o.at)
	base := o.n
	o.n += a.Len()
	switch o.id {
	case arrow.TIMESTAMP, arrow.INT64:
		o.ints = append(o.ints, plain[int64](a)...)
	case arrow.DATE32, arrow.INT32:
		for _, v := range plain[int32](a) {
			o.ints = append(o.ints, int64(v))
		}
	case arrow.FLOAT32:
		for _, v := range plain[float32](a) {
			o.reals = append(o.reals, float64(v))
		}
	case arrow.FLOAT64:
		o.reals = append(o.reals, plain[float64](a)...)
	}
	if o.floors {
		for _, v := range o.ints[base:] {
			o.secs = append(o.secs, floorDiv(v, second)*second)
		}
	}
	odd := a.NullN() > 0
	for _, v := range o.reals[min(base, len(o.reals)):] {
		odd = odd || v != v
	}
	if !odd && !o.odd {
		return
	}
	for len(o.classes) < base {
		o.classes = append(o.classes, number)
	}
	o.odd = true
	for i := range a.Len() {
		c := number
		switch {
		case a.IsNull(i):
			c = null
		case !o.whole() && o.reals[base+i] != o.reals[base+i]:
			c = nan
		}
		o.classes = append(o.classes, c)
	}
}

func (o *order) class(i int) class {
	if !o.odd {
		return number
	}
	return o.classes[i]
}

// same reports whether rows i and j are equal in order: in the same second, if
// seconds are asked for.
func (o *order) same(i, j int) bool {
	if c := o.class(i); c != o.class(j) || c != number {
		return c == o.class(j)
	}
	switch {
	case o.floors:
		return o.secs[i] == o.secs[j]
	case o.whole():
		return o.ints[i] == o.ints[j]
	}
	return o.reals[i] == o.reals[j]
}

// firstPeer gives the first of the rows from down to a row that are equal in
// order to it, but none before from.
func (o *order) firstPeer(row, from int) int {
	for row > from && o.same(row-1, row) {
		row--
	}
	return row
}

// descends gives the first row from from, but before to, that belongs before
// the one in front of it, or -1.
func (o *order) descends(from, to int) int {
	for i := max(from, 1); i < to; i++ {
		var bad bool
		if c, d := o.class(i-1), o.class(i); c != d || c != number {
			bad = d < c
		} else if o.whole() {
			bad = o.ints[i] < o.ints[i-1]
		} else {
			bad = o.reals[i] < o.reals[i-1]
		}
		if bad {
			return i
		}
	}
	return -1
}

// drop forgets the first n rows.
func (o *order) drop(n int) {
	if o.whole() {
		o.ints = o.ints[:copy(o.ints, o.ints[n:])]
	} else {
		o.reals = o.reals[:copy(o.reals, o.reals[n:])]
	}
	if o.floors {
		o.secs = o.secs[:copy(o.secs, o.secs[n:])]
	}
	if o.odd {
		o.classes = o.classes[:copy(o.classes, o.classes[n:])]
	}
	o.n -= n
	if o.n == 0 {
		o.odd, o.classes = false, o.classes[:0]
	}
}
