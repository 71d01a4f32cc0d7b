package wasm

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// maxText is what is kept of a text that a guest hands over.
const maxText = 4 << 10

// hostFunc is a function that guests may import. run finds its arguments in
// stack and leaves its result there.
type hostFunc struct {
	params  []byte
	results []byte
	run     func(g *guest, mem api.Memory, stack []uint64)
}

func (f hostFunc) sig() functype { return sig(f.params, f.results...) }

// misuse is what a host function panics with when a guest lies to it. It
// reaches the caller of the guest as the error of the call.
type misuse struct{ text string }

func (m *misuse) Error() string { return m.text }

// hostFuncs are the imports of featurehost_v1 (SPEC.md section 3).
func hostFuncs() map[string]hostFunc {
	return map[string]hostFunc{
		"log": {[]byte{i32, i32, i32}, nil, func(g *guest, mem api.Memory, s []uint64) {
			if b := g.text(mem, uint32(s[1]), uint32(s[2])); g.log.Admit() {
				g.log.Write(int32(s[0]), contract.Printable(b))
			}
		}},
		"set_error": {[]byte{i32, i32}, nil, func(g *guest, mem api.Memory, s []uint64) {
			g.said = append(g.said[:0], g.text(mem, uint32(s[0]), uint32(s[1]))...)
		}},
		"counter_add": {[]byte{i32, i32, f64}, nil, func(g *guest, mem api.Memory, s []uint64) {
			g.count(string(g.text(mem, uint32(s[0]), uint32(s[1]))), api.DecodeF64(s[2]))
		}},
		"now_us":       {nil, []byte{i64}, func(g *guest, _ api.Memory, s []uint64) { s[0] = uint64(g.now) }},
		"watermark_us": {nil, []byte{i64}, func(_ *guest, _ api.Memory, s []uint64) { s[0] = 1 << 63 }}, // batch mode: no watermark yet
	}
}

// text gives a text of the guest, cut to maxText bytes, until it goes on. It is
// paid for before anybody looks at it.
func (g *guest) text(mem api.Memory, p, n uint32) []byte {
	if uint64(p)+uint64(n) > uint64(mem.Size()) {
		panic(&misuse{"a text handed to the host lies outside the guest's memory"})
	}
	n = min(n, maxText)
	g.tank.burn(int64(n))
	b, _ := mem.Read(p, n)
	return b
}

// guestKey is how a host function finds the guest that called it.
type guestKey struct{}

// provide makes the host's side of the imports in a runtime.
func provide(ctx context.Context, rt wazero.Runtime) error {
	for module, funcs := range map[string]map[string]hostFunc{abi.ImportModule: hostFuncs(), wasiModule: wasiFuncs()} {
		b := rt.NewHostModuleBuilder(module)
		for name, f := range funcs {
			run := f.run
			b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
				g := ctx.Value(guestKey{}).(*guest)
				g.tank.burn(hostCall)
				run(g, mod.Memory(), stack)
			}), valueTypes(f.params), valueTypes(f.results)).Export(name)
		}
		if _, err := b.Instantiate(ctx); err != nil {
			return err
		}
	}
	return nil
}

func valueTypes(types []byte) []api.ValueType {
	out := make([]api.ValueType, len(types))
	copy(out, types)
	return out
}
