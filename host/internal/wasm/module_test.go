package wasm

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
)

// assembly is a module put together by hand, for what no compiler emits.
type assembly struct {
	types, imports, memories, tables, exports []string
	funcs                                     []fn
	tail                                      string // raw sections at the end
}

// fn is a function of a type, given by its number, that runs some code.
type fn struct {
	typ  int
	code string
}

func uleb(n int) string { return string(binary.AppendUvarint(nil, uint64(n))) }
func vec(items []string) string {
	return uleb(len(items)) + strings.Join(items, "")
}
func name(s string) string            { return uleb(len(s)) + s }
func sec(id byte, body string) string { return string(id) + uleb(len(body)) + body }
func functype(params, results string) string {
	return "\x60" + name(params) + name(results)
}
func export(s string, kind byte, index int) string { return name(s) + string(kind) + uleb(index) }

// minimal gives a module that has all that the ABI asks for and does nothing:
// types 0 to 5 are those of guestExports, in order, and so are its functions.
func minimal() *assembly {
	const i = "\x7f"
	a := &assembly{
		types:    []string{functype("", i), functype(i, i), functype(i+i, ""), functype(i+i+i+i, i), functype(i+i, i), functype(i, "")},
		memories: []string{"\x00\x02"},
		exports:  []string{export("memory", kindMemory, 0)},
		funcs:    []fn{{0, "\x41\x80\x80\x04"}, {1, "\x41\x80\x08"}, {2, ""}, {3, "\x41\x00"}, {4, "\x41\x00"}, {5, ""}},
	}
	for n, e := range guestExports() {
		a.exports = append(a.exports, export(e.name, kindFunc, n))
	}
	return a
}

func (a *assembly) bytes() []byte {
	var types, bodies []string
	for _, f := range a.funcs {
		types = append(types, uleb(f.typ))
		bodies = append(bodies, name("\x00"+f.code+"\x0b"))
	}
	out := "\x00asm\x01\x00\x00\x00" + sec(sectionType, vec(a.types))
	if a.imports != nil {
		out += sec(sectionImport, vec(a.imports))
	}
	out += sec(sectionFunc, vec(types))
	if a.tables != nil {
		out += sec(sectionTable, vec(a.tables))
	}
	if a.memories != nil {
		out += sec(sectionMemory, vec(a.memories))
	}
	return []byte(out + sec(sectionExport, vec(a.exports)) + sec(sectionCode, vec(bodies)) + a.tail)
}

const plainManifest = `{"abi":"1.0","name":"bare","version":"1.0.0","kind":"map",
	"input":{"columns":[{"name":"x","type":"float64","nullable":true}]},"output":{"mode":"init"},
	"config_schema":{"type":"object"},"stateful":false,"deterministic":true}`

func packed(t testing.TB, wasm []byte, manifest string) []byte {
	t.Helper()
	w, err := abi.Pack(wasm, []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return w
}
