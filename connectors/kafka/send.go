package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/host/fault"
)

// Limits of sending.
const (
	sendRows = 5_000 // messages given to the library at a time
	// sendBytes are the bytes given at a time, at most: the library makes one
	// record batch of all that goes to a partition, and by default a topic takes
	// batches of 1 MiB (max.message.bytes).
	sendBytes    = 1_000_000
	sendPatience = 60 * time.Second
	// sendMargin is more than a record takes besides its key and value.
	sendMargin = 32
)

// sender writes messages to a topic, in order: the next ones are sent when all
// before them are taken. It is for one goroutine.
type sender struct {
	client *client
	topic  string
	writer *kafkago.Writer
	sent   func() // called after each write
	limit  int    // bytes at a time; less than sendBytes for a topic that takes less
	batch  []kafkago.Message
	size   int
}

func newSender(c *client, topic string, sent func()) *sender {
	transport := &kafkago.Transport{
		Dial: (&net.Dialer{Timeout: dialTimeout}).DialContext, DialTimeout: dialTimeout, ClientID: clientID,
		TLS: c.tls, SASL: c.sasl, MetadataTopics: []string{topic},
	}
	return &sender{client: c, topic: topic, sent: sent, limit: sendBytes, writer: &kafkago.Writer{
		Addr: kafkago.TCP(c.cfg.Brokers...), Topic: topic, Balancer: kafkago.Murmur2Balancer{}, Transport: transport,
		// How much goes into a batch is decided here, and how much is too much by
		// the broker.
		RequiredAcks: kafkago.RequireAll, MaxAttempts: 1, BatchSize: sendRows, BatchBytes: math.MaxInt32, BatchTimeout: 5 * time.Millisecond,
		WriteTimeout: requestTimeout, ReadTimeout: requestTimeout,
	}}
}

func (s *sender) close() {
	_ = s.writer.Close() // every write was waited for
	s.writer.Transport.(*kafkago.Transport).CloseIdleConnections()
}

// add sends a message, soon. One that is longer than the limit goes alone.
func (s *sender) add(ctx context.Context, m kafkago.Message) error {
	n := recordBytes(m)
	if len(s.batch) >= sendRows || s.size+n > s.limit {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	s.batch, s.size = append(s.batch, m), s.size+n
	return nil
}

// flush sends what is left.
func (s *sender) flush(ctx context.Context) error {
	if len(s.batch) == 0 {
		return nil
	}
	err := s.deliver(ctx, s.batch)
	clear(s.batch)
	s.batch, s.size = s.batch[:0], 0
	s.sent()
	return err
}

// recordBytes is what a message takes in a batch, at most.
func recordBytes(m kafkago.Message) int { return len(m.Key) + len(m.Value) + sendMargin }

// deliver writes messages; those that are too much for the topic together are
// written in parts.
func (s *sender) deliver(ctx context.Context, batch []kafkago.Message) error {
	left, err := s.write(ctx, batch)
	if err == nil || !fault.Is(err, TooLong) {
		return err
	}
	if len(left) == 1 {
		return fault.New(TooLong, "a row makes a message of %d bytes, which is more than the topic takes", len(left[0].Key)+len(left[0].Value)).
			At("kafka topic %q", s.topic).WithHint("raise max.message.bytes of the topic, or leave out a column")
	}
	size := 0
	for _, m := range left {
		size += recordBytes(m)
	}
	s.limit = min(s.limit, max(size/2, 1)) // what comes need not be refused first
	half := len(left) / 2
	if err := s.deliver(ctx, left[:half]); err != nil {
		return err
	}
	return s.deliver(ctx, left[half:])
}

// write gives messages to the library and tries again what passing troubles
// kept back. With an error it gives the messages that were not taken.
func (s *sender) write(ctx context.Context, batch []kafkago.Message) (left []kafkago.Message, err error) {
	end := time.Now().Add(sendPatience)
	for try := 1; ; try++ {
		bounded, cancel := context.WithTimeout(ctx, 2*requestTimeout)
		err := s.writer.WriteMessages(bounded, batch...)
		cancel()
		if err == nil {
			return nil, nil
		}
		if ctx.Err() != nil {
			return batch, context.Cause(ctx)
		}
		var each kafkago.WriteErrors
		if errors.As(err, &each) { // those that were taken need not go again
			batch, err = notTaken(batch, each)
		}
		f := fault.As(s.client.failed(err, fmt.Sprintf("%s, topic %q", s.client.cfg.Brokers[0], s.topic)))
		if f == nil {
			return batch, err
		}
		if !f.Retry && f.Code != NoTopic || time.Now().After(end) {
			return batch, f
		}
		if !sleep(ctx, min(time.Duration(try)*300*time.Millisecond, 3*time.Second)) {
			return batch, context.Cause(ctx)
		}
	}
}

// notTaken are the messages of a batch with an error, and the first of those
// errors.
func notTaken(batch []kafkago.Message, each kafkago.WriteErrors) (left []kafkago.Message, first error) {
	for i, err := range each {
		if err == nil {
			continue
		}
		left = append(left, batch[i])
		if first == nil {
			first = err
		}
	}
	return left, first
}
