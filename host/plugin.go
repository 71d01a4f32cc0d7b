package host

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/catalog"
	"github.com/featurehost/featurehost/host/internal/crash"
	"github.com/featurehost/featurehost/host/internal/plan"
	"github.com/featurehost/featurehost/host/internal/wasm"
)

// plugin makes a stage of the plugin that a [[stage]] names.
func (s *session) plugin(_ context.Context, name string, spec config.Stage) (flow.Stage, *plan.Plugin, error) {
	h := s.host
	entry, err := s.find(spec.Use)
	if err != nil {
		return nil, nil, err
	}
	if entry.Transport == catalog.Process {
		return nil, nil, fault.New(catalog.BrokenPlugin, "plugin %q is a program of its own, in %s, and this build runs Wasm plugins only", entry.Name, entry.Path)
	}
	module, err := h.module(entry)
	if err != nil {
		return nil, nil, err
	}
	stage := module.Stage(wasm.Use{
		Stage: name, Config: spec.Config, Seed: h.file.Pipeline.Name + "/" + name,
		Limits: abi.Limits{
			Memory: int64(spec.Limits.Memory), OutputRatio: spec.Limits.OutputRatio,
			MaxBatchRows: spec.Limits.MaxBatchRows, LogLines: spec.Limits.LogLines,
			FuelBase: spec.Limits.FuelBase, FuelPerRow: spec.Limits.FuelPerRow, Timeout: spec.Limits.Timeout,
		},
	}, s.env(spec.Use))
	guarded := crash.Guard(stage, crash.Settings{
		Name: name, Policy: policy(spec.OnError), Circuit: crash.Circuit(spec.Circuit),
		Rejects: s.rejects, Counter: s.events,
	})
	return guarded, &plan.Plugin{
		Name: entry.Name, Version: entry.Version, Digest: module.Digest(), Path: entry.Path,
		Kind: string(module.Manifest().Kind), Memory: stage.Limits().Memory,
	}, nil
}

// policy reads on_error.
func policy(onError string) crash.Policy {
	switch onError {
	case "dead_letter":
		return crash.DeadLetter
	case "skip":
		return crash.Skip
	}
	return crash.Fail
}

// find gives the plugin that a name stands for, if the lock allows it.
func (s *session) find(use string) (catalog.Entry, error) {
	e, err := s.host.plugins.Find(use, slices.Sorted(maps.Keys(s.host.options.Catalog.Stages))...)
	if err == nil {
		err = s.host.locks.check(e)
	}
	return e, err
}

// known reports an error when no plugin has the name.
func (s *session) known(use string) error {
	_, err := s.find(use)
	return err
}

// module loads a plugin once, however many stages use it.
func (h *Host) module(entry catalog.Entry) (*wasm.Module, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m, ok := h.modules[entry.Path]; ok {
		return m, nil
	}
	if h.wasm == nil {
		engine, err := wasm.NewEngine(wasm.Options{CacheDir: h.cacheDir()})
		if err != nil {
			return nil, err
		}
		h.wasm = engine
	}
	code, err := entry.Bytes()
	if err != nil {
		return nil, err
	}
	m, err := h.wasm.Load(code)
	if err != nil {
		return nil, err
	}
	h.modules[entry.Path] = m
	return m, nil
}

// cacheDir keeps compiled plugins. The user's own cache serves all pipelines of
// the user, so that a plugin is compiled once per machine and a check leaves
// nothing beside the pipeline file; without a home it is in the state folder.
func (h *Host) cacheDir() string {
	if user, err := os.UserCacheDir(); err == nil {
		return filepath.Join(user, "featurehost", "wasm")
	}
	return filepath.Join(h.state, "cache")
}
