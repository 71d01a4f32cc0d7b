package window

import (
	"context"
	"math"
	"time"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Sweep gives a row for each key and label of rolling windows, as Spec.Rows
// says.
//
// In: rows grouped by key, in total order inside a key; a key may span
// batches. Out: key columns, `timestamp` (the label, the windows' exclusive
// end), one column for each aggregate and window, keys in the order they came
// in and labels ascending. Types are those of ResultType; NaN stays NaN.
//
// Cost: O(rows x windows) time for labels at which something changes, plus
// the labels asked for; the rows of one key inside its longest window in
// memory.
type Sweep struct {
	fold
	windows []rolling
	slide   Length
	cal     *calendar // nil: all lengths are microseconds
	wobbly  bool      // some window wobbles
	// oneGrid: all windows have the same labels.
	oneGrid   bool
	enumerate bool // visit labels at which nothing changes
	extent    *flow.Extent
	last      int64 // greatest label
	base      int64 // first label of every key, for EveryLabel
	first     int64 // least label that gives a row
	firstAt   int64 // first label of any grid from it on; never, when all are
	enter     []int64

	key    keyState
	keeper *keeper
}

// rolling is a window and where the present key stands in it.
type rolling struct {
	width, phase int64
	// onGrid: an event leaves width after its label of phase 0; no division.
	onGrid bool
	// off: its labels are no midnights, so no EveryLabel row has a value.
	off bool

	tail, head     int32 // open rows in the window
	enters, leaves int64 // labels at which head and tail move on; never: not known

	// The last move noted for the present key.
	lo, hi int32

	// length of a window whose ends a calendar finds; else zero.
	length Length
	// wobbles: its start may go back, to open rows from back on.
	wobbles bool
	back    int32
}

// keyState is where the sweep stands in the present key.
type keyState struct {
	open bool
	row  int   // a row of the key in the batch, or carried
	at   int64 // the last label visited
	null bool  // a part of the key is null, and that matters
}

// never is after every label.
const never = math.MaxInt64

// NewSweep makes a Sweep; Open checks the spec.
func NewSweep(s Spec) *Sweep { return &Sweep{fold: newFold(s)} }

// Open implements flow.Stage.
func (s *Sweep) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := s.bind(in, len(s.windows)); err != nil {
		return nil, err
	}
	return s.out, nil
}

func (s *Sweep) check() error {
	p := s.spec
	utc := p.Zone == nil || p.Zone == time.UTC || p.Zone.String() == "UTC"
	if err := p.Slide.check("slide"); err != nil {
		return err
	}
	s.slide = p.Slide
	if utc {
		s.slide = s.slide.exact()
	}
	switch {
	case len(p.Windows) == 0:
		return fault.New(BadSpec, "no windows: expected one at least")
	case p.Rows == EveryLabel && s.slide.Micros != day:
		return fault.New(BadSpec, "a row for every label with a slide of %s: expected a slide of 1 day", p.Slide.text())
	case p.NullKeys == NullNeverMatches && p.Rows == Changes:
		return fault.New(BadSpec, "null keys that never match: expected rows for every label or with data")
	}
	calendars := s.slide.Micros == 0
	for _, given := range p.Windows {
		if err := given.check("window"); err != nil {
			return err
		}
		w := given
		if utc {
			w = w.exact()
		}
		if w.shorter(s.slide) {
			return fault.New(BadSpec, "window of %s with a slide of %s: expected a slide no longer than the window", given.text(), p.Slide.text()).
				WithHint("shorten the slide or widen the window")
		}
		r := rolling{width: w.Micros}
		if w.Micros == 0 {
			calendars, r.length = true, w
		}
		s.windows = append(s.windows, r)
	}
	if calendars {
		if err := s.useCalendar(utc); err != nil {
			return err
		}
		s.settleFirst()
		return nil
	}
	slide := s.slide.Micros
	s.oneGrid = true
	for i := range s.windows {
		w := &s.windows[i]
		if p.Grid == StartsOnMultiples {
			w.phase = w.width % slide
		}
		w.onGrid = p.Grid == StartsOnMultiples || w.width%slide == 0
		w.off = p.Rows == EveryLabel && w.phase != 0
		s.oneGrid = s.oneGrid && (w.phase == s.windows[0].phase || p.Rows == EveryLabel)
	}
	// On several grids the windows absent from a row differ from label to
	// label, so rows differ where no window changed.
	s.enumerate = !p.OnlyChanges || !s.oneGrid
	s.settleFirst()
	return nil
}

