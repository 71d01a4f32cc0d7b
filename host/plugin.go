package host

import (
	"context"
	"maps"
	"slices"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/catalog"
	"github.com/featurehost/featurehost/host/internal/contract"
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
		by: contract.Grouping{Keys: spec.Keys, Time: spec.Time},
		limits: abi.Limits{
			Memory: int64(spec.Limits.Memory), OutputRatio: spec.Limits.OutputRatio,
			MaxBatchRows: spec.Limits.MaxBatchRows, LogLines: spec.Limits.LogLines,
			FuelBase: spec.Limits.FuelBase, FuelPerRow: spec.Limits.FuelPerRow, Timeout: spec.Limits.Timeout,
		},
	}, s.env(spec.Use))
	p := &plan.Plugin{
		Name: entry.Name, Version: entry.Version, Digest: m.Digest(), Path: entry.Path,
		Kind: string(m.Manifest().Kind), Memory: stage.Limits().Memory,
	}
	worker, again := stage.(crash.Worker)
	if !again {
		// What it knows of its keys is gone with it, so no batch can be tried again.
		if spec.OnError != "" && spec.OnError != "fail" {
			return nil, nil, contract.Refusal(abi.CodeConfig, "on_error = %q is not for a plugin of kind %q: it keeps state between rows, so none can be left out", spec.OnError, p.Kind).
				At("stage %q", name)
		}
		return stage, p, nil
	}
	return crash.Guard(worker, crash.Settings{
		Name: name, Policy: policy(spec.OnError), Circuit: crash.Circuit(spec.Circuit),
		Rejects: s.rejects, Counter: s.events,
	}), p, nil
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
