package kafka_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	hamba "github.com/hamba/avro/v2"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// schemas is a registry as far as readers and sinks ask it.
type schemas struct {
	mu      sync.Mutex
	byID    []string         // number 1 is the first
	newest  map[string]int32 // by subject
	asked   map[string]int   // by path
	user    string           // user:password wanted; "" for anybody
	trouble int              // so many answers are 500
	refuse  bool             // new schemas are not compatible
	url     string
}

func registry(t testing.TB) *schemas {
	t.Helper()
	s := &schemas{newest: map[string]int32{}, asked: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *schemas) add(subject, text string) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.byID {
		if old == text {
			s.newest[subject] = int32(i + 1)
			return int32(i + 1)
		}
	}
	s.byID = append(s.byID, text)
	s.newest[subject] = int32(len(s.byID))
	return int32(len(s.byID))
}

func (s *schemas) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked[r.URL.Path]++
	broken := s.trouble > 0
	if broken {
		s.trouble--
	}
	s.mu.Unlock()
	say := func(status int, v any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	if s.user != "" && r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(s.user)) {
		say(401, map[string]any{"error_code": 401, "message": "Unauthorized"})
		return
	}
	if broken {
		say(500, map[string]any{"message": "later"})
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var id int32
	switch {
	case r.Method == http.MethodPost && parts[0] == "subjects":
		var body struct{ Schema string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		if s.refuse {
			say(409, map[string]any{"message": "incompatible"})
			return
		}
		say(200, map[string]any{"id": s.add(parts[1], body.Schema)})
		return
	case len(parts) == 1 && parts[0] == "subjects":
		say(200, []string{})
		return
	case parts[0] == "subjects":
		s.mu.Lock()
		id = s.newest[parts[1]]
		s.mu.Unlock()
	default:
		_, _ = fmt.Sscan(parts[2], &id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id < 1 || int(id) > len(s.byID) {
		say(404, map[string]any{"error_code": 40403, "message": "not found"})
		return
	}
	say(200, map[string]any{"id": id, "version": 1, "schema": s.byID[id-1]})
}

// wire is a message as producers with a registry write it.
func wire(t testing.TB, id int32, schema string, v any) kafkago.Message {
	t.Helper()
	parsed, err := hamba.Parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hamba.Marshal(parsed, v)
	if err != nil {
		t.Fatal(err)
	}
	return kafkago.Message{Value: append([]byte{0, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}, b...)}
}

const (
	firstSchema  = `{"type": "record", "name": "e", "fields": [{"name": "id", "type": "int"}]}`
	secondSchema = `{"type": "record", "name": "e", "fields": [{"name": "id", "type": "long"}, {"name": "name", "type": "string", "default": "-"}]}`
)

func avroSettings(broker, topic, registry string) config.Reader {
	cfg := settings(broker, topic)
	cfg.Format, cfg.Schema, cfg.Kafka.Registry = "avro", nil, registry
	return cfg
}

func TestReader_Avro_EachWritersSchema(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	s := registry(t)
	a, b := s.add(name+"-value", firstSchema), s.add(name+"-value", secondSchema)
	third := s.add("other", `{"type": "record", "name": "e", "fields": [{"name": "id", "type": "string"}]}`)
	write(t, broker, name, 0,
		wire(t, a, firstSchema, map[string]any{"id": 1}),
		wire(t, b, secondSchema, map[string]any{"id": int64(2), "name": "two"}),
		text("no avro"), // bad: no zero byte
		kafkago.Message{Value: []byte{0, 0, 0, 0, 99, 2}},                   // bad: a schema that nobody knows
		kafkago.Message{Value: []byte{0, 0, 0, 0, byte(third), 2, 'x'}},     // bad: a type that does not fit
		kafkago.Message{Value: []byte{0, 0, 0, 0, byte(b)}},                 // bad: ends early
		kafkago.Message{Value: []byte{0, 0, 0, 0, byte(a), 6, 0}}, text(""), // bad: too long; empty
		wire(t, a, firstSchema, map[string]any{"id": 9}))
	r, rejected, _ := newReader(t, avroSettings(broker, name, s.url))
	for range 2 {
		got, err := read(t, r, flow.Request{Columns: []string{"id", "name", "kafka_offset"}})
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, []string{"1 | - | 0", "2 | two | 1", "9 | - | 8"})
	}
	if len(rejected.Rows) != 12 {
		t.Errorf("%d letters:\n%s", len(rejected.Rows), strings.Join(rejected.Rows, "\n"))
	}
	for path, n := range s.asked {
		if n > 4 { // schemas that are there are asked once
			t.Errorf("%s was asked %d times", path, n)
		}
	}
}

func TestReader_Registry_Troubles(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	s := registry(t)
	id := s.add(name+"-value", firstSchema)
	write(t, broker, name, 0, wire(t, id, firstSchema, map[string]any{"id": 1}))
	s.trouble = 2 // a passing one is waited out
	r, _, _ := newReader(t, avroSettings(broker, name, s.url))
	if got, err := read(t, r, flow.Request{Columns: []string{"id"}}); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	s.user = "user:secret-password"
	for _, c := range []struct{ url, says string }{
		{s.url, "401"}, {"http://127.0.0.1:1", "127.0.0.1:1"}, {strings.Replace(s.url, "http://", "http://user:wrong-password@", 1), "401"},
	} {
		r, _, _ = newReader(t, avroSettings(broker, name, c.url))
		_, err := r.Schema(t.Context())
		if !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "wrong-password") {
			t.Error(err)
		}
	}
	r, _, _ = newReader(t, avroSettings(broker, name, strings.Replace(s.url, "http://", "http://user:secret-password@", 1)))
	if _, err := r.Schema(t.Context()); err != nil {
		t.Error(err)
	}
	r, _, _ = newReader(t, avroSettings(broker, "unknown-topic", strings.Replace(s.url, "http://", "http://user:secret-password@", 1)))
	if _, err := r.Schema(t.Context()); !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error(), "unknown-topic-value") {
		t.Error(err)
	}
}
