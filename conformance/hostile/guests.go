package hostile

import (
	"slices"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
)

// staticY declares one output column.
const staticY = `{"mode":"static","columns":[{"name":"y","type":"float64","nullable":true}]}`

// Guests gives all of them, by moment.
func Guests() []Guest { return slices.Concat(atLoad(), atOpen(), atBatch()) }

// batch makes a guest of a mode that strikes in a batch.
func batch(mode string, code int) Guest {
	g := Guest{Name: mode, When: AtBatch, Code: code, Kind: abi.Map, Mode: mode}
	if strings.HasPrefix(mode, "rows") {
		g.Kind = abi.Filter
	}
	return g
}

func atBatch() []Guest {
	var out []Guest
	for _, of := range []struct {
		code  int
		modes string
	}{
		{int(cdata.BadStatus), "status99 status_negative status_end"},
		{int(cdata.OutOfMemory), "pointer_outside pointer_null children_outside alloc_outside alloc_overlap text_outside"},
		{int(cdata.Misaligned), "values_misaligned struct_misaligned table_misaligned alloc_unaligned"},
		{int(cdata.BadShape), "children_count dictionary nothing"},
		{int(cdata.BadLength), "length_negative length_huge length_short child_short offset_negative offset_huge rows_unsorted rows_outside rows_negative"},
		{int(cdata.BadBuffers), "buffers_count"},
		{int(cdata.BadNulls), "null_count null_count_false not_null"},
		{int(cdata.BadOffsets), "text_falling text_negative text_overlong"},
		{int(cdata.BadUTF8), "text_not_utf8"},
		{int(cdata.BadDecimal), "decimal"},
		{int(cdata.TooMuch), "alias"},
		{abi.CodeFuel, "spin fills calls logs wide_logs wide_errors grows doubling alloc_spin release_spin"},
		{abi.CodeTrap, "divide outside release_trap alloc_trap trap_value stale"},
		{abi.CodeMemory, "bomb status4"},
		{0, "alloc_zero"}, // it has no room for many rows: it is given fewer
		{abi.CodeData, "status1 status2 status64"},
		{abi.CodeMisuse, "log_outside counters counter_name counter_endless"},
	} {
		for _, mode := range strings.Fields(of.modes) {
			out = append(out, batch(mode, of.code))
		}
	}
	// clang's own stack lies in memory: it may end there before the engine's does.
	deep := batch("recurse", abi.CodeTrap)
	deep.Or = abi.CodeStack
	return append(out, deep)
}

func atOpen() []Guest {
	open := func(mode, output string, code int) Guest {
		return Guest{Name: mode, When: AtOpen, Code: code, Kind: abi.Map, Mode: mode, Output: output}
	}
	out := []Guest{
		open("init_trap", "", abi.CodeTrap), open("init_spin", "", abi.CodeFuel), open("init_data", "", abi.CodeInit),
		open("init_config", "", abi.CodeConfig), open("init_schema", "", abi.CodeInputSchema), open("init_status", "", int(cdata.BadStatus)),
		open("unterminated", "", int(cdata.BadString)), open("name_not_utf8", "", int(cdata.BadString)), open("name_outside", "", int(cdata.OutOfMemory)),
		open("schema_children_outside", "", int(cdata.OutOfMemory)), open("schema_many", "", int(cdata.BadShape)), open("unsupported", "", abi.CodeOutputSchema),
		open("other_type", staticY, abi.CodeOutputSchema), open("other_name", staticY, abi.CodeOutputSchema),
		open("replace_x", "", abi.CodeNameClash), open("reserved", "", abi.CodeNameClash),
	}
	selection := open("wrong_selection", "", abi.CodeOutputSchema)
	selection.Kind = abi.Filter
	out = append(out, selection)
	for _, m := range []struct {
		name string
		code int
		edit func(*Module)
	}{
		{"start section without an end", abi.CodeFuel, func(m *Module) { m.starts("\x03\x40\x0c\x00\x0b") }},
		{"_initialize without an end", abi.CodeFuel, func(m *Module) {
			m.Exports = append(m.Exports, Export("_initialize", KindFunc, m.adds("\x03\x40\x0c\x00\x0b")))
		}},
		{"table.grow without an end", abi.CodeFuel, func(m *Module) {
			m.Tables = []string{"\x70\x00\x00"}
			m.starts("\x03\x40\xd0\x70\x41\x80\x80\x04\xfc\x0f\x00\x1a\x0c\x00\x0b")
		}},
		{"trap in the start section", abi.CodeTrap, func(m *Module) { m.starts("\x00") }},
		{"reads the tank", abi.CodeReserved, func(m *Module) { m.Funcs[2].Code = "\x23\x00\x1a" }},
		{"fills the tank", abi.CodeReserved, func(m *Module) { m.Funcs[2].Code = "\x42\xff\xff\xff\xff\x0f\x24\x00" }},
		{"fills the reserve", abi.CodeReserved, func(m *Module) { m.Funcs[2].Code = "\x42\xff\xff\xff\xff\x0f\x24\x01" }},
		{"calls the refill", abi.CodeReserved, func(m *Module) { m.Funcs[2].Code = "\x10\x06" }},
		{"tail call", abi.CodeFeature, func(m *Module) { m.Funcs[0].Code = "\x12\x00" }},
		{"atomics", abi.CodeFeature, func(m *Module) { m.Funcs[2].Code = "\xfe\x03\x00" }},
		{"relaxed simd", abi.CodeFeature, func(m *Module) { m.Funcs[2].Code = "\xfd\x80\x02" }},
		{"abi 2.0", abi.CodeABIVersion, func(m *Module) { m.Funcs[0].Code = "\x41\x80\x80\x08" }},
		{"invalid code", abi.CodeCompile, func(m *Module) { m.Funcs[0].Code = "" }},
		{"writes no schema", abi.CodeInit, func(*Module) {}},
		{"starts with 4 GiB", abi.CodeInit, func(m *Module) { m.Memories = []string{"\x00" + ULEB(1<<16)} }},
	} {
		out = append(out, made(m.name, AtOpen, m.code, m.edit))
	}
	return out
}

