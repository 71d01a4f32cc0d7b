package process

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// What a stage's processes may do before it is stopped (ABI-W-072).
const (
	mostRestarts  = 5
	restartWindow = 10 * time.Minute
	firstWait     = 200 * time.Millisecond
)

var errClosed = errors.New("process: the engine is closed")

// supervisor says when the processes of a stage may be started again, and
// gives up when that does not help. A death that its rows explain, since they
// kill a fresh process as well, is not counted here: what becomes of such rows
// is decided elsewhere, and finding them takes many deaths.
type supervisor struct {
	clock func() time.Time
	sleep func(context.Context, time.Duration) error

	mu      sync.Mutex
	charged []time.Time // restarts that no row is to blame for, within the window
	open    *fault.Error
}

func newSupervisor() *supervisor { return &supervisor{clock: time.Now, sleep: pause} }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// charge counts a restart for a reason that is not the rows'.
func (s *supervisor) charge(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.forget(now)
	s.charged = append(s.charged, now)
	if len(s.charged) >= mostRestarts && s.open == nil {
		s.open = fault.New(abi.CodeCircuit, "the plugin's process had to be started again %d times within %v", mostRestarts, restartWindow).
			WithHint("see why it ends; the last time it was as follows")
		s.open.Err = why
	}
}

func (s *supervisor) forget(now time.Time) {
	for len(s.charged) > 0 && now.Sub(s.charged[0]) > restartWindow {
		s.charged = s.charged[1:]
	}
}

// opened gives the error of a stage that was given up, a copy for each caller.
func (s *supervisor) opened() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		return nil
	}
	e := *s.open
	return &e
}

// wait lets some time pass before a process is replaced: 0.2 s, doubled for
// each restart that was charged, less up to a half at random so that stages that
// fell together do not rise together. It stays below 3.2 s: then the circuit
// opens.
func (s *supervisor) wait(ctx context.Context) error {
	if err := s.opened(); err != nil {
		return err
	}
	s.mu.Lock()
	s.forget(s.clock())
	d := firstWait << len(s.charged)
	s.mu.Unlock()
	return s.sleep(ctx, d/2+rand.N(d/2))
}
