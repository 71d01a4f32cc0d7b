package schema

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// Timestamp is the type of every event time: microseconds in UTC.
func Timestamp() arrow.DataType {
	return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
}

// scalars lists the names users may write, the canonical one first per type.
func scalars() []struct {
	names []string
	typ   arrow.DataType
} {
	return []struct {
		names []string
		typ   arrow.DataType
	}{
		{[]string{"timestamp"}, Timestamp()},
		{[]string{"timestamp_ntz"}, &arrow.TimestampType{Unit: arrow.Microsecond}},
		{[]string{"date"}, arrow.FixedWidthTypes.Date32},
		{[]string{"boolean", "bool"}, arrow.FixedWidthTypes.Boolean},
		{[]string{"integer", "int"}, arrow.PrimitiveTypes.Int32},
		{[]string{"bigint", "long"}, arrow.PrimitiveTypes.Int64},
		{[]string{"float"}, arrow.PrimitiveTypes.Float32},
		{[]string{"double"}, arrow.PrimitiveTypes.Float64},
		{[]string{"string", "text"}, arrow.BinaryTypes.String},
		{[]string{"binary"}, arrow.BinaryTypes.Binary},
	}
}

// Names lists the type names a user may write, canonical names first.
func Names() []string {
	var out, aliases []string
	for _, s := range scalars() {
		out = append(out, s.names[0])
		aliases = append(aliases, s.names[1:]...)
	}
	return append(append(out, "decimal", "array", "struct"), aliases...)
}

// TypeName gives the name a user would write for t; types that have none are
// given as Arrow prints them.
func TypeName(t arrow.DataType) string {
	switch x := t.(type) {
	case *arrow.Decimal128Type:
		return fmt.Sprintf("decimal(%d,%d)", x.Precision, x.Scale)
	case *arrow.ListType:
		return "array<" + TypeName(x.Elem()) + ">"
	case *arrow.StructType:
		fields := make([]string, x.NumFields())
		for i, f := range x.Fields() {
			fields[i] = fieldName(f.Name) + ": " + TypeName(f.Type)
		}
		return "struct<" + strings.Join(fields, ", ") + ">"
	}
	for _, s := range scalars() {
		if arrow.TypeEqual(s.typ, t) {
			return s.names[0]
		}
	}
	return t.String()
}
