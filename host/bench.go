package host

import (
	"context"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/crash"
	"github.com/featurehost/featurehost/host/internal/wasm"
)

// Bench runs plugins outside of any pipeline, for suites that judge them and for
// measurements. It is safe for use by several goroutines.
type Bench struct{ engine *wasm.Engine }

// BenchOptions of a Bench; the zero value works.
type BenchOptions struct {
	// CacheDir keeps compiled plugins; empty keeps none.
	CacheDir string
	// StartFuel is what a module may burn before its first batch; 0 takes what a
	// pipeline gives it.
	StartFuel int64
	// Overdraft is how far an innermost loop may go beyond its slice of fuel; 0
	// takes what a pipeline gives it.
	Overdraft int64
}

// NewBench makes one.
func NewBench(o BenchOptions) (*Bench, error) {
	engine, err := wasm.NewEngine(wasm.Options{CacheDir: o.CacheDir, StartFuel: o.StartFuel, Overdraft: o.Overdraft})
	if err != nil {
		return nil, err
	}
	return &Bench{engine: engine}, nil
}

// Close ends the engine. Stages must be closed before.
func (b *Bench) Close() error { return b.engine.Close(context.Background()) }

// BenchUse says how a plugin is used.
type BenchUse struct {
	// Config is the stage's config table.
	Config map[string]any
	// Limits cap the plugin's own; zero fields do not.
	Limits abi.Limits
	// OnError is as in a pipeline file: fail (also ""), dead_letter or skip.
	OnError string
}

// Stage makes a stage of a module, a file's bytes. Errors of load (FH-10xx) come
// from here, those of binding from Open.
func (b *Bench) Stage(module []byte, use BenchUse, env flow.Env) (flow.Stage, error) {
	m, err := b.engine.Load(module)
	if err != nil {
		return nil, err
	}
	name := m.Manifest().Name
	return crash.Guard(m.Stage(wasm.Use{Stage: name, Config: use.Config, Limits: use.Limits}, env), crash.Settings{
		Name: name, Policy: policy(use.OnError), Rejects: env.Rejects, Counter: env.Counter,
	}), nil
}
