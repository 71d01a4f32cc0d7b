package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// topic makes a topic with so many partitions at a broker.
func topic(t testing.TB, broker string, partitions int, settings ...string) string {
	t.Helper()
	name := servertest.Name(t)
	makeTopic(t, broker, name, partitions, settings...)
	return name
}

func makeTopic(t testing.TB, broker, name string, partitions int, settings ...string) {
	t.Helper()
	cfg := kafkago.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}
	for _, s := range settings {
		k, v, _ := strings.Cut(s, "=")
		cfg.ConfigEntries = append(cfg.ConfigEntries, kafkago.ConfigEntry{ConfigName: k, ConfigValue: v})
	}
	c, transport := newClient(broker)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	res, err := c.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{cfg}})
	if err != nil || res.Errors[name] != nil {
		t.Fatal(err, res)
	}
	t.Cleanup(func() {
		c, transport := newClient(broker)
		defer transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = c.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: []string{name}}) // its broker may be gone
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		conn, err := kafkago.Dial("tcp", broker)
		if err == nil {
			list, perr := conn.ReadPartitions(name)
			conn.Close()
			if perr == nil && len(list) == partitions && !slices.ContainsFunc(list, func(p kafkago.Partition) bool { return p.Leader.Host == "" }) {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("topic %s does not come up: %v", name, err)
		}
	}
}

func newClient(broker string) (*kafkago.Client, *kafkago.Transport) {
	transport := &kafkago.Transport{Dial: (&net.Dialer{Timeout: 3 * time.Second}).DialContext}
	return &kafkago.Client{Addr: kafkago.TCP(broker), Timeout: 10 * time.Second, Transport: transport}, transport
}

// write puts messages into a partition.
func write(t testing.TB, broker, topic string, partition int, messages ...kafkago.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for len(messages) > 0 {
		n := min(len(messages), 2000)
		conn, err := kafkago.DialLeader(ctx, "tcp", broker, topic, partition)
		if err == nil {
			_, err = conn.WriteMessages(messages[:n]...)
			conn.Close()
		}
		switch {
		case err == nil:
			messages = messages[n:]
		case ctx.Err() == nil && (errors.Is(err, kafkago.NotLeaderForPartition) || errors.Is(err, kafkago.UnknownTopicOrPartition) || errors.Is(err, kafkago.LeaderNotAvailable)):
			time.Sleep(50 * time.Millisecond) // the leader does not know yet that it is one
		default:
			t.Fatal(err)
		}
	}
}

// text is a message of a value alone.
func text(v string) kafkago.Message { return kafkago.Message{Value: []byte(v)} }

// numbered are messages {"id": from} to {"id": to-1}.
func numbered(from, to int) []kafkago.Message {
	var out []kafkago.Message
	for i := from; i < to; i++ {
		out = append(out, text(fmt.Sprintf(`{"id": %d, "name": "row %d"}`, i, i)))
	}
	return out
}

// settings of a reader of ids and names.
func settings(broker, topic string) config.Reader {
	return config.Reader{
		ID: "events", Type: "kafka", Format: "json", OnBadRow: "dead_letter",
		Schema: []config.Column{{Name: "id", Type: "bigint"}, {Name: "name", Type: "string"}},
		Kafka:  &config.Kafka{Client: config.KafkaClient{Brokers: []string{broker}}, Topic: topic, From: "first", To: "last"},
	}
}

func newReader(t testing.TB, cfg config.Reader) (flow.Reader, *hosttest.Rejected, *hosttest.Counts) {
	t.Helper()
	env, rejected, counts := hosttest.Env(t)
	env.Workers = 2
	r, err := kafka.New(cfg, parts.Place{Dir: t.TempDir(), State: t.TempDir()}, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, rejected, counts
}

// read gives the rows of a read as sorted lines.
func read(t testing.TB, r flow.Reader, q flow.Request) ([]string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, err := r.Open(ctx, q); err != nil {
		return nil, err
	}
	return rest(ctx, r)
}

func rest(ctx context.Context, r flow.Reader) ([]string, error) {
	var out []string
	for {
		b, err := r.Next(ctx)
		if flow.Ended(err) {
			slices.Sort(out)
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, strings.Split(strings.TrimRight(hosttest.Text(b.Record), "\n"), "\n")...)
		b.Release()
	}
}

func place() parts.Place { return parts.Place{Dir: ".", State: "."} }
