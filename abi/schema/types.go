package schema

import (
	"fmt"
	"strconv"
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
	return append(append(out, "decimal", "array"), aliases...)
}

// ParseType reads a type as users write it: a scalar, decimal(p,s), or
// array<scalar>. Case and surrounding space do not matter.
func ParseType(s string) (arrow.DataType, error) {
	t := strings.ToLower(strings.TrimSpace(s))
	if inner, ok := strings.CutPrefix(t, "array<"); ok && strings.HasSuffix(inner, ">") {
		elem, err := ParseType(strings.TrimSuffix(inner, ">"))
		if err != nil {
			return nil, err
		}
		if elem.ID() == arrow.LIST {
			return nil, fmt.Errorf("type %q: an array of arrays is not supported", s)
		}
		return arrow.ListOf(elem), nil
	}
	if t == "decimal" {
		return &arrow.Decimal128Type{Precision: 10, Scale: 0}, nil
	}
	if inner, ok := strings.CutPrefix(t, "decimal("); ok && strings.HasSuffix(inner, ")") {
		return parseDecimal(s, strings.TrimSuffix(inner, ")"))
	}
	for _, sc := range scalars() {
		for _, n := range sc.names {
			if n == t {
				return sc.typ, nil
			}
		}
	}
	return nil, fmt.Errorf("unknown type %q", s)
}

func parseDecimal(whole, args string) (arrow.DataType, error) {
	ps, ss, found := strings.Cut(args, ",")
	p, err := strconv.Atoi(strings.TrimSpace(ps))
	scale := 0
	if err == nil && found {
		scale, err = strconv.Atoi(strings.TrimSpace(ss))
	}
	if err != nil || p < 1 || p > 38 || scale < 0 || scale > p {
		return nil, fmt.Errorf("type %q: write decimal(p,s) with 1 <= p <= 38 and 0 <= s <= p", whole)
	}
	return &arrow.Decimal128Type{Precision: int32(p), Scale: int32(scale)}, nil
}

// TypeName gives the name a user would write for t; types that have none are
// given as Arrow prints them.
func TypeName(t arrow.DataType) string {
	switch x := t.(type) {
	case *arrow.Decimal128Type:
		return fmt.Sprintf("decimal(%d,%d)", x.Precision, x.Scale)
	case *arrow.ListType:
		return "array<" + TypeName(x.Elem()) + ">"
	}
	for _, s := range scalars() {
		if arrow.TypeEqual(s.typ, t) {
			return s.names[0]
		}
	}
	return t.String()
}

// Parse reads "id bigint, ts timestamp, tags array<string>" into a schema of
// nullable columns.
func Parse(s string) (*arrow.Schema, error) {
	var fields []arrow.Field
	for _, part := range splitTop(s) {
		name, typ, ok := strings.Cut(strings.TrimSpace(part), " ")
		if !ok {
			return nil, fmt.Errorf("column %q: write name and type", part)
		}
		t, err := ParseType(typ)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	return arrow.NewSchema(fields, nil), nil
}

// splitTop cuts at commas outside parentheses.
func splitTop(s string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range s {
		switch r {
		case '(', '<':
			depth++
		case ')', '>':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, s[from:i])
				from = i + 1
			}
		}
	}
	return append(out, s[from:])
}
