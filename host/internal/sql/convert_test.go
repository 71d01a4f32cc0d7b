//go:build duckdb_arrow

package sql_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/klauspost/compress/zstd"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/sql"
)

// write puts a file into dir, packed as its name says.
func write(t testing.TB, dir, name, content string) string {
	t.Helper()
	var b bytes.Buffer
	switch {
	case strings.HasSuffix(name, ".gz"):
		z := gzip.NewWriter(&b)
		z.Write([]byte(content))
		z.Close()
	case strings.HasSuffix(name, ".zst"):
		z, _ := zstd.NewWriter(&b)
		z.Write([]byte(content))
		z.Close()
	default:
		b.WriteString(content)
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// read gives types and rows of a Parquet file.
func read(t testing.TB, path string) (types, rows string) {
	t.Helper()
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 1 << 20}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := r.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	tr := array.NewTableReader(table, -1)
	defer tr.Release()
	var b strings.Builder
	for tr.Next() {
		b.WriteString(hosttest.Text(tr.RecordBatch()))
	}
	var names []string
	for _, f := range table.Schema().Fields() {
		names = append(names, f.Name+" "+schema.TypeName(f.Type))
	}
	return strings.Join(names, ", "), b.String()
}

func TestConvert_Files(t *testing.T) {
	e := open(t, sql.Options{})
	declared := func(s string) *arrow.Schema {
		x, err := schema.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	no := false
	for name, c := range map[string]struct {
		files       map[string]string
		f           flow.Foreign
		types, rows string
	}{
		"csv guessed": {
			map[string]string{"a.csv": "id,x,t,s\n1,2.5,2024-01-01T00:00:00+02:00,a\n2,,2024-01-02 10:00:00,\"b,c\"\n"},
			flow.Foreign{Format: "csv"},
			"id bigint, x double, t timestamp, s string", "1 | 2.5 | 2023-12-31T22:00:00Z | a\n2 | null | 2024-01-02T10:00:00Z | b,c\n"},
		"csv declared, other order, further columns": {
			map[string]string{"a.csv.gz": "id;zz;x\n1;q;7\n", "b.csv.gz": "id;zz;x\n2;q;8\n"},
			flow.Foreign{Format: "csv", Columns: declared("x integer, id string")},
			"id string, x integer", "1 | 7\n2 | 8\n"},
		"csv without header": {
			map[string]string{"a.csv.zst": "1|x\n2|y\n"},
			flow.Foreign{Format: "csv", Columns: declared("n bigint, s string"), CSV: flow.CSV{Header: &no}},
			"n bigint, s string", "1 | x\n2 | y\n"},
		"csv all texts, header by declaration": {
			map[string]string{"a.csv": "a,b\nx,y\n"},
			flow.Foreign{Format: "csv", Columns: declared("a string, b string")},
			"a string, b string", "x | y\n"},
		"csv null and quotes": {
			map[string]string{"a.csv": "a,b\nNA,'x,y'\n1,z\n"},
			flow.Foreign{Format: "csv", Columns: declared("a bigint, b string"), CSV: flow.CSV{Null: "NA", Quote: "'"}},
			"a bigint, b string", "null | x,y\n1 | z\n"},
		"csv types": {
			map[string]string{"a.csv": "a,b,c,d,e,f\n1.25,true,2024-01-31,ab,\"[1, 2]\",2024-01-01 00:00:00\n"},
			flow.Foreign{Format: "csv", Columns: declared("a decimal(10,2), b boolean, c date, d binary, e array<bigint>, f timestamp_ntz")},
			"a decimal(10,2), b boolean, c date, d binary, e array<bigint>, f timestamp_ntz",
			"1.25 | true | 2024-01-31 | YWI= | [1,2] | 2024-01-01\n"},
		"json guessed": {
			map[string]string{"a.jsonl": "{\"id\":1,\"x\":2.5,\"s\":{\"k\":[1,2]},\"t\":\"2024-01-01T00:00:00Z\",\"l\":[1,2],\"d\":\"2024-01-31\"}\n{\"id\":9007199254740993,\"b\":true}\n"},
			flow.Foreign{Format: "json"},
			"id bigint, x double, s string, t timestamp, l array<bigint>, d date, b boolean",
			"1 | 2.5 | {\"k\":[1,2]} | 2024-01-01 | [1,2] | 2024-01-31 | null\n9007199254740993 | null | null | null | null | null | true\n"},
		"json declared": {
			map[string]string{"a.json.gz": "{\"id\":\"7\",\"t\":\"2024-01-01T00:00:00+02:00\"}\n", "b.json.gz": "\n{\"s\":5,\"zz\":1}\n"},
			flow.Foreign{Format: "json", Columns: declared("id integer, t timestamp, s string")},
			"id integer, t timestamp, s string", "7 | 2023-12-31T22:00:00Z | null\nnull | null | 5\n"},
		// A dictionary of DuckDB would hold only the zero that came first.
		"both zeros": {
			map[string]string{"a.csv": "x,y,l\n0.0,-0.0,\"[0.0, -0.0]\"\n-0.0,0.0,\"[-0.0, 0.0]\"\n" + strings.Repeat("1,1,[]\n", 8)},
			flow.Foreign{Format: "csv", Columns: declared("x double, y float, l array<double>")},
			"x double, y float, l array<double>", "0 | -0 | [0,-0]\n-0 | 0 | [-0,0]\n" + strings.Repeat("1 | 1 | []\n", 8)},
		"hive": {
			map[string]string{"y=1/k=a/a.csv": "n\n1\n", "y=__HIVE_DEFAULT_PARTITION__/k=b%20c/a.csv": "n\n2\n"},
			flow.Foreign{Format: "csv", HivePartitions: true},
			"n bigint, y bigint, k string", "1 | 1 | a\n2 | null | b c\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var names []string
			for n := range c.files {
				names = append(names, n)
			}
			sortStrings(names)
			for _, n := range names {
				c.f.Paths = append(c.f.Paths, write(t, dir, n, c.files[n]))
			}
			dst := filepath.Join(dir, "out.parquet")
			if err := e.Convert(context.Background(), c.f, dst); err != nil {
				t.Fatal(err)
			}
			types, rows := read(t, dst)
			if types != c.types || rows != c.rows {
				t.Errorf("got %s\n%swant %s\n%s", types, rows, c.types, c.rows)
			}
			s, err := e.Describe(context.Background(), c.f)
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, f := range s.Fields() {
				told = append(told, f.Name+" "+schema.TypeName(f.Type))
			}
			if got := strings.Join(told, ", "); got != c.types {
				t.Errorf("described as %s", got)
			}
		})
	}
}

func sortStrings(s []string) {
	for i := range s {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}

// A row that does not fit never becomes null or another number: it fails with
// file, line and column.
// Rule: S-513.
func TestConvert_BadRow_FileLineColumn(t *testing.T) {
	e := open(t, sql.Options{})
	manyWith := func(head, good, bad string, at, n int) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 1; i <= n; i++ {
			if i == at {
				b.WriteString(bad)
			} else {
				fmt.Fprintf(&b, good, i)
			}
		}
		return b.String()
	}
	columns, _ := schema.Parse("id bigint, x double")
	for name, c := range map[string]struct {
		file, content string
		f             flow.Foreign
		code          fault.Code
		parts         []string
	}{
		"guessed double":   {"a.csv", manyWith("id,x\n", "%d,0.5\n", "7,abc\n", 70001, 80000), flow.Foreign{Format: "csv"}, sql.BadRow, []string{"a.csv:70002", `"x"`, "abc"}},
		"declared double":  {"a.csv", manyWith("id,x\n", "%d,0.5\n", "7,abc\n", 70001, 80000), flow.Foreign{Format: "csv", Columns: columns}, sql.BadRow, []string{"a.csv:70002", `"x"`, "abc"}},
		"guessed bigint":   {"a.csv.gz", manyWith("id,x\n", "%d,0.5\n", "abc,1\n", 70001, 80000), flow.Foreign{Format: "csv"}, sql.BadRow, []string{"a.csv.gz:70002", `"id"`, "abc"}},
		"guessed fraction": {"a.csv", manyWith("id,x\n", "%d,0.5\n", "2.9,1\n", 70001, 80000), flow.Foreign{Format: "csv"}, sql.BadRow, []string{"a.csv:70002", `"id"`, "2.9"}},
		"declared bigint":  {"a.csv.zst", manyWith("id,x\n", "%d,0.5\n", "1x,1\n", 70001, 80000), flow.Foreign{Format: "csv", Columns: columns}, sql.BadRow, []string{"a.csv.zst:70002", `"id"`, "1x"}},
		"too large":        {"a.csv", "id,x\n9223372036854775808,1\n", flow.Foreign{Format: "csv", Columns: columns}, sql.BadRow, []string{"a.csv:2", `"id"`}},
		"further value":    {"a.csv", manyWith("id,x\n", "%d,0.5\n", "1,2,3\n", 3, 4), flow.Foreign{Format: "csv", Columns: columns}, sql.BadRow, []string{"a.csv:4", "columns"}},
		"missing value":    {"a.csv", manyWith("id,x\n", "%d,0.5\n", "1\n", 70001, 70005), flow.Foreign{Format: "csv", Columns: columns}, sql.BadRow, []string{"a.csv:70002", "columns"}},
		"open quote":       {"a.csv", "id,x\n1,\"2\n", flow.Foreign{Format: "csv", Columns: columns}, sql.BadRow, []string{"a.csv:2"}},
		"json broken":      {"a.jsonl", manyWith("", "{\"id\":%d}\n", "{\"id\":2,\n", 70001, 80000), flow.Foreign{Format: "json"}, sql.BadRow, []string{"a.jsonl:70001:", "JSON"}},
		"json value":       {"a.jsonl", manyWith("", "{\"id\":%d,\"x\":1}\n", "{\"id\":2,\"x\":\"u\"}\n", 70001, 80000), flow.Foreign{Format: "json", Columns: columns}, sql.BadRow, []string{"a.jsonl:70001", `"x"`}},
		"json fraction":    {"a.jsonl.gz", manyWith("", "{\"id\":%d}\n", "{\"id\":2.9}\n", 70001, 80000), flow.Foreign{Format: "json"}, sql.BadRow, []string{"a.jsonl.gz:70001", `"id"`, "2.9"}},
		"json bad bytes":   {"a.jsonl", "{\"id\":1}\n{\"id\":2,\"x\":\"\xff\"}\n{\"id\":3}\n", flow.Foreign{Format: "json"}, sql.BadRow, []string{"a.jsonl:2:14", "UTF-8"}},
		"json no object":   {"a.jsonl", "{\"id\":1}\n[1]\n", flow.Foreign{Format: "json", Columns: columns}, sql.BadRow, []string{"a.jsonl:2"}},
		"column missing":   {"a.csv", "id,y\n1,2\n", flow.Foreign{Format: "csv", Columns: columns}, sql.ColumnsDiffer, []string{`no column "x"`, "its columns are id, y"}},
		"no header, less":  {"a.csv", "1\n", flow.Foreign{Format: "csv", Columns: columns, CSV: flow.CSV{Header: new(bool)}}, sql.ColumnsDiffer, []string{"1 columns"}},
		"twice":            {"a.csv", "id,ID\n1,2\n", flow.Foreign{Format: "csv"}, sql.ColumnsDiffer, nil},
		"no gzip":          {"a.csv", "", flow.Foreign{Format: "csv", Paths: []string{"b.csv.gz"}}, sql.BadFile, []string{"gzip"}},
		"missing file":     {"a.csv", "", flow.Foreign{Format: "csv", Paths: []string{"nope.csv"}}, sql.FileTrouble, []string{"nope.csv"}},
		"format":           {"a.csv", "", flow.Foreign{Format: "xml"}, sql.BadRelation, []string{"xml"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := write(t, dir, c.file, c.content)
			if c.f.Paths == nil {
				c.f.Paths = []string{path}
			} else {
				c.f.Paths = []string{filepath.Join(dir, c.f.Paths[0])}
				if strings.Contains(name, "gzip") {
					os.WriteFile(c.f.Paths[0], []byte("plain"), 0o644)
				}
			}
			dst := filepath.Join(dir, "out.parquet")
			err := e.Convert(context.Background(), c.f, dst)
			wantCode(t, name, err, c.code, c.parts...)
			if _, err := os.Stat(dst); err == nil {
				t.Error("a file was left behind")
			}
		})
	}
}

func TestConvert_HeadersDiffer(t *testing.T) {
	e := open(t, sql.Options{})
	dir := t.TempDir()
	f := flow.Foreign{Format: "csv", Paths: []string{write(t, dir, "a.csv", "id,x\n1,2\n"), write(t, dir, "b.csv", "x,id\n1,2\n")}}
	_, err := e.Describe(context.Background(), f)
	wantCode(t, "swapped", err, sql.ColumnsDiffer, "b.csv", `"x"`, `"id"`)
	f.Paths[1] = write(t, dir, "c.csv", "id\n1\n")
	_, err = e.Describe(context.Background(), f)
	wantCode(t, "missing", err, sql.ColumnsDiffer, "c.csv", `"x"`, "missing")
	f.Paths[1] = write(t, dir, "d.csv", "id,x,y\n1,2,3\n")
	_, err = e.Describe(context.Background(), f)
	wantCode(t, "further", err, sql.ColumnsDiffer, "d.csv", `"y"`)
}
