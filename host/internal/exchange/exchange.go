package exchange

import (
	"context"
	"os"
	"slices"
	"sort"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Exchange sorts rows by key and time and cuts them into partitions.
//
// Life: New, Add any number of times, Finish, then read Partitions; Close at
// any moment.
type Exchange struct {
	opts  Options
	o     *ordering
	mem   *held
	store *store
	spill *spiller
	runs  []*run

	extent     flow.Extent
	items, tmp []item // room for sorting
	roomBytes  int64
	ids        []uint32 // all rows in order, when none was spilled
	partitions []*Partition

	gate     sync.RWMutex // held by Close against everything else
	finished bool
	closed   bool
}

// Stats tells what an exchange did so far.
type Stats struct {
	Rows      int64 // rows added
	Runs      int64 // sorted runs written, those of merging in passes with them
	Spilled   int64 // bytes of them
	PeakBytes int64 // most bytes held at once, without batches handed out
}

// New makes an exchange. It touches no file.
// Errors: FH-8033 when Order does not fit Schema, FH-8034 for a column type
// that cannot be carried.
func New(opts Options) (*Exchange, error) {
	opts = opts.filled()
	o, err := newOrdering(opts.Schema, opts.Order)
	if err != nil {
		return nil, err
	}
	mem := &held{mem: opts.Allocator}
	return &Exchange{
		opts:  opts,
		o:     o,
		mem:   mem,
		store: newStore(newTable(o), mem, recordRows(o.schema, opts.MemoryBytes), opts.MemoryBytes/64),
		spill: newSpiller(o, opts, mem),
	}, nil
}

// Add copies the rows of a batch, which it borrows. One caller at a time. A
// failed Add leaves the exchange to be closed.
// Errors: FH-8030 and FH-8031 from spilling, FH-8035 for other columns than
// announced, FH-8036 after Finish or Close.
func (x *Exchange) Add(ctx context.Context, b flow.Batch) error {
	x.gate.RLock()
	defer x.gate.RUnlock()
	if x.finished || x.closed {
		return fault.New(OutOfTurn, "rows were added after the end of input")
	}
	r := b.Record
	if !sameColumns(r.Schema(), x.o.schema) {
		return fault.New(SchemaChanged, "a batch has the columns %v, announced were %v", r.Schema().Fields(), x.o.schema.Fields())
	}
	rows := int(r.NumRows())
	for from := 0; from < rows; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(x.store.room(), rows-from)
		size := varyingBytes(r, from, n)
		for n > 1 && size > x.opts.MemoryBytes/64 {
			n /= 2
			size = varyingBytes(r, from, n)
		}
		if x.store.total > 0 && x.full(size) {
			if err := x.spillAll(ctx); err != nil {
				return err
			}
		}
		if err := x.store.add(r, from, n); err != nil {
			return fault.Wrap(err, UnsupportedColumn, "rows of columns %q cannot be copied", names(x.o.schema))
		}
		from += n
	}
	x.extent.Rows += int64(rows)
	x.extend(r)
	return nil
}

// full reports whether a piece with so many varying bytes, the room for
// sorting and what a spill needs no longer fit the budget.
func (x *Exchange) full(varying int64) bool {
	need := varying * 2 // as it comes, and in a buffer that grows
	if x.store.rows == 0 {
		need += int64(x.store.capacity) * fixedBytes(x.o.schema)
	}
	// Sorting needs two items for each row, and later one id.
	need += max(0, (2*itemBytes+4)*int64(x.store.total+x.store.capacity)-x.roomBytes)
	need += 4 * x.opts.blockBytes()
	return x.mem.now.Load()+need > x.opts.MemoryBytes || len(x.store.table.records) >= maxSlots-1
}

// extend widens the extent by the times of r.
func (x *Exchange) extend(r arrow.RecordBatch) {
	if x.o.time < 0 {
		return
	}
	a := r.Column(x.o.time).(*array.Timestamp)
	values, nulls := a.TimestampValues(), a.NullN() > 0
	e := &x.extent
	for i, v := range values {
		if nulls && a.IsNull(i) {
			continue
		}
		if t := int64(v); !e.Timed {
			e.Timed, e.MinTime, e.MaxTime = true, t, t
		} else {
			e.MinTime, e.MaxTime = min(e.MinTime, t), max(e.MaxTime, t)
		}
	}
}

