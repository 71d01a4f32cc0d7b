package featureset

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// timestampColumn is the name of the event time in every feature table.
const timestampColumn = "timestamp"

// Set is a feature set for a run over an interval.
type Set struct {
	cfg        config.FeatureSet
	interval   flow.Interval
	env        flow.Env
	profile    Profile
	mem        memory.Allocator
	aggregated bool
	layout     *layout // of Select's rows, once it is open
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
	if err := s.checkWindows(); err != nil {
		return nil, err
	}
	return s, s.checkNames()
}

// Steps are the stages before the exchange by key.
func (s *Set) Steps() []flow.Stage { return []flow.Stage{&Select{set: s}} }

// LookBack tells which earlier rows an interval needs.
func (s *Set) LookBack() flow.LookBack { return flow.LookBack{All: true} }

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
	if len(s.cfg.Keys) == 0 {
		return fault.New(BadKey, "the feature set has no key").At("feature_set.keys").
			WithHint(`name at least one column: keys = [{ name = "id", type = "bigint" }]`)
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
		case s.aggregated && f.SQL != "":
			return fault.New(BadFeature, "feature %q has both aggregate and sql", f.Name).At("%s.sql", place).
				WithHint("compute the column in [query] or a stage, and aggregate it by from")
		case s.aggregated && f.Type != "":
			return fault.New(BadFeature, "feature %q has both aggregate and type", f.Name).At("%s.type", place).
				WithHint(`give the type to a function: { function = "avg", type = %q }`, f.Type)
		case f.SQL != "" && f.From != "":
			return fault.New(BadFeature, "feature %q has both from and sql", f.Name).At("%s.from", place).
				WithHint("name the column inside the expression")
		}
	}
	return nil
}

func (s *Set) checkWindows() error {
	w := s.cfg.Windows
	if w == nil {
		return nil
	}
	const place = "feature_set.windows"
	if !s.aggregated {
		return fault.New(BadWindow, "rolling windows need features with `aggregate`").At(place)
	}
	if len(w.Rolling) == 0 {
		return fault.New(BadWindow, "no rolling window is given").At(place + ".rolling")
	}
	seen := map[string]bool{}
	for i, r := range w.Rolling {
		if seen[windowName(r)] {
			return fault.New(BadWindow, "window %q stands twice", r.Text).At("%s.rolling[%d]", place, i).WithHint("remove one")
		}
		seen[windowName(r)] = true
		if w.Slide.Micros > r.Micros {
			return fault.New(BadWindow, "slide %q is longer than window %q", w.Slide.Text, r.Text).At(place + ".slide").
				WithHint("a longer slide would leave events out of every window: make it at most the shortest window")
		}
	}
	return nil
}

// checkNames refuses clashes of output columns.
func (s *Set) checkNames() error {
	owner := map[string]string{timestampColumn: "the timestamp"}
	claim := func(name, who, place string) error {
		switch name {
		case "year", "month", "day":
			return fault.New(NameTaken, "%s makes a column %q, the name of a Hive partition", who, name).At("%s", place).
				WithHint("rename it")
		}
		if other := owner[name]; other != "" {
			return fault.New(NameTaken, "%s makes a column %q, as %s does", who, name, other).At("%s", place).WithHint("rename one")
		}
		owner[name] = who
		return nil
	}
	for i, k := range s.cfg.Keys {
		if err := claim(k.Name, fmt.Sprintf("key %q", k.Name), fmt.Sprintf("feature_set.keys[%d].name", i)); err != nil {
			return err
		}
	}
	for i, f := range s.cfg.Features {
		for _, name := range s.outputNames(f) {
			if err := claim(name, fmt.Sprintf("feature %q", f.Name), featurePlace(i)+".name"); err != nil {
				return err
			}
		}
	}
	return nil
}

func featurePlace(i int) string { return fmt.Sprintf("feature_set.feature[%d]", i) }
