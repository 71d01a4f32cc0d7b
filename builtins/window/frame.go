package window

import (
	"math"

	"github.com/featurehost/featurehost/host/fault"
)

// frame is a window of events and where it stands.
type frame struct {
	rows int64 // a frame of rows, else a span

	months                int64 // a span of calendar months
	closedLow, closedHigh bool
	floors                bool // in whole seconds
	// most is the greatest distance of a whole number that is in, width the
	// length of a span of floats.
	most  uint64
	width float64

	lo, hi       int32
	wasLo, wasHi int32 // the last move noted, unless lo is unknown
	// A window of months may go back by less than a day, to rows from back on.
	back  int32
	start int64 // of the window; of months
	// The last day and the day so many months before it.
	today, then int64
}

// frame makes a frame over the values of o.
func (o *order) frame(f Frame) (frame, error) {
	x := frame{
		rows: f.Rows, closedLow: f.Bounds == ClosedClosed || f.Bounds == ClosedOpen, closedHigh: f.Bounds == OpenClosed || f.Bounds == ClosedClosed,
		wasLo: unknown, today: math.MinInt64,
	}
	s := f.Span
	set := 0
	for _, v := range []int64{f.Rows, s.Micros, int64(s.Days), int64(s.Months)} {
		if v < 0 {
			return x, fault.New(BadFrame, "a window of %s: expected more than 0", f.text())
		}
		set += int(bit(v != 0))
	}
	switch {
	case set != 1:
		return x, fault.New(BadFrame, "a window of %s: expected a number of rows or one length of time", f.text())
	case f.Rows > 0:
		return x, nil
	case s.Micros > longest, int64(s.Days) > longest/day, int64(s.Months) > 12*10_000:
		return x, fault.New(BadFrame, "a window of %s: expected at most 10000 years", f.text())
	case (s.Days > 0 || s.Months > 0) && !o.timed():
		return x, fault.New(BadFrame, "a window of %s over column %q of numbers: expected a length in seconds, minutes or hours, since numbers count in seconds",
			f.text(), o.name)
	}
	x.floors = f.WholeSeconds && o.unit == 1
	if s.Months > 0 {
		x.months = int64(s.Months)
		return x, nil
	}
	w := s.Micros + int64(s.Days)*day
	switch {
	case !o.whole():
		x.width = float64(w) / float64(second)
	case x.closedLow:
		x.most = uint64(w / o.unit)
	default:
		x.most = uint64((w+o.unit-1)/o.unit) - 1
	}
	return x, nil
}

// first gives the first row that this and later windows may hold.
func (f *frame) first() int32 {
	if f.months > 0 {
		return min(f.back, f.lo)
	}
	return f.lo
}

func (f *frame) drop(n int32) {
	f.lo -= n
	f.hi -= n
	f.back -= n
	f.wasLo = unknown
}

// section is a run of rows of one partition that are all numbers, all null or
// all NaN.
type section struct {
	class    class
	from, to int
}

// enter cuts the rows from a to b to those of one class, and makes frames
// ready for them. Rows of the partition known so far end before end; if the
// rows at a are no numbers, all of their kind are known.
func (e *Events) enter(a, b, end int) int {
	s, c := &e.section, e.order.class(a)
	if s.from == s.to || s.class != c {
		*s = section{class: c, from: a, to: a + 1}
		for i := range e.frames {
			f := &e.frames[i]
			f.lo, f.hi, f.back, f.start = int32(a), int32(a), int32(a), math.MinInt64
		}
	}
	if !e.order.odd {
		return b
	}
	for s.to = max(s.to, a+1); s.to < end && e.order.class(s.to) == c; s.to++ {
	}
	return min(b, s.to)
}

