package cassandra_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// TestPage_Example_Runs runs the pipeline of docs/connectors/cassandra.md
// against the real server: migrate, run, run again, get.
func TestPage_Example_Runs(t *testing.T) {
	server, keyspace := servertest.Cassandra(t), servertest.Name(t)
	page, err := os.ReadFile("../../docs/connectors/cassandra.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```toml\n(.*?)```").FindStringSubmatch(string(page))
	if example == nil {
		t.Fatal("the page has no example")
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	load := func(text string, variables ...string) *config.File {
		t.Helper()
		file, err := config.Load(write("pipeline.toml", text), func(name string) (string, bool) { return "of the environment", slices.Contains(variables, name) })
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	load(example[1], "CASSANDRA_PASSWORD") // as it stands, it is a pipeline
	text := example[1]
	for _, change := range [][2]string{
		{`hosts = ["10.0.0.1:9042", "10.0.0.2:9042"]`, `hosts = ["` + server + `"]`},
		{`keyspace = "features"`, `keyspace = "` + keyspace + `"` + "\nreplication = \"{'class': 'SimpleStrategy', 'replication_factor': 1}\""},
		{"username = \"loader\"\npassword = \"${CASSANDRA_PASSWORD}\"\n", ""},
		{"[sink.tls]\nca = \"ca.pem\"\n", ""},
	} {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("the example lacks %s", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	write("orders/1.csv", "user_id,ordered_at,amount\n17,2026-01-02T10:00:00Z,5.5\n18,2026-01-02T11:00:00Z,1\n17,2026-01-03T10:00:00Z,7\n")
	file := load(text)
	catalog := &parts.Catalog{}
	builtins.Register(catalog)
	connectors.Register(catalog)
	h, err := host.New(file, host.Options{Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ctx := context.Background()
	at := parts.Place{Dir: dir, State: filepath.Join(dir, file.Pipeline.State)}
	found, err := h.Probe(ctx, time.Minute)
	if err != nil || len(found) == 0 || !slices.ContainsFunc(found, func(f host.ServerFinding) bool { return !f.OK && strings.Contains(f.Text, keyspace) }) {
		t.Errorf("before: %+v, %v", found, err)
	}
	migration, err := h.Migrate(ctx, host.MigrateOptions{Apply: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", migration)
	t.Cleanup(func() {
		sink, err := catalog.Sinks["online"](file.Sinks[1], at, flow.Env{})
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.(flow.Migrator).Migrate(ctx, flow.Migration{Changes: []flow.Change{{Statement: `DROP KEYSPACE "` + keyspace + `"`}}}); err != nil {
			t.Error(err)
		}
	})
	if found, err = h.Probe(ctx, time.Minute); err != nil || slices.ContainsFunc(found, func(f host.ServerFinding) bool { return !f.OK }) {
		t.Errorf("after: %+v, %v", found, err)
	}
	for range 2 {
		report, err := h.Run(ctx, host.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, s := range report.Sinks {
			if s.Name == "cassandra" {
				found = true
				if s.Published.Rows != 2 {
					t.Errorf("published %+v", s)
				}
			}
		}
		if !found {
			t.Errorf("no sink of the name cassandra: %+v", report.Sinks)
		}
	}
	v, err := catalog.Vectors["online"](file.Sinks[1], at)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	got, ok, err := v.Get(ctx, "user", "spend", map[string]string{"user_id": "17"})
	if err != nil || !ok || got.Values[1] != "2026-01-03T10:00:00Z" || got.Values[2] != 7.0 {
		t.Errorf("%+v %v %v", got, ok, err)
	}
}
