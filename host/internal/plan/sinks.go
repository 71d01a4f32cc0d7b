package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
)

// Sink is one place where features leave, with the stages for it alone.
type Sink struct {
	Path   string // place in the pipeline file: "sink[0]"
	Config config.Sink
	// Newest says that the store keeps one row of each key.
	Newest bool
	Steps  []*Step
	// Latest keeps the newest row of each key behind the steps: the newest of
	// those that pass, so that it does not matter how time was cut into runs. It
	// is nil without steps, where Plan.Latest serves all sinks together.
	Latest *Step
	Output *flow.Schema // behind the steps
}

// keepsNewest tells whether a sink's store holds one row of each key. A topic
// gets every row (S-1308).
func keepsNewest(s config.Sink) bool { return s.Type != "historical" && s.Store != "kafka" }

// close ends the sink's stages.
func (s *Sink) close() error {
	var errs []error
	for _, step := range s.Steps {
		errs = append(errs, step.Stage.Close())
	}
	if s.Latest != nil {
		errs = append(errs, s.Latest.Stage.Close())
	}
	return errors.Join(errs...)
}

// bindSinks opens the stages of each sink and holds the columns that come out
// of them against what the sink can store. The sinks of a run are made anew:
// these have written nothing.
func (b *binder) bindSinks(ctx context.Context) error {
	for i, s := range b.file.Sinks {
		if err := b.bindSink(ctx, i, s); err != nil {
			return err
		}
	}
	return nil
}

func (b *binder) bindSink(ctx context.Context, i int, c config.Sink) error {
	s := &Sink{Path: fmt.Sprintf("sink[%d]", i), Config: c, Newest: keepsNewest(c), Output: b.plan.Output}
	b.plan.Sinks = append(b.plan.Sinks, s)
	make, ok := b.parts.Catalog.Sinks[c.Type]
	if !ok {
		return b.problem(s.Path+".type", fault.New(UnknownSink, "unknown sink type %q", c.Type))
	}
	for k, spec := range c.Stages {
		step, err := b.bindStage(ctx, stop{inSinks, i, k}, spec, s.Output)
		if err != nil || step == nil {
			return err
		}
		s.Steps = append(s.Steps, step)
		if err := b.keepsPlace(spec, step); err != nil {
			return b.problem(step.Path, err)
		}
		s.Output = step.Out
	}
	if s.Newest && len(s.Steps) > 0 {
		latest := &Step{Path: s.Path, Name: c.Name + ": latest", Kind: observe.KindFeatureSet, Stage: b.plan.Set.Latest(), In: s.Output}
		out, err := latest.Stage.Open(ctx, s.Output)
		if err != nil {
			return b.problem(s.Path, errors.Join(err, latest.Stage.Close()))
		}
		latest.Out, s.Latest = out, latest
	}
	sink, err := make(c, b.parts.Place, b.parts.Env(c.Name))
	if err == nil {
		if c, ok := sink.(flow.ColumnChecker); ok {
			err = c.CheckColumns(s.Output)
		}
		err = errors.Join(err, sink.Close())
	}
	if err != nil {
		return b.problem(s.Path, err)
	}
	return nil
}

// keepsPlace refuses a stage of a sink that changes what tells rows apart: the
// stores are told of them by key and timestamp, in the order of the feature
// table.
func (b *binder) keepsPlace(spec config.Stage, step *Step) error {
	made := append(makes(step), replaced(spec)...)
	for _, name := range append(slices.Clone(b.plan.Set.Keys()), b.plan.Fold.Keyed().Order().Time) {
		if name == "" {
			continue
		}
		was, _ := step.In.FieldsByName(name)
		is, _ := step.Out.FieldsByName(name)
		switch {
		case len(is) != 1:
			return fault.New(SinkStageKeys, "the stage does not hand on %q", name).WithHint("keys and timestamp must reach the store as they are")
		case len(was) == 1 && !arrow.TypeEqual(was[0].Type, is[0].Type), slices.Contains(made, name):
			return fault.New(SinkStageKeys, "the stage changes %q", name).WithHint("keys and timestamp must reach the store as they are; write another column")
		}
	}
	return nil
}

// rowWise refuses a stage of a sink that looks at several rows at once: there
// is no exchange behind the feature table.
func rowWise(stage flow.Stage, use string) error {
	_, stateless := stage.(flow.Stateless)
	_, keyed := stage.(flow.Keyed)
	_, surveys := stage.(flow.Surveyor)
	if f, ok := stage.(flow.Folds); ok && f.Folds() {
		stateless = false
	}
	if stateless && !keyed && !surveys {
		return nil
	}
	return fault.New(SinkStageRows, "%q looks at several rows at once, and a stage of a sink sees one at a time", use).
		WithHint("move it to [[stage]], in front of the feature set")
}

// named gives a stage of a sink the sink's name as well: stages of different
// sinks are told apart.
func (b *binder) named(at stop, use string) string {
	if at.list != inSinks {
		return b.unique(use)
	}
	return b.unique(b.file.Sinks[at.reader].Name + ": " + use)
}

// atSink reports whether a place is one in a sink.
func atSink(place string) bool { return strings.HasPrefix(place, "sink[") }
