package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// maxDepth is how deep arrays and structs may be nested.
const maxDepth = 32

// ParseType reads a type as users write it: a scalar, decimal(p,s),
// array<type>, or struct<name: type, ...>. Case and space do not matter, but
// in the names of fields case does. A name that holds space at an end or one
// of <>(),:" stands in double quotes, a quote in it twice. Arrays of arrays
// are refused.
func ParseType(s string) (arrow.DataType, error) {
	p := parser{whole: s, rest: s}
	t, err := p.typ(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.rest != "" {
		return nil, p.unknown(s)
	}
	return t, nil
}

// Parse reads "id bigint, ts timestamp, tags array<string>" into a schema of
// nullable columns.
func Parse(s string) (*arrow.Schema, error) {
	var fields []arrow.Field
	p := parser{whole: s, rest: s}
	for {
		p.space()
		name, rest, ok := strings.Cut(p.rest, " ")
		if !ok || strings.Contains(name, ",") {
			return nil, fmt.Errorf("column %q: write name and type", p.rest)
		}
		p.rest = rest
		t, err := p.typ(0)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
		if p.space(); p.rest == "" {
			return arrow.NewSchema(fields, nil), nil
		}
		if !p.take(',') {
			return nil, fmt.Errorf("column %q: %q follows its type: expected a comma", name, p.rest)
		}
	}
}

// parser walks over the text of a type.
type parser struct{ whole, rest string }

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take steps over c and the space before it, if it is there.
func (p *parser) take(c byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// word takes what stands before the next sign of the grammar.
func (p *parser) word() string {
	n := strings.IndexAny(p.rest, "<>(),:\"")
	if n < 0 {
		n = len(p.rest)
	}
	w := strings.TrimSpace(p.rest[:n])
	p.rest = p.rest[n:]
	return w
}

func (p *parser) unknown(s string) error { return fmt.Errorf("unknown type %q", strings.TrimSpace(s)) }

func (p *parser) typ(depth int) (arrow.DataType, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("type %q: nested deeper than %d", p.whole, maxDepth)
	}
	start := p.rest
	word := p.word()
	name := strings.ToLower(word)
	switch {
	case name == "array" && p.take('<'):
		return p.array(start, depth)
	case name == "struct" && p.take('<'):
		return p.structure(start, depth)
	case name == "decimal" && p.take('('):
		args, rest, ok := strings.Cut(p.rest, ")")
		if !ok {
			return nil, p.unknown(start)
		}
		p.rest = rest
		return parseDecimal(start[:len(start)-len(rest)], args)
	case name == "decimal":
		return &arrow.Decimal128Type{Precision: 10, Scale: 0}, nil
	}
	for _, sc := range scalars() {
		for _, n := range sc.names {
			if n == name {
				return sc.typ, nil
			}
		}
	}
	switch {
	case word == "":
		word = p.whole
	case name == "array" || name == "struct":
		word = start
	}
	return nil, p.unknown(word)
}

func (p *parser) array(start string, depth int) (arrow.DataType, error) {
	elem, err := p.typ(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.take('>') {
		return nil, p.unknown(start)
	}
	if elem.ID() == arrow.LIST {
		return nil, fmt.Errorf("type %q: an array of arrays is not supported", strings.TrimSpace(start[:len(start)-len(p.rest)]))
	}
	return arrow.ListOf(elem), nil
}

func (p *parser) structure(start string, depth int) (arrow.DataType, error) {
	var fields []arrow.Field
	seen := map[string]bool{}
	for {
		name, ok := p.name()
		if !ok || !p.take(':') {
			return nil, fmt.Errorf("type %q: write struct<name: type, ...>", start)
		}
		if seen[name] {
			return nil, fmt.Errorf("type %q: the field %q occurs twice", start, name)
		}
		seen[name] = true
		t, err := p.typ(depth + 1)
		if err != nil {
			return nil, err
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
		if p.take('>') {
			return arrow.StructOf(fields...), nil
		}
		if !p.take(',') {
			return nil, fmt.Errorf("type %q: write struct<name: type, ...>", start)
		}
	}
}

// name takes the name of a field, quoted or not.
func (p *parser) name() (string, bool) {
	if !p.take('"') {
		w := p.word()
		return w, w != ""
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(p.rest, `"`)
		if !ok {
			return "", false
		}
		b.WriteString(before)
		p.rest = rest
		if !strings.HasPrefix(rest, `"`) {
			return b.String(), b.Len() > 0
		}
		b.WriteByte('"')
		p.rest = rest[1:]
	}
}

// fieldName writes the name of a field so that it reads back.
func fieldName(name string) string {
	if name != "" && strings.TrimSpace(name) == name && !strings.ContainsAny(name, "<>(),:\"") {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
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
