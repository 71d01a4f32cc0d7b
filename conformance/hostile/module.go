package hostile

import (
	"encoding/binary"
	"strings"
)

// Module is a module put together by hand, for what no compiler emits. Its
// fields are entries of sections as they stand in the binary format
// (https://www.w3.org/TR/wasm-core-2/#binary-modules).
type Module struct {
	Types, Imports, Tables, Memories, Globals, Exports []string
	Funcs                                              []Func
	Start                                              string // the number of a function; "" for none
	Tail                                               string // raw sections at the end
}

// Func is a function of a type, given by its number, that runs some code.
type Func struct {
	Type int
	Code string
}

// Types of values, kinds of exports and ids of sections.
const (
	I32 = "\x7f"
	I64 = "\x7e"

	KindFunc   = 0
	KindMemory = 2
	KindGlobal = 3

	SectionType    = 1
	SectionImport  = 2
	SectionFunc    = 3
	SectionTable   = 4
	SectionMemory  = 5
	SectionGlobal  = 6
	SectionExport  = 7
	SectionStart   = 8
	SectionElement = 9
	SectionCode    = 10
	SectionData    = 11
	SectionTag     = 13
)

// ULEB writes an unsigned LEB128 number.
func ULEB(n int) string { return string(binary.AppendUvarint(nil, uint64(n))) }

// Sized writes bytes after their number: a name, or the body of a function.
func Sized(s string) string { return ULEB(len(s)) + s }

// Vector writes items after their number.
func Vector(items []string) string { return ULEB(len(items)) + strings.Join(items, "") }

// Section writes a section.
func Section(id byte, body string) string { return string(id) + Sized(body) }

// FuncType writes the type of a function.
func FuncType(params, results string) string { return "\x60" + Sized(params) + Sized(results) }

// Export writes an export.
func Export(name string, kind byte, index int) string {
	return Sized(name) + string(kind) + ULEB(index)
}

// Import writes an import of a function of a type, given by its number.
func Import(module, name string, typ int) string {
	return Sized(module) + Sized(name) + "\x00" + ULEB(typ)
}

// GuestExports are the functions that the ABI asks for, in the order of those
// of Minimal.
func GuestExports() []string {
	return []string{"fh_abi_version", "fh_alloc", "fh_free", "fh_init", "fh_process", "fh_release"}
}

// Minimal gives a module that has all that the ABI asks for and does nothing:
// functions and their types are numbered as GuestExports.
func Minimal() *Module {
	m := &Module{
		Types: []string{
			FuncType("", I32), FuncType(I32, I32), FuncType(I32+I32, ""), FuncType(I32+I32+I32+I32, I32), FuncType(I32+I32, I32), FuncType(I32, ""),
		},
		Memories: []string{"\x00\x02"},
		Exports:  []string{Export("memory", KindMemory, 0)},
		Funcs:    []Func{{0, "\x41\x80\x80\x04"}, {1, "\x41\x80\x08"}, {2, ""}, {3, "\x41\x00"}, {4, "\x41\x00"}, {5, ""}},
	}
	for n, name := range GuestExports() {
		m.Exports = append(m.Exports, Export(name, KindFunc, n))
	}
	return m
}

// Imported puts a function import in front, which moves the numbers of all
// functions by one.
func (m *Module) Imported(module, name string, typ int) *Module {
	m.Imports = append(m.Imports, Import(module, name, typ))
	for n, export := range GuestExports() {
		m.Exports[n+1] = Export(export, KindFunc, n+len(m.Imports))
	}
	return m
}

// Bytes gives the binary.
func (m *Module) Bytes() []byte {
	var types, bodies []string
	for _, f := range m.Funcs {
		types = append(types, ULEB(f.Type))
		bodies = append(bodies, Sized("\x00"+f.Code+"\x0b"))
	}
	out := "\x00asm\x01\x00\x00\x00" + Section(SectionType, Vector(m.Types))
	some := func(id byte, entries []string) {
		if entries != nil {
			out += Section(id, Vector(entries))
		}
	}
	some(SectionImport, m.Imports)
	out += Section(SectionFunc, Vector(types))
	some(SectionTable, m.Tables)
	some(SectionMemory, m.Memories)
	some(SectionGlobal, m.Globals)
	some(SectionExport, m.Exports)
	if m.Start != "" {
		out += Section(SectionStart, m.Start)
	}
	return []byte(out + Section(SectionCode, Vector(bodies)) + m.Tail)
}
