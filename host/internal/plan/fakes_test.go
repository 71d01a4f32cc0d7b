package plan_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/plan"
	"github.com/featurehost/featurehost/host/parts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world holds what the names of a pipeline file stand for in a test, and
// watches what binding does to it.
type world struct {
	t       testing.TB
	sources map[string]string     // columns of each reader, by its path
	query   string                // columns that the query gives
	stages  map[string]*behaviour // built-ins, beside filter
	plugins map[string]*behaviour
	bare    map[string]bool // readers, by path, that cannot be scanned in place
	selects []string        // columns that the feature set reads
	noSink  bool            // nobody has a sink
	holds   error           // what the sink says of its columns

	// step is asked before everything a part does; its error is the part's.
	step func(what string) error

	parts      []*part
	requests   []flow.Request    // that relations were asked for
	tables     []string          // registered: "name format path..."
	asked      []string          // queries whose schema was asked for
	spilled    []string          // "name: columns"
	closing    error             // of every stage
	strategies map[string][]bool // of each reader made, whether it was told how to tell the day
	named      []string          // of the stages of plugins
	surveys    []string          // what was read for each: "reader columns; step, step"
}

// behaviour is what a stage does to the schema.
type behaviour struct {
	all   bool     // reads every column, as it says nothing of its reading
	reads []string // must be in its input
	adds  []string // bigint columns that it appends
	kind  string   // of a plugin
	makes []string // columns that it says it replaces

	keyed, folds bool
	lonely       bool     // for one worker
	drops        []string // columns that it does not hand on
	survey       []string // columns that it must have seen before Open
}

// part is a reader or a stage that was made for a binding.
type part struct {
	name           string
	in             []string // columns that Open was told
	opened, closed int
}

func (w *world) part(name string) *part {
	p := &part{name: name}
	w.parts = append(w.parts, p)
	return p
}

func (w *world) do(what string) error {
	if w.step == nil {
		return nil
	}
	return w.step(what)
}

