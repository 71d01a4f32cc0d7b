package table_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// run runs a pipeline file.
func run(t testing.TB, dir, toml, start, end string) (*host.Report, error) {
	t.Helper()
	path := filepath.Join(dir, "p.toml")
	put(t, path, []byte(toml))
	f, err := config.Load(path, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	catalog := &parts.Catalog{}
	builtins.Register(catalog)
	connectors.Register(catalog)
	h, err := host.New(f, host.Options{Catalog: catalog})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.Run(t.Context(), host.RunOptions{Interval: span(t, start, end)})
}

const store = `
[feature_set]
name = "spend"
entity = "customer"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "at" }
deduplicate_rows = false

[[feature_set.feature]]
name = "amount"
from = "amount"
type = "double"

[[feature_set.feature]]
name = "city"
from = "city"
type = "string"

[[sink]]
type = "historical"
path = "out"
hive = { metastore = "META", database = "DB" }
`

// documented is the example of the manual.
func documented(t testing.TB) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/connectors/hive.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "pipeline_test.go -->\n```toml\n")
	toml, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the page has no example")
	}
	return toml
}

// A table of partitions, joined with one of text, into a table that the
// metastore knows; an interval of it again; and read back.
func TestPipeline_TablesToTable(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h := newHouse(t, address)
		d := h.describe("sales", "id bigint, at timestamp, amount double", "day date", "file://"+h.root+"/sales")
		h.create(d)
		for _, day := range []string{"2024-01-30", "2024-01-31", "2024-02-01"} {
			put(t, h.root+"/sales/"+day+"/x.parquet", encode(t, "id bigint, at timestamp, amount double", "1 | "+day+"T01:00Z | 1.5", "2 | "+day+"T02:00Z | 2.5"))
			h.add(d, "file://"+h.root+"/sales/"+day, day)
		}
		c := h.describe("cities", "id int, city string, n decimal(5,2), ok boolean, born date", "", "file://"+h.root+"/cities")
		c.Sd.InputFormat, c.Sd.OutputFormat = "org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
		c.Sd.SerdeInfo.SerializationLib = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
		h.create(c)
		put(t, h.root+"/cities/000000_0", []byte("1\x01\"A, b\x011.50\x01true\x012024-02-29\n2\x01\\N\x01\\N\x01\\N\x01\\N\n"))
		t.Setenv("METASTORE", address)
		t.Setenv("DATABASE", h.db)
		toml := documented(t)
		report, err := run(t, h.root, toml, "", "")
		if err != nil {
			t.Fatal(err)
		}
		if report.Sinks[0].Rows != 4 {
			t.Errorf("%+v", report.Sinks[0])
		}
		read := func() string { return text(t, h.reader("spend", nil), flow.Request{}) }
		plain := `1 | 2024-01-31T01:00:00Z | 1.5 | "A, b | 2024 | 1 | 31
2 | 2024-01-31T02:00:00Z | 2.5 | null | 2024 | 1 | 31
1 | 2024-02-01T01:00:00Z | 1.5 | "A, b | 2024 | 2 | 1
2 | 2024-02-01T02:00:00Z | 2.5 | null | 2024 | 2 | 1`
		if got := read(); got != plain {
			t.Errorf("got\n%s\nwant\n%s", got, plain)
		}
		// The same with all that the text table holds.
		toml = strings.Replace(toml, "c.city FROM", "c.city || coalesce(':' || c.n || c.ok || c.born, '') AS city FROM", 1)
		if _, err := run(t, h.root, toml, "", ""); err != nil {
			t.Fatal(err)
		}
		want := `1 | 2024-01-31T01:00:00Z | 1.5 | "A, b:1.50true2024-02-29 | 2024 | 1 | 31
2 | 2024-01-31T02:00:00Z | 2.5 | null | 2024 | 1 | 31
1 | 2024-02-01T01:00:00Z | 1.5 | "A, b:1.50true2024-02-29 | 2024 | 2 | 1
2 | 2024-02-01T02:00:00Z | 2.5 | null | 2024 | 2 | 1`
		if got := read(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		// A day again, with other values.
		put(t, h.root+"/sales/2024-01-31/x.parquet", encode(t, "id bigint, at timestamp, amount double", "1 | 2024-01-31T01:00Z | 9.5"))
		if _, err := run(t, h.root, toml, "2024-01-31", "2024-01-31"); err != nil {
			t.Fatal(err)
		}
		if got := read(); !strings.HasPrefix(got, `1 | 2024-01-31T01:00:00Z | 9.5`) || strings.Count(got, "\n") != 2 {
			t.Error(got)
		}
		// A condition on a column that is none of partitions is a mistake of the file.
		if _, err := run(t, h.root, strings.Replace(toml, "day >= DATE '2024-01-31'", "amount > 1", 1), "", ""); err == nil || !strings.Contains(err.Error(), "partition columns are day") {
			t.Error(err)
		}
	})
}

// What HiveServer2 computes enters a pipeline, and its counts of what leaves it
// are ours.
func TestPipeline_SQLToTable_CountsAgree(t *testing.T) {
	metastore, server := servertest.Hive(t)
	h := newHouse(t, metastore)
	events(h)
	toml := strings.NewReplacer("META", metastore, "SERVER", server, "DB", h.db).Replace(`
version = 1
[pipeline]
name = "p"

[[reader]]
id = "s"
type = "table"
sql = "SELECT id, at, coalesce(extra, 0) + 1 AS amount, name AS city FROM events WHERE month = 1"
incremental = { column = "at" }
hive = { server = "SERVER", database = "DB", auth = "NONE" }
` + store)
	report, err := run(t, h.root, toml, "2024-01-31", "")
	if err != nil {
		t.Fatal(err)
	}
	if report.Sinks[0].Rows != 3 {
		t.Errorf("%+v", report.Sinks[0])
	}
	hiveCfg := config.Hive{Server: server, Database: h.db, Auth: "NONE"}
	back := h.reader("x", func(c *config.Reader) {
		c.Table = &config.Table{Hive: hiveCfg, SQL: "SELECT count(*) n, sum(amount) s, min(`timestamp`) a, max(city) c FROM spend WHERE day = 31"}
	})
	if got := text(t, back, flow.Request{}); got != "3 | 3 | 2024-01-31 | c" {
		t.Error(got)
	}
	if got := text(t, back, flow.Request{Columns: []string{"c", "n"}}); got != "3 | c" {
		t.Error(got)
	}
	if f, err := back.(flow.Prober).Probe(t.Context()); err != nil || !f[0].OK {
		t.Error(f, err)
	}
}
