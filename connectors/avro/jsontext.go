package avro

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	hamba "github.com/hamba/avro/v2"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// text appends a value as JSON.
type text func(cur *cursor, dst []byte, depth int) []byte

// deepest is how deep values may be nested: what the reader of JSON texts takes
// is deeper.
const deepest = 200

// jsonText compiles the writing of values of s as JSON text. Schemas may hold
// themselves, so what is below a record is compiled when it is first met.
func jsonText(s hamba.Schema) text {
	s = resolved(s)
	logical := hamba.LogicalSchema(nil)
	if l, ok := s.(hamba.LogicalTypeSchema); ok {
		logical = l.Logical()
	}
	switch x := s.(type) {
	case *hamba.RecordSchema:
		return jsonRecord(x)
	case *hamba.UnionSchema:
		return jsonUnion(x)
	case *hamba.ArraySchema:
		return jsonArray(x)
	case *hamba.MapSchema:
		return jsonMap(x)
	case *hamba.EnumSchema:
		symbols := x.Symbols()
		return func(cur *cursor, dst []byte, _ int) []byte {
			n := cur.long()
			if n < 0 || n >= int64(len(symbols)) {
				cur.fail("an enum has no symbol of the number given")
				return dst
			}
			return appendQuoted(dst, symbols[n])
		}
	case *hamba.FixedSchema:
		return jsonBytes(logical, func(cur *cursor) []byte { return cur.take(x.Size()) })
	case *hamba.PrimitiveSchema:
		return jsonPrimitive(x, logical)
	}
	return func(_ *cursor, dst []byte, _ int) []byte { return append(dst, "null"...) }
}

func jsonPrimitive(x *hamba.PrimitiveSchema, logical hamba.LogicalSchema) text {
	switch x.Type() {
	case hamba.Boolean:
		return func(cur *cursor, dst []byte, _ int) []byte { return strconv.AppendBool(dst, cur.bool()) }
	case hamba.Int:
		if logical != nil && logical.Type() == hamba.Date {
			return func(cur *cursor, dst []byte, _ int) []byte {
				return appendQuoted(dst, time.Unix(int64(cur.int())*86400, 0).UTC().Format("2006-01-02"))
			}
		}
		return func(cur *cursor, dst []byte, _ int) []byte { return strconv.AppendInt(dst, int64(cur.int()), 10) }
	case hamba.Long:
		return jsonLong(logical)
	case hamba.Float:
		return func(cur *cursor, dst []byte, _ int) []byte { return appendFloat(dst, float64(cur.float()), 32) }
	case hamba.Double:
		return func(cur *cursor, dst []byte, _ int) []byte { return appendFloat(dst, cur.double(), 64) }
	case hamba.Bytes:
		return jsonBytes(logical, (*cursor).bytes)
	}
	return func(cur *cursor, dst []byte, _ int) []byte {
		b := cur.bytes()
		if !utf8.Valid(b) {
			cur.fail("a text is not UTF-8")
			return dst
		}
		return appendQuoted(dst, string(b))
	}
}

func jsonLong(logical hamba.LogicalSchema) text {
	var at func(int64) time.Time
	if logical != nil {
		switch logical.Type() {
		case hamba.TimestampMillis, hamba.LocalTimestampMillis:
			at = time.UnixMilli
		case hamba.TimestampMicros, hamba.LocalTimestampMicros:
			at = time.UnixMicro
		}
	}
	if at == nil {
		return func(cur *cursor, dst []byte, _ int) []byte { return strconv.AppendInt(dst, cur.long(), 10) }
	}
	layout := "2006-01-02T15:04:05.999999Z07:00"
	if t := logical.Type(); t == hamba.LocalTimestampMillis || t == hamba.LocalTimestampMicros {
		layout = "2006-01-02T15:04:05.999999"
	}
	return func(cur *cursor, dst []byte, _ int) []byte {
		return appendQuoted(dst, at(cur.long()).UTC().Format(layout))
	}
}

// jsonBytes writes a decimal as a number, other bytes as base64.
func jsonBytes(logical hamba.LogicalSchema, take func(*cursor) []byte) text {
	if d, ok := logical.(*hamba.DecimalLogicalSchema); ok {
		return func(cur *cursor, dst []byte, _ int) []byte {
			v, ok := decimalOf(take(cur), 38)
			if !ok {
				cur.fail("a decimal has more than 38 digits")
				return dst
			}
			return append(dst, decimalText(v, int32(d.Scale()))...)
		}
	}
	return func(cur *cursor, dst []byte, _ int) []byte {
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), take(cur)), '"')
	}
}

func decimalText(v decimal128.Num, scale int32) string { return v.ToString(scale) }

// deeper compiles a schema when it is first needed, and watches the depth.
func deeper(s hamba.Schema) text {
	var made text
	return func(cur *cursor, dst []byte, depth int) []byte {
		if depth >= deepest {
			cur.fail("values are nested too deep")
			return dst
		}
		if made == nil {
			made = jsonText(s)
		}
		return made(cur, dst, depth+1)
	}
}

func jsonRecord(x *hamba.RecordSchema) text {
	names, values := make([][]byte, len(x.Fields())), make([]text, len(x.Fields()))
	for i, f := range x.Fields() {
		names[i] = append(appendQuoted(nil, f.Name()), ':')
		values[i] = deeper(f.Type())
	}
	return func(cur *cursor, dst []byte, depth int) []byte {
		dst = append(dst, '{')
		for i, v := range values {
			if cur.bad != "" {
				return dst
			}
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v(cur, append(dst, names[i]...), depth)
		}
		return append(dst, '}')
	}
}

func jsonUnion(x *hamba.UnionSchema) text {
	types := make([]text, len(x.Types()))
	for i, t := range x.Types() {
		types[i] = deeper(t)
	}
	return func(cur *cursor, dst []byte, depth int) []byte {
		n := cur.long()
		if n < 0 || n >= int64(len(types)) {
			cur.fail("a union has no type of the number given")
			return dst
		}
		return types[n](cur, dst, depth)
	}
}

func jsonArray(x *hamba.ArraySchema) text {
	elem, least := deeper(x.Items()), leastBytes(x.Items(), 0)
	return func(cur *cursor, dst []byte, depth int) []byte {
		dst = append(dst, '[')
		first := true
		cur.blocks(least, func() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = elem(cur, dst, depth)
		})
		return append(dst, ']')
	}
}

func jsonMap(x *hamba.MapSchema) text {
	elem := deeper(x.Values())
	return func(cur *cursor, dst []byte, depth int) []byte {
		dst = append(dst, '{')
		first := true
		cur.blocks(1, func() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			name := cur.bytes()
			if !utf8.Valid(name) {
				cur.fail("a text is not UTF-8")
				return
			}
			dst = elem(cur, append(appendQuoted(dst, string(name)), ':'), depth)
		})
		return append(dst, '}')
	}
}

// appendFloat writes a number with the fewest digits that read back; what JSON
// lacks is text, as S-409 writes it.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case f != f:
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

const hexDigits = "0123456789abcdef"

// appendQuoted writes UTF-8 text as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
