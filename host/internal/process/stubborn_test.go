package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/crash"
)

// letters counts the rows that go to the dead letter.
type letters struct{ rows int }

// Reject implements flow.Rejects.
func (l *letters) Reject(_ context.Context, r flow.Rejection) error {
	l.rows += len(r.Rows)
	return nil
}

// A fresh process that does not come up is no row's fault: the run ends, whatever
// on_error says, be it in place of one that died, for another worker, or for a
// second try.
func TestGuard_FreshProcessDoesNotStart_NoRowRejected(t *testing.T) {
	good, bad := hosttest.Batch(t, "x double", "1", "2"), hosttest.Batch(t, "x double", "13", "2")
	defer good.Release()
	defer bad.Release()
	for _, c := range []struct {
		name, mode, starts string
		in                 flow.Batch
		busy               bool // the first process is another worker's
		code               fault.Code
	}{
		{"dead, then describe", "exit_on_13", "describe_dies", bad, false, abi.CodeCircuit},
		{"refused, then describe", "internal_on_13", "describe_dies", bad, false, abi.CodeCircuit},
		{"another worker's", "", "describe_dies", good, true, abi.CodeCircuit},
		{"another worker's exits", "", "exit", good, true, abi.CodeCircuit},
		{"another worker's drifts", "bind_drifts", "", good, true, abi.CodeInit},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := hostile(t, "map", "")
			s := impatient(load(t, newEngine(t), folder).Stage(mode(c.mode), hosttestEnv(t)))
			var kept letters
			g := crash.Guard(s, crash.Settings{Name: "s", Policy: crash.DeadLetter, Rejects: &kept})
			defer g.Close() //nolint:errcheck // the rows matter
			if _, err := g.Open(context.Background(), c.in.Record.Schema()); err != nil {
				t.Fatal(err)
			}
			s.shared.pool.keeper.sleep = func(context.Context, time.Duration) error { return nil }
			if c.busy {
				held := s.shared.pool.pop()
				defer s.shared.pool.put(held)
			}
			put(t, filepath.Join(folder, "mode"), c.starts)
			var out hosttest.Recorder
			defer out.Release()
			err := g.Process(context.Background(), c.in, out.Emit)
			if !fault.Is(err, c.code) || fault.As(err).Code != c.code || kept.rows > 0 || len(out.Batches) > 0 {
				t.Errorf("%d rows rejected, %q came out, %v", kept.rows, out.Text(), err)
			}
		})
	}
}

// Rows that come behind their acknowledgement are nobody's: they are not taken for
// those of the next batch, and not dropped at the end.
func TestStage_RowsBehindAcknowledgement_Refused(t *testing.T) {
	first, second := hosttest.Batch(t, "x double", "1", "2"), hosttest.Batch(t, "x double", "3", "4", "5")
	defer first.Release()
	defer second.Release()
	for _, c := range []struct {
		mode string
		end  bool // of the input, right behind the first batch
	}{{"rows_behind", false}, {"rows_behind", true}, {"rows_after", false}, {"rows_after", true}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			s, _ := open(t, load(t, newEngine(t), hostile(t, "filter", "")), mode(c.mode), first.Record.Schema())
			run(t, s, first)
			time.Sleep(100 * time.Millisecond) // they come
			var out hosttest.Recorder
			defer out.Release()
			var err error
			if c.end {
				err = s.Flush(context.Background(), out.Emit)
			} else {
				err = s.Process(context.Background(), second, out.Emit)
			}
			if !fault.Is(err, abi.CodeStream) || !strings.Contains(err.Error(), "went on after it acknowledged") || len(out.Batches) > 0 {
				t.Errorf("%q came out, %v", out.Text(), err)
			}
		})
	}
}

// A plugin may greet as soon as the exchange is there, before the first batch.
func TestStage_EarlySchema_IsNoAnswer(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), mode("greets_early"), in.Record.Schema())
	on, err := s.shared.pool.get(context.Background(), false)
	if err == nil {
		err = on.open()
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if on.line.pending() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.shared.pool.put(on)
	for range 2 {
		if got := run(t, s, in); got != "1 | 2\n" {
			t.Errorf("got %q", got)
		}
	}
}

