package kafka_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

const features = "id bigint, day date, timestamp timestamp, amount double, price decimal(10,2), tags array<string>, ok boolean, blob binary"

var featureRows = []string{
	`1 | 2026-01-31 | 2026-01-31T10:00:00.000001Z | 1.5 | 12.34 | ["a","b\"",null] | true | YWI=`,
	`1 | 2026-01-31 | 2026-01-31T11:00:00Z | NaN | null | [] | false | null`,
	`2 | null | 2026-01-31T11:00:00Z | null | -0.01 | null | null | null`,
}

func sinkSettings(broker, topic string) config.Sink {
	return config.Sink{Name: "events", Type: "online", Store: "kafka", Kafka: &config.KafkaSink{Client: config.KafkaClient{Brokers: []string{broker}}, Topic: topic, Format: "json"}}
}

func run(id string) flow.Run { return flow.Run{ID: id, Entity: "customer", Set: "spend-2"} }

// prepared writes the rows and prepares them.
func prepared(t testing.TB, s flow.Sink, id string) flow.Pending {
	t.Helper()
	in := hosttest.Batch(t, features, featureRows...)
	defer in.Release()
	if err := s.Open(t.Context(), run(id), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	p, err := s.Prepare(t.Context())
	if err != nil || p.Rows != 3 {
		t.Fatal(p, err)
	}
	return p
}

func newSink(t testing.TB, cfg config.Sink, state string) flow.Sink {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	s, err := kafka.NewSink(cfg, parts.Place{Dir: t.TempDir(), State: state}, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// messages gives what a topic of one partition holds.
func messages(t testing.TB, broker, topic string, n int) []kafkago.Message {
	t.Helper()
	r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{broker}, Topic: topic, MaxWait: 200 * time.Millisecond})
	defer r.Close()
	var out []kafkago.Message
	for range n {
		m, err := r.ReadMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// Rule: S-1308.
func TestSink_JSON_EveryRowOneObject(t *testing.T) {
	broker := servertest.Kafka(t)
	name, state := topic(t, broker, 1), t.TempDir()
	s := newSink(t, sinkSettings(broker, name), state)
	p := prepared(t, s, "run-1")
	for range 2 { // the second answers from the note
		if out, err := s.Publish(t.Context(), p); err != nil || out.Rows != 3 {
			t.Fatal(out, err)
		}
	}
	got := messages(t, broker, name, 3)
	for i, want := range []struct{ key, value string }{
		{`{"id":1,"day":"2026-01-31"}`, `{"id":1,"day":"2026-01-31","timestamp":"2026-01-31T10:00:00.000001Z","amount":1.5,"price":"12.34","tags":["a","b\"",null],"ok":true,"blob":"YWI="}`},
		{`{"id":1,"day":"2026-01-31"}`, `{"id":1,"day":"2026-01-31","timestamp":"2026-01-31T11:00:00Z","amount":"NaN","price":null,"tags":[],"ok":false,"blob":null}`},
		{`{"id":2,"day":null}`, `{"id":2,"day":null,"timestamp":"2026-01-31T11:00:00Z","amount":null,"price":"-0.01","tags":null,"ok":null,"blob":null}`},
	} {
		if string(got[i].Key) != want.key || string(got[i].Value) != want.value {
			t.Errorf("%s: %s, want %s: %s", got[i].Key, got[i].Value, want.key, want.value)
		}
	}
	// What the sink wrote, the reader reads.
	cfg := settings(broker, name)
	cfg.Schema = []config.Column{{Name: "id", Type: "bigint"}, {Name: "day", Type: "date"}, {Name: "timestamp", Type: "timestamp"}, {Name: "amount", Type: "double"}, {Name: "price", Type: "decimal(10,2)"}, {Name: "tags", Type: "array<string>"}, {Name: "ok", Type: "boolean"}}
	r, _, _ := newReader(t, cfg)
	back, err := read(t, r, flow.Request{Columns: []string{"id", "day", "timestamp", "amount", "price", "tags", "ok"}})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, row := range featureRows {
		want = append(want, row[:strings.LastIndex(row, " | ")])
	}
	slices.Sort(want)
	same(t, back, want)
	if left, _ := filepath.Glob(filepath.Join(state, "pending", "*", "*.arrow")); len(left) > 0 {
		t.Error(left)
	}
}

func TestSink_Avro_RegisteredAndReadBack(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	reg := registry(t)
	cfg := sinkSettings(broker, name)
	cfg.Kafka.Format, cfg.Kafka.Registry.URL = "avro", reg.url
	s := newSink(t, cfg, t.TempDir())
	if _, err := s.Publish(t.Context(), prepared(t, s, "run-1")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(reg.byID[0], `"name":"spend_2"`) {
		t.Error(reg.byID)
	}
	r, rejected, _ := newReader(t, avroSettings(broker, name, reg.url))
	got, err := read(t, r, flow.Request{Columns: []string{"id", "day", "timestamp", "amount", "price", "tags", "ok", "blob"}})
	if err != nil || len(rejected.Rows) > 0 {
		t.Fatal(err, rejected.Rows)
	}
	want := slices.Sorted(slices.Values(featureRows))
	same(t, got, want)
	reg.refuse = true
	s = newSink(t, cfg, t.TempDir())
	in := hosttest.Batch(t, features)
	defer in.Release()
	if err := s.Open(t.Context(), run("run-2"), in.Record.Schema()); !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error(), "409") {
		t.Error(err)
	}
}

// K6: a publication that was cut short is made again from its beginning.
func TestSink_CutShort_RepeatedWhole(t *testing.T) {
	broker := servertest.Kafka(t)
	name, state := topic(t, broker, 1), t.TempDir()
	s := newSink(t, sinkSettings(broker, name), state)
	p := prepared(t, s, "run-1")
	for _, point := range []string{"some messages sent", "all messages sent"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("not stopped")
				}
			}()
			kafka.StopAt(s, point)
			_, _ = s.Publish(t.Context(), p)
		}()
	}
	again := newSink(t, sinkSettings(broker, name), state)
	if out, err := again.Publish(t.Context(), p); err != nil || out.Rows != 3 {
		t.Fatal(out, err)
	}
	got := messages(t, broker, name, 9)
	for i := range 3 {
		for k := range 3 {
			if string(got[i*3+k].Value) != string(got[k].Value) {
				t.Errorf("message %d is %s", i*3+k, got[i*3+k].Value)
			}
		}
	}
	if err := again.Discard(t.Context(), run("run-1")); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(state, "pending")); len(left) > 0 {
		t.Error(left)
	}
}

