package hostile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/conformance/hostile"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// atOnce is how many programs are at work: most of their time they wait.
const atOnce = 12

// laid is a program in its folder.
type laid struct {
	hostile.Program
	folder string
}

// court is a host with programs in it.
type court struct {
	// opening and closing have short deadlines at either end, for programs that hang
	// there; the deadline of batches is the stage's.
	patient, opening, closing *host.Bench

	patience time.Duration // with those that hang
	env      flow.Env
	temp     string // where private folders are made
	nice     laid
	programs []laid

	good, bad, events flow.Batch
}

func newCourt(t *testing.T, patience time.Duration) *court {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	c := &court{
		env: env, patience: patience, good: rows(t, 1, 3), bad: rows(t, 13, 32),
		events: hosttest.Batch(t, "ts timestamp, x double", "2024-01-01T00:00:00Z | 1", "2024-01-02T00:00:00Z | 1"),
	}
	var err error
	if c.temp, err = os.MkdirTemp("/tmp", "fhtest"); err != nil {
		t.Fatal(err)
	}
	c.patient = bench(t, host.BenchOptions{TempDir: c.temp})
	c.opening = bench(t, host.BenchOptions{TempDir: c.temp, StartTimeout: 4 * patience, BindTimeout: patience})
	c.closing = bench(t, host.BenchOptions{TempDir: c.temp, ShutdownTimeout: patience})
	// All files are there before the first start: a program that is still open for
	// writing in a process just forked cannot be run.
	c.nice = lay(t, hostile.GoodProgram())
	for _, p := range hostile.Programs() {
		c.programs = append(c.programs, lay(t, p))
	}
	t.Cleanup(func() { c.close(t) })
	return c
}

