package host

import (
	"context"
	"errors"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/crash"
	"github.com/featurehost/featurehost/host/internal/process"
	"github.com/featurehost/featurehost/host/internal/wasm"
)

// Bench runs plugins outside of any pipeline, for suites that judge them and for
// measurements. It is safe for use by several goroutines.
type Bench struct {
	modules  *wasm.Engine
	programs *process.Engine
}

// BenchOptions of a Bench; the zero value works.
type BenchOptions struct {
	// CacheDir keeps compiled modules; empty keeps none.
	CacheDir string
	// StartFuel is what a module may burn before its first batch; 0 takes what a
	// pipeline gives it.
	StartFuel int64
	// TempDir is where the private folders of programs are made; empty takes the
	// system's.
	TempDir string
	// StartTimeout is how long a program may take to its handshake, BindTimeout to
	// describe itself and to bind, ShutdownTimeout to end when asked to; 0 takes
	// what a pipeline gives it.
	StartTimeout, BindTimeout, ShutdownTimeout time.Duration
}

// NewBench makes one.
func NewBench(o BenchOptions) (*Bench, error) {
	modules, err := wasm.NewEngine(wasm.Options{CacheDir: o.CacheDir, StartFuel: o.StartFuel})
	if err != nil {
		return nil, err
	}
	programs := process.NewEngine(process.Options{
		TempDir: o.TempDir, StartTimeout: o.StartTimeout, BindTimeout: o.BindTimeout, ShutdownTimeout: o.ShutdownTimeout,
	})
	return &Bench{modules: modules, programs: programs}, nil
}

// Close ends the engines. Stages must be closed before.
func (b *Bench) Close() error {
	return errors.Join(b.modules.Close(context.Background()), b.programs.Close())
}

// BenchUse says how a plugin is used.
type BenchUse struct {
	// Config is the stage's config table.
	Config map[string]any
	// Keys and Time name columns of the input, for plugins of kind keyed.
	Keys []string
	Time string
	// MTLS is as in a pipeline file, for programs.
	MTLS bool
	// Limits cap the plugin's own; zero fields do not.
	Limits abi.Limits
	// OnError is as in a pipeline file: fail (also ""), dead_letter or skip. A
	// keyed plugin always fails.
	OnError string
}

// Stage makes a stage of a module, a file's bytes. Errors of load (FH-10xx) come
// from here, those of binding from Open.
func (b *Bench) Stage(code []byte, use BenchUse, env flow.Env) (flow.Stage, error) {
	m, err := b.modules.Load(code)
	if err != nil {
		return nil, err
	}
	return staged(wasmModule{m}, use, env), nil
}

// Program makes a stage of a process plugin, given its folder. Errors of load
// (FH-10xx) come from here, those of start and binding from Open.
func (b *Bench) Program(folder string, use BenchUse, env flow.Env) (flow.Stage, error) {
	m, err := b.programs.Load(folder, "")
	if err != nil {
		return nil, err
	}
	return staged(processModule{m}, use, env), nil
}

// staged makes a stage whose failures are dealt with, as a pipeline does.
func staged(m module, u BenchUse, env flow.Env) flow.Stage {
	name := m.Manifest().Name
	s := m.stage(use{name: name, config: u.Config, by: contract.Grouping{Keys: u.Keys, Time: u.Time}, limits: u.Limits, mtls: u.MTLS}, env)
	worker, again := s.(crash.Worker)
	if !again { // it is keyed
		return s
	}
	return crash.Guard(worker, crash.Settings{Name: name, Policy: policy(u.OnError), Rejects: env.Rejects, Counter: env.Counter})
}
