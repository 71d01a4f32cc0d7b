package file

import (
	"context"
	"math"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/parts/days"
)

// widened is the type under which values of t enter a pipeline (S-402); ok is
// false when there is none without loss.
func widened(t arrow.DataType) (w arrow.DataType, ok bool) {
	switch x := t.(type) {
	case *arrow.BooleanType, *arrow.Int32Type, *arrow.Int64Type, *arrow.Float32Type, *arrow.Float64Type,
		*arrow.StringType, *arrow.BinaryType, *arrow.Date32Type:
		return t, true
	case *arrow.Decimal128Type:
		return t, x.Precision >= 1 && x.Precision <= 38 && x.Scale >= 0 && x.Scale <= x.Precision
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Uint8Type, *arrow.Uint16Type, *arrow.NullType:
		return arrow.PrimitiveTypes.Int32, true
	case *arrow.Uint32Type:
		return arrow.PrimitiveTypes.Int64, true
	case *arrow.Uint64Type:
		return &arrow.Decimal128Type{Precision: 20}, true
	case *arrow.Float16Type:
		return arrow.PrimitiveTypes.Float32, true
	case *arrow.LargeStringType:
		return arrow.BinaryTypes.String, true
	case *arrow.LargeBinaryType, *arrow.FixedSizeBinaryType:
		return arrow.BinaryTypes.Binary, true
	case *arrow.Date64Type:
		return arrow.FixedWidthTypes.Date32, true
	case *arrow.TimestampType:
		if x.TimeZone == "" {
			return &arrow.TimestampType{Unit: arrow.Microsecond}, true
		}
		return schema.Timestamp(), true
	case *arrow.Decimal256Type:
		if x.Precision >= 1 && x.Precision <= 38 && x.Scale >= 0 && x.Scale <= x.Precision {
			return &arrow.Decimal128Type{Precision: x.Precision, Scale: x.Scale}, true
		}
	case *arrow.DictionaryType:
		return widened(x.ValueType)
	case arrow.ExtensionType:
		return widened(x.StorageType())
	case arrow.ListLikeType:
		switch x.ID() {
		case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST:
			if e, ok := widened(x.Elem()); ok && e.ID() != arrow.LIST {
				return arrow.ListOf(e), true
			}
		}
	}
	return nil, false
}

// widen changes an array to its widened type. bad counts values that became
// null because they name no instant of the years 0001 to 9999 (S-105). The
// caller releases the result.
func widen(ctx context.Context, a arrow.Array) (out arrow.Array, bad int64, err error) {
	switch x := a.(type) {
	case *array.Timestamp:
		return widenTimes(x)
	case *array.String:
		return retained(x), 0, checkText(x)
	case *array.Boolean, *array.Int32, *array.Int64, *array.Float32, *array.Float64, *array.Binary, *array.Date32, *array.Decimal128:
		return retained(a), 0, nil
	case *array.Null:
		return array.MakeArrayOfNull(memory.DefaultAllocator, arrow.PrimitiveTypes.Int32, a.Len()), 0, nil
	case *array.Int8:
		return number(x, x.Int8Values(), arrow.PrimitiveTypes.Int32, func(v int8) int32 { return int32(v) }), 0, nil
	case *array.Int16:
		return number(x, x.Int16Values(), arrow.PrimitiveTypes.Int32, func(v int16) int32 { return int32(v) }), 0, nil
	case *array.Uint8:
		return number(x, x.Uint8Values(), arrow.PrimitiveTypes.Int32, func(v uint8) int32 { return int32(v) }), 0, nil
	case *array.Uint16:
		return number(x, x.Uint16Values(), arrow.PrimitiveTypes.Int32, func(v uint16) int32 { return int32(v) }), 0, nil
	case *array.Uint32:
		return number(x, x.Uint32Values(), arrow.PrimitiveTypes.Int64, func(v uint32) int64 { return int64(v) }), 0, nil
	case *array.Uint64:
		return number(x, x.Uint64Values(), &arrow.Decimal128Type{Precision: 20}, decimal128.FromU64), 0, nil
	case *array.Date64:
		return number(x, x.Date64Values(), arrow.FixedWidthTypes.Date32, func(v arrow.Date64) arrow.Date32 {
			return arrow.Date32(floorDiv(int64(v), 86_400_000))
		}), 0, nil
	case *array.Dictionary:
		return widenDictionary(ctx, x)
	case array.ExtensionArray:
		return widen(ctx, x.Storage())
	case array.ListLike:
		return widenList(ctx, x)
	}
	return widenOther(a)
}

// retained gives a with a reference of its own.
func retained(a arrow.Array) arrow.Array {
	a.Retain()
	return a
}

// number widens fixed-width values.
func number[F, T any](a arrow.Array, values []F, t arrow.DataType, f func(F) T) arrow.Array {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return fromValues(a, t, out)
}

// fromValues makes an array of new values with the nulls of a.
func fromValues[T any](a arrow.Array, t arrow.DataType, values []T) arrow.Array {
	d := array.NewData(t, len(values), []*memory.Buffer{validOf(a), bufferOf(values)}, nil, a.NullN(), 0)
	defer d.Release()
	return array.MakeFromData(d)
}

// validOf copies the validity bits of a, from its offset on; nil without nulls.
func validOf(a arrow.Array) *memory.Buffer {
	if a.NullN() == 0 {
		return nil
	}
	bits := make([]byte, bitutil.BytesForBits(int64(a.Len())))
	bitutil.CopyBitmap(a.NullBitmapBytes(), a.Data().Offset(), a.Len(), bits, 0)
	return memory.NewBufferBytes(bits)
}

