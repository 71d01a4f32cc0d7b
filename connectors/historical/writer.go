package historical

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/historical/colfile"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

const (
	// groupRows is the size of a full row group, and groupBytes bounds what the
	// rows of one take that come back from the spill.
	groupRows  = 1 << 17
	groupBytes = 32 << 20
	// directShare is the part of the budget from which on the rows of a day
	// make a row group when memory is short; fewer are put aside.
	directShare = 8
	// maxBudget and minBudget bound what the open days may hold together. A
	// third of the part's memory is left for encoding and row counts.
	maxBudget = 64 << 20
	minBudget = 4 << 20
)

// writer scatters batches over the files of their days.
type writer struct {
	store    *blob.Local
	folder   string // pending
	interval flow.Interval
	flat     bool
	stamp    int // column of the timestamp
	columns  int
	layout   *colfile.Layout
	arena    colfile.Arena
	budget   int64
	spill    spill
	none     *colfile.Rows // stays empty
	days     []*dayWriter
	slots    slotMap
	// scratch of one batch
	slot    []int32
	order   []int32
	starts  []int32
	touched []int32
}

// dayWriter is the file of one day.
type dayWriter struct {
	day  flow.Day
	key  string        // of the file
	path string        // of its folder below the table
	runs []colfile.Run // put aside, before the rows buffered
	rows *colfile.Rows
	n    int // rows buffered
	file *colfile.File
	made bool
}

func newWriter(s *Sink) (*writer, error) {
	at := s.schema.FieldIndices(timestamp)[0]
	layout, err := colfile.NewLayout(s.schema, sortedBy(s.schema, at), "featurehost version "+s.run.Version+" (build arrow-go)", s.env.Workers, s.footerMeta())
	if err != nil {
		return nil, err
	}
	budget := int64(maxBudget)
	if s.env.MemoryBytes > 0 { // 0: the host names no share
		budget = min(max(s.env.MemoryBytes*2/3, minBudget), maxBudget)
	}
	w := &writer{
		store: s.store, folder: s.pending, interval: s.run.Interval, flat: s.layout == flat,
		stamp: at, columns: s.schema.NumFields(), layout: layout, budget: budget,
		spill: spill{store: s.store, key: s.pending + "/" + spillFile},
	}
	w.none = layout.NewRows(&w.arena)
	return w, nil
}

// sortedBy names the columns that rows are sorted by: the keys, which stand
// before the timestamp, and the timestamp (S-101). Canonical bytes order a
// floating key otherwise than readers do, so it is not claimed.
func sortedBy(s *arrow.Schema, stamp int) []string {
	var out []string
	for _, f := range s.Fields()[:stamp+1] {
		switch f.Type.ID() {
		case arrow.FLOAT32, arrow.FLOAT64, arrow.LIST:
			return out
		}
		out = append(out, f.Name)
	}
	return out
}

// write takes one batch.
func (w *writer) write(ctx context.Context, rec flow.Record) error {
	n := int(rec.NumRows())
	if n == 0 {
		return nil
	}
	if err := w.assign(rec.Column(w.stamp).(*array.Timestamp)); err != nil {
		return err
	}
	for c := range w.columns {
		src, err := colfile.NewSource(rec.Column(c))
		if err != nil {
			return err
		}
		for _, d := range w.touched {
			if err := w.days[d].rows.Append(c, src, w.order[w.starts[d]:w.starts[d+1]]); err != nil {
				return err
			}
		}
	}
	for _, d := range w.touched {
		day := w.days[d]
		if day.n += int(w.starts[d+1] - w.starts[d]); day.n >= groupRows {
			if err := w.relieve(ctx, day); err != nil {
				return err
			}
		}
	}
	for w.arena.Held() > w.budget {
		if err := w.relieve(ctx, w.largest()); err != nil {
			return err
		}
	}
	return nil
}

// relieve frees the memory of a day: its rows become a row group where they
// are enough for one, else they are put aside.
func (w *writer) relieve(ctx context.Context, d *dayWriter) error {
	if d.n == 0 {
		return fault.New(NoMemory, "the memory budget of %d bytes holds no rows", w.budget).WithHint("give the run more with --memory")
	}
	if len(d.runs) == 0 && (d.n >= groupRows/2 || d.rows.Bytes() >= w.budget/directShare) {
		return w.stroke(ctx, d, func(f blob.File) error { return w.group(ctx, d, f, 0, true) })
	}
	run, err := w.spill.put(ctx, d.rows, d.n)
	if err != nil {
		return err
	}
	d.runs = append(d.runs, run)
	d.n = 0
	return nil
}

