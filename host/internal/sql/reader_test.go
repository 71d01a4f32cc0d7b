//go:build duckdb_arrow

package sql_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/sql"
	"github.com/featurehost/featurehost/host/parts"
)

// fileReader is a reader of text files with the real engine behind it.
func fileReader(t testing.TB, dir string, c config.Reader) (flow.Reader, *sql.Engine) {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	e := open(t, sql.Options{Scratch: env.Scratch})
	env.SQL = e
	c.ID = "events"
	r, err := file.New(c, parts.Place{Dir: dir}, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, e
}

func readRows(r flow.Reader, q flow.Request) (string, []string, error) {
	if _, err := r.Open(context.Background(), q); err != nil {
		return "", nil, err
	}
	var b strings.Builder
	var at []string
	for {
		x, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return b.String(), at, nil
		}
		if err != nil {
			return "", nil, err
		}
		b.WriteString(hosttest.Text(x.Record))
		at = append(at, filepath.Base(x.Position.Object)+"/"+fmt.Sprint(x.Position.Row))
		x.Release()
	}
}

// Text files come out of the file reader with types, partitions, pruning and
// positions as if they had been Parquet.
func TestFileReader_TextFiles(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		cfg   config.Reader
	}{
		"csv, packed, header in another order declared": {
			map[string]string{"in/k=1/a.csv.gz": "ts,id\n2024-01-01T00:00:00Z,1\n2024-01-02T00:00:00Z,2\n", "in/k=2/b.csv.gz": "ts,id\n2024-01-03T00:00:00Z,3\n"},
			config.Reader{Format: "csv", Schema: []config.Column{{Name: "id", Type: "bigint"}, {Name: "ts", Type: "timestamp"}}}},
		"csv guessed": {
			map[string]string{"in/k=1/a.csv": "id,ts\n1,2024-01-01T00:00:00Z\n2,2024-01-02T00:00:00Z\n", "in/k=2/b.csv": "id,ts\n3,2024-01-03T00:00:00Z\n"},
			config.Reader{Format: "csv"}},
		"json, packed": {
			map[string]string{"in/k=1/a.jsonl.zst": "{\"id\":1,\"ts\":\"2024-01-01T00:00:00Z\"}\n{\"id\":2,\"ts\":\"2024-01-02T00:00:00Z\"}\n", "in/k=2/b.jsonl.zst": "{\"ts\":\"2024-01-03T00:00:00Z\",\"id\":3}\n"},
			config.Reader{Format: "json"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for n, content := range c.files {
				write(t, dir, n, content)
			}
			c.cfg.Path, c.cfg.Incremental = "in", &config.Incremental{Column: "ts"}
			r, e := fileReader(t, dir, c.cfg)
			two, _ := flow.ParseDay("2024-01-02")
			got, at, err := readRows(r, flow.Request{Columns: []string{"id", "k"}, Interval: flow.Interval{Start: &two}})
			if err != nil || got != "2 | 1\n3 | 2\n" || !strings.HasPrefix(at[0], "a.") || !strings.HasSuffix(at[0], "/1") || !strings.HasSuffix(at[1], "/0") {
				t.Errorf("got %s at %v, %v", got, at, err)
			}
			rel, ok, err := r.(flow.Relational).Relation(flow.Request{})
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			if err := e.Register(context.Background(), "events", rel); err != nil {
				t.Fatal(err)
			}
			s, err := e.QuerySchema(context.Background(), "select id, k, ts from events")
			if err != nil || typesOf(s) != "bigint, bigint, timestamp" {
				t.Errorf("%v, %v", s, err)
			}
		})
	}
}

func TestFileReader_BadRow70001(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("id,x\n")
	for i := 1; i <= 70001; i++ {
		if i == 70001 {
			b.WriteString("7,abc\n")
		} else {
			fmt.Fprintf(&b, "%d,0.5\n", i)
		}
	}
	write(t, dir, "a.csv", b.String())
	r, _ := fileReader(t, dir, config.Reader{Format: "csv", Path: "a.csv"})
	_, _, err := readRows(r, flow.Request{})
	wantCode(t, "bad number", err, file.BadRow, "a.csv:70002", `"x"`, "abc")
	if fault.ClassOf(err) != fault.Data {
		t.Errorf("class %v", fault.ClassOf(err))
	}
}
