package exchange

import (
	"context"
	"io"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Partition is a range of keys with all their rows. Different partitions may
// be read at the same time.
type Partition struct {
	x  *Exchange
	mu sync.Mutex

	ids []uint32 // in memory: the rows left

	lo, hi int64   // spilled: bounds, rows of spiller.firsts or -1
	merge  *merger // open from the first Next to the end
	ended  bool
}

// Next gives the next rows in total order, at most BatchRows of them, without
// a position; fewer when they are large. The caller releases the batch. io.EOF
// ends the partition.
// Errors: FH-8032 when spilled rows cannot be read back, FH-8036 after Close.
func (p *Partition) Next(ctx context.Context) (flow.Batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.x.gate.RLock()
	defer p.x.gate.RUnlock()
	if p.x.closed {
		return flow.Batch{}, fault.New(OutOfTurn, "a partition was read after the exchange was closed")
	}
	if err := ctx.Err(); err != nil {
		return flow.Batch{}, err
	}
	if p.ended {
		return flow.Batch{}, io.EOF
	}
	r, err := p.read(ctx)
	if err == nil && r == nil {
		err = io.EOF
	}
	if err != nil {
		if flow.Ended(err) || ctx.Err() == nil {
			p.end()
		}
		return flow.Batch{}, err
	}
	return flow.Batch{Record: r}, nil
}

// read gives nil at the end.
func (p *Partition) read(ctx context.Context) (arrow.RecordBatch, error) {
	o := p.x.opts
	if !p.x.spilled() {
		n := min(len(p.ids), o.BatchRows)
		if n == 0 {
			return nil, nil
		}
		t := p.x.store.table
		n = t.fit(p.ids[:n], o.batchBytes())
		r, err := t.gather(p.ids[:n], o.Allocator)
		if err == nil {
			p.ids = p.ids[n:]
		}
		return r, err
	}
	if p.merge == nil {
		m, err := newMerger(p.x.spill, p.x.runs, p.lo, p.hi, o.batchBytes())
		if err != nil {
			return nil, err
		}
		p.merge = m
	}
	ids, err := p.merge.next(ctx, o.BatchRows)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	n := p.merge.table.fit(ids, o.batchBytes())
	r, err := p.merge.table.gather(ids[:n], o.Allocator)
	if err == nil {
		p.merge.taken(n)
	}
	return r, err
}

// end gives back what reading needed.
func (p *Partition) end() {
	p.ended = true
	p.ids = nil
	if p.merge != nil {
		p.merge.release()
		p.merge = nil
	}
}
