package table

import (
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// appendValue appends a value of a partition column to a builder of its type.
func appendValue(b array.Builder, c arrow.Field, text *string) error {
	if text == nil {
		b.AppendNull()
		return nil
	}
	v, ok := *text, true
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(v)
	case *array.Int32Builder:
		n, err := strconv.ParseInt(v, 10, 32)
		b.Append(int32(n))
		ok = err == nil
	case *array.Int64Builder:
		n, err := strconv.ParseInt(v, 10, 64)
		b.Append(n)
		ok = err == nil
	case *array.Float32Builder:
		n, err := strconv.ParseFloat(v, 32)
		b.Append(float32(n))
		ok = err == nil
	case *array.Float64Builder:
		n, err := strconv.ParseFloat(v, 64)
		b.Append(n)
		ok = err == nil
	case *array.BooleanBuilder:
		b.Append(strings.EqualFold(v, "true"))
		ok = strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
	case *array.Date32Builder:
		t, err := time.Parse("2006-01-02", v)
		b.Append(arrow.Date32FromTime(t))
		ok = err == nil
	case *array.TimestampBuilder:
		t, err := time.Parse("2006-01-02 15:04:05", v)
		if err != nil {
			t, err = time.Parse("2006-01-02", v)
		}
		b.Append(arrow.Timestamp(t.UnixMicro()))
		ok = err == nil
	case *array.Decimal128Builder:
		// Arrow also takes infinity, at which it panics, and exponents.
		if ok = strings.Trim(v, "+-.0123456789") == ""; ok {
			d := c.Type.(*arrow.Decimal128Type)
			n, err := decimal128.FromString(v, d.Precision, d.Scale)
			b.Append(n)
			ok = err == nil
		}
	default:
		return fault.New(TypeNotReadable, "partition column %q is of type %s, which cannot be read", c.Name, schema.TypeName(c.Type))
	}
	if !ok {
		return fault.New(BadPartition, "%q is no %s, as column %q is", v, schema.TypeName(c.Type), c.Name)
	}
	return nil
}

// constant gives n times the value of a partition column.
func constant(c arrow.Field, text *string, n int) (arrow.Array, error) {
	if text == nil {
		return array.MakeArrayOfNull(memory.DefaultAllocator, c.Type, n), nil
	}
	b := array.NewBuilder(memory.DefaultAllocator, c.Type)
	defer b.Release()
	b.Reserve(n)
	for range n {
		if err := appendValue(b, c, text); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}
