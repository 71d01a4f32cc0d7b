package cassandra

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

const microsPerDay = 86_400_000_000

// taken is how the columns of a feature table reach the store. In the butterfree
// profile dates become timestamps at midnight, as in the original's tables
// (S-401).
func (s *Sink) taken(in *flow.Schema) *flow.Schema {
	if !s.cfg.DatesAsTimestamps {
		return in
	}
	fields := in.Fields() // a copy
	for i, f := range fields {
		if f.Type.ID() == arrow.DATE32 {
			fields[i].Type = schema.Timestamp()
		}
	}
	return flow.NewSchema(fields)
}

// converted is a batch with the columns of taken; the caller releases it.
func (s *Sink) converted(r flow.Record) (flow.Record, error) {
	in := s.taken(r.Schema())
	if in == r.Schema() {
		r.Retain()
		return r, nil
	}
	columns := make([]arrow.Array, r.NumCols())
	defer func() {
		for i, c := range columns {
			if c != nil && c != r.Column(i) {
				c.Release()
			}
		}
	}()
	for i := range columns {
		columns[i] = r.Column(i)
		if dates, is := columns[i].(*array.Date32); is {
			var err error
			if columns[i], err = midnights(dates); err != nil {
				return nil, fault.As(err).At("column %q", r.ColumnName(i))
			}
		}
	}
	return array.NewRecordBatch(in, columns, r.NumRows()), nil
}

// midnights are the first moments of days.
func midnights(dates *array.Date32) (arrow.Array, error) {
	b := array.NewTimestampBuilder(memory.DefaultAllocator, schema.Timestamp().(*arrow.TimestampType))
	defer b.Release()
	b.Reserve(dates.Len())
	for i := range dates.Len() {
		if dates.IsNull(i) {
			b.AppendNull()
			continue
		}
		us := int64(dates.Value(i)) * microsPerDay
		if us/microsPerDay != int64(dates.Value(i)) {
			return nil, fault.New(BadRow, "a date lies outside the years that a timestamp can tell").WithHint("leave such rows out by a stage; [[sink.stage]] is for this sink alone")
		}
		b.Append(arrow.Timestamp(us))
	}
	return b.NewArray(), nil
}
