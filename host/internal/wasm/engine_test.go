package wasm

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/hosttest"
)

// ABI-W-001 to ABI-W-004, ABI-W-031, ABI-W-060: what is refused, and with
// which code, before any code of the module has run.
func TestLoad_ForbiddenModule_Refused(t *testing.T) {
	const i = "\x7f"
	wasi := strings.Replace(plainManifest, `"stateful"`, `"wasi":"preview1","stateful"`, 1)
	edit := func(f func(a *assembly)) []byte {
		a := minimal()
		f(a)
		return a.bytes()
	}
	// importing puts a function import in front, which moves the numbers of
	// all functions by one.
	importing := func(module, field string, typ int) []byte {
		return edit(func(a *assembly) {
			a.imports = []string{name(module) + name(field) + "\x00" + uleb(typ)}
			for n := range guestExports() {
				a.exports[n+1] = export(guestExports()[n].name, kindFunc, n+1)
			}
		})
	}
	for _, c := range []struct {
		name     string
		wasm     []byte
		manifest string
		code     fault.Code
		says     string
	}{
		{"unknown module", importing("env", "abort", 1), plainManifest, abi.CodeImport, `"env"`},
		{"unknown function", importing(abi.ImportModule, "read_file", 1), plainManifest, abi.CodeImport, "read_file"},
		{"wrong signature", importing(abi.ImportModule, "log", 1), plainManifest, abi.CodeImport, "(i32 i32 i32) -> ()"},
		{"wasi undeclared", importing(wasiModule, "sched_yield", 0), plainManifest, abi.CodeImport, "preview1"},
		{"socket", importing(wasiModule, "sock_accept", 4), wasi, abi.CodeImport, "sock_accept"},
		{"file", importing(wasiModule, "path_open", 4), wasi, abi.CodeImport, "path_open"},
		{"imported global", edit(func(a *assembly) { a.imports = []string{name(abi.ImportModule) + name("g") + "\x03" + i + "\x00"} }), plainManifest, abi.CodeImport, "no function"},
		{"imported table", edit(func(a *assembly) { a.imports = []string{name(abi.ImportModule) + name("t") + "\x01\x70\x00\x01"} }), plainManifest, abi.CodeImport, "no function"},
		{"imported memory", edit(func(a *assembly) {
			a.memories = nil
			a.imports = []string{name(abi.ImportModule) + name("m") + "\x02\x00\x01"}
		}), plainManifest, abi.CodeImport, "no function"},
		{"no memory", edit(func(a *assembly) { a.memories = nil }), plainManifest, abi.CodeExport, "memory"},
		{"memory not exported", edit(func(a *assembly) { a.exports = a.exports[1:] }), plainManifest, abi.CodeExport, "memory"},
		{"export missing", edit(func(a *assembly) { a.exports = a.exports[:6] }), plainManifest, abi.CodeExport, "fh_release"},
		{"export of wrong type", edit(func(a *assembly) { a.funcs[4] = fn{3, "\x41\x00"} }), plainManifest, abi.CodeExport, "fh_process"},
		{"export no function", edit(func(a *assembly) { a.exports[5] = export("fh_process", kindMemory, 0) }), plainManifest, abi.CodeExport, "fh_process"},
		{"command", edit(func(a *assembly) { a.exports = append(a.exports, export("_start", kindFunc, 2)) }), plainManifest, abi.CodeExport, "_start"},
		{"initialize with arguments", edit(func(a *assembly) { a.exports = append(a.exports, export("_initialize", kindFunc, 2)) }), plainManifest, abi.CodeExport, "_initialize"},
		{"reserved export", edit(func(a *assembly) { a.exports = append(a.exports, export("__featurehost_fuel", kindFunc, 0)) }), plainManifest, abi.CodeReserved, "__featurehost_fuel"},
		{"two memories", edit(func(a *assembly) { a.memories = []string{"\x00\x01", "\x00\x01"} }), plainManifest, abi.CodeFeature, "2 memories"},
		{"threads", edit(func(a *assembly) { a.memories = []string{"\x03\x01\x02"} }), plainManifest, abi.CodeFeature, "threads"},
		{"memory64", edit(func(a *assembly) { a.memories = []string{"\x04\x01"} }), plainManifest, abi.CodeFeature, "64-bit"},
		{"exceptions", edit(func(a *assembly) { a.tail = sec(sectionTag, "\x01\x00\x02") }), plainManifest, abi.CodeFeature, "exceptions"},
		{"gc", edit(func(a *assembly) { a.types = append(a.types, "\x5f\x00") }), plainManifest, abi.CodeFeature, "0x5f"},
		{"huge table", edit(func(a *assembly) { a.tables = []string{"\x70\x00" + uleb(1<<20+1)} }), plainManifest, abi.CodeTooLarge, "1048577 elements"},
		{"huge tables", edit(func(a *assembly) { a.tables = []string{"\x70\x00" + uleb(1<<19), "\x70\x00" + uleb(1<<19+1)} }), plainManifest, abi.CodeTooLarge, "1048577 elements"},
		{"many tables", edit(func(a *assembly) { a.tables = slices.Repeat([]string{"\x70\x00\x00"}, 101) }), plainManifest, abi.CodeTooLarge, "101 tables"},
		{"huge function", edit(func(a *assembly) { a.funcs[2].code = strings.Repeat("\x01", 1<<20) }), plainManifest, abi.CodeTooLarge, "a function"},
		{"lying count", edit(func(a *assembly) { a.tail = sec(sectionCode, "\xff\xff\xff\xff\x0f") }), plainManifest, abi.CodeCompile, "cut short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := (&Engine{}).Load(packed(t, c.wasm, c.manifest))
			if !fault.Is(err, c.code) {
				t.Fatalf("got %v, want %v", err, c.code)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
	if _, err := (&Engine{}).Load(packed(t, minimal().bytes(), plainManifest)); err != nil {
		t.Errorf("the module without a fault is refused: %v", err)
	}
	for _, f := range []struct{ module, name string }{{abi.ImportModule, "now_us"}} {
		w := edit(func(a *assembly) {
			a.types = append(a.types, functype("", "\x7e"))
			a.imports = []string{name(f.module) + name(f.name) + "\x00" + uleb(6)}
			for n := range guestExports() {
				a.exports[n+1] = export(guestExports()[n].name, kindFunc, n+1)
			}
		})
		if _, err := (&Engine{}).Load(packed(t, w, plainManifest)); err != nil {
			t.Errorf("an import that is allowed is refused: %v", err)
		}
	}
}

// ABI-W-001, ABI-M-001: files that are no plugins.
func TestLoad_NoPlugin_Refused(t *testing.T) {
	whole := packed(t, minimal().bytes(), plainManifest)
	for _, c := range []struct {
		name string
		wasm []byte
		code fault.Code
		says string
	}{
		{"empty", nil, abi.CodeNotCoreWasm, ""},
		{"text", []byte("#!/bin/sh\necho no\n"), abi.CodeNotCoreWasm, ""},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), abi.CodeNotCoreWasm, "omponent"},
		{"truncated header", whole[:6], abi.CodeNotCoreWasm, ""},
		{"truncated", whole[:len(whole)-5], abi.CodeNotCoreWasm, ""},
		{"no manifest", minimal().bytes(), abi.CodeManifest, "pack"},
		{"too large", append(whole, make([]byte, maxModule)...), 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := (&Engine{}).Load(c.wasm)
			if err == nil || c.code != 0 && !fault.Is(err, c.code) {
				t.Fatalf("got %v, want %v", err, c.code)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
}

// openBare opens a stage of a hand-made module and gives the error.
func openBare(t *testing.T, wasm []byte, u Use) error {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	s := load(t, newEngine(t), packed(t, wasm, plainManifest)).Stage(u, env)
	defer s.Close()
	b := batchOf(t, 1, 1)
	defer b.Release()
	_, err := s.Open(context.Background(), b.Record.Schema())
	return err
}

// ABI-E-010, ABI-W-003: what only compiling or running can show.
func TestOpen_ModuleUnfit_Refused(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(a *assembly)
		use  Use
		code fault.Code
	}{
		{"abi 2.0", func(a *assembly) { a.funcs[0].code = "\x41\x80\x80\x08" }, Use{}, abi.CodeABIVersion},
		{"abi 1.1", func(a *assembly) { a.funcs[0].code = "\x41\x81\x80\x04" }, Use{}, abi.CodeABIVersion},
		{"invalid body", func(a *assembly) { a.funcs[0].code = "" }, Use{}, abi.CodeCompile},
		{"tail call", func(a *assembly) { a.funcs[0].code = "\x12\x00" }, Use{}, abi.CodeFeature},
		{"atomics", func(a *assembly) { a.funcs[2].code = "\xfe\x03\x00" }, Use{}, abi.CodeFeature},
		{"relaxed simd", func(a *assembly) { a.funcs[2].code = "\xfd\x80\x02" }, Use{}, abi.CodeFeature}, // the engine reads another instruction
		{"starts too large", func(a *assembly) { a.memories = []string{"\x00\x20"} }, Use{Limits: abi.Limits{Memory: 1 << 20}}, abi.CodeInit},
		{"start traps", func(a *assembly) {
			a.types = append(a.types, functype("", ""))
			a.funcs = append(a.funcs, fn{6, "\x00"})
			a.exports = append(a.exports, export("_initialize", kindFunc, 6))
		}, Use{}, abi.CodeInit},
		{"schema not written", func(*assembly) {}, Use{}, abi.CodeInit},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := minimal()
			c.edit(a)
			err := openBare(t, a.bytes(), c.use)
			if err == nil || fault.As(err).Code != c.code {
				t.Fatalf("got %v, want %v", err, c.code)
			}
		})
	}
}

// The compile cache is native code: nobody else may write it.
func TestEngine_CacheDir_IsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	e, err := NewEngine(Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	open(t, load(t, e, hostile(t, "map", decided)), Use{}, batchOf(t, 1, 1).Record.Schema())
	if files, err := filepath.Glob(filepath.Join(dir, "*", "*")); err != nil || len(files) == 0 {
		t.Errorf("nothing is kept in the cache: %v, %v", files, err)
	}
	if _, err := NewEngine(Options{CacheDir: filepath.Join("/dev/null", "cache")}); !fault.Is(err, CacheUnusable) {
		t.Errorf("got %v, want %v", err, CacheUnusable)
	}
}

// FuzzOutline feeds the section parser with what comes from outside.
func FuzzOutline(f *testing.F) {
	f.Add(minimal().bytes())
	f.Add(hostileCode)
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if len(wasm) < 8 {
			return
		}
		_, _ = readOutline(wasm)
	})
}
