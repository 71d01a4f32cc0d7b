package crash

import (
	"context"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Worker is a stage that does batches one at a time, each whole or not at all.
type Worker interface {
	flow.Stateless
	flow.Reads
	flow.Makes
	// Most is how many rows of a batch, from its first on, may be given at once:
	// at least 1.
	Most(in flow.Batch) int64
	// Do does one batch, borrowed. Nothing may come out, as from a filter; with
	// an error nothing has. fresh asks for an instance that has served nobody.
	Do(ctx context.Context, in flow.Batch, fresh bool) (out []flow.Batch, err error)
}

// Settings of a Stage.
type Settings struct {
	Name    string // of the stage
	Policy  Policy
	Circuit Circuit
	Rejects flow.Rejects // for DeadLetter
	Counter flow.Counter
	// Warn is told of the first failure of each code, where the policy is not to
	// fail; nil tells nobody.
	Warn func(text string)
}

// NotTried is the reason of rows that were turned down because too many others
// of their batch had failed.
const NotTried = "not_tried"

// Counts that a Stage reports, by stage.
const (
	// CountRejected are rows that went to the dead letter.
	CountRejected = "stage_rejected"
	// CountSkipped are rows that were left out.
	CountSkipped = "stage_skipped"
	// CountRetried are batches that a second try did.
	CountRetried = "stage_retried"
)

// Stage is a Worker whose failures are dealt with.
type Stage struct {
	worker   Worker
	settings Settings
	breaker  *breaker
}

var (
	_ flow.Stateless = (*Stage)(nil)
	_ flow.Reads     = (*Stage)(nil)
	_ flow.Makes     = (*Stage)(nil)
)

// Guard gives a stage that does what w does.
func Guard(w Worker, s Settings) *Stage {
	return &Stage{worker: w, settings: s, breaker: &breaker{limits: s.Circuit.withDefaults()}}
}

// Open implements flow.Stage.
func (s *Stage) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	return s.worker.Open(ctx, in)
}

// Reads implements flow.Reads.
func (s *Stage) Reads() []string { return s.worker.Reads() }

// Makes implements flow.Makes.
func (s *Stage) Makes() []string { return s.worker.Makes() }

// Flush implements flow.Stage.
func (s *Stage) Flush(ctx context.Context, emit flow.Emit) error { return s.worker.Flush(ctx, emit) }

// Close implements flow.Stage.
func (s *Stage) Close() error { return s.worker.Close() }

// Fork implements flow.Stateless. The copies share a circuit.
func (s *Stage) Fork(ctx context.Context) (flow.Stage, error) {
	copied, err := s.worker.Fork(ctx)
	if err != nil {
		return nil, err
	}
	return &Stage{worker: copied.(Worker), settings: s.settings, breaker: s.breaker}, nil
}

// Process implements flow.Stage: it hands the worker as much of the batch at a
// time as that takes.
func (s *Stage) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	return in.Pieces(s.worker.Most, func(part flow.Batch) error { return s.part(ctx, part, emit) })
}

// part sees one batch through, whatever it takes.
func (s *Stage) part(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	a := &attempt{stage: s, emit: emit}
	if err := a.do(ctx, in, true); err != nil {
		return err
	}
	if err := s.breaker.done(in.Rows(), a.rejected, a.gaveUp); err != nil {
		hint := "correct the plugin, or raise the stage's circuit; on_error = \"dead_letter\" keeps the rows that fail, with the reason"
		if s.settings.Policy == DeadLetter {
			hint = "look at the dead letter, and correct the plugin; else raise the stage's circuit"
		}
		return fault.As(err).At("stage %q", s.settings.Name).WithHint("%s", hint)
	}
	return nil
}

// attempt is one batch on its way.
type attempt struct {
	stage    *Stage
	emit     flow.Emit
	poison   int   // rows found one by one
	late     int   // tries that ran out of time
	gaveUp   bool  // the search: the rest is turned down untried
	rejected int64 // rows
	last     error // of the last try that failed
}

// do tries a batch; again says that it may be tried twice.
func (a *attempt) do(ctx context.Context, in flow.Batch, again bool) error {
	if a.poison >= mostPoison || a.late >= mostLate {
		if a.stage.settings.Policy == Fail {
			return a.last
		}
		a.gaveUp = true
		return a.reject(ctx, in, NotTried, "other rows of its batch failed, the last with "+text(a.last))
	}
	w := a.stage.worker
	out, err := w.Do(ctx, in, false)
	what := a.remedy(err)
	if what == retry && again && ctx.Err() == nil {
		if out, err = w.Do(ctx, in, true); err == nil {
			a.count(CountRetried, 1)
		}
		what = a.remedy(err)
	}
	switch {
	case err == nil:
		return flow.EmitAll(out, a.emit)
	case ctx.Err() != nil || what == none:
		return err
	case what == split && in.Rows() > 1:
		// More memory than there is, whatever the policy: less at a time may do.
	case a.stage.settings.Policy == Fail:
		return err
	case in.Rows() == 1:
		a.poison++
		e := fault.As(err)
		a.warn(e)
		return a.reject(ctx, in, e.Code.String(), e.Message)
	}
	half := in.Rows() / 2
	for _, at := range [][2]int64{{0, half}, {half, in.Rows()}} {
		part := in.Slice(at[0], at[1])
		// A half of what was too much is a batch like any other; one of what failed
		// would most likely fail twice.
		err := a.do(ctx, part, again && what == split || part.Rows() == 1)
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// remedy is remedyFor, and remembers what it judged.
func (a *attempt) remedy(err error) remedy {
	if err == nil {
		return none
	}
	a.last = err
	if overtime(err) {
		a.late++
	}
	return remedyFor(err)
}

// text is an error without its place, which is that of another row.
func text(err error) string {
	e := fault.As(err)
	return e.Code.String() + ": " + e.Message
}

// warn tells of the first failure of its kind.
func (a *attempt) warn(e *fault.Error) {
	s := a.stage.settings
	if s.Warn == nil || !a.stage.breaker.first(e.Code) {
		return
	}
	what := "are kept in the dead letter"
	if s.Policy == Skip {
		what = "are left out"
	}
	s.Warn("rows that fail with " + e.Code.String() + " " + what + "; the first: " + e.Error())
}

// reject turns rows down for a reason.
func (a *attempt) reject(ctx context.Context, in flow.Batch, reason, message string) error {
	s := a.stage.settings
	a.rejected += in.Rows()
	if s.Policy == Skip {
		a.count(CountSkipped, in.Rows())
		return nil
	}
	rows := make([]int, in.Rows())
	for i := range rows {
		rows[i] = i
	}
	if err := s.Rejects.Reject(ctx, flow.Rejection{Stage: s.Name, Reason: reason, Message: message, Batch: in, Rows: rows}); err != nil {
		return err
	}
	a.count(CountRejected, in.Rows())
	return nil
}

func (a *attempt) count(name string, n int64) {
	if c := a.stage.settings.Counter; c != nil {
		c.Add(name, a.stage.settings.Name, n)
	}
}