func bufferOf[T any](values []T) *memory.Buffer {
	var one T
	return memory.NewBufferBytes(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(one))))
}

// The ends of the years 0001 to 9999 in microseconds.
const (
	leastMicros    = -62_135_596_800_000_000
	greatestMicros = 253_402_300_799_999_999
)

// widenTimes floors to microseconds. Buffers of microseconds are shared.
func widenTimes(x *array.Timestamp) (arrow.Array, int64, error) {
	from := x.DataType().(*arrow.TimestampType)
	to, _ := widened(from)
	values := x.TimestampValues()
	if from.Unit == arrow.Microsecond {
		out := array.NewData(to, x.Len(), x.Data().Buffers(), nil, x.NullN(), x.Data().Offset())
		defer out.Release()
		inside := true
		for _, v := range values {
			inside = inside && v >= leastMicros && v <= greatestMicros
		}
		if inside {
			return array.MakeFromData(out), 0, nil
		}
	}
	micros := make([]arrow.Timestamp, len(values))
	valid := make([]byte, bitutil.BytesForBits(int64(x.Len())))
	bad, nulls := int64(0), 0
	for i, v := range values {
		if x.IsNull(i) {
			nulls++
			continue
		}
		us := days.Micros(int64(v), from.Unit)
		if us < leastMicros || us > greatestMicros {
			bad++
			nulls++
			continue
		}
		micros[i] = arrow.Timestamp(us)
		bitutil.SetBit(valid, i)
	}
	d := array.NewData(to, len(micros), []*memory.Buffer{memory.NewBufferBytes(valid), bufferOf(micros)}, nil, nulls, 0)
	defer d.Release()
	return array.MakeFromData(d), bad, nil
}

func floorDiv(v, by int64) int64 {
	q := v / by
	if v%by < 0 {
		q--
	}
	return q
}

// checkText refuses bytes that are no UTF-8, and values that begin inside a
// character.
func checkText(x *array.String) error {
	b := x.ValueBytes()
	ascii := true
	for _, c := range b {
		if c >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return nil
	}
	for i := range x.Len() {
		if x.IsValid(i) && !utf8.ValidString(x.Value(i)) {
			return &badValue{row: i, err: fault.New(BadText, "%q is not UTF-8", x.Value(i))}
		}
	}
	return nil
}

// badValue is an error in a row of the array.
type badValue struct {
	row int
	err *fault.Error
}

func (b *badValue) Error() string { return b.err.Error() }

// widenDictionary takes each index's value.
func widenDictionary(ctx context.Context, x *array.Dictionary) (arrow.Array, int64, error) {
	values, bad, err := widen(ctx, x.Dictionary())
	if err != nil {
		return nil, 0, err
	}
	defer values.Release()
	out, err := compute.TakeArray(ctx, values, x.Indices())
	return out, bad, err
}

// widenList widens the elements; offsets become 32 bits.
func widenList(ctx context.Context, x array.ListLike) (arrow.Array, int64, error) {
	n := x.Len()
	offsets := make([]int32, n+1)
	first, last := int64(0), int64(0)
	if n > 0 {
		first, _ = x.ValueOffsets(0)
		last = first
	}
	for i := range n {
		start, end := x.ValueOffsets(i)
		if start != last || end < start || end-first > math.MaxInt32 {
			return nil, 0, fault.New(NotValue, "the lists of a batch hold too many elements")
		}
		last = end
		offsets[i+1] = int32(end - first)
	}
	part := array.NewSlice(x.ListValues(), first, last)
	defer part.Release()
	elem, bad, err := widen(ctx, part)
	if err != nil {
		return nil, 0, err
	}
	defer elem.Release()
	d := array.NewData(arrow.ListOf(elem.DataType()), n, []*memory.Buffer{validOf(x), bufferOf(offsets)}, []arrow.ArrayData{elem.Data()}, x.NullN(), 0)
	defer d.Release()
	return array.MakeFromData(d), bad, nil
}

// widenOther handles what is rare, value by value.
func widenOther(a arrow.Array) (arrow.Array, int64, error) {
	to, ok := widened(a.DataType())
	if !ok {
		return nil, 0, fault.New(NotReadableType, "type %s cannot be read", a.DataType())
	}
	b := array.NewBuilder(memory.DefaultAllocator, to)
	defer b.Release()
	b.Reserve(a.Len())
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
			continue
		}
		switch x := a.(type) {
		case *array.LargeString:
			if !utf8.ValidString(x.Value(i)) {
				return nil, 0, &badValue{row: i, err: fault.New(BadText, "%q is not UTF-8", x.Value(i))}
			}
			b.(*array.StringBuilder).Append(x.Value(i))
		case *array.LargeBinary:
			b.(*array.BinaryBuilder).Append(x.Value(i))
		case *array.FixedSizeBinary:
			b.(*array.BinaryBuilder).Append(x.Value(i))
		case *array.Float16:
			b.(*array.Float32Builder).Append(x.Value(i).Float32())
		case *array.Decimal256:
			v := x.Value(i).BigInt()
			if v.BitLen() > 126 {
				return nil, 0, &badValue{row: i, err: fault.New(NotValue, "decimal %s has more than 38 digits", v)}
			}
			b.(*array.Decimal128Builder).Append(decimal128.FromBigInt(v))
		default:
			return nil, 0, fault.New(NotReadableType, "type %s cannot be read", a.DataType())
		}
	}
	return b.NewArray(), 0, nil
}
