package kafka_test

import (
	"fmt"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/flow"
)

// Rule: K2. Every kind of packing, in batches of several sizes.
func TestReader_PackedBatches_EachMessageOnce(t *testing.T) {
	broker := servertest.Kafka(t)
	for _, codec := range []kafkago.Compression{kafkago.Gzip, kafkago.Snappy, kafkago.Lz4, kafkago.Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			name := topic(t, broker, 1)
			conn, err := kafkago.DialLeader(t.Context(), "tcp", broker, name, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for from := 0; from < 1000; {
				n := min(1+from/3, 1000-from)
				if _, err := conn.WriteCompressedMessages(codec.Codec(), numbered(from, from+n)...); err != nil {
					t.Fatal(err)
				}
				from += n
			}
			cfg := settings(broker, name)
			cfg.Kafka.From, cfg.Kafka.To = "offset:7", "offset:993" // inside of batches
			r, _, _ := newReader(t, cfg)
			got, err := read(t, r, flow.Request{Columns: idAndName, BatchRows: 100})
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, ids(7, 993))
		})
	}
}

// Rule: K2. A compacted topic has gaps, also at its end.
func TestReader_CompactedTopic_Ends(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1, "cleanup.policy=compact", "segment.ms=100", "min.cleanable.dirty.ratio=0.01", "min.compaction.lag.ms=0", "max.compaction.lag.ms=100", "delete.retention.ms=0")
	for i := range 5 {
		var messages []kafkago.Message
		for k := range 100 {
			messages = append(messages, kafkago.Message{Key: fmt.Appendf(nil, "k%d", k%7), Value: fmt.Appendf(nil, `{"id": %d, "name": "row %d"}`, i*100+k, i*100+k)})
		}
		write(t, broker, name, 0, messages...)
		time.Sleep(150 * time.Millisecond) // a segment of its own
	}
	rows := 0
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(500 * time.Millisecond) { // the cleaner looks every 15 seconds
		r, _, _ := newReader(t, settings(broker, name))
		got, err := read(t, r, flow.Request{Columns: idAndName})
		if err != nil {
			t.Fatal(err)
		}
		if rows = len(got); rows < 200 {
			break
		}
	}
	t.Logf("%d rows are left of 500", rows)
	if rows >= 200 {
		t.Errorf("%d rows are left: the topic was not compacted, and nothing was tried", rows)
	}
	if rows < 7 {
		t.Error("the newest of each key must be left")
	}
}
