package launch

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// Spec says what to start.
type Spec struct {
	Path    string        // of the program, absolute
	Env     []string      // NAME=value; TMPDIR, two of Python's and the handshake's variables are added
	TempDir string        // where the private folder is made; empty for the system's
	Timeout time.Duration // for the handshake
	MTLS    bool          // whether host and plugin prove themselves to each other
	Line    func(string)  // told every line of stderr, by one goroutine at a time; may be nil
}

// Starter starts programs from one thread that is its own (L3).
type Starter struct {
	jobs chan func()
	done chan struct{}

	mu     sync.Mutex
	closed bool
	live   map[*Process]struct{}
}

// NewStarter makes a Starter.
func NewStarter() *Starter {
	s := &Starter{jobs: make(chan func()), done: make(chan struct{}), live: map[*Process]struct{}{}}
	go func() {
		defer close(s.done)
		// Never unlocked: the thread ends with the goroutine, and with the thread
		// what is still left of its children.
		runtime.LockOSThread()
		for job := range s.jobs {
			job()
		}
	}()
	return s
}

var errClosed = errors.New("launch: the starter is closed")

// fork runs cmd.Start on the starter's thread.
func (s *Starter) fork(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errClosed
	}
	s.jobs <- func() {
		keepToOurselves()
		result <- cmd.Start()
	}
	s.mu.Unlock()
	return <-result
}

// Start starts a program and waits for its handshake. Errors are FH-5001 to
// FH-5003, with what is known of the program; nothing is left of it then.
func (s *Starter) Start(ctx context.Context, spec Spec) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := prepare(spec)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, p.Signal)
	err = p.negotiate(s, spec)
	if !stop() && err == nil {
		err = ctx.Err() // it was killed while it shook hands
	}
	if err == nil {
		return p, nil
	}
	p.end()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, p.refused(spec, err)
}

// started notes a program that Close is to end.
func (s *Starter) started(p *Process) {
	s.mu.Lock()
	s.live[p] = struct{}{}
	s.mu.Unlock()
	go func() {
		<-p.cleared
		s.mu.Lock()
		delete(s.live, p)
		s.mu.Unlock()
	}()
}

// Close ends all that was started and the thread.
func (s *Starter) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.done
		return
	}
	s.closed = true
	var live []*Process
	for p := range s.live {
		live = append(live, p)
	}
	s.mu.Unlock()
	var ends sync.WaitGroup
	for _, p := range live {
		ends.Go(func() { _ = p.Kill() }) // what cannot be ended was told of when its session was
	}
	ends.Wait()
	close(s.jobs)
	<-s.done
}
