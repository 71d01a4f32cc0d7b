package window

import (
	"context"
	"math"

	"github.com/featurehost/featurehost/host/flow"
)

// This file holds the rules of S-905 to S-918: which labels a key has rows at,
// and which input rows each window holds there.

// entersAt gives the first label at which open row i is in w.
func (s *Sweep) entersAt(w *rolling, i int32) int64 {
	if w.phase == 0 {
		return s.enter[i]
	}
	return after(s.times[i], w.phase, s.slide.Micros)
}

// leavesAt gives the first label at which open row i is in w no more.
func (s *Sweep) leavesAt(w *rolling, i int32) int64 {
	if w.onGrid {
		return s.enter[i] + w.width
	}
	return s.leavesOffGrid(w, s.times[i])
}

// leavesOffGrid is leavesAt for a row at t and any window.
func (s *Sweep) leavesOffGrid(w *rolling, t int64) int64 {
	if s.cal != nil {
		return s.cal.leaves(t, w.length)
	}
	return after(t+w.width, w.phase, s.slide.Micros)
}

// dark reports whether w has no value at any label of the present key.
func (s *Sweep) dark(w *rolling) bool {
	return w.off || s.key.null && s.spec.Rows == EveryLabel
}

// dead gives the number of open rows that no later label can need.
func (s *Sweep) dead() int {
	dead := int32(len(s.times))
	if s.key.open {
		for i := range s.windows {
			if w := &s.windows[i]; !s.dark(w) {
				if dead = min(dead, w.tail); w.wobbles {
					dead = min(dead, w.back)
				}
			}
		}
	}
	return int(dead)
}

// advance visits the labels of the present key up to limit. Its rows end
// before end; rows that come later enter at labels after limit.
func (s *Sweep) advance(ctx context.Context, emit flow.Emit, limit int64, end int32) error {
	for i := range s.windows {
		w := &s.windows[i]
		if s.dark(w) {
			continue
		}
		if w.enters == never && w.head < end {
			w.enters = s.entersAt(w, w.head)
		}
		if w.wobbles {
			w.leaves = s.shifts(w, end, limit)
		} else if w.leaves == never && w.tail < end {
			w.leaves = s.leavesAt(w, w.tail)
		}
	}
	if s.spec.Rows == EveryLabel && s.key.at == math.MinInt64 {
		if s.base > limit {
			return nil
		}
		s.key.at = s.base
		if s.base >= s.first {
			if err := s.emitRow(ctx, emit, s.base); err != nil {
				return err
			}
		}
	}
	visitAll := s.enumerate || s.split()
	simple := s.oneGrid && !s.split() && !s.anyDark()
	withData, wobbly := s.spec.Rows == WithData, s.wobbly
	ws := s.windows
	for {
		e := int64(never)
		for i := range ws {
			e = min(e, ws[i].enters, ws[i].leaves)
		}
		if visitAll || s.firstAt != never {
			e = s.upcoming(e, visitAll)
		}
		if e > limit {
			return nil
		}
		s.key.at = e
		data := false
		for i := range ws {
			w := &ws[i]
			for w.enters == e {
				if w.head++; w.head < end {
					w.enters = s.entersAt(w, w.head)
				} else {
					w.enters = never
				}
			}
			if wobbly && w.wobbles && w.leaves == e {
				s.shift(w, e)
				w.leaves = s.shifts(w, end, limit)
			}
			for w.leaves == e {
				if w.tail++; w.tail < end {
					w.leaves = s.leavesAt(w, w.tail)
				} else {
					w.leaves = never
				}
			}
			data = data || w.tail < w.head
		}
		if e < s.first || simple && withData && !data {
			continue
		}
		if !simple {
			if err := s.emitRow(ctx, emit, e); err != nil {
				return err
			}
			continue
		}
		if s.rows == s.most || !s.begun {
			if err := s.ready(ctx, s.key.row, emit); err != nil {
				return err
			}
		}
		if wobbly {
			for i := range ws {
				s.turn(i, ws[i].tail)
			}
		}
		for i := range ws {
			s.note(i, ws[i].tail, ws[i].head)
		}
		s.row(e)
	}
}

// turn makes kernels start anew at the next move of a window that wobbles, if
// it goes back to lo.
func (s *Sweep) turn(i int, lo int32) {
	w, m := &s.windows[i], &s.moves[i]
	if w.wobbles && (w.lo == unknown || lo < w.lo) {
		m.turns, w.lo = append(m.turns, int32(m.n)), unknown
	}
}

