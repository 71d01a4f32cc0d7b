package kafka_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// olderSchema is what secondSchema was before it had a name.
const olderSchema = `{"type": "record", "name": "e", "fields": [{"name": "id", "type": "long"}]}`

// A registry that refuses, or something before it that does, says nothing of the
// messages: they are no dead letters, and the read can be made again.
func TestReader_RegistryRefuses_NoDeadLetters(t *testing.T) {
	broker := servertest.Kafka(t)
	for _, c := range []struct {
		name   string
		status int
		body   string
		retry  bool
	}{
		{"401", 401, `{"error_code": 401, "message": "Unauthorized"}`, false},
		{"403", 403, `{"error_code": 40301, "message": "Forbidden"}`, false},
		{"404 of a proxy", 404, `<html>no such page</html>`, true},
		{"404 of another thing", 404, `{"error_code": 40401, "message": "Subject not found"}`, false},
		{"302", 302, ``, false},
		{"422", 422, `{"error_code": 42201, "message": "` + strings.Repeat("long ", 1000) + `"}`, false},
		{"503", 503, ``, true},
		{"200 without a schema", 200, `{}`, false},
		{"200 of a page", 200, `<html>welcome</html>`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := topic(t, broker, 1)
			s := registry(t)
			id := s.add(name+"-value", olderSchema)
			s.add(name+"-value", secondSchema) // the newest: the other one must be asked for
			write(t, broker, name, 0, wire(t, id, olderSchema, map[string]any{"id": int64(2)}))
			refuses := true
			s.instead = func(path string) (int, string) {
				if refuses && strings.HasPrefix(path, "/schemas/ids/") {
					return c.status, c.body
				}
				return 0, ""
			}
			r, rejected, _ := newReader(t, avroSettings(broker, name, s.url))
			_, err := read(t, r, flow.Request{Columns: []string{"id"}})
			if e := fault.As(err); e == nil || e.Code != kafka.RegistryFailed || e.Retry != c.retry || len(err.Error()) > 700 {
				t.Errorf("%v", err)
			}
			refuses = false
			got, err := read(t, r, flow.Request{Columns: []string{"id"}})
			if err != nil || len(rejected.Rows) > 0 {
				t.Fatal(err, rejected.Rows)
			}
			same(t, got, []string{"2"})
		})
	}
}

// A schema that is known a little later, as in a registry of several servers, is
// asked for again.
func TestReader_SchemaKnownLater_NoDeadLetters(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	s := registry(t)
	id := s.add(name+"-value", olderSchema)
	s.add(name+"-value", secondSchema)
	write(t, broker, name, 0, wire(t, id, olderSchema, map[string]any{"id": int64(2)}))
	var once sync.Once
	s.instead = func(path string) (status int, body string) {
		if strings.HasPrefix(path, "/schemas/ids/") {
			once.Do(func() { status, body = 404, `{"error_code": 40403, "message": "Schema not found"}` })
		}
		return status, body
	}
	r, rejected, _ := newReader(t, avroSettings(broker, name, s.url))
	got, err := read(t, r, flow.Request{Columns: []string{"id"}})
	if err != nil || len(rejected.Rows) > 0 {
		t.Fatal(err, rejected.Rows)
	}
	same(t, got, []string{"2"})
}

// Messages that begin with a zero byte by chance are dead letters, and do not
// cost a question each.
func TestReader_ZeroByteByChance_FewQuestions(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	s := registry(t)
	older, id := s.add(name+"-value", olderSchema), s.add(name+"-value", secondSchema)
	const chance = 5000
	var all []kafkago.Message
	for i := range chance {
		all = append(all, kafkago.Message{Value: append(binary.BigEndian.AppendUint32([]byte{0}, uint32(1_000_000+i)), "bytes"...)})
	}
	all = append(all, kafkago.Message{Value: []byte{0, 0xff, 0, 0, 0, 2}}, kafkago.Message{Value: []byte{0, 0, 0, 0, 0, 2}},
		wire(t, id, secondSchema, map[string]any{"id": int64(7), "name": "seven"}), wire(t, older, olderSchema, map[string]any{"id": int64(8)}))
	write(t, broker, name, 0, all...)
	r, rejected, _ := newReader(t, avroSettings(broker, name, s.url))
	for range 3 {
		got, err := read(t, r, flow.Request{Columns: []string{"id"}, BatchRows: 700})
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, []string{"7", "8"}) // also of a schema that was not asked for before
	}
	if len(rejected.Rows) != 3*(chance+2) {
		t.Errorf("%d letters", len(rejected.Rows))
	}
	n := 0
	for path, times := range s.asked {
		if strings.HasPrefix(path, "/schemas/ids/") {
			n += times
		}
	}
	if n > 2*1000+10 {
		t.Errorf("%d questions for schemas", n)
	}
	if s.asked["/schemas/ids/0"] > 0 || s.asked["/schemas/ids/-16777216"] > 0 {
		t.Error("a number that is none was asked for")
	}
}

