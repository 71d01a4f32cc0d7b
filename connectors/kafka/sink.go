package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// timestampColumn parts the keys from the features.
const timestampColumn = "timestamp"

// Sink writes every row of a feature table to a topic (S-1308). It is a
// flow.Sink for one goroutine; Publish and Discard need no Open. Rows are
// staged in the state folder until Publish sends them.
type Sink struct {
	cfg    config.Sink
	name   string
	at     parts.Place
	client *client
	reg    *registry // of Avro; else nil

	run    flow.Run
	keys   int // columns before the timestamp
	schema int32
	rows   *staged
	left   string // staged file that Close removes; "" when there is none

	reached func(point string) // tests stop the process here; nil in production
}

var (
	_ flow.Sink          = (*Sink)(nil)
	_ flow.ColumnChecker = (*Sink)(nil)
	_ flow.Prober        = (*Sink)(nil)
)

// NewSink makes the sink of a [[sink]] with store = "kafka". No broker is asked
// yet.
func NewSink(cfg config.Sink, at parts.Place, _ flow.Env) (flow.Sink, error) {
	if cfg.Kafka == nil || cfg.Kafka.Topic == "" {
		return nil, fault.New(BadConfig, "no topic is named").WithHint(`write topic = "..."`)
	}
	s := &Sink{cfg: cfg, name: cfg.Name, at: at}
	if s.name == "" {
		s.name = "kafka"
	}
	var err error
	if s.client, err = newClient(cfg.Kafka.Client, at.Dir); err != nil {
		return nil, err
	}
	switch cfg.Kafka.Format {
	case "", "json":
	case "avro":
		if s.reg, err = newRegistry(cfg.Kafka.Registry, s.client.tls); err != nil {
			return nil, err
		}
	default:
		return nil, fault.New(BadConfig, "format %q is not known: json and avro are", cfg.Kafka.Format)
	}
	return s, nil
}

// OpenVectors refuses: a topic has no newest row of a key.
func OpenVectors(cfg config.Sink, _ parts.Place) (flow.Vectors, error) {
	topic := ""
	if cfg.Kafka != nil {
		topic = cfg.Kafka.Topic
	}
	return nil, fault.New(NoVectors, "the online store is the topic %q, which keeps every row and no vectors", topic).
		WithHint(`add a sink with store = "local" or "cassandra" and ask that`)
}

// CheckColumns implements flow.ColumnChecker.
func (s *Sink) CheckColumns(in *flow.Schema) error {
	if at := in.FieldIndices(timestampColumn); len(at) != 1 || at[0] == 0 {
		return fault.New(BadColumn, "the columns %s do not begin with keys and a timestamp", strings.Join(columnNames(in), ", "))
	}
	if s.reg != nil {
		_, err := avro.NewEncoder(recordName(flow.Run{Set: "row"}), in.Fields())
		return err
	}
	for _, f := range in.Fields() {
		if _, err := jsonOf(f.Type); err != nil {
			return fault.As(err).At("column %q", f.Name)
		}
	}
	return nil
}

// recordName is the name of the record in Avro: that of the feature set, as far
// as Avro allows.
func recordName(run flow.Run) string {
	name := []byte(run.Set)
	for i, c := range name {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			name[i] = '_'
		}
	}
	if len(name) == 0 {
		return "row"
	}
	return string(name)
}

// Open implements flow.Sink. It finds out before any row is computed whether
// the topic is there and the registry takes the columns.
func (s *Sink) Open(ctx context.Context, run flow.Run, in *flow.Schema) error {
	if err := s.CheckColumns(in); err != nil {
		return err
	}
	if err := checkID(run.ID); err != nil {
		return err
	}
	err := settled(ctx, patience, func() error {
		list, err := s.client.partitions(ctx, s.cfg.Kafka.Topic)
		if err == nil {
			_, err = s.client.offsets(ctx, s.cfg.Kafka.Topic, list, latest)
		}
		return err
	})
	if err != nil {
		return err
	}
	if s.reg != nil {
		e, err := avro.NewEncoder(recordName(run), in.Fields())
		if err != nil {
			return err
		}
		if s.schema, err = s.reg.register(ctx, subjectOf(s.cfg.Kafka.Topic), e.Text()); err != nil {
			return err
		}
	}
	sweep(s.at.State, s.name)
	s.run, s.keys = run, in.FieldIndices(timestampColumn)[0]
	s.left = s.stagedPath(run.ID)
	s.rows, err = newStaged(s.left, in)
	return err
}

// checkID refuses a run that makes no folder.
func checkID(id string) error {
	if id == "" || id == "." || id == ".." || filepath.Base(id) != id {
		return fault.New(BadConfig, "run %q makes no folder", id)
	}
	return nil
}

