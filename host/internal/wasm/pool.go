package wasm

import (
	"sync"

	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// pool keeps idle guests of one stage and makes new ones when none is idle.
// It is safe for concurrent use.
type pool struct {
	plan   *blueprint
	schema *flow.Schema // what the first guest answered; all others must agree

	mu     sync.Mutex
	idle   []*guest
	closed bool
}

// get gives a guest to one caller, who puts it back or closes it; fresh asks for
// one that has served nobody.
func (p *pool) get(fresh bool) (*guest, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 && !fresh {
		g := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return g, nil
	}
	p.mu.Unlock()
	g, err := p.plan.start()
	if err != nil {
		return nil, err
	}
	if p.schema != nil && !contract.SameSchema(p.schema, g.schema) {
		g.close()
		return nil, fault.New(cdata.SchemaDrift, "fh_init answered another output schema than in an earlier instance: %s, then %s", contract.Shown(p.schema), contract.Shown(g.schema))
	}
	return g, nil
}

// put takes back a guest that is fit for another batch.
func (p *pool) put(g *guest) {
	if !g.full() {
		p.mu.Lock()
		if !p.closed {
			p.idle = append(p.idle, g)
			g = nil
		}
		p.mu.Unlock()
	}
	g.close()
}

// close ends the idle guests; those in use end when they are put back.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, g := range idle {
		g.close()
	}
}