func TestSink_StagedRowsGoneOrAltered_Told(t *testing.T) {
	broker := servertest.Kafka(t)
	name, state := topic(t, broker, 1), t.TempDir()
	s := newSink(t, sinkSettings(broker, name), state)
	p := prepared(t, s, "run-1")
	path := filepath.Join(state, "pending", "run-1", "events.kafka.arrow")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Publish(t.Context(), p); !fault.Is(err, kafka.PendingLost) || !errors.Is(err, flow.ErrPendingLost) {
			t.Error(err)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	r, _, _ := newReader(t, settings(broker, name))
	if got, err := read(t, r, flow.Request{Columns: idAndName}); err != nil || len(got) > 0 {
		t.Error(got, err) // nothing of an altered file was sent
	}
}

func TestSink_NoTopicOrBroker_ToldAtOpen(t *testing.T) {
	in := hosttest.Batch(t, features)
	defer in.Release()
	s := newSink(t, sinkSettings("127.0.0.1:1", "t"), t.TempDir())
	if err := s.Open(context.Background(), run("r"), in.Record.Schema()); !fault.Is(err, kafka.Unreachable) {
		t.Error(err)
	}
	broker := servertest.Kafka(t)
	s = newSink(t, sinkSettings(broker, "no-such-topic-here"), t.TempDir())
	if err := s.Open(context.Background(), run("r"), in.Record.Schema()); !fault.Is(err, kafka.NoTopic) || !strings.Contains(err.Error(), "no-such-topic-here") {
		t.Error(err)
	}
}

func TestSink_RowTooLong_Told(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1, "max.message.bytes=2000")
	s := newSink(t, sinkSettings(broker, name), t.TempDir())
	in := hosttest.Batch(t, "id bigint, timestamp timestamp, s string", "1 | 2026-01-31 | "+strings.Repeat("x", 5000))
	defer in.Release()
	if err := s.Open(t.Context(), run("r"), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	p, err := s.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(t.Context(), p); !fault.Is(err, kafka.TooLong) || !strings.Contains(err.Error(), name) {
		t.Error(err)
	}
}

func TestOpenVectors_Refused(t *testing.T) {
	if _, err := kafka.OpenVectors(sinkSettings("b:1", "topic-x"), parts.Place{}); !fault.Is(err, kafka.NoVectors) || !strings.Contains(err.Error(), "topic-x") {
		t.Error(err)
	}
}