func (s *Sink) stagedPath(run string) string {
	return filepath.Join(s.at.State, "pending", run, s.name+".kafka.arrow")
}

// Write implements flow.Sink.
func (s *Sink) Write(_ context.Context, b flow.Batch) error {
	if s.rows == nil {
		return fault.New(DiskRefused, "the sink is not open")
	}
	if err := s.rows.write(b.Record); err != nil {
		return errors.Join(err, s.Close()) // a full disk should not stay full
	}
	return nil
}

// pending is what the ledger keeps of a prepared write. The file is relative to
// the state folder.
type pending struct {
	Format int    `json:"format"` // pendingFormat
	Topic  string `json:"topic"`
	Values string `json:"values"` // json or avro
	Name   string `json:"record"` // of Avro
	Schema int32  `json:"schema"` // likewise
	Keys   int    `json:"keys"`
	File   string `json:"file"`
	Digest string `json:"digest"`
	Rows   int64  `json:"rows"`
}

const pendingFormat = 1

// Prepare implements flow.Sink.
func (s *Sink) Prepare(context.Context) (flow.Pending, error) {
	if s.rows == nil {
		return flow.Pending{}, fault.New(DiskRefused, "the sink is not open")
	}
	digest, err := s.rows.finish()
	if err != nil {
		return flow.Pending{}, errors.Join(err, s.Close())
	}
	p := pending{
		Format: pendingFormat, Topic: s.cfg.Kafka.Topic, Values: "json", Keys: s.keys,
		File: filepath.Join("pending", s.run.ID, filepath.Base(s.left)), Digest: digest, Rows: s.rows.rows,
	}
	if s.reg != nil {
		p.Values, p.Name, p.Schema = "avro", recordName(s.run), s.schema
	}
	data, err := json.Marshal(p)
	if err != nil {
		return flow.Pending{}, errors.Join(err, s.Close())
	}
	s.rows, s.left = nil, "" // the ledger's from now on
	return flow.Pending{Sink: s.name, Rows: p.Rows, Data: data}, nil
}

// Discard implements flow.Sink.
func (s *Sink) Discard(_ context.Context, run flow.Run) error {
	if err := checkID(run.ID); err != nil {
		return err
	}
	if run.ID == s.run.ID {
		if err := s.Close(); err != nil {
			return err
		}
	}
	return removeStaged(s.stagedPath(run.ID))
}

// Close implements flow.Sink. Before Prepare has succeeded it removes what was
// staged; after that it leaves it for Publish or Discard.
func (s *Sink) Close() error {
	if s.rows != nil {
		s.rows.abandon()
		s.rows = nil
	}
	if s.left == "" {
		return nil
	}
	path := s.left
	s.left = ""
	return removeStaged(path)
}

// Probe implements flow.Prober.
func (s *Sink) Probe(ctx context.Context) ([]flow.Finding, error) {
	out := []flow.Finding{s.client.probe(ctx, s.cfg.Kafka.Topic)}
	if s.reg != nil {
		f := flow.Finding{Server: s.reg.name(), OK: true, Text: "the registry answers"}
		var subjects []string
		if err := s.reg.ask(ctx, "GET", "/subjects", nil, &subjects); err != nil {
			f.OK = false
			f = found(f, err)
		}
		out = append(out, f)
	}
	return out, nil
}

// sentFor is how long the note that a run was sent is kept: longer than any
// ledger takes to hear of it.
const sentFor = 7 * 24 * time.Hour

// sweep removes old notes.
func sweep(state, name string) {
	notes, err := filepath.Glob(filepath.Join(state, "pending", "*", name+".kafka.arrow.sent"))
	if err != nil {
		return
	}
	for _, n := range notes {
		if info, err := os.Stat(n); err == nil && time.Since(info.ModTime()) > sentFor {
			_ = removeStaged(strings.TrimSuffix(n, ".sent")) // it will be tried again
		}
	}
}

// removeStaged removes a staged file, the note that it was sent, and their
// folder when nothing else is in it.
func removeStaged(path string) error {
	for _, p := range []string{path, path + ".sent"} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failedDisk(err, path)
		}
	}
	_ = os.Remove(filepath.Dir(path)) // other sinks may have files there
	return nil
}

func failedDisk(err error, path string) error {
	return fault.Wrap(err, DiskRefused, "the staged rows cannot be kept").At("%s", path).WithHint("check space and permissions")
}

// typeName is a type as a person writes it.
func typeName(t arrow.DataType) string { return schema.TypeName(t) }
