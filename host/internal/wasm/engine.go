package wasm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// Options of an Engine.
type Options struct {
	// CacheDir keeps compiled code between runs. It is made with mode 0700.
	// Empty keeps compiled code in memory only: a Go plugin then takes
	// seconds to load, each time.
	CacheDir string
	// Unmetered runs modules as they are, without fuel and without a limit of
	// time: to measure what these cost, and for nothing else.
	Unmetered bool
	// StartFuel is what a guest may burn before its first batch: start section,
	// _initialize and fh_init together. 0 takes DefaultStartFuel.
	StartFuel int64
	// Overdraft is how many units a loop may go beyond its slice; 0 takes
	// fuel.Overdraft.
	Overdraft int64
}

// DefaultStartFuel is a few seconds of a guest (ABI-W-060).
const DefaultStartFuel = 2_000_000_000

// Engine compiles and runs modules. It is safe for concurrent use.
type Engine struct {
	cache   wazero.CompilationCache
	metered bool
	start   int64 // fuel
	// overdraft of innermost loops, which do not step aside.
	overdraft int64

	mu       sync.Mutex
	closed   bool
	machines map[uint32]*machine // by memory cap in pages
}

// machine is a runtime with one memory cap: the engine knows caps only per
// runtime. All share the compile cache.
type machine struct {
	rt wazero.Runtime

	mu       sync.Mutex
	compiled map[string]wazero.CompiledModule // by digest
}

// NewEngine makes an engine.
func NewEngine(o Options) (*Engine, error) {
	e := &Engine{machines: map[uint32]*machine{}, metered: !o.Unmetered, start: cmp.Or(o.StartFuel, DefaultStartFuel), overdraft: cmp.Or(o.Overdraft, fuel.Overdraft)}
	if o.CacheDir == "" {
		e.cache = wazero.NewCompilationCache()
		return e, nil
	}
	if err := privateDir(o.CacheDir); err != nil {
		return nil, err
	}
	cache, err := wazero.NewCompilationCacheWithDir(o.CacheDir)
	if err != nil {
		return nil, fault.Wrap(err, CacheUnusable, "the compile cache %q cannot be used", o.CacheDir).
			WithHint("check its permissions, or remove it: it is made anew")
	}
	e.cache = cache
	return e, nil
}

// privateDir makes a folder that only its owner can read or write: what lies
// in it is run as native code.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(err, CacheUnusable, "the compile cache %q cannot be made", dir)
	}
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(dir, 0o700)
	}
	if err != nil {
		return fault.Wrap(err, CacheUnusable, "the compile cache %q is open to other users", dir).
			WithHint("chmod 700 it: it holds native code")
	}
	return nil
}

// Close ends all instances and gives back their memory.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	var errs []error
	for _, m := range e.machines {
		errs = append(errs, m.rt.Close(ctx))
	}
	return errors.Join(append(errs, e.cache.Close(ctx))...)
}

// machine gives the runtime for a memory cap.
func (e *Engine) machine(ctx context.Context, pages uint32) (*machine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("the wasm engine is closed")
	}
	if m := e.machines[pages]; m != nil {
		return m, nil
	}
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(pages).
		WithCompilationCache(e.cache))
	if err := provide(ctx, rt); err != nil {
		_ = rt.Close(ctx)
		return nil, err
	}
	m := &machine{rt: rt, compiled: map[string]wazero.CompiledModule{}}
	e.machines[pages] = m
	return m, nil
}

// Module is a plugin that passed the checks of load. It is safe for
// concurrent use and needs no closing.
type Module struct {
	engine   *Engine
	manifest *abi.Manifest
	digest   string
	wasm     []byte
	outline  *outline
}

// Load checks a module: its manifest, imports, exports and sizes (FH-10xx).
// It does not compile it yet: that needs the memory cap of a stage. wasm must
// not change afterwards.
func (e *Engine) Load(wasm []byte) (*Module, error) {
	section, err := abi.ReadSection(wasm)
	if err != nil {
		return nil, contract.FromABI(err)
	}
	manifest, err := abi.ParseManifest(section)
	if err != nil {
		return nil, contract.FromABI(err)
	}
	o, err := check(wasm, manifest)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(wasm)
	return &Module{engine: e, manifest: manifest, digest: "sha256:" + hex.EncodeToString(sum[:]), wasm: wasm, outline: o}, nil
}

// Manifest is what the plugin says of itself. It must not be changed.
func (m *Module) Manifest() *abi.Manifest { return m.manifest }

// Digest is the sha256 of the module's bytes, "sha256:...".
func (m *Module) Digest() string { return m.digest }

// compile gives native code for the module, once per machine.
func (m *Module) compile(ctx context.Context, on *machine) (c wazero.CompiledModule, err error) {
	on.mu.Lock()
	defer on.mu.Unlock()
	if c := on.compiled[m.digest]; c != nil {
		return c, nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = contract.Refusal(abi.CodeCompile, "the engine broke down while compiling: %v", r)
		}
	}()
	code, err := m.code()
	if err != nil {
		return nil, err
	}
	c, err = on.rt.CompileModule(ctx, code)
	if err != nil {
		return nil, fault.Wrap(err, compileCode(err), "the module does not compile")
	}
	on.compiled[m.digest] = c
	return c, nil
}

// code gives the module as it is compiled: with checks, so that it counts its
// work. What the rewriter refuses is not shown to the engine, which trusts the
// counts that it reads.
func (m *Module) code() ([]byte, error) {
	if !m.engine.metered {
		return m.wasm, nil
	}
	code, err := fuel.Meter(m.wasm, m.engine.overdraft)
	switch {
	case err == nil:
		return code, nil
	case errors.Is(err, fuel.ErrUnknown):
		return nil, fault.Wrap(err, abi.CodeFeature, "the module cannot be run").WithHint("build it for Wasm 2.0")
	case errors.Is(err, fuel.ErrIndex), errors.Is(err, fuel.ErrReserved):
		return nil, fault.Wrap(err, abi.CodeReserved, "the module cannot be metered")
	case errors.Is(err, fuel.ErrGrowth), errors.Is(err, fuel.ErrLocals):
		return nil, fault.Wrap(err, abi.CodeTooLarge, "the module cannot be metered").WithHint("it is not what a compiler writes")
	}
	return nil, fault.Wrap(err, abi.CodeCompile, "the module is malformed")
}

// compileCode tells a module that wants more than Wasm 2.0 from a broken one.
// The engine has no error types for it.
func compileCode(err error) fault.Code {
	s := err.Error()
	if strings.Contains(s, "feature \"") || strings.Contains(s, "invalid instruction 0x") || strings.Contains(s, "feature not enabled") {
		return abi.CodeFeature
	}
	return abi.CodeCompile
}

// pagesFor gives the memory cap in pages, and refuses a module that needs
// more from the start.
func (m *Module) pagesFor(capBytes int64) (uint32, error) {
	pages := capBytes / pageBytes
	if need := int64(m.outline.memories[0].min); need > pages {
		return 0, contract.Refusal(abi.CodeInit, "the module starts with %s of memory, its cap is %s", size(need*pageBytes), size(capBytes)).
			WithHint("raise the stage's limits.memory")
	}
	return uint32(min(pages, abi.MaxMemory/pageBytes-1)), nil // a size of 4 GiB does not fit 32 bits
}

func size(n int64) string {
	if n%(1<<20) == 0 {
		return fmt.Sprintf("%dMiB", n>>20)
	}
	return fmt.Sprintf("%dKiB", n>>10)
}
