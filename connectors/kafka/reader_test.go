package kafka_test

import (
	"fmt"
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
)

// ids are what the rows of numbered messages look like.
func ids(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("%d | row %d", i, i))
	}
	slices.Sort(out)
	return out
}

func same(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%d rows, want %d:\n%.2000s\nwant\n%.2000s", len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var idAndName = []string{"id", "name"}

func TestReader_ThreePartitions_EachMessageOnce(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 3)
	for p := range 3 {
		write(t, broker, name, p, numbered(p*1000, p*1000+1000)...)
	}
	r, _, _ := newReader(t, settings(broker, name))
	if told, err := r.(flow.Estimator).Estimate(t.Context(), flow.Request{}); err != nil || told.Rows != 3000 || told.Objects != 3 {
		t.Errorf("told %+v, %v", told, err)
	}
	for range 2 { // a second Open starts again
		got, err := read(t, r, flow.Request{Columns: idAndName, BatchRows: 300})
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, ids(0, 3000))
		if st := r.Stats(); st.Rows != 3000 || st.Objects != 3 || st.Bytes < 3000*30 {
			t.Errorf("%+v", st)
		}
	}
}

// Rule: S-507.
func TestReader_AllColumns_WhatTheMessageSays(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 2)
	at := time.Date(2026, 1, 31, 10, 0, 0, 123e6, time.UTC)
	write(t, broker, name, 1,
		kafkago.Message{Key: []byte("k1"), Value: []byte(`{"id": 2.9, "name": {"a": [1, 2]}}`), Time: at, Headers: []kafkago.Header{{Key: "h", Value: []byte("v\"")}, {Key: "h", Value: []byte{0xff}}}},
		kafkago.Message{Key: []byte{0xff}, Value: []byte(`{"id": "7"}`), Time: at.Add(time.Second)},
		kafkago.Message{Value: []byte(`{"id": "x", "name": true}`), Time: at})
	r, _, counts := newReader(t, settings(broker, name))
	got, err := read(t, r, flow.Request{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []string{
		`2 | {"a":[1,2]} | k1 | ` + name + ` | 1 | 0 | 2026-01-31T10:00:00.123Z | 0 | [{"key":"h","value":"v\""},{"key":"h","value":null}]`,
		`7 | null | null | ` + name + ` | 1 | 1 | 2026-01-31T10:00:01.123Z | 0 | null`,
		`null | true | null | ` + name + ` | 1 | 2 | 2026-01-31T10:00:00.123Z | 0 | null`,
	})
	if counts.N["cast_failures{id}"] != 1 || counts.N["cast_failures{kafka_key}"] != 1 {
		t.Error(counts.N)
	}
}

func TestReader_BoundedRange_FixedAtOpen(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	messages := numbered(0, 100)
	for i := range messages {
		messages[i].Time = start.Add(time.Duration(i) * time.Minute)
	}
	write(t, broker, name, 0, messages...)
	for _, c := range []struct {
		from, to   string
		first, end int
	}{
		{"first", "last", 0, 100}, {"offset:10", "last", 10, 100}, {"first", "offset:20", 0, 20}, {"offset:30", "offset:31", 30, 31},
		{"last", "last", 0, 0}, {"offset:50", "offset:40", 0, 0}, {"offset:1000", "last", 0, 0}, {"first", "offset:1000", 0, 100},
		{"2026-01-01T00:10:00Z", "2026-01-01T00:20:00Z", 10, 20}, {"2026-01-01T00:10:00.001Z", "last", 11, 100},
		{"2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z", 0, 100}, {"2027-01-01T00:00:00Z", "last", 0, 0},
	} {
		cfg := settings(broker, name)
		cfg.Kafka.From, cfg.Kafka.To = c.from, c.to
		r, _, _ := newReader(t, cfg)
		got, err := read(t, r, flow.Request{Columns: idAndName})
		if err != nil {
			t.Fatalf("%s to %s: %v", c.from, c.to, err)
		}
		same(t, got, ids(c.first, c.end))
	}
	// What is written after Open is not waited for.
	r, _, _ := newReader(t, settings(broker, name))
	if _, err := r.Open(t.Context(), flow.Request{Columns: idAndName}); err != nil {
		t.Fatal(err)
	}
	write(t, broker, name, 0, numbered(100, 200)...)
	got, err := rest(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, ids(0, 100))
}