// All that a schema refers to is bounded together.
func TestReader_ReferencesTooLong_Refused(t *testing.T) {
	s := registry(t)
	s.add("t-value", firstSchema)
	for i := range 4 {
		subject := fmt.Sprintf("other%d", i)
		s.add(subject, fmt.Sprintf(`{"type": "enum", "name": "e%d", "symbols": ["A"], "doc": %q}`, i, strings.Repeat("x", 5<<20)))
		s.refer("t-value", subject)
	}
	r, _, _ := newReader(t, avroSettings("127.0.0.1:1", "t", s.url))
	if _, err := r.Schema(t.Context()); !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error(), "other3") {
		t.Errorf("%.300v", err)
	}
}

// An answer without a number of a schema is none: no message could be read.
func TestSink_RegistryGivesNoNumber_Refused(t *testing.T) {
	broker := servertest.Kafka(t)
	for _, body := range []string{`{}`, `{"id": 0}`, `{"id": -1}`} {
		s := registry(t)
		s.instead = func(string) (int, string) { return 200, body }
		cfg := sinkSettings(broker, topic(t, broker, 1))
		cfg.Kafka.Format, cfg.Kafka.Registry.URL = "avro", s.url
		in := hosttest.Batch(t, features)
		err := newSink(t, cfg, t.TempDir()).Open(t.Context(), run("run"), in.Record.Schema())
		in.Release()
		if !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error(), "number") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// Rule: K3, K2. A few bytes of Avro may stand for many: such a batch ends early,
// and each row is there with what belongs to it.
func TestReader_AvroLongDefaults_BatchEndsEarly(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	s := registry(t)
	id := s.add(name+"-value", olderSchema)
	const n, long = 200, 500_000
	s.add(name+"-value", strings.Replace(secondSchema, `"-"`, `"`+strings.Repeat("x", long)+`"`, 1))
	var all []kafkago.Message
	var want []string
	for i := range n {
		m := wire(t, id, olderSchema, map[string]any{"id": int64(i)})
		m.Key = fmt.Appendf(nil, "k%d", i)
		if i%50 == 20 {
			m.Value = []byte("bad")
		} else {
			want = append(want, fmt.Sprintf("%d k%d %d", i, i, i))
		}
		all = append(all, m)
	}
	write(t, broker, name, 0, all...)
	r, rejected, _ := newReader(t, avroSettings(broker, name, s.url))
	if _, err := r.Open(t.Context(), flow.Request{Columns: []string{"id", "name", "kafka_key", "kafka_offset"}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	batches := 0
	for {
		b, err := r.Next(t.Context())
		if flow.Ended(err) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		batches++
		if b.Rows()*long > 40<<20 {
			t.Errorf("a batch of %d rows", b.Rows())
		}
		for i := range int(b.Rows()) {
			c := b.Record.Columns()
			if len(c[1].ValueStr(i)) != long {
				t.Fatalf("row %d has a name of %d letters", i, len(c[1].ValueStr(i)))
			}
			got = append(got, fmt.Sprintf("%s %s %s", c[0].ValueStr(i), c[2].ValueStr(i), c[3].ValueStr(i)))
		}
		b.Release()
	}
	same(t, got, want)
	if batches < 3 || len(rejected.Rows) != 4 || r.Stats().Rows != n {
		t.Errorf("%d batches, %d letters, %+v", batches, len(rejected.Rows), r.Stats())
	}
}

// Rule: K2. A registry that is away fails the read, which is no trouble of the
// broker's: what was fetched already is not fetched and given again.
func TestReader_RegistryAway_FailsWithoutRepeating(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	s := registry(t)
	id := s.add(name+"-value", olderSchema)
	s.add(name+"-value", secondSchema)
	var all []kafkago.Message
	var want []string
	for i := range 100 {
		all = append(all, wire(t, id, olderSchema, map[string]any{"id": int64(i)}))
		want = append(want, fmt.Sprint(i))
	}
	write(t, broker, name, 0, all...)
	left := 3 // as often as a question is asked
	s.instead = func(path string) (int, string) {
		if left > 0 && strings.HasPrefix(path, "/schemas/ids/") {
			left--
			return 503, ""
		}
		return 0, ""
	}
	r, _, _ := newReader(t, avroSettings(broker, name, s.url))
	got, err := read(t, r, flow.Request{Columns: []string{"id"}, BatchRows: 10})
	if e := fault.As(err); e == nil || e.Code != kafka.RegistryFailed || !e.Retry || len(got) > 0 {
		t.Errorf("%d rows, %v", len(got), err)
	}
	got, err = read(t, r, flow.Request{Columns: []string{"id"}, BatchRows: 10})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	same(t, got, want)
}
