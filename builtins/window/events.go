package window

import (
	"context"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Events adds to each row aggregates over windows that end at it (section 8).
//
// In: rows grouped by Partition and, inside, ascending by Order, nulls first,
// ties in total order; a partition may span batches. Out: the input's columns
// unchanged, then a column for each aggregate and frame, row for row in the
// order of the input. Types are those of ResultType; NaN stays NaN.
//
// The window of a row whose order value is null is, for spans, all such rows
// of its partition (S-806); so it is for NaN, which is the greatest value. A
// frame of rows takes them by their place alone.
//
// Cost: O(rows x frames) time. In memory are the input columns of aggregates
// for the rows in the longest frame, and whole rows as long as a frame of
// theirs may still get rows: those of one order value.
type Events struct {
	tally
	spec    EventSpec
	in, out *flow.Schema

	keys  []key
	keyAt []int
	fresh []bool // of the present batch: a partition begins here

	order  order
	frames []frame
	spans  bool // some frame is a span
	peers  bool // some frame needs the rows of equal order value that come after

	// Open rows. Those before next are scheduled, and those of the present
	// partition begin at part, which may be negative: gone.
	next, part int
	// section is where next stands in its partition.
	section section
	// peer is the first of the last rows of equal order value.
	peer int

	// pending are the batches with rows not yet emitted; the schedule holds
	// rows of the first one only.
	pending []passing
	room    int // for output rows of the present block

	begunPartition bool
	keeper         *keeper
}

// passing is a batch on its way through.
type passing struct {
	flow.Batch
	done int // rows emitted
}

// NewEvents makes an Events; Open checks the spec.
func NewEvents(s EventSpec) *Events {
	return &Events{spec: s, tally: tally{pool: newPool()}, order: order{name: s.Order}}
}

// Open implements flow.Stage.
func (e *Events) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) {
	for _, name := range e.spec.Partition {
		i, err := find(in, name)
		if err != nil {
			return nil, err
		}
		k, ok := newKey(in.Field(i).Type)
		if !ok {
			return nil, fault.New(MissingColumn, "partition column %q is %s: expected a scalar type", name, schema.TypeName(in.Field(i).Type))
		}
		e.keys, e.keyAt = append(e.keys, k), append(e.keyAt, i)
	}
	if err := e.bindOrder(in); err != nil {
		return nil, err
	}
	if len(e.spec.Aggregates) == 0 {
		return nil, fault.New(BadAggregate, "no aggregates: expected one at least")
	}
	more, err := e.bindAggregates(in, e.spec.Aggregates, len(e.frames))
	if err != nil {
		return nil, err
	}
	fields := append(in.Fields(), more...)
	meta := in.Metadata()
	e.in, e.out = in, arrow.NewSchema(fields, &meta)
	return e.out, nil
}

// bindOrder finds the order column and makes the frames.
func (e *Events) bindOrder(in *flow.Schema) error {
	at, err := find(in, e.spec.Order)
	if err != nil {
		return err
	}
	if len(e.spec.Frames) == 0 {
		return fault.New(BadFrame, "no windows: expected one at least")
	}
	t := in.Field(at).Type
	if err := e.order.bind(at, t); err != nil {
		return err
	}
	for _, f := range e.spec.Frames {
		x, err := e.order.frame(f)
		if err != nil {
			return err
		}
		e.frames = append(e.frames, x)
		e.spans = e.spans || x.rows == 0
		e.peers = e.peers || x.rows == 0 && x.closedHigh
		e.order.floors = e.order.floors || x.floors
	}
	return nil
}

// Fork gives an opened copy for another range of partitions.
func (e *Events) Fork(ctx context.Context) (*Events, error) {
	c := NewEvents(e.spec)
	if _, err := c.Open(ctx, e.in); err != nil {
		return nil, err
	}
	return c, nil
}

// Process implements flow.Stage.
func (e *Events) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	n := int(in.Record.NumRows())
	if n == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	in.Retain()
	e.pending = append(e.pending, passing{Batch: in})
	base := e.load(in.Record)
	e.order.load(in.Record)
	e.fresh = grown(e.fresh, n)
	clear(e.fresh)
	for i, k := range e.keys {
		k.load(in.Record.Column(e.keyAt[i]))
		k.change(e.fresh)
		k.carry()
	}
	e.fresh[0] = e.fresh[0] || !e.begunPartition
	e.begunPartition = true

	for from := 0; from < n; {
		at := base + from
		if e.fresh[from] {
			if err := e.finishPartition(ctx, emit, at); err != nil {
				return err
			}
			e.startPartition(at)
		}
		to := from + 1
		for to < n && !e.fresh[to] {
			to++
		}
		if err := e.ordered(in, base, from, to); err != nil {
			return err
		}
		if e.keeper != nil {
			lo, hi := e.live(base+from, base+to)
			if err := e.keeper.add(in, from, lo-base, hi-base); err != nil {
				return err
			}
		}
		from = to
	}
	if e.keeper != nil {
		if err := e.keeper.flush(); err != nil {
			return err
		}
	}
	// A later row may yet be in the windows of the last rows.
	settled := e.open
	if e.peers || e.spans && e.order.class(e.open-1) != number {
		settled = e.firstPeer(base)
	}
	if err := e.schedule(ctx, emit, settled, e.open); err != nil {
		return err
	}
	return e.settle()
}

