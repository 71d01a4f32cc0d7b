package avro

import (
	"fmt"
	"slices"

	hamba "github.com/hamba/avro/v2"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
)

// Schema is the schema of a record and the columns that are made of it.
type Schema struct {
	text   string
	record *hamba.RecordSchema
	fields []arrow.Field
	// defaults as a row would have them. A field without one is not there.
	defaults map[*hamba.Field][]byte
}

// Parse reads a schema. The texts of others whose types it names come with it,
// each behind those that it needs itself. Errors: FH-7610.
func Parse(text string, needs ...string) (s *Schema, err error) {
	defer func() { // the parser trusts the shape of what it is given
		if r := recover(); r != nil {
			s, err = nil, fault.New(BadSchema, "the text is no Avro schema: the parser gave up with %q", fmt.Sprint(r))
		}
	}()
	// A cache of its own: names of one schema mean nothing in another.
	cache := &hamba.SchemaCache{}
	for _, needed := range needs {
		if _, err := parseText(needed, cache); err != nil {
			return nil, fault.Wrap(err, BadSchema, "the text of a schema that is referred to is no Avro schema")
		}
	}
	parsed, err := parseText(text, cache)
	if err != nil {
		return nil, fault.Wrap(err, BadSchema, "the text is no Avro schema")
	}
	record, ok := resolved(parsed).(*hamba.RecordSchema)
	if !ok {
		return nil, fault.New(BadSchema, "the top of the schema is of type %s: a record is needed", parsed.Type())
	}
	e := newEncoding()
	if err := check(record, e, map[hamba.Schema]bool{}); err != nil {
		return nil, err
	}
	s = &Schema{text: text, record: record, defaults: e.known}
	for _, f := range record.Fields() {
		t, err := columnType(f.Type())
		if err != nil {
			return nil, fault.As(err).At("field %q", f.Name())
		}
		s.fields = append(s.fields, arrow.Field{Name: f.Name(), Type: t, Nullable: true})
	}
	return s, nil
}

func parseText(text string, cache *hamba.SchemaCache) (hamba.Schema, error) {
	b, err := keepDefaults(text)
	if err != nil {
		return nil, err
	}
	return hamba.ParseBytesWithCache(b, "", cache)
}

// check refuses what the parser lets through and no row could be read by, and
// takes the defaults of all fields.
func check(x hamba.Schema, e *encoding, seen map[hamba.Schema]bool) error {
	x = resolved(x)
	if seen[x] {
		return nil
	}
	seen[x] = true
	switch x := x.(type) {
	case *hamba.FixedSchema:
		if x.Size() < 0 {
			return fault.New(BadSchema, "the size %d is negative", x.Size()).At("type %q", x.FullName())
		}
	case *hamba.ArraySchema:
		return check(x.Items(), e, seen)
	case *hamba.MapSchema:
		return check(x.Values(), e, seen)
	case *hamba.UnionSchema:
		for _, t := range x.Types() {
			if err := check(t, e, seen); err != nil {
				return err
			}
		}
	case *hamba.RecordSchema:
		for _, f := range x.Fields() {
			if err := check(f.Type(), e, seen); err != nil {
				return err
			}
			if _, _, err := e.field(f, 0); err != nil {
				return fault.Wrap(err, BadSchema, "the default cannot be taken").At("field %q of %q", f.Name(), x.FullName())
			}
		}
	}
	return nil
}

// Fields are the columns, in the order of the record.
func (s *Schema) Fields() []arrow.Field { return s.fields }

// Text is the schema as it was given.
func (s *Schema) Text() string { return s.text }

// resolved follows a reference to a named schema.
func resolved(s hamba.Schema) hamba.Schema {
	for {
		r, ok := s.(*hamba.RefSchema)
		if !ok {
			return s
		}
		s = r.Schema()
	}
}

