package staged

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// Storable tells whether a type is one of features: a scalar or a list of them.
func Storable(t arrow.DataType) bool {
	parsed, err := schema.ParseType(schema.TypeName(t))
	if err != nil {
		return false
	}
	if list, ok := parsed.(*arrow.ListType); ok {
		parsed = list.Elem()
	}
	return !arrow.IsNested(parsed.ID())
}

// Present gives a value as a Vector holds it: times, which are microseconds
// here, as text.
func Present(t arrow.DataType, v any) any {
	switch x := v.(type) {
	case int64:
		if t.ID() == arrow.TIMESTAMP {
			return time.UnixMicro(x).UTC().Format(time.RFC3339Nano)
		}
	case []any:
		elem := t.(*arrow.ListType).Elem()
		for i := range x {
			x[i] = Present(elem, x[i])
		}
	}
	return v
}

// Append appends a value to a builder of its type: nil, bool, int64 (times in
// microseconds), float64, string (dates, decimals), []byte or []any.
func Append(b array.Builder, v any) error {
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
		d, err := ParseDate(v.(string))
		x.Append(d)
		return err
	case *array.Decimal128Builder:
		d, err := ParseDecimal(v.(string), x.Type().(*arrow.Decimal128Type))
		x.Append(d)
		return err
	case *array.ListBuilder:
		x.Append(true)
		for _, e := range v.([]any) {
			if err := Append(x.ValueBuilder(), e); err != nil {
				return err
			}
		}
	default:
		return fault.New(WrongBatch, "a builder of %s reached an online store", b.Type())
	}
	return nil
}

// ParseKey reads the text of a key value of type t, in the form Append takes.
func ParseKey(t arrow.DataType, s string) (any, error) {
	bad := func(example string) error {
		return fmt.Errorf("%q is no %s: write it as %s", s, schema.TypeName(t), example)
	}
	switch x := t.(type) {
	case *arrow.BooleanType:
		switch s {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, bad("true or false")
	case *arrow.Int32Type, *arrow.Int64Type:
		bits := 64
		if t.ID() == arrow.INT32 {
			bits = 32
		}
		n, err := strconv.ParseInt(s, 10, bits)
		if err != nil {
			return nil, bad("17")
		}
		return n, nil
	case *arrow.Float32Type, *arrow.Float64Type:
		bits := 64
		if t.ID() == arrow.FLOAT32 {
			bits = 32
		}
		f, err := strconv.ParseFloat(s, bits)
		if err != nil {
			return nil, bad("1.5")
		}
		return f, nil
	case *arrow.StringType:
		return s, nil
	case *arrow.BinaryType:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, bad("base64")
		}
		return b, nil
	case *arrow.Date32Type:
		if _, err := ParseDate(s); err != nil {
			return nil, bad("2026-01-31")
		}
		return s, nil
	case *arrow.Decimal128Type:
		if _, err := ParseDecimal(s, x); err != nil {
			return nil, bad("1.25, without more digits than the type has")
		}
		return s, nil
	case *arrow.TimestampType:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
			if v, err := time.Parse(layout, s); err == nil && v.Nanosecond()%1000 == 0 {
				return v.UnixMicro(), nil
			}
		}
		return nil, bad("2026-01-31T10:00:00Z, to the microsecond")
	}
	return nil, fmt.Errorf("a key of type %s cannot be asked for by text", schema.TypeName(t))
}

// ParseDate reads what DateText writes, for any year; unlike time.Parse it
// takes years of more than four digits and below 0.
func ParseDate(s string) (arrow.Date32, error) {
	if len(s) >= len("2006-01-02") {
		y, err1 := strconv.Atoi(s[:len(s)-6])
		m, err2 := strconv.Atoi(s[len(s)-5 : len(s)-3])
		d, err3 := strconv.Atoi(s[len(s)-2:])
		if err1 == nil && err2 == nil && err3 == nil {
			day := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Unix() / 86400
			if date := arrow.Date32(day); int64(date) == day && DateText(date) == s {
				return date, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no date: write it as 2026-01-31", s)
}

// ParseDecimal reads a decimal without rounding.
func ParseDecimal(s string, t *arrow.Decimal128Type) (decimal128.Num, error) {
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

// DateText writes a date; years beyond 9999 get more digits.
func DateText(d arrow.Date32) string {
	return time.Unix(int64(d)*86400, 0).UTC().Format("2006-01-02")
}