// assign sorts the row numbers of a batch by day, keeping their order inside
// a day: rows of day d are order[starts[d]:starts[d+1]].
func (w *writer) assign(stamps *array.Timestamp) error {
	n := stamps.Len()
	w.slot = resize(w.slot, n)
	w.order = resize(w.order, n)
	w.touched = w.touched[:0]
	values := stamps.TimestampValues()
	for i := range values {
		day := noDay
		if !w.flat {
			if !stamps.IsNull(i) {
				day = flow.DayOf(int64(values[i]))
			}
			if !w.interval.Full() && (day == noDay || !w.interval.Contains(day)) {
				return fault.New(OutsideInterval, "a row of %s came in a run over %s", dayText(day), w.interval)
			}
		}
		slot, ok := w.slots.get(day)
		if !ok {
			slot = w.addDay(day)
		}
		w.slot[i] = slot
	}
	w.starts = resize(w.starts, len(w.days)+1)
	clear(w.starts)
	for _, s := range w.slot {
		w.starts[s+1]++
	}
	for d := range w.days {
		if w.starts[d+1] > 0 {
			w.touched = append(w.touched, int32(d))
		}
		w.starts[d+1] += w.starts[d]
	}
	// Place each row, using starts as cursors; they end up one day further on.
	for i, s := range w.slot {
		w.order[w.starts[s]] = int32(i)
		w.starts[s]++
	}
	copy(w.starts[1:], w.starts[:len(w.days)])
	w.starts[0] = 0
	return nil
}

// addDay opens the file of a day, in memory only.
func (w *writer) addDay(day flow.Day) int32 {
	d := &dayWriter{day: day, rows: w.layout.NewRows(&w.arena), file: w.layout.NewFile(), key: w.folder + "/" + partFile}
	if !w.flat {
		d.path = dayPath(day)
		d.key = w.folder + "/" + d.path + "/" + partFile
	}
	w.days = append(w.days, d)
	slot := int32(len(w.days) - 1)
	w.slots.put(day, slot)
	return slot
}

// largest is the day that holds most rows; the first of them, so that equal
// input gives equal files.
func (w *writer) largest() *dayWriter {
	best := w.days[0]
	for _, d := range w.days {
		if d.n > best.n {
			best = d
		}
	}
	return best
}

// group appends a row group to a day's file: its first k runs, and the rows
// buffered if tail says so.
func (w *writer) group(ctx context.Context, d *dayWriter, f blob.File, k int, tail bool) error {
	g := colfile.Group{Spill: w.spill.rows, Runs: d.runs[:k], Rows: d.rows}
	if tail {
		g.N = d.n
	} else {
		g.Rows = w.none
	}
	if err := d.file.WriteGroup(ctx, f, g); err != nil {
		return err
	}
	d.runs = d.runs[k:]
	d.n -= g.N
	return nil
}

// finish writes what is left of a day, in row groups of about equal size, and
// its footer.
func (w *writer) finish(ctx context.Context, d *dayWriter) error {
	return w.stroke(ctx, d, func(f blob.File) error {
		left := d.n
		for _, r := range d.runs {
			left += r.Rows
		}
		for left > 0 {
			want := left / max(1, (left+groupRows/2)/groupRows)
			k, rows, bytes := 0, 0, 0
			for k < len(d.runs) && rows < want && (k == 0 || bytes+d.runs[k].Bytes <= groupBytes) {
				rows, bytes = rows+d.runs[k].Rows, bytes+d.runs[k].Bytes
				k++
			}
			tail := k == len(d.runs) && (k == 0 || rows < want)
			if tail {
				rows += d.n
			}
			if err := w.group(ctx, d, f, k, tail); err != nil {
				return err
			}
			left -= rows
		}
		return d.file.Close(f)
	})
}

// stroke opens a day's file, writes to it and closes it.
func (w *writer) stroke(ctx context.Context, d *dayWriter, write func(blob.File) error) error {
	open := w.store.Create
	if d.made {
		open = w.store.Append
	}
	f, err := open(ctx, d.key)
	if err != nil {
		return err
	}
	d.made = true
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func (w *writer) close() {
	w.spill.close()
	w.arena.Close()
	w.days = nil
}

// slotMap finds the place of a day; rows of a key are days apart, so the last
// answers are kept in a small table.
type slotMap struct {
	near [1024]struct {
		day  flow.Day
		slot int32 // place + 1; 0 is free
	}
	all map[flow.Day]int32
}

func (m *slotMap) get(d flow.Day) (int32, bool) {
	if n := &m.near[uint32(d)%1024]; n.day == d && n.slot != 0 {
		return n.slot - 1, true
	}
	slot, ok := m.all[d]
	if ok {
		m.keep(d, slot)
	}
	return slot, ok
}

func (m *slotMap) put(d flow.Day, slot int32) {
	if m.all == nil {
		m.all = map[flow.Day]int32{}
	}
	m.all[d] = slot
	m.keep(d, slot)
}

func (m *slotMap) keep(d flow.Day, slot int32) {
	n := &m.near[uint32(d)%1024]
	n.day, n.slot = d, slot+1
}

func dayText(d flow.Day) string {
	if d == noDay {
		return "no timestamp"
	}
	return d.String()
}

func resize(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n, n+n/2)
	}
	return s[:n]
}