// settleFirst finds the first label that gives a row.
func (s *Sweep) settleFirst() {
	s.first, s.firstAt = math.MinInt64, never
	if s.spec.FirstLabel == nil {
		return
	}
	s.first = *s.spec.FirstLabel
	if s.spec.Rows == EveryLabel {
		s.firstAt = s.after(s.first-1, 0)
		return
	}
	for i := range s.windows {
		s.firstAt = min(s.firstAt, s.after(s.first-1, s.windows[i].phase))
	}
}

// useCalendar finds labels and windows by a calendar.
func (s *Sweep) useCalendar(utc bool) error {
	if s.spec.Grid == StartsOnMultiples {
		return fault.New(BadSpec, "windows in calendar days or months that start on multiples of the slide: expected windows that end on them")
	}
	c := &calendar{micros: s.slide.Micros, days: int64(s.slide.Days), months: int64(s.slide.Months)}
	if !utc {
		c.zone = s.spec.Zone
	} else if c.micros%day == 0 {
		c.days, c.micros = c.micros/day, 0
	}
	for i := range s.windows {
		w := &s.windows[i]
		w.length = Length{Micros: w.width, Days: w.length.Days, Months: w.length.Months}
		w.wobbles = c.wobbles(w.length)
		s.wobbly = s.wobbly || w.wobbles
	}
	s.cal, s.oneGrid, s.enumerate = c, true, !s.spec.OnlyChanges
	return nil
}

// Reads implements flow.Reads.
func (s *Sweep) Reads() []string { return s.reads() }

// Fork gives an opened copy for another range of keys.
func (s *Sweep) Fork(ctx context.Context) (*Sweep, error) {
	c := NewSweep(s.spec)
	if _, err := c.Open(ctx, s.in); err != nil {
		return nil, err
	}
	if s.extent != nil {
		c.Bound(*s.extent)
	}
	return c, nil
}

// Bound implements flow.Bounded.
func (s *Sweep) Bound(e flow.Extent) {
	s.extent = &e
	s.last, s.base = math.MinInt64, 0
	if !e.Timed {
		return
	}
	s.base = flow.DayOf(e.MinTime).Micros()
	for i := range s.windows {
		if w := &s.windows[i]; !w.off {
			s.last = max(s.last, s.after(e.MaxTime, w.phase))
		}
	}
	if s.spec.Rows == EveryLabel { // labels are midnights, whatever the windows are
		s.last = s.after(e.MaxTime, 0)
	}
}

// after gives the first label after t of the grid of a phase.
func (s *Sweep) after(t, phase int64) int64 {
	if s.cal != nil {
		return s.cal.after(t)
	}
	return after(t, phase, s.slide.Micros)
}

// after gives the first label greater than t of the grid phase + k*slide.
func after(t, phase, slide int64) int64 {
	t -= phase
	r := t % slide
	if r < 0 {
		r += slide
	}
	return t - r + slide + phase
}

// Process implements flow.Stage.
func (s *Sweep) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	n := int(in.Record.NumRows())
	if n == 0 {
		return nil
	}
	if s.extent == nil && (s.spec.LastLabel == nil || s.spec.Rows == EveryLabel) {
		return fault.New(Unbounded, "rows came before their extent was told: expected a call of Bound")
	}
	if err := s.checkTimes(in); err != nil {
		return err
	}
	base := s.load(in.Record)
	s.enterAll(base)
	last := s.lastLabel()

	from := 0
	if !s.key.open {
		s.fresh[0] = true
	}
	for from < n {
		if s.fresh[from] {
			if err := s.finishKey(ctx, emit, base); err != nil {
				return err
			}
			s.startKey(from, base+from)
		}
		to := from + 1
		for to < n && !s.fresh[to] {
			to++
		}
		if err := s.ordered(in, base, from, to); err != nil {
			return err
		}
		if s.keeper != nil {
			lo, hi := s.live(base+from, base+to)
			if err := s.keeper.add(in, from, lo-base, hi-base); err != nil {
				return err
			}
		}
		// A later row of this key may enter at any label after its last one.
		limit := s.times[base+to-1]
		if to < n {
			limit = last
		}
		if err := s.advance(ctx, emit, min(limit, last), int32(base+to)); err != nil {
			return err
		}
		if to < n {
			s.closeKey()
		}
		from = to
	}
	if s.keeper != nil {
		if err := s.keeper.flush(); err != nil {
			return err
		}
	}
	if s.key.open {
		s.close(s.key.row)
	}
	dropped, err := s.settle(s.dead())
	if err != nil {
		return err
	}
	s.key.row = carried
	if dropped > 0 {
		s.enter = s.enter[:copy(s.enter, s.enter[dropped:])]
		for i := range s.windows {
			s.windows[i].tail -= int32(dropped)
			s.windows[i].head -= int32(dropped)
			s.windows[i].back -= int32(dropped)
			s.windows[i].lo = unknown
		}
	}
	return nil
}

