//go:build duckdb_arrow

package sql

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/klauspost/compress/zstd"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// textFiles is how a set of text files is read: one dialect and one schema
// for all.
type textFiles struct {
	format string
	paths  []string
	schema *arrow.Schema // of the result, partition columns last
	hive   []hiveColumn
	fields []textField // columns as the files hold them
	csv    dialect
}

// textField is a column of the files.
type textField struct {
	name   string
	sql    string         // type under which DuckDB reads it
	typ    arrow.DataType // type of the result; nil when the column is left out
	strict bool           // read as text and cast with care
}

// dialect is how a CSV file is written.
type dialect struct {
	delimiter, quote string
	header           bool
	null             string
}

// textFiles finds out how files are read: types are declared or guessed, the
// dialect is given or guessed from the first file, and the other files must
// be alike.
func (e *Engine) textFiles(ctx context.Context, c *connection, f flow.Foreign) (*textFiles, error) {
	if len(f.Paths) == 0 {
		return nil, fault.New(BadRelation, "no files to read")
	}
	t := &textFiles{format: f.Format}
	for _, p := range f.Paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, fault.Wrap(err, BadRelation, "path %q", p)
		}
		t.paths = append(t.paths, abs)
	}
	if f.HivePartitions {
		t.hive = hiveColumns(t.paths)
	}
	var err error
	switch f.Format {
	case "csv":
		err = t.readCSV(ctx, c, f)
	case "json":
		err = t.readJSON(ctx, c, f)
	default:
		err = fault.New(BadRelation, "format %q is not known: csv and json are", f.Format)
	}
	if err != nil {
		return nil, err
	}
	return t, t.settle()
}

// settle makes the schema of the result.
func (t *textFiles) settle() error {
	var fields []arrow.Field
	for _, f := range t.fields {
		if f.typ != nil {
			fields = append(fields, arrow.Field{Name: f.name, Type: f.typ, Nullable: true})
		}
	}
	for _, h := range t.hive {
		fields = append(fields, h.field())
	}
	seen := map[string]string{}
	for _, f := range fields {
		fold := strings.ToLower(f.Name)
		if other, ok := seen[fold]; ok {
			return fault.New(ColumnsDiffer, "columns %q and %q cannot stand in one table, which ignores case", other, f.Name).At("%s", t.paths[0])
		}
		seen[fold] = f.Name
	}
	t.schema = arrow.NewSchema(fields, nil)
	return nil
}

// field makes a column of a declared or guessed type.
func field(name string, typ arrow.DataType) (textField, error) {
	sql, err := duckName(typ)
	if err != nil {
		return textField{}, fault.New(ColumnsDiffer, "column %q: %s", name, err)
	}
	f := textField{name: name, sql: sql, typ: typ}
	switch typ.ID() {
	case arrow.INT32, arrow.INT64, arrow.BINARY, arrow.LIST:
		// DuckDB would round 2.9 to 3, and read binary as escapes.
		f.strict, f.sql = true, "VARCHAR"
	}
	return f, nil
}

// guessed is the type of a column whose values look like a DuckDB type.
func guessed(t duckType) arrow.DataType {
	im, err := imageOf(t, schema.Timestamp())
	if err != nil {
		return arrow.BinaryTypes.String // nested values and times of day stay texts
	}
	switch im.arrow.ID() {
	case arrow.INT32:
		return arrow.PrimitiveTypes.Int64
	case arrow.FLOAT32:
		return arrow.PrimitiveTypes.Float64
	case arrow.LIST:
		if elem := guessed(*t.elem); elem.ID() != arrow.LIST {
			return arrow.ListOf(elem)
		}
		return arrow.BinaryTypes.String
	}
	return im.arrow
}

