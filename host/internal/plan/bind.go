package plan

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
)

// filterVerb is the built-in that a query can take over as a condition.
const filterVerb = "filter"

// Bind settles every schema of the pipeline for a run over the interval. The
// error is *config.Problems when the pipeline file is at fault. The plan is
// open: the caller closes it.
func Bind(ctx context.Context, f *config.File, interval flow.Interval, parts Parts) (*Plan, error) {
	wide := &binder{file: f, interval: interval, parts: parts}
	p, err := wide.bind(ctx, nil)
	if err != nil {
		return nil, err
	}
	read := wide.read
	if err := p.Close(); err != nil {
		return nil, err
	}
	narrow := &binder{file: f, interval: interval, parts: parts}
	return narrow.bind(ctx, read)
}

// columns is a set of names; nil stands for all.
type columns map[string]bool

type binder struct {
	uses     map[string]int // how often a name was used
	file     *config.File
	interval flow.Interval
	parts    Parts
	plan     *Plan
	problems []config.Problem
	unknown  []config.Problem // names of plugins that nobody has
	read     []columns        // of each source, then of the query
}

// bind opens everything once. narrow holds the columns to read of each source
// and of the query, or is nil to read all.
func (b *binder) bind(ctx context.Context, narrow []columns) (*Plan, error) {
	b.plan = &Plan{File: b.file, Interval: b.interval}
	b.read = make([]columns, len(b.file.Readers)+1)
	err := b.bindAll(ctx, narrow)
	if err == nil {
		// Err tells a name once, however often it was stumbled over.
		err = (&config.Problems{List: append(b.problems, b.unknown...)}).Err()
	}
	if err != nil {
		_ = b.plan.Close() // the first error is the one to tell
		return nil, err
	}
	return b.plan, nil
}

func (b *binder) bindAll(ctx context.Context, narrow []columns) error {
	b.names()
	for i, r := range b.file.Readers {
		want := columns(nil)
		if narrow != nil {
			want = narrow[i]
		}
		if err := b.bindSource(ctx, i, r, want); err != nil {
			return err
		}
	}
	if len(b.problems) > 0 {
		return nil
	}
	in := b.plan.Sources[0].Output
	if b.file.Query != nil {
		want := columns(nil)
		if narrow != nil {
			want = narrow[len(narrow)-1]
		}
		if err := b.bindQuery(ctx, want); err != nil || len(b.problems) > 0 {
			return err
		}
		in = b.plan.Query.Schema
	}
	return b.bindStages(ctx, in)
}

// names looks up what every stage names, so that all unknown plugins are told
// at once, also those behind a stage that cannot be opened.
func (b *binder) names() {
	check := func(path string, specs []config.Stage) {
		for i, s := range specs {
			if _, ok := b.parts.Catalog.Stages[s.Use]; ok {
				continue
			}
			at := fmt.Sprintf("%s[%d].use", path, i)
			if e := fault.As(b.parts.Known(s.Use)); e != nil {
				b.unknown = append(b.unknown, b.place(at, e))
			}
		}
	}
	for i, r := range b.file.Readers {
		check(fmt.Sprintf("reader[%d].prepare", i), r.Prepare)
	}
	check("stage", b.file.Stages)
}

// problem keeps an error that the pipeline file is to blame for, with its
// place; other errors end the binding at once.
func (b *binder) problem(path string, err error) error {
	// A part may find several things wrong at once and join them.
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			if err := b.problem(path, one); err != nil {
				return err
			}
		}
		return nil
	}
	e := fault.As(err)
	if e == nil || e.Code.Class() != fault.Usage {
		return err
	}
	// A part that knows the key at fault says so as its place.
	if strings.HasPrefix(e.Place, "feature_set") || strings.HasPrefix(e.Place, "stage[") || strings.HasPrefix(e.Place, "reader[") {
		path = e.Place
	}
	b.problems = append(b.problems, b.place(path, e))
	return nil
}

