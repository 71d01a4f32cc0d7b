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
	// phase of all grids, if they have one; labels are phase + k*slide.
	oneGrid   bool
	enumerate bool // visit labels at which nothing changes
	extent    *flow.Extent
	last      int64 // greatest label
	base      int64 // first label of every key, for EveryLabel
	enter     []int64

	key keyState
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
}

// unknown, as rolling.lo, makes the next row note a move.
const unknown = -1

// keyState is where the sweep stands in the present key.
type keyState struct {
	open bool
	row  int   // a row of the key in the batch, or carried
	at   int64 // the last label visited
	null bool  // a part of the key is null, and that matters
}

// never is after every label.
const never = math.MaxInt64

// longest is the greatest width and slide: 10,000 years.
const longest = 10_000 * 366 * flow.MicrosPerDay

// NewSweep makes a Sweep; Open checks the spec.
func NewSweep(s Spec) *Sweep { return &Sweep{fold: fold{spec: s, pool: newPool()}} }

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
	day := int64(flow.MicrosPerDay)
	switch {
	case len(p.Windows) == 0:
		return fault.New(BadSpec, "no windows: expected one at least")
	case p.Slide.Micros <= 0 || p.Slide.Micros > longest:
		return fault.New(BadSpec, "slide of %s: expected more than 0 and at most 10000 years", span64(p.Slide.Micros))
	case p.Rows == EveryLabel && p.Slide.Micros != day:
		return fault.New(BadSpec, "a row for every label with a slide of %s: expected a slide of 1 day", span64(p.Slide.Micros))
	case p.NullKeys == NullNeverMatches && p.Rows == Changes:
		return fault.New(BadSpec, "null keys that never match: expected rows for every label or with data")
	}
	seen := map[int64]bool{}
	for _, w := range p.Windows {
		if w.Micros < p.Slide.Micros {
			return fault.New(BadSpec, "window of %s with a slide of %s: expected a slide no longer than the window",
				span64(w.Micros), span64(p.Slide.Micros)).WithHint("shorten the slide or widen the window")
		}
		if w.Micros > longest {
			return fault.New(BadSpec, "window of %s: expected at most 10000 years", span64(w.Micros))
		}
		if seen[w.Micros] {
			return fault.New(BadSpec, "the window of %s occurs twice", span64(w.Micros)).WithHint("remove one of them")
		}
		seen[w.Micros] = true
		r := rolling{width: w.Micros}
		if p.Grid == StartsOnMultiples {
			r.phase = w.Micros % p.Slide.Micros
		}
		r.onGrid = p.Grid == StartsOnMultiples || w.Micros%p.Slide.Micros == 0
		r.off = p.Rows == EveryLabel && r.phase != 0
		s.windows = append(s.windows, r)
	}
	s.oneGrid = true
	for _, w := range s.windows {
		s.oneGrid = s.oneGrid && (w.phase == s.windows[0].phase || p.Rows == EveryLabel)
	}
	// On several grids the windows absent from a row differ from label to
	// label, so rows differ where no window changed.
	s.enumerate = !p.OnlyChanges || !s.oneGrid
	return nil
}

// span64 writes a length of time for messages.
func span64(us int64) string { return (time.Duration(us) * time.Microsecond).String() }

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
			s.last = max(s.last, after(e.MaxTime, w.phase, s.spec.Slide.Micros))
		}
	}
	if s.spec.Rows == EveryLabel { // labels are midnights, whatever the windows are
		s.last = after(e.MaxTime, 0, s.spec.Slide.Micros)
	}
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

// enterAll notes the first label of the multiples of the slide after each row
// from base on.
func (s *Sweep) enterAll(base int) {
	s.enter = append(s.enter[:base], s.times[base:]...)
	slide := s.spec.Slide.Micros
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
		w.tail, w.head, w.lo = int32(at), int32(at), unknown
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
	return nil
}
