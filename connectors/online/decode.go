package online

import (
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/host/fault"
)

// decode reads a stored value of type t: nil, bool, int64 (times in
// microseconds), float64, string (dates, decimals), []byte or []any.
func decode(t arrow.DataType, v driver.Value) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch t.ID() {
	case arrow.BOOL:
		if n, ok := v.(int64); ok && (n == 0 || n == 1) {
			return n == 1, nil
		}
	case arrow.INT32:
		if n, ok := v.(int64); ok && int64(int32(n)) == n {
			return n, nil
		}
	case arrow.INT64, arrow.TIMESTAMP:
		if n, ok := v.(int64); ok {
			return n, nil
		}
	case arrow.FLOAT32, arrow.FLOAT64:
		if f, ok := v.(float64); ok {
			return f, nil
		}
		if s, ok := v.(string); ok {
			return specialNumber(s)
		}
	case arrow.STRING:
		if s, ok := v.(string); ok {
			return s, nil
		}
	case arrow.BINARY:
		if b, ok := v.([]byte); ok {
			return b, nil
		}
	case arrow.DATE32:
		if s, ok := v.(string); ok {
			_, err := parseDate(s)
			return s, err
		}
	case arrow.DECIMAL128:
		if s, ok := v.(string); ok {
			_, err := parseDecimal(s, t.(*arrow.Decimal128Type))
			return s, err
		}
	case arrow.LIST:
		if s, ok := v.(string); ok {
			return decodeList(t.(*arrow.ListType).Elem(), s)
		}
	}
	return nil, fmt.Errorf("%T %v is no value of type %s", v, v, t)
}

func specialNumber(s string) (any, error) {
	switch s {
	case textNaN:
		return math.NaN(), nil
	case textNegativeZero:
		return math.Copysign(0, -1), nil
	case textInfinity:
		return math.Inf(1), nil
	case textNegInfinity:
		return math.Inf(-1), nil
	}
	return nil, fmt.Errorf("%q is no number", s)
}

// decodeList reads the JSON of a list; elements are as decode gives them.
func decodeList(elem arrow.DataType, text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var raw []any
	if err := d.Decode(&raw); err != nil {
		return nil, fmt.Errorf("%q is no list: %w", text, err)
	}
	out := make([]any, len(raw))
	for i, e := range raw {
		v, err := element(elem, e)
		if err == nil {
			out[i], err = decode(elem, v)
		}
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return out, nil
}

// element turns a JSON value into the SQLite value of the same meaning.
func element(t arrow.DataType, v any) (driver.Value, error) {
	switch x := v.(type) {
	case json.Number:
		if t.ID() == arrow.FLOAT32 || t.ID() == arrow.FLOAT64 {
			bits := 64
			if t.ID() == arrow.FLOAT32 {
				bits = 32 // the text is the shortest that reads back as a float
			}
			return strconv.ParseFloat(x.String(), bits)
		}
		return strconv.ParseInt(x.String(), 10, 64)
	case bool:
		if x {
			return int64(1), nil
		}
		return int64(0), nil
	case string:
		if t.ID() == arrow.BINARY {
			b, err := base64.StdEncoding.DecodeString(x)
			return append([]byte{}, b...), err
		}
	}
	return v, nil
}

// present gives a decoded value as a Vector holds it: times as text.
func present(t arrow.DataType, v any) any {
	switch x := v.(type) {
	case int64:
		if t.ID() == arrow.TIMESTAMP {
			return time.UnixMicro(x).UTC().Format(time.RFC3339Nano)
		}
	case []any:
		elem := t.(*arrow.ListType).Elem()
		for i := range x {
			x[i] = present(elem, x[i])
		}
	}
	return v
}

// appendDecoded appends a decoded value to a builder of its type.
func appendDecoded(b array.Builder, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	switch x := b.(type) {
	case *array.BooleanBuilder:
		x.Append(v.(bool))
	case *array.Int32Builder:
		x.Append(int32(v.(int64)))
	case *array.Int64Builder:
		x.Append(v.(int64))
	case *array.TimestampBuilder:
		x.Append(arrow.Timestamp(v.(int64)))
	case *array.Float32Builder:
		x.Append(float32(v.(float64)))
	case *array.Float64Builder:
		x.Append(v.(float64))
	case *array.StringBuilder:
		x.Append(v.(string))
	case *array.BinaryBuilder:
		x.Append(v.([]byte))
	case *array.Date32Builder:
		d, err := parseDate(v.(string))
		x.Append(d)
		return err
	case *array.Decimal128Builder:
		d, err := parseDecimal(v.(string), x.Type().(*arrow.Decimal128Type))
		x.Append(d)
		return err
	case *array.ListBuilder:
		x.Append(true)
		for _, e := range v.([]any) {
			if err := appendDecoded(x.ValueBuilder(), e); err != nil {
				return err
			}
		}
	default:
		return fault.New(WrongBatch, "a builder of %s reached the online table", b.Type())
	}
	return nil
}

// parseDate reads what dateText writes, for any year; unlike time.Parse it
// takes years of more than four digits and below 0.
func parseDate(s string) (arrow.Date32, error) {
	if len(s) >= len("2006-01-02") {
		y, err1 := strconv.Atoi(s[:len(s)-6])
		m, err2 := strconv.Atoi(s[len(s)-5 : len(s)-3])
		d, err3 := strconv.Atoi(s[len(s)-2:])
		if err1 == nil && err2 == nil && err3 == nil {
			day := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Unix() / 86400
			if date := arrow.Date32(day); int64(date) == day && dateText(date) == s {
				return date, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no date: write it as 2026-01-31", s)
}

// parseDecimal reads a decimal without rounding.
func parseDecimal(s string, t *arrow.Decimal128Type) (decimal128.Num, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	digits := strings.TrimLeft(whole, "+-")
	bad := func() (decimal128.Num, error) {
		return decimal128.Num{}, fmt.Errorf("%q is no decimal(%d,%d)", s, t.Precision, t.Scale)
	}
	if len(whole)-len(digits) > 1 || digits == "" || len(fraction) > int(t.Scale) || strings.ContainsAny(digits+fraction, "+-_") {
		return bad()
	}
	n, ok := new(big.Int).SetString(digits+fraction+strings.Repeat("0", int(t.Scale)-len(fraction)), 10)
	if !ok || n.BitLen() > 127 {
		return bad()
	}
	if whole[0] == '-' {
		n.Neg(n)
	}
	v := decimal128.FromBigInt(n)
	if !v.FitsInPrecision(t.Precision) {
		return bad()
	}
	return v, nil
}