// place gives an error as a problem of the key at path.
func (b *binder) place(path string, e *fault.Error) config.Problem {
	text := e.Message
	if strings.ContainsRune(e.Place, filepath.Separator) {
		text = e.Place + ": " + text // a file that the key stands for: one of many, perhaps
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return b.file.Problem(path, e.Code, e.Hint, "%s", text)
}

func (b *binder) bindSource(ctx context.Context, i int, r config.Reader, want columns) error {
	path := fmt.Sprintf("reader[%d]", i)
	make, ok := b.parts.Catalog.Readers[r.Type]
	if !ok {
		return b.problem(path+".type", fault.New(UnknownName, "unknown reader type %q", r.Type))
	}
	reader, err := make(r, b.parts.Place, b.parts.Env(r.ID))
	if err != nil {
		return b.problem(path+".path", err)
	}
	s := &Source{Path: path, Config: r, Reader: reader}
	b.plan.Sources = append(b.plan.Sources, s)
	if s.Schema, err = reader.Schema(ctx); err != nil {
		return b.problem(path+".path", err)
	}
	if want != nil {
		s.Schema = project(s.Schema, want)
	}
	s.Request = flow.Request{Columns: names(s.Schema), Interval: b.readInterval(), BatchRows: b.file.Pipeline.BatchRows}
	s.Output = s.Schema
	if b.file.Query != nil && onlyFilters(r.Prepare) {
		done, err := b.bindRelation(s)
		if err != nil {
			return b.problem(path, err)
		}
		if done {
			return nil
		}
	}
	for k, spec := range r.Prepare {
		step, err := b.bindStage(ctx, fmt.Sprintf("%s.prepare[%d]", path, k), spec, s.Output)
		if err != nil || step == nil {
			return err
		}
		s.Prepare = append(s.Prepare, step)
		s.Output = step.Out
	}
	return nil
}

// bindRelation lets the query scan a reader's rows in place, when it can.
func (b *binder) bindRelation(s *Source) (bool, error) {
	reader, ok := s.Reader.(flow.Relational)
	if !ok {
		return false, nil
	}
	// The query engine finds out for itself which columns it reads.
	all := s.Request
	all.Columns = nil
	rel, ok, err := reader.Relation(all)
	if err != nil || !ok {
		return false, err
	}
	for _, p := range s.Config.Prepare {
		rel.Where = append(rel.Where, p.Where)
	}
	s.Relation = &rel
	return true, nil
}

// readInterval is the interval that readers are asked for: the run's, without
// its start. What a feature looks back on, and the row before the first, may
// lie any distance before it; a narrower read needs saved state.
func (b *binder) readInterval() flow.Interval { return flow.Interval{End: b.interval.End} }

func (b *binder) bindQuery(ctx context.Context, want columns) error {
	queries, err := b.parts.Queries(ctx, b.plan.Sources)
	if err != nil {
		return b.problem("query.sql", err)
	}
	for _, s := range b.plan.Sources {
		rel := s.Relation
		if rel == nil { // its rows are not there yet: an empty table has their schema
			path, err := b.parts.Spill(ctx, s.Config.ID+"-schema", s.Output, nil)
			if err != nil {
				return err
			}
			rel = &flow.Relation{Format: "parquet", Paths: []string{path}}
		}
		if err := queries.Register(ctx, s.Config.ID, *rel); err != nil {
			return b.problem(s.Path, err)
		}
	}
	q := &Query{SQL: b.file.Query.SQL}
	if q.Schema, err = queries.QuerySchema(ctx, q.SQL); err != nil {
		return b.problem("query.sql", err)
	}
	if want != nil {
		q.Schema = project(q.Schema, want)
		q.SQL = narrowed(q.SQL, names(q.Schema))
	}
	b.plan.Query = q
	return nil
}

// narrowed asks a query for some of its columns only.
func narrowed(sql string, columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
	}
	inner := strings.TrimRight(strings.TrimSpace(sql), "; \n\t")
	// The line break ends a comment that the user's text may end in.
	return "SELECT " + strings.Join(quoted, ", ") + " FROM (" + inner + "\n)"
}

