package cdata

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// checkFields holds the columns of a schema against the types and caps of the
// ABI, and their names against what a C string of 255 bytes can hold.
func checkFields(fields []arrow.Field) error {
	left := abi.MaxColumns
	var check func(path string, fields []arrow.Field, depth int) error
	check = func(path string, fields []arrow.Field, depth int) error {
		for _, f := range fields {
			if len(f.Name) > abi.MaxName || strings.IndexByte(f.Name, 0) >= 0 || !utf8.ValidString(f.Name) {
				return fmt.Errorf("column name %q is longer than %d bytes, holds a NUL or is not UTF-8", path+f.Name, abi.MaxName)
			}
			if left--; left < 0 {
				return fmt.Errorf("more than %d columns, fields of nested types included", abi.MaxColumns)
			}
			if depth > abi.MaxDepth {
				return fmt.Errorf("column %q: type is nested deeper than %d", path+f.Name, abi.MaxDepth)
			}
			if _, err := Format(f.Type); err != nil {
				return fmt.Errorf("column %q: %w", path+f.Name, err)
			}
			if err := check(path+f.Name+".", children(f.Type), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return check("", fields, 1)
}

// SchemaSize gives the bytes that WriteSchema needs for s.
func SchemaSize(s *arrow.Schema) uint32 {
	size := uint64(abi.SchemaSize+4*s.NumFields()) + uint64(len("+s")+2)
	var add func([]arrow.Field)
	add = func(fields []arrow.Field) {
		for _, f := range fields {
			format, _ := Format(f.Type) // WriteSchema reports the error
			kids := children(f.Type)
			size += uint64(abi.SchemaSize + len(format) + len(f.Name) + 2 + 4*len(kids))
			add(kids)
		}
	}
	add(s.Fields())
	return uint32(min(align64(size), math.MaxInt32))
}

// WriteSchema puts s into mem[base:base+SchemaSize(s)] and gives the address
// of its root struct. Field metadata does not cross. It refuses (FH-2002)
// types that may not cross, and a base that fh_alloc must not answer.
func WriteSchema(mem []byte, base uint32, s *arrow.Schema) (schemaPtr uint32, err error) {
	if err := checkFields(s.Fields()); err != nil {
		return 0, fault.New(badInput, "%v", err).WithHint("cast the column in a stage before, or leave it out")
	}
	if err := checkArena(mem, base, SchemaSize(s)); err != nil {
		return 0, err
	}
	structs := 1
	for _, f := range s.Fields() {
		n := nodeOf(f.Name, f)
		n.walk(func(*node) { structs++ })
	}
	w := schemaWriter{mem: mem, structs: base}
	w.tables = base + uint32(structs*abi.SchemaSize)
	bytes := 4 * (structs - 1) // every struct but the root stands in one table
	w.strings = w.tables + uint32(bytes)
	return w.field("+s", "", false, s.Fields()), nil
}

type schemaWriter struct {
	mem                      []byte
	structs, tables, strings uint32
}

func (w *schemaWriter) field(format, name string, nullable bool, kids []arrow.Field) uint32 {
	at := w.structs
	w.structs += abi.SchemaSize
	b := w.mem[at : at+abi.SchemaSize]
	clear(b)
	le := binary.LittleEndian
	le.PutUint32(b[abi.SchemaFormat:], w.text(format))
	le.PutUint32(b[abi.SchemaName:], w.text(name))
	if nullable {
		le.PutUint64(b[abi.SchemaFlags:], abi.FlagNullable)
	}
	le.PutUint64(b[abi.SchemaNChildren:], uint64(len(kids)))
	if len(kids) == 0 {
		return at
	}
	table := w.tables
	w.tables += uint32(4 * len(kids))
	le.PutUint32(b[abi.SchemaChildren:], table)
	for i, f := range kids {
		format, _ := Format(f.Type) // checkFields has passed it
		kid := w.field(format, f.Name, f.Nullable, children(f.Type))
		le.PutUint32(w.mem[table+uint32(4*i):], kid)
	}
	return at
}

func (w *schemaWriter) text(s string) uint32 {
	at := w.strings
	copy(w.mem[at:], s)
	w.mem[at+uint32(len(s))] = 0
	w.strings += uint32(len(s) + 1)
	return at
}

// ImportSchema reads the schema that a guest wrote at ptr: checks V2, V3, V4
// and V8, and refuses (FH-2003) types that may not cross and column names that
// are empty or stand twice. Whether the names suit the kind of the plugin is
// the caller's to check. Field metadata is ignored.
func ImportSchema(mem []byte, ptr uint32) (*arrow.Schema, error) {
	r := schemaReader{guest(mem), abi.MaxColumns}
	root, err := r.field(ptr, "", 0)
	if err != nil {
		return nil, err
	}
	t, ok := root.Type.(*arrow.StructType)
	if !ok {
		return nil, fault.New(badOutput, "the root of the output schema has type %s, expected a struct (format \"+s\")", root.Type)
	}
	seen := map[string]bool{}
	for i, f := range t.Fields() {
		if f.Name == "" {
			return nil, fault.New(badOutput, "output column %d has no name", i)
		}
		if seen[f.Name] {
			return nil, fault.New(badOutput, "output column %q stands twice", f.Name)
		}
		seen[f.Name] = true
	}
	return arrow.NewSchema(t.Fields(), nil), nil
}

type schemaReader struct {
	mem  guest
	left int // columns that may still come
}

func (r *schemaReader) field(ptr uint32, path string, depth int) (arrow.Field, error) {
	var none arrow.Field
	b, err := r.mem.region(ptr, abi.SchemaSize, abi.Align, path, "an ArrowSchema")
	if err != nil {
		return none, err
	}
	f := arrow.Field{Nullable: u64(b, abi.SchemaFlags)&abi.FlagNullable != 0}
	if p := u32(b, abi.SchemaName); p != 0 {
		if f.Name, err = r.mem.text(p, path, "a name"); err != nil {
			return none, err
		}
	}
	switch {
	case depth == 1:
		path = f.Name
	case depth > 1:
		path += "." + f.Name
	}
	format, err := r.mem.text(u32(b, abi.SchemaFormat), path, "a format")
	if err != nil {
		return none, err
	}
	if u32(b, abi.SchemaDictionary) != 0 {
		return none, fault.New(badOutput, "%s: dictionaries may not cross", column(path)).WithHint("write the values themselves")
	}
	kids, err := r.children(b, format, path, depth)
	if err != nil {
		return none, err
	}
	if f.Type, err = ParseFormat(format, kids); err != nil {
		return none, fault.New(badOutput, "%s: %v", column(path), err)
	}
	return f, nil
}

func (r *schemaReader) children(b []byte, format, path string, depth int) ([]arrow.Field, error) {
	n := u64(b, abi.SchemaNChildren)
	most := int64(0)
	switch format {
	case "+s":
		most = int64(r.left)
	case "+l":
		most = min(1, int64(r.left))
	}
	if n < 0 || n > most || format == "+l" && n != 1 {
		return nil, fault.New(BadShape, "%s: format %q with %d children; a list has 1, a struct no more than %d columns are left for, other types none", column(path), format, n, r.left)
	}
	if n > 0 && depth >= abi.MaxDepth {
		return nil, fault.New(BadShape, "%s: the schema is nested deeper than %d", column(path), abi.MaxDepth)
	}
	r.left -= int(n)
	t, err := r.mem.pointers(u32(b, abi.SchemaChildren), int(n), path, "the table of children")
	if err != nil {
		return nil, err
	}
	kids := make([]arrow.Field, n)
	seen := make(map[string]bool, n)
	for i := range kids {
		if kids[i], err = r.field(t.at(i), path, depth+1); err != nil {
			return nil, err
		}
		if depth > 0 && seen[kids[i].Name] {
			return nil, fault.New(badOutput, "%s: field %q stands twice", column(path), kids[i].Name)
		}
		seen[kids[i].Name] = true
	}
	return kids, nil
}