// note notes what window i holds in the row to come. A move that is none is
// written over by the next one.
func (s *Sweep) note(i int, lo, hi int32) {
	w, m := &s.windows[i], &s.moves[i]
	m.list[m.n] = move{int32(s.rows), lo, hi}
	m.n += int(bit(w.lo != lo) | bit(w.hi != hi))
	w.lo, w.hi = lo, hi
}

// shift moves the start of a window that wobbles to where it is at label e.
func (s *Sweep) shift(w *rolling, e int64) {
	start := s.cal.start(e, w.length)
	for w.tail < w.head && s.times[w.tail] < start {
		w.tail++
	}
	for w.tail > w.back && s.times[w.tail-1] >= start {
		w.tail--
	}
}

// shifts gives the next label, up to a limit, at which the start of a window
// that wobbles passes a row before end, on its way forward or back. It looks
// at the labels one by one, but only at those of a few days.
func (s *Sweep) shifts(w *rolling, end int32, limit int64) int64 {
	c, e := s.cal, s.key.at
	if e == math.MinInt64 {
		e = s.enter[w.head] - c.micros // nothing has entered yet
	}
	for {
		for least := c.least(e, w.length); w.back < w.tail && s.times[w.back] < least; {
			w.back++
		}
		e += c.micros
		if w.back == w.tail {
			if w.tail == end {
				return never
			}
			e = c.hint(e, s.times[w.tail], w.length)
		}
		if e > limit {
			return never
		}
		start := c.start(e, w.length)
		if w.tail < end && s.times[w.tail] < start || w.tail > w.back && s.times[w.tail-1] >= start {
			return e
		}
	}
}

// split reports whether the rows of the present key come apart by window.
func (s *Sweep) split() bool { return s.key.null && s.spec.Rows == WithData }

func (s *Sweep) anyDark() bool {
	for i := range s.windows {
		if s.dark(&s.windows[i]) {
			return true
		}
	}
	return false
}

// upcoming gives the label to visit next, when change is the next one at which
// a window changes: it, or an earlier one that gives a row all the same.
func (s *Sweep) upcoming(change int64, visitAll bool) int64 {
	if s.firstAt != never && s.key.at < s.firstAt && (s.key.at != math.MinInt64 || s.spec.Rows == EveryLabel) {
		return min(change, s.firstAt)
	}
	if visitAll {
		return s.next(change)
	}
	return change
}

// next gives the label to visit after the last one when all labels count;
// change is the next one at which a window changes.
func (s *Sweep) next(change int64) int64 {
	empty := true
	for i := range s.windows {
		empty = empty && s.windows[i].tail == s.windows[i].head
	}
	switch {
	case s.key.at == math.MinInt64, empty && s.spec.Rows == WithData:
		return change
	case s.spec.Rows == EveryLabel:
		return s.after(s.key.at, 0)
	}
	e := int64(never)
	for i := range s.windows {
		e = min(e, s.after(s.key.at, s.windows[i].phase))
	}
	return e
}

// shows reports whether w has a value at label e.
func (s *Sweep) shows(w *rolling, e int64) bool {
	if s.dark(w) {
		return false
	}
	return s.oneGrid || (e-w.phase)%s.slide.Micros == 0
}

// emitRow schedules the row of label e, or the rows, or none.
func (s *Sweep) emitRow(ctx context.Context, emit flow.Emit, e int64) error {
	if s.split() {
		return s.emitSplit(ctx, emit, e)
	}
	if s.spec.Rows == WithData {
		some := false
		for i := range s.windows {
			w := &s.windows[i]
			some = some || w.tail < w.head && s.shows(w, e)
		}
		if !some {
			return nil
		}
	}
	if s.rows == s.most || !s.begun {
		if err := s.ready(ctx, s.key.row, emit); err != nil {
			return err
		}
	}
	for i := range s.windows {
		w := &s.windows[i]
		lo, hi := w.tail, w.head
		if !s.shows(w, e) {
			lo, hi = 0, absent
		}
		s.turn(i, lo)
		s.note(i, lo, hi)
	}
	s.row(e)
	return nil
}

// emitSplit schedules one row for each window with data at e, as an outer
// join of windows does with a key that matches nothing (S-918).
func (s *Sweep) emitSplit(ctx context.Context, emit flow.Emit, e int64) error {
	for i := range s.windows {
		w := &s.windows[i]
		if w.tail == w.head || !s.shows(w, e) {
			continue
		}
		if err := s.ready(ctx, s.key.row, emit); err != nil {
			return err
		}
		for j := range s.windows {
			lo, hi := w.tail, w.head
			if j != i {
				lo, hi = 0, absent
			}
			s.turn(j, lo)
			s.note(j, lo, hi)
		}
		s.row(e)
	}
	return nil
}
