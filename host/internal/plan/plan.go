package plan

import (
	"context"
	"errors"
	"slices"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// Plan is a pipeline file bound to its parts. Its stages are open; Close ends
// them.
type Plan struct {
	File     *config.File
	Interval flow.Interval
	// Read is the interval that readers with an incremental strategy are asked
	// for: Interval widened by what the feature set looks back on.
	Read    flow.Interval
	Sources []*Source
	Query   *Query // nil with one reader and no [query]
	Steps   []*Step
	Set     flow.FeatureSet
	Before  []*Step // stages of the feature set before its exchange by key
	Fold    *Step
	// Lent are the plugins that features of the set use, each once.
	Lent []*Plugin
	// Latest keeps the newest row of a key, in front of stores that hold only
	// that; nil when no sink needs it.
	Latest *Step
	Output *flow.Schema // of the feature table
	Sinks  []*Sink      // in the order of the file
}

// Source is one reader with its prepare steps.
type Source struct {
	Path    string // place in the pipeline file: "reader[0]"
	Config  config.Reader
	Reader  flow.Reader
	Request flow.Request
	Schema  *flow.Schema // of the request's columns
	// Prepare are the prepare steps. Where the reader may not leave rows out by
	// its incremental strategy, a filter by days stands behind them (S-501).
	Prepare []*Step
	Output  *flow.Schema // after the prepare steps

	// Relation is set when the query scans the stored rows in place; then
	// Prepare holds nothing that the relation's conditions do not say.
	Relation *flow.Relation
}

// Query is the [query] as it will run: the user's text, narrowed to the
// columns that are read.
type Query struct {
	SQL    string
	Schema *flow.Schema
}

// Step is one opened stage.
type Step struct {
	Path   string // place in the pipeline file: "stage[0]"
	Name   string // as the pipeline file names it
	Kind   string // one of observe's
	Plugin *Plugin
	Stage  flow.Stage
	In     *flow.Schema
	Out    *flow.Schema
}

// Keyed gives the stage when it wants the rows of a key together, and so an
// exchange in front of it; nil for others.
func (s *Step) Keyed() flow.Keyed {
	k, _ := s.Stage.(flow.Keyed)
	return k
}

// Plugin tells which plugin a step runs.
type Plugin struct {
	Name, Version, Digest, Path string
	Kind                        string
	Transport                   string     // "wasm" or "process"
	Limits                      abi.Limits // in force; a process has none of memory and fuel
	OnError                     string     // what becomes of rows that it fails on
	Lock                        string     // the lock that names it; empty without one
}

// Queries is what binding and running need of the SQL engine for [query].
type Queries interface {
	// Register names a relation, or gives a name to another one.
	Register(ctx context.Context, name string, rel flow.Relation) error
	// QuerySchema tells what a query would give.
	QuerySchema(ctx context.Context, sql string) (*flow.Schema, error)
	// Counts tells how many rows a registered relation holds, and how many
	// meet its conditions.
	Counts(ctx context.Context, name string) (all, kept int64, err error)
	// Query writes a query's rows to the Parquet file dst.
	Query(ctx context.Context, sql, dst string) (rows int64, err error)
}

// Parts makes what the pipeline file names.
type Parts struct {
	Catalog *parts.Catalog
	Place   parts.Place
	// Whole has readers asked for all rows before the interval, whatever the
	// feature set looks back on.
	Whole bool
	// Env lends the host's services to a part.
	Env func(part string) flow.Env
	// Known reports an error when no plugin has the name.
	Known func(use string) error
	// Plugin makes a stage of a plugin; name tells it from other stages of the
	// same plugin.
	Plugin func(ctx context.Context, name string, spec config.Stage) (flow.Stage, *Plugin, error)
	// Aside lends the same parts for a look at rows ahead of the run: what they
	// count and reject then is nobody's. Rows hands use the rows of a plan that
	// ends before its feature set; of the parts that Aside gave. Both are
	// needed by pipelines with a flow.Surveyor only.
	Aside func() Parts
	Rows  func(ctx context.Context, p *Plan, use func(context.Context, func(context.Context) (flow.Batch, error)) error) error
	// Queries runs [query]; asked only when the file has one.
	Queries func(ctx context.Context, sources []*Source) (Queries, error)
	// Spill writes batches to a Parquet file in the run's scratch folder and
	// gives its path.
	Spill func(ctx context.Context, name string, s *flow.Schema, next func(context.Context) (flow.Batch, error)) (path string, err error)
}

// Close ends all stages and readers.
func (p *Plan) Close() error {
	var errs []error
	for _, s := range p.Sources {
		errs = append(errs, s.close())
	}
	for _, s := range p.steps() {
		errs = append(errs, s.Stage.Close())
	}
	for _, s := range p.Sinks {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// steps lists the steps after the source that are bound so far.
func (p *Plan) steps() []*Step {
	out := append([]*Step(nil), p.Steps...)
	out = append(out, p.Before...)
	for _, s := range []*Step{p.Fold, p.Latest} {
		if s != nil {
			out = append(out, s)
		}
	}
	return out
}

func (s *Source) close() error {
	errs := []error{s.Reader.Close()}
	for _, step := range s.Prepare {
		errs = append(errs, step.Stage.Close())
	}
	return errors.Join(errs...)
}

// Plugins lists the plugins of the plan by name@version with their digests.
func (p *Plan) Plugins() map[string]string {
	out := map[string]string{}
	note := func(p *Plugin) {
		if p != nil {
			out[p.Name+"@"+p.Version] = p.Digest
		}
	}
	add := func(steps []*Step) {
		for _, s := range steps {
			note(s.Plugin)
		}
	}
	for _, s := range p.Sources {
		add(s.Prepare)
	}
	add(p.Steps)
	for _, s := range p.Sinks {
		add(s.Steps)
	}
	for _, lent := range p.Lent {
		note(lent)
	}
	return out
}

// Partial reports whether rows from before the interval may be left unread.
func (p *Plan) Partial() bool {
	return p.Read.Start != nil && slices.ContainsFunc(p.Sources, func(s *Source) bool { return s.Config.Incremental != nil })
}