func (s *Sweep) lastLabel() int64 {
	if s.spec.LastLabel != nil {
		return *s.spec.LastLabel
	}
	return s.last
}

// checkTimes refuses timestamps that have no place in a window.
func (s *Sweep) checkTimes(in flow.Batch) error {
	a := in.Record.Column(s.timeAt)
	if a.NullN() > 0 {
		for i := range a.Len() {
			if a.IsNull(i) {
				return fault.New(NullTime, "column %q is null: expected a timestamp", s.spec.Time).At("%s", place(in, i))
			}
		}
	}
	for i, t := range plain[int64](a) {
		if t < minTime || t > maxTime {
			return outOfRange(in, s.spec.Time, i, t)
		}
	}
	return nil
}

func outOfRange(in flow.Batch, column string, row int, t int64) error {
	return fault.New(TimeOutOfRange, "column %q is %d microseconds since 1970: expected a timestamp of the years 0001 to 9999", column, t).
		At("%s", place(in, row))
}

func place(in flow.Batch, row int) string {
	p := in.Position
	if p.Object != "" {
		p.Row += int64(row)
	}
	return p.String()
}

// ordered refuses rows of a key whose times descend.
func (s *Sweep) ordered(in flow.Batch, base, from, to int) error {
	i := base + from
	if s.fresh[from] {
		i++
	}
	for ; i < base+to; i++ {
		if i > 0 && s.times[i] < s.times[i-1] {
			return fault.New(OutOfOrder, "the rows of a key go from %s back to %s: expected ascending timestamps",
				instant(s.times[i-1]), instant(s.times[i])).At("%s", place(in, i-base))
		}
	}
	return nil
}

func instant(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339Nano) }

// enterAll notes the first label of the grid of phase 0 after each row
// from base on.
func (s *Sweep) enterAll(base int) {
	s.enter = append(s.enter[:base], s.times[base:]...)
	if s.cal != nil {
		for i, t := range s.enter[base:] {
			s.enter[base+i] = s.cal.after(t)
		}
		return
	}
	slide := s.slide.Micros
	for i, t := range s.enter[base:] {
		s.enter[base+i] = after(t, 0, slide)
	}
}

func (s *Sweep) startKey(row, at int) {
	s.key = keyState{open: true, row: row, at: math.MinInt64}
	if s.spec.NullKeys == NullNeverMatches && (s.spec.Rows == EveryLabel || len(s.windows) > 1) {
		for _, k := range s.keys {
			s.key.null = s.key.null || k.null(row)
		}
	}
	for i := range s.windows {
		w := &s.windows[i]
		w.tail, w.head, w.back, w.lo = int32(at), int32(at), int32(at), unknown
		w.enters, w.leaves = never, never
	}
}

// finishKey ends the key that is open, if one is; its rows end before end.
func (s *Sweep) finishKey(ctx context.Context, emit flow.Emit, end int) error {
	if !s.key.open {
		return nil
	}
	if err := s.advance(ctx, emit, s.lastLabel(), int32(end)); err != nil {
		return err
	}
	s.closeKey()
	return nil
}

func (s *Sweep) closeKey() {
	s.close(s.key.row)
	s.key.open = false
}

// Flush implements flow.Stage.
func (s *Sweep) Flush(ctx context.Context, emit flow.Emit) error {
	if err := s.finishKey(ctx, emit, len(s.times)); err != nil {
		return err
	}
	return s.flush(ctx, emit)
}

// Close implements flow.Stage.
func (s *Sweep) Close() error {
	s.release()
	s.keeper.release()
	return nil
}
