package wasm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/conformance/hostile"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/hosttest"
)

// ABI-W-001 to ABI-W-004, ABI-W-031, ABI-W-060: what is refused, and with
// which code, before any code of the module has run.
func TestLoad_ForbiddenModule_Refused(t *testing.T) {
	const i = "\x7f"
	wasi := strings.Replace(plainManifest, `"stateful"`, `"wasi":"preview1","stateful"`, 1)
	edit := func(f func(a *hostile.Module)) []byte {
		a := hostile.Minimal()
		f(a)
		return a.Bytes()
	}
	importing := func(module, field string, typ int) []byte {
		return hostile.Minimal().Imported(module, field, typ).Bytes()
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
		{"imported global", edit(func(a *hostile.Module) {
			a.Imports = []string{hostile.Sized(abi.ImportModule) + hostile.Sized("g") + "\x03" + i + "\x00"}
		}), plainManifest, abi.CodeImport, "no function"},
		{"imported table", edit(func(a *hostile.Module) {
			a.Imports = []string{hostile.Sized(abi.ImportModule) + hostile.Sized("t") + "\x01\x70\x00\x01"}
		}), plainManifest, abi.CodeImport, "no function"},
		{"imported memory", edit(func(a *hostile.Module) {
			a.Memories = nil
			a.Imports = []string{hostile.Sized(abi.ImportModule) + hostile.Sized("m") + "\x02\x00\x01"}
		}), plainManifest, abi.CodeImport, "no function"},
		{"no memory", edit(func(a *hostile.Module) { a.Memories = nil }), plainManifest, abi.CodeExport, "memory"},
		{"memory not exported", edit(func(a *hostile.Module) { a.Exports = a.Exports[1:] }), plainManifest, abi.CodeExport, "memory"},
		{"export missing", edit(func(a *hostile.Module) { a.Exports = a.Exports[:6] }), plainManifest, abi.CodeExport, "fh_release"},
		{"export of wrong type", edit(func(a *hostile.Module) { a.Funcs[4] = hostile.Func{Type: 3, Code: "\x41\x00"} }), plainManifest, abi.CodeExport, "fh_process"},
		{"export no function", edit(func(a *hostile.Module) { a.Exports[5] = hostile.Export("fh_process", hostile.KindMemory, 0) }), plainManifest, abi.CodeExport, "fh_process"},
		{"command", edit(func(a *hostile.Module) { a.Exports = append(a.Exports, hostile.Export("_start", hostile.KindFunc, 2)) }), plainManifest, abi.CodeExport, "_start"},
		{"initialize with arguments", edit(func(a *hostile.Module) {
			a.Exports = append(a.Exports, hostile.Export("_initialize", hostile.KindFunc, 2))
		}), plainManifest, abi.CodeExport, "_initialize"},
		{"reserved export", edit(func(a *hostile.Module) {
			a.Exports = append(a.Exports, hostile.Export("__featurehost_fuel", hostile.KindFunc, 0))
		}), plainManifest, abi.CodeReserved, "__featurehost_fuel"},
		{"two memories", edit(func(a *hostile.Module) { a.Memories = []string{"\x00\x01", "\x00\x01"} }), plainManifest, abi.CodeFeature, "2 memories"},
		{"threads", edit(func(a *hostile.Module) { a.Memories = []string{"\x03\x01\x02"} }), plainManifest, abi.CodeFeature, "threads"},
		{"memory64", edit(func(a *hostile.Module) { a.Memories = []string{"\x04\x01"} }), plainManifest, abi.CodeFeature, "64-bit"},
		{"exceptions", edit(func(a *hostile.Module) { a.Tail = hostile.Section(hostile.SectionTag, "\x01\x00\x02") }), plainManifest, abi.CodeFeature, "exceptions"},
		{"gc", edit(func(a *hostile.Module) { a.Types = append(a.Types, "\x5f\x00") }), plainManifest, abi.CodeFeature, "0x5f"},
		{"huge table", edit(func(a *hostile.Module) { a.Tables = []string{"\x70\x00" + hostile.ULEB(1<<20+1)} }), plainManifest, abi.CodeTooLarge, "1048577 elements"},
		{"huge tables", edit(func(a *hostile.Module) {
			a.Tables = []string{"\x70\x00" + hostile.ULEB(1<<19), "\x70\x00" + hostile.ULEB(1<<19+1)}
		}), plainManifest, abi.CodeTooLarge, "1048577 elements"},
		{"many tables", edit(func(a *hostile.Module) { a.Tables = slices.Repeat([]string{"\x70\x00\x00"}, 101) }), plainManifest, abi.CodeTooLarge, "101 tables"},
		{"huge function", edit(func(a *hostile.Module) { a.Funcs[2].Code = strings.Repeat("\x01", 1<<20) }), plainManifest, abi.CodeTooLarge, "a function"},
		{"lying count", edit(func(a *hostile.Module) { a.Tail = hostile.Section(hostile.SectionCode, "\xff\xff\xff\xff\x0f") }), plainManifest, abi.CodeCompile, "cut short"},
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
	if _, err := (&Engine{}).Load(packed(t, hostile.Minimal().Bytes(), plainManifest)); err != nil {
		t.Errorf("the module without a fault is refused: %v", err)
	}
	for _, f := range []struct{ module, name string }{{abi.ImportModule, "now_us"}} {
		w := edit(func(a *hostile.Module) {
			a.Types = append(a.Types, hostile.FuncType("", "\x7e"))
			a.Imports = []string{hostile.Sized(f.module) + hostile.Sized(f.name) + "\x00" + hostile.ULEB(6)}
			for n := range hostile.GuestExports() {
				a.Exports[n+1] = hostile.Export(hostile.GuestExports()[n], hostile.KindFunc, n+1)
			}
		})
		if _, err := (&Engine{}).Load(packed(t, w, plainManifest)); err != nil {
			t.Errorf("an import that is allowed is refused: %v", err)
		}
	}
}

// ABI-W-001, ABI-M-001: files that are no plugins.
func TestLoad_NoPlugin_Refused(t *testing.T) {
	whole := packed(t, hostile.Minimal().Bytes(), plainManifest)
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
		{"no manifest", hostile.Minimal().Bytes(), abi.CodeManifest, "pack"},
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
	m, err := newEngine(t).Load(packed(t, wasm, plainManifest))
	if err != nil {
		return err
	}
	s := m.Stage(u, env)
	defer s.Close()
	b := batchOf(t, 1, 1)
	defer b.Release()
	_, err = s.Open(context.Background(), b.Record.Schema())
	return err
}

// ABI-E-010, ABI-W-003: what the code shows, and what only compiling or running
// can show.
func TestOpen_ModuleUnfit_Refused(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(a *hostile.Module)
		use  Use
		code fault.Code
	}{
		{"abi 2.0", func(a *hostile.Module) { a.Funcs[0].Code = "\x41\x80\x80\x08" }, Use{}, abi.CodeABIVersion},
		{"abi 1.1", func(a *hostile.Module) { a.Funcs[0].Code = "\x41\x81\x80\x04" }, Use{}, abi.CodeABIVersion},
		{"invalid body", func(a *hostile.Module) { a.Funcs[0].Code = "" }, Use{}, abi.CodeCompile},
		{"tail call", func(a *hostile.Module) { a.Funcs[0].Code = "\x12\x00" }, Use{}, abi.CodeFeature},
		{"atomics", func(a *hostile.Module) { a.Funcs[2].Code = "\xfe\x03\x00" }, Use{}, abi.CodeFeature},
		{"relaxed simd", func(a *hostile.Module) { a.Funcs[2].Code = "\xfd\x80\x02" }, Use{}, abi.CodeFeature}, // the engine reads another instruction
		{"starts too large", func(a *hostile.Module) { a.Memories = []string{"\x00\x20"} }, Use{Limits: abi.Limits{Memory: 1 << 20}}, abi.CodeInit},
		{"start traps", func(a *hostile.Module) {
			a.Types = append(a.Types, hostile.FuncType("", ""))
			a.Funcs = append(a.Funcs, hostile.Func{Type: 6, Code: "\x00"})
			a.Exports = append(a.Exports, hostile.Export("_initialize", hostile.KindFunc, 6))
		}, Use{}, abi.CodeInit},
		{"schema not written", func(*hostile.Module) {}, Use{}, abi.CodeInit},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := hostile.Minimal()
			c.edit(a)
			err := openBare(t, a.Bytes(), c.use)
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
	open(t, load(t, e, hostilePlugin(t, "map", decided)), Use{}, batchOf(t, 1, 1).Record.Schema())
	if files, err := filepath.Glob(filepath.Join(dir, "*", "*")); err != nil || len(files) == 0 {
		t.Errorf("nothing is kept in the cache: %v, %v", files, err)
	}
	if _, err := NewEngine(Options{CacheDir: filepath.Join("/dev/null", "cache")}); !fault.Is(err, CacheUnusable) {
		t.Errorf("got %v, want %v", err, CacheUnusable)
	}
}

// openWith opens a stage of a small plugin on an engine of its own and does a batch.
func openWith(t *testing.T, dir string) error {
	t.Helper()
	e, err := NewEngine(Options{CacheDir: dir})
	if err != nil {
		return err
	}
	defer e.Close(context.Background())
	env, _, _ := hosttest.Env(t)
	s := load(t, e, hostilePlugin(t, "map", decided)).Stage(mode("good"), env)
	defer s.Close()
	b := batchOf(t, 1, 3)
	defer b.Release()
	if _, err := s.Open(context.Background(), b.Record.Schema()); err != nil {
		return err
	}
	var out hosttest.Recorder
	defer out.Release()
	if err := s.Process(context.Background(), b, out.Emit); err != nil {
		return err
	}
	if got := out.Text(); got != "1 | 2\n2 | 4\n2 | 4\n" {
		return fmt.Errorf("got %s", got)
	}
	return nil
}

// cached gives the file of native code in a cache that has one module.
func cached(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*", "wazero-*", "*"+sumSuffix))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	return strings.TrimSuffix(list[0], sumSuffix)
}

// P5: a file of the cache that is not what was written is never run: it is
// removed, and the module compiled again.
func TestEngine_Cache_DamagedFile_CompiledAgain(t *testing.T) {
	dir := t.TempDir()
	if err := openWith(t, dir); err != nil {
		t.Fatal(err)
	}
	path := cached(t, dir)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string]func() error{
		"sum gone":    func() error { return os.Remove(path + sumSuffix) },
		"sum cut":     func() error { return os.Truncate(path+sumSuffix, 10) },
		"file gone":   func() error { return os.Remove(path) },
		"a link":      func() error { return errors.Join(os.Rename(path, path+"x"), os.Symlink(path+"x", path)) },
		"half-made":   func() error { return os.WriteFile(path+".1.tmp", good[:10], 0o600) },
		"no folder":   func() error { return os.RemoveAll(filepath.Dir(path)) },
		"in its way":  func() error { return errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "a"), 0o700)) },
		"other bytes": func() error { return os.WriteFile(path, []byte("no code"), 0o600) },
	}
	for _, n := range []int{0, 1, 10, 100, len(good) / 2, len(good) - 1} {
		damage[fmt.Sprintf("cut to %d", n)] = func() error { return os.WriteFile(path, good[:n], 0o600) }
	}
	for at := 0; at < len(good); at += 1 + len(good)/16 { // numbers, code, checksum, source map
		damage[fmt.Sprintf("bit at %d", at)] = func() error {
			b := slices.Clone(good)
			b[at] ^= 0x40
			return os.WriteFile(path, b, 0o600)
		}
	}
	for name, f := range damage {
		if err := f(); err != nil {
			t.Fatal(name, err)
		}
		for range 2 {
			if err := openWith(t, dir); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got, err := os.ReadFile(path); name != "in its way" && (err != nil || !sealed(path)) {
			t.Errorf("%s: %d bytes are kept, %v", name, len(got), err)
		}
		_ = os.RemoveAll(dir)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(path, good, 0o600), os.WriteFile(path+sumSuffix, []byte(sumText(good)), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// P5: what others could have written is not run: it is removed. What is not the
// cache's stays.
func TestEngine_Cache_WasOpen_Emptied(t *testing.T) {
	for mode, kept := range map[os.FileMode]bool{0o700: true, 0o750: true, 0o770: false, 0o702: false} {
		dir := t.TempDir()
		if err := openWith(t, dir); err != nil {
			t.Fatal(err)
		}
		path, mine := cached(t, dir), filepath.Join(dir, "notes.txt")
		if err := errors.Join(os.WriteFile(mine, nil, 0o600), os.Chmod(dir, mode)); err != nil {
			t.Fatal(err)
		}
		e, err := NewEngine(Options{CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close(context.Background())
		if _, err := os.Stat(path); (err == nil) != kept {
			t.Errorf("mode %v: the code is there: %t, want %t", mode, err == nil, kept)
		}
		if _, err := os.Stat(mine); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}

// P5: a folder of somebody else's is no place for native code.
func TestEngine_Cache_ForeignOwner_Refused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chown(dir, os.Geteuid()+1, -1); err != nil {
		t.Skip("needs to be root: ", err)
	}
	if _, err := NewEngine(Options{CacheDir: dir}); !fault.Is(err, CacheUnusable) || !strings.Contains(err.Error(), "another user") {
		t.Errorf("got %v", err)
	}
}

// A stage that is given up waits no longer for the compiler; Close does, and the
// code is there for the next one.
func TestOpen_ContextDone_WaitsNoLonger(t *testing.T) {
	e, err := NewEngine(Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := load(t, e, hostilePlugin(t, "map", decided))
	env, _, _ := hosttest.Env(t)
	b := batchOf(t, 1, 1)
	defer b.Release()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := m.Stage(mode("good"), env)
	defer s.Close()
	if _, err := s.Open(ctx, b.Record.Schema()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := e.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if len(e.machines) != 1 {
		t.Errorf("%d machines", len(e.machines))
	}
	for _, on := range e.machines {
		if on.code == nil || on.err != nil {
			t.Errorf("it was not compiled: %v", on.err)
		}
	}
	if _, err := m.Stage(mode("good"), env).Open(context.Background(), b.Record.Schema()); err == nil {
		t.Error("a closed engine opens stages")
	}
}

// FuzzOutline feeds the section parser with what comes from outside.
func FuzzOutline(f *testing.F) {
	f.Add(hostile.Minimal().Bytes())
	f.Add(hostile.GuestProgram())
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if len(wasm) < 8 {
			return
		}
		_, _ = readOutline(wasm)
	})
}
