package server2

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	hs "github.com/beltran/gohive/hiveserver"

	"github.com/featurehost/featurehost/abi/schema"
)

// column is a column of a result as the server sends it.
type column struct {
	name  string
	typ   hs.TTypeId
	arrow arrow.DataType
}

// columnsOf reads the description of a result.
func columnsOf(s *hs.TTableSchema) (*arrow.Schema, []column, error) {
	var fields []arrow.Field
	var out []column
	seen := map[string]bool{}
	if s == nil { // the generated getters take no nil
		s = &hs.TTableSchema{}
	}
	for _, d := range s.Columns {
		name := d.ColumnName
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			name = name[i+1:] // of its table
		}
		if seen[name] {
			return nil, nil, badResult("two columns of the result have the name %q", name).WithHint("name them apart with AS")
		}
		seen[name] = true
		if d.TypeDesc == nil || len(d.TypeDesc.Types) == 0 || d.TypeDesc.Types[0].PrimitiveEntry == nil {
			return nil, nil, badResult("the type of column %q is not told", name)
		}
		entry := d.TypeDesc.Types[0].PrimitiveEntry
		t, ok := arrowOf(entry)
		if !ok {
			return nil, nil, badResult("column %q is of type %s, which cannot be read", name, entry.Type).WithHint("cast it in the statement")
		}
		out = append(out, column{name, entry.Type, t})
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	if len(fields) == 0 {
		return nil, nil, badResult("the statement gives no columns").WithHint("a SELECT is needed")
	}
	return arrow.NewSchema(fields, nil), out, nil
}

// arrowOf is the type of a column here. Lists, maps and structs come as texts.
func arrowOf(e *hs.TPrimitiveTypeEntry) (arrow.DataType, bool) {
	switch e.Type {
	case hs.TTypeId_BOOLEAN_TYPE:
		return arrow.FixedWidthTypes.Boolean, true
	case hs.TTypeId_TINYINT_TYPE, hs.TTypeId_SMALLINT_TYPE, hs.TTypeId_INT_TYPE:
		return arrow.PrimitiveTypes.Int32, true
	case hs.TTypeId_BIGINT_TYPE:
		return arrow.PrimitiveTypes.Int64, true
	case hs.TTypeId_FLOAT_TYPE:
		return arrow.PrimitiveTypes.Float32, true
	case hs.TTypeId_DOUBLE_TYPE:
		return arrow.PrimitiveTypes.Float64, true
	case hs.TTypeId_STRING_TYPE, hs.TTypeId_VARCHAR_TYPE, hs.TTypeId_CHAR_TYPE, hs.TTypeId_NULL_TYPE,
		hs.TTypeId_ARRAY_TYPE, hs.TTypeId_MAP_TYPE, hs.TTypeId_STRUCT_TYPE:
		return arrow.BinaryTypes.String, true
	case hs.TTypeId_TIMESTAMP_TYPE, hs.TTypeId_TIMESTAMPLOCALTZ_TYPE:
		return schema.Timestamp(), true
	case hs.TTypeId_DATE_TYPE:
		return arrow.FixedWidthTypes.Date32, true
	case hs.TTypeId_BINARY_TYPE:
		return arrow.BinaryTypes.Binary, true
	case hs.TTypeId_DECIMAL_TYPE:
		d := &arrow.Decimal128Type{Precision: 10}
		var q map[string]*hs.TTypeQualifierValue
		if e.TypeQualifiers != nil {
			q = e.TypeQualifiers.Qualifiers
		}
		if p := q["precision"]; p != nil && p.I32Value != nil {
			d.Precision = *p.I32Value
		}
		if s := q["scale"]; s != nil && s.I32Value != nil {
			d.Scale = *s.I32Value
		}
		return d, d.Precision >= 1 && d.Precision <= 38 && d.Scale >= 0 && d.Scale <= d.Precision
	}
	return nil, false
}

// batch makes a batch of the columns of an answer.
func (r *Result) batch(in []*hs.TColumn) (arrow.RecordBatch, error) {
	if len(in) != len(r.columns) {
		return nil, badResult("an answer has %d columns, and %d were told", len(in), len(r.columns))
	}
	arrays := make([]arrow.Array, 0, len(in))
	defer func() {
		for _, a := range arrays {
			a.Release()
		}
	}()
	for i, c := range r.columns {
		a, err := c.values(in[i])
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, a)
		if a.Len() != arrays[0].Len() {
			return nil, badResult("column %q has %d values, and column %q %d", c.name, a.Len(), r.columns[0].name, arrays[0].Len())
		}
	}
	return array.NewRecordBatch(r.schema, arrays, int64(arrays[0].Len())), nil
}

