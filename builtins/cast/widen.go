package cast

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/decimal"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
)

// Widened gives the type a column of type t has once it is in a feature set:
// a type users can name that holds every value of t. Small integers become
// integer, uint32 bigint, uint64 decimal(20,0), a dictionary its value, large
// and view variants the plain ones; instants come in microseconds, finer ones
// floored. Other types are an error.
func Widened(t arrow.DataType) (arrow.DataType, error) {
	wide, _, err := widening(t)
	return wide, err
}

// widening gives the wide type of t and the kernel to it, nil for none.
func widening(t arrow.DataType) (arrow.DataType, kernel, error) {
	switch x := t.(type) {
	case *arrow.NullType, *arrow.BooleanType, *arrow.Int32Type, *arrow.Int64Type,
		*arrow.Float32Type, *arrow.Float64Type, *arrow.Decimal128Type, *arrow.StringType, *arrow.BinaryType,
		*arrow.Date32Type:
		return t, nil, nil
	case *arrow.Int8Type:
		return arrow.PrimitiveTypes.Int32, total(arrow.PrimitiveTypes.Int32, convert[int8, int32]), nil
	case *arrow.Int16Type:
		return arrow.PrimitiveTypes.Int32, total(arrow.PrimitiveTypes.Int32, convert[int16, int32]), nil
	case *arrow.Uint8Type:
		return arrow.PrimitiveTypes.Int32, total(arrow.PrimitiveTypes.Int32, convert[uint8, int32]), nil
	case *arrow.Uint16Type:
		return arrow.PrimitiveTypes.Int32, total(arrow.PrimitiveTypes.Int32, convert[uint16, int32]), nil
	case *arrow.Uint32Type:
		return arrow.PrimitiveTypes.Int64, total(arrow.PrimitiveTypes.Int64, convert[uint32, int64]), nil
	case *arrow.Uint64Type:
		to := &arrow.Decimal128Type{Precision: 20}
		return to, total(to, func(in []uint64, out []decimal128.Num) {
			for i, v := range in {
				out[i] = decimal128.FromU64(v)
			}
		}), nil
	case *arrow.Float16Type:
		return arrow.PrimitiveTypes.Float32, total(arrow.PrimitiveTypes.Float32, func(in []float16.Num, out []float32) {
			for i, v := range in {
				out[i] = v.Float32()
			}
		}), nil
	case *arrow.Decimal32Type:
		to := &arrow.Decimal128Type{Precision: x.Precision, Scale: x.Scale}
		return to, total(to, func(in []decimal.Decimal32, out []decimal128.Num) {
			for i, v := range in {
				out[i] = decimal128.FromI64(int64(v))
			}
		}), nil
	case *arrow.Decimal64Type:
		to := &arrow.Decimal128Type{Precision: x.Precision, Scale: x.Scale}
		return to, total(to, func(in []decimal.Decimal64, out []decimal128.Num) {
			for i, v := range in {
				out[i] = decimal128.FromI64(int64(v))
			}
		}), nil
	case *arrow.TimestampType:
		return widenTimestamp(x)
	case *arrow.Date64Type:
		return arrow.FixedWidthTypes.Date32, partial(arrow.FixedWidthTypes.Date32, func(ms arrow.Date64) (arrow.Date32, bool) {
			return dayOf(floorDiv(int64(ms), 86_400_000))
		}), nil
	case *arrow.LargeStringType, *arrow.StringViewType:
		return arrow.BinaryTypes.String, rebuildText, nil
	case *arrow.LargeBinaryType, *arrow.BinaryViewType, *arrow.FixedSizeBinaryType:
		return arrow.BinaryTypes.Binary, rebuildBinary, nil
	case *arrow.DictionaryType:
		elem, widen, err := widening(x.ValueType)
		if err != nil {
			return nil, nil, err
		}
		return elem, chain(decode, widen), nil
	case *arrow.ListType:
		elem, widen, err := widening(x.Elem())
		if err != nil || elem.ID() == arrow.LIST {
			return nil, nil, refuse(t)
		}
		if widen == nil {
			return t, nil, nil
		}
		to := arrow.ListOf(elem)
		return to, overElements(to, widen), nil
	}
	return nil, nil, refuse(t)
}

func refuse(t arrow.DataType) error {
	return fmt.Errorf("a column of type %s has no place in a feature set", schema.TypeName(t))
}

// rebuildText copies large or view text into plain text.
func rebuildText(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
	b := array.NewStringBuilder(mem)
	defer b.Release()
	b.Reserve(a.Len())
	in := a.(array.StringLike)
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(in.Value(i))
		}
	}
	return b.NewArray(), 0
}

// rebuildBinary copies large, view or fixed-size bytes into plain binary.
func rebuildBinary(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
	b := array.NewBinaryBuilder(mem, arrow.BinaryTypes.Binary)
	defer b.Release()
	b.Reserve(a.Len())
	value := a.(interface{ Value(int) []byte }).Value
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(value(i))
		}
	}
	return b.NewArray(), 0
}

// decode replaces the indices of a dictionary by its values.
func decode(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
	ctx := compute.WithAllocator(context.Background(), mem)
	out, err := compute.CastToType(ctx, a, a.DataType().(*arrow.DictionaryType).ValueType)
	if err != nil {
		// An index outside the dictionary: the values are gone, all of them.
		return array.MakeArrayOfNull(mem, a.DataType().(*arrow.DictionaryType).ValueType, a.Len()), int64(a.Len() - a.NullN())
	}
	return out, 0
}