// The end of the input ends the exchanges; what comes then begins others.
func TestStage_Flush_EndsExchanges_StageGoesOn(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	for _, m := range []string{"", "close_hangs", "close_endless"} {
		t.Run(m, func(t *testing.T) {
			s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), mode(m), in.Record.Schema())
			for range 2 {
				if got := run(t, s, in); got != "1 | 2\n" {
					t.Errorf("got %q", got)
				}
				err := s.Flush(context.Background(), nil)
				if m == "close_endless" != fault.Is(err, abi.CodeStream) || m != "close_endless" && err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// endsOnLook is a context that is done once somebody has seen that it is not.
type endsOnLook struct {
	context.Context
	end func()
}

// Err implements context.Context.
func (c endsOnLook) Err() error {
	err := c.Context.Err()
	c.end()
	return err
}

// A refusal at the very deadline: the process was killed meanwhile, and is not kept
// for the next batch.
func TestStage_RefusalAtTheDeadline_ProcessNotKept(t *testing.T) {
	in := hosttest.Batch(t, "x double", "13")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), mode("internal_on_13"), in.Record.Schema())
	on, err := s.shared.pool.get(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer on.discard()
	ctx, cancel := context.WithCancel(context.Background())
	_, after, err := s.ask(endsOnLook{ctx, cancel}, on, in.Record)
	if !fault.Is(err, abi.CodeBadBatch) || after != broken {
		t.Errorf("fate %v, %v", after, err)
	}
}

// A process that does not read what it is sent cannot hold up its own end.
func TestStage_ProcessDoesNotRead_EndsAtTheDeadline(t *testing.T) {
	rows := make([]string, 60_000)
	for i := range rows {
		rows[i] = fmt.Sprint(i)
	}
	in := hosttest.Batch(t, "x double", rows...)
	defer in.Release()
	folder := hostile(t, "map", "")
	s, _ := open(t, load(t, newEngine(t), folder), Use{Limits: abi.Limits{Timeout: time.Second}}, in.Record.Schema())
	for range 3 { // after which its server takes more at once than a socket holds
		run(t, s, in)
	}
	stop(t, folder)
	start := time.Now()
	_, err := s.Do(context.Background(), in, false)
	if took := time.Since(start); !fault.Is(err, abi.CodeDeadline) || took > 4*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}

// An answer of HTTP/2 frames of a byte each would take many times its size of the
// host's memory; a small one may come as it likes.
func TestStage_AnswerInCrumbs_Refused(t *testing.T) {
	rows := make([]string, 20_000)
	for i := range rows {
		rows[i] = fmt.Sprint(i)
	}
	small, large := hosttest.Batch(t, "x double", "1"), hosttest.Batch(t, "x double", rows...)
	defer small.Release()
	defer large.Release()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "crumbs")), Use{}, small.Record.Schema())
	for range 50 {
		if got := run(t, s, small); got != "1 | 2\n" {
			t.Errorf("got %q", got)
		}
	}
	_, err := s.Do(context.Background(), large, false)
	if !fault.Is(err, abi.CodeStream) || !strings.Contains(err.Error(), "HTTP/2 frames") {
		t.Errorf("got %v", err)
	}
}

// Processes that others take the place of do not pile up, though they do not end
// when they are asked to.
func TestPool_Replaced_DoNotPileUp(t *testing.T) {
	in := hosttest.Batch(t, "x double", "13")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "stays")), mode("internal_on_13"), in.Record.Schema())
	most := 0
	for range 10 {
		for _, fresh := range []bool{false, true} {
			if _, err := s.Do(context.Background(), in, fresh); !fault.Is(err, abi.CodeBadBatch) {
				t.Fatal(err)
			}
		}
		most = max(most, len(childrenOf(t, os.Getpid())))
	}
	if most > 1+mostEnding {
		t.Errorf("%d processes at once", most)
	}
}

// A pipe in place of a manifest or of a program keeps nobody waiting.
func TestLoad_Pipes_Refused(t *testing.T) {
	for _, name := range []string{"manifest.json", "hostile"} {
		folder := hostile(t, "map", "")
		path := filepath.Join(folder, name)
		if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o755)); err != nil {
			t.Fatal(err)
		}
		if _, err := newEngine(t).Load(folder, ""); !fault.Is(err, abi.CodeManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
