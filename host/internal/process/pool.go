package process

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"

	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// pool keeps idle sessions of one stage and starts new ones when none is idle:
// a process for each worker that is at work at once. It is safe for concurrent
// use.
type pool struct {
	plan   *blueprint
	keeper *supervisor
	schema *flow.Schema // what the first session answered; all others must agree
	ends   sync.WaitGroup
	ending atomic.Int32 // of those, how many others take the place of

	mu     sync.Mutex
	idle   []*session
	lost   int // sessions that died and were not replaced yet
	closed bool
}

// get gives a session to one caller, who puts it back or throws it away; fresh
// asks for one that has served nobody, in place of an idle one.
func (p *pool) get(ctx context.Context, fresh bool) (*session, error) {
	if err := p.keeper.opened(); err != nil {
		return nil, err
	}
	for !fresh || !p.short() { // one that died was fresh's: its successor has served nobody
		s := p.pop()
		if s == nil {
			break
		}
		if fresh {
			p.replace(s)
			break
		}
		err := s.healthy(ctx)
		if err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			p.put(s)
			return nil, ctx.Err()
		}
		// It died of nothing that a batch did.
		p.keeper.charge(err)
		p.toss(s)
		if err := p.keeper.opened(); err != nil {
			return nil, err
		}
	}
	return p.fill(ctx)
}

// short tells whether a session died that was not replaced yet.
func (p *pool) short() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost > 0
}

func (p *pool) pop() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return s
}

// fill starts a session. One that replaces another waits first. All but the
// stage's first are tried again until the keeper gives up: no row is to blame.
func (p *pool) fill(ctx context.Context) (*session, error) {
	p.mu.Lock()
	waits := p.lost > 0
	if waits {
		p.lost--
	}
	p.mu.Unlock()
	for ; ; waits = true {
		if waits {
			if err := p.keeper.wait(ctx); err != nil {
				return nil, err
			}
		}
		s, err := p.start(ctx)
		switch {
		case err == nil:
			return s, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case p.schema == nil || fault.Is(err, cdata.SchemaDrift):
			return nil, startFailure(err)
		}
		p.keeper.charge(err)
		if err := p.keeper.opened(); err != nil {
			return nil, err
		}
	}
}

func (p *pool) start(ctx context.Context) (*session, error) {
	s, err := p.plan.start(ctx)
	if err != nil {
		return nil, err
	}
	if p.schema != nil && !contract.SameSchema(p.schema, s.schema) {
		s.discard()
		return nil, fault.New(cdata.SchemaDrift, "featurehost.bind answered another output schema than in an earlier process: %s, then %s", contract.Shown(p.schema), contract.Shown(s.schema))
	}
	return s, nil
}

// put takes back a session that is fit for another batch.
func (p *pool) put(s *session) {
	p.mu.Lock()
	if !p.closed {
		p.idle = append(p.idle, s)
		s = nil
	}
	p.mu.Unlock()
	if s != nil {
		p.end(s)
	}
}

// toss throws a session away.
func (p *pool) toss(s *session) {
	s.discard()
	p.mu.Lock()
	p.lost++
	p.mu.Unlock()
}

// mostEnding is how many sessions of a stage may be on their way out in good
// order while others take their place: one that does not end when it is asked to
// takes seconds, and their number would grow.
const mostEnding = 2

// replace ends a session whose place another takes.
func (p *pool) replace(s *session) {
	if p.ending.Add(1) > mostEnding {
		p.ending.Add(-1)
		s.discard()
		return
	}
	p.ends.Go(func() {
		defer p.ending.Add(-1)
		p.leave(s)
	})
}

// end closes a session in good order, in its own time.
func (p *pool) end(s *session) {
	p.ends.Go(func() { p.leave(s) })
}

func (p *pool) leave(s *session) {
	if err := s.close(); err != nil {
		p.plan.log.Warn(err)
	}
}

// settle ends the exchanges of the idle sessions, at the end of the input. Rows
// beyond the last answer are an error; a process that does not come to an end is
// left to close.
func (p *pool) settle(ctx context.Context) error {
	var rest []*session
	var failed error
	for s := p.pop(); s != nil; s = p.pop() {
		if s.stream == nil {
			rest = append(rest, s)
			continue
		}
		brief, cancel := context.WithTimeout(ctx, p.plan.timeouts.shutdown)
		undo := context.AfterFunc(brief, s.cancel)
		err := s.settle()
		undo()
		cancel()
		switch {
		case err == nil:
			rest = append(rest, s)
			continue
		case fault.As(err) != nil:
			failed = cmp.Or(failed, err)
		}
		s.discard()
	}
	for _, s := range rest {
		p.put(s)
	}
	return cmp.Or(failed, ctx.Err())
}

// close ends the idle sessions and waits until all that were ended are gone.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		p.end(s)
	}
	p.ends.Wait()
}
