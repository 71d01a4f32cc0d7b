package avro

import (
	"encoding/binary"
	"encoding/json"
	"math"

	hamba "github.com/hamba/avro/v2"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// Encoder writes rows of columns as a record whose fields all take nulls.
type Encoder struct {
	text    string
	columns []write
}

// write appends the value of a row, which is not null.
type write func(dst []byte, a arrow.Array, i int) []byte

// NewEncoder makes the schema of a record of the columns. Errors: FH-7612.
func NewEncoder(name string, fields []arrow.Field) (*Encoder, error) {
	e := &Encoder{}
	list := []any{}
	for _, f := range fields {
		t, w, err := imageOf(f.Type)
		if err != nil {
			return nil, fault.As(err).At("column %q", f.Name)
		}
		list = append(list, map[string]any{"name": f.Name, "type": []any{"null", t}, "default": nil})
		e.columns = append(e.columns, w)
	}
	b, err := json.Marshal(map[string]any{"type": "record", "name": name, "fields": list})
	if err != nil {
		return nil, fault.Wrap(err, BadColumn, "the columns make no schema")
	}
	if _, err := hamba.ParseBytesWithCache(b, "", &hamba.SchemaCache{}); err != nil {
		return nil, fault.Wrap(err, BadColumn, "the columns make no Avro schema").WithHint("names have letters, digits and _ only, and no digit first")
	}
	e.text = string(b)
	return e, nil
}

// Text is the schema.
func (e *Encoder) Text() string { return e.text }

// Append writes row i of columns of the fields' types.
func (e *Encoder) Append(dst []byte, columns []arrow.Array, i int) []byte {
	for k, w := range e.columns {
		if columns[k].IsNull(i) {
			dst = append(dst, 0)
			continue
		}
		dst = w(append(dst, 2), columns[k], i)
	}
	return dst
}

// imageOf is the Avro type of a column.
func imageOf(t arrow.DataType) (any, write, error) {
	logical := func(base, l string) map[string]any { return map[string]any{"type": base, "logicalType": l} }
	switch x := t.(type) {
	case *arrow.BooleanType:
		return "boolean", func(dst []byte, a arrow.Array, i int) []byte {
			if a.(*array.Boolean).Value(i) {
				return append(dst, 1)
			}
			return append(dst, 0)
		}, nil
	case *arrow.Int32Type:
		return "int", func(dst []byte, a arrow.Array, i int) []byte {
			return binary.AppendVarint(dst, int64(a.(*array.Int32).Value(i)))
		}, nil
	case *arrow.Int64Type:
		return "long", func(dst []byte, a arrow.Array, i int) []byte {
			return binary.AppendVarint(dst, a.(*array.Int64).Value(i))
		}, nil
	case *arrow.Float32Type:
		return "float", func(dst []byte, a arrow.Array, i int) []byte {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(a.(*array.Float32).Value(i)))
		}, nil
	case *arrow.Float64Type:
		return "double", func(dst []byte, a arrow.Array, i int) []byte {
			return binary.LittleEndian.AppendUint64(dst, math.Float64bits(a.(*array.Float64).Value(i)))
		}, nil
	case *arrow.Date32Type:
		return logical("int", "date"), func(dst []byte, a arrow.Array, i int) []byte {
			return binary.AppendVarint(dst, int64(a.(*array.Date32).Value(i)))
		}, nil
	case *arrow.TimestampType:
		if x.Unit != arrow.Microsecond {
			break
		}
		l := "timestamp-micros"
		if x.TimeZone == "" {
			l = "local-timestamp-micros"
		}
		return logical("long", l), func(dst []byte, a arrow.Array, i int) []byte {
			return binary.AppendVarint(dst, int64(a.(*array.Timestamp).Value(i)))
		}, nil
	case *arrow.StringType:
		return "string", func(dst []byte, a arrow.Array, i int) []byte {
			v := a.(*array.String).Value(i)
			return append(binary.AppendVarint(dst, int64(len(v))), v...)
		}, nil
	case *arrow.BinaryType:
		return "bytes", func(dst []byte, a arrow.Array, i int) []byte {
			v := a.(*array.Binary).Value(i)
			return append(binary.AppendVarint(dst, int64(len(v))), v...)
		}, nil
	case *arrow.Decimal128Type:
		l := logical("bytes", "decimal")
		l["precision"], l["scale"] = x.Precision, x.Scale
		return l, func(dst []byte, a arrow.Array, i int) []byte {
			return appendDecimal(dst, a.(*array.Decimal128).Value(i))
		}, nil
	case *arrow.ListType:
		elem, w, err := imageOf(x.Elem())
		if err != nil || x.Elem().ID() == arrow.LIST {
			break
		}
		return map[string]any{"type": "array", "items": []any{"null", elem}}, writeList(w), nil
	}
	return nil, nil, fault.New(BadColumn, "a column of type %s has no image in Avro", schema.TypeName(t)).WithHint("declare a type for the feature")
}

func writeList(elem write) write {
	return func(dst []byte, a arrow.Array, i int) []byte {
		l := a.(*array.List)
		from, to := l.ValueOffsets(i)
		values := l.ListValues()
		if to > from {
			dst = binary.AppendVarint(dst, to-from)
		}
		for k := int(from); k < int(to); k++ {
			if values.IsNull(k) {
				dst = append(dst, 0)
				continue
			}
			dst = elem(append(dst, 2), values, k)
		}
		return append(dst, 0)
	}
}

// appendDecimal writes the fewest bytes that hold the number.
func appendDecimal(dst []byte, v decimal128.Num) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(v.HighBits()))
	binary.BigEndian.PutUint64(b[8:], v.LowBits())
	from := 0
	for from < 15 && (b[from] == 0 && b[from+1] < 0x80 || b[from] == 0xff && b[from+1] >= 0x80) {
		from++
	}
	return append(binary.AppendVarint(dst, int64(16-from)), b[from:]...)
}
