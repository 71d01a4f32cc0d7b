package kafka_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/flow"
)

// cpu is the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEndToEnd reads a topic of small JSON messages: into columns by the
// reader, and as bytes by the plain loop that kafka-go's documentation shows.
func BenchmarkEndToEnd(b *testing.B) {
	broker := servertest.Kafka(b)
	const each, parts = 200_000, 2
	name := topic(b, broker, parts)
	for p := range parts {
		messages := make([]kafkago.Message, each)
		for i := range messages {
			messages[i] = text(fmt.Sprintf(`{"user_id": %d, "event": "page_view", "amount": %d.75, "ok": true}`, 12345678+i, i%100))
		}
		write(b, broker, name, p, messages...)
	}
	rate := func(b *testing.B, f func() int) float64 {
		b.Helper()
		start, used, n := time.Now(), cpu(), 0
		for b.Loop() {
			n += f()
		}
		took := cpu() - used
		b.ReportMetric(float64(n)/took.Seconds()/1e6, "Mmsg/cpu-s")
		b.ReportMetric(float64(n)/time.Since(start).Seconds()/1e6, "Mmsg/s")
		return took.Seconds() / float64(n)
	}
	var ours, bare float64
	b.Run("reader", func(b *testing.B) {
		cfg := settings(broker, name)
		cfg.Schema = []config.Column{{Name: "user_id", Type: "bigint"}, {Name: "event", Type: "string"}, {Name: "amount", Type: "double"}, {Name: "ok", Type: "boolean"}}
		r, _, _ := newReader(b, cfg)
		ours = rate(b, func() (n int) {
			if _, err := r.Open(b.Context(), flow.Request{Columns: []string{"user_id", "event", "amount", "ok"}}); err != nil {
				b.Fatal(err)
			}
			for {
				x, err := r.Next(b.Context())
				if flow.Ended(err) {
					return n
				}
				if err != nil {
					b.Fatal(err)
				}
				n += int(x.Rows())
				x.Release()
			}
		})
	})
	b.Run("bare kafka-go", func(b *testing.B) {
		bare = rate(b, func() (n int) {
			for p := range parts {
				r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: []string{broker}, Topic: name, Partition: p, MaxBytes: 4 << 20, MinBytes: 1, QueueCapacity: 1000, MaxWait: 500 * time.Millisecond})
				for range each {
					if _, err := r.ReadMessage(context.Background()); err != nil {
						b.Fatal(err)
					}
					n++
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			return n
		})
		if ours > 0 {
			b.ReportMetric(ours/bare, "reader's-cpu/bare")
		}
	})
}
