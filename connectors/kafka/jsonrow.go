package kafka

import (
	"encoding/base64"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/connectors/internal/jsontext"
	"github.com/featurehost/featurehost/host/fault"
)

// jsonValue appends the value of a row, which is not null.
type jsonValue func(dst []byte, a arrow.Array, i int) []byte

// jsonObject writes rows as JSON objects, fields in the order of the columns.
type jsonObject struct {
	names  [][]byte
	values []jsonValue
}

func newJSONObject(fields []arrow.Field) (*jsonObject, error) {
	o := &jsonObject{}
	for _, f := range fields {
		v, err := jsonOf(f.Type)
		if err != nil {
			return nil, fault.As(err).At("column %q", f.Name)
		}
		o.names, o.values = append(o.names, append(jsontext.AppendQuoted(nil, f.Name), ':')), append(o.values, v)
	}
	return o, nil
}

func (o *jsonObject) append(dst []byte, columns []arrow.Array, i int) []byte {
	dst = append(dst, '{')
	for k, name := range o.names {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, name...)
		if columns[k].IsNull(i) {
			dst = append(dst, "null"...)
			continue
		}
		dst = o.values[k](dst, columns[k], i)
	}
	return append(dst, '}')
}

// jsonOf says how values of a type are written. Times are RFC 3339 in UTC,
// decimals texts, so that no reader rounds them; numbers that JSON lacks are
// the texts NaN, Infinity and -Infinity; binary is base64.
func jsonOf(t arrow.DataType) (jsonValue, error) {
	switch x := t.(type) {
	case *arrow.BooleanType:
		return func(dst []byte, a arrow.Array, i int) []byte {
			return strconv.AppendBool(dst, a.(*array.Boolean).Value(i))
		}, nil
	case *arrow.Int32Type:
		return func(dst []byte, a arrow.Array, i int) []byte {
			return strconv.AppendInt(dst, int64(a.(*array.Int32).Value(i)), 10)
		}, nil
	case *arrow.Int64Type:
		return func(dst []byte, a arrow.Array, i int) []byte {
			return strconv.AppendInt(dst, a.(*array.Int64).Value(i), 10)
		}, nil
	case *arrow.Float32Type:
		return func(dst []byte, a arrow.Array, i int) []byte {
			return jsontext.AppendFloat(dst, float64(a.(*array.Float32).Value(i)), 32)
		}, nil
	case *arrow.Float64Type:
		return func(dst []byte, a arrow.Array, i int) []byte {
			return jsontext.AppendFloat(dst, a.(*array.Float64).Value(i), 64)
		}, nil
	case *arrow.StringType:
		return func(dst []byte, a arrow.Array, i int) []byte {
			return jsontext.AppendQuoted(dst, a.(*array.String).Value(i))
		}, nil
	case *arrow.BinaryType:
		return func(dst []byte, a arrow.Array, i int) []byte {
			return append(base64.StdEncoding.AppendEncode(append(dst, '"'), a.(*array.Binary).Value(i)), '"')
		}, nil
	case *arrow.Date32Type:
		return func(dst []byte, a arrow.Array, i int) []byte {
			return append(time.Unix(int64(a.(*array.Date32).Value(i))*86400, 0).UTC().AppendFormat(append(dst, '"'), "2006-01-02"), '"')
		}, nil
	case *arrow.TimestampType:
		if x.Unit != arrow.Microsecond {
			break
		}
		layout := "2006-01-02T15:04:05.999999Z07:00"
		if x.TimeZone == "" {
			layout = "2006-01-02T15:04:05.999999"
		}
		return func(dst []byte, a arrow.Array, i int) []byte {
			return append(time.UnixMicro(int64(a.(*array.Timestamp).Value(i))).UTC().AppendFormat(append(dst, '"'), layout), '"')
		}, nil
	case *arrow.Decimal128Type:
		return func(dst []byte, a arrow.Array, i int) []byte {
			return append(append(append(dst, '"'), a.(*array.Decimal128).Value(i).ToString(x.Scale)...), '"')
		}, nil
	case *arrow.ListType:
		elem, err := jsonOf(x.Elem())
		if err != nil || x.Elem().ID() == arrow.LIST {
			break
		}
		return func(dst []byte, a arrow.Array, i int) []byte {
			l := a.(*array.List)
			from, to := l.ValueOffsets(i)
			dst = append(dst, '[')
			for k := int(from); k < int(to); k++ {
				if k > int(from) {
					dst = append(dst, ',')
				}
				if l.ListValues().IsNull(k) {
					dst = append(dst, "null"...)
					continue
				}
				dst = elem(dst, l.ListValues(), k)
			}
			return append(dst, ']')
		}, nil
	}
	return nil, fault.New(BadColumn, "a column of type %s has no image in JSON", typeName(t)).WithHint("declare a type for the feature")
}
