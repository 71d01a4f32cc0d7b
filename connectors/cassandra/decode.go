package cassandra

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/connectors/online/staged"
)

// decode reads a value of type t in the form of the protocol: nil, bool, int64
// (times in microseconds), float64, string (dates, decimals), []byte or []any.
func decode(t arrow.DataType, b cell) (any, error) {
	if b == nil {
		return nil, nil
	}
	be := binary.BigEndian
	size := map[arrow.Type]int{
		arrow.BOOL: 1, arrow.INT32: 4, arrow.INT64: 8, arrow.TIMESTAMP: 8, arrow.DATE32: 4, arrow.FLOAT32: 4, arrow.FLOAT64: 8,
	}[t.ID()]
	if size > 0 && len(b) != size {
		return nil, fmt.Errorf("%d bytes are no value of type %s", len(b), t)
	}
	switch x := t.(type) {
	case *arrow.BooleanType:
		return b[0] != 0, nil
	case *arrow.Int32Type:
		return int64(int32(be.Uint32(b))), nil
	case *arrow.Int64Type:
		return int64(be.Uint64(b)), nil
	case *arrow.TimestampType:
		ms := int64(be.Uint64(b))
		if ms > math.MaxInt64/1000 || ms < math.MinInt64/1000 {
			return nil, fmt.Errorf("%d milliseconds are beyond all timestamps", ms)
		}
		return ms * 1000, nil
	case *arrow.Date32Type:
		return staged.DateText(arrow.Date32(be.Uint32(b) - dateZero)), nil
	case *arrow.Float32Type:
		return float64(math.Float32frombits(be.Uint32(b))), nil
	case *arrow.Float64Type:
		return math.Float64frombits(be.Uint64(b)), nil
	case *arrow.Decimal128Type:
		return decodeDecimal(x, b)
	case *arrow.StringType:
		return string(b), nil
	case *arrow.BinaryType:
		return []byte(b), nil
	case *arrow.ListType:
		return decodeList(x.Elem(), b)
	}
	return nil, fmt.Errorf("type %s is none of features", t)
}

// decodeDecimal reads a decimal of any scale and gives it the type's where
// that takes nothing away.
func decodeDecimal(t *arrow.Decimal128Type, b cell) (any, error) {
	const most = 1 << 10 // digits after the point that are worth writing out
	if len(b) < 5 {
		return nil, fmt.Errorf("%d bytes are no decimal", len(b))
	}
	scale := int32(binary.BigEndian.Uint32(b))
	if scale > most || scale < -most || len(b) > most {
		return nil, fmt.Errorf("a decimal of scale %d and %d bytes is beyond all decimals", scale, len(b)-4)
	}
	n := bigOf(b[4:])
	digits := n.String()
	sign := ""
	if n.Sign() < 0 {
		sign, digits = "-", digits[1:]
	}
	if scale < 0 {
		digits += strings.Repeat("0", int(-scale))
		scale = 0
	}
	if pad := int(scale) + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	whole, fraction := digits[:len(digits)-int(scale)], digits[len(digits)-int(scale):]
	for len(fraction) > int(t.Scale) && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	if pad := int(t.Scale) - len(fraction); pad > 0 {
		fraction += strings.Repeat("0", pad)
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction, nil
}

func decodeList(elem arrow.DataType, b cell) (any, error) {
	be := binary.BigEndian
	bad := func() (any, error) { return nil, fmt.Errorf("%d bytes are no list", len(b)) }
	if len(b) < 4 {
		return bad()
	}
	n, rest := int(int32(be.Uint32(b))), b[4:]
	if n < 0 || n > len(rest)/4 {
		return bad()
	}
	out := make([]any, n)
	for i := range out {
		if len(rest) < 4 {
			return bad()
		}
		size := int(int32(be.Uint32(rest)))
		rest = rest[4:]
		if size < 0 {
			continue
		}
		if size > len(rest) {
			return bad()
		}
		v, err := decode(elem, rest[:size:size])
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		out[i], rest = v, rest[size:]
	}
	if len(rest) > 0 {
		return bad()
	}
	return out, nil
}
