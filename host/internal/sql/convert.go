//go:build duckdb_arrow

package sql

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Describe implements flow.SQL: the schema that Convert would write.
func (e *Engine) Describe(ctx context.Context, f flow.Foreign) (*flow.Schema, error) {
	var s *flow.Schema
	err := e.withFiles(ctx, f, func(_ *connection, t *textFiles) error {
		s = t.schema
		return nil
	})
	return s, err
}

// Convert implements flow.SQL: it writes the rows of text files, in their
// order, to the Parquet file dst. A row that does not fit fails it.
func (e *Engine) Convert(ctx context.Context, f flow.Foreign, dst string) error {
	dst, err := filepath.Abs(dst)
	if err != nil {
		return fault.Wrap(err, FileTrouble, "path %q", dst)
	}
	return e.withFiles(ctx, f, func(c *connection, t *textFiles) error {
		defer e.largeWorkDone()
		_, err := c.changed(ctx, "COPY ("+t.query(t.paths)+") TO "+quoteText(dst)+parquetOptions)
		if err != nil {
			os.Remove(dst)
			return t.rowFault(ctx, c, err)
		}
		return nil
	})
}

// withFiles finds out how files are read and calls use.
func (e *Engine) withFiles(ctx context.Context, f flow.Foreign, use func(*connection, *textFiles) error) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	d, done, err := e.fileDatabase(ctx)
	if err != nil {
		return err
	}
	defer done()
	c, err := d.connect()
	if err != nil {
		return fault.Wrap(err, EngineFailed, "the sql engine does not answer")
	}
	defer c.close()
	t, err := e.textFiles(ctx, c, f)
	if err != nil {
		return err
	}
	return use(c, t)
}

// rowFault says which row made reading fail: file, line and column.
func (t *textFiles) rowFault(ctx context.Context, c *connection, err error) error {
	d := asDuck(err)
	if d == nil || ctx.Err() != nil {
		return err
	}
	switch d.kind {
	case "Conversion", "Invalid Input", "Out of Range", "Parser":
	default:
		return failure(err, BadFile, "the files cannot be read")
	}
	if f := csvFault(d.text); f != nil {
		return f
	}
	if f := t.jsonFault(d.text); f != nil {
		return f
	}
	if f := t.locate(ctx, c); f != nil {
		return f
	}
	return fault.New(BadFile, "%s", d.first()).At("%s", t.paths[0])
}

// bad makes the error of a row.
func bad(path string, line, col int, format string, args ...any) *fault.Error {
	f := fault.New(BadRow, format, args...)
	if col > 0 {
		return f.At("%s:%d:%d", path, line, col)
	}
	return f.At("%s:%d", path, line)
}

// csvFault reads what DuckDB says of a CSV row, or gives nil.
func csvFault(text string) *fault.Error {
	find := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	line, err := strconv.Atoi(find(`CSV Error on Line: (\d+)`))
	path := find(`(?m)^  file = (.*)$`)
	if err != nil || path == "" {
		return nil //nolint:nilerr // another message of the engine: it stays as it is
	}
	if col := find(`Error when converting column "(.*)"\.`); col != "" {
		what := find(`Error when converting column ".*"\. (.*)`)
		return bad(path, line, 0, "column %q: %s", col, lowerFirst(what))
	}
	if found := find(`Expected Number of Columns: (\d+ Found: \d+)`); found != "" {
		return bad(path, line, 0, "a wrong number of columns: expected %s", strings.ToLower(found))
	}
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "CSV Error on Line") && !strings.HasPrefix(l, "Original Line") {
			return bad(path, line, 0, "%s", lowerFirst(l))
		}
	}
	return bad(path, line, 0, "the row is malformed")
}

// jsonFault reads what DuckDB says of a JSON line, or gives nil.
func (t *textFiles) jsonFault(text string) *fault.Error {
	if m := regexp.MustCompile(`(?s)^Malformed JSON in file "(.*)", at byte (\d+) in line (\d+): (.*?)\.? *(\n|$)`).FindStringSubmatch(text); m != nil {
		if line, col, what, found := jsonProblem(m[1]); found {
			return bad(m[1], line, col, "the line is no JSON object: %s", what)
		}
		line, _ := strconv.Atoi(m[3])
		col, _ := strconv.Atoi(m[2])
		return bad(m[1], line, col, "the line is no JSON object: %s", m[4])
	}
	if m := regexp.MustCompile(`^JSON transform error in file "(.*)", in line (\d+): (.*)`).FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[2])
		column := ""
		if i := strings.LastIndex(m[3], ": "); i >= 0 {
			column = t.jsonColumn(m[1], line, m[3][i+2:])
		}
		if column != "" {
			return bad(m[1], line, 0, "column %q: %s", column, lowerFirst(m[3]))
		}
		return bad(m[1], line, 0, "%s", lowerFirst(m[3]))
	}
	return nil
}

// jsonColumn finds the column whose value in a line is written so.
func (t *textFiles) jsonColumn(path string, line int, raw string) string {
	var fields map[string]json.RawMessage
	_ = eachLine(path, func(n int, b []byte) bool {
		if n == line {
			_ = json.Unmarshal(b, &fields)
		}
		return n < line
	})
	for _, f := range t.fields {
		if v, ok := fields[f.name]; ok && bytes.Equal(bytes.TrimSpace(v), []byte(strings.TrimSpace(raw))) {
			return f.name
		}
	}
	return ""
}

// locate looks for the first row with a text that a strict column refuses.
func (t *textFiles) locate(ctx context.Context, c *connection) *fault.Error {
	for _, path := range t.paths {
		var best *fault.Error
		least := -1
		for _, f := range t.fields {
			if !f.strict || f.typ == nil {
				continue
			}
			q := quoteName(f.name)
			rows, err := c.texts(ctx, "SELECT n::VARCHAR, "+q+" FROM (SELECT row_number() OVER () AS n, "+q+" FROM "+t.table([]string{path})+
				") WHERE "+q+" IS NOT NULL AND "+f.wrong()+" ORDER BY n LIMIT 1")
			if err != nil || len(rows) == 0 {
				continue
			}
			n, _ := strconv.Atoi(rows[0][0].text)
			if t.format == "csv" && t.csv.header {
				n++
			}
			if least < 0 || n < least {
				name, _ := duckName(f.typ)
				least, best = n, bad(path, n, 0, "column %q: %s is no %s", f.name, shorten(rows[0][1].text), name)
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// shorten quotes a value for a message.
func shorten(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}

func lowerFirst(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && !(s[1] >= 'A' && s[1] <= 'Z') {
		return string(s[0]+32) + s[1:]
	}
	return s
}
