package featureset

import (
	"context"
	"errors"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
)

// Remember implements flow.Historian.
func (s *Set) Remember(h flow.History) { s.history = h }

// emptied gives the row that a key has when its last event has left all
// windows (S-911), made once by the windows themselves, from a key with a
// single event. It is nil where the row before the interval's first may be
// another one: in sets without rolling windows, and in those whose rows stop
// when their windows empty.
func (f *Fold) emptied() (empty arrow.RecordBatch, err error) {
	if f.empty != nil || f.set.cfg.Windows == nil {
		return f.empty, nil
	}
	spec, err := f.set.spec(f.in)
	if err != nil || spec.Rows != window.Changes {
		return nil, err
	}
	last := int64(math.MaxInt64 / 2)
	spec.FirstLabel, spec.LastLabel, spec.OnlyChanges = nil, &last, true
	ctx := context.Background()
	sweep := window.NewSweep(spec)
	defer func() { err = errors.Join(err, sweep.Close()) }()
	if _, err := sweep.Open(ctx, f.in); err != nil {
		return nil, err
	}
	keep := func(b flow.Batch) error {
		defer b.Release()
		if n := b.Rows(); n > 0 {
			r := f.typed(b.Record)
			defer r.Release()
			if f.empty != nil {
				f.empty.Release()
			}
			f.empty = r.NewSlice(n-1, n)
		}
		return nil
	}
	event := oneEvent(f.in)
	defer event.Release()
	if err := sweep.Process(ctx, flow.Batch{Record: event}, keep); err != nil {
		return nil, err
	}
	if err := sweep.Flush(ctx, keep); err != nil {
		return nil, err
	}
	return f.empty, nil
}

// oneEvent is a row without values, of 1970.
func oneEvent(s *flow.Schema) arrow.RecordBatch {
	columns := make([]arrow.Array, s.NumFields())
	for i, field := range s.Fields() {
		if field.Name != timestampColumn {
			columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, field.Type, 1)
			continue
		}
		b := array.NewTimestampBuilder(memory.DefaultAllocator, field.Type.(*arrow.TimestampType))
		b.Append(0)
		columns[i] = b.NewArray()
		b.Release()
	}
	r := array.NewRecordBatch(s, columns, 1)
	for _, a := range columns {
		a.Release()
	}
	return r
}
