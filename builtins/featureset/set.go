package featureset

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// timestampColumn is the name of the event time in every feature table.
const timestampColumn = "timestamp"

// Set is a feature set for a run over an interval.
type Set struct {
	cfg         config.FeatureSet
	interval    flow.Interval
	env         flow.Env
	profile     Profile
	mem         memory.Allocator
	aggregated  bool
	aggregation *aggregation // nil for a plain set
	schedule    schedule
	design      *design      // once Select is open
	layout      *layout      // of the rows that enter Fold, once Select is open
	history     flow.History // of keys before the rows read; nil when all were
}

// New makes the feature set of a table of the pipeline file. What can be told
// without the source's schema is refused here. It is a parts.FeatureSetFactory.
func New(cfg config.FeatureSet, interval flow.Interval, env flow.Env) (flow.FeatureSet, error) {
	profile, err := profileOf(cfg.Semantics)
	if err != nil {
		return nil, err
	}
	s := &Set{cfg: cfg, interval: interval, env: env, profile: profile, mem: memory.DefaultAllocator}
	if cfg.NullKeys == "keep" {
		s.profile.NullKeys = Keep
	}
	if err := s.checkFeatures(); err != nil {
		return nil, err
	}
	if err := s.checkAggregated(); err != nil {
		return nil, err
	}
	if s.aggregated {
		s.aggregation = s.newAggregation()
	} else {
		s.schedule = s.newSchedule()
	}
	return s, s.checkNames()
}

// Steps are the stages before the exchange by key: Select, then windows that are
// not over the keys in order of time, each behind an exchange of its own, and
// stacks of what they made.
func (s *Set) Steps() []flow.Stage {
	steps := []flow.Stage{&Select{set: s}}
	for i := 1; i <= s.schedule.keyed; i++ {
		steps = append(steps, &Events{set: s, stage: i})
		if s.schedule.stacks[i] {
			steps = append(steps, &Stack{set: s, stage: i})
		}
	}
	return steps
}

// Fold makes the feature table.
func (s *Set) Fold() flow.Keyed {
	f := &Fold{set: s}
	if s.cfg.Windows != nil {
		return &BoundedFold{f}
	}
	return f
}

// Latest keeps the newest row of each key.
func (s *Set) Latest() flow.Keyed { return &Latest{set: s} }

// Keys names the key columns.
func (s *Set) Keys() []string {
	names := make([]string, len(s.cfg.Keys))
	for i, k := range s.cfg.Keys {
		names[i] = k.Name
	}
	return names
}

func (s *Set) checkFeatures() error {
	if err := s.checkKeys(); err != nil {
		return err
	}
	for i, f := range s.cfg.Features {
		place := featurePlace(i)
		if i == 0 {
			s.aggregated = len(f.Aggregate) > 0
		}
		switch {
		case s.aggregated != (len(f.Aggregate) > 0):
			return fault.New(BadFeature, "feature %q mixes plain and aggregated features in one set", f.Name).At("%s", place).
				WithHint("give every feature `aggregate`, or none")
		}
		if s.aggregated {
			continue
		}
		if err := s.checkPlain(f, place); err != nil {
			return err
		}
	}
	return nil
}

// checkNames refuses clashes of output columns.
func (s *Set) checkNames() error {
	owner := map[string]string{timestampColumn: "the timestamp"}
	hint := "rename one"
	claim := func(name, who, place string) error {
		switch name {
		case "year", "month", "day":
			return fault.New(NameTaken, "%s makes a column %q, the name of a Hive partition", who, name).At("%s", place).
				WithHint("rename it")
		}
		// Stores and SQL do not tell columns apart by case.
		if other := owner[strings.ToLower(name)]; other != "" {
			return fault.New(NameTaken, "%s makes a column %q, as %s does", who, name, other).At("%s", place).WithHint("%s", hint)
		}
		owner[strings.ToLower(name)] = who
		return nil
	}
	for i, k := range s.cfg.Keys {
		if err := claim(k.Name, fmt.Sprintf("key %q", k.Name), fmt.Sprintf("feature_set.keys[%d].name", i)); err != nil {
			return err
		}
	}
	for i, f := range s.cfg.Features {
		hint = "rename one"
		if f.H3 != nil && !f.H3.Stack {
			hint = "remove one: columns of cells have the same names whatever the feature is called"
		}
		for _, name := range s.outputNames(f) {
			if err := claim(name, fmt.Sprintf("feature %q", f.Name), featurePlace(i)+".name"); err != nil {
				return err
			}
		}
	}
	return nil
}

func featurePlace(i int) string { return fmt.Sprintf("feature_set.feature[%d]", i) }
