package cdata

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// Supported refuses (FH-2002) types that may not cross into a plugin; see
// ABI-M-020 for those that may.
func Supported(t arrow.DataType) error {
	fields := abi.MaxColumns
	if err := supported(t, 1, &fields); err != nil {
		return fault.New(badInput, "%v", err).WithHint("cast the column in a stage before, or leave it out")
	}
	return nil
}

func supported(t arrow.DataType, depth int, fields *int) error {
	if depth > abi.MaxDepth {
		return fmt.Errorf("type is nested deeper than %d", abi.MaxDepth)
	}
	if *fields--; *fields < 0 {
		return fmt.Errorf("more than %d columns, fields of nested types included", abi.MaxColumns)
	}
	if _, err := Format(t); err != nil {
		return err
	}
	for _, f := range children(t) {
		if err := supported(f.Type, depth+1, fields); err != nil {
			return err
		}
	}
	return nil
}

func children(t arrow.DataType) []arrow.Field {
	switch x := t.(type) {
	case *arrow.ListType:
		return []arrow.Field{x.ElemField()}
	case *arrow.StructType:
		return x.Fields()
	}
	return nil
}

// plainTypes pairs the types that have no parameters with their names in
// manifests and in C format strings.
func plainTypes() []struct {
	name, format string
	typ          arrow.DataType
} {
	p := arrow.PrimitiveTypes
	return []struct {
		name, format string
		typ          arrow.DataType
	}{
		{"bool", "b", arrow.FixedWidthTypes.Boolean},
		{"int8", "c", p.Int8}, {"int16", "s", p.Int16}, {"int32", "i", p.Int32}, {"int64", "l", p.Int64},
		{"uint8", "C", p.Uint8}, {"uint16", "S", p.Uint16}, {"uint32", "I", p.Uint32}, {"uint64", "L", p.Uint64},
		{"float32", "f", p.Float32}, {"float64", "g", p.Float64},
		{"utf8", "u", arrow.BinaryTypes.String}, {"binary", "z", arrow.BinaryTypes.Binary},
		{"date32", "tdD", arrow.FixedWidthTypes.Date32},
	}
}

const units = "smun" // letters of arrow.Second, Millisecond, Microsecond, Nanosecond in C formats

// Format gives the C format string of a type's top level, or an error that
// names a type that may not cross.
func Format(t arrow.DataType) (string, error) {
	switch x := t.(type) {
	case *arrow.TimestampType:
		return "ts" + units[x.Unit:x.Unit+1] + ":" + x.TimeZone, nil
	case *arrow.Decimal128Type:
		if x.Precision < 1 || x.Precision > 38 || x.Scale < 0 || x.Scale > x.Precision {
			return "", fmt.Errorf("type %s cannot cross into a plugin: a decimal needs 1 <= precision <= 38 and 0 <= scale <= precision", t)
		}
		return fmt.Sprintf("d:%d,%d", x.Precision, x.Scale), nil
	case *arrow.FixedSizeBinaryType:
		if x.ByteWidth < 1 || x.ByteWidth > 1<<20 {
			return "", fmt.Errorf("type %s cannot cross into a plugin: the width must be 1 to 1048576", t)
		}
		return fmt.Sprintf("w:%d", x.ByteWidth), nil
	case *arrow.ListType:
		return "+l", nil
	case *arrow.StructType:
		return "+s", nil
	}
	for _, p := range plainTypes() {
		if t != nil && p.typ.ID() == t.ID() {
			return p.format, nil
		}
	}
	return "", fmt.Errorf("type %v cannot cross into a plugin", t)
}

