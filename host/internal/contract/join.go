package contract

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/flow"
)

// Join puts the guest's columns beside those that it never saw. A map's
// columns travel by reference; a filter's are cut down to the rows that stay.
// nil means that no row stays. What breaks the library on the way is the
// plugin's failure, FH-3002: that its answer passed all checks is no proof.
func (b *Binding) Join(ctx context.Context, in, made flow.Record) (flow.Record, error) {
	return b.JoinPiece(ctx, in, made, &Answer{})
}

// JoinPiece is Join for a piece of an answer; sum is what the pieces before came
// to, and is the caller's to keep for the next one.
func (b *Binding) JoinPiece(ctx context.Context, in, made flow.Record, sum *Answer) (out flow.Record, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, Refusal(abi.CodeTrap, "the host broke down on the plugin's answer: %v", r)
		}
	}()
	switch b.selection {
	case byKeep:
		keep := made.Column(0).(*array.Boolean)
		return b.filtered(ctx, in, made, keep, true)
	case byRows:
		keep := maskOf(made.Column(0).(*array.Int32), int(in.NumRows()))
		defer keep.Release()
		return b.filtered(ctx, in, made, keep, false)
	case byTake:
		return b.taken(ctx, in, made, sum)
	}
	return b.joined(in.Columns(), made.Columns(), in.NumRows()), nil
}

// joined makes a record of input columns and the guest's; it borrows both.
func (b *Binding) joined(in, made []arrow.Array, rows int64) flow.Record {
	columns := make([]arrow.Array, len(b.source))
	for i, from := range b.source {
		if from >= 0 {
			columns[i] = in[from]
		} else {
			columns[i] = made[^from]
		}
	}
	return array.NewRecordBatch(b.Out, columns, rows)
}

// filtered keeps the rows that keep marks. cutMade says that the guest's
// other columns are as long as the input, and are cut as well.
func (b *Binding) filtered(ctx context.Context, in, made flow.Record, keep *array.Boolean, cutMade bool) (flow.Record, error) {
	rows := bitutil.CountSetBits(keep.Data().Buffers()[1].Bytes(), keep.Data().Offset(), keep.Len())
	switch rows {
	case 0:
		return nil, nil
	case keep.Len():
		return b.joined(in.Columns(), made.Columns(), in.NumRows()), nil
	}
	stay := choose(keep, rows)
	var cut []arrow.Array
	defer func() {
		for _, a := range cut {
			a.Release()
		}
	}()
	fromIn, fromMade := make([]arrow.Array, in.NumCols()), append([]arrow.Array(nil), made.Columns()...)
	for _, from := range b.source {
		var at *arrow.Array
		var whole arrow.Array
		switch {
		case from >= 0:
			at, whole = &fromIn[from], in.Column(from)
		case cutMade:
			at, whole = &fromMade[^from], made.Column(^from)
		default:
			continue
		}
		a, err := stay.of(ctx, whole)
		if err != nil {
			return nil, err
		}
		cut = append(cut, a)
		*at = a
	}
	return b.joined(fromIn, fromMade, int64(rows)), nil
}

// maskOf turns row numbers that cdata.CheckRows has passed into a mask.
func maskOf(numbers *array.Int32, rows int) *array.Boolean {
	bits := make([]byte, (rows+7)/8)
	for _, r := range numbers.Int32Values() {
		bits[r>>3] |= 1 << (r & 7)
	}
	data := array.NewData(arrow.FixedWidthTypes.Boolean, rows, []*memory.Buffer{nil, memory.NewBufferBytes(bits)}, nil, 0, 0)
	defer data.Release()
	return array.NewBooleanData(data)
}
