package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
)

// bindStage makes and opens a built-in or a plugin. It gives nil when the
// pipeline file is at fault.
func (b *binder) bindStage(ctx context.Context, at stop, spec config.Stage, in *flow.Schema) (*Step, error) {
	path := at.String()
	step := &Step{Path: path, Name: b.named(at, spec.Use), Kind: observe.KindStage, In: in}
	if spec.Use == filterVerb {
		step.Kind = observe.KindFilter
	}
	var err error
	if make, ok := b.parts.Catalog.Stages[spec.Use]; ok {
		step.Stage, err = make(spec, b.parts.Place, b.parts.Env(path))
	} else {
		step.Stage, step.Plugin, err = b.parts.Plugin(ctx, step.Name, spec)
		if err == nil && step.Plugin.Kind == string(abi.Filter) {
			step.Kind = observe.KindFilter
		}
	}
	if err != nil {
		at := path + ".use"
		if fault.Is(err, abi.CodeConfig) {
			at = path + ".config"
		}
		return nil, b.problem(at, within(path, err))
	}
	if f, ok := step.Stage.(flow.Folds); ok && f.Folds() {
		step.Kind = observe.KindFold
	}
	if at.list == inSinks {
		if err := rowWise(step.Stage, spec.Use); err != nil {
			_ = step.Stage.Close()
			return nil, b.problem(path+".use", err)
		}
	}
	if err = b.survey(ctx, at, step.Stage, in); err == nil {
		step.Out, err = step.Stage.Open(ctx, in)
	}
	if err != nil {
		_ = step.Stage.Close()
		at := path
		switch {
		case spec.Use == filterVerb:
			at += ".where"
		case step.Plugin != nil && fault.Is(err, abi.CodeConfig):
			at += ".config"
		case step.Plugin != nil:
			at += ".use"
		}
		return nil, b.problem(at, within(path, err))
	}
	return step, nil
}

// within gives errors that a built-in step, or a reader, places at one of its
// settings the whole place in the pipeline file.
func within(path string, err error) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			_ = within(path, one)
		}
		return err
	}
	e := fault.As(err)
	if e == nil {
		return err
	}
	key := e.Place
	if i := strings.IndexAny(key, ".["); i >= 0 {
		key = key[:i]
	}
	switch key {
	case "where", "column", "values", "value", "group_by", "partition_by", "order_by", "into", "schema", "aggregation", "mock", "forward_fill", "incremental":
		e.Place = path + "." + e.Place
	}
	return err
}

// unique names a stage: as its use says, and from the second of a name on with
// a number, so that counts and taps tell them apart.
func (b *binder) unique(use string) string {
	if b.uses == nil {
		b.uses = map[string]int{}
	}
	b.uses[use]++
	if n := b.uses[use]; n > 1 {
		return fmt.Sprintf("%s#%d", use, n)
	}
	return use
}

func (b *binder) bindSet(ctx context.Context, in *flow.Schema) error {
	const path = "feature_set"
	env := b.parts.Env(path)
	env.Plugin = b.lend
	set, err := b.parts.Catalog.FeatureSet(*b.file.FeatureSet, b.interval, env)
	if err != nil {
		return b.problem(path, err)
	}
	b.plan.Set = set
	name := b.file.FeatureSet.Name
	open := func(stage flow.Stage, name string) (*Step, error) {
		step := &Step{Path: path, Name: name, Kind: observe.KindFeatureSet, Stage: stage, In: in}
		if step.Out, err = stage.Open(ctx, in); err != nil {
			_ = stage.Close()
			return nil, b.problem(path, err)
		}
		in = step.Out
		return step, nil
	}
	for i, stage := range set.Steps() {
		called := name + ": select"
		if i > 0 {
			called = fmt.Sprintf("%s: step %d", name, i+1)
		}
		step, err := open(stage, called)
		if step == nil {
			return err
		}
		b.plan.Before = append(b.plan.Before, step)
	}
	if b.plan.Fold, err = open(set.Fold(), name); b.plan.Fold == nil {
		return err
	}
	if b.plan.Latest, err = open(set.Latest(), name+": latest"); b.plan.Latest == nil {
		return err
	}
	b.plan.Output = b.plan.Fold.Out
	return nil
}

// lend makes the plugin stage of a feature, and notes it in the plan. The
// feature set opens and closes it.
func (b *binder) lend(ctx context.Context, use string, settings map[string]any) (flow.Stage, error) {
	stage, plugin, err := b.parts.Plugin(ctx, b.unique(use), config.Stage{Use: use, Config: settings})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(b.plan.Lent, func(p *Plugin) bool { return *p == *plugin }) {
		b.plan.Lent = append(b.plan.Lent, plugin)
	}
	return stage, nil
}
