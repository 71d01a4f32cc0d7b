package window

import (
	"context"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Group gives one row for each distinct (keys, timestamp), nulls equal
// (S-901).
//
// In: rows grouped by key, ascending in time inside a key, nulls first; a
// group may span batches. Out: key columns, `timestamp`, one column for each
// aggregate, in the order the groups came in.
//
// Cost: O(rows) time; the rows of one group in memory.
type Group struct {
	fold
	open  bool // a group is open
	first int  // its first open row
	row   int  // a row of its key in the batch, or carried
}

// NewGroup makes a Group; Open checks the spec, of which it uses Keys, Time,
// Aggregates, Distinct and EmptyNull.
func NewGroup(s Spec) *Group { return &Group{fold: newFold(s)} }

// Open implements flow.Stage.
func (g *Group) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) {
	if len(g.spec.Windows) > 0 {
		return nil, fault.New(BadSpec, "%d windows in an aggregation without windows: expected none", len(g.spec.Windows))
	}
	if err := g.bind(in, 1); err != nil {
		return nil, err
	}
	return g.out, nil
}

// Reads implements flow.Reads.
func (g *Group) Reads() []string { return g.reads() }

// Fork gives an opened copy for another range of keys.
func (g *Group) Fork(ctx context.Context) (*Group, error) {
	c := NewGroup(g.spec)
	if _, err := c.Open(ctx, g.in); err != nil {
		return nil, err
	}
	return c, nil
}

// Process implements flow.Stage.
func (g *Group) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	n := int(in.Record.NumRows())
	if n == 0 {
		return nil
	}
	base := g.load(in.Record)
	if err := g.markNullTimes(in, base); err != nil {
		return err
	}
	for i := range n {
		at := base + i
		if !g.open {
			g.begin(at, i)
			continue
		}
		if !g.fresh[i] && g.times[at] == g.times[at-1] {
			continue
		}
		if !g.fresh[i] && g.times[at] < g.times[at-1] {
			return fault.New(OutOfOrder, "the rows of a key are not in order of column %q: expected nulls, then ascending timestamps", g.spec.Time).
				At("%s", place(in, i))
		}
		if err := g.end(ctx, emit, at); err != nil {
			return err
		}
		if g.fresh[i] {
			g.close(g.row)
		}
		g.begin(at, i)
	}
	g.close(g.row)
	dropped, err := g.settle(g.first)
	g.first -= dropped
	g.row = carried
	return err
}

// begin opens a group at an open row, row of the batch.
func (g *Group) begin(at, row int) { g.open, g.first, g.row = true, at, row }

// end schedules the open group, whose rows end before end.
func (g *Group) end(ctx context.Context, emit flow.Emit, end int) error {
	if err := g.ready(ctx, g.row, emit); err != nil {
		return err
	}
	m := &g.moves[0]
	m.list[m.n] = move{int32(g.rows), int32(g.first), int32(end)}
	m.n++
	g.fold.row(g.times[g.first])
	return nil
}

// markNullTimes sets the times of the rows of a batch that have none.
func (g *Group) markNullTimes(in flow.Batch, base int) error {
	a := in.Record.Column(g.timeAt)
	for i := range a.Len() {
		if a.IsNull(i) {
			g.times[base+i] = nullTime
		} else if t := g.times[base+i]; t < minTime || t > maxTime {
			return outOfRange(in, g.spec.Time, i, t)
		}
	}
	return nil
}

// Flush implements flow.Stage.
func (g *Group) Flush(ctx context.Context, emit flow.Emit) error {
	if g.open {
		if err := g.end(ctx, emit, len(g.times)); err != nil {
			return err
		}
		g.close(g.row)
		g.open = false
	}
	return g.flush(ctx, emit)
}

// Close implements flow.Stage.
func (g *Group) Close() error {
	g.release()
	return nil
}