func (w *world) schemaOf(columns string) *flow.Schema {
	w.t.Helper()
	s, err := schema.Parse(columns)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// bind binds the text of a pipeline file.
func (w *world) bind(text string) (*plan.Plan, error) {
	w.t.Helper()
	f, err := config.Parse("p.toml", []byte(text), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	end := flow.Day(20)
	start := flow.Day(10)
	return plan.Bind(context.Background(), f, flow.Interval{Start: &start, End: &end}, w.lend())
}

func (w *world) lend() plan.Parts {
	c := &parts.Catalog{FeatureSet: w.set}
	c.AddReader("file", w.reader)
	c.AddStage("filter", func(s config.Stage, _ parts.Place, _ flow.Env) (flow.Stage, error) {
		return w.stage("filter", &behaviour{reads: filtered(s.Where)})
	})
	for name, b := range w.stages {
		c.AddStage(name, func(config.Stage, parts.Place, flow.Env) (flow.Stage, error) { return w.stage(name, b) })
	}
	if !w.noSink {
		for _, typ := range []string{"historical", "online"} {
			c.AddSink(typ, func(config.Sink, parts.Place, flow.Env) (flow.Sink, error) { return &sink{w: w}, nil })
		}
	}
	known := func(use string) error {
		if w.plugins[use] == nil {
			return fault.New(1001, "no plugin %q", use).WithHint("build it")
		}
		return nil
	}
	return plan.Parts{
		Catalog: c, Known: known,
		Env: func(string) flow.Env { return flow.Env{} },
		Plugin: func(_ context.Context, name string, spec config.Stage) (flow.Stage, *plan.Plugin, error) {
			w.named = append(w.named, name)
			if err := known(spec.Use); err != nil {
				return nil, nil, err
			}
			b := w.plugins[spec.Use]
			s, err := w.stage(spec.Use, b)
			return s, &plan.Plugin{Name: spec.Use, Version: "1.0", Digest: "sha256:" + spec.Use, Kind: b.kind}, err
		},
		Queries: func(context.Context, []*plan.Source) (plan.Queries, error) { return queries{w}, w.do("queries") },
		Aside: func() plan.Parts {
			lent := w.lend()
			lent.Rows = func(ctx context.Context, p *plan.Plan, use func(context.Context, func(context.Context) (flow.Batch, error)) error) error {
				w.surveys = append(w.surveys, readBy(p))
				if err := w.do("rows"); err != nil {
					return err
				}
				return use(ctx, func(context.Context) (flow.Batch, error) { return flow.Batch{}, io.EOF })
			}
			return lent
		},
		Spill: func(_ context.Context, name string, s *flow.Schema, next func(context.Context) (flow.Batch, error)) (string, error) {
			if next != nil {
				w.t.Error("binding reads no rows")
			}
			w.spilled = append(w.spilled, name+": "+strings.Join(namesOf(s), " "))
			return "/scratch/" + name, w.do("spill " + name)
		},
	}
}

// filtered gives the column of a condition such as "a > 1".
func filtered(where string) []string { return strings.Fields(where)[:1] }

func namesOf(s *flow.Schema) []string {
	out := []string{}
	for _, f := range s.Fields() {
		out = append(out, f.Name)
	}
	return out
}

// reader is a source without rows.
type reader struct {
	*part
	w      *world
	config config.Reader
}

// scannable is a reader that a query can scan in place.
type scannable struct{ *reader }

func (w *world) reader(c config.Reader, _ parts.Place, _ flow.Env) (flow.Reader, error) {
	if err := w.do("make reader " + c.ID); err != nil {
		return nil, err
	}
	if w.strategies == nil {
		w.strategies = map[string][]bool{}
	}
	w.strategies[c.ID] = append(w.strategies[c.ID], c.Incremental != nil)
	r := &reader{part: w.part("reader " + c.ID), w: w, config: c}
	r.opened++ // from the start: a reader is closed also when nothing was read
	if w.bare[c.Path] {
		return r, nil
	}
	return scannable{r}, nil
}

func (r *reader) Schema(context.Context) (*flow.Schema, error) {
	return r.w.schemaOf(r.w.sources[r.config.Path]), r.w.do("schema " + r.config.ID)
}
func (r *reader) Open(context.Context, flow.Request) (*flow.Schema, error) {
	r.w.t.Error("binding opens no reader")
	return nil, nil
}
func (r *reader) Next(context.Context) (flow.Batch, error) { panic("binding reads no rows") }
func (r *reader) Stats() flow.ReadStats                    { return flow.ReadStats{} }
func (r *reader) Close() error                             { r.closed++; return nil }

func (s scannable) Relation(q flow.Request) (flow.Relation, bool, error) {
	s.w.requests = append(s.w.requests, q)
	return flow.Relation{Format: s.config.Format, Paths: []string{s.config.Path}}, true, s.w.do("relation " + s.config.ID)
}

// readBy says what a plan reads and passes it through.
func readBy(p *plan.Plan) string {
	var out []string
	for _, s := range p.Sources {
		text := fmt.Sprint(s.Config.ID, " ", s.Request.Columns, " of ", s.Request.Interval)
		for _, step := range s.Prepare {
			text += ", " + step.Name
		}
		out = append(out, text)
	}
	if p.Query != nil {
		out = append(out, fmt.Sprint("query ", namesOf(p.Query.Schema)))
	}
	for _, step := range p.Steps {
		out = append(out, step.Name)
	}
	return strings.Join(out, "; ")
}

// stage is a stage of a behaviour.
type stage struct {
	*part
	w *world
	b *behaviour
}

// reading says also what it reads.
type reading struct{ *stage }

func (s reading) Reads() []string { return slices.Clone(s.b.reads) }

// alone has no copies.
type alone struct{ flow.Stage }

func (a alone) Reads() []string { return nil }

// making says also what it replaces.
type making struct{ reading }

func (s making) Makes() []string { return s.b.makes }

// grouped is a keyed stage.
type grouped struct{ reading }

func (grouped) Order() flow.Order { return flow.Order{} }
func (s grouped) Folds() bool     { return s.b.folds }

// surveying is a keyed stage that makes the columns seen1, seen2, once it has
// seen rows.
type surveying struct {
	grouped
	learned []string
}

func (s *surveying) Survey() ([]string, bool) { return s.b.survey, true }
func (s *surveying) Learn(ctx context.Context, next func(context.Context) (flow.Batch, error)) error {
	if _, err := next(ctx); !flow.Ended(err) {
		s.w.t.Error(err)
	}
	s.learned = []string{"seen1", "seen2"}
	return s.w.do("learn " + s.name)
}
func (s *surveying) Recall(from flow.Surveyor) { s.learned = from.(*surveying).learned }
func (s *surveying) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	if len(s.learned) == 0 && in.HasField(s.b.survey[0]) {
		s.w.t.Error("opened before it has learned")
	}
	return s.open(in, s.learned)
}

func (w *world) stage(name string, b *behaviour) (flow.Stage, error) {
	if err := w.do("make " + name); err != nil {
		return nil, err
	}
	s := &stage{part: w.part(name), w: w, b: b}
	switch {
	case b.survey != nil:
		return &surveying{grouped: grouped{reading{s}}}, nil
	case b.keyed:
		return grouped{reading{s}}, nil
	case b.makes != nil:
		return making{reading{s}}, nil
	case b.lonely:
		return alone{s}, nil
	case b.all:
		return s, nil
	}
	return reading{s}, nil
}

func (s *stage) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) {
	return s.open(in, nil)
}

