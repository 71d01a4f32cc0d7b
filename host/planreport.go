package host

import (
	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/catalog"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// PlanReport is a pipeline as it would run: the schema on every edge, plugins
// with their digests, limits.
type PlanReport struct {
	Pipeline  string       `json:"pipeline"`
	Set       string       `json:"feature_set"`
	Semantics string       `json:"semantics"`
	Digest    string       `json:"pipeline_digest"`
	Interval  string       `json:"interval"`
	Memory    int64        `json:"memory_bytes"`
	Workers   int          `json:"workers"`
	Readers   []PlanReader `json:"readers"`
	Query     *PlanQuery   `json:"query,omitempty"`
	Steps     []PlanStep   `json:"stages"`
	// Lent are the plugins that features use.
	Lent   []PlanPlugin `json:"feature_plugins,omitempty"`
	Output []Column     `json:"output"`
	Sinks  []PlanSink   `json:"sinks"`
	// Settings are the connections, and where each value came from: flags win
	// over the file, the file over the environment.
	Settings []config.Setting `json:"settings"`
	// ToRead is what a run would read, where that was asked for.
	ToRead []ReaderToRead `json:"to_read,omitempty"`
}

// PlanReader is a reader with the columns that are read of it.
type PlanReader struct {
	ID      string     `json:"id"`
	Type    string     `json:"type"`
	Path    string     `json:"path"`
	InPlace bool       `json:"in_place,omitempty"` // scanned by the query itself
	Columns []Column   `json:"columns"`
	Prepare []PlanStep `json:"prepare,omitempty"`
}

// PlanQuery is the query that joins the readers.
type PlanQuery struct {
	SQL     string   `json:"sql"`
	Columns []Column `json:"columns"`
}

// PlanStep is one stage with the columns it looks at and those it hands on.
type PlanStep struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Groups are set for a stage that wants rows of equal values in these
	// columns together: all rows are sorted in front of it.
	Groups []string    `json:"grouped_by,omitempty"`
	Plugin *PlanPlugin `json:"plugin,omitempty"`
	Reads  []string    `json:"reads"`
	Output []Column    `json:"output"`
}

// PlanPlugin is the plugin that a stage runs.
type PlanPlugin struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
	Path    string `json:"path"`
	Kind    string `json:"kind"`
	// Transport is "wasm" or "process".
	Transport string     `json:"transport"`
	Limits    PlanLimits `json:"limits"`
	// OnError says what becomes of rows that it fails on.
	OnError string `json:"on_error"`
	// Lock is the plugins.lock that names it; empty when there is none.
	Lock string `json:"lock,omitempty"`
}

// PlanLimits are the limits in force. What does not bind a program is 0 there.
type PlanLimits struct {
	Memory         int64   `json:"memory_bytes,omitempty"` // of an instance
	OutputRatio    float64 `json:"output_ratio"`
	MaxBatchRows   int     `json:"max_batch_rows"`
	LogLines       int     `json:"log_lines"`
	FuelBase       int64   `json:"fuel_base,omitempty"`
	FuelPerRow     int64   `json:"fuel_per_row,omitempty"`
	TimeoutSeconds float64 `json:"timeout_seconds"`
}

// PlanSink is a sink with the stages for it alone.
type PlanSink struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Store string `json:"store,omitempty"`
	// Newest says that the store gets the newest row of each key only.
	Newest bool       `json:"newest_only"`
	Steps  []PlanStep `json:"stages,omitempty"`
	Output []Column   `json:"output,omitempty"` // where stages made it another than the feature table's
}

// Column is a name with its type as a pipeline file writes it.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func columnsOf(s *flow.Schema) []Column {
	out := make([]Column, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = Column{Name: f.Name, Type: schema.TypeName(f.Type)}
	}
	return out
}

func stepReport(s *plan.Step) PlanStep {
	out := PlanStep{Name: s.Name, Kind: s.Kind, Output: columnsOf(s.Out), Reads: []string{}}
	if r, ok := s.Stage.(flow.Reads); ok {
		out.Reads = append(out.Reads, r.Reads()...)
	} else {
		for _, f := range s.In.Fields() {
			out.Reads = append(out.Reads, f.Name)
		}
	}
	if k := s.Keyed(); k != nil {
		out.Groups = k.Order().Keys
	}
	if s.Plugin != nil {
		p := pluginReport(s.Plugin)
		out.Plugin = &p
	}
	return out
}

func pluginReport(p *plan.Plugin) PlanPlugin {
	l := PlanLimits{
		Memory: p.Limits.Memory, OutputRatio: p.Limits.OutputRatio, MaxBatchRows: p.Limits.MaxBatchRows, LogLines: p.Limits.LogLines,
		FuelBase: p.Limits.FuelBase, FuelPerRow: p.Limits.FuelPerRow, TimeoutSeconds: p.Limits.Timeout.Seconds(),
	}
	if p.Transport == string(catalog.Process) {
		l.Memory, l.FuelBase, l.FuelPerRow = 0, 0, 0
	}
	return PlanPlugin{
		Name: p.Name, Version: p.Version, Digest: p.Digest, Path: p.Path, Kind: p.Kind, Transport: p.Transport,
		Limits: l, OnError: p.OnError, Lock: p.Lock,
	}
}

func planReport(p *plan.Plan, memory int64) *PlanReport {
	f := p.File
	out := &PlanReport{
		Pipeline: f.Pipeline.Name, Set: f.FeatureSet.Entity + "/" + f.FeatureSet.Name, Semantics: f.FeatureSet.Semantics,
		Digest: f.Digest, Interval: p.Interval.String(), Memory: memory, Workers: f.Pipeline.Workers,
		Output: columnsOf(p.Output),
	}
	for _, s := range p.Sources {
		r := PlanReader{ID: s.Config.ID, Type: s.Config.Type, Path: s.Config.Path, InPlace: s.Relation != nil, Columns: columnsOf(s.Schema)}
		for _, step := range s.Prepare {
			r.Prepare = append(r.Prepare, stepReport(step))
		}
		out.Readers = append(out.Readers, r)
	}
	if p.Query != nil {
		out.Query = &PlanQuery{SQL: p.Query.SQL, Columns: columnsOf(p.Query.Schema)}
	}
	for _, s := range p.Steps {
		out.Steps = append(out.Steps, stepReport(s))
	}
	for _, s := range p.Before {
		out.Steps = append(out.Steps, stepReport(s))
	}
	out.Steps = append(out.Steps, stepReport(p.Fold))
	for _, lent := range p.Lent {
		out.Lent = append(out.Lent, pluginReport(lent))
	}
	for _, s := range p.Sinks {
		sink := PlanSink{Name: s.Config.Name, Type: s.Config.Type, Store: s.Config.Store, Newest: s.Newest}
		for _, step := range s.Steps {
			sink.Steps = append(sink.Steps, stepReport(step))
			sink.Output = columnsOf(s.Output)
		}
		out.Sinks = append(out.Sinks, sink)
	}
	out.Settings = append([]config.Setting{}, f.Settings...)
	return out
}
