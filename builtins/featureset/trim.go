package featureset

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/internal/runs"
	"github.com/featurehost/featurehost/host/flow"
)

// trim removes duplicates from a feature table and cuts it to an interval.
// Rows come grouped by key in total order, in batches cut anywhere.
//
// A row is a duplicate when all its features equal those of the row directly
// before it of the same key (S-1101). Whether the row before is looked for
// before or after the cut is cutFirst (S-1105). A row without a timestamp is
// in no interval that has an end or a start.
//
// When the rows read do not reach back to the beginning, a key whose first row
// lies in the interval is either new or was quiet for so long that its row
// before, then the emptied one of S-911, was not made. Only if its first row
// equals that one does it matter which; then a flow.History is asked.
// Rules: S-305, S-1101..S-1107.
type trim struct {
	mem      memory.Allocator
	count    flow.Counter
	keys     []int
	features []int
	time     int
	dedup    bool
	cutFirst bool
	first    int64 // the interval in microseconds, both ends in it
	last     int64
	bounded  bool

	// history tells of keys without a row before; nil when all rows were read.
	history func() flow.History
	// emptied gives the row of a key whose windows are all empty, nil when the
	// row before may be any.
	emptied func() (arrow.RecordBatch, error)

	before   arrow.RecordBatch // the last row seen, alone; nil at the start
	beforeIn bool              // whether it was in the interval

	changed, inside, born []byte
	kept                  []runs.Run
}

// bound sets the interval.
func (t *trim) bound(i flow.Interval) {
	const earliest, latest = -1 << 63, 1<<63 - 1
	t.first, t.last = earliest, latest
	if i.Start != nil {
		t.first, t.bounded = i.Start.Micros(), true
	}
	if i.End != nil {
		t.last, t.bounded = (*i.End+1).Micros()-1, true
	}
}

// apply gives the rows of r that stay, which the caller releases; nil when
// there is none.
func (t *trim) apply(r arrow.RecordBatch) (arrow.RecordBatch, error) {
	n := int(r.NumRows())
	if n == 0 {
		return nil, nil
	}
	if !t.dedup && !t.bounded {
		r.Retain()
		return r, nil
	}
	keep, err := t.keep(r, n)
	if err != nil {
		return nil, err
	}
	t.kept = runs.Of(t.kept[:0], keep)
	if len(t.kept) == 0 {
		return nil, nil
	}
	return runs.Record(t.mem, r, t.kept), nil
}

// keep marks the rows that stay and counts the others.
func (t *trim) keep(r arrow.RecordBatch, n int) ([]byte, error) {
	if t.bounded {
		t.inside = grown(t.inside, n)
		markInside(r.Column(t.time).(*array.Timestamp), t.first, t.last, t.inside)
	}
	if !t.dedup {
		t.tell("outside_interval", n-ones(t.inside))
		return t.inside, nil
	}
	h := t.asks()
	if h != nil {
		t.markBorn(r, n)
	}
	t.mark(r, n)
	if !t.bounded {
		t.tell("duplicates_dropped", n-ones(t.changed))
		return t.changed, nil
	}
	if h != nil {
		if err := t.decide(r, n, h); err != nil {
			return nil, err
		}
	}
	duplicates, outside := 0, 0
	for i := range n {
		c, in := t.changed[i], t.inside[i]
		if t.cutFirst {
			outside += int(1 - in)
			duplicates += int(in &^ c)
		} else {
			duplicates += int(1 - c)
			outside += int(c &^ in)
		}
		t.changed[i] = c & in
	}
	t.tell("duplicates_dropped", duplicates)
	t.tell("outside_interval", outside)
	return t.changed, nil
}

// asks gives whom to ask about keys without a row before, nil when that is
// known or does not matter.
func (t *trim) asks() flow.History {
	if t.cutFirst || t.history == nil {
		return nil
	}
	return t.history()
}

// markBorn sets born for every row that is the first of its key. It is called
// before mark, which moves on the row before.
func (t *trim) markBorn(r arrow.RecordBatch, n int) {
	t.born = grown(t.born, n)
	clear(t.born)
	if t.before == nil || !sameRow(t.before, 0, r, 0, t.keys) {
		t.born[0] = 1
	}
	for _, c := range t.keys {
		markChanges(r.Column(c), t.born)
	}
}

// decide drops the first row of each key that had rows before the interval,
// where it equals the last one of them.
func (t *trim) decide(r arrow.RecordBatch, n int, h flow.History) error {
	for i := range n {
		if t.born[i]&t.inside[i] == 0 {
			continue
		}
		empty, err := t.emptied()
		if err != nil {
			return err
		}
		if empty == nil {
			return flow.ErrNeedsHistory
		}
		if !sameRow(empty, 0, r, i, t.features) {
			continue
		}
		had, err := h.Had(r, i)
		if err != nil {
			return err
		}
		if had {
			t.changed[i] = 0
		}
	}
	return nil
}

// mark sets changed for every row that is no duplicate.
func (t *trim) mark(r arrow.RecordBatch, n int) {
	t.changed = grown(t.changed, n)
	clear(t.changed)
	cut := t.bounded && t.cutFirst
	if t.before == nil || cut && !t.beforeIn ||
		!sameRow(t.before, 0, r, 0, t.keys) || !sameRow(t.before, 0, r, 0, t.features) {
		t.changed[0] = 1
	}
	for _, c := range t.keys {
		markChanges(r.Column(c), t.changed)
	}
	for _, c := range t.features {
		markChanges(r.Column(c), t.changed)
	}
	if cut {
		// Rows of a key are in order of time, so what is in the interval is one
		// run: only its first row has no row before it.
		for i := 1; i < n; i++ {
			t.changed[i] |= 1 - t.inside[i-1]
		}
		t.beforeIn = t.inside[n-1] == 1
	}
	t.release()
	t.before = r.NewSlice(int64(n-1), int64(n))
}

func (t *trim) tell(name string, n int) {
	if n > 0 {
		t.count.Add(name, "", int64(n))
	}
}

// release forgets the row before.
func (t *trim) release() {
	if t.before != nil {
		t.before.Release()
		t.before = nil
	}
}

// markInside sets in to 1 for instants from first to last, to 0 for others.
func markInside(a *array.Timestamp, first, last int64, in []byte) {
	nulls := a.NullN() > 0
	for i, v := range a.TimestampValues() {
		in[i] = 0
		if int64(v) >= first && int64(v) <= last && !(nulls && a.IsNull(i)) {
			in[i] = 1
		}
	}
}

func ones(b []byte) int {
	n := 0
	for _, v := range b {
		n += int(v)
	}
	return n
}
