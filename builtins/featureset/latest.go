package featureset

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/builtins/internal/runs"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Latest keeps the last row of each key of the feature table. Fold's rows are
// grouped by key in total order, nulls of the timestamp first, so the last row
// is the newest (S-306), and a null feature in it wins over older values
// (S-1301).
type Latest struct {
	set  *Set
	in   *flow.Schema
	keys []int
	// pending is the last row seen, alone: its key may go on.
	pending arrow.RecordBatch
	changed []byte
	kept    []runs.Run
}

// Open takes the schema of the feature table.
func (l *Latest) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) {
	l.in, l.keys = in, nil
	for _, k := range l.set.Keys() {
		at := in.FieldIndices(k)
		if len(at) == 0 {
			return nil, fault.New(NotSelected, "the feature table has no key column %q", k)
		}
		l.keys = append(l.keys, at[0])
	}
	return in, nil
}

// Order is that of Fold's rows.
func (l *Latest) Order() flow.Order {
	return flow.Order{Keys: l.set.Keys(), Time: timestampColumn}
}

// Fork opens another copy for another partition of keys.
func (l *Latest) Fork(ctx context.Context) (flow.Stage, error) {
	g := &Latest{set: l.set}
	_, err := g.Open(ctx, l.in)
	return g, err
}

// Process emits the last row of each key that ends in the batch, and that of
// the batches before when its key has ended there.
func (l *Latest) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	r := in.Record
	n := int(r.NumRows())
	if n == 0 {
		return nil
	}
	if l.pending != nil {
		if sameRow(l.pending, 0, r, 0, l.keys) {
			l.pending.Release()
			l.pending = nil
		} else if err := l.Flush(ctx, emit); err != nil {
			return err
		}
	}
	// A row is the last of its key when the next one has another key.
	l.changed = grown(l.changed, n)
	clear(l.changed)
	for _, c := range l.keys {
		markChanges(r.Column(c), l.changed)
	}
	l.kept = runs.Of(l.kept[:0], l.changed[1:])
	l.pending = r.NewSlice(int64(n-1), int64(n))
	if len(l.kept) == 0 {
		return nil
	}
	return emit(flow.Batch{Record: runs.Record(l.set.mem, r, l.kept)})
}

// Flush emits the row that was kept back.
func (l *Latest) Flush(_ context.Context, emit flow.Emit) error {
	if l.pending == nil {
		return nil
	}
	r := l.pending
	l.pending = nil
	return emit(flow.Batch{Record: r})
}

// Close forgets the row that was kept back.
func (l *Latest) Close() error {
	if l.pending != nil {
		l.pending.Release()
		l.pending = nil
	}
	return nil
}
