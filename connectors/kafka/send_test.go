package kafka_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// publish sends rows whose texts have the given lengths.
func publish(t testing.TB, broker, topic string, lengths ...int) error {
	t.Helper()
	rows := make([]string, len(lengths))
	for i, n := range lengths {
		rows[i] = fmt.Sprintf("%d | 2026-01-31T10:00:00Z | %s", i, strings.Repeat("x", n))
	}
	in := hosttest.Batch(t, "id bigint, timestamp timestamp, text string", rows...)
	defer in.Release()
	s := newSink(t, sinkSettings(broker, topic), t.TempDir())
	if err := s.Open(t.Context(), run("run"), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	p, err := s.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Publish(t.Context(), p)
	if err == nil && out.Rows != int64(len(lengths)) {
		t.Errorf("%d rows published of %d", out.Rows, len(lengths))
	}
	return err
}

func repeated(n, times int) []int {
	out := make([]int, times)
	for i := range out {
		out[i] = n
	}
	return out
}

// A topic as it is made by default takes what a run makes: many rows for one
// partition, and rows nearly as long as a message may be. Rows keep their order.
func TestSink_Volumes_DefaultTopicTakesThem(t *testing.T) {
	broker := servertest.Kafka(t)
	for _, c := range []struct {
		name     string
		settings []string
		lengths  []int
	}{
		{"over 2 MiB at once", nil, repeated(250, 10_000)},
		{"long ones among short ones", nil, []int{10, 900_000, 20, 1_040_000, 900_000, 30}},
		{"a topic that takes less", []string{"max.message.bytes=20000"}, repeated(250, 4_000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := topic(t, broker, 1, c.settings...)
			if err := publish(t, broker, name, c.lengths...); err != nil {
				t.Fatal(err)
			}
			for i, m := range messages(t, broker, name, len(c.lengths)) {
				var row struct {
					ID   int
					Text string
				}
				if err := json.Unmarshal(m.Value, &row); err != nil || row.ID != i || len(row.Text) != c.lengths[i] {
					t.Fatalf("message %d is of row %d with %d letters, want %d (%v)", i, row.ID, len(row.Text), c.lengths[i], err)
				}
			}
		})
	}
}

// A row that the topic does not take is told with its length; the topic's limit
// alone decides.
func TestSink_LongMessage_TheTopicDecides(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	err := publish(t, broker, name, 10, 6<<20, 10)
	if e := fault.As(err); e == nil || e.Code != kafka.TooLong || e.Retry {
		t.Fatal(err)
	}
	for _, want := range []string{name, fmt.Sprint(6 << 20)[:3], "max.message.bytes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	wide := topic(t, broker, 1, "max.message.bytes=8000000")
	if err := publish(t, broker, wide, 10, 6<<20, 10); err != nil {
		t.Fatal(err)
	}
	r, _, _ := newReader(t, config.Reader{ID: "r", Format: "raw", Kafka: &config.Kafka{Client: config.KafkaClient{Brokers: []string{broker}}, Topic: wide}})
	got, err := read(t, r, flow.Request{Columns: []string{"kafka_offset"}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []string{"0", "1", "2"})
}