func bench(t *testing.T, o host.BenchOptions) *host.Bench {
	t.Helper()
	b, err := host.NewBench(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func lay(t *testing.T, p hostile.Program) laid {
	t.Helper()
	folder, err := p.Folder(t.TempDir(), program.path(t))
	if err != nil {
		t.Fatal(err)
	}
	return laid{p, folder}
}

// close ends the host, and sees to it that it leaves nothing behind.
func (c *court) close(t *testing.T) {
	for _, b := range []flow.Batch{c.good, c.bad, c.events} {
		b.Release()
	}
	if err := errors.Join(c.patient.Close(), c.opening.Close(), c.closing.Close()); err != nil {
		t.Error(err)
	}
	c.empty(t)
	_ = os.RemoveAll(c.temp)
}

// empty says that no process is left, nor any private folder.
func (c *court) empty(t *testing.T) {
	t.Helper()
	if !eventually(func() bool { return len(processes(c.temp)) == 0 }) {
		t.Errorf("processes are left: %s", strings.Join(processes(c.temp), "\n"))
	}
	folders := func() []os.DirEntry { left, _ := os.ReadDir(c.temp); return left }
	if !eventually(func() bool { return len(folders()) == 0 }) {
		t.Errorf("left behind: %v", folders())
	}
}

// open gives a stage, or what was wrong.
func (c *court) open(p laid, log io.Writer) (flow.Stage, error) {
	bench, in := c.patient, c.good
	use := host.BenchUse{Config: p.Config(), MTLS: p.MTLS}
	switch {
	case !p.Hangs:
	case p.When == hostile.AtOpen:
		bench = c.opening
	case p.When == hostile.AtClose:
		bench = c.closing
	default:
		use.Limits.Timeout = c.patience
	}
	if p.Kind == abi.Keyed {
		in, use.Keys, use.Time, use.Limits.MaxBatchRows = c.events, []string{"x"}, "ts", 10
	}
	env := c.env
	env.Log = slog.New(slog.NewTextHandler(log, nil))
	s, err := bench.Program(p.folder, use, env)
	if err != nil {
		return nil, err
	}
	if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// endure lets a program do its misdeed and holds the host to its promises: the
// code, and the next batch served, by the same stage or by another.
func (c *court) endure(p laid) error {
	var log bytes.Buffer // read once nobody writes it any more
	s, err := c.open(p, &log)
	if s == nil {
		return errors.Join(p.judge(err), c.next())
	}
	err = c.strike(p, s)
	if closing := s.Close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("close: %w", closing))
	}
	if p.When == hostile.AtClose {
		code := fault.Code(p.Code).String()
		if told := strings.Contains(log.String(), code) && strings.Contains(log.String(), "plugin=hostile"); told != (p.Code != 0) {
			err = errors.Join(err, fmt.Errorf("the log, of %s:\n%s", code, log.String()))
		}
	}
	if p.When == hostile.AtBatch && p.Kind != abi.Keyed || p.When == hostile.AfterBatch {
		return err // the stage itself has served the next batch
	}
	return errors.Join(err, c.next())
}

// strike has a stage meet the misdeed, and what comes behind it.
func (c *court) strike(p laid, s flow.Stage) error {
	switch {
	case p.Kind == abi.Keyed:
		return c.strikeKeyed(p, s)
	case p.When == hostile.AtOpen && p.Code != 0:
		return fmt.Errorf("it was opened, want FH-%d", p.Code)
	case p.When == hostile.AtBatch:
		return errors.Join(p.serves(s, c.good), p.fails(s, c.bad), p.serves(s, c.good))
	case p.When == hostile.AfterBatch:
		err := p.serves(s, c.bad)
		time.Sleep(150 * time.Millisecond) // it strikes
		return errors.Join(err, p.fails(s, c.good), p.serves(s, c.good))
	}
	return p.serves(s, c.good)
}

func (c *court) strikeKeyed(p laid, s flow.Stage) error {
	if p.When == hostile.AtBatch {
		return p.fails(s, c.events)
	}
	var out hosttest.Recorder
	defer out.Release()
	if err := s.Process(context.Background(), c.events, out.Emit); err != nil {
		return fmt.Errorf("the batch before: %w", err)
	}
	return p.judge(s.Flush(context.Background(), out.Emit))
}

// next has another plugin serve a batch.
func (c *court) next() error {
	s, err := c.open(c.nice, io.Discard)
	if err == nil {
		err = errors.Join(c.nice.serves(s, c.good), s.Close())
	}
	if err != nil {
		return fmt.Errorf("the next plugin: %w", err)
	}
	return nil
}

// serves gives a stage a batch that it has to serve.
func (p laid) serves(s flow.Stage, b flow.Batch) error {
	want := ""
	for line := range strings.Lines(hosttest.Text(b.Record)) {
		if p.Kind == abi.Map {
			x, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
			if err != nil {
				return err
			}
			line = fmt.Sprintf("%g | %g\n", x, 2*x)
		}
		want += line
	}
	got, err := serve(s, b)
	if err != nil || got != want {
		return fmt.Errorf("a good batch: %w\n%s\nwant\n%s", err, got, want)
	}
	return nil
}

// fails gives a stage a batch that must end in the code, or be served if there is
// none.
func (p laid) fails(s flow.Stage, b flow.Batch) error {
	if p.Code == 0 {
		return p.serves(s, b)
	}
	got, err := serve(s, b)
	if got != "" {
		return fmt.Errorf("rows came out of the bad batch:\n%.60q", got)
	}
	return p.judge(err)
}

// judge holds an error against the code: it says which plugin is at fault, in
// words that a terminal can bear, and the host itself came to no harm.
func (p laid) judge(err error) error {
	e := fault.As(err)
	if e == nil || !fault.Is(err, fault.Code(p.Code)) && (p.Or == 0 || !fault.Is(err, fault.Code(p.Or))) {
		return fmt.Errorf("got %w, want FH-%d", err, p.Code)
	}
	says := err.Error()
	switch {
	case p.When >= hostile.AtOpen && !strings.Contains(says, `(plugin hostile@1.0.0)`):
		return fmt.Errorf("%w: it does not say which plugin", err)
	case strings.Contains(says, "broke down"), strings.Contains(says, "runtime error"):
		return fmt.Errorf("%w: the host broke down", err)
	case len(says) > 16<<10:
		return fmt.Errorf("an error of %d bytes: %.80s", len(says), says)
	case strings.ContainsFunc(says, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r >= 0x7F && r < 0xA0 }):
		return fmt.Errorf("%q would steer a terminal", says)
	}
	return nil
}

// patiently is endure with three tries for programs that hang: they are given so
// little time that a busy machine may be late with their good batches, too.
func (c *court) patiently(p laid) (err error) {
	for range 3 {
		if err = c.endure(p); err == nil || !p.Hangs {
			break
		}
	}
	return err
}

// all has programs endured, some at once, so many times each, and gives their
// first errors. They come in an order without order: of those that use up a
// processor until a deadline, few are at work at once.
func (c *court) all(programs []laid, times int) map[string]error {
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(programs))
	queue := make(chan int)
	go func() {
		defer close(queue)
		for range times {
			for _, i := range order {
				queue <- i
			}
		}
	}()
	errs := make([]error, len(programs))
	busy := make([]sync.Mutex, len(programs)) // one process at a time keeps count in a folder
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range queue {
				busy[i].Lock()
				if errs[i] == nil {
					errs[i] = c.patiently(programs[i])
				}
				busy[i].Unlock()
			}
		})
	}
	workers.Wait()
	named := map[string]error{}
	for i, p := range programs {
		named[p.Name] = errs[i]
	}
	return named
}