func atLoad() []Guest {
	var out []Guest
	for _, m := range []struct {
		name string
		code int
		edit func(*Module)
	}{
		{"unknown import", abi.CodeImport, func(m *Module) { m.Imported("env", "abort", 1) }},
		{"socket", abi.CodeImport, func(m *Module) { m.Imported("wasi_snapshot_preview1", "sock_accept", 4) }},
		{"file", abi.CodeImport, func(m *Module) { m.Imported("wasi_snapshot_preview1", "path_open", 4) }},
		{"import of another type", abi.CodeImport, func(m *Module) { m.Imported(abi.ImportModule, "log", 1) }},
		{"imported memory", abi.CodeImport, func(m *Module) {
			m.Memories, m.Imports = nil, []string{Sized(abi.ImportModule) + Sized("m") + "\x02\x00\x01"}
		}},
		{"export missing", abi.CodeExport, func(m *Module) { m.Exports = m.Exports[:6] }},
		{"a command", abi.CodeExport, func(m *Module) { m.Exports = append(m.Exports, Export("_start", KindFunc, 2)) }},
		{"exports a tank", abi.CodeReserved, func(m *Module) {
			m.Globals = []string{I64 + "\x01\x42\x00\x0b"}
			m.Exports = append(m.Exports, Export("__featurehost_fuel", KindGlobal, 0))
		}},
		{"two memories", abi.CodeFeature, func(m *Module) { m.Memories = []string{"\x00\x01", "\x00\x01"} }},
		{"threads", abi.CodeFeature, func(m *Module) { m.Memories = []string{"\x03\x01\x02"} }},
		{"memory64", abi.CodeFeature, func(m *Module) { m.Memories = []string{"\x04\x01"} }},
		{"exceptions", abi.CodeFeature, func(m *Module) { m.Tail = Section(SectionTag, "\x01\x00\x02") }},
		{"huge table", abi.CodeTooLarge, func(m *Module) { m.Tables = []string{"\x70\x00" + ULEB(1<<20+1)} }},
		{"function of 20 MB", abi.CodeTooLarge, func(m *Module) { m.Funcs[2].Code = strings.Repeat("\x01", 20<<20) }},
		{"type of a hundred thousand parameters", abi.CodeTooLarge, func(m *Module) { m.Types = append(m.Types, FuncType(strings.Repeat(I32, 100_000), "")) }},
		{"thousands of types", abi.CodeTooLarge, func(m *Module) { m.Types = append(m.Types, slices.Repeat([]string{FuncType("", "")}, 11_000)...) }},
		{"thousands of globals", abi.CodeTooLarge, func(m *Module) { m.Globals = slices.Repeat([]string{I32 + "\x00\x41\x00\x0b"}, 21_000) }},
		{"thousands of elements", abi.CodeTooLarge, func(m *Module) {
			m.Tail = Section(SectionElement, "\x01\x01\x00"+ULEB(140_000)+strings.Repeat("\x00", 140_000))
		}},
		{"thousands of segments", abi.CodeTooLarge, func(m *Module) {
			m.Tail = Section(SectionData, ULEB(101_000)+strings.Repeat("\x01\x00", 101_000))
		}},
		{"thousands of names", abi.CodeTooLarge, func(m *Module) {
			m.Tail = Section(0, Sized("name")+Section(1, ULEB(501_000)+strings.Repeat("\x00\x00", 501_000)))
		}},
		{"thousands of functions", abi.CodeTooLarge, func(m *Module) { m.Funcs = append(m.Funcs, slices.Repeat([]Func{{2, ""}}, 101_000)...) }},
		{"blocks in blocks", abi.CodeTooLarge, func(m *Module) { m.Funcs[2].Code = strings.Repeat("\x02\x40", 11_000) + strings.Repeat("\x0b", 11_000) }},
		{"one branch to thousands of places", abi.CodeTooLarge, func(m *Module) {
			m.Funcs[2].Code = "\x02\x40\x41\x00\x0e" + ULEB(21_000) + strings.Repeat("\x00", 21_001) + "\x0b"
		}},
		{"branches without an end", abi.CodeTooLarge, func(m *Module) {
			m.Funcs[2].Code = "\x02\x40" + strings.Repeat("\x41\x00\x0d\x00", 12_000) + "\x0b"
		}},
		{"loops one after the other", abi.CodeTooLarge, func(m *Module) { m.Funcs[2].Code = strings.Repeat("\x03\x40\x0b", 12_000) }},
		{"calls with a thousand values", abi.CodeTooLarge, func(m *Module) {
			m.Types = append(m.Types, FuncType(strings.Repeat(I32, 1000), strings.Repeat(I32, 1000)))
			m.Funcs = append(m.Funcs, Func{len(m.Types) - 1, strings.Repeat("\x10\x06", 1000)})
		}},
		{"lying count", abi.CodeCompile, func(m *Module) { m.Tail = Section(SectionCode, "\xff\xff\xff\xff\x0f") }},
	} {
		out = append(out, made(m.name, AtLoad, m.code, m.edit))
	}
	raw := func(name string, code int, f func() []byte) {
		out = append(out, Guest{Name: name, When: AtLoad, Code: code, Kind: abi.Map, made: f})
	}
	raw("a script", abi.CodeNotCoreWasm, func() []byte { return []byte("#!/bin/sh\necho no\n") })
	raw("a component", abi.CodeNotCoreWasm, func() []byte { return []byte("\x00asm\x0d\x00\x01\x00") })
	raw("cut short", abi.CodeNotCoreWasm, func() []byte { b := with(Minimal().Bytes(), plain()); return b[:len(b)-5] })
	raw("no manifest", abi.CodeManifest, Minimal().Bytes)
	raw("two manifests", abi.CodeManifest, func() []byte { return with(with(Minimal().Bytes(), plain()), plain()) })
	raw("manifest of 1 MB", abi.CodeManifest, func() []byte { return with(Minimal().Bytes(), strings.Repeat(" ", 1<<20)+plain()) })
	raw("manifest for abi 2.0", abi.CodeABIVersion, func() []byte {
		return with(Minimal().Bytes(), strings.Replace(plain(), `"abi":"1.0"`, `"abi":"2.0"`, 1))
	})
	return out
}

// made gives a guest put together by hand.
func made(name string, when When, code int, edit func(*Module)) Guest {
	return Guest{Name: name, When: when, Code: code, Kind: abi.Map, made: func() []byte {
		m := Minimal()
		edit(m)
		return with(m.Bytes(), plain())
	}}
}

func plain() string { return string(Manifest(abi.Map, "")) }

// with appends a manifest, whatever it says.
func with(wasm []byte, manifest string) []byte {
	return append(wasm, Section(0, Sized(abi.SectionName)+manifest)...)
}

// adds appends a function that takes and gives nothing, and tells its number.
func (m *Module) adds(code string) int {
	m.Types = append(m.Types, FuncType("", ""))
	m.Funcs = append(m.Funcs, Func{len(m.Types) - 1, code})
	return len(m.Imports) + len(m.Funcs) - 1
}

// starts makes a function that runs code the start function.
func (m *Module) starts(code string) { m.Start = ULEB(m.adds(code)) }
