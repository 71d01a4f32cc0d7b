package kafka_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// wide are numbered messages of some size, so that a read takes several
// fetches.
const wideRows = 60_000

// during reads a topic and calls trouble when half of the rows have come.
func during(t *testing.T, r flow.Reader, trouble func()) ([]string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if _, err := r.Open(ctx, flow.Request{Columns: []string{"id"}, BatchRows: 500}); err != nil {
		return nil, err
	}
	var rows []string
	for len(rows) < wideRows/2 {
		b, err := r.Next(ctx)
		if err != nil {
			return rows, err
		}
		rows = append(rows, strings.Fields(hosttest.Text(b.Record))...)
		b.Release()
	}
	trouble()
	more, err := rest(ctx, r)
	rows = append(rows, more...)
	if len(rows) != wideRows && err == nil {
		t.Errorf("%d rows of %d", len(rows), wideRows)
	}
	n := len(rows)
	slices.Sort(rows)
	if rows = slices.Compact(rows); len(rows) != n {
		t.Errorf("%d rows came twice", n-len(rows))
	}
	return rows, err
}

// fill writes wide messages, a part into each of two partitions.
func fill(t *testing.T, broker, topic string) {
	t.Helper()
	for p := range 2 {
		some := numbered(p*wideRows/2, (p+1)*wideRows/2)
		for i := range some {
			some[i].Value = append(some[i].Value, slices.Repeat([]byte(" "), 300)...)
		}
		write(t, broker, topic, p, some...)
	}
}

// A broker that is frozen for 20 seconds, killed, or started again in the middle
// of a read: the read completes, or fails with an error that is worth trying
// again; the next one completes.
func TestReader_BrokerInTrouble_CompletesOrFailsClearly(t *testing.T) {
	_ = servertest.Kafka(t)
	s := servertest.Own(t, "kafka")
	makeTopic(t, s.Addr, "events", 2)
	fill(t, s.Addr, "events")
	for _, c := range []struct {
		name     string
		trouble  func()
		after    func()
		complete bool
	}{
		{"frozen for 20 seconds", func() { s.Freeze(); time.AfterFunc(20*time.Second, s.Thaw) }, func() {}, true},
		{"killed and started again", func() { s.Kill(); s.Restart() }, func() {}, true},
		{"killed", s.Kill, s.Restart, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _, _ := newReader(t, settings(s.Addr, "events"))
			if !c.complete {
				kafka.SetPatience(r, 5*time.Second)
			}
			start := time.Now()
			_, err := during(t, r, c.trouble)
			t.Logf("%s: %v, %v", c.name, time.Since(start).Round(time.Second), err)
			if c.complete && err != nil {
				t.Error(err)
			}
			if e := fault.As(err); err != nil && (e == nil || !e.Retry) {
				t.Errorf("%v: worth no second try", err)
			}
			c.after()
			if _, err := during(t, r, func() {}); err != nil {
				t.Errorf("the next read: %v", err)
			}
		})
	}
}

// A broker that is frozen when a run begins is waited for.
func TestReader_BrokerFrozenWhenItBegins_WaitedFor(t *testing.T) {
	_ = servertest.Kafka(t)
	s := servertest.Own(t, "kafka")
	makeTopic(t, s.Addr, "events", 2)
	write(t, s.Addr, "events", 0, numbered(0, 10)...)
	s.Freeze()
	time.AfterFunc(20*time.Second, s.Thaw)
	r, _, _ := newReader(t, settings(s.Addr, "events"))
	got, err := read(t, r, flow.Request{Columns: idAndName})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, ids(0, 10))
}

// A stream whose broker is frozen or killed goes on where it was committed, as
// soon as it is asked again.
func TestStream_BrokerInTrouble_NothingLost(t *testing.T) {
	_ = servertest.Kafka(t)
	s := servertest.Own(t, "kafka")
	makeTopic(t, s.Addr, "events", 2)
	write(t, s.Addr, "events", 0, numbered(0, 100)...)
	x := openStream(t, streaming(s.Addr, "events", "group"))
	same(t, portions(t, x, 100, true), ids(0, 100))
	for i, trouble := range []func(){
		func() { s.Freeze(); time.Sleep(20 * time.Second); s.Thaw() },
		func() { s.Kill(); s.Restart() },
	} {
		trouble()
		from := 100 + i*50
		write(t, s.Addr, "events", i, numbered(from, from+50)...)
		seen := map[string]bool{}
		for end := time.Now().Add(90 * time.Second); len(seen) < 50 && time.Now().Before(end); {
			ctx, cancel := context.WithTimeout(context.Background(), 70*time.Second)
			_, err := x.Open(ctx, flow.Request{Columns: idAndName})
			var rows []string
			if err == nil {
				rows, err = rest(ctx, x)
			}
			if err == nil {
				err = x.Commit(ctx)
			}
			cancel()
			for _, r := range rows {
				seen[r] = true
			}
			if err != nil {
				if e := fault.As(err); e == nil || !e.Retry {
					t.Fatalf("%v: worth no second try", err)
				}
				if err := x.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, want := range ids(from, from+50) {
			if !seen[want] {
				t.Fatalf("%s is lost", want)
			}
		}
	}
}

// A sink whose broker is frozen or killed while it publishes waits for it, and
// every row is there.
func TestSink_BrokerInTrouble_NothingLost(t *testing.T) {
	_ = servertest.Kafka(t)
	s := servertest.Own(t, "kafka")
	makeTopic(t, s.Addr, "out", 1)
	for i, trouble := range []func(){
		func() { s.Freeze(); time.AfterFunc(20*time.Second, s.Thaw) },
		func() { s.Kill(); time.AfterFunc(2*time.Second, s.Restart) },
	} {
		sink := newSink(t, sinkSettings(s.Addr, "out"), t.TempDir())
		p := prepared(t, sink, "run")
		trouble()
		start := time.Now()
		if out, err := sink.Publish(t.Context(), p); err != nil || out.Rows != 3 {
			t.Fatal(out, err)
		}
		t.Logf("published after %v", time.Since(start).Round(time.Second))
		r, _, _ := newReader(t, config.Reader{ID: "r", Format: "raw", Kafka: &config.Kafka{Client: config.KafkaClient{Brokers: []string{s.Addr}}, Topic: "out"}})
		got, err := read(t, r, flow.Request{Columns: []string{"value"}})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(slices.Compact(got)); n != 3 || len(got) < 3*(i+1) {
			t.Errorf("%d messages, %d different ones", len(got), n)
		}
	}
}
