package online

import (
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Texts for numbers that SQLite (the first two) or JSON cannot hold.
const (
	textNaN          = "NaN"
	textNegativeZero = "-0.0"
	textInfinity     = "Infinity"
	textNegInfinity  = "-Infinity"
)

// fill writes rows from..from+n of a column as SQLite values into args, one
// every stride. It works on the whole column, so that the type is looked at
// once. Texts and blobs are borrowed from the column.
func fill(args []driver.NamedValue, stride int, arr arrow.Array, from, n int) error {
	if arr.NullN() == 0 {
		return fillPresent(args, stride, arr, from, n, func(int) bool { return false })
	}
	return fillPresent(args, stride, arr, from, n, arr.IsNull)
}

func fillPresent(args []driver.NamedValue, stride int, arr arrow.Array, from, n int, null func(int) bool) error {
	put := func(value func(i int) driver.Value) {
		for i := range n {
			if null(from + i) {
				args[i*stride].Value = nil
				continue
			}
			args[i*stride].Value = value(from + i)
		}
	}
	switch x := arr.(type) {
	case *array.Boolean:
		put(func(i int) driver.Value {
			if x.Value(i) {
				return int64(1)
			}
			return int64(0)
		})
	case *array.Int32:
		put(func(i int) driver.Value { return int64(x.Value(i)) })
	case *array.Int64:
		put(func(i int) driver.Value { return x.Value(i) })
	case *array.Timestamp:
		put(func(i int) driver.Value { return int64(x.Value(i)) })
	case *array.Float32:
		put(func(i int) driver.Value { return double(float64(x.Value(i))) })
	case *array.Float64:
		put(func(i int) driver.Value { return double(x.Value(i)) })
	case *array.String:
		put(func(i int) driver.Value { return x.Value(i) })
	case *array.Binary:
		put(func(i int) driver.Value {
			if v := x.Value(i); v != nil {
				return v
			}
			return []byte{} // the driver binds a nil slice as null
		})
	case *array.Date32:
		put(func(i int) driver.Value { return staged.DateText(x.Value(i)) })
	case *array.Decimal128:
		scale := x.DataType().(*arrow.Decimal128Type).Scale
		put(func(i int) driver.Value { return x.Value(i).ToString(scale) })
	case *array.List:
		var failed error
		put(func(i int) driver.Value {
			text, err := listText(x, i)
			if err != nil {
				failed = err
			}
			return text
		})
		return failed
	default:
		return fault.New(WrongBatch, "a column of type %s reached the online table", arr.DataType())
	}
	return nil
}

// double keeps what SQLite would lose: NaN becomes null there, -0.0 becomes 0.
func double(f float64) driver.Value {
	switch {
	case f != f:
		return textNaN
	case f == 0 && math.Signbit(f):
		return textNegativeZero
	}
	return f
}

// listText writes a list as JSON, elements as the table would hold them:
// times in microseconds, dates and decimals as text, binary as base64, and
// texts for the numbers that JSON lacks.
func listText(x *array.List, i int) (string, error) {
	from, to := x.ValueOffsets(i)
	dst := []byte{'['}
	var err error
	for e := int(from); e < int(to); e++ {
		if e > int(from) {
			dst = append(dst, ',')
		}
		if dst, err = appendElement(dst, x.ListValues(), e); err != nil {
			return "", err
		}
	}
	return string(append(dst, ']')), nil
}

func appendElement(dst []byte, arr arrow.Array, i int) ([]byte, error) {
	if arr.IsNull(i) {
		return append(dst, "null"...), nil
	}
	switch x := arr.(type) {
	case *array.Boolean:
		return strconv.AppendBool(dst, x.Value(i)), nil
	case *array.Int32:
		return strconv.AppendInt(dst, int64(x.Value(i)), 10), nil
	case *array.Int64:
		return strconv.AppendInt(dst, x.Value(i), 10), nil
	case *array.Timestamp:
		return strconv.AppendInt(dst, int64(x.Value(i)), 10), nil
	case *array.Float32:
		return appendNumber(dst, float64(x.Value(i)), 32), nil
	case *array.Float64:
		return appendNumber(dst, x.Value(i), 64), nil
	case *array.Date32:
		return strconv.AppendQuote(dst, staged.DateText(x.Value(i))), nil
	case *array.Decimal128:
		return strconv.AppendQuote(dst, x.Value(i).ToString(x.DataType().(*arrow.Decimal128Type).Scale)), nil
	case *array.Binary:
		return strconv.AppendQuote(dst, base64.StdEncoding.EncodeToString(x.Value(i))), nil
	case *array.String:
		if s := x.Value(i); !utf8.ValidString(s) {
			return nil, fault.New(BadText, "an element %q of a list is not UTF-8", s)
		}
		text, err := json.Marshal(x.Value(i))
		return append(dst, text...), err
	}
	return nil, fault.New(WrongBatch, "a list of %s reached the online table", arr.DataType())
}

func appendNumber(dst []byte, f float64, bits int) []byte {
	switch {
	case f != f:
		return append(dst, `"`+textNaN+`"`...)
	case math.IsInf(f, 1):
		return append(dst, `"`+textInfinity+`"`...)
	case math.IsInf(f, -1):
		return append(dst, `"`+textNegInfinity+`"`...)
	case f == 0 && math.Signbit(f):
		return append(dst, textNegativeZero...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

// schemaOf is the Arrow schema of columns.
func schemaOf(columns []column) *flow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.name, Type: c.typ, Nullable: true}
	}
	return arrow.NewSchema(fields, nil)
}

// timeOf gives the place of the timestamp among columns.
func timeOf(columns []column) int {
	return slices.IndexFunc(columns, func(c column) bool { return c.role == roleTimestamp })
}