// sortStore sorts all rows of the store. The ids live until roomGone.
func (x *Exchange) sortStore(ctx context.Context) ([]uint32, error) {
	if err := x.store.close(); err != nil {
		return nil, err
	}
	n := x.store.total
	if cap(x.items) < n {
		x.roomGone()
		x.roomBytes = int64(n) * 2 * itemBytes
		x.mem.add(x.roomBytes)
		x.items, x.tmp = make([]item, n), make([]item, n)
	}
	x.items = x.store.items(x.items)
	if err := sortItems(ctx, x.store.table, x.items, x.tmp[:n], x.opts.Workers); err != nil {
		return nil, err
	}
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = x.items[i].id
	}
	return ids, nil
}

func (x *Exchange) roomGone() {
	x.mem.add(-x.roomBytes)
	x.items, x.tmp, x.roomBytes = nil, nil, 0
}

// spillAll writes all rows of the store as a run, and merges runs when there
// are too many of a level.
func (x *Exchange) spillAll(ctx context.Context) error {
	ids, err := x.sortStore(ctx)
	if err != nil {
		return err
	}
	size := int64(4 * len(ids))
	x.mem.add(size)
	defer x.mem.add(-size)
	t, last := x.store.table, 0
	r, err := x.spill.write(ctx, t, 0, func() ([]uint32, error) {
		ids = ids[last:]
		last = min(len(ids), x.spill.blockRows())
		if last > 0 {
			last = t.fit(ids[:last], x.opts.blockBytes())
		}
		return ids[:last], nil
	})
	if err != nil {
		return err
	}
	x.runs = append(x.runs, r)
	x.store.release()
	for level := 0; ; level++ {
		var same []*run
		for _, r := range x.runs {
			if r.level == level {
				same = append(same, r)
			}
		}
		if len(same) < max(4, x.opts.fanIn()) {
			return nil
		}
		if err := x.mergeRuns(ctx, same[:x.opts.fanIn()]); err != nil {
			return err
		}
	}
}

// mergeRuns replaces runs by one.
func (x *Exchange) mergeRuns(ctx context.Context, runs []*run) error {
	x.roomGone() // merging has the budget to itself
	m, err := newMerger(x.spill, runs, -1, -1, x.opts.batchBytes())
	if err != nil {
		return err
	}
	defer m.release()
	level, last := 0, 0
	for _, r := range runs {
		level = max(level, r.level+1)
	}
	merged, err := x.spill.write(ctx, m.table, level, func() ([]uint32, error) {
		m.taken(last)
		ids, err := m.next(ctx, x.spill.blockRows())
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		last = m.table.fit(ids, x.opts.blockBytes())
		return ids[:last], nil
	})
	if err != nil {
		return err
	}
	x.runs = slices.DeleteFunc(x.runs, func(r *run) bool {
		gone := slices.Contains(runs, r)
		if gone {
			x.spill.remove(r)
		}
		return gone
	})
	x.runs = append(x.runs, merged)
	return nil
}

func (x *Exchange) spilled() bool { return len(x.runs) > 0 }

// Finish sorts all rows and tells their extent; no Add may follow. It is
// called once.
// Errors: those of spilling.
func (x *Exchange) Finish(ctx context.Context) (flow.Extent, error) {
	x.gate.RLock()
	defer x.gate.RUnlock()
	if x.finished || x.closed {
		return flow.Extent{}, fault.New(OutOfTurn, "the input was ended twice, or after closing")
	}
	x.finished = true
	if err := x.finish(ctx); err != nil {
		x.partitions = nil
		return flow.Extent{}, err
	}
	return x.extent, nil
}

