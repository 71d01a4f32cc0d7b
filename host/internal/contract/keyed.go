package contract

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow"
)

// taken puts beside each row of a keyed plugin's answer the input row that it
// names.
func (b *Binding) taken(ctx context.Context, in, made flow.Record, sum *Answer) (flow.Record, error) {
	if made.NumRows() == 0 {
		return nil, nil
	}
	if err := b.checkTake(in, numbers(made), sum); err != nil {
		return nil, err
	}
	rows := made.Column(0)
	columns := make([]arrow.Array, len(b.source))
	var cut []arrow.Array
	defer func() {
		for _, a := range cut {
			a.Release()
		}
	}()
	for i, from := range b.source {
		if from < 0 {
			columns[i] = made.Column(^from)
			continue
		}
		a, err := compute.TakeArray(ctx, in.Column(from), rows)
		if err != nil {
			return nil, err
		}
		cut = append(cut, a)
		columns[i] = a
	}
	return array.NewRecordBatch(b.Out, columns, made.NumRows()), nil
}

// FlushSchema is what a keyed plugin answers at the end of input: keys and time
// as it has seen them, then its columns, without fh_rows. made is what it
// answered when it was bound.
func (b *Binding) FlushSchema(made *flow.Schema) *flow.Schema {
	fields := append([]flow.Field(nil), b.Seen.Fields()[:len(b.keys)]...)
	return arrow.NewSchema(append(fields, made.Fields()[1:]...), nil)
}

// Flushed makes rows of the stage from an answer of FlushSchema: keys, time and
// the plugin's columns; all others are null.
func (b *Binding) Flushed(made flow.Record) flow.Record {
	columns := make([]arrow.Array, len(b.source))
	var empty []arrow.Array
	defer func() {
		for _, a := range empty {
			a.Release()
		}
	}()
	for i, from := range b.source {
		if from < 0 {
			columns[i] = made.Column(^from - 1 + len(b.keys))
			continue
		}
		for k, at := range b.keys {
			if at == from {
				columns[i] = made.Column(k)
			}
		}
		if columns[i] == nil {
			columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, b.Out.Field(i).Type, int(made.NumRows()))
			empty = append(empty, columns[i])
		}
	}
	return array.NewRecordBatch(b.Out, columns, made.NumRows())
}

// Order is how the stage wants its rows: by key, then by time; what is left is
// told apart by all other columns, so that the order is total (ABI-M-012).
func (b *Binding) Order(by Grouping) flow.Order {
	o := flow.Order{Keys: by.Keys, Time: by.Time}
	mine := map[int]bool{}
	for _, at := range b.keys {
		mine[at] = true
	}
	for i, f := range b.In.Fields() {
		if !mine[i] {
			o.Ties = append(o.Ties, f.Name)
		}
	}
	return o
}
