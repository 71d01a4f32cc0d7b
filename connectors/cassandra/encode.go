package cassandra

import (
	"encoding/binary"
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/host/fault"
)

// dateZero is 1970-01-01 in Cassandra's count of days.
const dateZero = 1 << 31

// appendValue appends the bytes of a value that is not null, in the form of
// the protocol. Times are floored to milliseconds. NaN has one form, so that
// equal rows have equal bytes.
func appendValue(dst []byte, arr arrow.Array, i int) ([]byte, error) {
	be := binary.BigEndian
	switch x := arr.(type) {
	case *array.Boolean:
		if x.Value(i) {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case *array.Int32:
		return be.AppendUint32(dst, uint32(x.Value(i))), nil
	case *array.Int64:
		return be.AppendUint64(dst, uint64(x.Value(i))), nil
	case *array.Timestamp:
		return be.AppendUint64(dst, uint64(millis(int64(x.Value(i))))), nil
	case *array.Date32:
		return be.AppendUint32(dst, uint32(x.Value(i))+dateZero), nil
	case *array.Float32:
		f := x.Value(i)
		if f != f {
			f = float32(math.NaN())
		}
		return be.AppendUint32(dst, math.Float32bits(f)), nil
	case *array.Float64:
		f := x.Value(i)
		if f != f {
			f = math.NaN()
		}
		return be.AppendUint64(dst, math.Float64bits(f)), nil
	case *array.Decimal128:
		return appendDecimal(dst, x.Value(i), x.DataType().(*arrow.Decimal128Type).Scale), nil
	case *array.String:
		return append(dst, x.Value(i)...), nil
	case *array.Binary:
		return append(dst, x.Value(i)...), nil
	case *array.List:
		return appendList(dst, x, i)
	}
	return nil, fault.New(Refused, "a column of type %s reached the Cassandra table", arr.DataType())
}

// millis floors microseconds to milliseconds, before 1970 as after it.
func millis(us int64) int64 {
	ms := us / 1000
	if us%1000 < 0 {
		ms--
	}
	return ms
}

// appendDecimal writes the scale and the shortest two's complement.
func appendDecimal(dst []byte, v decimal128.Num, scale int32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(scale))
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(v.HighBits()))
	binary.BigEndian.PutUint64(b[8:], v.LowBits())
	from := 0
	for from < 15 && (b[from] == 0 && b[from+1] < 0x80 || b[from] == 0xFF && b[from+1] >= 0x80) {
		from++
	}
	return append(dst, b[from:]...)
}

// appendList writes the number of elements, then each with its length; a null
// has length -1.
func appendList(dst []byte, x *array.List, i int) ([]byte, error) {
	be := binary.BigEndian
	from, to := x.ValueOffsets(i)
	dst = be.AppendUint32(dst, uint32(to-from))
	elements := x.ListValues()
	for e := int(from); e < int(to); e++ {
		if elements.IsNull(e) {
			dst = be.AppendUint32(dst, math.MaxUint32)
			continue
		}
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		var err error
		if dst, err = appendValue(dst, elements, e); err != nil {
			return nil, err
		}
		be.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, nil
}

// bigOf reads a two's complement of any length.
func bigOf(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return n
}
