package host

import (
	"context"
	"errors"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// lent is what a stream's reader gets of the host: the dead letter and the
// counts of the portion under way.
type lent struct {
	rejects flow.Rejects
	counter flow.Counter
}

// Reject implements flow.Rejects.
func (l *lent) Reject(ctx context.Context, r flow.Rejection) error { return l.rejects.Reject(ctx, r) }

// Add implements flow.Counter.
func (l *lent) Add(name, label string, n int64) { l.counter.Add(name, label, n) }

// held is a stream's reader, which lives as long as the stream, while plans
// come and go with the portions. It is for one goroutine.
type held struct {
	make   parts.ReaderFactory
	lent   *lent
	stream flow.Stream
	schema *flow.Schema // of the portion under way; nil between portions
	first  []flow.Batch // what wait has read ahead
}

// factory stands for the reader's own: it gives the same reader every time.
func (h *held) factory(cfg config.Reader, at parts.Place, env flow.Env) (flow.Reader, error) {
	if h.stream == nil {
		env.Rejects, env.Counter = h.lent, h.lent
		r, err := h.make(cfg, at, env)
		if err != nil {
			return nil, err
		}
		s, ok := r.(flow.Stream)
		if !ok {
			return nil, errors.Join(fault.New(StreamUnfit, "a reader of type %q cannot read as a stream", cfg.Type), r.Close())
		}
		h.stream = s
	}
	return h, nil
}

func (h *held) lend(r flow.Rejects, c flow.Counter) { h.lent.rejects, h.lent.counter = r, c }

// wait begins a portion and reads its first batch; false when it has none.
func (h *held) wait(ctx context.Context, q flow.Request) (some bool, err error) {
	h.drop()
	if h.schema, err = h.stream.Open(ctx, q); err != nil {
		return false, err
	}
	b, err := h.stream.Next(ctx)
	if flow.Ended(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	h.first = append(h.first, b)
	return true, nil
}

// Schema implements flow.Reader.
func (h *held) Schema(ctx context.Context) (*flow.Schema, error) { return h.stream.Schema(ctx) }

// Open implements flow.Reader: the portion has begun.
func (h *held) Open(_ context.Context, q flow.Request) (*flow.Schema, error) {
	if h.schema == nil || h.schema.NumFields() != len(q.Columns) {
		return nil, fault.New(StreamUnfit, "the columns read changed between two portions")
	}
	return h.schema, nil
}

// Next implements flow.Reader.
func (h *held) Next(ctx context.Context) (flow.Batch, error) {
	if len(h.first) > 0 {
		b := h.first[0]
		h.first = h.first[1:]
		return b, nil
	}
	return h.stream.Next(ctx)
}

// Stats implements flow.Reader.
func (h *held) Stats() flow.ReadStats { return h.stream.Stats() }

// CheckDays implements flow.Dated.
func (h *held) CheckDays() error {
	if d, ok := h.stream.(flow.Dated); ok {
		return d.CheckDays()
	}
	return nil
}

// Close implements flow.Reader: the next portion goes on with the reader.
func (h *held) Close() error { return nil }

func (h *held) drop() {
	for _, b := range h.first {
		b.Release()
	}
	h.first, h.schema = nil, nil
}

// leave ends the reading; the next wait begins behind what is committed.
func (h *held) leave() error {
	h.drop()
	if h.stream == nil {
		return nil
	}
	return h.stream.Close()
}
