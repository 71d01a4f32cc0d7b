package table_test

import (
	"bytes"
	"strings"
	"testing"

	hm "github.com/beltran/gohive/hive_metastore"
	"github.com/hamba/avro/v2/ocf"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/connectors/table"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// events is a table of six days, one file of three rows each; the last day's
// file is of a later time.
func events(h *house) {
	t := h.describe("events", "id bigint, at timestamp, name string, extra double", "year int, month int, day int", "file://"+h.root+"/events")
	h.create(t)
	for _, d := range []string{"30", "31"} {
		at := "2024-01-" + d
		put(h.t, h.root+"/events/a/"+d+"/x.parquet", encode(h.t, "Name string, id integer, at timestamp",
			"a | 1 | "+at+"T00:00Z", "b | 2 | "+at+"T12:00Z", "c | 3 | "+at+"T23:00Z"))
		h.add(t, "file:"+h.root+"/events/a/"+d, "2024", "1", d)
	}
	put(h.t, h.root+"/events/b/x.parquet", encode(h.t, "extra float, id bigint, at timestamp_ntz, name string, unknown bigint",
		"0.5 | 4 | 2024-02-01T00:00Z | d | 9", "1.5 | 5 | 2024-02-01T12:00Z | e | 9", "null | 6 | null | null | 9"))
	h.add(t, "file://"+h.root+"/events/b", "2024", "2", "1")
	h.add(t, h.root+"/events/nothing", "2024", "2", "2")
}

func span(t testing.TB, start, end string) flow.Interval {
	t.Helper()
	i, err := flow.ParseInterval(start, end)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

const all = `1 | 2024-01-30 | a | null | 2024 | 1 | 30
2 | 2024-01-30T12:00:00Z | b | null | 2024 | 1 | 30
3 | 2024-01-30T23:00:00Z | c | null | 2024 | 1 | 30
1 | 2024-01-31 | a | null | 2024 | 1 | 31
2 | 2024-01-31T12:00:00Z | b | null | 2024 | 1 | 31
3 | 2024-01-31T23:00:00Z | c | null | 2024 | 1 | 31
4 | 2024-02-01 | d | 0.5 | 2024 | 2 | 1
5 | 2024-02-01T12:00:00Z | e | 1.5 | 2024 | 2 | 1
6 | null | null | null | 2024 | 2 | 1`

// Columns are the metastore's: by name, without case, null where a file lacks
// them, widened where it has a narrower type.
func TestReader_FilesThatDiffer_OneTable(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h := newHouse(t, address)
		events(h)
		r := h.reader("events", nil)
		s, err := r.Schema(t.Context())
		if err != nil || s.NumFields() != 7 {
			t.Fatal(s, err)
		}
		if got := text(t, r, flow.Request{}); got != all {
			t.Errorf("got\n%s\nwant\n%s", got, all)
		}
		if st := r.Stats(); st.Objects != 3 || st.Rows != 9 || st.Bytes == 0 {
			t.Errorf("%+v", st)
		}
		// A projection, in the table's order; a column that no file has; none at all.
		if got := text(t, r, flow.Request{Columns: []string{"day", "name"}, BatchRows: 2}); !strings.HasPrefix(got, "a | 30\nb | 30\nc | 30\na | 31") || strings.Count(got, "\n") != 8 {
			t.Error(got)
		}
		if got := text(t, r, flow.Request{Columns: []string{"month"}}); got != strings.Trim(strings.Repeat("1\n", 6)+strings.Repeat("2\n", 3), "\n") {
			t.Error(got)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error("twice:", err)
		}
	})
}