func (x *Exchange) finish(ctx context.Context) error {
	if !x.spilled() {
		ids, err := x.sortStore(ctx)
		if err != nil {
			return err
		}
		x.roomGone()
		x.mem.add(int64(4 * len(ids)))
		x.ids = ids
		x.cutRows()
		return nil
	}
	if x.store.total > 0 {
		if err := x.spillAll(ctx); err != nil {
			return err
		}
	}
	x.roomGone()
	for fan := x.opts.fanIn(); len(x.runs) > fan; {
		slices.SortStableFunc(x.runs, func(a, b *run) int { return a.level - b.level })
		if err := x.mergeRuns(ctx, x.runs[:min(fan, len(x.runs)-fan+1)]); err != nil {
			return err
		}
	}
	if err := x.spill.firsts.close(); err != nil {
		return err
	}
	x.cutRuns()
	return nil
}

// cutRows makes partitions of about equal size of rows in memory.
func (x *Exchange) cutRows() {
	t, n := x.store.table, len(x.ids)
	from := 0
	for p := 1; p <= x.opts.Partitions && from < n; p++ {
		end := n
		if p < x.opts.Partitions {
			// On to the end of the key of the row before the cut.
			end = max(from+1, n*p/x.opts.Partitions)
			last := x.ids[end-1]
			end += sort.Search(n-end, func(i int) bool { return t.compareKeys(x.ids[end+i], last) > 0 })
		}
		x.partitions = append(x.partitions, &Partition{x: x, ids: x.ids[from:end:end]})
		from = end
	}
}

// cutRuns makes partitions of runs, at first keys of blocks, which are a fair
// sample of all.
func (x *Exchange) cutRuns() {
	t := x.spill.firsts.table
	type sample struct {
		id   uint32
		rows int
	}
	var samples []sample
	total := 0
	for _, r := range x.runs {
		for i, b := range r.blocks {
			samples = append(samples, sample{r.firsts[i], b.rows})
			total += b.rows
		}
	}
	slices.SortFunc(samples, func(a, b sample) int { return t.compareKeys(a.id, b.id) })
	last := samples[0].id // the least key of all
	lo, seen, p := int64(-1), 0, 1
	for _, s := range samples {
		if p < x.opts.Partitions && seen >= total/x.opts.Partitions*p && t.compareKeys(last, s.id) < 0 {
			x.partitions = append(x.partitions, &Partition{x: x, lo: lo, hi: int64(s.id)})
			lo, last = int64(s.id), s.id
			for p < x.opts.Partitions && seen >= total/x.opts.Partitions*p {
				p++
			}
		}
		seen += s.rows
	}
	x.partitions = append(x.partitions, &Partition{x: x, lo: lo, hi: -1})
}

// Partitions gives the partitions in ascending order of keys, after Finish.
// There may be fewer than asked for, and there are none without rows.
func (x *Exchange) Partitions() []*Partition {
	x.gate.RLock()
	defer x.gate.RUnlock()
	return slices.Clone(x.partitions)
}

// Stats tells what was done so far; not while Add or Finish run.
func (x *Exchange) Stats() Stats {
	x.gate.RLock()
	defer x.gate.RUnlock()
	return Stats{Rows: x.extent.Rows, Runs: x.spill.runs, Spilled: x.spill.bytes, PeakBytes: x.mem.peak.Load()}
}

// Close gives back all memory and removes spilled rows. Batches handed out
// stay good. It waits for calls in progress, and may be called twice.
func (x *Exchange) Close() error {
	x.gate.Lock()
	defer x.gate.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	for _, p := range x.partitions {
		p.end()
	}
	x.mem.add(-int64(4 * len(x.ids)))
	x.ids = nil
	x.roomGone()
	x.store.release()
	x.spill.firsts.release()
	for _, r := range x.runs {
		x.spill.remove(r)
	}
	x.runs = nil
	if x.spill.folder == "" {
		return nil
	}
	if err := os.RemoveAll(x.spill.folder); err != nil {
		return fault.Wrap(err, ScratchUnwritable, "folder %q of spilled rows cannot be removed", x.spill.folder)
	}
	return nil
}
