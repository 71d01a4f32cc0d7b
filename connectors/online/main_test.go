package online

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// childOrder in the environment makes the test binary publish and, at a point
// of it, die: "dir|point|n|limit|pending".
const childOrder = "FEATUREHOST_ONLINE_TEST_CHILD"

func TestMain(m *testing.M) {
	if order := os.Getenv(childOrder); order != "" {
		if err := child(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func child(order string) error {
	f := strings.SplitN(order, "|", 5)
	n, err := strconv.Atoi(f[2])
	if err != nil {
		return err
	}
	limit, err := strconv.ParseUint(f[3], 10, 64)
	if err != nil {
		return err
	}
	if limit > 0 {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
	}
	s, err := newSink(config.Sink{}, parts.Place{Dir: f[0], State: f[0] + "/state"}, flow.Env{})
	if err != nil {
		return err
	}
	s.reached = func(point string) {
		if point != f[1] {
			return
		}
		if n--; n == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	var p flow.Pending
	if err := json.Unmarshal([]byte(f[4]), &p); err != nil {
		return err
	}
	_, err = s.Publish(context.Background(), p)
	return err
}

// store is an online store in a folder of its own.
type store struct {
	t  testing.TB
	at parts.Place
	n  int
}

func newStore(t testing.TB) *store {
	dir := t.TempDir()
	return &store{t: t, at: parts.Place{Dir: dir, State: dir + "/state"}}
}

func (s *store) sink() *Sink {
	s.t.Helper()
	env, _, _ := hosttest.Env(s.t)
	out, err := newSink(config.Sink{}, s.at, env)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *store) run(revision int64) flow.Run {
	s.n++
	return flow.Run{Number: int64(s.n), ID: fmt.Sprintf("run-%d", s.n), Entity: "user", Set: "spend", Revision: func(flow.Day) int64 { return revision }}
}

// prepare stages records under one run.
func (s *store) prepare(revision int64, records ...flow.Record) flow.Pending {
	s.t.Helper()
	k, ctx := s.sink(), context.Background()
	p, err := func() (flow.Pending, error) {
		if err := k.Open(ctx, s.run(revision), records[0].Schema()); err != nil {
			return flow.Pending{}, err
		}
		for _, r := range records {
			if err := k.Write(ctx, flow.Batch{Record: r}); err != nil {
				return flow.Pending{}, err
			}
		}
		return k.Prepare(ctx)
	}()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// publish loads a prepared write with a sink that knows only the Pending.
func (s *store) publish(p flow.Pending) flow.Published {
	s.t.Helper()
	out, err := s.sink().Publish(context.Background(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// load prepares and publishes rows as text.
func (s *store) load(revision int64, columns string, rows ...string) flow.Published {
	s.t.Helper()
	r := hosttest.Record(s.t, columns, rows...)
	defer r.Release()
	return s.publish(s.prepare(revision, r))
}

func (s *store) vectors() flow.Vectors {
	s.t.Helper()
	v, err := OpenVectors(config.Sink{}, s.at)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// all prints every vector, one per line, by key.
func (s *store) all() string {
	s.t.Helper()
	v := s.vectors()
	defer v.Close()
	var b strings.Builder
	if err := v.All(context.Background(), "user", "spend", func(x flow.Vector) error {
		fmt.Fprintln(&b, x.Values...)
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

// staged lists what lies in the pending folder.
func (s *store) staged() []string {
	entries, err := os.ReadDir(s.at.State + "/pending")
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
