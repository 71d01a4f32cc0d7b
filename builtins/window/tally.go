package window

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/host/flow"
)

// tally is what all stages of this room share: the open rows of the input
// columns, the schedule over them, and the kernels that turn the schedule into
// output columns.
type tally struct {
	pool      *pool
	emptyNull bool
	distinct  *chooser // nil: all rows of a window count

	sources  []source
	lanes    []*lane
	tracks   []*track
	features []output // in the order of the schema

	// open is the number of open rows; texts among them point into held
	// batches.
	open  int
	held  []held
	batch int // rows of the present batch

	// The schedule: from row r on, window w holds what moves[w] says.
	moves []moves
	rows  int // scheduled
	done  int // computed by the kernels
	most  int // scheduled rows at which to see whether the batch is full
	begun bool

	// Scratch.
	part  []int32
	list  []move
	turns []int32
}

// source is an input column of aggregates.
type source struct {
	name string
	at   int
	typ  flow.DataType
	// all holds the open rows, if an aggregate takes all rows or Distinct
	// chooses among them; else batch holds those of the present batch, for
	// lanes to pick from.
	all, batch laneInput
}

// track is the kernels of one lane over one window.
type track struct {
	lane, window int
	kernels      []kernel
	lo, hi       int32 // the last move, in rows of the lane
	// inputs, one for each source or nil, hold the rows that Distinct kept of
	// the last moves; only with Distinct.
	inputs []laneInput
	picked int
}

// held is a batch that open rows before end point into.
type held struct {
	rows flow.Record
	end  int
}

// moves are the moves of a window not yet computed. There is room for one in
// each output row, and one more.
type moves struct {
	list [outputRows + 1]move
	n    int
	// turns are the numbers of moves before which kernels start anew, because
	// the window goes back: a month before the 30th of March may begin later
	// than a month before the 31st.
	turns []int32
}

// unknown, as lo of the last move, makes the next row note a move.
const unknown = -1

// load appends the rows of a batch to the open rows. It gives the number of
// the first of them.
func (t *tally) load(rec flow.Record) int {
	base, n := t.open, int(rec.NumRows())
	alias := false
	for i := range t.sources {
		s := &t.sources[i]
		a := rec.Column(s.at)
		if s.all != nil {
			s.all.load(a)
			alias = alias || s.all.aliases()
		} else {
			s.batch.drop(t.batch)
			s.batch.load(a)
			alias = alias || s.batch.aliases()
		}
	}
	t.batch = n
	for _, l := range t.lanes {
		if l.where < 0 {
			continue
		}
		t.part = l.load(rec.Column(l.where), t.part[:0])
		for i, in := range l.inputs {
			if in == nil {
				continue
			}
			if s := &t.sources[i]; s.all != nil {
				in.pick(s.all, base, t.part)
			} else {
				in.pick(s.batch, 0, t.part)
			}
		}
	}
	if alias {
		rec.Retain()
		t.held = append(t.held, held{rec, base + n})
	}
	t.open += n
	return base
}

// compute runs the kernels over the rows scheduled since the last time. It
// gives the first row with a result that does not fit its type, and the name
// of the column, or -1.
func (t *tally) compute() (bad int, feature string) {
	bad = -1
	if t.done == t.rows {
		return bad, ""
	}
	note := func(k kernel, row int) {
		if row >= 0 && (bad < 0 || row < bad) {
			bad, feature = row, k.feature()
		}
	}
	if t.distinct != nil {
		for w := range t.moves {
			t.runDistinct(w, note)
		}
	} else {
		for _, k := range t.tracks {
			m := &t.moves[k.window]
			list, turns := m.list[:m.n], m.turns
			if l := t.lanes[k.lane]; l.where >= 0 {
				list, turns = t.translate(l, k, m)
			}
			t.run(k, list, turns, note)
		}
	}
	for w := range t.moves {
		t.moves[w].n, t.moves[w].turns = 0, t.moves[w].turns[:0]
	}
	t.done = t.rows
	return bad, feature
}

// run takes the kernels of a track through moves over the rows of its lane.
func (t *tally) run(k *track, list []move, turns []int32, note func(kernel, int)) {
	if len(turns) == 0 {
		for _, x := range k.kernels {
			note(x, x.run(list, t.done, t.rows))
		}
		return
	}
	all := int32(t.lanes[k.lane].size(t.open))
	for _, x := range k.kernels {
		from, first := t.done, 0
		for _, turn := range turns {
			to := int(list[turn].row)
			if from < to || first < int(turn) {
				note(x, x.run(list[first:turn], from, to))
			}
			// To forget all rows and to count anew from the first one is,
			// for the kernel, the same as if those were new rows.
			x.drop(all)
			from, first = to, int(turn)
		}
		note(x, x.run(list[first:], from, t.rows))
	}
}

// translate gives the moves of a window in rows of a lane, those left out that
// change nothing there.
func (t *tally) translate(l *lane, k *track, m *moves) ([]move, []int32) {
	list, turns := t.list[:0], t.turns[:0]
	next := 0
	for i, v := range m.list[:m.n] {
		turn := next < len(m.turns) && int(m.turns[next]) == i
		if v.hi != absent {
			v.lo, v.hi = l.rank(v.lo), l.rank(v.hi)
		}
		switch {
		case turn:
			next++
			turns = append(turns, int32(len(list)))
		case v.lo == k.lo && v.hi == k.hi:
			continue
		}
		k.lo, k.hi = v.lo, v.hi
		list = append(list, v)
	}
	t.list, t.turns = list, turns
	return list, turns
}

// drop takes leave of the first dead open rows. The next row of each window
// must note a move.
func (t *tally) drop(dead int) {
	for _, k := range t.tracks {
		k.lo = unknown
		if t.distinct != nil {
			continue // its kernels hold rows of their own
		}
		n := int32(dead)
		if l := t.lanes[k.lane]; l.where >= 0 {
			n = l.rank(n)
		}
		for _, x := range k.kernels {
			x.drop(n)
		}
	}
	for _, s := range t.sources {
		if s.all != nil {
			s.all.drop(dead)
		}
	}
	for _, l := range t.lanes {
		if l.where >= 0 {
			l.drop(dead)
		}
	}
	if t.distinct != nil {
		t.distinct.drop(dead)
	}
	t.open -= dead
	kept := t.held[:0]
	for _, h := range t.held {
		if h.end -= dead; h.end > 0 {
			kept = append(kept, h)
		} else {
			h.rows.Release()
		}
	}
	t.held = kept
}

// begin makes room for n output rows.
func (t *tally) begin(n int) {
	t.begun = true
	for _, o := range t.features {
		o.begin(t.pool, n)
	}
}

// finish appends the columns of the rows scheduled and forgets them.
func (t *tally) finish(columns []arrow.Array) []arrow.Array {
	for _, o := range t.features {
		columns = append(columns, o.finish(t.rows))
	}
	t.abandon()
	t.rows, t.done = 0, 0
	return columns
}

// abandon gives back the room for output rows.
func (t *tally) abandon() {
	for _, o := range t.features {
		o.abandon()
	}
	t.begun = false
}

// release lets go of the batches held.
func (t *tally) release() {
	for _, h := range t.held {
		h.rows.Release()
	}
	t.held = nil
}