// Only partitions that are needed are asked for, listed and read.
// Rule: S-508.
func TestReader_Pruning_OnlyWhatIsNeeded(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h := newHouse(t, address)
		events(h)
		ymd := &config.Incremental{Partitions: []string{"year", "month", "day"}}
		at := &config.Incremental{Column: "at"}
		for name, c := range map[string]struct {
			where      string
			by         *config.Incremental
			start, end string
			rows       int
			objects    int64
			outside    int64
		}{
			"where":             {where: "month = 1", rows: 6, objects: 2},
			"where nothing":     {where: "month = 7"},
			"interval":          {by: ymd, start: "2024-01-31", end: "2024-02-01", rows: 6, objects: 2},
			"no bounds":         {by: ymd, rows: 9, objects: 3},
			"up to":             {by: ymd, end: "2024-01-30", rows: 3, objects: 1},
			"both":              {where: "month = 1", by: ymd, start: "2024-01-31", rows: 3, objects: 1},
			"a stored column":   {by: at, start: "2024-01-31", end: "2024-01-31", rows: 3, objects: 3},
			"where and stored":  {where: "month = 1", by: at, start: "2024-01-31", rows: 3, objects: 2},
			"stored, in a file": {by: &config.Incremental{Column: "extra", Unit: "s"}},
		} {
			r := h.reader("events", func(cfg *config.Reader) { cfg.Table.Where, cfg.Incremental = c.where, c.by })
			got, err := tryText(t, r, flow.Request{Interval: span(t, c.start, c.end)})
			if name == "stored, in a file" {
				if !fault.Is(err, table.BadIncremental) || !strings.Contains(err.Error(), `"extra" is of type double`) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			lines := 0
			if got != "" {
				lines = strings.Count(got, "\n") + 1
			}
			if st := r.Stats(); lines != c.rows || st.Objects != c.objects {
				t.Errorf("%s: %d rows of %d objects, want %d of %d:\n%s", name, lines, st.Objects, c.rows, c.objects, got)
			}
			told, err := h.reader("events", func(cfg *config.Reader) { cfg.Table.Where, cfg.Incremental = c.where, c.by }).(flow.Estimator).
				Estimate(t.Context(), flow.Request{Interval: span(t, c.start, c.end)})
			if err != nil || told.Objects != c.objects || told.Rows != -1 || (told.Bytes > 0) != (c.objects > 0) {
				t.Errorf("%s: %d objects are read, told was %+v, %v", name, c.objects, told, err)
			}
			calls := r.(*table.Reader).Calls()
			if want := min(1, int(c.objects)); calls["get_partition_names"] != 1 || calls["get_partitions_by_names"] > 1 || calls["get_partitions_by_names"] < want {
				t.Errorf("%s: %v", name, calls)
			}
		}
	})
}

