package kafka_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// joined opens a portion, by which a stream's start is settled.
func joined(t testing.TB, s flow.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := s.Open(ctx, flow.Request{Columns: idAndName}); err != nil {
		t.Fatal(err)
	}
}

// Rule: K5. A group that begins at "last" begins at one place, however often it
// has to begin before it commits anything.
func TestStream_FromLast_BeginsOnce(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 2)
	write(t, broker, name, 0, numbered(0, 100)...)
	cfg := streaming(broker, name, name)
	cfg.Kafka.From = "last"
	s := openStream(t, cfg)
	joined(t, s)
	write(t, broker, name, 0, numbered(100, 110)...)
	same(t, portions(t, s, 10, false), ids(100, 110)) // the portion fails: nothing is committed
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, broker, name, 1, numbered(110, 120)...) // a partition that gave nothing yet, while nobody is there
	again := openStream(t, cfg)
	same(t, portions(t, again, 20, true), ids(100, 120))
}

// A partition that is made when the group is known is read from its beginning.
func TestStream_FromLast_NewPartitionReadWhole(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	write(t, broker, name, 0, numbered(0, 10)...)
	cfg := streaming(broker, name, name)
	cfg.Kafka.From = "last"
	s := openStream(t, cfg)
	joined(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, transport := newClient(broker)
	defer transport.CloseIdleConnections()
	res, err := c.CreatePartitions(t.Context(), &kafkago.CreatePartitionsRequest{Topics: []kafkago.TopicPartitionsConfig{{Name: name, Count: 2}}})
	if err != nil || res.Errors[name] != nil {
		t.Fatal(err, res)
	}
	write(t, broker, name, 1, numbered(10, 20)...)
	same(t, portions(t, s, 10, true), ids(10, 20))
}

// Members that begin a group together agree on its start: none takes the other's
// partitions for ones that were made later.
func TestStream_FromLast_MembersBeginTogether(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 4)
	for p := range 4 {
		write(t, broker, name, p, numbered(p*10, p*10+10)...)
	}
	cfg := streaming(broker, name, name)
	cfg.Kafka.From = "last"
	stop, cancel := context.WithCancel(context.Background())
	defer cancel()
	results := make(chan []string, 3)
	for range 3 {
		s := openStream(t, cfg)
		go func() {
			var all []string
			for stop.Err() == nil {
				_, err := s.Open(context.Background(), flow.Request{Columns: idAndName})
				var some []string
				if err == nil {
					some, err = rest(context.Background(), s)
					all = append(all, some...)
				}
				if err == nil {
					err = s.Commit(context.Background()) // a group that is dealing out anew may refuse
				}
				if e := fault.As(err); err != nil && (e == nil || !e.Retry) {
					t.Errorf("worth no second try: %v", err)
					break
				}
			}
			results <- all
		}()
	}
	time.Sleep(9 * time.Second)
	for p := range 4 {
		write(t, broker, name, p, numbered(100+p*10, 110+p*10)...)
	}
	time.Sleep(5 * time.Second)
	cancel()
	var all []string
	for range 3 {
		all = append(all, <-results...)
	}
	slices.Sort(all)
	same(t, slices.Compact(all), ids(100, 140))
}

// An offset that no partition has come to yet is refused, and not kept.
func TestStream_FromAheadOfTheEnd_Refused(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	write(t, broker, name, 0, numbered(0, 10)...)
	cfg := streaming(broker, name, name)
	cfg.Kafka.From = "offset:11"
	_, err := openStream(t, cfg).Open(t.Context(), flow.Request{Columns: idAndName})
	if !fault.Is(err, kafka.OffsetGone) || !strings.Contains(err.Error(), "10") {
		t.Error(err)
	}
	cfg.Kafka.From = "offset:5"
	same(t, portions(t, openStream(t, cfg), 5, true), ids(5, 10))
}

// Rule: K4. A stream that retention has overtaken tells the way out, which works.
func TestStream_OvertakenByRetention_TellsTheWayOut(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	write(t, broker, name, 0, numbered(0, 10)...)
	cfg := streaming(broker, name, name)
	s := openStream(t, cfg)
	same(t, portions(t, s, 10, true), ids(0, 10))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	commit := func(offset int64) {
		c, transport := newClient(broker)
		defer transport.CloseIdleConnections()
		res, err := c.OffsetCommit(t.Context(), &kafkago.OffsetCommitRequest{GroupID: name, GenerationID: -1,
			Topics: map[string][]kafkago.OffsetCommit{name: {{Partition: 0, Offset: offset}}}})
		if err != nil || res.Topics[name][0].Error != nil {
			t.Fatal(err, res)
		}
	}
	commit(50) // as of messages that are not there any more
	for range 2 {
		joined(t, s)
		_, err := rest(t.Context(), s)
		if e := fault.As(err); e == nil || e.Code != kafka.OffsetGone || e.Retry {
			t.Fatal(err)
		}
		for _, want := range []string{name, "partition 0", "offset 50", "from 0 to 9", "--reset-offsets", "group"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	commit(0) // what the tool does
	same(t, portions(t, s, 10, true), ids(0, 10))
}
