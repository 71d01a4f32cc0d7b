package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// ReplayOptions say which letters are replayed.
type ReplayOptions struct {
	LetterChoice        // the stage is needed
	Out          string // Parquet or JSON lines file for the rows that pass; "" for none
}

// ReplayReport tells what became of letters that were given to their stage again.
// Letters = Passed + Filtered + the rows of Failed.
type ReplayReport struct {
	Stage    string          `json:"stage"`
	Letters  int64           `json:"letters"`
	Passed   int64           `json:"passed"`   // came out of the last stage
	Filtered int64           `json:"filtered"` // left out by a filter, as other rows are
	Failed   []ReplayFailure `json:"failed"`   // by stage and reason
	// Through are the stages that the rows went through, the letters' own first;
	// Before is what they would meet next, and Why they do not.
	Through []string `json:"through"`
	Before  string   `json:"stopped_before"`
	Why     string   `json:"because"`
	// Then are the plugins that turned the rows down, Now is the one of today;
	// none for a stage that is built in.
	Then []string `json:"plugins_then,omitempty"`
	Now  string   `json:"plugin_now,omitempty"`
	Out  string   `json:"out,omitempty"` // the file written; "" when nothing passed
	Rows int64    `json:"rows_written,omitempty"`
}

// ReplayFailure counts letters that fail again for one reason.
type ReplayFailure struct {
	Stage   string `json:"stage"`
	Reason  string `json:"reason"`
	Rows    int64  `json:"rows"`
	Message string `json:"message"` // of the first
}

// Replay gives the rows of dead letters to their stage again, with the plugins
// and the configuration of today, and what comes out to the stages behind it, as
// far as those look at one row at a time. No store is opened, and the letters
// stay where they are.
func (h *Host) Replay(ctx context.Context, box *LetterBox, o ReplayOptions) (report *ReplayReport, err error) {
	if _, err := box.chosen(o.LetterChoice); err != nil { // before anything is loaded
		return nil, err
	}
	inner, err := New(turningDown(h.file, h.options), h.options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, inner.Close()) }()
	x := &replay{report: &ReplayReport{Stage: o.Stage, Failed: []ReplayFailure{}}, redact: h.file.Redact}
	session, err := inner.session(ctx, &observe.Events{}, x, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, session.close()) }()
	p, err := session.bind(ctx, flow.Interval{}, false)
	if err != nil {
		return nil, err
	}
	if err := x.enter(p, o.Stage); err != nil {
		return nil, err
	}
	x.out = &rowFile{path: o.Out, schema: x.steps[len(x.steps)-1].Out}
	err = box.Each(o.LetterChoice, func(l Letter) error { return x.letter(ctx, l) })
	if err != nil {
		return nil, errors.Join(err, x.out.drop())
	}
	if x.report.Rows = x.out.rows; x.report.Rows > 0 {
		x.report.Out = o.Out
	}
	return x.report, x.out.close()
}

// turningDown is a pipeline file whose plugins turn down each row that they fail
// on, however many: on_error and circuit are for runs.
func turningDown(file *config.File, o Options) *config.File {
	out := *file
	each := func(stages []config.Stage) []config.Stage {
		stages = slices.Clone(stages)
		for i := range stages {
			if _, builtin := o.Catalog.Stages[stages[i].Use]; !builtin {
				stages[i].OnError = "dead_letter"
				stages[i].Circuit = config.Circuit{Rejected: 1}
			}
		}
		return stages
	}
	out.Stages = each(out.Stages)
	out.Readers = slices.Clone(out.Readers)
	for i := range out.Readers {
		out.Readers[i].Prepare = each(out.Readers[i].Prepare)
	}
	out.Sinks = slices.Clone(out.Sinks)
	for i := range out.Sinks {
		out.Sinks[i].Stages = each(out.Sinks[i].Stages)
	}
	return &out
}

// replay is letters on their way. It is the dead letter of its stages.
type replay struct {
	report *ReplayReport
	steps  []*plan.Step
	out    *rowFile
	redact func(string) string
	turned *ReplayFailure // the rejection of the letter under way
	came   []flow.Record  // rows that came of it: written when all of it has passed
}

// Reject implements flow.Rejects. Nothing is kept: the letter is there already.
func (x *replay) Reject(_ context.Context, r flow.Rejection) error {
	if x.turned == nil && len(r.Rows) > 0 {
		x.turned = &ReplayFailure{Stage: r.Stage, Reason: r.Reason, Message: r.Message}
	}
	return nil
}

// ownStage is the name by which the feature set turns rows down.
const ownStage = "feature_set"

// enter finds the stages that letters go through.
func (x *replay) enter(p *plan.Plan, stage string) error {
	way, before, why := wayFrom(p, stage)
	if len(way) == 0 {
		err := fault.New(NotReplayable, "the pipeline has no stage %q that letters could be given to", stage)
		if slices.ContainsFunc(p.Sources, func(s *plan.Source) bool { return s.Config.ID == stage }) {
			return err.WithHint("%q is a reader: these letters are text that it could not read; mend the source and run the interval again", stage)
		}
		return err.WithHint("its stages are %s", stageNames(p))
	}
	for i, s := range way {
		if severalRows(s) {
			if i == 0 {
				return fault.New(NotReplayable, "stage %q looks at several rows together, and letters are single rows", stage).WithHint("run their interval again")
			}
			way, before, why = way[:i], s.Name, "it looks at several rows together"
			break
		}
	}
	x.steps, x.report.Before, x.report.Why = way, before, why
	for _, s := range way {
		x.report.Through = append(x.report.Through, s.Name)
	}
	if own := way[0].Plugin; own != nil {
		x.report.Now = own.Name + "@" + own.Version + " " + own.Digest
	}
	return nil
}

