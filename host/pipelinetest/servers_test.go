package pipelinetest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/parts"
	"github.com/featurehost/featurehost/host/pipelinetest"
)

// onServers reads a topic and writes to stores on servers that are not there.
const onServers = `version = 1
[pipeline]
name = "p"
[[reader]]
id = "events"
type = "kafka"
brokers = ["192.0.2.1:9092"]
topic = "events"
schema = { id = "bigint", ts = "timestamp", v = "double" }
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
[[feature_set.feature]]
name = "v"
type = "double"
[[sink]]
type = "historical"
path = "s3://lake"
hive = { metastore = "192.0.2.1" }
[[sink]]
type = "online"
[[sink]]
name = "shared"
type = "online"
store = "cassandra"
hosts = ["192.0.2.1"]
keyspace = "k"
[[sink.stage]]
use = "filter"
where = "v > 1"
[[sink]]
type = "online"
store = "kafka"
brokers = ["192.0.2.1"]
topic = "out"
`

// A test asks no server, whatever the pipeline names: addresses of 192.0.2.0/24
// lead nowhere, and would cost seconds.
func TestRun_PipelineOnServers_AsksNone(t *testing.T) {
	one, two := `{"id": 1, "timestamp": "2024-01-02T10:00:00Z", "v": 2}`, `{"id": 2, "timestamp": "2024-01-01T10:00:00Z", "v": 0.5}`
	old := `{"id": 1, "timestamp": "2024-01-01T10:00:00Z", "v": 1}`
	rows := "[[input]]\nreader = \"events\"\nrows = '''\n" + `{"id": 1, "ts": "2024-01-01T10:00:00Z", "v": 1.0}
{"id": 1, "ts": "2024-01-02T10:00:00Z", "v": 2.0}
{"id": 2, "ts": "2024-01-01T10:00:00Z", "v": 0.5}
` + "'''\n"
	for _, c := range []struct{ name, test, broken string }{
		{"history", rows + "[expect]\nrows = '''\n" + old + "\n" + one + "\n" + two + "\n'''", ""},
		{"the first online store", rows + "[expect]\nat = \"online\"\nrows = '''\n" + one + "\n" + two + "\n'''", ""},
		{"a store by name, behind its own stage", rows + "[expect]\nat = \"shared\"\nrows = '''\n" + one + "\n'''", ""},
		{"a topic", rows + "[expect]\nat = \"kafka\"\nrows = ''", `rows cannot be expected at the sink "kafka": it is a topic`},
		{"a reader without rows", "[expect]\nrows = ''", `the reader "events" reads from a server; give it rows with [[input]]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "p_test.toml")
			for name, text := range map[string]string{"p.toml": onServers, "p_test.toml": "pipeline = \"p.toml\"\n" + c.test} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			catalog := &parts.Catalog{}
			builtins.Register(catalog)
			connectors.Register(catalog)
			v, err := pipelinetest.Run(t.Context(), path, pipelinetest.Options{Host: host.Options{Catalog: catalog}})
			if c.broken != "" {
				if !fault.Is(err, pipelinetest.TestFile) || !strings.Contains(err.Error(), c.broken) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || !v.Passed {
				t.Errorf("%v, %s", err, v.Diff)
			}
		})
	}
}