// query is the SELECT over some of the files with the result's columns.
func (t *textFiles) query(paths []string) string {
	var items []string
	for _, f := range t.fields {
		if f.typ != nil {
			items = append(items, f.value()+" AS "+quoteName(f.name))
		}
	}
	for _, h := range t.hive {
		items = append(items, quoteName(h.name))
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM " + t.table(paths)
}

// value is the expression of a column. Numbers with a fraction are no whole
// numbers here, whatever DuckDB would make of them.
func (f textField) value() string {
	q := quoteName(f.name)
	if !f.strict {
		return q
	}
	switch f.typ.ID() {
	case arrow.BINARY:
		return "encode(" + q + ")"
	case arrow.LIST:
		name, _ := duckName(f.typ)
		return "CAST(" + q + " AS " + name + ")"
	}
	name, _ := duckName(f.typ)
	return "CASE WHEN " + f.fraction() + " THEN error('no whole number') ELSE CAST(" + q + " AS " + name + ") END"
}

// fraction is true for texts that DuckDB would round or take for another
// kind of value.
func (f textField) fraction() string {
	q := quoteName(f.name)
	return "(contains(" + q + ", '.') OR contains(" + q + ", 'e') OR contains(" + q + ", 'E'))"
}

// wrong is true for texts that value fails on.
func (f textField) wrong() string {
	q := quoteName(f.name)
	name, _ := duckName(f.typ)
	cast := "TRY_CAST(" + q + " AS " + name + ") IS NULL"
	if f.typ.ID() == arrow.LIST {
		return cast
	}
	return "(" + f.fraction() + " OR " + cast + ")"
}

// table is the reading function.
func (t *textFiles) table(paths []string) string {
	specs := make([]string, len(t.fields))
	for i, f := range t.fields {
		specs[i] = quoteText(f.name) + ": " + quoteText(f.sql)
	}
	args := quoteList(paths) + ", columns={" + strings.Join(specs, ", ") + "}" + hiveOptions(t.hive)
	if t.format == "json" {
		return "read_json(" + args + ", format='newline_delimited', auto_detect=false)"
	}
	header := "false"
	if t.csv.header {
		header = "true"
	}
	return "read_csv(" + args + ", auto_detect=false, strict_mode=true, delim=" + quoteText(t.csv.delimiter) +
		", quote=" + quoteText(t.csv.quote) + ", escape=" + quoteText(t.csv.quote) + ", header=" + header +
		", skip=0, nullstr=" + quoteText(t.csv.null) + ")"
}

// readJSON settles the columns of JSON lines.
func (t *textFiles) readJSON(ctx context.Context, c *connection, f flow.Foreign) error {
	if f.Columns != nil {
		return t.declared(f.Columns)
	}
	columns, err := c.columns(ctx, "SELECT * FROM read_json("+quoteList(t.paths)+", format='newline_delimited', hive_partitioning=false)")
	if err != nil {
		return t.rowFault(ctx, c, err)
	}
	for _, col := range columns {
		one, err := field(col.name, guessed(col.typ))
		if err != nil {
			return err
		}
		t.fields = append(t.fields, one)
	}
	return nil
}

func (t *textFiles) declared(s *arrow.Schema) error {
	for _, d := range s.Fields() {
		if t.isHive(d.Name) {
			continue
		}
		one, err := field(d.Name, d.Type)
		if err != nil {
			return err
		}
		t.fields = append(t.fields, one)
	}
	return nil
}

func (t *textFiles) isHive(name string) bool {
	for _, h := range t.hive {
		if h.name == name {
			return true
		}
	}
	return false
}

// readCSV settles dialect and columns of CSV files.
func (t *textFiles) readCSV(ctx context.Context, c *connection, f flow.Foreign) error {
	first, err := firstLine(t.paths[0])
	if err != nil {
		return err
	}
	if f.Columns == nil && strings.TrimSpace(first) == "" {
		return fault.New(ColumnsDiffer, "the first line is empty: names of columns are expected").At("%s", t.paths[0]).
			WithHint("declare the columns in the schema of the reader if the file has no names")
	}
	t.csv = dialect{delimiter: f.CSV.Delimiter, quote: f.CSV.Quote, null: f.CSV.Null}
	if t.csv.quote == "" {
		t.csv.quote = `"`
	}
	if t.csv.delimiter == "" {
		t.csv.delimiter = delimiterOf(first)
	}
	head := splitLine(first, t.csv)
	guess, header, sniffed := t.sniff(ctx, c, f.CSV.Header)
	switch {
	case f.CSV.Header != nil:
		t.csv.header = *f.CSV.Header
	case f.Columns != nil && holdsAll(head, f.Columns, t.isHive):
		t.csv.header = true
	case sniffed:
		t.csv.header = header
	default:
		t.csv.header = true
	}
	if err := t.csvFields(f.Columns, head, guess, sniffed); err != nil {
		return err
	}
	if f.Columns == nil && !sniffed {
		// Columns of text would be refused further on, for their type; what is
		// wrong with the file is better told here.
		if _, err := c.texts(ctx, "SELECT count(*)::VARCHAR FROM "+t.table(t.paths[:1])); err != nil {
			return t.rowFault(ctx, c, err)
		}
	}
	return t.sameHeads(first)
}

// sniff asks DuckDB for types and header of the first file; ok is false when
// it cannot make sense of it, which reading will explain better.
func (t *textFiles) sniff(ctx context.Context, c *connection, header *bool) (guess []column, has, ok bool) {
	// Without skip=0 it takes the lines above a row of another width for a
	// preamble, and they would be lost without a word.
	args := quoteText(t.paths[0]) + ", skip=0, delim=" + quoteText(t.csv.delimiter) + ", quote=" + quoteText(t.csv.quote) + ", escape=" + quoteText(t.csv.quote)
	if t.csv.null != "" {
		args += ", nullstr=" + quoteText(t.csv.null)
	}
	if header != nil && *header {
		args += ", header=true"
	} else if header != nil {
		args += ", header=false"
	}
	rows, err := c.texts(ctx, "SELECT HasHeader::VARCHAR FROM sniff_csv("+args+")")
	if err != nil || len(rows) != 1 {
		return nil, false, false
	}
	guess, err = c.columns(ctx, "SELECT * FROM read_csv("+args+", hive_partitioning=false)")
	if err != nil {
		return nil, false, false
	}
	return guess, rows[0][0].text == "true", true
}

// csvFields settles the columns of a CSV file, in the file's order.
func (t *textFiles) csvFields(declared *arrow.Schema, head []string, guess []column, sniffed bool) error {
	path := t.paths[0]
	if t.csv.header {
		seen := map[string]string{}
		for _, name := range head {
			fold := strings.ToLower(name)
			if other, ok := seen[fold]; ok {
				return fault.New(ColumnsDiffer, "the header names %q and %q, which are one column: case is ignored", other, name).At("%s", path)
			}
			seen[fold] = name
		}
	}
	if declared == nil {
		if !sniffed {
			if !t.csv.header {
				return fault.New(BadFile, "the columns of the file cannot be guessed").At("%s", path).WithHint("declare them in the schema of the reader")
			}
			for _, name := range head {
				guess = append(guess, column{name: name})
			}
		}
		for _, col := range guess {
			typ := arrow.DataType(arrow.BinaryTypes.String)
			if sniffed {
				typ = guessed(col.typ)
			}
			one, err := field(col.name, typ)
			if err != nil {
				return err
			}
			t.fields = append(t.fields, one)
		}
		return nil
	}
	if !t.csv.header {
		if err := t.declared(declared); err != nil {
			return err
		}
		if len(t.fields) != len(head) {
			return fault.New(ColumnsDiffer, "the first line has %d columns and the reader declares %d", len(head), len(t.fields)).At("%s", path)
		}
		return nil
	}
	want := map[string]arrow.DataType{}
	for _, d := range declared.Fields() {
		if !t.isHive(d.Name) {
			want[d.Name] = d.Type
		}
	}
	for _, name := range head {
		typ, ok := want[name]
		if !ok {
			t.fields = append(t.fields, textField{name: name, sql: "VARCHAR"})
			continue
		}
		delete(want, name)
		one, err := field(name, typ)
		if err != nil {
			return err
		}
		t.fields = append(t.fields, one)
	}
	for _, d := range declared.Fields() {
		if _, missing := want[d.Name]; missing {
			err := fault.New(ColumnsDiffer, "the file has no column %q, which the reader declares", d.Name).At("%s", path)
			if s := fault.Suggest(d.Name, head); s != "" {
				return err.WithHint("did you mean %q?", s)
			}
			return err.WithHint("its columns are %s", strings.Join(head, ", "))
		}
	}
	return nil
}

// sameHeads refuses further files whose header differs from the first's.
func (t *textFiles) sameHeads(first string) error {
	if !t.csv.header {
		return nil
	}
	want := splitLine(first, t.csv)
	for _, p := range t.paths[1:] {
		line, err := firstLine(p)
		if err != nil {
			return err
		}
		if line == first {
			continue
		}
		got := splitLine(line, t.csv)
		for i := 0; i < max(len(want), len(got)); i++ {
			switch {
			case i >= len(got):
				return fault.New(ColumnsDiffer, "column %d, %q, is missing", i+1, want[i]).At("%s", p).WithHint("the first file, %s, has it", t.paths[0])
			case i >= len(want):
				return fault.New(ColumnsDiffer, "column %d, %q, is too many", i+1, got[i]).At("%s", p).WithHint("the first file, %s, has not got it", t.paths[0])
			case got[i] != want[i]:
				return fault.New(ColumnsDiffer, "column %d is %q, not %q as in %s", i+1, got[i], want[i], t.paths[0]).At("%s", p)
			}
		}
	}
	return nil
}

func holdsAll(head []string, s *arrow.Schema, except func(string) bool) bool {
	have := map[string]bool{}
	for _, h := range head {
		have[h] = true
	}
	for _, f := range s.Fields() {
		if !have[f.Name] && !except(f.Name) {
			return false
		}
	}
	return true
}

// delimiterOf is the sign among , ; tab | that the line holds most often
// outside quotes.
func delimiterOf(line string) string {
	best, most := ",", 0
	for _, d := range []byte{',', ';', '\t', '|'} {
		n, quoted := 0, false
		for i := 0; i < len(line); i++ {
			switch {
			case line[i] == '"':
				quoted = !quoted
			case line[i] == d && !quoted:
				n++
			}
		}
		if n > most {
			best, most = string(d), n
		}
	}
	return best
}

// splitLine reads the fields of a CSV line.
func splitLine(line string, d dialect) []string {
	if d.quote == `"` && len(d.delimiter) == 1 {
		r := csv.NewReader(strings.NewReader(line))
		r.Comma, r.LazyQuotes = rune(d.delimiter[0]), true
		if fields, err := r.Read(); err == nil {
			return fields
		}
	}
	fields := strings.Split(line, d.delimiter)
	for i, f := range fields {
		fields[i] = strings.Trim(f, d.quote)
	}
	return fields
}

// openText opens a text file, unpacked if its name ends in .gz or .zst.
func openText(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(err, FileTrouble, "cannot open %s", path)
	}
	switch {
	case strings.HasSuffix(path, ".gz"):
		z, err := gzip.NewReader(f)
		if err != nil {
			f.Close()
			return nil, fault.Wrap(err, BadFile, "the file is not in gzip format, as its name says").At("%s", path)
		}
		return unpacked{z, func() { z.Close(); f.Close() }}, nil
	case strings.HasSuffix(path, ".zst"), strings.HasSuffix(path, ".zstd"):
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
		if err != nil {
			f.Close()
			return nil, fault.Wrap(err, BadFile, "the file is not in zstd format, as its name says").At("%s", path)
		}
		return unpacked{z, func() { z.Close(); f.Close() }}, nil
	}
	return f, nil
}

