package kafka

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

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
	out := newSender(s.client, p.Topic, func() { s.reach(pointSome) })
	defer out.close()
	var e encoder
	n := int64(0)
	err := readStaged(ctx, path, func(r flow.Record) error {
		if e == nil {
			var err error
			if e, err = newEncoder(p, r.Schema()); err != nil {
				return err
			}
		}
		for i := range int(r.NumRows()) {
			if err := out.add(ctx, e.message(r.Columns(), i)); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err == nil {
		err = out.flush(ctx)
	}
	if err == nil && n != p.Rows {
		err = fault.Wrap(flow.ErrPendingLost, PendingLost, "the staged file holds %d rows, the ledger says %d", n, p.Rows).At("%s", path)
	}
	return err
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
