package file_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

func TestReader_Paths(t *testing.T) {
	dir := t.TempDir()
	one := func(name, v string) { parquetFile(t, dir, name, "n bigint", []string{v}) }
	one("a.parquet", "1")
	one("b.parquet", "2")
	one("x[1].parquet", "9")
	one("folder/c.parquet", "3")
	one("folder/deep/d.parquet", "4")
	one("folder/_pending/e.parquet", "5")
	one("folder/.hidden.parquet", "6")
	one("folder/_SUCCESS", "7")
	for path, want := range map[string]string{
		"a.parquet":                       "1",
		"./folder/../b.parquet":           "2",
		filepath.Join(dir, "b.parquet"):   "2",
		"[ab].parquet":                    "1\n2",
		"*.parquet":                       "1\n2\n9",
		"x[1].parquet":                    "9",
		"folder":                          "3\n4",
		"folder/":                         "3\n4",
		"fold*":                           "3\n4",
		"*/c.parquet":                     "3",
		filepath.Join(dir, "fo?der", "*"): "3\n4",
	} {
		r, _ := reader(t, dir, config.Reader{Path: path})
		if got := rows(t, r, flow.Request{}); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "empty", "_only"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, c := range map[string]struct {
		code fault.Code
		part string
	}{
		"nope.parquet": {file.Missing, filepath.Join(dir, "nope.parquet")},
		"nope*":        {file.Missing, "match"},
		"empty":        {file.Missing, "no files in"},
		"":             {file.BadConfig, "no path"},
		"[":            {file.BadConfig, "pattern"},
		"a/**/b":       {file.BadConfig, "**"},
		"gs://b/k":     {file.BadConfig, "gs://"},
	} {
		r, _ := reader(t, dir, config.Reader{Path: path})
		_, err := r.Schema(context.Background())
		wantCode(t, path, err, c.code, c.part, `reader "r"`)
		if fault.ClassOf(err) != fault.Usage {
			t.Errorf("%s: class %v", path, fault.ClassOf(err))
		}
	}
}

func TestReader_BatchesAndPositions(t *testing.T) {
	dir := t.TempDir()
	path := parquetFile(t, dir, "a.parquet", "n bigint, s string", []string{"0 | a", "1 | b", "2 | c"}, []string{"3 | d"}, []string{"4 | e", "5 | null"})
	r, _ := reader(t, dir, config.Reader{Path: "a.parquet"})
	out, err := r.Open(context.Background(), flow.Request{BatchRows: 2, Columns: []string{"s", "n"}})
	if err != nil || names(out) != "n bigint, s string" {
		t.Fatalf("%v, %v", out, err)
	}
	var got []string
	for {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.Position.Object != path {
			t.Errorf("object %s", b.Position.Object)
		}
		for i := range int(b.Rows()) {
			n := b.Record.Column(0).(*array.Int64).Value(i)
			if n != b.Position.Row+int64(i) {
				t.Errorf("row %d is at %d", n, b.Position.Row+int64(i))
			}
		}
		got = append(got, strings.ReplaceAll(hosttest.Text(b.Record), "\n", ";"))
		b.Release()
	}
	if s := strings.Join(got, "/"); s != "0 | a;1 | b;/2 | c;/3 | d;/4 | e;5 | null;" {
		t.Errorf("batches %s", s)
	}
	if s := r.Stats(); s.Objects != 1 || s.Rows != 6 || s.RowGroups != 3 || s.Bytes <= 0 {
		t.Errorf("stats %+v", s)
	}
	if _, err := r.Next(context.Background()); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	_, err = r.Open(context.Background(), flow.Request{Columns: []string{"m"}})
	wantCode(t, "column", err, file.UnknownColumn, `"m"`, "columns are n")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Open(context.Background(), flow.Request{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestReader_HivePartitions(t *testing.T) {
	dir := t.TempDir()
	parquetFile(t, dir, "root/y=2024/k=a%20b/f.parquet", "n bigint, y string", []string{"1 | inside"})
	parquetFile(t, dir, "root/y=-7/k=__HIVE_DEFAULT_PARTITION__/f.parquet", "n bigint, y string", []string{"2 | inside", "3 | inside"})
	r, _ := reader(t, dir, config.Reader{Path: "root"})
	s, err := r.Schema(context.Background())
	if err != nil || names(s) != "n bigint, y bigint, k string" {
		t.Fatalf("%v, %v", s, err)
	}
	if got := rows(t, r, flow.Request{}); got != "1 | 2024 | a b\n2 | -7 | null\n3 | -7 | null" {
		t.Errorf("got %s", got)
	}
	if got := rows(t, r, flow.Request{Columns: []string{"k"}}); got != "a b\nnull\nnull" {
		t.Errorf("partitions alone: %s", got)
	}
	parquetFile(t, dir, "root/y=x/k=1/f.parquet", "n bigint, y string", []string{"4 | inside"})
	r, _ = reader(t, dir, config.Reader{Path: "root"})
	if got := rows(t, r, flow.Request{Columns: []string{"n", "y"}}); got != "1 | 2024\n2 | -7\n3 | -7\n4 | x" {
		t.Errorf("texts: %s", got)
	}
	parquetFile(t, dir, "root/z=1/f.parquet", "n bigint", []string{"5"})
	r, _ = reader(t, dir, config.Reader{Path: "root"})
	_, err = r.Schema(context.Background())
	wantCode(t, "other partitions", err, file.ColumnsDiffer, "z=1")
}

// TestReader_FoldersAbove reads files whose path lies below folders key=value.
func TestReader_FoldersAbove(t *testing.T) {
	for name, c := range map[string]struct {
		path, want string
		inPlace    bool
	}{
		"no partitions":  {"plain.parquet", "1 | inside", true},
		"own partitions": {"root", "2 | own", false}, // y of the place is not y of the path
	} {
		dir := filepath.Join(t.TempDir(), "seed=7", "y=place")
		parquetFile(t, dir, "plain.parquet", "n bigint, y string", []string{"1 | inside"})
		parquetFile(t, dir, "root/y=own/f.parquet", "n bigint", []string{"2"})
		r, _ := reader(t, dir, config.Reader{Path: c.path})
		if got := rows(t, r, flow.Request{}); got != c.want {
			t.Errorf("%s: got %s", name, got)
		}
		_, ok, err := r.(flow.Relational).Relation(flow.Request{})
		if err != nil || ok != c.inPlace {
			t.Errorf("%s: scanned in place: %v, %v", name, ok, err)
		}
	}
}

func TestReader_FilesDiffer_Named(t *testing.T) {
	for name, c := range map[string]struct{ columns, row, part string }{
		"type":    {"n string, s string", "1 | a", `"n" is of type string`},
		"missing": {"n bigint", "1", `no column "s"`},
		"further": {"n bigint, s string, t string", "1 | a | b", `a column "t"`},
	} {
		dir := t.TempDir()
		parquetFile(t, dir, "a.parquet", "n bigint, s string", []string{"1 | x"})
		parquetFile(t, dir, "b.parquet", c.columns, []string{c.row})
		r, _ := reader(t, dir, config.Reader{Path: "*"})
		_, err := readAll(r, flow.Request{})
		wantCode(t, name, err, file.ColumnsDiffer, "b.parquet", c.part, "a.parquet")
	}
	dir := t.TempDir()
	parquetFile(t, dir, "a.parquet", "n bigint, s string", []string{"1 | x"})
	parquetFile(t, dir, "b.parquet", "s string, n bigint", []string{"y | 2"})
	r, _ := reader(t, dir, config.Reader{Path: "*"})
	if got := rows(t, r, flow.Request{}); got != "1 | x\n2 | y" {
		t.Errorf("another order of columns: %s", got)
	}
}

// Every strategy of S-508, with what it prunes proven by the counts.
func TestReader_Incremental(t *testing.T) {
	groups := func(vs ...string) (out [][]string) { // one row group per day, then mixed ones
		for _, v := range vs {
			out = append(out, strings.Split(v, ";"))
		}
		return out
	}
	for name, c := range map[string]struct {
		columns string
		groups  [][]string
		inc     config.Incremental
		want    string
		skipped int64
		out     int64
	}{
		"timestamp": {"v timestamp", groups("2024-01-01T23:59:59.999999Z", "2024-01-02;2024-01-03T12:00:00Z", "2024-01-04", "2024-01-01;2024-01-03T23:59:59Z;null", "null"),
			config.Incremental{Column: "v"}, "2024-01-02\n2024-01-03T12:00:00Z\n2024-01-03T23:59:59Z", 3, 2},
		"timestamp_ntz": {"v timestamp_ntz", groups("2024-01-01", "2024-01-02"), config.Incremental{Column: "v"}, "2024-01-02", 1, 0},
		"date":          {"v date", groups("2024-01-01", "2024-01-02;2024-01-04;null", "2024-01-05"), config.Incremental{Column: "v"}, "2024-01-02", 2, 2},
		"seconds":       {"v bigint", groups("1704153599", "1704153600;1704326399;1704326400", "1704326400"), config.Incremental{Column: "v", Unit: "s"}, "1704153600\n1704326399", 2, 1},
		"int seconds":   {"v integer", groups("1704153599", "1704153600"), config.Incremental{Column: "v", Unit: "s"}, "1704153600", 1, 0},
		"milliseconds":  {"v bigint", groups("1704153599999", "1704153600000;9223372036854775807;-9223372036854775808"), config.Incremental{Column: "v", Unit: "ms"}, "1704153600000", 1, 2},
		"microseconds":  {"v bigint", groups("1704153599999999", "1704153600000000"), config.Incremental{Column: "v", Unit: "us"}, "1704153600000000", 1, 0},
		"mask":          {"v string", groups("2024-01-01T23:59:59Z", "2024-01-02T00:00:00Z;nonsense;2024-01-03T23:59:59Z", "2024-01-04T00:00:00Z"), config.Incremental{Column: "v", Mask: "%Y-%m-%dT%H:%M:%SZ"}, "2024-01-02T00:00:00Z\n2024-01-03T23:59:59Z", 2, 1},
		"letters":       {"v string", groups("20240101", "20240103"), config.Incremental{Column: "v", Mask: "yyyyMMdd"}, "20240103", 1, 0},
		"mask unsorted": {"v string", groups("01.01.2024", "02.01.2024;05.01.2024"), config.Incremental{Column: "v", Mask: "%d.%m.%Y"}, "02.01.2024", 0, 2},
		"mask offset":   {"v string", groups("2024-01-01T23:30:00-01:00", "2024-01-02T00:30:00+01:00"), config.Incremental{Column: "v", Mask: "%FT%T%z"}, "2024-01-01T23:30:00-01:00", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			parquetFile(t, dir, "a.parquet", c.columns, c.groups...)
			r, _ := reader(t, dir, config.Reader{Path: "a.parquet", Incremental: &c.inc})
			q := flow.Request{Interval: interval(t, "2024-01-02", "2024-01-03")}
			if got := rows(t, r, q); got != c.want {
				t.Errorf("got %s", got)
			}
			if s := r.Stats(); s.RowGroupsSkipped != c.skipped || s.OutOfSpan != c.out || s.RowGroups != int64(len(c.groups))-c.skipped {
				t.Errorf("stats %+v", s)
			}
			if _, ok, err := r.(flow.Relational).Relation(q); ok || err != nil {
				t.Errorf("scanned in place: %v, %v", ok, err)
			}
			all := 0
			for _, g := range c.groups {
				all += len(g)
			}
			if got := rows(t, r, flow.Request{}); strings.Count(got, "\n")+1 != all {
				t.Errorf("without bounds: %s", got)
			}
		})
	}
}

func TestReader_IncrementalOpenEndsAndHiddenColumn(t *testing.T) {
	dir := t.TempDir()
	parquetFile(t, dir, "a.parquet", "n bigint, d date", []string{"1 | 2024-01-01", "2 | 2024-01-02", "3 | 2024-01-03", "4 | null"})
	r, _ := reader(t, dir, config.Reader{Path: "a.parquet", Incremental: &config.Incremental{Column: "d"}})
	for _, c := range []struct{ from, to, want string }{{"2024-01-02", "", "2\n3"}, {"", "2024-01-02", "1\n2"}, {"", "", "1\n2\n3\n4"}, {"2024-01-02", "2024-01-02", "2"}, {"2025-01-01", "", ""}} {
		if got := rows(t, r, flow.Request{Columns: []string{"n"}, Interval: interval(t, c.from, c.to)}); got != c.want {
			t.Errorf("%s..%s: %q", c.from, c.to, got)
		}
	}
}

func TestReader_IncrementalPartitions_FilesNotOpened(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"1", "02", "3", "31", "__HIVE_DEFAULT_PARTITION__"} {
		parquetFile(t, dir, "t/year=2024/month=1/day="+d+"/f.parquet", "n bigint", []string{"1", "2"})
	}
	inc := &config.Incremental{Partitions: []string{"year", "month", "day"}}
	r, _ := reader(t, dir, config.Reader{Path: "t", Incremental: inc})
	if got := rows(t, r, flow.Request{Columns: []string{"day", "n"}, Interval: interval(t, "2024-01-02", "2024-01-03")}); got != "1 | 2\n1 | 3\n2 | 2\n2 | 3" {
		t.Errorf("got %s", got)
	}
	if s := r.Stats(); s.Objects != 2 || s.Rows != 4 {
		t.Errorf("stats %+v", s)
	}
	parquetFile(t, dir, "u/d=2024-01-02/f.parquet", "n bigint", []string{"1"})
	parquetFile(t, dir, "u/d=2024-01-05/f.parquet", "n bigint", []string{"2"})
	r, _ = reader(t, dir, config.Reader{Path: "u", Incremental: &config.Incremental{Column: "d", Mask: "%Y-%m-%d"}})
	if got := rows(t, r, flow.Request{Interval: interval(t, "2024-01-02", "2024-01-03")}); got != "1 | 2024-01-02" || r.Stats().Objects != 1 {
		t.Errorf("got %s, %+v", got, r.Stats())
	}
}

func TestReader_IncrementalRefused(t *testing.T) {
	dir := t.TempDir()
	parquetFile(t, dir, "a.parquet", "n bigint, s string, d date, x double", []string{"1 | a | 2024-01-01 | 1"})
	for name, c := range map[string]struct {
		inc  config.Incremental
		part string
	}{
		"no column":      {config.Incremental{Column: "dd"}, `did you mean "d"`},
		"number":         {config.Incremental{Column: "n"}, "unit"},
		"number, mask":   {config.Incremental{Column: "n", Unit: "s", Mask: "%Y"}, "mask"},
		"text":           {config.Incremental{Column: "s"}, "mask"},
		"bad mask":       {config.Incremental{Column: "s", Mask: "%Q"}, "%Q"},
		"date, unit":     {config.Incremental{Column: "d", Unit: "s"}, "unit"},
		"double":         {config.Incremental{Column: "x"}, "double"},
		"partitions":     {config.Incremental{Partitions: []string{"year", "month", "day"}}, "year="},
		"two partitions": {config.Incremental{Partitions: []string{"year", "month"}}, "three"},
	} {
		r, _ := reader(t, dir, config.Reader{Path: "a.parquet", Incremental: &c.inc})
		_, err := r.Open(context.Background(), flow.Request{})
		wantCode(t, name, err, file.BadIncremental, c.part)
	}
}

// Whatever the rows and the interval, a pruned read gives the rows that a
// full read filtered by hand gives.
// Rule: S-508.
func TestReader_PruningChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		s, _ := schema.Parse("v timestamp, n bigint")
		var groups []arrow.RecordBatch
		var all []int64
		for range rapid.IntRange(1, 4).Draw(rt, "groups") {
			b := array.NewRecordBuilder(memory.DefaultAllocator, s)
			for range rapid.IntRange(1, 40).Draw(rt, "rows") {
				v := rapid.Int64Range(-3, 6).Draw(rt, "day")*flow.MicrosPerDay + rapid.SampledFrom([]int64{0, -1, 1, 5e9}).Draw(rt, "offset")
				if rapid.IntRange(0, 9).Draw(rt, "null") == 0 {
					b.Field(0).AppendNull()
				} else {
					b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(v))
					all = append(all, v)
				}
				b.Field(1).(*array.Int64Builder).Append(int64(len(all)))
			}
			groups = append(groups, b.NewRecordBatch())
			b.Release()
		}
		put(t, dir, "a.parquet", encode(t, groups...))
		from := flow.Day(rapid.IntRange(-4, 7).Draw(rt, "from"))
		to := from + flow.Day(rapid.IntRange(0, 4).Draw(rt, "length"))
		span := flow.Interval{Start: &from, End: &to}
		want := 0
		for _, v := range all {
			if span.Contains(flow.DayOf(v)) {
				want++
			}
		}
		r, _ := reader(t, dir, config.Reader{Path: "a.parquet", Incremental: &config.Incremental{Column: "v"}})
		if _, err := r.Open(context.Background(), flow.Request{Interval: span, BatchRows: rapid.IntRange(1, 50).Draw(rt, "batch")}); err != nil {
			rt.Fatal(err)
		}
		got := 0
		for {
			b, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				rt.Fatal(err)
			}
			col := b.Record.Column(0).(*array.Timestamp)
			for i := range col.Len() {
				if col.IsNull(i) || !span.Contains(flow.DayOf(int64(col.Value(i)))) {
					rt.Fatalf("row %s does not belong", col.ValueStr(i))
				}
			}
			got += col.Len()
			b.Release()
		}
		r.Close()
		if got != want {
			rt.Fatalf("got %d rows, want %d (%+v)", got, want, r.Stats())
		}
	})
}

