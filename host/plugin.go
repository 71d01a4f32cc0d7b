package host

import (
	"cmp"
	"context"
	"fmt"
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
	if spec.MTLS && entry.Transport != catalog.Process {
		return nil, nil, contract.Refusal(abi.CodeConfig, "mtls is for plugins that are programs: a module runs inside the host and has no socket").
			At("stage %q", name)
	}
	m, err := h.engines.load(entry)
	if err != nil {
		return nil, nil, err
	}
	stage := m.stage(use{
		name: name, config: spec.Config, seed: h.file.Pipeline.Name + "/" + name,
		by: contract.Grouping{Keys: spec.Keys, Time: spec.Time}, mtls: spec.MTLS,
		limits: s.limits(name, m, entry.Transport, spec.Limits),
	}, s.env(spec.Use))
	p := &plan.Plugin{
		Name: entry.Name, Version: entry.Version, Digest: m.Digest(), Path: entry.Path,
		Kind: string(m.Manifest().Kind), Transport: string(entry.Transport), Limits: stage.Limits(),
		OnError: cmp.Or(spec.OnError, "fail"), Lock: h.locks.of(entry),
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
		Warn: func(text string) { s.events.Warn(fmt.Sprintf("stage %q: %s", name, text)) },
	}), p, nil
}

// limits are what a stage caps of its plugin. The memory of a module is also
// capped so that all instances together stay within the pipeline's.
func (s *session) limits(stage string, m module, by catalog.Transport, l config.Limits) abi.Limits {
	out := abi.Limits{
		Memory: int64(l.Memory), OutputRatio: l.OutputRatio, MaxBatchRows: l.MaxBatchRows, LogLines: l.LogLines,
		FuelBase: l.FuelBase, FuelPerRow: l.FuelPerRow, Timeout: l.Timeout,
	}
	if by == catalog.Process { // its memory is not ours
		return out
	}
	most, own := s.host.memory.guest, m.Manifest().Limits
	asked := own.Under(out).Memory
	if asked > most {
		if out.Memory > 0 || own.Memory > 0 {
			s.events.Warn(fmt.Sprintf("stage %q: its plugin may have %d MiB in place of %d: the memory of the pipeline leaves no more to each instance", stage, most>>20, asked>>20))
		}
		out.Memory = most
	}
	return out
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
	if err != nil {
		return e, s.host.locks.missed(use, err)
	}
	return e, s.host.locks.check(e)
}

// known reports an error when no plugin has the name.
func (s *session) known(use string) error {
	_, err := s.find(use)
	return err
}
