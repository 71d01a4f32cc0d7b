package flights_services_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/examples/flights_services/internal/source"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/parts"
)

const data = "../flights/data"

// stage is one run of the pipeline between the servers, with names of its own
// for the bucket, the topic, the database and the keyspace.
type stage struct {
	t         testing.TB
	s3        *servertest.S3Server
	kafka     string
	cassandra string
	metastore string
	name      string // of database and keyspace
	topic     string
}

func newStage(t testing.TB, metastore string) *stage {
	t.Helper()
	s := &stage{t: t, s3: servertest.S3(t), kafka: servertest.Kafka(t), cassandra: servertest.Cassandra(t), metastore: metastore, name: servertest.Name(t)}
	s.topic = s.name
	s.s3.Setenv(t)
	return s
}

// lookup is the environment in which the pipeline file is read.
func (s *stage) lookup(name string) (string, bool) {
	v, ok := map[string]string{
		"FEATUREHOST_KAFKA": s.kafka, "FEATUREHOST_S3_ENDPOINT": s.s3.Endpoint, "FEATUREHOST_METASTORE": s.metastore, "FEATUREHOST_CASSANDRA": s.cassandra,
		"FLIGHTS_TOPIC": s.topic, "FLIGHTS_BUCKET": s.s3.Bucket, "FLIGHTS_DATABASE": s.name, "FLIGHTS_KEYSPACE": s.name,
	}[name]
	return v, ok
}

// publish brings the departures to Kafka and the weather to S3.
func (s *stage) publish() {
	s.t.Helper()
	ctx := s.t.Context()
	n, err := source.Publish(ctx, s.kafka, s.topic, filepath.Join(data, "flights.parquet"))
	if err != nil || n != 336_776 {
		s.t.Fatalf("%d messages: %v", n, err)
	}
	s.upload("weather")
}

// register brings both to S3 and tells the metastore of the weather.
func (s *stage) register() {
	s.t.Helper()
	s.upload("flights")
	s.upload("weather")
	columns := []*hm.FieldSchema{{Name: "origin", Type: "string"}, {Name: "time_hour", Type: "string"}, {Name: "wind_speed", Type: "double"}}
	if err := source.Table(s.t.Context(), s.metastore, s.name, "weather", "s3a://"+s.s3.Bucket+"/weather", columns); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) upload(what string) {
	s.t.Helper()
	if err := source.Upload(s.t.Context(), s.s3.Client(), s.s3.Bucket, what+"/"+what+".parquet", filepath.Join(data, what+".parquet")); err != nil {
		s.t.Fatal(err)
	}
}

// run makes the tables and runs the pipeline, with the readers of another file
// if one is named.
func (s *stage) run(readers string) *host.Report {
	s.t.Helper()
	text, err := os.ReadFile("aircraft_delays.toml")
	if err != nil {
		s.t.Fatal(err)
	}
	if readers != "" {
		head, tail := strings.Index(string(text), "[[reader]]"), strings.Index(string(text), "[query]")
		other, err := os.ReadFile(readers)
		if err != nil {
			s.t.Fatal(err)
		}
		text = []byte(string(text[:head]) + string(other) + string(text[tail:]))
	}
	file, err := config.Parse("aircraft_delays.toml", text, s.lookup)
	if err != nil {
		s.t.Fatal(err)
	}
	report, err := run(s.t.Context(), file, s.t.TempDir(), true, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return report
}

// embedded runs examples/flights on the files of a folder and gives the folder
// of its table.
func embedded(t testing.TB, data string) (table string, report *host.Report) {
	t.Helper()
	file, err := config.Load("../flights/aircraft_delays.toml", os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i := range file.Sinks {
		file.Sinks[i].Path = filepath.Join(dir, file.Sinks[i].Path)
	}
	if data, err = filepath.Abs(data); err != nil {
		t.Fatal(err)
	}
	for i := range file.Readers {
		file.Readers[i].Path = filepath.Join(data, filepath.Base(file.Readers[i].Path))
	}
	if report, err = run(t.Context(), file, t.TempDir(), false, nil); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "out", "historical", "aircraft", "aircraft_delays"), report
}

// run runs a pipeline once, after making its tables if that is asked for, and
// through a gate if there is one.
func run(ctx context.Context, file *config.File, state string, migrate bool, g *gate) (report *host.Report, err error) {
	file.Pipeline.State = state
	catalog := &parts.Catalog{}
	builtins.Register(catalog)
	connectors.Register(catalog)
	if g != nil {
		g.build(catalog)
	}
	h, err := host.New(file, host.Options{Catalog: catalog, PluginDirs: []string{"../../plugins"}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if migrate {
		if _, err := h.Migrate(ctx, host.MigrateOptions{Apply: true}); err != nil {
			return nil, err
		}
	}
	return h.Run(ctx, host.RunOptions{})
}
