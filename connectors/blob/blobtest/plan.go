package blobtest

import (
	"errors"
	"sync"

	"github.com/featurehost/featurehost/connectors/blob"
)

// ErrCrash is the answer to every operation from a planned crash on.
var ErrCrash = errors.New("the process is dead")

// Plan decides the fate of operations. The zero Plan lets all pass and
// records them.
type Plan struct {
	// FailAt fails the n-th operation that Match admits (from 1) with Err;
	// later ones pass. 0 fails none.
	FailAt int
	Err    error
	// CrashAt answers the n-th such operation and every operation after it with
	// ErrCrash: what is on disk stays as it is at that moment. 0 never.
	CrashAt int
	// Match chooses the operations that count; nil counts all.
	Match func(blob.Op) bool
	// Call, if set, runs when the n-th operation is reached, in place of an
	// error: a test kills its process there.
	Call func(blob.Op)

	mu      sync.Mutex
	seen    int
	crashed bool
	log     []blob.Op
}

// Hook is the blob.Hook of the plan.
func (p *Plan) Hook(op blob.Op) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.crashed {
		return ErrCrash
	}
	if p.Match == nil || p.Match(op) {
		p.seen++
		if p.seen == p.CrashAt {
			if p.Call != nil {
				p.Call(op)
			}
			p.crashed = true
			return ErrCrash
		}
		if p.seen == p.FailAt {
			return p.Err
		}
	}
	p.log = append(p.log, op)
	return nil
}

// Reached says whether the planned failure or crash happened, so that a sweep
// over n knows when it is past the last operation.
func (p *Plan) Reached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crashed || (p.FailAt > 0 && p.seen >= p.FailAt)
}

// Ops are the operations that were done, in order.
func (p *Plan) Ops() []blob.Op {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]blob.Op(nil), p.log...)
}