// wayFrom gives the stages from one on, up to what is no stage of single rows:
// before says what, and why it ends the way. No stages, when there is none of the
// name.
func wayFrom(p *plan.Plan, stage string) (way []*plan.Step, before, why string) {
	from := func(steps []*plan.Step) []*plan.Step {
		i := slices.IndexFunc(steps, func(s *plan.Step) bool { return s.Name == stage })
		if i < 0 {
			return nil
		}
		return slices.Clone(steps[i:])
	}
	const set = "the rows of a feature depend on others of their key"
	for _, s := range p.Sources {
		switch way = from(s.Prepare); {
		case len(way) > 0 && p.Query != nil:
			return way, "[query]", "it joins rows with others"
		case len(way) > 0:
			return append(way, p.Steps...), "[feature_set]", set
		}
	}
	if way = from(p.Steps); len(way) > 0 {
		return way, "[feature_set]", set
	}
	if stage == ownStage && len(p.Before) > 0 {
		return p.Before[:1:1], "the features", set
	}
	for _, s := range p.Sinks {
		if way = from(s.Steps); len(way) > 0 {
			return way, "sink " + s.Config.Name, "a replay writes into no store"
		}
	}
	return nil, "", ""
}

func stageNames(p *plan.Plan) string {
	names := []string{ownStage}
	for _, s := range rowSteps(p) {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// severalRows reports whether a stage looks at more than a row at a time.
func severalRows(s *plan.Step) bool {
	_, stateless := s.Stage.(flow.Stateless)
	_, learns := s.Stage.(flow.Surveyor)
	return !stateless || learns || s.Keyed() != nil || s.Kind == observe.KindFold
}

// letter sends one on its way and counts what becomes of it.
func (x *replay) letter(ctx context.Context, l Letter) error {
	r := x.report
	r.Letters++
	if l.Plugin != "" {
		if then := l.Plugin + " " + l.Digest; !slices.Contains(r.Then, then) {
			r.Then = append(r.Then, then)
		}
	}
	row, err := fit(l.Row, x.steps[0].In)
	if err != nil {
		x.failed(ReplayFailure{Stage: x.report.Stage, Reason: LetterUnfit.String(), Message: err.Error()})
		return nil
	}
	b := flow.Batch{Record: row, Position: flow.Position{Object: l.Object, Row: l.SourceRow}}
	defer b.Release()
	x.turned = nil
	defer x.forget()
	if err := x.from(ctx, 0, b); err != nil {
		// A built-in that fails on a row says so; whatever else fails, fails the replay.
		e := fault.As(err)
		if ctx.Err() != nil || e == nil || e.Code.Class() != fault.Data {
			return err
		}
		x.turned = &ReplayFailure{Stage: x.report.Stage, Reason: e.Code.String(), Message: e.Message}
	}
	switch {
	case x.turned != nil:
		x.failed(*x.turned)
		return nil
	case len(x.came) == 0:
		r.Filtered++
		return nil
	}
	r.Passed++
	for _, row := range x.came {
		if err := x.out.write(row); err != nil {
			return err
		}
	}
	return nil
}

// forget lets go of the rows of a letter.
func (x *replay) forget() {
	for _, row := range x.came {
		row.Release()
	}
	x.came = nil
}

// from sends a row, borrowed, through the stages from i on.
func (x *replay) from(ctx context.Context, i int, b flow.Batch) error {
	if b.Rows() == 0 {
		return nil
	}
	if i == len(x.steps) {
		b.Record.Retain()
		x.came = append(x.came, b.Record)
		return nil
	}
	return x.steps[i].Stage.Process(ctx, b, func(out flow.Batch) error {
		defer out.Release()
		return x.from(ctx, i+1, out)
	})
}

// failed counts a letter that fails again.
func (x *replay) failed(f ReplayFailure) {
	for i := range x.report.Failed {
		if was := &x.report.Failed[i]; was.Stage == f.Stage && was.Reason == f.Reason {
			was.Rows++
			return
		}
	}
	f.Rows, f.Message = 1, x.redact(f.Message)
	x.report.Failed = append(x.report.Failed, f)
}

// fit gives a row the columns that a stage reads today. The caller releases it.
func fit(row flow.Record, want *flow.Schema) (flow.Record, error) {
	columns := make([]arrow.Array, want.NumFields())
	for i, f := range want.Fields() {
		at := row.Schema().FieldIndices(f.Name)
		switch {
		case len(at) != 1:
			return nil, fmt.Errorf("the letter has no column %q, which is read today", f.Name)
		case !arrow.TypeEqual(row.Schema().Field(at[0]).Type, f.Type):
			return nil, fmt.Errorf("column %q of the letter is of type %s, and of %s today", f.Name, row.Schema().Field(at[0]).Type, f.Type)
		}
		columns[i] = row.Column(at[0])
	}
	return array.NewRecordBatch(want, columns, row.NumRows()), nil
}
