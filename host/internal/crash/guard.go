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
}

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
	for from := int64(0); from < in.Rows(); {
		rest := in.Slice(from, in.Rows())
		part := rest.Slice(0, min(rest.Rows(), max(1, s.worker.Most(rest))))
		rest.Release()
		from += part.Rows()
		err := s.part(ctx, part, emit)
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// part sees one batch through, whatever it takes.
func (s *Stage) part(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	a := &attempt{stage: s, emit: emit}
	if err := a.do(ctx, in, true); err != nil {
		return err
	}
	if err := s.breaker.done(in.Rows(), a.rejected, a.poison > mostPoison); err != nil {
		return fault.As(err).At("stage %q", s.settings.Name)
	}
	return nil
}

// attempt is one batch on its way.
type attempt struct {
	stage    *Stage
	emit     flow.Emit
	poison   int   // rows found one by one; one more when the rest was given up
	rejected int64 // rows
	last     error // why the last row was rejected
}

// do tries a batch; again says that it may be tried twice.
func (a *attempt) do(ctx context.Context, in flow.Batch, again bool) error {
	if a.poison >= mostPoison {
		a.poison = mostPoison + 1
		return a.reject(ctx, in, a.last, "not tried: other rows of its batch failed, the last with ")
	}
	w := a.stage.worker
	out, err := w.Do(ctx, in, false)
	what := remedyFor(err)
	if what == retry && again && ctx.Err() == nil {
		if out, err = w.Do(ctx, in, true); err == nil {
			a.count(CountRetried, 1)
		}
		what = remedyFor(err)
	}
	switch {
	case err == nil:
		return a.send(out)
	case ctx.Err() != nil || what == none:
		return err
	case what == split && in.Rows() > 1:
		// More memory than there is, whatever the policy: less at a time may do.
	case a.stage.settings.Policy == Fail:
		return err
	case in.Rows() == 1:
		a.poison++
		a.last = err
		return a.reject(ctx, in, err, "")
	}
	half := in.Rows() / 2
	for _, at := range [][2]int64{{0, half}, {half, in.Rows()}} {
		part := in.Slice(at[0], at[1])
		err := a.do(ctx, part, part.Rows() == 1)
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// send hands on what a worker gave, which emit owns from then on.
func (a *attempt) send(out []flow.Batch) error {
	for i, b := range out {
		if err := a.emit(b); err != nil {
			for _, b := range out[i+1:] {
				b.Release()
			}
			return err
		}
	}
	return nil
}

// reject turns rows down for a reason, which the message tells after a prefix.
func (a *attempt) reject(ctx context.Context, in flow.Batch, why error, prefix string) error {
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
	e := fault.As(why)
	if err := s.Rejects.Reject(ctx, flow.Rejection{Stage: s.Name, Reason: e.Code.String(), Message: prefix + e.Message, Batch: in, Rows: rows}); err != nil {
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
