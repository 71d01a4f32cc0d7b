package kafka_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	mu       sync.Mutex
	byID     []string                                    // number 1 is the first
	newest   map[string]int32                            // by subject
	versions map[string][]int32                          // likewise
	refs     map[int32][]any                             // what a schema refers to
	asked    map[string]int                              // by path
	user     string                                      // user:password wanted; "" for anybody
	trouble  int                                         // so many answers are 500
	refuse   bool                                        // new schemas are not compatible
	instead  func(path string) (status int, body string) // answers for it where the status is not 0
	url      string
}

func registry(t testing.TB) *schemas {
	t.Helper()
	s := &schemas{newest: map[string]int32{}, versions: map[string][]int32{}, refs: map[int32][]any{}, asked: map[string]int{}}
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
	s.versions[subject] = append(s.versions[subject], s.newest[subject])
	return int32(len(s.byID))
}

// refer makes the newest schema of a subject name types of others.
func (s *schemas) refer(subject string, others ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range others {
		s.refs[s.newest[subject]] = append(s.refs[s.newest[subject]], map[string]any{"name": o, "subject": o, "version": 1})
	}
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
	if s.instead != nil {
		if status, body := s.instead(r.URL.Path); status != 0 {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return
		}
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
	case parts[0] == "subjects" && len(parts) == 3:
		s.mu.Lock()
		defer s.mu.Unlock()
		say(200, s.versions[parts[1]])
		return
	case parts[0] == "subjects":
		s.mu.Lock()
		id = s.newest[parts[1]]
		if v, err := strconv.Atoi(parts[3]); err == nil && slices.Contains(s.versions[parts[1]], int32(v)) {
			id = int32(v) // the versions of a subject are numbered as their schemas
		}
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
	say(200, map[string]any{"id": id, "version": 1, "schema": s.byID[id-1], "references": s.refs[id]})
}

// TestReader_SchemaOfOthers_Followed reads records whose types stand in other
// subjects, which refer to a third.
func TestReader_SchemaOfOthers_Followed(t *testing.T) {
	broker := servertest.Kafka(t)
	name := topic(t, broker, 1)
	s := registry(t)
	const (
		money  = `{"type": "fixed", "name": "money", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}`
		order  = `{"type": "record", "name": "line", "fields": [{"name": "price", "type": "money"}]}`
		bought = `{"type": "record", "name": "e", "fields": [{"name": "id", "type": "int"}, {"name": "paid", "type": "money"}, {"name": "lines", "type": {"type": "array", "items": "line"}}]}`
		whole  = `{"type": "record", "name": "e", "fields": [{"name": "id", "type": "int"}, {"name": "paid", "type": ` + money + `}, {"name": "lines", "type": {"type": "array", "items": ` + order + `}}]}`
	)
	s.add("money", money)
	s.add("line", order)
	s.refer("line", "money")
	id := s.add(name+"-value", bought)
	s.refer(name+"-value", "line", "money")
	paid := big.NewRat(1250, 100)
	write(t, broker, name, 0, wire(t, id, whole, map[string]any{"id": 1, "paid": paid, "lines": []any{map[string]any{"price": paid}}}))
	r, _, _ := newReader(t, avroSettings(broker, name, s.url))
	got, err := read(t, r, flow.Request{Columns: []string{"id", "paid", "lines"}})
	if want := `[1 | 12.5 | [{"price":12.50}]]`; err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v %v, want %s", got, err, want)
	}
	// A reference that needs what refers to it ends too, each asked once.
	s.refer("money", "line")
	clear(s.asked)
	r, _, _ = newReader(t, avroSettings(broker, name, s.url))
	if _, err := r.Schema(t.Context()); err != nil || s.asked["/subjects/line/versions/1"] != 1 {
		t.Error(err, s.asked)
	}
	// What is missing is named.
	s.refer(name+"-value", "nothing")
	r, _, _ = newReader(t, avroSettings(broker, name, s.url))
	if _, err := r.Schema(t.Context()); !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error(), "/subjects/nothing/versions/1") {
		t.Error(err)
	}
}

// TestReader_RegistryOverTLS_Certificate trusts the authority of [tls], and
// takes no password elsewhere.
func TestReader_RegistryOverTLS_Certificate(t *testing.T) {
	s := registry(t)
	s.add("t-value", firstSchema)
	s.user = "user:secret-password"
	secure := httptest.NewTLSServer(http.HandlerFunc(s.answer))
	defer secure.Close()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := avroSettings("127.0.0.1:1", "t", secure.URL)
	cfg.Kafka.Registry.Username, cfg.Kafka.Registry.Password = "user", config.NewSecret("secret-password")
	ask := func() error {
		r, _, _ := newReader(t, cfg)
		_, err := r.Schema(t.Context())
		return err
	}
	if err := ask(); !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a registry that nobody vouches for: %v", err)
	}
	cfg.Kafka.Client.TLS = &config.TLS{CA: authority}
	if err := ask(); err != nil {
		t.Error(err)
	}
	elsewhere := httptest.NewServer(http.RedirectHandler(secure.URL, http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	cfg.Kafka.Registry.URL = elsewhere.URL
	if err := ask(); !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error(), "307") {
		t.Errorf("the password went after a redirection: %v", err)
	}
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
	cfg.Format, cfg.Schema, cfg.Kafka.Registry.URL = "avro", nil, registry
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
	known := func(topic, url, password string) config.Reader {
		cfg := avroSettings(broker, topic, url)
		cfg.Kafka.Registry.Username, cfg.Kafka.Registry.Password = "user", config.NewSecret(password)
		return cfg
	}
	for _, c := range []struct {
		cfg  config.Reader
		says string
	}{
		{avroSettings(broker, name, s.url), "401"}, {avroSettings(broker, name, "http://127.0.0.1:1"), "127.0.0.1:1"},
		{known(name, s.url, "wrong-password"), "registry_password"},
		{avroSettings(broker, name, strings.Replace(s.url, "http://", "http://user:wrong-password@", 1)), "401"},
	} {
		r, _, _ = newReader(t, c.cfg)
		_, err := r.Schema(t.Context())
		if !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error()+fault.As(err).Hint, c.says) || strings.Contains(err.Error(), "wrong-password") {
			t.Error(err)
		}
	}
	r, _, _ = newReader(t, known(name, s.url, "secret-password"))
	if _, err := r.Schema(t.Context()); err != nil {
		t.Error(err)
	}
	r, _, _ = newReader(t, known("unknown-topic", s.url, "secret-password"))
	if _, err := r.Schema(t.Context()); !fault.Is(err, kafka.RegistryFailed) || !strings.Contains(err.Error(), "unknown-topic-value") {
		t.Error(err)
	}
}
