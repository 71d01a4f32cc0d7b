package canonical

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Supported reports whether values of type t have canonical bytes: every type
// of S-401, lists and structs of them, and the Arrow inputs of S-402.
// Unsigned integers are big-endian as they stand, for they have no sign bit;
// dictionaries and extensions are encoded as the value they stand for.
func Supported(t arrow.DataType) bool {
	switch x := t.(type) {
	case *arrow.DictionaryType:
		return Supported(x.ValueType)
	case *arrow.StructType:
		for _, f := range x.Fields() {
			if !Supported(f.Type) {
				return false
			}
		}
		return true
	case arrow.ListLikeType:
		return Supported(x.Elem())
	case arrow.ExtensionType:
		return Supported(x.StorageType())
	}
	switch t.ID() {
	case arrow.NULL, arrow.BOOL,
		arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64,
		arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64,
		arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64,
		arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION,
		arrow.DECIMAL128,
		arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW,
		arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY:
		return true
	}
	return false
}

// AppendValue appends the canonical bytes of row i of arr: 0x00 for null,
// otherwise 0x01 and the value. It panics when the type is not Supported.
func AppendValue(dst []byte, arr arrow.Array, i int) []byte {
	if arr.IsNull(i) {
		return append(dst, 0)
	}
	switch x := arr.(type) {
	case *array.Null:
		return append(dst, 0)
	case *array.Dictionary:
		return AppendValue(dst, x.Dictionary(), x.GetValueIndex(i))
	case array.ExtensionArray:
		return AppendValue(dst, x.Storage(), i)
	}
	return appendPresent(append(dst, 1), arr, i)
}

// AppendRow appends the canonical bytes of row i of r over the columns given,
// in the order given. For the bytes of a whole row, take columns from ByName.
func AppendRow(dst []byte, r arrow.RecordBatch, columns []int, i int) []byte {
	for _, c := range columns {
		dst = AppendValue(dst, r.Column(c), i)
	}
	return dst
}

func appendPresent(dst []byte, arr arrow.Array, i int) []byte {
	be := binary.BigEndian
	switch x := arr.(type) {
	case *array.Boolean:
		if x.Value(i) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case *array.Int8:
		return append(dst, byte(x.Value(i))^1<<7)
	case *array.Int16:
		return be.AppendUint16(dst, uint16(x.Value(i))^1<<15)
	case *array.Int32:
		return be.AppendUint32(dst, signed32(x.Value(i)))
	case *array.Int64:
		return be.AppendUint64(dst, signed64(x.Value(i)))
	case *array.Uint8:
		return append(dst, x.Value(i))
	case *array.Uint16:
		return be.AppendUint16(dst, x.Value(i))
	case *array.Uint32:
		return be.AppendUint32(dst, x.Value(i))
	case *array.Uint64:
		return be.AppendUint64(dst, x.Value(i))
	case *array.Float16:
		return be.AppendUint16(dst, float16Bits(x.Value(i).Uint16()))
	case *array.Float32:
		return be.AppendUint32(dst, Float32Bits(x.Value(i)))
	case *array.Float64:
		return be.AppendUint64(dst, Float64Bits(x.Value(i)))
	case *array.Date32:
		return be.AppendUint32(dst, signed32(int32(x.Value(i))))
	case *array.Date64:
		return be.AppendUint64(dst, signed64(int64(x.Value(i))))
	case *array.Time32:
		return be.AppendUint32(dst, signed32(int32(x.Value(i))))
	case *array.Time64:
		return be.AppendUint64(dst, signed64(int64(x.Value(i))))
	case *array.Timestamp:
		return be.AppendUint64(dst, signed64(int64(x.Value(i))))
	case *array.Duration:
		return be.AppendUint64(dst, signed64(int64(x.Value(i))))
	case *array.Decimal128:
		v := x.Value(i)
		return be.AppendUint64(be.AppendUint64(dst, signed64(v.HighBits())), v.LowBits())
	case array.StringLike:
		return appendText(dst, x.Value(i))
	case binaryLike:
		return appendText(dst, x.Value(i))
	case *array.Struct:
		for f := 0; f < x.NumField(); f++ {
			dst = AppendValue(dst, x.Field(f), i)
		}
		return dst
	case array.ListLike:
		child := x.ListValues()
		from, to := x.ValueOffsets(i)
		for e := from; e < to; e++ {
			dst = AppendValue(append(dst, 2), child, int(e))
		}
		return append(dst, 0)
	}
	panic(fmt.Sprintf("canonical: type %s has no canonical bytes", arr.DataType()))
}

type binaryLike interface{ Value(int) []byte }

// appendText escapes 0x00 as 0x00 0xFF and ends with 0x00 0x00.
func appendText[T string | []byte](dst []byte, s T) []byte {
	at := len(dst)
	dst = append(dst, s...)
	if bytes.IndexByte(dst[at:], 0) >= 0 {
		dst = dst[:at]
		for k := 0; k < len(s); k++ {
			dst = append(dst, s[k])
			if s[k] == 0 {
				dst = append(dst, 0xFF)
			}
		}
	}
	return append(dst, 0, 0)
}

func signed32(v int32) uint32 { return uint32(v) ^ 1<<31 }
func signed64(v int64) uint64 { return uint64(v) ^ 1<<63 }