func TestReader_TextFiles_ThroughSQL(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "t/k=1/a.csv", []byte("x\ny\n"))
	put(t, dir, "t/k=2/a.csv", []byte("z\n"))
	env, _, _ := hosttest.Env(t)
	engine := &fakeSQL{t: t}
	env.SQL = engine
	r, err := file.New(config.Reader{ID: "r", Path: "t", Format: "csv"}, parts.Place{Dir: dir}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 2 {
		if got := rows(t, r, flow.Request{}); got != "x | 1\ny | 1\nz | 2" {
			t.Errorf("got %s", got)
		}
	}
	if engine.converts != 4 { // of each file at each Open
		t.Errorf("%d conversions", engine.converts)
	}
	rel, ok, err := r.(flow.Relational).Relation(flow.Request{Columns: []string{"k"}})
	if err != nil || !ok || rel.Format != "csv" || len(rel.Paths) != 2 || !rel.HivePartitions || names(rel.Schema) != "n string" || strings.Join(rel.Columns, ",") != "k" {
		t.Errorf("%+v, %v, %v", rel, ok, err)
	}
	engine.fail = fault.New(7131, "column %q: bad", "n").At("a.csv:7")
	r2, _ := file.New(config.Reader{ID: "r", Path: "t", Format: "csv", Schema: []config.Column{{Name: "n", Type: "bigint"}}}, parts.Place{Dir: dir}, env)
	defer r2.Close()
	_, err = readAll(r2, flow.Request{})
	wantCode(t, "bad row", err, file.BadRow, "a.csv:7", `"n"`)

	_, err = file.New(config.Reader{ID: "r", Format: "xml"}, parts.Place{}, env)
	wantCode(t, "format", err, file.BadConfig, "xml")
	_, err = file.New(config.Reader{ID: "r", Format: "csv", Schema: []config.Column{{Name: "n", Type: "bigin"}}}, parts.Place{}, env)
	wantCode(t, "type", err, file.BadConfig, "bigin")
	_, err = file.New(config.Reader{ID: "r", Format: "parquet", Schema: []config.Column{{Name: "n", Type: "bigint"}}}, parts.Place{}, env)
	wantCode(t, "schema", err, file.BadConfig, "Parquet")
	env.SQL = nil
	_, err = file.New(config.Reader{ID: "r", Format: "json"}, parts.Place{}, env)
	wantCode(t, "no engine", err, file.BadConfig)
}

func TestReader_Relation_Parquet(t *testing.T) {
	dir := t.TempDir()
	path := parquetFile(t, dir, "a.parquet", "n bigint, d date", []string{"1 | 2024-01-01"})
	r, _ := reader(t, dir, config.Reader{Path: "a.parquet", Incremental: &config.Incremental{Column: "d"}})
	rel, ok, err := r.(flow.Relational).Relation(flow.Request{})
	if err != nil || !ok || rel.Format != "parquet" || rel.Paths[0] != path || rel.HivePartitions || rel.Schema != nil {
		t.Errorf("%+v, %v, %v", rel, ok, err)
	}
}

func TestCodes_InRange(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, d := range file.Codes() {
		if d.Code < 7500 || d.Code > 7599 || seen[d.Code] || d.Title == "" || d.Explain == "" {
			t.Errorf("%v", d)
		}
		seen[d.Code] = true
	}
}