// ordered refuses rows of a partition that are not in order.
func (e *Events) ordered(in flow.Batch, base, from, to int) error {
	i := base + from
	if e.fresh[from] {
		i++
	}
	if at := e.order.descends(i, base+to); at >= 0 {
		return fault.New(OutOfOrder, "the rows of a partition are not in order of column %q: expected nulls, then ascending values", e.spec.Order).
			At("%s", place(in, at-base))
	}
	return nil
}

// firstPeer gives the first of the last open rows that are equal in order.
func (e *Events) firstPeer(base int) int {
	at := e.order.firstPeer(e.open-1, max(base, e.part))
	if at > base || at <= e.part || !e.order.same(at-1, at) {
		e.peer = at
	}
	return e.peer
}

func (e *Events) startPartition(at int) {
	e.part, e.peer = at, at
	e.section = section{from: at, to: at}
}

// finishPartition schedules what is left of the present partition, which ends
// at end.
func (e *Events) finishPartition(ctx context.Context, emit flow.Emit, end int) error {
	if err := e.schedule(ctx, emit, end, end); err != nil {
		return err
	}
	if e.keeper != nil {
		return e.keeper.end()
	}
	return nil
}

// schedule schedules rows up to a row, all of the present partition, whose
// rows known so far end before end.
func (e *Events) schedule(ctx context.Context, emit flow.Emit, upto, end int) error {
	for e.next < upto {
		e.ready()
		a := e.next
		b := min(upto, a+e.most-e.rows)
		if e.spans {
			b = e.enter(a, b, end)
		}
		for i := range e.frames {
			e.walk(&e.frames[i], &e.moves[i], a, b, end)
		}
		e.rows += b - a
		e.next = b
		if e.rows < e.most {
			continue
		}
		if e.rows < e.room {
			if err := e.computed(); err != nil {
				return err
			}
			if !e.heavy(e.room) {
				continue
			}
		}
		if err := e.flush(ctx, emit); err != nil {
			return err
		}
	}
	return nil
}

// ready makes room for output rows: as many as the first pending batch has
// left, so that it passes through in one piece.
func (e *Events) ready() {
	if e.begun {
		return
	}
	p := &e.pending[0]
	e.room = min(int(p.Rows())-p.done, outputRows)
	size := 64
	for size < e.room {
		size *= 2
	}
	e.begin(size)
	e.heavy(e.room)
}

// flush emits the rows scheduled, the next ones of the first pending batch.
func (e *Events) flush(ctx context.Context, emit flow.Emit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.rows == 0 {
		return nil
	}
	if err := e.computed(); err != nil {
		return err
	}
	p := &e.pending[0]
	n, from := e.rows, p.done
	columns := make([]arrow.Array, 0, e.out.NumFields())
	for _, c := range p.Record.Columns() {
		if n == c.Len() {
			c.Retain()
		} else {
			c = array.NewSlice(c, int64(from), int64(from+n))
		}
		columns = append(columns, c)
	}
	columns = e.finish(columns)
	out := flow.Batch{Record: array.NewRecordBatch(e.out, columns, int64(n)), Position: p.Position}
	for _, c := range columns {
		c.Release()
	}
	if out.Position.Object != "" {
		out.Position.Row += int64(from)
	}
	if p.done += n; p.done == int(p.Rows()) {
		p.Release()
		e.pending = e.pending[:copy(e.pending, e.pending[1:])]
	}
	return emit(out)
}

// computed runs the kernels over what is scheduled.
func (e *Events) computed() error {
	bad, feature := e.compute()
	if bad < 0 {
		return nil
	}
	p := e.pending[0]
	row := p.done + bad
	var parts []string
	for i, at := range e.keyAt {
		parts = append(parts, e.spec.Partition[i]+" = "+p.Record.Column(at).ValueStr(row))
	}
	return fault.New(Overflow, "feature %q of partition (%s), %s = %s, does not fit its type", feature, strings.Join(parts, ", "),
		e.spec.Order, p.Record.Column(e.order.at).ValueStr(row)).
		WithHint("cast the column to double before, if an approximate value will do").At("%s", place(p.Batch, row))
}

// settle drops the dead open rows once they are worth the copying.
func (e *Events) settle() error {
	dead := e.next
	for i := range e.frames {
		dead = min(dead, int(e.frames[i].first()))
	}
	if dead < e.open/2 || dead <= 0 {
		return nil
	}
	if err := e.computed(); err != nil {
		return err
	}
	e.drop(dead)
	e.order.drop(dead)
	e.next -= dead
	e.part = max(e.part-dead, -1)
	e.peer -= dead
	e.section.from -= dead
	e.section.to -= dead
	for i := range e.frames {
		e.frames[i].drop(int32(dead))
	}
	return nil
}

// Flush implements flow.Stage.
func (e *Events) Flush(ctx context.Context, emit flow.Emit) error {
	if err := e.finishPartition(ctx, emit, e.open); err != nil {
		return err
	}
	if e.keeper != nil {
		if err := e.keeper.flush(); err != nil {
			return err
		}
	}
	return e.flush(ctx, emit)
}

// Close implements flow.Stage.
func (e *Events) Close() error {
	e.release()
	if e.begun {
		e.abandon()
	}
	for _, p := range e.pending {
		p.Release()
	}
	e.pending = nil
	e.keeper.release()
	return nil
}
