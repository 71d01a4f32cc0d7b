package kafka_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/flow"
)

// streaming are the settings of a stream of a group of its own.
func streaming(broker, topic, group string) config.Reader {
	cfg := settings(broker, topic)
	cfg.Kafka.Stream, cfg.Kafka.Group = true, group
	return cfg
}

func openStream(t testing.TB, cfg config.Reader) flow.Stream {
	t.Helper()
	r, _, _ := newReader(t, cfg)
	s, ok := r.(flow.Stream)
	if !ok {
		t.Fatalf("%T is no stream", r)
	}
	return s
}

// portions reads portions until so many rows have come, and commits each.
func portions(t testing.TB, s flow.Stream, rows int, commit bool) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var got []string
	for len(got) < rows {
		if _, err := s.Open(ctx, flow.Request{Columns: idAndName}); err != nil {
			t.Fatal(err)
		}
		some, err := rest(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, some...)
		if commit {
			if err := s.Commit(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Sort(got)
	return got
}

// Rule: K5.
func TestStream_Portions_GoOnAndRestartBehindWhatIsCommitted(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 2)
	write(t, broker, name, 0, numbered(0, 500)...)
	write(t, broker, name, 1, numbered(500, 1000)...)
	s := openStream(t, streaming(broker, name, name))
	same(t, portions(t, s, 1000, true), ids(0, 1000))
	write(t, broker, name, 0, numbered(1000, 1100)...)
	same(t, portions(t, s, 100, false), ids(1000, 1100)) // not committed
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openStream(t, streaming(broker, name, name))
	same(t, portions(t, again, 100, true), ids(1000, 1100))
	write(t, broker, name, 1, numbered(1100, 1101)...)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, portions(t, again, 1, true), ids(1100, 1101)) // Open after Close joins again
}

func TestStream_TwoMembers_ShareThePartitions(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 2)
	write(t, broker, name, 0, numbered(0, 10)...)
	a, b := openStream(t, streaming(broker, name, name)), openStream(t, streaming(broker, name, name))
	same(t, portions(t, a, 10, true), ids(0, 10))
	type result struct {
		rows []string
		err  error
	}
	stop, cancel := context.WithCancel(context.Background())
	defer cancel()
	results := make(chan result, 2)
	for _, s := range []flow.Stream{a, b} {
		go func() {
			var r result
			for stop.Err() == nil && r.err == nil {
				if _, r.err = s.Open(context.Background(), flow.Request{Columns: idAndName}); r.err != nil {
					break
				}
				var some []string
				some, r.err = rest(context.Background(), s)
				r.rows = append(r.rows, some...)
				if r.err == nil {
					_ = s.Commit(context.Background()) // a group that is dealing out anew may refuse
				}
			}
			results <- r
		}()
	}
	time.Sleep(5 * time.Second)
	write(t, broker, name, 0, numbered(10, 20)...)
	write(t, broker, name, 1, numbered(20, 30)...)
	time.Sleep(4 * time.Second)
	cancel()
	x, y := <-results, <-results
	if x.err != nil || y.err != nil {
		t.Fatal(x.err, y.err)
	}
	all := append(slices.Clone(x.rows), y.rows...)
	slices.Sort(all)
	same(t, slices.Compact(all), ids(10, 30))
	if len(x.rows) == 0 || len(y.rows) == 0 {
		t.Errorf("one member read all: %d and %d", len(x.rows), len(y.rows))
	}
}