type unpacked struct {
	io.Reader
	close func()
}

func (u unpacked) Close() error { u.close(); return nil }

// longestLine is how much of a first line is looked at.
const longestLine = 1 << 20

// firstLine reads the first line of a text file, without its end and without
// a byte order mark.
func firstLine(path string) (string, error) {
	f, err := openText(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, longestLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fault.Wrap(err, BadFile, "the file cannot be read").At("%s", path)
	}
	return strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "\ufeff"), nil
}

// eachLine calls use with the lines of a text file, numbered from 1, until it
// returns false.
func eachLine(path string, use func(n int, line []byte) bool) error {
	f, err := openText(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 && !use(n, line) {
			return nil
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fault.Wrap(err, BadFile, "the file cannot be read").At("%s", path)
		}
	}
}

// jsonProblem finds the first line that is no JSON object.
func jsonProblem(path string) (line, col int, what string, found bool) {
	err := eachLine(path, func(n int, b []byte) bool {
		b = bytes.TrimSpace(b)
		if len(b) == 0 {
			return true
		}
		if at := invalidUTF8(b); at >= 0 { // which Go's decoder lets pass
			line, col, what, found = n, at+1, "a byte that is no UTF-8", true
			return false
		}
		var v map[string]json.RawMessage
		if err := json.Unmarshal(b, &v); err != nil {
			line, col, what, found = n, 1, err.Error(), true
			var s *json.SyntaxError
			if errors.As(err, &s) {
				col = int(s.Offset)
			}
			return false
		}
		return true
	})
	return line, col, what, found && err == nil
}

// invalidUTF8 gives the place of the first byte that is no UTF-8, or -1.
func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return -1
}
