package wasm

import (
	"errors"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/wasm/binary"
)

const (
	wasiModule = "wasi_snapshot_preview1"
	pageBytes  = 1 << 16
)

// guestExports lists the functions that a module of a kind must export.
func guestExports(kind abi.Kind) []struct {
	name string
	sig  functype
} {
	out := []struct {
		name string
		sig  functype
	}{
		{"fh_abi_version", sig(nil, i32)},
		{"fh_alloc", sig([]byte{i32}, i32)},
		{"fh_free", sig([]byte{i32, i32})},
		{"fh_init", sig([]byte{i32, i32, i32, i32}, i32)},
		{"fh_process", sig([]byte{i32, i32}, i32)},
		{"fh_release", sig([]byte{i32})},
	}
	if kind == abi.Keyed {
		flush := out[0]
		flush.name, flush.sig = "fh_flush", sig([]byte{i32}, i32)
		out = append(out, flush)
	}
	return out
}

// check holds a module against SPEC.md section 2, without compiling it.
func check(wasm []byte, m *abi.Manifest) (*outline, error) {
	if len(wasm) > maxModule {
		return nil, contract.Refusal(abi.CodeTooLarge, "the module has %d bytes, at most %d are allowed", len(wasm), maxModule).
			WithHint("strip it, or optimise for size")
	}
	o, err := readOutline(wasm)
	var many *tooMany
	switch {
	case errors.As(err, &many):
		return nil, contract.Refusal(abi.CodeTooLarge, "the module is too large: %v", err).WithHint("cut it, or optimise it for size: the host gives a compiler so much room and no more")
	case errors.Is(err, binary.ErrFeature):
		return nil, fault.Wrap(err, abi.CodeFeature, "the module cannot be run").WithHint("build it for Wasm 2.0")
	case err != nil:
		return nil, fault.Wrap(err, abi.CodeCompile, "the module is malformed")
	}
	for _, f := range []func(*outline, *abi.Manifest) error{checkFeatures, checkImports, checkMemory, checkExports, checkSizes} {
		if err := f(o, m); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func checkFeatures(o *outline, _ *abi.Manifest) error {
	const hint = "build it for Wasm 2.0, without that feature"
	memories := len(o.memories)
	for _, i := range o.imports {
		if i.kind == binary.KindMemory {
			memories++
		}
		if i.kind > binary.KindGlobal {
			o.tags = true
		}
	}
	switch {
	case o.tags:
		return contract.Refusal(abi.CodeFeature, "the module uses exceptions").WithHint(hint)
	case memories > 1:
		return contract.Refusal(abi.CodeFeature, "the module has %d memories, expected one", memories).WithHint(hint)
	}
	for _, l := range append(o.memories, o.tables...) {
		if err := l.Feature(); err != nil {
			return fault.Wrap(err, abi.CodeFeature, "the module cannot be run").WithHint(hint)
		}
	}
	return nil
}

func checkImports(o *outline, m *abi.Manifest) error {
	for _, i := range o.imports {
		var known map[string]hostFunc
		switch i.module {
		case abi.ImportModule:
			known = hostFuncs()
		case wasiModule:
			if !m.WASI {
				return contract.Refusal(abi.CodeImport, "the module imports %q from %q, but its manifest does not say wasi = \"preview1\"", i.name, i.module).
					WithHint("say so in the manifest, or build without WASI")
			}
			known = wasiFuncs()
		default:
			return contract.Refusal(abi.CodeImport, "the module imports %q from %q; only %q is open to it", i.name, i.module, abi.ImportModule)
		}
		if i.kind != binary.KindFunction {
			return contract.Refusal(abi.CodeImport, "the module imports %q from %q, which is no function", i.name, i.module)
		}
		f, ok := known[i.name]
		if !ok {
			e := contract.Refusal(abi.CodeImport, "the module imports %q from %q, which plugins are not given", i.name, i.module)
			if i.module == wasiModule {
				return e.WithHint("plugins have no files, environment or network: leave out the library that wants them (in Go: fmt, os, time)")
			}
			return e
		}
		if want := f.sig(); !i.sig.equal(want) {
			return contract.Refusal(abi.CodeImport, "the module imports %q from %q as %s, expected %s", i.name, i.module, i.sig, want)
		}
	}
	return nil
}

func checkMemory(o *outline, _ *abi.Manifest) error {
	if len(o.memories) == 0 {
		return contract.Refusal(abi.CodeExport, "the module has no memory of its own")
	}
	return nil
}

func checkExports(o *outline, m *abi.Manifest) error {
	have := map[string]exported{}
	for _, e := range o.exports {
		if strings.HasPrefix(e.name, "__featurehost") {
			return contract.Refusal(abi.CodeReserved, "the module exports %q", e.name).WithHint("rename it: names with that prefix belong to the host")
		}
		have[e.name] = e
	}
	const hint = "check the linker flags that keep exports alive"
	if e, ok := have["memory"]; !ok || e.kind != binary.KindMemory {
		return contract.Refusal(abi.CodeExport, "the module does not export its memory as \"memory\"").WithHint(hint)
	}
	for _, want := range guestExports(m.Kind) {
		e, ok := have[want.name]
		if !ok {
			return contract.Refusal(abi.CodeExport, "the module does not export %q", want.name).WithHint(hint)
		}
		got, ok := o.function(e.index)
		if e.kind != binary.KindFunction || !ok {
			return contract.Refusal(abi.CodeExport, "the export %q is no function", want.name)
		}
		if !got.equal(want.sig) {
			return contract.Refusal(abi.CodeExport, "the export %q is %s, expected %s", want.name, got, want.sig)
		}
	}
	if e, ok := have["_initialize"]; ok {
		if got, ok := o.function(e.index); e.kind != binary.KindFunction || !ok || !got.equal(sig(nil)) {
			return contract.Refusal(abi.CodeExport, "the export \"_initialize\" is not a function of type %s", sig(nil))
		}
	}
	if _, ok := have["_start"]; ok {
		return contract.Refusal(abi.CodeExport, "the module exports \"_start\": it is a command, not a reactor").
			WithHint("build it with -mexec-model=reactor, or in Go with -buildmode=c-shared")
	}
	return nil
}

func checkSizes(o *outline, _ *abi.Manifest) error {
	if o.largestFn > maxFunction {
		return contract.Refusal(abi.CodeTooLarge, "a function of the module has %d bytes, at most %d are allowed", o.largestFn, maxFunction)
	}
	elements := uint64(0)
	for _, t := range o.tables {
		elements += t.Min
	}
	if elements > maxTable {
		return contract.Refusal(abi.CodeTooLarge, "the tables of the module begin with %d elements, at most %d are allowed", elements, maxTable)
	}
	return nil
}
