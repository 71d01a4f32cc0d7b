package wasm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/wasm/binary"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// Options of an Engine.
type Options struct {
	// CacheDir keeps compiled code between runs. It is made with mode 0700, and
	// must belong to the user.
	// Empty keeps compiled code in memory only: a Go plugin then takes
	// seconds to load, each time.
	CacheDir string
	// Unmetered runs modules as they are, without fuel and without a limit of
	// time: to measure what these cost, and for nothing else.
	Unmetered bool
	// StartFuel is what a guest may burn before its first batch: start section,
	// _initialize and fh_init together. 0 takes DefaultStartFuel.
	StartFuel int64
}

// DefaultStartFuel is a second of a guest, or less (ABI-W-060).
const DefaultStartFuel = 500_000_000

// Engine compiles and runs modules. It is safe for concurrent use.
type Engine struct {
	dir     string // of compiled code; empty keeps none
	metered bool
	start   int64 // fuel

	mu       sync.Mutex
	closed   bool
	machines map[machineKey]*machine
	stores   map[string]*store // by digest of a module
	building sync.WaitGroup
}

// NewEngine makes an engine.
func NewEngine(o Options) (*Engine, error) {
	e := &Engine{
		dir: o.CacheDir, metered: !o.Unmetered, start: cmp.Or(o.StartFuel, DefaultStartFuel),
		machines: map[machineKey]*machine{}, stores: map[string]*store{},
	}
	if o.CacheDir == "" {
		return e, nil
	}
	return e, privateDir(o.CacheDir)
}

// Close ends all instances and gives back their memory. It waits for what is
// being compiled.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	closed := e.closed
	e.closed = true
	e.mu.Unlock()
	e.building.Wait()
	if closed {
		return nil
	}
	var errs []error
	for _, m := range e.machines {
		errs = append(errs, m.close(ctx))
	}
	for _, s := range e.stores {
		errs = append(errs, s.close(ctx))
	}
	return errors.Join(errs...)
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

// code gives the module as it is compiled: with checks, so that it counts its
// work. What the rewriter refuses is not shown to the engine, which trusts the
// counts that it reads.
func (m *Module) code() ([]byte, error) {
	if !m.engine.metered {
		return m.wasm, nil
	}
	code, err := fuel.Meter(m.wasm)
	switch {
	case err == nil:
		return code, nil
	case errors.Is(err, binary.ErrFeature):
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
	if need := int64(m.outline.memories[0].Min); need > pages {
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
