package process

import (
	"context"
	"sync"

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
			p.end(s)
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

// fill starts a session. One that replaces another waits first, and is tried
// again until the keeper gives up.
func (p *pool) fill(ctx context.Context) (*session, error) {
	p.mu.Lock()
	replaces := p.lost > 0
	if replaces {
		p.lost--
	}
	p.mu.Unlock()
	for {
		if replaces {
			if err := p.keeper.wait(ctx); err != nil {
				return nil, err
			}
		}
		s, err := p.start(ctx)
		switch {
		case err == nil:
			return s, nil
		case !replaces || ctx.Err() != nil || fault.Is(err, cdata.SchemaDrift):
			return nil, err
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

// end closes a session in good order, in its own time.
func (p *pool) end(s *session) {
	p.ends.Go(func() {
		if err := s.close(); err != nil {
			p.plan.log.Warn(err)
		}
	})
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
