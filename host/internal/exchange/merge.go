package exchange

import (
	"context"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
)

// merger reads several runs as one, between two keys. It holds one block per
// run, and those that rows not yet handed out come from.
type merger struct {
	s     *spiller
	table *table
	heap  []*cursor // least row first
	lo    int64     // id of the first key, or -1
	hi    int64     // id of the first key after, or -1
	limit int64     // bytes of drained blocks that end a batch

	pending      []uint32 // merged, not yet handed out
	drained      []int    // slots whose rows are all in pending or gone
	drainedBytes int64
	cells        int64 // bytes held beside Arrow's
}

// cursor is a run's place in a merge.
type cursor struct {
	reader   *runReader
	end      int // block to stop before
	slot     int
	row, top int      // rows left of the slot
	k        []uint64 // heads of the first column, by row
	bytes    int64
}

// newMerger merges runs from key lo, up to and without key hi: rows of
// s.firsts, or -1 for no bound.
func newMerger(s *spiller, runs []*run, lo, hi, limit int64) (_ *merger, err error) {
	m := &merger{s: s, table: newTable(s.o), lo: -1, hi: -1, limit: limit}
	defer func() {
		if err != nil {
			m.release()
		}
	}()
	firsts := s.firsts.table
	bound := func(key int64) (int64, error) {
		if key < 0 {
			return -1, nil
		}
		r, err := firsts.gather([]uint32{uint32(key)}, s.mem)
		if err != nil {
			return 0, err
		}
		return int64(rowID(m.table.add(r, s.o.chain[:s.o.keys]), 0)), nil
	}
	if m.lo, err = bound(lo); err != nil {
		return nil, err
	}
	if m.hi, err = bound(hi); err != nil {
		return nil, err
	}
	for _, r := range runs {
		from, to := 0, len(r.blocks)
		if lo >= 0 { // the block before the first that begins at lo may end with it
			from = max(0, sort.Search(to, func(i int) bool { return firsts.compareKeys(r.firsts[i], uint32(lo)) >= 0 })-1)
		}
		if hi >= 0 {
			to = sort.Search(to, func(i int) bool { return firsts.compareKeys(r.firsts[i], uint32(hi)) >= 0 })
		}
		if from >= to {
			continue
		}
		rd, err := newRunReader(s, r, from)
		if err != nil {
			return nil, err
		}
		c := &cursor{reader: rd, end: to, slot: -1}
		ok, err := m.load(c)
		if err != nil {
			rd.release()
			return nil, err
		}
		if ok {
			m.heap = append(m.heap, c)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m, nil
}

// load puts the cursor at its first row within the bounds, in its next block
// that has one. At the end it releases the cursor and says false.
func (m *merger) load(c *cursor) (bool, error) {
	for c.reader.next < c.end {
		r, err := c.reader.read()
		if err != nil {
			return false, err
		}
		rows := int(r.NumRows())
		c.bytes = recordBytes(r)
		c.slot = m.table.add(r, nil)
		c.row, c.top = 0, rows
		at := func(key int64) int {
			return sort.Search(rows, func(i int) bool { return m.table.compareKeys(rowID(c.slot, i), uint32(key)) >= 0 })
		}
		if m.lo >= 0 {
			c.row = at(m.lo)
		}
		if m.hi >= 0 {
			c.top = at(m.hi)
		}
		if c.row < c.top {
			if cap(c.k) < rows {
				m.hold(int64(8 * (rows - cap(c.k))))
				c.k = make([]uint64, rows)
			}
			c.k = c.k[:rows]
			if len(m.table.chain) > 0 {
				m.table.chain[0].heads(c.slot, c.k)
			}
			return true, nil
		}
		m.table.drop(c.slot)
		c.slot = -1
	}
	c.reader.release()
	return false, nil
}

func (m *merger) hold(n int64) {
	m.cells += n
	m.s.mem.add(n)
}

func recordBytes(r arrow.RecordBatch) int64 {
	n := int64(0)
	for _, c := range r.Columns() {
		n += int64(c.Data().SizeInBytes())
	}
	return n
}

// next names at most n rows, in order; none at the end. taken must be told how
// many of them were gathered before next is called again.
func (m *merger) next(ctx context.Context, n int) ([]uint32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if cap(m.pending) < n {
		m.hold(4 * int64(n-cap(m.pending)))
		m.pending = append(make([]uint32, 0, n), m.pending...)
	}
	for len(m.pending) < n && len(m.heap) > 0 && m.drainedBytes < m.limit {
		c := m.heap[0]
		m.pending = append(m.pending, rowID(c.slot, c.row))
		if c.row++; c.row == c.top {
			m.drained = append(m.drained, c.slot)
			m.drainedBytes += c.bytes
			c.slot = -1
			ok, err := m.load(c)
			if !ok || err != nil {
				if err != nil {
					c.reader.release()
				}
				last := len(m.heap) - 1
				m.heap[0] = m.heap[last]
				m.heap = m.heap[:last]
			}
			if err != nil {
				return nil, err
			}
		}
		m.sink(0)
	}
	return m.pending[:min(n, len(m.pending))], nil
}

// taken forgets the first n rows that next named.
func (m *merger) taken(n int) {
	m.pending = m.pending[:copy(m.pending, m.pending[n:])]
	if len(m.pending) == 0 {
		for _, s := range m.drained {
			m.table.drop(s)
		}
		m.drained, m.drainedBytes = m.drained[:0], 0
	}
}

// sink restores the heap below i.
func (m *merger) sink(i int) {
	for {
		least := 2*i + 1
		if least >= len(m.heap) {
			return
		}
		if r := least + 1; r < len(m.heap) && m.less(m.heap[r], m.heap[least]) {
			least = r
		}
		if !m.less(m.heap[least], m.heap[i]) {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

func (m *merger) less(a, b *cursor) bool {
	if x, y := a.k[a.row], b.k[b.row]; x != y {
		return x < y
	}
	return m.table.compare(rowID(a.slot, a.row), rowID(b.slot, b.row), 0) < 0
}

// release gives everything back.
func (m *merger) release() {
	for _, c := range m.heap {
		c.reader.release()
	}
	m.heap = nil
	m.table.release()
	m.s.mem.add(-m.cells)
	m.cells = 0
}
