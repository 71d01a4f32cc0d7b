package avro

import (
	"encoding/base64"
	"strconv"
	"time"

	hamba "github.com/hamba/avro/v2"

	"github.com/featurehost/featurehost/connectors/internal/jsontext"
)

// text appends a value as JSON.
type text func(cur *cursor, dst []byte) []byte

// pair is a type of the reader, and that of the writer which is read as it.
type pair struct{ r, w hamba.Schema }

// text compiles the writing of values of w as r has them, once. A value that r
// does not take is written as w has it: JSON holds it all the same.
func (k *compiler) text(r, w hamba.Schema) text {
	r, w = resolved(r), resolved(w)
	if w.Type() != hamba.Union {
		if r = branch(r, w); r == nil {
			r = w
		}
	}
	made, ok := k.texts[pair{r, w}]
	if !ok {
		if len(k.texts) >= mostPairs {
			k.tooMany = true // Plan fails
			return func(cur *cursor, dst []byte) []byte {
				cur.fail("there are too many pairs of types")
				return dst
			}
		}
		made = new(text) // schemas may hold themselves
		k.texts[pair{r, w}] = made
		*made = k.makeText(r, w)
	}
	return func(cur *cursor, dst []byte) []byte {
		if cur.enter() && cur.holds(len(dst)-cur.from) {
			dst = (*made)(cur, dst)
		}
		cur.leave()
		return dst
	}
}

func (k *compiler) makeText(r, w hamba.Schema) text {
	switch x := w.(type) {
	case *hamba.UnionSchema:
		types := make([]text, len(x.Types()))
		for i, t := range x.Types() {
			types[i] = k.text(r, t)
		}
		return func(cur *cursor, dst []byte) []byte {
			if n := cur.number(len(types), noType); n >= 0 {
				return types[n](cur, dst)
			}
			return dst
		}
	case *hamba.RecordSchema:
		return k.jsonRecord(r.(*hamba.RecordSchema), x)
	case *hamba.ArraySchema:
		return k.jsonArray(r.(*hamba.ArraySchema), x)
	case *hamba.MapSchema:
		return k.jsonMap(r.(*hamba.MapSchema), x)
	}
	return jsonScalar(r, w)
}

// jsonScalar writes a value of w, which fits r.
func jsonScalar(r, w hamba.Schema) text {
	switch r.Type() {
	case hamba.Boolean:
		return func(cur *cursor, dst []byte) []byte { return strconv.AppendBool(dst, cur.bool()) }
	case hamba.Int:
		if logical(r) == hamba.Date {
			return func(cur *cursor, dst []byte) []byte {
				day := time.Unix(int64(cur.int())*86400, 0).UTC()
				return append(day.AppendFormat(append(dst, '"'), time.DateOnly), '"')
			}
		}
		return jsonInteger(w)
	case hamba.Long:
		if isInstant(logical(r)) {
			return jsonInstant(r, w)
		}
		return jsonInteger(w)
	case hamba.Float:
		number := numbers(w, 32)
		return func(cur *cursor, dst []byte) []byte { return jsontext.AppendFloat(dst, number(cur), 32) }
	case hamba.Double:
		number := numbers(w, 64)
		return func(cur *cursor, dst []byte) []byte { return jsontext.AppendFloat(dst, number(cur), 64) }
	case hamba.String, hamba.Enum:
		take := characters(r, w)
		return func(cur *cursor, dst []byte) []byte { return jsontext.AppendQuoted(dst, take(cur)) }
	case hamba.Bytes, hamba.Fixed:
		take := bytesOf(w)
		if d := decimal(r); d != nil {
			return jsonDecimal(d, w, take)
		}
		return func(cur *cursor, dst []byte) []byte {
			return append(base64.StdEncoding.AppendEncode(append(dst, '"'), take(cur)), '"')
		}
	}
	return func(_ *cursor, dst []byte) []byte { return append(dst, "null"...) }
}

func jsonInteger(w hamba.Schema) text {
	whole := integers(w)
	return func(cur *cursor, dst []byte) []byte { return strconv.AppendInt(dst, whole(cur), 10) }
}

func jsonInstant(r, w hamba.Schema) text {
	whole, at := integers(w), time.UnixMicro
	if inMillis(r, w) {
		at = time.UnixMilli
	}
	layout := "2006-01-02T15:04:05.999999Z07:00"
	if l := logical(r); l == hamba.LocalTimestampMillis || l == hamba.LocalTimestampMicros {
		layout = "2006-01-02T15:04:05.999999"
	}
	return func(cur *cursor, dst []byte) []byte {
		return append(at(whole(cur)).UTC().AppendFormat(append(dst, '"'), layout), '"')
	}
}

// jsonDecimal writes a number with the places that it was written with.
func jsonDecimal(d *hamba.DecimalLogicalSchema, w hamba.Schema, take take) text {
	if written := decimal(w); written != nil {
		d = written
	}
	if d.Scale() > mostDigits {
		return func(cur *cursor, dst []byte) []byte {
			cur.fail("a decimal has more than 38 decimal places")
			return dst
		}
	}
	return func(cur *cursor, dst []byte) []byte {
		v, ok := decimalOf(take(cur), mostDigits)
		if !ok {
			cur.fail("a decimal has more than 38 digits")
			return dst
		}
		return append(dst, v.ToString(int32(d.Scale()))...)
	}
}

func (k *compiler) jsonArray(r, w *hamba.ArraySchema) text {
	elem, least := k.text(r.Items(), w.Items()), k.leastBytes(w.Items())
	return func(cur *cursor, dst []byte) []byte {
		dst = append(dst, '[')
		first := true
		cur.blocks(least, func() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = elem(cur, dst)
		})
		return append(dst, ']')
	}
}

func (k *compiler) jsonMap(r, w *hamba.MapSchema) text {
	elem := k.text(r.Values(), w.Values())
	return func(cur *cursor, dst []byte) []byte {
		dst = append(dst, '{')
		first := true
		cur.blocks(1, func() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			name := characterBytes(cur)
			dst = elem(cur, append(jsontext.AppendQuoted(dst, name), ':'))
		})
		return append(dst, '}')
	}
}
