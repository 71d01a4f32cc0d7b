package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/crash"
)

// logInto gives a logger whose lines read "LEVEL message key=value".
func logInto(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug - 4, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// ABI-W-030: log and counter_add as a guest calls them; a text cannot steer a
// terminal; a flood is cut and reported when the stage closes.
func TestStage_LogAndCounters_ReachTheHost(t *testing.T) {
	m := load(t, newEngine(t), hostilePlugin(t, "map", decided))
	for _, c := range []struct{ mode, log, counts string }{
		{"log_ok", "level=WARN msg=\"hello \\ufffd[31m\" plugin=hostile", "map[]"},
		{"flood", "dropped=995", "map[]"},
		{"counter", "", "map[plugin_seen{hostile}:2]"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			var b bytes.Buffer
			env, _, counts := hosttest.Env(t)
			env.Log = logInto(&b)
			u := mode(c.mode)
			u.Limits = abi.Limits{LogLines: 5}
			s := m.Stage(u, env)
			in := batchOf(t, 13, 3)
			defer in.Release()
			if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
				t.Fatal(err)
			}
			var got hosttest.Recorder
			defer got.Release()
			if err := s.Process(context.Background(), in, got.Emit); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.ReplaceAll(b.String(), "\uFFFD", `\ufffd`), c.log) {
				t.Errorf("log %q lacks %q", b.String(), c.log)
			}
			delete(counts.N, "stage_fuel{hostile}")
			if text := fmt.Sprint(counts.N); text != c.counts {
				t.Errorf("counted %s, want %s", text, c.counts)
			}
		})
	}
}

// A batch that fails counts for nothing, however often it is tried: each row
// counts once.
func TestStage_Counters_OfFailedTriesNotKept(t *testing.T) {
	env, rejected, counts := hosttest.Env(t)
	s := load(t, newEngine(t), hostilePlugin(t, "map", decided)).Stage(mode("counter_poison"), env)
	g := crash.Guard(s, crash.Settings{Name: "p", Policy: crash.DeadLetter, Circuit: crash.Circuit{Rejected: 1}, Rejects: rejected, Counter: counts})
	rows := slices.Repeat([]string{"2"}, 100)
	rows[17] = "13"
	b := hosttest.Batch(t, "x double", rows...)
	defer b.Release()
	if _, err := g.Open(context.Background(), b.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	var out hosttest.Recorder
	defer out.Release()
	if err := errors.Join(g.Process(context.Background(), b, out.Emit), g.Close()); err != nil {
		t.Fatal(err)
	}
	if n := counts.N["plugin_seen{hostile}"]; n != 99 {
		t.Errorf("%d rows were counted of 99 that passed: %v", n, counts.N)
	}
}

func TestGuest_Write_LinesAndFirstError(t *testing.T) {
	var b bytes.Buffer
	g := &guest{log: contract.NewLog(logInto(&b), "p", 100)}
	g.write(stderr, []byte("fatal er"))
	g.write(stderr, []byte("ror: x\n\nmore\nrest"))
	g.write(stdout, []byte(strings.Repeat("a", 3*maxText)+"\n"))
	if string(g.wrote) != "fatal error: x" {
		t.Errorf("first line %q", g.wrote)
	}
	if got := strings.Count(b.String(), "\n"); got != 3 {
		t.Errorf("%d lines", got)
	}
	if n := strings.Count(b.String(), "a"); n > maxText+20 {
		t.Errorf("a line of %d bytes was kept", n)
	}
}
