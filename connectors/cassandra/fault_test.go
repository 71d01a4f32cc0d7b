package cassandra

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// numbered makes n rows whose two features both hold generation, so that half
// a row would show.
func numbered(n int, generation int64) flow.Record {
	us := arrow.FixedWidthTypes.Timestamp_us
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "timestamp", Type: us, Nullable: true},
		{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "b", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil))
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(generation * 1_000_000))
		b.Field(2).(*array.Int64Builder).Append(generation)
		b.Field(3).(*array.StringBuilder).Append(fmt.Sprint(generation))
	}
	return b.NewRecordBatch()
}

// generations counts rows by their generation.
func (s *store) generations() map[int64]int {
	s.t.Helper()
	v := s.vectors()
	defer v.Close()
	out := map[int64]int{}
	if err := v.All(context.Background(), "user", s.set, func(x flow.Vector) error {
		g := x.Values[2].(int64)
		if x.Values[3] != fmt.Sprint(g) || x.Values[1] != time.Unix(g, 0).UTC().Format(time.RFC3339Nano) {
			return fmt.Errorf("half a row: %v", x.Values)
		}
		out[g]++
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// Rules: S-1304, CA2.
func TestPublish_ServerFrozenOrKilled_CompletesOrSaysSo(t *testing.T) {
	own := servertest.Own(t, "cassandra", "CASSANDRA_SYNC=1")
	s := storeOn(t, own.Addr)
	const rows = 4000
	first := numbered(rows, 1)
	defer first.Release()
	s.publish(s.prepare(0, first))
	at := func(k *Sink, n int64, do func()) {
		var once sync.Once
		k.reached = func(written int64) {
			if written >= n {
				once.Do(do)
			}
		}
	}
	publish := func(k *Sink, p flow.Pending) (flow.Published, error) {
		t.Helper()
		defer k.Close()
		start := time.Now()
		out, err := k.Publish(context.Background(), p)
		t.Logf("publish took %s: %+v %v", time.Since(start).Round(time.Second), out, err)
		return out, err
	}
	whole := func(generation int64) {
		t.Helper()
		if got := s.generations(); len(got) != 1 || got[generation] != rows {
			t.Fatalf("rows by generation: %v", got)
		}
		if got := s.staged(".arrow"); len(got) != 0 {
			t.Errorf("left %v", got)
		}
	}

	// Frozen for 20 s in the middle.
	r := numbered(rows, 2)
	defer r.Release()
	p := s.prepare(0, r)
	k := s.sink()
	var thawed sync.WaitGroup
	at(k, 1000, func() {
		own.Freeze()
		thawed.Add(1)
		go func() { defer thawed.Done(); time.Sleep(20 * time.Second); own.Thaw() }()
	})
	if out, err := publish(k, p); err != nil || out.Rows != rows {
		t.Fatal(out, err)
	}
	thawed.Wait()
	whole(2)

	// Killed in the middle and started again while the sink is patient.
	r = numbered(rows, 3)
	defer r.Release()
	p = s.prepare(0, r)
	k = s.sink()
	at(k, 1000, func() {
		own.Kill()
		thawed.Add(1)
		go func() { defer thawed.Done(); own.Restart() }()
	})
	out, err := publish(k, p)
	thawed.Wait()
	if err != nil || out.Rows != rows {
		t.Fatal(out, err)
	}
	whole(3)

	// Killed, and the sink's patience ends: it says so, and doing it again
	// completes it.
	r = numbered(rows, 4)
	defer r.Release()
	p = s.prepare(0, r)
	k = s.sink()
	k.patience = 2 * time.Second
	at(k, 1000, own.Kill)
	_, err = publish(k, p)
	expect(t, err, NoAnswer, own.Addr, "run again")
	if !fault.As(err).Retry {
		t.Error("trying again is not said to help")
	}
	_, err = publish(s.sink(), p)
	expect(t, err, Unreachable, own.Addr)
	if got := s.staged(".arrow"); len(got) != 1 {
		t.Errorf("staged: %v", got)
	}
	own.Restart()
	if out, err := publish(s.sink(), p); err != nil || out.Rows != rows {
		t.Fatal(out, err)
	}
	whole(4)
	if out, err := publish(s.sink(), p); err != nil || out.Rows != rows {
		t.Fatal("once more:", out, err)
	}

	// A server that takes connections and says nothing does not hold a
	// caller who has had enough.
	own.Freeze()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	k = s.sink()
	defer k.Close()
	start := time.Now()
	if err := k.Open(ctx, s.run(0), r.Schema()); err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("opening took %s: %v", time.Since(start), err)
	}
	own.Thaw()
}

func TestPublish_Cancelled_EndsAndCanBeCompleted(t *testing.T) {
	s := newStore(t)
	const rows = 5000
	r := numbered(rows, 1)
	defer r.Release()
	p := s.prepare(0, r)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	k := s.sink()
	k.reached = func(n int64) {
		if n == 500 {
			cancel()
		}
	}
	if out, err := k.Publish(ctx, p); err != context.Canceled || out != (flow.Published{}) { //nolint:errorlint // it is passed on as it is
		t.Errorf("%+v %v", out, err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if out := s.publish(p); out.Rows != rows {
		t.Errorf("%+v", out)
	}
	if got := s.generations(); got[1] != rows {
		t.Error(got)
	}
}

func TestPublish_Twice_SameReportWithoutTheFile(t *testing.T) {
	s := newStore(t)
	r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5", "1 | 2026-01-03 | 6", "2 | 2026-01-02 | 5")
	defer r.Release()
	p := s.prepare(0, r)
	first := s.publish(p)
	if len(s.staged(".arrow")) != 0 || len(s.staged(".published")) != 1 {
		t.Errorf("staged %v, marks %v", s.staged(".arrow"), s.staged(".published"))
	}
	if again := s.publish(p); again != first || first != (flow.Published{Rows: 2, Stale: 1}) {
		t.Errorf("first %+v, again %+v", first, again)
	}
	// Old marks go with a later run.
	mark := markPath(staged.Path(s.at.State, "run-1", "cassandra"))
	old := time.Now().Add(-markAge - time.Hour)
	if err := os.Chtimes(mark, old, old); err != nil {
		t.Fatal(err)
	}
	if err := s.open(plain); err != nil {
		t.Fatal(err)
	}
	if got := s.staged(".published"); len(got) != 0 {
		t.Errorf("marks: %v", got)
	}
	// A run is discarded with all that it left.
	p = s.prepare(0, r)
	s.publish(p)
	s.prepare(0, r)
	k := s.sink()
	defer k.Close()
	for _, id := range []string{"run-3", "run-4"} {
		for range 2 {
			if err := k.Discard(context.Background(), flow.Run{ID: id, Entity: "user", Set: "spend"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(s.staged(".arrow"))+len(s.staged(".published")) != 0 {
		t.Errorf("staged %v, marks %v", s.staged(".arrow"), s.staged(".published"))
	}
}

func TestPublish_StagedFileGoneOrAltered_NothingVisible(t *testing.T) {
	s, ctx := newStore(t), context.Background()
	s.load(0, plain, "1 | 2026-01-02 | 5")
	before := s.all()
	r := hosttest.Record(t, plain, "1 | 2026-01-03 | 6")
	defer r.Release()
	p := s.prepare(0, r)
	path := staged.Path(s.at.State, "run-2", "cassandra")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2] ^= 1
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	k := s.sink()
	defer k.Close()
	_, err = k.Publish(ctx, p)
	expect(t, err, staged.PendingLost, "digest")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = k.Publish(ctx, p)
	expect(t, err, staged.PendingLost, "gone")
	_, err = k.Publish(ctx, flow.Pending{Data: []byte(`{"format":9}`)})
	expect(t, err, staged.PendingLost, "format 9")
	_, err = k.Publish(ctx, flow.Pending{Data: []byte(`nonsense`)})
	expect(t, err, staged.PendingLost, "cannot be read")
	if got := s.all(); got != before {
		t.Errorf("got\n%s", got)
	}
}

// Sets that come to a shared table at the same time all find their columns.
// Rule: S-1305.
func TestPublish_SetsJoinAnEntityAtOnce_AllLabelled(t *testing.T) {
	s := newStore(t)
	s.cfg.WriteToEntity = true
	s.set = "first"
	s.load(0, "id bigint, timestamp timestamp, f_first bigint", "1 | 2026-01-02 | 0")
	sets := []string{"a", "b", "c"}
	var pendings []flow.Pending
	for _, set := range sets {
		s.set = set
		r := hosttest.Record(t, "id bigint, timestamp timestamp, f_"+set+" bigint", "1 | 2026-01-02 | 7")
		pendings = append(pendings, s.prepare(0, r))
		r.Release()
	}
	var wg sync.WaitGroup
	for _, p := range pendings {
		k := s.sink()
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer k.Close()
			if _, err := k.Publish(context.Background(), p); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	for _, set := range sets {
		s.set = set
		if got := s.all(); got != "1 2026-01-02T00:00:00Z 7\n" {
			t.Errorf("set %s: %s", set, got)
		}
	}
}

func TestConnect_NobodyThere_Unreachable(t *testing.T) {
	s := newStore(t)
	real := s.cfg.Cassandra
	for hosts, text := range map[string]string{"127.0.0.1:1": "refused", "nosuchhost.invalid": "nosuchhost.invalid"} {
		away := *real
		away.Hosts = []string{hosts}
		s.cfg.Cassandra = &away
		err := s.open(plain)
		expect(t, err, Unreachable, text, hosts)
		if !fault.As(err).Retry {
			t.Error("trying again is not said to help")
		}
		_, err = openVectors(s.cfg, s.at)
		expect(t, err, Unreachable, text)
	}
	unknown := *real
	unknown.Keyspace = "Nosuch"
	s.cfg.Cassandra = &unknown
	expect(t, s.open(plain), UnknownKeyspace, `"Nosuch"`, "CREATE KEYSPACE")
	_, err := openVectors(s.cfg, s.at)
	expect(t, err, UnknownKeyspace, `"Nosuch"`)
	s.cfg.Cassandra = real
}

func TestNew_BadSettings_Refused(t *testing.T) {
	s := newStore(t)
	real := s.cfg
	for name, c := range map[string]struct {
		change func(*config.Sink)
		text   string
	}{
		"no hosts":  {func(c *config.Sink) { c.Cassandra.Hosts = nil }, "hosts and keyspace"},
		"none":      {func(c *config.Sink) { c.Cassandra = nil }, "hosts and keyspace"},
		"long ttl":  {func(c *config.Sink) { c.TTL = &config.TimeSpan{Text: "8000 days", Micros: 8000 * flow.MicrosPerDay} }, "8000 days"},
		"level":     {func(c *config.Sink) { c.Cassandra.Consistency = "MOST" }, "MOST"},
		"no ca":     {func(c *config.Sink) { c.Cassandra.TLS = &config.TLS{CA: "nosuch.pem"} }, "nosuch.pem"},
		"bad ca":    {func(c *config.Sink) { c.Cassandra.TLS = &config.TLS{CA: "bad.pem"} }, "bad.pem"},
		"no cert":   {func(c *config.Sink) { c.Cassandra.TLS = &config.TLS{Cert: "nosuch.pem", Key: "nosuch.key"} }, "nosuch.pem"},
		"localdc":   {nil, ""},
		"any level": {nil, ""},
	} {
		if err := os.WriteFile(s.at.Dir+"/bad.pem", []byte("nonsense"), 0o600); err != nil {
			t.Fatal(err)
		}
		cas := *real.Cassandra
		s.cfg = real
		s.cfg.Cassandra = &cas
		if c.change == nil {
			s.cfg.Cassandra.Datacenter = map[string]string{"localdc": "datacenter1"}[name]
			s.cfg.Cassandra.Consistency = map[string]string{"any level": "ANY", "localdc": "LOCAL_ONE"}[name]
			s.load(0, plain, "1 | 2026-01-02 | 5")
			if got := s.all(); got != "1 2026-01-02T00:00:00Z 5\n" {
				t.Errorf("%s: %s", name, got)
			}
			continue
		}
		c.change(&s.cfg)
		env, _, _ := hosttest.Env(t)
		k, err := newSink(s.cfg, s.at, env)
		if err == nil {
			r := hosttest.Record(t, plain)
			err = k.Open(context.Background(), s.run(0), r.Schema())
			r.Release()
			if cerr := k.Close(); cerr != nil {
				t.Fatal(cerr)
			}
		}
		if !fault.Is(err, BadConfig) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
		_, err = openVectors(s.cfg, s.at)
		if !fault.Is(err, BadConfig) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: reading: %v", name, err)
		}
	}
	s.cfg = real
}

func TestSink_NotOpen_Refused(t *testing.T) {
	s := newStore(t)
	k := s.sink()
	r := hosttest.Record(t, plain)
	defer r.Release()
	expect(t, k.Write(context.Background(), flow.Batch{Record: r}), NotOpen)
	_, err := k.Prepare(context.Background())
	expect(t, err, NotOpen)
	for range 2 {
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
