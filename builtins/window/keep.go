package window

import (
	"sort"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/internal/runs"
	"github.com/featurehost/featurehost/host/flow"
)

// State is rows: a stage that is given the live rows of another one and then
// the rows from a moment on answers, for labels after that moment, as the other
// one would have done had it gone on.

// Keep asks for the live rows at a moment: those from before it that a label
// after it needs, or that leave a window there. They are handed to live as
// whole input rows, in the order they came in, while keys are processed. Keep
// is called after Open and before the first row, on each copy of a stage.
//
// What a restored stage gives for labels up to the moment is of no use. It
// does not know of keys without live rows, and wants the extent of all rows
// ever, not of those that it is given.
func (s *Sweep) Keep(at int64, live flow.Emit) {
	at = min(max(at, minTime), maxTime+1) // rows are not outside
	s.keeper = &keeper{at: at, since: s.since(at), emit: live}
}

// Keep asks for the live rows at a moment, in microseconds since 1970: those
// from before it that the window of a row at or after it may hold. They are
// handed to live as whole input rows, in the order they came in, while
// partitions are processed. Numbers count in seconds, null is before any
// moment and NaN after. Keep is called after Open and before the first row, on
// each copy of a stage.
func (e *Events) Keep(at int64, live flow.Emit) {
	e.keeper = &keeper{at: at, emit: live}
	for _, f := range e.spec.Frames {
		e.keeper.last = max(e.keeper.last, int(f.Rows)-1)
	}
}

// live gives, of open rows of one key, the first one that is not too old to
// matter after the moment of Keep, and the first one that is not before it.
func (s *Sweep) live(from, to int) (first, end int) {
	times, k := s.times[from:to], s.keeper
	end = sort.Search(len(times), func(i int) bool { return times[i] >= k.at })
	first = sort.Search(end, func(i int) bool { return times[i] >= k.since })
	return from + first, from + end
}

// since gives the time of the oldest rows that matter after at: those in a
// window at the last label up to it, which may leave at the next one.
func (s *Sweep) since(at int64) int64 {
	since := int64(never)
	for i := range s.windows {
		switch w := &s.windows[i]; {
		case w.off:
		case s.cal == nil:
			since = min(since, s.after(at, w.phase)-s.slide.Micros-w.width)
		default:
			e, _ := s.cal.label(at)
			if w.wobbles {
				since = min(since, s.cal.least(e, w.length))
			} else {
				since = min(since, s.cal.start(e, w.length))
			}
		}
	}
	return since
}

// live is Sweep.live, for rows of one partition.
func (e *Events) live(from, to int) (first, end int) {
	o, k := &e.order, e.keeper
	moment := k.at
	if o.whole() {
		moment = -floorDiv(-k.at, o.unit) // rounded up
	}
	end = from + sort.Search(to-from, func(i int) bool {
		i += from
		switch {
		case o.class(i) != number:
			return o.class(i) == nan
		case o.whole():
			return o.ints[i] >= moment
		}
		return o.reals[i] >= float64(k.at)/float64(second)
	})
	first = from + sort.Search(end-from, func(i int) bool {
		i += from
		return o.class(i) == number && e.reaches(moment, i)
	})
	return first, end
}

// reaches reports whether a span that ends at a moment, or one that ends
// later, may hold row i, which is before it.
func (e *Events) reaches(moment int64, i int) bool {
	o := &e.order
	for j := range e.frames {
		f := &e.frames[j]
		switch {
		case f.rows > 0:
		case !o.whole():
			if o.reals[i] >= float64(moment)/float64(second)-f.width {
				return true
			}
		default:
			at, v := moment, o.ints[i]
			if f.floors {
				at, v = floorDiv(at, second)*second, o.secs[i]
			}
			if f.months > 0 {
				perDay := day / o.unit
				if v >= monthsBefore(floorDiv(at, perDay), f.months)*perDay {
					return true
				}
			} else if uint64(at)-uint64(v) <= f.most {
				return true
			}
		}
	}
	return false
}

// keeper picks, out of the rows of each key, those that a later run must see
// again: those that are not too old, and the last ones whatever their age.
type keeper struct {
	at    int64 // rows at or after it are not this run's to keep
	since int64 // rows before it are too old; of Sweep
	emit  flow.Emit
	last  int // rows that stay whatever their age

	queue  []piece // the last rows of the present key
	queued int

	// Rows of one batch that are to be emitted.
	of   flow.Batch
	runs []runs.Run
}

// piece is rows of a batch, those from live on not too old.
type piece struct {
	batch          flow.Batch
	from, live, to int
}

// add takes rows of the present key, of which those from live on are not too
// old. Keys are ended by end.
func (k *keeper) add(b flow.Batch, from, live, to int) error {
	if from == to {
		return nil
	}
	if k.last == 0 {
		return k.give(b, live, to)
	}
	b.Retain()
	k.queue = append(k.queue, piece{b, from, live, to})
	k.queued += to - from
	for k.queued > k.last {
		p := &k.queue[0]
		n := min(k.queued-k.last, p.to-p.from)
		if err := k.give(p.batch, max(p.from, p.live), p.from+n); err != nil {
			return err
		}
		k.queued -= n
		if p.from += n; p.from == p.to {
			p.batch.Release()
			k.queue = k.queue[:copy(k.queue, k.queue[1:])]
		}
	}
	return nil
}

// end ends the present key: its last rows stay.
func (k *keeper) end() error {
	for len(k.queue) > 0 {
		p := k.queue[0]
		if err := k.give(p.batch, p.from, p.to); err != nil {
			return err
		}
		p.batch.Release()
		k.queue = k.queue[:copy(k.queue, k.queue[1:])]
	}
	k.queued = 0
	return nil
}

// give emits rows, together with others of the same batch.
func (k *keeper) give(b flow.Batch, from, to int) error {
	if from >= to {
		return nil
	}
	if k.of.Record != b.Record {
		if err := k.flush(); err != nil {
			return err
		}
		b.Retain()
		k.of = b
	}
	if n := len(k.runs); n > 0 && k.runs[n-1].To == from {
		k.runs[n-1].To = to
	} else {
		k.runs = append(k.runs, runs.Run{From: from, To: to})
	}
	return nil
}

// flush emits what was given.
func (k *keeper) flush() error {
	if len(k.runs) == 0 {
		return nil
	}
	out := flow.Batch{Record: runs.Record(memory.DefaultAllocator, k.of.Record, k.runs)}
	if len(k.runs) == 1 {
		out.Position = k.of.Position
		if out.Position.Object != "" {
			out.Position.Row += int64(k.runs[0].From)
		}
	}
	k.forget()
	return k.emit(out)
}

func (k *keeper) forget() {
	if k.of.Record != nil {
		k.of.Release()
	}
	k.of, k.runs = flow.Batch{}, k.runs[:0]
}

// release lets go of everything.
func (k *keeper) release() {
	if k == nil {
		return
	}
	for _, p := range k.queue {
		p.batch.Release()
	}
	k.queue, k.queued = nil, 0
	k.forget()
}