// walk notes the moves of frame f for the rows from a to b.
func (e *Events) walk(f *frame, m *moves, a, b, end int) {
	o := &e.order
	row := int32(e.rows)
	switch {
	case f.rows > 0:
		n := int32(min(f.rows, math.MaxInt32)) - 1
		for r := int32(a); r < int32(b); r++ {
			f.lo, f.hi = max(int32(e.part), r-n), r+1
			f.note(m, row+r-int32(a))
		}
	case e.section.class != number:
		f.lo, f.hi = int32(e.section.from), int32(e.section.to)
		f.note(m, row)
	case f.months > 0:
		e.walkMonths(f, m, a, b, end)
	case !o.whole():
		e.walkReals(f, m, a, b, end)
	default:
		vals := o.ints
		if f.floors {
			vals = o.secs
		}
		vals = vals[:end]
		lo, hi := f.lo, f.hi
		for r := int32(a); r < int32(b); r++ {
			v := vals[r]
			if f.closedHigh {
				if hi <= r {
					for hi = r + 1; int(hi) < len(vals) && vals[hi] == v; hi++ {
					}
				}
			} else {
				for hi < r && vals[hi] < v {
					hi++
				}
			}
			for lo < hi && uint64(v)-uint64(vals[lo]) > f.most {
				lo++
			}
			f.lo, f.hi = lo, hi
			f.note(m, row+r-int32(a))
		}
	}
}

// walkReals is walk for floats.
func (e *Events) walkReals(f *frame, m *moves, a, b, end int) {
	vals, row := e.order.reals[:end], int32(e.rows)
	for r := int32(a); r < int32(b); r++ {
		v := vals[r]
		if f.closedHigh {
			for int(f.hi) < len(vals) && vals[f.hi] <= v {
				f.hi++
			}
		} else {
			for f.hi < r && vals[f.hi] < v {
				f.hi++
			}
		}
		for f.lo < f.hi && f.beyond(v, vals[f.lo]) {
			f.lo++
		}
		f.note(m, row+r-int32(a))
	}
}

// beyond reports whether low, which is at most v, is too far below it for a
// window that ends at v. The distance is exact: beside 1e16 the difference of
// doubles would lose a second, and that of infinities is none. What equals v is
// never too far (S-803).
func (f *frame) beyond(v, low float64) bool {
	d := v - low
	switch {
	case low == v:
		return false
	case d != f.width:
		return d > f.width // rounding does not carry a distance across the width
	}
	// What rounding took from the distance, which is d + lost.
	part := d - v
	lost := (v - (d - part)) - (low + part)
	return lost > 0 || lost == 0 && !f.closedLow
}

// walkMonths is walk for calendar months.
func (e *Events) walkMonths(f *frame, m *moves, a, b, end int) {
	vals, row := e.order.ints, int32(e.rows)
	if f.floors {
		vals = e.order.secs
	}
	vals = vals[:end]
	perDay := day / e.order.unit // values in a day
	out := func(i int32, start int64) bool { return vals[i] < start || !f.closedLow && vals[i] == start }
	for r := int32(a); r < int32(b); r++ {
		v := vals[r]
		if f.closedHigh {
			for int(f.hi) < len(vals) && vals[f.hi] <= v {
				f.hi++
			}
		} else {
			for f.hi < r && vals[f.hi] < v {
				f.hi++
			}
		}
		today := floorDiv(v, perDay)
		if today != f.today {
			f.today, f.then = today, monthsBefore(today, f.months)
		}
		start := f.then*perDay + v - today*perDay
		for f.lo < f.hi && out(f.lo, start) {
			f.lo++
		}
		if start < f.start { // back, on days cut to the month's end
			for f.lo > f.back && !out(f.lo-1, start) {
				f.lo--
			}
		}
		f.start = start
		for f.back < f.lo && vals[f.back] < f.then*perDay {
			f.back++
		}
		if f.wasLo == unknown || f.lo < f.wasLo {
			m.turns = append(m.turns, int32(m.n))
			f.wasLo = unknown
		}
		f.note(m, row+r-int32(a))
	}
}

// note notes what the window holds from an output row on. A move that is none
// is written over by the next one.
func (f *frame) note(m *moves, row int32) {
	m.list[m.n] = move{row, f.lo, f.hi}
	m.n += int(bit(f.wasLo != f.lo) | bit(f.wasHi != f.hi))
	f.wasLo, f.wasHi = f.lo, f.hi
}
