package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/catalog"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/process"
	"github.com/featurehost/featurehost/host/internal/wasm"
)

// engines run plugins, each kind in its own; a pipeline cannot tell them apart.
type engines struct {
	cacheDir string // of compiled modules

	mu      sync.Mutex
	wasm    *wasm.Engine
	process *process.Engine
	loaded  map[string]module // by path
}

// module is a plugin that was found fit.
type module interface {
	Manifest() *abi.Manifest
	Digest() string
	// stage makes a stage of it, which is a crash.Worker unless it is keyed.
	stage(u use, env flow.Env) limited
}

// limited is a stage that is given so much and no more.
type limited interface {
	flow.Stage
	Limits() abi.Limits
}

// use says how one stage of a pipeline uses a plugin.
type use struct {
	name   string
	config map[string]any
	by     contract.Grouping
	limits abi.Limits
	seed   string
	mtls   bool // of a program
}

type wasmModule struct{ *wasm.Module }

func (m wasmModule) stage(u use, env flow.Env) limited {
	as := wasm.Use{Stage: u.name, Config: u.config, By: u.by, Limits: u.limits, Seed: u.seed}
	if m.Manifest().Kind == abi.Keyed {
		return m.Keyed(as, env)
	}
	return m.Stage(as, env)
}

type processModule struct{ *process.Module }

func (m processModule) stage(u use, env flow.Env) limited {
	as := process.Use{Stage: u.name, Config: u.config, By: u.by, Limits: u.limits, Seed: u.seed, MTLS: u.mtls}
	if m.Manifest().Kind == abi.Keyed {
		return m.Keyed(as, env)
	}
	return m.Stage(as, env)
}

// load loads a plugin once, however many stages use it.
func (e *engines) load(entry catalog.Entry) (module, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m, ok := e.loaded[entry.Path]; ok {
		return m, nil
	}
	load := e.loadWasm
	if entry.Transport == catalog.Process {
		load = e.loadProcess
	}
	m, err := load(entry)
	if err != nil {
		return nil, err
	}
	if e.loaded == nil {
		e.loaded = map[string]module{}
	}
	e.loaded[entry.Path] = m
	return m, nil
}

func (e *engines) loadWasm(entry catalog.Entry) (module, error) {
	if e.wasm == nil {
		engine, err := wasm.NewEngine(wasm.Options{CacheDir: e.cacheDir})
		if err != nil {
			return nil, err
		}
		e.wasm = engine
	}
	code, err := entry.Bytes()
	if err != nil {
		return nil, err
	}
	m, err := e.wasm.Load(code)
	if err != nil {
		return nil, err
	}
	return wasmModule{m}, nil
}

func (e *engines) loadProcess(entry catalog.Entry) (module, error) {
	if e.process == nil {
		e.process = process.NewEngine(process.Options{})
	}
	if err := entry.Unchanged(); err != nil {
		return nil, err
	}
	m, err := e.process.Load(entry.Path, entry.Digest)
	if err != nil {
		return nil, err
	}
	return processModule{m}, nil
}

// Close ends them; stages must be closed before.
func (e *engines) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	if e.wasm != nil {
		errs = append(errs, e.wasm.Close(context.Background()))
	}
	if e.process != nil {
		errs = append(errs, e.process.Close())
	}
	e.wasm, e.process, e.loaded = nil, nil, nil
	return errors.Join(errs...)
}

// cacheDir keeps compiled plugins. The user's own cache serves all pipelines of
// the user, so that a plugin is compiled once per machine and a check leaves
// nothing beside the pipeline file; without a home it is in the state folder.
func cacheDir(state string) string {
	if user, err := os.UserCacheDir(); err == nil {
		return filepath.Join(user, "featurehost", "wasm")
	}
	return filepath.Join(state, "cache")
}