// Rule: S-507, S-513.
func TestReader_BadPayload_DeadLetterOrFailure(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	write(t, broker, name, 0, text(`{"id": 1, "name": "row 1"}`), text(`{"id": `), text(`[1]`), kafkago.Message{}, text(``), text(`{"id": 5, "name": "row 5"}`), text("\xff"))
	r, rejected, _ := newReader(t, settings(broker, name))
	got, err := read(t, r, flow.Request{Columns: idAndName})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []string{"1 | row 1", "5 | row 5"})
	if st := r.Stats(); st.Rows != 7 || st.BadRows != 5 {
		t.Errorf("%+v", st)
	}
	if len(rejected.Rows) != 5 {
		t.Fatalf("%d letters", len(rejected.Rows))
	}
	for i, offset := range []int{1, 2, 3, 4, 6} {
		if want := fmt.Sprintf("bad_payload: %s | 0 | %d | ", name, offset); !strings.Contains(rejected.Rows[i], want) {
			t.Errorf("%s, want %s", rejected.Rows[i], want)
		}
	}
	cfg := settings(broker, name)
	cfg.OnBadRow = "fail"
	r, _, _ = newReader(t, cfg)
	_, err = read(t, r, flow.Request{Columns: idAndName})
	if !fault.Is(err, kafka.BadPayload) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "partition 0, offset 1") {
		t.Error(err)
	}
}

func TestReader_Raw_BytesAsTheyAre(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	write(t, broker, name, 0, text("a\xff"), kafkago.Message{Key: []byte("k")}, text("{}"))
	cfg := settings(broker, name)
	cfg.Format, cfg.Schema = "raw", nil
	r, _, _ := newReader(t, cfg)
	got, err := read(t, r, flow.Request{Columns: []string{"value", "kafka_offset"}, BatchRows: 2})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []string{"Yf8= | 0", "e30= | 2", "null | 1"})
}

// Rule: S-508.
func TestReader_Incremental_DaysOfAnyColumn(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	messages := numbered(0, 96)
	for i := range messages {
		messages[i].Time = time.Date(2026, 1, 1, i, 0, 0, 0, time.UTC)
	}
	write(t, broker, name, 0, messages...)
	span, err := flow.ParseInterval("2026-01-02", "2026-01-03")
	if err != nil {
		t.Fatal(err)
	}
	cfg := settings(broker, name)
	cfg.Incremental = &config.Incremental{Column: "kafka_timestamp"}
	r, _, _ := newReader(t, cfg)
	got, err := read(t, r, flow.Request{Columns: idAndName, Interval: span})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, ids(24, 72))
	if st := r.Stats(); st.OutOfSpan != 48 || st.Rows != 96 {
		t.Errorf("%+v", st)
	}
	cfg.Incremental = &config.Incremental{Column: "id", Unit: "s"}
	r, _, _ = newReader(t, cfg)
	if got, err := read(t, r, flow.Request{Columns: []string{"name"}, Interval: span}); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	for _, bad := range []*config.Incremental{{Column: "idd"}, {Partitions: []string{"y", "m", "d"}}, {Column: "id"}} {
		cfg.Incremental = bad
		r, _, _ = newReader(t, cfg)
		if _, err := read(t, r, flow.Request{}); !fault.Is(err, kafka.BadIncremental) {
			t.Error(err)
		}
	}
}

func TestReader_UnknownColumn_Suggested(t *testing.T) {
	r, _, _ := newReader(t, settings("127.0.0.1:1", "t"))
	if _, err := r.Open(t.Context(), flow.Request{Columns: []string{"nam"}}); !fault.Is(err, kafka.BadColumn) || !strings.Contains(err.Error(), `"name"`) {
		t.Error(err)
	}
}

func TestReader_BrokerAway_NamedAndWorthTrying(t *testing.T) {
	for _, broker := range []string{"127.0.0.1:1", "no-such-host.invalid:9092"} {
		r, _, _ := newReader(t, settings(broker, "t"))
		start := time.Now()
		_, err := r.Open(t.Context(), flow.Request{})
		if e := fault.As(err); e == nil || e.Code != kafka.Unreachable || !e.Retry || !strings.Contains(err.Error(), broker) {
			t.Error(err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("nobody is at %s, and that took %s", broker, took)
		}
	}
}

func TestReader_UnknownTopic_Named(t *testing.T) {
	broker := servertest.Kafka(t)
	r, _, _ := newReader(t, settings(broker, "no-such-topic-here"))
	_, err := r.Open(t.Context(), flow.Request{})
	if !fault.Is(err, kafka.NoTopic) || !strings.Contains(err.Error(), "no-such-topic-here") {
		t.Error(err)
	}
}
