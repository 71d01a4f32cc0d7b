package abi

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Caps on what may cross the border.
const (
	MaxDepth   = 8    // of nested types; a plain column has depth 1
	MaxColumns = 4096 // of a batch, fields of nested types included
	MaxName    = 255  // bytes of a column name
)

// Type is a column type as manifests write it (ABI-M-020): "int64",
// "timestamp[us,UTC]", "decimal128(10,2)", "fixed_size_binary[16]",
// "list<utf8>", "struct<lat: float64, lng: float64>".
type Type struct {
	Name             string // the word before any bracket
	Unit, Zone       string // timestamp
	Precision, Scale int    // decimal128
	Width            int    // fixed_size_binary
	Fields           []TypeField
}

// TypeField is a child of a list (named "item") or a struct. It may hold nulls.
type TypeField struct {
	Name string
	Type Type
}

// AnyType stands in an input column for whatever type the column has.
const AnyType = "any"

// TypeNames lists the words that types begin with.
func TypeNames() []string {
	return []string{"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
		"float32", "float64", "utf8", "binary", "date32",
		"timestamp", "decimal128", "fixed_size_binary", "list", "struct"}
}

// ParseType reads a type as manifests write it.
func ParseType(s string) (Type, error) {
	fields := MaxColumns
	return parseType(s, 1, &fields)
}

func parseType(s string, depth int, fields *int) (Type, error) {
	s = strings.Trim(s, " ")
	if depth > MaxDepth {
		return Type{}, fmt.Errorf("type is nested deeper than %d", MaxDepth)
	}
	if *fields--; *fields < 0 {
		return Type{}, fmt.Errorf("type has more than %d fields", MaxColumns)
	}
	name, args := s, ""
	if i := strings.IndexAny(s, "[(<"); i >= 0 {
		name, args = s[:i], s[i:]
	}
	t := Type{Name: name}
	switch name {
	case "timestamp":
		return parseTimestamp(s, args)
	case "decimal128":
		inner, ok := inside(args, '(', ')')
		ps, ss, both := strings.Cut(inner, ",")
		p, err1 := parseDigits(strings.Trim(ps, " "))
		sc, err2 := parseDigits(strings.Trim(ss, " "))
		if !ok || !both || err1 != nil || err2 != nil || p < 1 || p > 38 || sc > p {
			return Type{}, fmt.Errorf("type %q: write decimal128(p,s) with 1 <= p <= 38 and 0 <= s <= p", s)
		}
		t.Precision, t.Scale = p, sc
		return t, nil
	case "fixed_size_binary":
		inner, ok := inside(args, '[', ']')
		w, err := strconv.Atoi(inner)
		if !ok || err != nil || w < 1 || w > 1<<20 || inner[0] == '+' {
			return Type{}, fmt.Errorf("type %q: write fixed_size_binary[w] with a width of 1 to 1048576 bytes", s)
		}
		t.Width = w
		return t, nil
	case "list":
		inner, ok := inside(args, '<', '>')
		if !ok {
			return Type{}, fmt.Errorf("type %q: write list<type>", s)
		}
		item, err := parseType(inner, depth+1, fields)
		if err != nil {
			return Type{}, err
		}
		t.Fields = []TypeField{{"item", item}}
		return t, nil
	case "struct":
		return parseStruct(s, args, depth, fields)
	}
	if args == "" {
		for _, n := range TypeNames() {
			if n == name {
				return t, nil
			}
		}
	}
	err := fmt.Errorf("unknown type %q", clip(s))
	if near := suggest(name, TypeNames()); near != "" && near != name {
		err = fmt.Errorf("%w, did you mean %q?", err, near)
	}
	return Type{}, err
}

func parseTimestamp(s, args string) (Type, error) {
	inner, ok := inside(args, '[', ']')
	unit, zone, zoned := strings.Cut(inner, ",")
	unit, zone = strings.Trim(unit, " "), strings.Trim(zone, " ")
	switch unit {
	case "s", "ms", "us", "ns":
	default:
		ok = false
	}
	if !ok || zoned && zone == "" || len(zone) > 64 || strings.ContainsAny(zone, "[]\x00") {
		return Type{}, fmt.Errorf("type %q: write timestamp[unit] or timestamp[unit,zone] with unit s, ms, us or ns", clip(s))
	}
	return Type{Name: "timestamp", Unit: unit, Zone: zone}, nil
}

func parseStruct(s, args string, depth int, fields *int) (Type, error) {
	inner, ok := inside(args, '<', '>')
	if !ok || strings.Trim(inner, " ") == "" {
		return Type{}, fmt.Errorf("type %q: write struct<name: type, ...>", clip(s))
	}
	t := Type{Name: "struct"}
	seen := map[string]bool{}
	for _, part := range splitTop(inner) {
		name, typ, ok := strings.Cut(part, ":")
		name = strings.Trim(name, " ")
		if !ok || name == "" || len(name) > MaxName || seen[name] {
			return Type{}, fmt.Errorf("type %q: field %q needs a name of its own, a colon and a type", clip(s), clip(strings.Trim(part, " ")))
		}
		seen[name] = true
		ft, err := parseType(typ, depth+1, fields)
		if err != nil {
			return Type{}, err
		}
		t.Fields = append(t.Fields, TypeField{name, ft})
	}
	return t, nil
}

// inside gives what stands between the first and the last byte of args.
func inside(args string, open, end byte) (string, bool) {
	if len(args) < 2 || args[0] != open || args[len(args)-1] != end {
		return "", false
	}
	return args[1 : len(args)-1], len(args) > 2
}

// splitTop cuts at commas outside brackets.
func splitTop(s string) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(', '<', '[':
			depth++
		case ')', '>', ']':
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

// String gives the type as manifests write it.
func (t Type) String() string {
	switch t.Name {
	case "timestamp":
		if t.Zone == "" {
			return "timestamp[" + t.Unit + "]"
		}
		return "timestamp[" + t.Unit + "," + t.Zone + "]"
	case "decimal128":
		return fmt.Sprintf("decimal128(%d,%d)", t.Precision, t.Scale)
	case "fixed_size_binary":
		return fmt.Sprintf("fixed_size_binary[%d]", t.Width)
	case "list":
		return "list<" + t.Fields[0].Type.String() + ">"
	case "struct":
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = f.Name + ": " + f.Type.String()
		}
		return "struct<" + strings.Join(parts, ", ") + ">"
	}
	return t.Name
}

// clip shortens text for a message.
func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	cut := 77
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