func (b *binder) bindStages(ctx context.Context, in *flow.Schema) error {
	source := in
	for i, spec := range b.file.Stages {
		step, err := b.bindStage(ctx, fmt.Sprintf("stage[%d]", i), spec, in)
		if err != nil || step == nil {
			return err
		}
		b.plan.Steps = append(b.plan.Steps, step)
		in = step.Out
	}
	if err := b.bindSet(ctx, in); err != nil || len(b.problems) > 0 {
		return err
	}
	b.settleReads(source)
	return b.bindSinks()
}

// bindStage makes and opens a built-in or a plugin. It gives nil when the
// pipeline file is at fault.
func (b *binder) bindStage(ctx context.Context, path string, spec config.Stage, in *flow.Schema) (*Step, error) {
	step := &Step{Path: path, Name: b.unique(spec.Use), Kind: observe.KindStage, In: in}
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
		return nil, b.problem(path+".use", err)
	}
	if step.Out, err = step.Stage.Open(ctx, in); err != nil {
		_ = step.Stage.Close()
		at := path
		if spec.Use == filterVerb {
			at = path + ".where"
		}
		return nil, b.problem(at, err)
	}
	return step, nil
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
	set, err := b.parts.Catalog.FeatureSet(*b.file.FeatureSet, b.interval, b.parts.Env(path))
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

// settleReads walks from the feature set back to the readers and notes which
// of their columns anybody reads.
func (b *binder) settleReads(source *flow.Schema) {
	need := readsOf(b.plan.Before[0])
	for _, s := range b.plan.Steps {
		need = union(need, readsOf(s))
	}
	if b.plan.Query != nil {
		b.read[len(b.read)-1] = keep(source, need)
		return // the readers' columns stay nil: the query engine prunes what it scans
	}
	s := b.plan.Sources[0]
	for _, p := range s.Prepare {
		need = union(need, readsOf(p))
	}
	b.read[0] = keep(s.Schema, need)
}

func (b *binder) bindSinks() error {
	for i, s := range b.file.Sinks {
		if _, ok := b.parts.Catalog.Sinks[s.Type]; !ok {
			path := fmt.Sprintf("sink[%d].type", i)
			if err := b.problem(path, fault.New(UnknownSink, "unknown sink type %q", s.Type)); err != nil {
				return err
			}
		}
	}
	return nil
}

// readsOf gives the columns a step looks at.
func readsOf(s *Step) columns {
	r, ok := s.Stage.(flow.Reads)
	if !ok {
		return set(names(s.In))
	}
	return set(r.Reads())
}

func set(names []string) columns {
	out := columns{}
	for _, n := range names {
		out[n] = true
	}
	return out
}

func union(a, b columns) columns {
	for n := range b {
		a[n] = true
	}
	return a
}

// keep cuts a set of names down to those of a schema. A source of which
// nothing is read still gives one column, so that its rows are counted.
func keep(s *flow.Schema, need columns) columns {
	out := columns{}
	for _, n := range names(s) {
		if need[n] {
			out[n] = true
		}
	}
	if len(out) == 0 && s.NumFields() > 0 {
		out[s.Field(0).Name] = true
	}
	return out
}

func names(s *flow.Schema) []string {
	out := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = f.Name
	}
	return out
}

// project keeps the fields of a schema whose names are wanted, in order.
func project(s *flow.Schema, want columns) *flow.Schema {
	fields := slices.DeleteFunc(slices.Clone(s.Fields()), func(f flow.Field) bool { return !want[f.Name] })
	return flow.NewSchema(fields)
}

func onlyFilters(steps []config.Stage) bool {
	return !slices.ContainsFunc(steps, func(s config.Stage) bool { return s.Use != filterVerb })
}