func (s *stage) open(in *flow.Schema, more []string) (*flow.Schema, error) {
	s.opened++
	s.in = namesOf(in)
	for _, c := range s.b.reads {
		if !slices.Contains(s.in, c) {
			return nil, fault.New(201, "%s: no column %q", s.name, c)
		}
	}
	fields := slices.DeleteFunc(slices.Clone(in.Fields()), func(f flow.Field) bool { return slices.Contains(s.b.drops, f.Name) })
	for _, c := range slices.Concat(s.b.adds, more) {
		fields = append(fields, s.w.schemaOf(c+" bigint").Field(0))
	}
	return flow.NewSchema(fields), s.w.do("open " + s.name)
}
func (s *stage) Process(context.Context, flow.Batch, flow.Emit) error {
	panic("binding processes no rows")
}
func (s *stage) Flush(context.Context, flow.Emit) error   { panic("binding flushes nothing") }
func (s *stage) Fork(context.Context) (flow.Stage, error) { panic("binding forks nothing") }

func (s *stage) Close() error { s.closed++; return s.w.closing }

// set is a feature set that hands on the columns it reads.
type set struct {
	pick         *picking
	fold, latest *grouping
}

// grouping is a picking of a keyed stage.
type grouping struct{ *picking }

func (grouping) Order() flow.Order { return flow.Order{} }

// picking gives the columns that it reads and no others.
type picking struct{ reading }

func (p *picking) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	if _, err := p.stage.Open(ctx, in); err != nil {
		return nil, err
	}
	fields := slices.DeleteFunc(slices.Clone(in.Fields()), func(f flow.Field) bool { return !slices.Contains(p.b.reads, f.Name) })
	return flow.NewSchema(fields), nil
}

func (w *world) set(c config.FeatureSet, _ flow.Interval, env flow.Env) (flow.FeatureSet, error) {
	if err := w.do("make feature set"); err != nil {
		return nil, err
	}
	out := &set{}
	for i, f := range c.Features {
		if f.Use == "" {
			continue
		}
		if _, err := env.Plugin(w.t.Context(), f.Use, f.Config); err != nil {
			return nil, fault.As(err).At("feature_set.feature[%d].use", i)
		}
	}
	pick := func(name string) *picking {
		return &picking{reading{&stage{part: w.part(name), w: w, b: &behaviour{reads: w.selects}}}}
	}
	out.pick, out.fold, out.latest = pick("select"), &grouping{pick("fold")}, &grouping{pick("latest")}
	return out, nil
}

func (s *set) Steps() []flow.Stage     { return []flow.Stage{s.pick} }
func (s *set) LookBack() flow.LookBack { return flow.LookBack{All: true} }
func (s *set) Fold() flow.Keyed        { return s.fold }
func (s *set) Latest() flow.Keyed      { return s.latest }
func (s *set) Keys() []string          { return []string{"id"} }

// queries is an SQL engine that knows one query.
type queries struct{ w *world }

func (q queries) Register(_ context.Context, name string, rel flow.Relation) error {
	line := fmt.Sprint(name, " ", rel.Format, " ", strings.Join(rel.Paths, ","))
	if len(rel.Where) > 0 {
		line += " where " + strings.Join(rel.Where, " and ")
	}
	q.w.tables = append(q.w.tables, line)
	return q.w.do("register " + name)
}

func (q queries) QuerySchema(_ context.Context, sql string) (*flow.Schema, error) {
	q.w.asked = append(q.w.asked, sql)
	return q.w.schemaOf(q.w.query), q.w.do("query schema")
}
func (q queries) Counts(context.Context, string) (all, kept int64, err error) {
	panic("binding counts nothing")
}
func (q queries) Query(context.Context, string, string) (int64, error) {
	panic("binding runs no query")
}

// open lists the parts that were opened and not closed as often.
func (w *world) open() (out []string) {
	for _, p := range w.parts {
		if p.opened > 0 && p.closed == 0 {
			out = append(out, p.name)
		}
	}
	return out
}

// sink is only asked what it can hold.
type sink struct {
	flow.Sink
	w *world
}

func (s *sink) CheckColumns(*flow.Schema) error { return s.w.holds }

func (s *sink) Close() error { return nil }
