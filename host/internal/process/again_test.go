package process

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// ABI-P-006: each exchange counts its batches from 1, so that a plugin may count
// by itself: also in the one that follows a batch it turned down.
func TestStage_ExchangeAfterARefusal_CountsAnew(t *testing.T) {
	schema := hosttest.Record(t, "x double").Schema()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), mode("counts"), schema)
	for _, c := range []struct {
		row, want string
		code      fault.Code
	}{{"1", "1 | 2\n", 0}, {"2", "2 | 4\n", 0}, {"13", "", abi.CodeData}, {"3", "3 | 6\n", 0}, {"4", "4 | 8\n", 0}} {
		in := hosttest.Batch(t, "x double", c.row)
		var got hosttest.Recorder
		err := s.Process(context.Background(), in, got.Emit)
		if got.Text() != c.want || c.code == 0 && err != nil || c.code != 0 && !fault.Is(err, c.code) {
			t.Errorf("row %s: %q, %v", c.row, got.Text(), err)
		}
		got.Release()
		in.Release()
	}
}

// What a try counted that failed does not count: the next try counts it again.
func TestStage_CountsOfAFailedTry_NotCounted(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	u := mode("metrics_exit_once")
	u.Config["file"] = filepath.Join(t.TempDir(), "once")
	env, _, counts := hosttest.Env(t)
	s := impatient(load(t, newEngine(t), hostile(t, "map", "")).Stage(u, env))
	if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(context.Background(), in, false); !fault.Is(err, abi.CodeExited) {
		t.Errorf("got %v", err)
	}
	out, err := s.Do(context.Background(), in, true)
	if err != nil {
		t.Fatal(err)
	}
	flow.ReleaseAll(out)
	_ = s.Close()
	if got := counts.N["plugin_seen{hostile}"]; got != 1 {
		t.Errorf("counted %d, want 1: %v", got, counts.N)
	}
}

// A crash costs the process that crashed and the one that was tried then, and no
// other that is idle.
func TestStage_Crash_LeavesIdleProcesses(t *testing.T) {
	in := hosttest.Batch(t, "x double", "13")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), mode("exit_on_13"), in.Record.Schema())
	p := s.shared.pool
	var held []*session
	for range 4 {
		x, err := p.get(context.Background(), false)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, x)
	}
	for _, x := range held {
		p.put(x)
	}
	for _, fresh := range []bool{false, true} {
		if _, err := s.Do(context.Background(), in, fresh); !fault.Is(err, abi.CodeExited) {
			t.Errorf("got %v", err)
		}
	}
	alive := 0
	for _, x := range held {
		select {
		case <-x.proc.Done():
		default:
			alive++
		}
	}
	if alive != 3 {
		t.Errorf("%d of 4 processes are left, want 3", alive)
	}
}

// A deadline that strikes right after the answer kills the process, and the next
// batch is not given to it: stop tells.
func TestSession_Watch_TellsOfItsKill(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	u := Use{Limits: abi.Limits{Timeout: 50 * time.Millisecond}}
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), u, in.Record.Schema())
	on, err := s.shared.pool.get(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	stop := on.watch(context.Background())
	for range 2 { // the second asks again
		if stop() {
			t.Error("it killed before its time")
		}
	}
	stop = on.watch(context.Background())
	<-on.proc.Done() // at the deadline
	for range 2 {
		if !stop() {
			t.Error("it does not say that it killed")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	if on, err = s.shared.pool.get(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	defer on.discard()
	on.plan.limits.Timeout = time.Hour
	stop = on.watch(ctx)
	cancel()
	<-on.proc.Done()
	if !stop() {
		t.Error("it does not say that it killed when it was cancelled")
	}
}

// The socket is a path and no URL: what looks like an escape is a name, and leads
// nowhere else.
func TestSession_OddSocketPaths_AreNames(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	for _, name := range []string{"a#b", "a?b=c", "a%41b", "a%zz", "a b"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if len(dir) > 50 { // or it would fall back to another
			short, err := os.MkdirTemp("/tmp", "fht")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(short)
			dir = filepath.Join(short, name)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		e := NewEngine(Options{TempDir: dir})
		s, _ := open(t, load(t, e, hostile(t, "map", "")), Use{}, in.Record.Schema())
		if got := run(t, s, in); got != "1 | 2\n" {
			t.Errorf("%q: %q", name, got)
		}
		if on := s.shared.pool.pop(); filepath.Dir(filepath.Dir(on.proc.Socket())) != dir {
			t.Errorf("the socket is %s", on.proc.Socket())
		} else {
			s.shared.pool.put(on)
		}
		_ = s.Close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}
