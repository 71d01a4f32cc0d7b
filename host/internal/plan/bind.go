package plan

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// filterVerb is the built-in that a query can take over as a condition.
const filterVerb = "filter"

// Bind settles every schema of the pipeline for a run over the interval. The
// error is *config.Problems when the pipeline file is at fault. The plan is
// open: the caller closes it.
func Bind(ctx context.Context, f *config.File, interval flow.Interval, parts Parts) (*Plan, error) {
	seen := newSeen()
	wide := &binder{file: f, interval: interval, parts: parts, seen: seen}
	p, err := wide.bind(ctx, nil)
	if err != nil {
		return nil, err
	}
	read, lookBack := wide.read, p.Set.LookBack()
	if err := p.Close(); err != nil {
		return nil, err
	}
	narrow := &binder{file: f, interval: interval, parts: parts, seen: seen, lookBack: &lookBack}
	return narrow.bind(ctx, read)
}

type binder struct {
	seen     *seen
	ahead    *ahead         // what a survey reads; nil for the whole pipeline
	uses     map[string]int // how often a name was used
	file     *config.File
	interval flow.Interval
	parts    Parts
	plan     *Plan
	problems []config.Problem
	unknown  []config.Problem // names of plugins that nobody has
	read     []columns        // of each source, then of the query
	lookBack *flow.LookBack   // of the feature set; nil until that has been open once
}

// bind opens everything once. narrow holds the columns to read of each source
// and of the query, or is nil to read all.
func (b *binder) bind(ctx context.Context, narrow []columns) (*Plan, error) {
	b.plan = &Plan{File: b.file, Interval: b.interval, Read: b.readInterval()}
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
	if b.ahead == nil {
		b.names()
	}
	for i, r := range b.file.Readers {
		if !b.ahead.wants(i) {
			continue
		}
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
	if b.ahead.endsIn(inReader) {
		b.settleReads(in)
		return nil
	}
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
	for i, s := range b.file.Sinks {
		check(fmt.Sprintf("sink[%d].stage", i), s.Stages)
	}
	if b.file.FeatureSet == nil {
		return
	}
	for i, f := range b.file.FeatureSet.Features {
		if f.Use == "" {
			continue
		}
		if e := fault.As(b.parts.Known(f.Use)); e != nil {
			b.unknown = append(b.unknown, b.place(fmt.Sprintf("feature_set.feature[%d].use", i), e))
		}
	}
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
	if strings.HasPrefix(e.Place, "feature_set") || strings.HasPrefix(e.Place, "stage[") || strings.HasPrefix(e.Place, "reader[") || atSink(e.Place) {
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
	own := r
	if b.seen.late[i] {
		own.Incremental = nil // a filter behind the steps stands for it
	}
	reader, err := make(own, b.parts.Place, b.parts.Env(r.ID))
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
	if b.file.Query != nil && onlyFilters(r.Prepare) && !b.ahead.endsIn(inReader) {
		done, err := b.bindRelation(s)
		if err != nil {
			return b.problem(path, within(path, err))
		}
		if done {
			return nil
		}
	}
	for k, spec := range b.ahead.cut(inReader, r.Prepare) {
		step, err := b.bindStage(ctx, stop{inReader, i, k}, spec, s.Output)
		if err != nil || step == nil {
			return err
		}
		s.Prepare = append(s.Prepare, step)
		s.Output = step.Out
	}
	return b.bindInterval(ctx, i, s, want != nil)
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

// readInterval is the interval that readers are asked for: the run's, widened
// by the look-back of its feature set (S-509).
func (b *binder) readInterval() flow.Interval {
	i := flow.Interval{End: b.interval.End}
	if b.lookBack == nil || b.lookBack.All || b.interval.Start == nil || b.parts.Whole {
		return i
	}
	first := flow.DayOf(b.interval.Start.Micros() - b.lookBack.Micros)
	i.Start = &first
	return i
}

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
	for i, spec := range b.ahead.cut(inStages, b.file.Stages) {
		step, err := b.bindStage(ctx, stop{inStages, 0, i}, spec, in)
		if err != nil || step == nil {
			return err
		}
		b.plan.Steps = append(b.plan.Steps, step)
		in = step.Out
	}
	if b.ahead != nil {
		b.settleReads(source)
		return nil
	}
	if err := b.bindSet(ctx, in); err != nil || len(b.problems) > 0 {
		return err
	}
	b.settleReads(source)
	return b.bindSinks(ctx)
}

func onlyFilters(steps []config.Stage) bool {
	return !slices.ContainsFunc(steps, func(s config.Stage) bool { return s.Use != filterVerb })
}
