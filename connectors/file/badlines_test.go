package file_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// jsonSQL reads JSON lines as the SQL engine does, all of them or none.
type jsonSQL struct{ fakeSQL }

func (j *jsonSQL) Convert(_ context.Context, x flow.Foreign, dst string) error {
	b := array.NewRecordBuilder(memory.DefaultAllocator, x.Columns)
	defer b.Release()
	text, err := os.ReadFile(x.Paths[0])
	if err != nil {
		return err
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var row map[string]any
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&row); err != nil {
			return fault.New(7131, "broken JSON in %s", x.Paths[0]).At("%s:%d", x.Paths[0], i+1)
		}
		for k, f := range x.Columns.Fields() {
			v, ok := row[f.Name]
			if !ok || v == nil {
				b.Field(k).AppendNull()
			} else if err := b.Field(k).AppendValueFromString(fmt.Sprint(v)); err != nil {
				return fault.New(7131, "column %q: %v", f.Name, v).At("%s:%d", x.Paths[0], i+1)
			}
		}
	}
	return os.WriteFile(dst, encode(j.t, b.NewRecordBatch()), 0o644)
}

// letters remembers what was put aside.
type letters struct{ list []letter }

type letter struct {
	flow.Rejection
	line string
}

func (l *letters) Reject(_ context.Context, x flow.Rejection) error {
	l.list = append(l.list, letter{x, string(x.Batch.Record.Column(0).(*array.Binary).Value(x.Rows[0]))})
	return nil
}

var badRows = config.Reader{ID: "r", Format: "json", OnBadRow: "dead_letter", Schema: []config.Column{{Name: "n", Type: "bigint"}, {Name: "s", Type: "string"}}}

// Rule: S-513. Whatever lines are good, odd or bad, and wherever they stand, the
// good ones arrive and each bad one is put aside with its place.
func TestReader_BadLines_DeadLetterAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	remote := (*bucket)(nil)
	if os.Getenv("FEATUREHOST_S3_ENDPOINT") != "" && !testing.Short() {
		remote = newBucket(t)
	}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		var text strings.Builder
		var want, bad []string
		lines, row := 0, 0
		for range rapid.IntRange(0, 30).Draw(rt, "runs") {
			kind := rapid.SampledFrom([]string{"plain", "odd", "blank", "broken", "type"}).Draw(rt, "kind")
			for range rapid.IntRange(1, rapid.SampledFrom([]int{1, 3, 200}).Draw(rt, "most")).Draw(rt, "length") {
				lines++
				switch kind {
				case "plain":
					fmt.Fprintf(&text, "{\"n\": %d, \"s\": \"x\"}\n", lines)
					want = append(want, fmt.Sprintf("%d | x", lines))
				case "odd": // escapes are not plain
					fmt.Fprintf(&text, "{\"s\": \"\\u0041\", \"n\": %d}\n", lines)
					want = append(want, fmt.Sprintf("%d | A", lines))
				case "blank":
					text.WriteString("\n")
					continue
				case "broken":
					fmt.Fprintf(&text, "{\"n\": %d, \n", lines)
					bad = append(bad, fmt.Sprintf("%d %d {\"n\": %d,", row, lines, lines))
				case "type":
					fmt.Fprintf(&text, "{\"n\": \"x%d\"}\n", lines)
					bad = append(bad, fmt.Sprintf("%d %d {\"n\": \"x%d\"}", row, lines, lines))
				}
				row++
			}
		}
		if rapid.Bool().Draw(rt, "open end") {
			s := strings.TrimSuffix(text.String(), "\n")
			text.Reset()
			text.WriteString(s)
		}
		name := fmt.Sprintf("%d.json", round)
		put(t, dir, name, []byte(text.String()))
		paths := []string{name}
		if remote != nil && round%20 == 1 {
			remote.put(name, []byte(text.String()))
			paths = append(paths, "s3://"+remote.name+"/"+name)
		}
		for _, path := range paths {
			env, _, _ := hosttest.Env(t)
			rejected := &letters{}
			env.SQL, env.Rejects = &jsonSQL{fakeSQL: fakeSQL{t: t}}, rejected
			c := badRows
			if c.Path = path; path != name {
				c.S3 = remote.cfg
			}
			r, err := file.New(c, parts.Place{Dir: dir}, env)
			if err != nil {
				rt.Fatal(err)
			}
			got := rows(t, r, flow.Request{BatchRows: rapid.IntRange(1, 300).Draw(rt, "batch")})
			if want := sortedLines(want); got != want {
				rt.Fatalf("got\n%s\nwant\n%s", got, want)
			}
			st := r.Stats()
			if st.BadRows != int64(len(bad)) || st.Rows != int64(len(bad)+len(want)) {
				rt.Fatalf("%+v: %d bad, %d good", st, len(bad), len(want))
			}
			if len(rejected.list) != len(bad) {
				rt.Fatalf("%d letters, %d bad rows", len(rejected.list), len(bad))
			}
			for i, x := range rejected.list {
				var sourceRow, line int
				var what string
				fmt.Sscanf(bad[i], "%d %d", &sourceRow, &line)
				what = strings.SplitN(bad[i], " ", 3)[2]
				if x.Reason != "bad_row" || x.Stage != "r" || x.Batch.Position.Row != int64(sourceRow) || !strings.HasSuffix(x.Batch.Position.Object, name) ||
					!strings.HasPrefix(x.Message, fmt.Sprintf("line %d: ", line)) || strings.Contains(x.Message, env.Scratch) || strings.TrimSpace(x.line) != what {
					rt.Fatalf("letter %+v, want %q", x, bad[i])
				}
			}
			left, _ := filepath.Glob(filepath.Join(env.Scratch, "lines-*"))
			if len(left) > 0 {
				rt.Fatalf("left in scratch: %q", left)
			}
			r.Close()
		}
	})
}

func sortedLines(lines []string) string {
	out := append([]string(nil), lines...)
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestReader_BadRowsAside_RefusedWhereItCannotBe(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "p/a.json.gz", []byte("x"))
	for name, c := range map[string]struct {
		change func(*config.Reader)
		part   string
	}{
		"csv":       {func(r *config.Reader) { r.Format = "csv" }, "csv"},
		"parquet":   {func(r *config.Reader) { r.Format, r.Schema = "parquet", nil }, "parquet"},
		"no schema": {func(r *config.Reader) { r.Schema = nil }, "schema"},
		"packed":    {func(r *config.Reader) { r.Path = "p" }, "a.json.gz"},
	} {
		env, _, _ := hosttest.Env(t)
		env.SQL = &fakeSQL{t: t}
		cfg := badRows
		c.change(&cfg)
		r, err := file.New(cfg, parts.Place{Dir: dir}, env)
		if err == nil {
			_, err = r.Schema(t.Context())
			r.Close()
		}
		wantCode(t, name, err, file.BadConfig, c.part, "on_bad_row")
	}
}
