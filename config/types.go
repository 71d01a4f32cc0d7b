package config

import (
	"fmt"
	"sort"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// typ reads a type. Structs are for the fields of JSON alone.
func (d *decoder) typ(path string, v any, key KeyDoc) (any, bool) {
	t, ok := d.plain(path, v, key)
	if !ok {
		return nil, false
	}
	parsed, err := schema.ParseType(t.val)
	switch {
	case err == nil && key.Kind != KindFields && holdsStruct(parsed):
		d.bad(path, atValue, UnknownType, "take the fields apart by explode_json or in [query]", "%s has no place here: a struct is no type of a column that features are made of", d.quote(path, t))
		return nil, false
	case err == nil:
		return t, true
	}
	hint := ""
	name := strings.ToLower(strings.TrimSpace(t.raw))
	inner, isArray := strings.CutPrefix(name, "array<")
	switch {
	case strings.HasPrefix(name, "decimal"):
		hint = "write decimal(p,s) with 1 <= p <= 38 and 0 <= s <= p"
	case isArray && strings.HasPrefix(inner, "array"):
		hint = "an array of arrays is not supported"
	case isArray:
		if s := fault.Suggest(strings.TrimSuffix(inner, ">"), schema.Names()); s != "" {
			hint = fmt.Sprintf("did you mean %q?", "array<"+s+">")
		}
	default:
		switch s := fault.Suggest(name, schema.Names()); {
		case s == "array":
			hint = `write array<...>, as in "array<bigint>"`
		default:
			hint = didYouMean(s)
		}
	}
	if hint == "" {
		hint = "types are timestamp, timestamp_ntz, date, boolean, integer, bigint, float, double, decimal(p,s), string, binary and array<...>"
	}
	d.bad(path, atValue, UnknownType, hint, "unknown type %s", d.quote(path, t))
	return nil, false
}

// inOrder gives the keys of a table as they stand in the file.
func (d *decoder) inOrder(path string, m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := d.offset(join(path, names[i])), d.offset(join(path, names[j]))
		return a < b || a == b && names[i] < names[j]
	})
	return names
}

func holdsStruct(t arrow.DataType) bool {
	if l, ok := t.(arrow.ListLikeType); ok {
		return holdsStruct(l.Elem())
	}
	return t.ID() == arrow.STRUCT
}

// types reads a table of name = type, in file order.
func (d *decoder) types(path string, v any, key KeyDoc) (any, bool) {
	return d.typed(path, v, key, func(at, name string, v any) (string, bool) {
		return d.typeText(at, v, KeyDoc{Name: name, Kind: KindType})
	})
}

// fields reads a table of types in which a nested table is a struct, which
// becomes the text struct<name: type, ...>.
func (d *decoder) fields(path string, v any, key KeyDoc) (any, bool) {
	return d.typed(path, v, key, d.field)
}

// typeText reads a type and gives it as written.
func (d *decoder) typeText(path string, v any, key KeyDoc) (string, bool) {
	t, ok := d.typ(path, v, key)
	if !ok {
		return "", false
	}
	return t.(text).val, true
}

// typed reads a table of names, in file order, each with what read takes for
// the text of its type.
func (d *decoder) typed(path string, v any, key KeyDoc, read func(at, name string, v any) (string, bool)) (any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		d.wrongType(path, key, v)
		return nil, false
	}
	var out []item[Column]
	whole := true
	for _, name := range d.inOrder(path, m) {
		at := join(path, name)
		typ, ok := read(at, name, m[name])
		if !ok {
			whole = false
			continue
		}
		out = append(out, item[Column]{at, Column{Name: name, Type: typ}})
	}
	return out, whole
}

// field gives the type of one field as text.
func (d *decoder) field(path, name string, v any) (string, bool) {
	m, ok := v.(map[string]any)
	if _, isText := v.(string); isText {
		return d.typeText(path, v, KeyDoc{Name: name, Kind: KindFields})
	}
	if !ok {
		d.wrongType(path, KeyDoc{Name: name, Kind: KindType}, v)
		return "", false
	}
	if len(m) == 0 {
		d.bad(path, atValue, BadValue, `write its fields, as in { lat = "double" }`, "the struct %q has no fields", name)
		return "", false
	}
	var parts []string
	whole := true
	for _, inner := range d.inOrder(path, m) {
		at := join(path, inner)
		if strings.ContainsAny(inner, "<>,:()") {
			d.bad(at, atKey, BadValue, "name it in a JSON path of its own", "%q cannot be the name of a field of a struct: it has a character that types are written with", inner)
			whole = false
			continue
		}
		if !d.plainName(at, text{inner, inner}) {
			whole = false
			continue
		}
		typ, ok := d.field(at, inner, m[inner])
		whole = whole && ok
		parts = append(parts, inner+": "+typ)
	}
	return "struct<" + strings.Join(parts, ", ") + ">", whole
}
