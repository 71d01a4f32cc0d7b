package file_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hamba/avro/v2/ocf"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

const avroEvent = `{"type": "record", "name": "event", "fields": [{"name": "n", "type": "long"}, {"name": "s", "type": ["null", "string"], "default": null}]}`

// avroFile writes rows from to to-1 as a container file.
func avroFile(t testing.TB, path, schema string, codec ocf.CodecName, from, to int, row func(i int) any) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := ocf.NewEncoder(schema, &b, ocf.WithCodec(codec), ocf.WithBlockLength(37))
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i < to; i++ {
		if err := w.Encode(row(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func avroRow(i int) any { return map[string]any{"n": int64(i), "s": fmt.Sprint("row ", i)} }

func avroReader(t testing.TB, dir string, change func(*config.Reader)) flow.Reader {
	t.Helper()
	cfg := config.Reader{ID: "r", Type: "file", Path: "data", Format: "avro"}
	if change != nil {
		change(&cfg)
	}
	env, _, _ := hosttest.Env(t)
	r, err := file.New(cfg, parts.Place{Dir: dir}, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// avroRows reads everything: the rows as lines, and their positions checked
// against the numbers in the first column.
func avroRows(t testing.TB, r flow.Reader, q flow.Request) (lines []string, err error) {
	t.Helper()
	if _, err := r.Open(t.Context(), q); err != nil {
		return nil, err
	}
	for {
		b, err := r.Next(t.Context())
		if flow.Ended(err) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, strings.Split(strings.TrimRight(hosttest.Text(b.Record), "\n"), "\n")...)
		b.Release()
	}
}

func TestReader_Avro_EachCodecAndPartitions(t *testing.T) {
	dir := t.TempDir()
	for i, codec := range []ocf.CodecName{ocf.Null, ocf.Deflate, ocf.Snappy} {
		avroFile(t, filepath.Join(dir, fmt.Sprintf("data/p=%d/part.avro", i)), avroEvent, codec, i*100, i*100+100, avroRow)
	}
	r := avroReader(t, dir, nil)
	s, err := r.Schema(t.Context())
	if err != nil || fmt.Sprint(s.NumFields()) != "3" {
		t.Fatal(s, err)
	}
	lines, err := avroRows(t, r, flow.Request{BatchRows: 64})
	if err != nil || len(lines) != 300 {
		t.Fatal(len(lines), err)
	}
	for i, l := range lines {
		if want := fmt.Sprintf("%d | row %d | %d", i, i, i/100); l != want {
			t.Fatalf("%s, want %s", l, want)
		}
	}
	if st := r.Stats(); st.Rows != 300 || st.Objects != 3 || st.Bytes == 0 {
		t.Errorf("%+v", st)
	}
	lines, err = avroRows(t, r, flow.Request{Columns: []string{"s"}})
	if err != nil || len(lines) != 300 || lines[299] != "row 299" {
		t.Error(len(lines), err)
	}
}

// Rule: S-508.
func TestReader_Avro_Incremental(t *testing.T) {
	dir := t.TempDir()
	avroFile(t, filepath.Join(dir, "data/a.avro"), avroEvent, ocf.Null, 0, 200, func(i int) any { return map[string]any{"n": int64(i) * 3600, "s": nil} })
	span, err := flow.ParseInterval("1970-01-02", "1970-01-02")
	if err != nil {
		t.Fatal(err)
	}
	r := avroReader(t, dir, func(c *config.Reader) { c.Incremental = &config.Incremental{Column: "n", Unit: "s"} })
	lines, err := avroRows(t, r, flow.Request{Columns: []string{"s"}, Interval: span})
	if st := r.Stats(); err != nil || len(lines) != 24 || st.OutOfSpan != 176 {
		t.Error(len(lines), st, err)
	}
}

func TestReader_AvroFilesDiffer_ResolvedOrRefused(t *testing.T) {
	for _, c := range []struct {
		name, schema string
		row          func(int) any
		want         string // of its first row; "" is refused
	}{
		{"a field less", `{"type": "record", "name": "event", "fields": [{"name": "n", "type": "long"}]}`, func(i int) any { return map[string]any{"n": int64(i)} }, "7 | null"},
		{"a smaller number", strings.Replace(avroEvent, `"long"`, `"int"`, 1), func(i int) any { return map[string]any{"n": i, "s": "x"} }, "7 | x"},
		{"a field more", strings.Replace(avroEvent, `}]}`, `}, {"name": "z", "type": "int"}]}`, 1), func(i int) any { return map[string]any{"n": int64(i), "s": "x", "z": 1} }, ""},
		{"another type", strings.Replace(avroEvent, `"long"`, `"string"`, 1), func(int) any { return map[string]any{"n": "x", "s": "x"} }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			avroFile(t, filepath.Join(dir, "data/a.avro"), avroEvent, ocf.Null, 0, 1, avroRow)
			avroFile(t, filepath.Join(dir, "data/b.avro"), c.schema, ocf.Null, 7, 8, c.row)
			lines, err := avroRows(t, avroReader(t, dir, nil), flow.Request{})
			if c.want == "" {
				if !fault.Is(err, file.ColumnsDiffer) || !strings.Contains(err.Error(), "b.avro") {
					t.Error(err)
				}
				return
			}
			if err != nil || lines[1] != c.want {
				t.Error(lines, err)
			}
		})
	}
}

// Rule: F4.
func TestReader_AvroDamaged_NamedNeverFewerRows(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data", "a.avro")
	avroFile(t, path, avroEvent, ocf.Deflate, 0, 200, avroRow)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(whole); i += 1 + len(whole)/150 {
		for _, b := range [][]byte{whole[:i], append(append(bytes.Clone(whole[:i]), whole[i]^0x10), whole[i+1:]...)} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			lines, err := avroRows(t, avroReader(t, dir, nil), flow.Request{})
			switch {
			case err == nil && len(lines) != 200 && len(lines)%37 != 0:
				t.Errorf("byte %d: %d rows and no error", i, len(lines))
			case err != nil && !strings.Contains(err.Error(), "a.avro"):
				t.Errorf("byte %d: %v", i, err)
			}
		}
	}
	if err := os.WriteFile(path, []byte("PAR1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := avroRows(t, avroReader(t, dir, nil), flow.Request{}); !fault.Is(err, file.Corrupt) {
		t.Error(err)
	}
}