// values makes the array of a column.
func (c column) values(in *hs.TColumn) (arrow.Array, error) {
	mem := memory.DefaultAllocator
	switch {
	case in.BoolVal != nil && c.arrow.ID() == arrow.BOOL:
		b := array.NewBooleanBuilder(mem)
		return fill(b, in.BoolVal.Values, in.BoolVal.Nulls, b.Append)
	case in.ByteVal != nil && c.arrow.ID() == arrow.INT32:
		b := array.NewInt32Builder(mem)
		return fill(b, in.ByteVal.Values, in.ByteVal.Nulls, func(v int8) { b.Append(int32(v)) })
	case in.I16Val != nil && c.arrow.ID() == arrow.INT32:
		b := array.NewInt32Builder(mem)
		return fill(b, in.I16Val.Values, in.I16Val.Nulls, func(v int16) { b.Append(int32(v)) })
	case in.I32Val != nil && c.arrow.ID() == arrow.INT32:
		b := array.NewInt32Builder(mem)
		return fill(b, in.I32Val.Values, in.I32Val.Nulls, b.Append)
	case in.I64Val != nil && c.arrow.ID() == arrow.INT64:
		b := array.NewInt64Builder(mem)
		return fill(b, in.I64Val.Values, in.I64Val.Nulls, b.Append)
	case in.DoubleVal != nil && c.arrow.ID() == arrow.FLOAT32:
		b := array.NewFloat32Builder(mem)
		return fill(b, in.DoubleVal.Values, in.DoubleVal.Nulls, func(v float64) { b.Append(float32(v)) })
	case in.DoubleVal != nil && c.arrow.ID() == arrow.FLOAT64:
		b := array.NewFloat64Builder(mem)
		return fill(b, in.DoubleVal.Values, in.DoubleVal.Nulls, b.Append)
	case in.BinaryVal != nil && c.arrow.ID() == arrow.BINARY:
		b := array.NewBinaryBuilder(mem, arrow.BinaryTypes.Binary)
		return fill(b, in.BinaryVal.Values, in.BinaryVal.Nulls, b.Append)
	case in.StringVal != nil:
		return c.texts(in.StringVal)
	}
	return nil, badResult("column %q is said to be of type %s, and its values are not", c.name, c.typ)
}

// fill appends values; a bit of nulls takes its value away.
func fill[T any](b array.Builder, values []T, nulls []byte, one func(T)) (arrow.Array, error) {
	defer b.Release()
	b.Reserve(len(values))
	for i, v := range values {
		if i/8 < len(nulls) && nulls[i/8]&(1<<(i%8)) != 0 {
			b.AppendNull()
		} else {
			one(v)
		}
	}
	return b.NewArray(), nil
}

// texts makes the array of a column whose values come as texts.
func (c column) texts(in *hs.TStringColumn) (arrow.Array, error) {
	var bad error
	wrong := func(v string) {
		if bad == nil {
			bad = badResult("column %q: %q is no %s", c.name, v, schema.TypeName(c.arrow))
		}
	}
	b := array.NewBuilder(memory.DefaultAllocator, c.arrow)
	var one func(string)
	switch b := b.(type) {
	case *array.StringBuilder:
		one = func(v string) {
			if !utf8.ValidString(v) {
				wrong(v)
			}
			b.Append(v)
		}
	case *array.TimestampBuilder:
		one = func(v string) {
			us, ok := micros(v)
			if !ok {
				wrong(v)
			}
			b.Append(arrow.Timestamp(us))
		}
	case *array.Date32Builder:
		one = func(v string) {
			t, err := time.Parse("2006-01-02", v)
			if err != nil {
				wrong(v)
			}
			b.Append(arrow.Date32FromTime(t))
		}
	case *array.Decimal128Builder:
		d := c.arrow.(*arrow.Decimal128Type)
		one = func(v string) {
			n, ok := decimal(v, d)
			if !ok {
				wrong(v)
			}
			b.Append(n)
		}
	default:
		b.Release()
		return nil, badResult("column %q is said to be of type %s, and its values are texts", c.name, c.typ)
	}
	a, err := fill(b, in.Values, in.Nulls, one)
	if bad != nil {
		a.Release()
		return nil, bad
	}
	return a, err
}

// micros reads 2024-01-31 23:59:59.999999, with the name of a zone behind it or
// in UTC.
func micros(v string) (int64, bool) {
	if len(v) < 19 {
		return 0, false
	}
	zone := time.UTC
	if i := strings.IndexByte(v[19:], ' '); i >= 0 {
		var err error
		if zone, err = time.LoadLocation(v[19+i+1:]); err != nil {
			return 0, false
		}
		v = v[:19+i]
	}
	t, err := time.ParseInLocation("2006-01-02 15:04:05", v, zone)
	return t.UnixMicro(), err == nil
}

// decimal reads a plain number whose digits fit the type.
func decimal(v string, t *arrow.Decimal128Type) (n decimal128.Num, ok bool) {
	digits := strings.TrimPrefix(v, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if int32(len(fraction)) > t.Scale || whole+fraction == "" {
		return n, false
	}
	all := strings.TrimLeft(whole+fraction+strings.Repeat("0", int(t.Scale)-len(fraction)), "0")
	if int32(len(all)) > t.Precision {
		return n, false
	}
	ten := decimal128.FromI64(10)
	for i := range len(all) {
		if all[i] < '0' || all[i] > '9' {
			return n, false
		}
		n = n.Mul(ten).Add(decimal128.FromI64(int64(all[i] - '0')))
	}
	if digits != v {
		n = n.Negate()
	}
	return n, true
}
