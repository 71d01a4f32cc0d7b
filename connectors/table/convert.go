package table

import (
	"context"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"

	"github.com/featurehost/featurehost/host/fault"
)

// fits reports whether values of a file's type can be held by the table's
// without loss.
func fits(from, to arrow.DataType) bool {
	if arrow.TypeEqual(from, to) {
		return true
	}
	switch x := to.(type) {
	case *arrow.TimestampType: // a zone or none: Hive has one type for both
		return from.ID() == arrow.TIMESTAMP
	case *arrow.Int64Type:
		return from.ID() == arrow.INT32
	case *arrow.Float64Type:
		return from.ID() == arrow.FLOAT32 || from.ID() == arrow.INT32
	case *arrow.Decimal128Type:
		d, ok := from.(*arrow.Decimal128Type)
		return ok && d.Scale <= x.Scale && d.Precision-d.Scale <= x.Precision-x.Scale
	case *arrow.StringType, *arrow.BinaryType:
		return from.ID() == arrow.BINARY || from.ID() == arrow.STRING
	case *arrow.ListType:
		l, ok := from.(*arrow.ListType)
		return ok && fits(l.Elem(), x.Elem())
	}
	return false
}

// convert gives an array of the table's type; fits has said that it can.
func convert(ctx context.Context, a arrow.Array, to arrow.DataType) (arrow.Array, error) {
	from := a.DataType()
	if arrow.TypeEqual(from, to) {
		a.Retain()
		return a, nil
	}
	switch to.ID() {
	case arrow.TIMESTAMP, arrow.BINARY:
		return relabelled(a, to), nil
	case arrow.STRING:
		b := a.(*array.Binary)
		for i := range b.Len() {
			if b.IsValid(i) && !utf8.Valid(b.Value(i)) {
				return nil, fault.New(FileDiffers, "%q is no text in UTF-8", b.Value(i))
			}
		}
		return relabelled(a, to), nil
	case arrow.LIST:
		l := a.(*array.List)
		values, err := convert(ctx, l.ListValues(), to.(*arrow.ListType).Elem())
		if err != nil {
			return nil, err
		}
		defer values.Release()
		d := array.NewData(to, l.Len(), l.Data().Buffers(), []arrow.ArrayData{values.Data()}, l.NullN(), l.Data().Offset())
		defer d.Release()
		return array.MakeFromData(d), nil
	}
	return compute.CastArray(ctx, a, compute.SafeCastOptions(to))
}

// relabelled gives the same buffers as another type.
func relabelled(a arrow.Array, to arrow.DataType) arrow.Array {
	d := array.NewData(to, a.Len(), a.Data().Buffers(), nil, a.NullN(), a.Data().Offset())
	defer d.Release()
	return array.MakeFromData(d)
}
