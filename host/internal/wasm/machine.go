package wasm

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// machineKey is a module and a memory cap in pages.
type machineKey struct {
	digest string
	pages  uint32
}

// machine is a compiled module in a runtime with one memory cap: the engine knows
// caps only per runtime. Those of one module share its compiled code.
type machine struct {
	built chan struct{} // closed when the rest is there
	rt    wazero.Runtime
	code  wazero.CompiledModule
	err   error
}

// machine gives the module compiled for a memory cap, once. When ctx is done it
// waits no longer; what is being compiled is kept for the next one who asks.
func (m *Module) machine(ctx context.Context, pages uint32) (*machine, error) {
	on, err := m.building(pages)
	if err != nil {
		return nil, err
	}
	select {
	case <-on.built:
		return on, on.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the plugin is being compiled: %w", ctx.Err())
	}
}

// building gives a machine that is built, or is being built.
func (m *Module) building(pages uint32) (*machine, error) {
	e, key := m.engine, machineKey{m.digest, pages}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("the wasm engine is closed")
	}
	if on := e.machines[key]; on != nil {
		return on, nil
	}
	s := e.stores[m.digest]
	if s == nil {
		s = e.store()
		e.stores[m.digest] = s
	}
	on := &machine{built: make(chan struct{})}
	e.machines[key] = on
	e.building.Add(1)
	go func() {
		defer e.building.Done()
		defer close(on.built)
		code, err := m.code()
		if err != nil {
			on.err = err
			return
		}
		on.rt, on.code, on.err = s.compile(code, pages)
	}()
	return on, nil
}

// compile makes a runtime and native code in it. Nothing stops it: the engine
// looks at no context while it compiles.
func compile(cache wazero.CompilationCache, code []byte, pages uint32) (rt wazero.Runtime, c wazero.CompiledModule, err error) {
	ctx := context.Background()
	defer func() {
		if r := recover(); r != nil {
			err = contract.Refusal(abi.CodeCompile, "the engine broke down while compiling: %v", r)
		}
		if err != nil && rt != nil {
			_ = rt.Close(ctx)
			rt, c = nil, nil
		}
	}()
	rt = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(pages).
		WithCompilationCache(cache))
	if err := provide(ctx, rt); err != nil {
		return rt, nil, err
	}
	if c, err = rt.CompileModule(ctx, code); err != nil {
		return rt, nil, fault.Wrap(err, compileCode(err), "the module does not compile")
	}
	return rt, c, nil
}

// close ends a machine that is built.
func (m *machine) close(ctx context.Context) error {
	if m.rt == nil {
		return nil
	}
	return m.rt.Close(ctx)
}
