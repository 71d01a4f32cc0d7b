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
	return after(s.times[i], w.phase, s.spec.Slide.Micros)
}

// leavesAt gives the first label at which open row i is in w no more.
func (s *Sweep) leavesAt(w *rolling, i int32) int64 {
	if w.onGrid {
		return s.enter[i] + w.width
	}
	return after(s.times[i]+w.width, w.phase, s.spec.Slide.Micros)
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
				dead = min(dead, w.tail)
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
		if w.leaves == never && w.tail < end {
			w.leaves = s.leavesAt(w, w.tail)
		}
	}
	if s.spec.Rows == EveryLabel && s.key.at == math.MinInt64 {
		if s.base > limit {
			return nil
		}
		s.key.at = s.base
		if err := s.emitRow(ctx, emit, s.base); err != nil {
			return err
		}
	}
	visitAll := s.enumerate || s.split()
	simple := s.oneGrid && !s.split() && !s.anyDark()
	withData := s.spec.Rows == WithData
	ws := s.windows
	for {
		e := int64(never)
		for i := range ws {
			e = min(e, ws[i].enters, ws[i].leaves)
		}
		if visitAll {
			e = s.next(e)
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
			for w.leaves == e {
				if w.tail++; w.tail < end {
					w.leaves = s.leavesAt(w, w.tail)
				} else {
					w.leaves = never
				}
			}
			data = data || w.tail < w.head
		}
		if !simple {
			if err := s.emitRow(ctx, emit, e); err != nil {
				return err
			}
			continue
		}
		if withData && !data {
			continue
		}
		if s.rows == outputRows || !s.begun {
			if err := s.ready(ctx, s.key.row, emit); err != nil {
				return err
			}
		}
		for i := range ws {
			s.note(i, ws[i].tail, ws[i].head)
		}
		s.row(e)
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
		return after(s.key.at, 0, s.spec.Slide.Micros)
	}
	e := int64(never)
	for i := range s.windows {
		e = min(e, after(s.key.at, s.windows[i].phase, s.spec.Slide.Micros))
	}
	return e
}

// shows reports whether w has a value at label e.
func (s *Sweep) shows(w *rolling, e int64) bool {
	if s.dark(w) {
		return false
	}
	return s.oneGrid || (e-w.phase)%s.spec.Slide.Micros == 0
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
	if s.rows == outputRows || !s.begun {
		if err := s.ready(ctx, s.key.row, emit); err != nil {
			return err
		}
	}
	for i := range s.windows {
		if w := &s.windows[i]; s.shows(w, e) {
			s.note(i, w.tail, w.head)
		} else {
			s.note(i, 0, absent)
		}
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
			if j == i {
				s.note(i, w.tail, w.head)
			} else {
				s.note(j, 0, absent)
			}
		}
		s.row(e)
	}
	return nil
}
