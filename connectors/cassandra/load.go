package cassandra

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/flow"
)

// jobRows is how many rows a writer takes at a time.
const jobRows = 32

// lastExpiry is the latest time at which all versions of Cassandra let a value
// expire by themselves.
const lastExpiry = 1<<31 - 2

// loader writes rows, many at once. All of a run's keys are different, so the
// order does not matter.
type loader struct {
	c       client
	want    target
	columns []column // written: those of the set, then those it has lost, from = -1
	cql     string
	ttl     time.Duration
	now     func() time.Time
	reached func(int64)

	ctx     context.Context
	stop    context.CancelFunc
	jobs    chan job
	writers sync.WaitGroup
	written atomic.Int64

	mu  sync.Mutex
	err error // the first
}

// job is some rows of a batch; it holds a reference to it.
type job struct {
	r    flow.Record
	rows []int // nil for from..to
	from int
	to   int
}

func (s *Sink) newLoader(ctx context.Context, want target, t *table) *loader {
	l := &loader{c: s.conn, want: want, ttl: s.ttl, now: s.now, reached: s.reached}
	l.columns = append(l.columns, want.columns...)
	for _, o := range t.owned(want.set) {
		if !want.has(o.Name) {
			l.columns = append(l.columns, column{name: o.Name, from: -1}) // null, or an old value would stay in a new row
		}
	}
	l.cql = insertSQL(want, l.columns, s.ttl > 0)
	l.ctx, l.stop = context.WithCancel(ctx)
	l.jobs = make(chan job, s.cfg.Concurrency)
	for range s.cfg.Concurrency {
		l.writers.Add(1)
		go l.writer()
	}
	return l
}

func insertSQL(t target, columns []column, ttl bool) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quote(c.name)
	}
	out := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) USING TIMESTAMP ?", t.quoted(), strings.Join(names, ", "), "?"+strings.Repeat(", ?", len(columns)-1))
	if ttl {
		out += " AND TTL ?"
	}
	return out
}

// write hands rows of a batch to the writers; rows nil is all of it.
func (l *loader) write(r flow.Record, rows []int) error {
	n := int(r.NumRows())
	if rows != nil {
		n = len(rows)
	}
	for from := 0; from < n; from += jobRows {
		j := job{r: r, from: from, to: min(from+jobRows, n)}
		if rows != nil {
			j.rows = rows[j.from:j.to]
		}
		r.Retain()
		select {
		case l.jobs <- j:
		case <-l.ctx.Done():
			r.Release()
			return errStopped
		}
	}
	return nil
}

// finish waits for the writers. failed is why no more rows came, nil when all
// did.
func (l *loader) finish(failed error) error {
	if failed != nil {
		l.stop()
	}
	close(l.jobs)
	l.writers.Wait()
	for j := range l.jobs { // left by writers that stopped
		j.r.Release()
	}
	defer l.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case failed == nil:
		return l.err
	case !errors.Is(failed, errStopped):
		return failed
	case l.err == nil:
		return context.Cause(l.ctx) // the caller's context ended
	}
	return l.err
}

func (l *loader) fail(err error) {
	l.mu.Lock()
	if l.err == nil {
		l.err = err
	}
	l.mu.Unlock()
	l.stop()
}

func (l *loader) writer() {
	defer l.writers.Done()
	w := &row{l: l, cells: make([]cell, len(l.columns)+2)}
	for i := range len(l.columns) + 1 {
		w.args = append(w.args, &w.cells[i])
	}
	if l.ttl > 0 {
		w.args = append(w.args, &w.cells[len(l.columns)+1])
	}
	for {
		select {
		case <-l.ctx.Done():
			l.fail(l.ctx.Err())
			return
		case j, more := <-l.jobs:
			if !more {
				return
			}
			err := w.job(j)
			j.r.Release()
			if err != nil {
				l.fail(err)
				return
			}
		}
	}
}

// row is what a writer needs for one row, used again for the next.
type row struct {
	l     *loader
	cells []cell
	args  []any // pointers to the cells
	buf   []byte
	cols  []arrow.Array
}

func (w *row) job(j job) error {
	w.cols = w.cols[:0]
	for _, c := range w.l.columns {
		if c.from < 0 {
			w.cols = append(w.cols, nil)
			continue
		}
		w.cols = append(w.cols, j.r.Column(c.from))
	}
	times, revisions := j.r.Column(w.l.want.timestamp()).(*array.Timestamp), revisionsOf(j.r)
	for i := j.from; i < j.to; i++ {
		at := i
		if j.rows != nil {
			at = j.rows[i-j.from]
		}
		if err := w.fill(at, int64(times.Value(at)), revisions.Value(at)); err != nil {
			return err
		}
		// The first column is the partition key, whose bytes choose the node.
		if err := w.l.c.insert(w.l.ctx, w.l.cql, w.cells[0], w.args); err != nil {
			return err
		}
		n := w.l.written.Add(1)
		if w.l.reached != nil {
			w.l.reached(n)
		}
	}
	return nil
}

// fill makes the cells of a row.
func (w *row) fill(i int, at, revision int64) error {
	w.buf = w.buf[:0]
	for c, arr := range w.cols {
		if arr == nil || arr.IsNull(i) {
			w.cells[c] = nil
			continue
		}
		from := len(w.buf)
		var err error
		if w.buf, err = appendValue(w.buf, arr, i); err != nil {
			return err
		}
		w.cells[c] = w.buf[from:len(w.buf):len(w.buf)]
		if w.cells[c] == nil {
			w.cells[c] = cell{} // empty, not null
		}
	}
	from := len(w.buf)
	w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(writeTime(at, revision)))
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(expiry(at, w.l.ttl, w.l.now())))
	w.cells[len(w.cols)] = w.buf[from : from+8]
	w.cells[len(w.cols)+1] = w.buf[from+8 : from+12]
	return nil
}

// writeTime is the version of a row as Cassandra compares it (S-1304).
func writeTime(us, revision int64) int64 { return millis(us)*1000 + revision }

// expiry is how many seconds from now a row may be cleaned away; 0 is never.
// A row that is over already is written to go at once: its write time must
// still hide older ones.
func expiry(us int64, ttl time.Duration, now time.Time) int64 {
	if ttl == 0 {
		return 0
	}
	left := millis(us) + ttl.Milliseconds() - now.UnixMilli()
	seconds := (left + 999) / 1000
	switch {
	case left <= 1000:
		return 1
	case seconds > int64(longestTTL/time.Second), now.Unix()+seconds > lastExpiry:
		return 0
	}
	return seconds
}