// columnType is the type of the column that takes values of s; every column
// takes nulls.
func columnType(s hamba.Schema) (arrow.DataType, error) {
	s = resolved(s)
	switch x := s.(type) {
	case *hamba.PrimitiveSchema:
		return primitiveType(x)
	case *hamba.FixedSchema:
		return decimalOr(x.Logical(), arrow.BinaryTypes.Binary)
	case *hamba.ArraySchema:
		elem, err := columnType(x.Items())
		if err != nil {
			return nil, err
		}
		if asJSON(x.Items()) || elem.ID() == arrow.LIST {
			return arrow.BinaryTypes.String, nil
		}
		return arrow.ListOf(elem), nil
	case *hamba.UnionSchema:
		if only := onlyType(x); only != nil {
			return columnType(only)
		}
	}
	return arrow.BinaryTypes.String, nil // enum, null, and what becomes JSON text
}

func primitiveType(x *hamba.PrimitiveSchema) (arrow.DataType, error) {
	logical := hamba.LogicalType("")
	if l := x.Logical(); l != nil {
		logical = l.Type()
	}
	switch x.Type() {
	case hamba.Boolean:
		return arrow.FixedWidthTypes.Boolean, nil
	case hamba.Int:
		if logical == hamba.Date {
			return arrow.FixedWidthTypes.Date32, nil
		}
		return arrow.PrimitiveTypes.Int32, nil
	case hamba.Long:
		switch logical {
		case hamba.TimestampMillis, hamba.TimestampMicros:
			return schema.Timestamp(), nil
		case hamba.LocalTimestampMillis, hamba.LocalTimestampMicros:
			return &arrow.TimestampType{Unit: arrow.Microsecond}, nil
		}
		return arrow.PrimitiveTypes.Int64, nil
	case hamba.Float:
		return arrow.PrimitiveTypes.Float32, nil
	case hamba.Double:
		return arrow.PrimitiveTypes.Float64, nil
	case hamba.Bytes:
		return decimalOr(x.Logical(), arrow.BinaryTypes.Binary)
	}
	return arrow.BinaryTypes.String, nil
}

// decimalOr is the decimal that a logical type says, or else.
func decimalOr(l hamba.LogicalSchema, otherwise arrow.DataType) (arrow.DataType, error) {
	d, ok := l.(*hamba.DecimalLogicalSchema)
	if !ok {
		return otherwise, nil
	}
	if d.Precision() < 1 || d.Precision() > mostDigits || d.Scale() < 0 || d.Scale() > d.Precision() {
		return nil, fault.New(BadSchema, "decimal(%d,%d): 1 to 38 digits are held, and no more of them behind the point", d.Precision(), d.Scale())
	}
	return &arrow.Decimal128Type{Precision: int32(d.Precision()), Scale: int32(d.Scale())}, nil
}

// onlyType is the one type of a union besides null, or nil.
func onlyType(u *hamba.UnionSchema) hamba.Schema {
	var only hamba.Schema
	for _, t := range u.Types() {
		if t.Type() == hamba.Null {
			continue
		}
		if only != nil {
			return nil
		}
		only = t
	}
	return only
}

// asJSON reports whether values of s become JSON text.
func asJSON(s hamba.Schema) bool {
	switch x := resolved(s).(type) {
	case *hamba.RecordSchema, *hamba.MapSchema:
		return true
	case *hamba.ArraySchema:
		return asJSON(x.Items()) || isList(x.Items())
	case *hamba.UnionSchema:
		only := onlyType(x)
		return only == nil && len(x.Types()) > 1 || only != nil && asJSON(only)
	}
	return false
}

// isList reports whether s is an array, or one or null.
func isList(s hamba.Schema) bool {
	s = resolved(s)
	if u, ok := s.(*hamba.UnionSchema); ok {
		if s = onlyType(u); s == nil {
			return false
		}
		s = resolved(s)
	}
	return s.Type() == hamba.Array
}

// Renames reports whether a name that writers use is an alias of a field of s.
func Renames(s *Schema, name string) bool {
	for _, f := range s.record.Fields() {
		if slices.Contains(f.Aliases(), name) {
			return true
		}
	}
	return false
}
