//go:build duckdb_arrow

package sql_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/connectors/table"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/sql"
	"github.com/featurehost/featurehost/host/parts"
)

// textTable is a table of Hive's own text files.
type textTable struct {
	columns  string // "name type; ..."
	serde    map[string]string
	params   map[string]string
	files    map[string]string // by name; one that ends in .gz is packed
	parted   string            // columns of the one partition: then the table has one
	selected string            // columns to compare; all when empty
	want     string            // rows
}

func sorted(rows string) string {
	lines := strings.Split(rows, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func columnsOf(list string) (out []*hm.FieldSchema) {
	for _, c := range strings.Split(list, "; ") {
		name, typ, _ := strings.Cut(c, " ")
		out = append(out, &hm.FieldSchema{Name: name, Type: typ})
	}
	return out
}

// Text tables have the rows that Hive reads in them, whatever their lines lack
// or have too many of.
func TestHiveText_RowsAreHives(t *testing.T) {
	address, server := servertest.Hive(t)
	for name, c := range map[string]textTable{
		"plain": {columns: "id int; s string", files: map[string]string{"a": "1\x01a\n2\x01\"b, c\n3\x01\\N\n"}, want: "1 | a\n2 | \"b, c\n3 | null"},
		"columns that are left out": {columns: "id int; odd struct<a:int,b:string>; s string; m map<string,int>; u uniontype<int,string>; l bigint", selected: "id, s, l",
			files: map[string]string{"a": "1\x017\x02x\x01a\x01k\x033\x010\x021\x0110\n2\x01\\N\x01b\x01\\N\x01\\N\x0120\n"}, want: "1 | a | 10\n2 | b | 20"},
		"the first one is left out":    {columns: "odd struct<a:int>; id int", selected: "id", files: map[string]string{"a": "5\x011\n\n"}, want: "1\nnull"},
		"lines that lack columns":      {columns: "id int; n bigint; s string; d date", files: map[string]string{"a": "1\x0142\n2\n3\x0143\x01c\n"}, want: "1 | 42 | null | null\n2 | null | null | null\n3 | 43 | c | null"},
		"lines with too many columns":  {columns: "id int; s string", files: map[string]string{"a": "1\x01a\x01x\x01y\n2\x01b\n"}, want: "1 | a\n2 | b"},
		"files of several widths":      {columns: "id int; s string", files: map[string]string{"a": "1\n", "b": "2\x01b\n"}, want: "1 | null\n2 | b"},
		"blank lines, one column":      {columns: "s string", files: map[string]string{"a": "a\n\nb\n"}, want: "a\n\nb"},
		"blank lines at both ends":     {columns: "s string", files: map[string]string{"a": "\n\na\n\n"}, want: "\n\na\n"},
		"blank lines, a number":        {columns: "n bigint", files: map[string]string{"a": "1\n\n2\n"}, want: "1\nnull\n2"},
		"blank lines are null":         {columns: "s string", serde: map[string]string{"serialization.null.format": ""}, files: map[string]string{"a": "a\n\nb\n"}, want: "a\nnull\nb"},
		"blank lines, several columns": {columns: "s string; n bigint", files: map[string]string{"a": "a\x011\n\nb\x012\n"}, want: "a | 1\n | null\nb | 2"},
		"nothing where a value should be": {columns: "i int; l bigint; f double; b boolean; d date; at timestamp; p decimal(5,2); s string",
			files: map[string]string{"a": "\x01\x01\x01\x01\x01\x01\x01\n1\x012\x010.5\x01true\x012024-01-31\x012024-01-31 01:02:03\x011.25\x01x\n"},
			want:  "null | null | null | null | null | null | null | \n1 | 2 | 0.5 | true | 2024-01-31 | 2024-01-31T01:02:03Z | 1.25 | x"},
		"a delimiter":                     {columns: "id int; s string", serde: map[string]string{"field.delim": ","}, files: map[string]string{"a": "1,a\n2,\"b\",c\n"}, want: "1 | a\n2 | \"b\""},
		"a delimiter by number":           {columns: "id int; s string", serde: map[string]string{"field.delim": "9"}, files: map[string]string{"a": "1\ta\n"}, want: "1 | a"},
		"a delimiter by format":           {columns: "id int; s string", serde: map[string]string{"serialization.format": ";"}, files: map[string]string{"a": "1;a\n"}, want: "1 | a"},
		"a null":                          {columns: "id int; s string", serde: map[string]string{"serialization.null.format": "NULL"}, files: map[string]string{"a": "NULL\x01NULL\n1\x01\\N\n"}, want: "null | null\n1 | \\N"},
		"one header line":                 {columns: "id int; s string", params: map[string]string{"skip.header.line.count": "1"}, files: map[string]string{"a": "Id\x01other\n1\x01a\n", "b": "x\n2\x01b\n"}, want: "1 | a\n2 | b"},
		"three header lines":              {columns: "id int", params: map[string]string{"skip.header.line.count": "3"}, files: map[string]string{"a": "x\n\ny\n1\n"}, want: "1"},
		"ends of lines":                   {columns: "id int; s string", files: map[string]string{"a": "1\x01a\r\n2\x01b\r3\x01c\n4\x01d"}, want: "1 | a\n2 | b\n3 | c\n4 | d"},
		"the sign that stands for quotes": {columns: "id int; s string; u string", files: map[string]string{"a": "1\x01\x1fa\x1f\x01b\x1f\n2\x01\x1f\x01\x1f\x1f\n"}, want: "1 | \x1fa\x1f | b\x1f\n2 | \x1f | \x1f\x1f"},
		"empty files":                     {columns: "id int; s string", files: map[string]string{"a": "", "b": "1\x01a\n", "c": ""}, want: "1 | a"},
		"only an empty file":              {columns: "id int; s string", files: map[string]string{"a": ""}, want: ""},
		"packed":                          {columns: "id int; s string", files: map[string]string{"a.gz": "1\n2\x01b\x01c\n"}, want: "1 | null\n2 | b"},
		"lines of spaces":                 {columns: "s string", files: map[string]string{"a": " \na\n  \n#b\n"}, want: " \na\n  \n#b"},
		"long lines": {columns: "id int; s string; t string", files: map[string]string{"a": "1\x01" + strings.Repeat("x", 700_000) + "\x01y\r\n2\x01" + strings.Repeat("z", 300_000) + "\n3\n"},
			want: "1 | " + strings.Repeat("x", 700_000) + " | y\n2 | " + strings.Repeat("z", 300_000) + " | null\n3 | null | null"},
		"no column can be read": {columns: "odd struct<a:int>; m map<string,int>", parted: "odd struct<a:int>; m map<string,int>", selected: "p",
			files: map[string]string{"a": "1\x01a\x032\n\n3\n"}, want: "x\nx\nx"},
		"an empty file of all types": {columns: "i int; l bigint; f float; g double; b boolean; d date; at timestamp; p decimal(5,2); s string", files: map[string]string{"a": ""}, want: ""},
		"a byte order mark":          {columns: "id int; s string", files: map[string]string{"a": "\ufeff1\x01a\n"}, want: "1 | a"},
		"a partition of fewer columns": {columns: "id int; s string; n bigint", parted: "id int; s string", selected: "id, s, n",
			files: map[string]string{"a": "1\x01a\x017\n2\n"}, want: "1 | a | null\n2 | null | null"},
	} {
		t.Run(name, func(t *testing.T) {
			hiveDB := c.create(t, address)
			selected := c.selected
			if selected == "" {
				var names []string
				for _, col := range columnsOf(c.columns) {
					names = append(names, col.Name)
				}
				selected = strings.Join(names, ", ")
			}
			byHive := tableRows(t, config.Reader{ID: "hive", Table: &config.Table{Hive: config.Hive{Server: server, Database: hiveDB, Auth: "NONE"}, SQL: "SELECT " + selected + " FROM t"}}, nil)
			if sorted(byHive) != sorted(c.want) { // Hive reads files in any order
				t.Errorf("Hive reads\n%.200q\nwant\n%.200q", byHive, c.want)
			}
			ours := tableRows(t, config.Reader{ID: "t", Table: &config.Table{Hive: config.Hive{Metastore: address, Database: hiveDB}, Name: "t"}}, strings.Split(selected, ", "))
			if ours != c.want {
				t.Errorf("read were\n%.200q\nwant\n%.200q", ours, c.want)
			}
		})
	}
}

// create makes the table in a database of its own.
func (c textTable) create(t *testing.T, address string) (database string) {
	t.Helper()
	place := t.TempDir()
	database = servertest.Name(t)
	m, err := hive.NewMetastore(config.Hive{Metastore: address}, hive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.EnsureDatabase(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	const text = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
	serde := map[string]string{}
	for k, v := range c.serde {
		serde[k] = v
	}
	d := hm.NewTable()
	d.DbName, d.TableName, d.Owner, d.TableType = database, "t", "me", "EXTERNAL_TABLE"
	d.Parameters = map[string]string{"EXTERNAL": "TRUE"}
	for k, v := range c.params {
		d.Parameters[k] = v
	}
	d.Sd = &hm.StorageDescriptor{Cols: columnsOf(c.columns), Location: "file://" + place, InputFormat: "org.apache.hadoop.mapred.TextInputFormat",
		OutputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat", SerdeInfo: &hm.SerDeInfo{SerializationLib: text, Parameters: serde},
		BucketCols: []string{}, SortCols: []*hm.Order{}, Parameters: map[string]string{}}
	if c.parted != "" {
		d.PartitionKeys = columnsOf("p string")
	}
	if err := m.CreateTable(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if c.parted != "" {
		p := hm.NewPartition()
		sd := *d.Sd
		sd.Cols = columnsOf(c.parted)
		p.DbName, p.TableName, p.Values, p.Sd, p.Parameters = database, "t", []string{"x"}, &sd, map[string]string{}
		if err := m.AddPartitions(t.Context(), database, "t", []*hm.Partition{p}); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range c.files {
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			content = b.String()
		}
		if err := os.WriteFile(filepath.Join(place, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return database
}

// What is wrong with a text table is told of its own files and lines.
func TestHiveText_Wrong_Told(t *testing.T) {
	address := servertest.HiveMetastore(t)
	for name, c := range map[string]struct {
		textTable
		code fault.Code
		want string
	}{
		"no number":        {textTable{columns: "id int; s string", params: map[string]string{"skip.header.line.count": "2"}, files: map[string]string{"a": "x\ny\n1\n2\nthree\x01b\n4\n"}}, file.BadRow, "/a:5: "},
		"not packed":       {textTable{columns: "id int; s string", files: map[string]string{"a.zst": "1\x01b\n"}}, file.CannotRead, "/a.zst: "},
		"the rest in one":  {textTable{columns: "id int; s string", serde: map[string]string{"serialization.last.column.takes.rest": "true"}}, table.FormatUnknown, "takes.rest"},
		"lines of header":  {textTable{columns: "id int; s string", params: map[string]string{"skip.header.line.count": "x"}}, table.FormatUnknown, `"x" lines of header`},
		"a long delimiter": {textTable{columns: "id int; s string", serde: map[string]string{"field.delim": "||"}}, table.FormatUnknown, `"||"`},
		"a wide delimiter": {textTable{columns: "id int; s string", serde: map[string]string{"field.delim": "§"}}, table.FormatUnknown, "ASCII"},
		"a list":           {textTable{columns: "id int; l array<int>"}, table.TypeNotReadable, "array<integer>"},
	} {
		t.Run(name, func(t *testing.T) {
			db := c.create(t, address)
			rows, err := tryTableRows(t, config.Reader{ID: "t", Table: &config.Table{Hive: config.Hive{Metastore: address, Database: db}, Name: "t"}}, nil)
			wantCode(t, rows, err, c.code, c.want)
		})
	}
}

// tableRows reads a table, with the real engine behind it.
func tableRows(t *testing.T, c config.Reader, columns []string) string {
	t.Helper()
	out, err := tryTableRows(t, c, columns)
	if err != nil {
		t.Error(err)
	}
	return out
}

func tryTableRows(t *testing.T, c config.Reader, columns []string) (string, error) {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	env.SQL = open(t, sql.Options{Scratch: env.Scratch})
	r, err := table.New(c, parts.Place{}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Open(context.Background(), flow.Request{Columns: columns}); err != nil {
		return "", err
	}
	var out strings.Builder
	for {
		b, err := r.Next(context.Background())
		if flow.Ended(err) {
			return strings.TrimSuffix(out.String(), "\n"), nil
		}
		if err != nil {
			return "", err
		}
		out.WriteString(hosttest.Text(b.Record))
		b.Release()
	}
}
