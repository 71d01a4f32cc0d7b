package launch

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// Process is a program that runs, or ran.
type Process struct {
	cmd *exec.Cmd
	dir string // private, holds the socket
	// release takes the mark from dir that this host is at work.
	release func()
	addr    string         // path of the socket
	mtls    bool           // the handshake must hold a certificate
	tls     *tls.Config    // for connections, once the handshake is done; nil without mtls
	hand    *io.PipeWriter // hands the handshake to go-plugin
	tail    *tail
	done    chan struct{} // closed when it has ended and been reaped
	cleared chan struct{} // closed when its folder is gone as well
	// state is how it ended, once done is closed.
	state *os.ProcessState

	clearing sync.Once

	mu      sync.Mutex
	running bool
	reaped  bool
	killed  bool  // by us
	deaf    error // why it could not be killed
	broke   error // a rule that it broke, for which it was killed
	refusal error // what was wrong with its handshake
}

// Limits of what is read.
const (
	maxHandshake = 4 << 10
	maxSocket    = 100 // bytes of a socket's path; kernels allow 104 to 108
	socketRoom   = len("/plugin-dir4294967295/plugin4294967295")
	// streamGrace is how long the streams of a dead program are read on: a child
	// of it that left its group may keep them open.
	streamGrace = time.Second
	// killGrace is how long a killed program is waited for.
	killGrace = 5 * time.Second
)

// prepare makes all that a start needs.
func prepare(spec Spec) (*Process, error) {
	p := &Process{cmd: exec.Command(spec.Path), mtls: spec.MTLS, tail: newTail(spec.Line), done: make(chan struct{}), cleared: make(chan struct{})}
	var err error
	if p.dir, p.release, err = privateDir(spec.TempDir); err != nil {
		return nil, err
	}
	p.cmd.Dir = filepath.Dir(spec.Path)
	p.cmd.Env = append(append([]string(nil), spec.Env...), "TMPDIR="+p.dir)
	// Python would run the code that it finds in a __pycache__ beside the sources,
	// which no digest covers: it looks in an empty folder instead.
	p.cmd.Env = append(p.cmd.Env, "PYTHONPYCACHEPREFIX="+p.dir, "PYTHONDONTWRITEBYTECODE=1")
	p.cmd.SysProcAttr = alone()
	return p, nil
}

// run starts the program and all that listens to it.
func (p *Process) run(s *Starter) error {
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.fork(p.cmd); err != nil {
		_, _ = stdout.Close(), stderr.Close()
		return err
	}
	p.mu.Lock()
	p.running = true
	if p.killed { // while it started
		p.signal()
	}
	p.mu.Unlock()
	var streams sync.WaitGroup
	streams.Go(func() { p.readStdout(stdout) })
	streams.Go(func() { p.tail.read(stderr) })
	go p.watch(&streams)
	s.started(p)
	return nil
}

// watch waits for the end of the program and cleans up after it.
func (p *Process) watch(streams *sync.WaitGroup) {
	p.state = awaitExit(p.cmd.Process)
	p.mu.Lock()
	killGroup(p.cmd.Process.Pid)
	p.reaped = true
	p.mu.Unlock()
	read := make(chan struct{})
	go func() { streams.Wait(); close(read) }()
	select {
	case <-read:
	case <-time.After(streamGrace):
	}
	_ = p.cmd.Wait() // closes the streams; its state tells the rest
	if p.state == nil {
		p.state = p.cmd.ProcessState
	}
	<-read
	close(p.done)
	p.clear()
}

// readStdout hands on the first line, if it is a handshake; anything behind it
// breaks the rules.
func (p *Process) readStdout(r io.Reader) {
	b := bufio.NewReaderSize(r, maxHandshake)
	line, err := b.ReadSlice('\n')
	p.greet(string(line), err)
	if err != nil {
		_, _ = io.Copy(io.Discard, b)
		return
	}
	more := make([]byte, 4<<10)
	for {
		n, err := b.Read(more)
		if n > 0 {
			p.fail(fault.New(abi.CodeStdout, "the plugin wrote to stdout after its handshake: %q", contract.Printable(more[:min(n, 60)])).
				WithHint("stdout belongs to the handshake: the plugin must send all else to stderr, as the SDKs do by pointing descriptor 1 at 2"))
		}
		if err != nil {
			return
		}
	}
}

// fail kills a program that broke a rule.
func (p *Process) fail(why error) {
	p.mu.Lock()
	if p.broke == nil && !p.killed && !p.reaped {
		p.broke = why
	}
	p.mu.Unlock()
	p.Signal()
}

// Signal kills the program and its group, and waits for nothing.
func (p *Process) Signal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed = true; p.running && !p.reaped {
		p.signal()
	}
}

// signal kills the group, and the program itself, which may have left it.
func (p *Process) signal() {
	killGroup(p.cmd.Process.Pid)
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.deaf = err
	}
}

// Kill ends the program and its group, and waits until nothing is left. A
// program that cannot be ended, because it has become another user's or hangs in
// the kernel, is FH-5011; it is left to itself then.
func (p *Process) Kill() error {
	p.Signal()
	t := time.NewTimer(killGrace)
	defer t.Stop()
	select {
	case <-p.done:
		select {
		case <-p.cleared:
		case <-t.C: // it left very many files; that goes on
		}
		return nil
	case <-t.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	why := "it hangs in the kernel, or a child that left its group keeps its streams"
	if p.deaf != nil {
		why = p.deaf.Error()
	}
	return fault.New(abi.CodeKilled, "the plugin's process %d cannot be ended: %s", p.PID(), why).
		WithHint("end it by hand; a program that changes its user is not for this host")
}

// end is Kill for a program that may never have run.
func (p *Process) end() {
	p.mu.Lock()
	running := p.running
	p.mu.Unlock()
	if running {
		_ = p.Kill() // the start has failed already, with more to say
		return
	}
	p.clear()
}

func (p *Process) clear() {
	p.clearing.Do(func() {
		remove(p.dir)
		p.release()
		close(p.cleared)
	})
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Socket is the path of the unix socket at which the program listens.
func (p *Process) Socket() string { return p.addr }

// TLS is how to connect to Socket, each side knowing the other by a certificate
// made for this start; nil where the Spec does not ask for it.
func (p *Process) TLS() *tls.Config { return p.tls }

// PID of the program.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Broke gives the error of a rule that the program broke, for which it was
// killed; else nil.
func (p *Process) Broke() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broke
}

// Death tells how a program ended that Done says has, with its last words:
// FH-5004, or what Broke says.
func (p *Process) Death() error {
	if err := p.Broke(); err != nil {
		return err
	}
	how, words := "for a reason unknown", p.tail.words()
	if p.state != nil {
		how = p.state.String()
	}
	e := fault.New(abi.CodeExited, "the plugin's process %d ended (%s)%s", p.PID(), how, words.Last())
	if words.Text != "" {
		e.Err = words
	}
	return e
}

// Words are what the program wrote to stderr last.
func (p *Process) Words() Words { return p.tail.words() }