// ParseFormat gives the type of a C format string and its children.
func ParseFormat(format string, children []arrow.Field) (arrow.DataType, error) {
	want := 0
	var t arrow.DataType
	switch {
	case format == "+s":
		return arrow.StructOf(children...), nil
	case format == "+l":
		want = 1
		if len(children) == 1 {
			t = arrow.ListOfField(children[0])
		}
	case len(format) >= 4 && strings.HasPrefix(format, "ts") && format[3] == ':':
		unit := strings.IndexByte(units, format[2])
		if unit < 0 {
			return nil, fmt.Errorf("format %q is no type of this ABI", format)
		}
		t = &arrow.TimestampType{Unit: arrow.TimeUnit(unit), TimeZone: format[4:]}
	case strings.HasPrefix(format, "d:"):
		ps, ss, ok := strings.Cut(format[2:], ",")
		p, err1 := strconv.ParseUint(ps, 10, 8)
		s, err2 := strconv.ParseUint(ss, 10, 8)
		if !ok || err1 != nil || err2 != nil || p < 1 || p > 38 || s > p {
			return nil, fmt.Errorf("format %q: a decimal is d:p,s with 1 <= p <= 38 and 0 <= s <= p", format)
		}
		t = &arrow.Decimal128Type{Precision: int32(p), Scale: int32(s)}
	case strings.HasPrefix(format, "w:"):
		w, err := strconv.ParseUint(format[2:], 10, 32)
		if err != nil || w < 1 || w > 1<<20 {
			return nil, fmt.Errorf("format %q: a fixed size binary is w:n with 1 <= n <= 1048576", format)
		}
		t = &arrow.FixedSizeBinaryType{ByteWidth: int(w)}
	default:
		for _, p := range plainTypes() {
			if p.format == format {
				t = p.typ
			}
		}
	}
	if len(children) != want {
		return nil, fmt.Errorf("format %q has %d children, expected %d", format, len(children), want)
	}
	if t == nil {
		return nil, fmt.Errorf("format %q is no type of this ABI", format)
	}
	return t, nil
}

// TypeOf gives the Arrow type of a manifest's type name, for example
// "timestamp[us,UTC]" or "list<utf8>". Fields of nested types are nullable.
func TypeOf(manifestType string) (arrow.DataType, error) {
	t, err := abi.ParseType(manifestType)
	if err != nil {
		return nil, err
	}
	return typeOf(t), nil
}

func typeOf(t abi.Type) arrow.DataType {
	fields := make([]arrow.Field, len(t.Fields))
	for i, f := range t.Fields {
		fields[i] = arrow.Field{Name: f.Name, Type: typeOf(f.Type), Nullable: true}
	}
	switch t.Name {
	case "timestamp":
		unit := map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}[t.Unit]
		return &arrow.TimestampType{Unit: unit, TimeZone: t.Zone}
	case "decimal128":
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}
	case "fixed_size_binary":
		return &arrow.FixedSizeBinaryType{ByteWidth: t.Width}
	case "list":
		return arrow.ListOfField(fields[0])
	case "struct":
		return arrow.StructOf(fields...)
	}
	for _, p := range plainTypes() {
		if p.name == t.Name {
			return p.typ
		}
	}
	return nil // not reached: abi.ParseType knows the same names, and a test holds them together
}

// TypeName gives the name that a manifest would use for t, or Arrow's own for
// a type that has none.
func TypeName(t arrow.DataType) string {
	switch x := t.(type) {
	case *arrow.TimestampType:
		u := abi.Type{Name: "timestamp", Unit: x.Unit.String(), Zone: x.TimeZone}
		return u.String()
	case *arrow.Decimal128Type:
		return fmt.Sprintf("decimal128(%d,%d)", x.Precision, x.Scale)
	case *arrow.FixedSizeBinaryType:
		return fmt.Sprintf("fixed_size_binary[%d]", x.ByteWidth)
	case *arrow.ListType:
		return "list<" + TypeName(x.Elem()) + ">"
	case *arrow.StructType:
		parts := make([]string, x.NumFields())
		for i, f := range x.Fields() {
			parts[i] = f.Name + ": " + TypeName(f.Type)
		}
		return "struct<" + strings.Join(parts, ", ") + ">"
	}
	for _, p := range plainTypes() {
		if t != nil && p.typ.ID() == t.ID() {
			return p.name
		}
	}
	return fmt.Sprint(t)
}
