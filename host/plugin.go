package host

import (
	"context"
	"maps"
	"slices"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/catalog"
	"github.com/featurehost/featurehost/host/internal/crash"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// plugin makes a stage of the plugin that a [[stage]] names.
func (s *session) plugin(_ context.Context, name string, spec config.Stage) (flow.Stage, *plan.Plugin, error) {
	h := s.host
	entry, err := s.find(spec.Use)
	if err != nil {
		return nil, nil, err
	}
	m, err := h.engines.load(entry)
	if err != nil {
		return nil, nil, err
	}
	stage := m.stage(use{
		name: name, config: spec.Config, seed: h.file.Pipeline.Name + "/" + name,
		limits: abi.Limits{
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
		Name: entry.Name, Version: entry.Version, Digest: m.Digest(), Path: entry.Path,
		Kind: string(m.Manifest().Kind), Memory: stage.Limits().Memory,
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
