package cassandra

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const plain = "id bigint, timestamp timestamp, v double"

// store is a keyspace of its own with the sinks that write to it.
type store struct {
	t   testing.TB
	cfg config.Sink
	at  parts.Place
	set string
	n   int
}

// newStore makes a keyspace on the shared server.
func newStore(t testing.TB) *store {
	t.Helper()
	return storeOn(t, servertest.Cassandra(t))
}

func storeOn(t testing.TB, hosts ...string) *store {
	t.Helper()
	dir := t.TempDir()
	s := &store{t: t, at: parts.Place{Dir: dir, State: dir + "/state"}, set: "spend", cfg: config.Sink{
		Name: "cassandra", Type: "online", Store: "cassandra", Cassandra: &config.Cassandra{Hosts: hosts, Keyspace: servertest.Name(t)},
	}}
	s.cql("CREATE KEYSPACE " + s.cfg.Cassandra.Keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
	t.Cleanup(func() { s.cql("DROP KEYSPACE IF EXISTS " + s.cfg.Cassandra.Keyspace) })
	return s
}

// raw lends a session outside of the keyspace.
func (s *store) raw(f func(c *session)) {
	s.t.Helper()
	sink := s.sink()
	c, _, err := sink.connectAnyway(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.close()
	c.patience = time.Minute
	f(c)
}

// cql runs statements; %k is the keyspace.
func (s *store) cql(statements ...string) {
	s.t.Helper()
	s.raw(func(c *session) {
		for _, q := range statements {
			if err := c.exec(context.Background(), strings.ReplaceAll(q, "%k", s.cfg.Cassandra.Keyspace)); err != nil {
				s.t.Fatal(err)
			}
		}
	})
}

func (s *store) sink() *Sink {
	s.t.Helper()
	env, _, _ := hosttest.Env(s.t)
	out, err := newSink(s.cfg, s.at, env)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *store) run(revision int64) flow.Run {
	s.n++
	return flow.Run{Number: int64(s.n), ID: fmt.Sprintf("run-%d", s.n), Entity: "user", Set: s.set, Revision: func(flow.Day) int64 { return revision }}
}

// stage opens a sink and stages records under one run.
func (s *store) stage(revision int64, records ...flow.Record) (flow.Pending, error) {
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
	if cerr := k.Close(); cerr != nil {
		s.t.Fatal(cerr)
	}
	return p, err
}

func (s *store) prepare(revision int64, records ...flow.Record) flow.Pending {
	s.t.Helper()
	p, err := s.stage(revision, records...)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// publish loads a prepared write with a sink that knows only the Pending.
func (s *store) publish(p flow.Pending) flow.Published {
	s.t.Helper()
	k := s.sink()
	defer k.Close()
	out, err := k.Publish(context.Background(), p)
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

func (s *store) vectors() *Vectors {
	s.t.Helper()
	v, err := openVectors(s.cfg, s.at)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// all prints every vector, one per line, sorted.
func (s *store) all() string {
	s.t.Helper()
	v := s.vectors()
	defer v.Close()
	return printAll(s.t, v, s.set)
}

func printAll(t testing.TB, v flow.Vectors, set string) string {
	t.Helper()
	var out []string
	if err := v.All(context.Background(), "user", set, func(x flow.Vector) error {
		out = append(out, fmt.Sprintln(x.Values...))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

// stagedRuns lists the runs that have something in the pending folder.
func (s *store) staged(suffix string) []string {
	s.t.Helper()
	var out []string
	entries, err := os.ReadDir(s.at.State + "/pending")
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := os.Stat(s.at.State + "/pending/" + e.Name() + "/cassandra" + suffix); err == nil {
			out = append(out, e.Name())
		}
	}
	return out
}

func expect(t *testing.T, err error, want fault.Code, texts ...string) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Fatalf("got %v, want %s", err, want)
	}
	for _, x := range texts {
		if !strings.Contains(err.Error(), x) {
			t.Fatalf("got %v, want it to say %q", err, x)
		}
	}
}

func sprint(v any) string { return fmt.Sprint(v) }