func TestReader_Refusals_NamedAndHinted(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h := newHouse(t, address)
		make := func(name string, change func(*hm.Table)) {
			d := h.describe(name, "id bigint, odd struct<a:int>", "p string", "file://"+h.root+"/"+name)
			change(d)
			h.create(d)
		}
		serde := func(lib string) func(*hm.Table) {
			return func(t *hm.Table) { t.Sd.SerdeInfo.SerializationLib = lib }
		}
		make("plain", func(*hm.Table) {})
		make("orc", serde("org.apache.hadoop.hive.ql.io.orc.OrcSerde"))
		make("json", serde("org.apache.hive.hcatalog.data.JsonSerDe"))
		make("regex", serde("org.apache.hadoop.hive.serde2.RegexSerDe"))
		make("iceberg", func(t *hm.Table) { t.Parameters["table_type"] = "ICEBERG" })
		make("jdbc", func(t *hm.Table) { t.Parameters["storage_handler"] = "org.apache.hive.storage.jdbc.JdbcStorageHandler" })
		make("view", func(t *hm.Table) {
			t.TableType, t.ViewOriginalText, t.ViewExpandedText, t.PartitionKeys, t.Parameters = "VIRTUAL_VIEW", "select 1", "select 1", nil, nil
		})
		make("escaped", func(t *hm.Table) {
			serde("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe")(t)
			t.Sd.InputFormat = "org.apache.hadoop.mapred.TextInputFormat"
			t.Sd.SerdeInfo.Parameters["escape.delim"] = `\`
		})
		for name, c := range map[string]struct {
			code   fault.Code
			want   string
			change func(*config.Reader)
			q      flow.Request
		}{
			"orc":     {code: table.FormatUnknown, want: "ORC"},
			"json":    {code: table.FormatUnknown, want: "JSON"},
			"regex":   {code: table.FormatUnknown, want: "RegexSerDe"},
			"iceberg": {code: table.NotReadable, want: "Iceberg"},
			"jdbc":    {code: table.NotReadable, want: "JdbcStorageHandler"},
			"view":    {code: table.NotReadable, want: "view"},
			"escaped": {code: table.FormatUnknown, want: "escape.delim"},
			"absent":  {code: hive.NoTable, want: "absent"},
			"plain 1": {code: table.UnknownColumn, want: `did you mean "id"`, q: flow.Request{Columns: []string{"idd"}}},
			"plain 2": {code: table.TypeNotReadable, want: "struct<a:int>", q: flow.Request{Columns: []string{"odd"}}},
			"plain 3": {code: table.BadWhere, want: "partition columns are p", change: func(c *config.Reader) { c.Table.Where = "id = 7" }},
			"plain 4": {code: table.BadIncremental, want: `"id"`, change: func(c *config.Reader) {
				c.Incremental = &config.Incremental{Partitions: []string{"id", "p", "p"}}
			}},
			"plain 5": {code: hive.NoDatabase, want: "no_such_database", change: func(c *config.Reader) { c.Table.Name = "no_such_database.plain" }},
		} {
			r := h.reader(strings.Fields(name)[0], c.change)
			_, err := tryText(t, r, c.q)
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestReader_BadPlacesAndFiles_Named(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h := newHouse(t, address)
		d := h.describe("flat", "id bigint, name string", "", "file://"+h.root+"/flat")
		h.create(d)
		r := h.reader("flat", nil)
		if got := text(t, r, flow.Request{}); got != "" {
			t.Error(got)
		}
		put(t, h.root+"/flat/_temporary/x.parquet", []byte("hidden"))
		put(t, h.root+"/flat/a.parquet", encode(t, "id bigint, name string", "1 | a"))
		if got := text(t, r, flow.Request{}); got != "1 | a" {
			t.Error(got)
		}
		put(t, h.root+"/flat/b.parquet", encode(t, "id string", "x"))
		if _, err := tryText(t, r, flow.Request{}); !fault.Is(err, table.FileDiffers) || !strings.Contains(err.Error(), "b.parquet") || !strings.Contains(err.Error(), `column "id" is of type string in the file, and bigint in the table`) {
			t.Error(err)
		}
		put(t, h.root+"/flat/b.parquet", []byte("no parquet"))
		if _, err := tryText(t, r, flow.Request{}); err == nil || !strings.Contains(err.Error(), "b.parquet") {
			t.Error(err)
		}
		if f, err := r.(flow.Prober).Probe(t.Context()); err != nil || !f[0].OK {
			t.Error(f, err)
		}
		away, err := table.New(config.Reader{ID: "r", Table: &config.Table{Hive: config.Hive{Metastore: "127.0.0.1:1"}, Name: "x"}}, parts0, env0(t))
		if err != nil {
			t.Fatal(err)
		}
		defer away.Close()
		if _, err := away.Schema(t.Context()); !fault.Is(err, hive.Unreachable) || !fault.As(err).Retry || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Error(err)
		}
		if f, err := away.(flow.Prober).Probe(t.Context()); err != nil || f[0].OK || !strings.Contains(f[0].Text, "refused") {
			t.Error(f, err)
		}
	})
}

func TestReader_AvroTable_ColumnsByName(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h := newHouse(t, address)
		d := h.describe("trips", "name string, id bigint, later double", "p string", "file://"+h.root+"/trips")
		d.Sd.SerdeInfo.SerializationLib = "org.apache.hadoop.hive.serde2.avro.AvroSerDe"
		d.Sd.InputFormat = "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat"
		h.create(d)
		for _, p := range []string{"a", "b=c"} {
			var b bytes.Buffer
			w, err := ocf.NewEncoder(`{"type": "record", "name": "trip", "fields": [{"name": "ID", "type": "int"}, {"name": "Name", "type": ["null", "string"]}]}`, &b)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Encode(map[string]any{"ID": 7, "Name": "x" + p}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			put(t, h.root+"/trips/"+p+"/1.avro", b.Bytes())
			h.add(d, "file://"+h.root+"/trips/"+p, p)
		}
		if got, want := text(t, h.reader("trips", nil), flow.Request{}), "xa | 7 | null | a\nxb=c | 7 | null | b=c"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		r := h.reader("trips", func(c *config.Reader) { c.Table.Where = "p = 'b=c'" })
		if got := text(t, r, flow.Request{Columns: []string{"id"}}); got != "7" {
			t.Error(got)
		}
	})
}
