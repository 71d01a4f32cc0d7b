package kafka

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Points of Publish at which tests stop the process.
const (
	pointSome = "some messages sent"
	pointSent = "all messages sent"
)

// Limits of sending.
const (
	sendRows     = 5_000 // messages given to the library at a time
	sendBytes    = 4 << 20
	sendPatience = 60 * time.Second
)

// Publish implements flow.Sink. It sends every staged row, in order, and waits
// until all replicas in sync have it. A note beside the file says that all was
// sent, so that a repetition answers the same; one that was cut short sends all
// rows again (K6).
func (s *Sink) Publish(ctx context.Context, in flow.Pending) (flow.Published, error) {
	var p pending
	if err := json.Unmarshal(in.Data, &p); err != nil {
		return flow.Published{}, fault.Wrap(err, PendingLost, "the ledger's description of the staged rows cannot be read")
	}
	if p.Format != pendingFormat || p.Values != "json" && p.Values != "avro" {
		return flow.Published{}, fault.New(PendingLost, "the staged rows have format %d of %q, which this featurehost does not know", p.Format, p.Values).
			WithHint("publish them with the featurehost that made them")
	}
	path := filepath.Join(s.at.State, p.File)
	if note, err := os.ReadFile(path + ".sent"); err == nil && string(note) == p.Digest {
		return flow.Published{Rows: p.Rows}, removeFile(path)
	}
	digest, ok, err := fileDigest(path)
	switch {
	case err != nil:
		return flow.Published{}, err
	case !ok:
		return flow.Published{}, fault.Wrap(flow.ErrPendingLost, PendingLost, "the staged rows are gone and were not sent").At("%s", path).WithHint("run the interval again")
	case digest != p.Digest:
		return flow.Published{}, fault.Wrap(flow.ErrPendingLost, PendingLost, "the staged rows have digest %s, the ledger says %s", digest, p.Digest).At("%s", path).WithHint("run the interval again")
	}
	if err := s.send(ctx, p, path); err != nil {
		return flow.Published{}, err
	}
	s.reach(pointSent)
	if err := writeNote(path, p.Digest); err != nil {
		return flow.Published{}, err
	}
	return flow.Published{Rows: p.Rows}, removeFile(path)
}

func (s *Sink) reach(point string) {
	if s.reached != nil {
		s.reached(point)
	}
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return failedDisk(err, path)
	}
	return nil
}

func writeNote(path, digest string) error {
	tmp := path + ".sending"
	if err := errors.Join(os.WriteFile(tmp, []byte(digest), 0o644), os.Rename(tmp, path+".sent"), blob.SyncFolder(filepath.Dir(path))); err != nil {
		return failedDisk(err, path)
	}
	return nil
}

// send sends the rows of a staged file.
func (s *Sink) send(ctx context.Context, p pending, path string) error {
	transport := &kafkago.Transport{
		Dial: (&net.Dialer{Timeout: dialTimeout}).DialContext, DialTimeout: dialTimeout, ClientID: clientID,
		TLS: s.client.tls, SASL: s.client.sasl, MetadataTopics: []string{p.Topic},
	}
	defer transport.CloseIdleConnections()
	w := &kafkago.Writer{
		Addr: kafkago.TCP(s.client.cfg.Brokers...), Topic: p.Topic, Balancer: kafkago.Murmur2Balancer{}, Transport: transport,
		RequiredAcks: kafkago.RequireAll, MaxAttempts: 1, BatchSize: sendRows, BatchBytes: sendBytes, BatchTimeout: 5 * time.Millisecond,
		WriteTimeout: requestTimeout, ReadTimeout: requestTimeout,
	}
	defer w.Close() //nolint:errcheck // every write was waited for
	var e encoder
	n := int64(0)
	var batch []kafkago.Message
	size := 0
	flush := func() error {
		err := s.deliver(ctx, w, batch)
		batch, size = batch[:0], 0
		s.reach(pointSome)
		return err
	}
	err := readStaged(ctx, path, func(r flow.Record) error {
		if e == nil {
			var err error
			if e, err = newEncoder(p, r.Schema()); err != nil {
				return err
			}
		}
		for i := range int(r.NumRows()) {
			m := e.message(r.Columns(), i)
			batch = append(batch, m)
			n++
			if size += len(m.Key) + len(m.Value); len(batch) >= sendRows || size >= sendBytes {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil && len(batch) > 0 {
		err = flush()
	}
	if err == nil && n != p.Rows {
		err = fault.Wrap(flow.ErrPendingLost, PendingLost, "the staged file holds %d rows, the ledger says %d", n, p.Rows).At("%s", path)
	}
	return err
}

// deliver writes messages and tries again what passing troubles kept back.
func (s *Sink) deliver(ctx context.Context, w *kafkago.Writer, batch []kafkago.Message) error {
	end := time.Now().Add(sendPatience)
	for try := 1; ; try++ {
		bounded, cancel := context.WithTimeout(ctx, 2*requestTimeout)
		err := w.WriteMessages(bounded, batch...)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var each kafkago.WriteErrors
		if errors.As(err, &each) { // those that were taken need not go again
			var left []kafkago.Message
			var first error
			for i, e := range each {
				if e != nil {
					left = append(left, batch[i])
					if first == nil {
						first = e
					}
				}
			}
			batch, err = left, first
		}
		var long kafkago.MessageTooLargeError
		if errors.As(err, &long) {
			return fault.New(TooLong, "a row makes a message of %d bytes", len(long.Message.Value)).At("kafka topic %q", s.cfg.Kafka.Topic).WithHint("raise max.message.bytes of the topic, or leave out a column")
		}
		f := fault.As(s.client.failed(err, s.client.cfg.Brokers[0]+", topic \""+s.cfg.Kafka.Topic+"\""))
		if f == nil {
			return err
		}
		if !f.Retry && f.Code != NoTopic || time.Now().After(end) {
			return f
		}
		if !sleep(ctx, min(time.Duration(try)*300*time.Millisecond, 3*time.Second)) {
			return context.Cause(ctx)
		}
	}
}

// encoder makes messages of rows.
type encoder interface {
	message(columns []arrow.Array, i int) kafkago.Message
}

func newEncoder(p pending, in *flow.Schema) (encoder, error) {
	key, err := newJSONObject(in.Fields()[:p.Keys])
	if err != nil {
		return nil, err
	}
	if p.Values == "avro" {
		e, err := avro.NewEncoder(p.Name, in.Fields())
		return &avroMessages{key: key, keys: p.Keys, schema: p.Schema, encoder: e}, err
	}
	value, err := newJSONObject(in.Fields())
	return &jsonMessages{key: key, value: value, keys: p.Keys}, err
}

type jsonMessages struct {
	key, value *jsonObject
	keys       int
}

func (m *jsonMessages) message(columns []arrow.Array, i int) kafkago.Message {
	return kafkago.Message{Key: m.key.append(nil, columns[:m.keys], i), Value: m.value.append(nil, columns, i)}
}

type avroMessages struct {
	key     *jsonObject
	keys    int
	schema  int32
	encoder *avro.Encoder
}

func (m *avroMessages) message(columns []arrow.Array, i int) kafkago.Message {
	value := binary.BigEndian.AppendUint32([]byte{0}, uint32(m.schema))
	return kafkago.Message{Key: m.key.append(nil, columns[:m.keys], i), Value: m.encoder.Append(value, columns, i)}
}
