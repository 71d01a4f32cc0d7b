package avro_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
)

// cell reads a row that has one field x in both schemas, and gives its text.
func cell(t testing.TB, reader, writer string, row []byte) string {
	t.Helper()
	d, p := decoder(t, parse(t, record(reader)), parse(t, record(writer)))
	if err := d.Append(p, row); err != nil {
		t.Fatalf("%s as %s: %v", writer, reader, err)
	}
	columns := d.Arrays()
	defer columns[0].Release()
	if columns[0].IsNull(0) {
		return "null"
	}
	if s, ok := columns[0].(*array.String); ok {
		return s.Value(0)
	}
	return columns[0].ValueStr(0)
}

func x(typ string) string { return `{"name": "x", "type": ` + typ + `}` }

// Rule: A3, A4. What a column holds follows from the reader's type alone.
func TestPlan_TypeEvolved_ColumnAsTheReaderSays(t *testing.T) {
	const at = 1769853600123
	millis, micros := `{"type": "long", "logicalType": "timestamp-millis"}`, `{"type": "long", "logicalType": "timestamp-micros"}`
	decimal := `{"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}`
	for _, c := range []struct {
		name, reader, writer string
		value                any
		want                 string
	}{
		{"union widened, long", `["null", "string", "long"]`, `["null", "long"]`, int64(7), `7`},
		{"union widened, null", `["null", "string", "long"]`, `["null", "long"]`, nil, `null`},
		{"union widened, long alone", `["null", "string", "long"]`, `"long"`, int64(7), `7`},
		{"union widened, text", `["null", "string", "long"]`, `["null", "string"]`, "abc", `"abc"`},
		{"union widened, text alone", `["null", "string", "long"]`, `"string"`, "null", `"null"`},
		{"union widened, type not of it", `["null", "string", "long"]`, `"boolean"`, true, `true`},
		{"union narrowed, text", `"string"`, `["string", "bytes"]`, "abc", `abc`},
		{"union narrowed, bytes", `["null", "string"]`, `["null", "string", "bytes"]`, []byte("abc"), `abc`},
		{"union narrowed, number", `"double"`, `["int", "long", "float"]`, float32(0.5), `0.5`},
		{"union in another order", `["string", "null", "long"]`, `["null", "long", "string"]`, "a", `"a"`},
		{"long in a union read as double", `["null", "string", "double"]`, `["null", "long"]`, int64(1e15), `1e+15`},
		{"the same type before one it grows to", `["null", "double", "long"]`, `"long"`, int64(1e15), `1000000000000000`},
		{"text in a union read as bytes", `["null", "bytes", "long"]`, `"string"`, "ab", `"YWI="`},
		{"a record made one of several types", `["null", {"type": "record", "name": "i", "fields": [{"name": "a", "type": "int"}]}, "string"]`, `{"type": "record", "name": "i", "fields": [{"name": "a", "type": "int"}]}`, map[string]any{"a": 1}, `{"a":1}`},
		{"array made one of several types", `["null", {"type": "array", "items": "double"}, "string"]`, `{"type": "array", "items": "int"}`, []any{1, 2}, `[1,2]`},
		{"milliseconds made a time", millis, `"long"`, int64(at), `2026-01-31T10:00:00.123Z`},
		{"microseconds made a time", micros, `"long"`, int64(at * 1000), `2026-01-31T10:00:00.123Z`},
		{"milliseconds made a time in a union", `["null", "string", ` + millis + `]`, `"long"`, int64(at), `"2026-01-31T10:00:00.123Z"`},
		{"bytes made a decimal", decimal, `"bytes"`, []byte{1, 0}, `2.56`},
		{"items grown", `{"type": "array", "items": "double"}`, `{"type": "array", "items": "int"}`, []any{1, 2}, `[1,2]`},
		{"items made nullable", `{"type": "array", "items": ["null", "string"]}`, `{"type": "array", "items": "string"}`, []any{"a"}, `["a"]`},
		{"items made a union", `{"type": "array", "items": ["null", "string", "long"]}`, `{"type": "array", "items": "string"}`, []any{"a"}, `["a"]`},
		{"values of a map grown", `{"type": "map", "values": ["null", "double"]}`, `{"type": "map", "values": "long"}`, map[string]any{"a": int64(1e15)}, `{"a":1e+15}`},
		{"symbol gone, with a default", `{"type": "enum", "name": "e", "symbols": ["A", "OTHER"], "default": "OTHER"}`, `{"type": "enum", "name": "e", "symbols": ["A", "B"]}`, "B", `OTHER`},
		{"symbol known, with a default", `{"type": "enum", "name": "e", "symbols": ["OTHER", "A"], "default": "OTHER"}`, `{"type": "enum", "name": "e", "symbols": ["A", "B"]}`, "A", `A`},
		{"symbol gone, without one", `{"type": "enum", "name": "e", "symbols": ["A"]}`, `{"type": "enum", "name": "e", "symbols": ["A", "B"]}`, "B", `B`},
		{"enum made text", `"string"`, `{"type": "enum", "name": "e", "symbols": ["A", "B"]}`, "B", `B`},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := marshal(t, record(x(c.writer)), map[string]any{"x": c.value})
			if got := cell(t, x(c.reader), x(c.writer), row); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// Rule: A3 inside JSON: the fields of the reader, in its order, with its
// defaults.
func TestPlan_RecordEvolved_JSONAsTheReaderSays(t *testing.T) {
	inner := func(fields string) string {
		return `{"type": "record", "name": "i", "fields": [` + fields + `]}`
	}
	for _, c := range []struct {
		name, reader, writer string
		value                any
		want                 string
	}{
		{"field added", inner(`{"name": "x", "type": "int"}, {"name": "y", "type": "int", "default": 5}`), inner(`{"name": "x", "type": "int"}`), map[string]any{"x": 1}, `{"x":1,"y":5}`},
		{"field added, without a default", inner(`{"name": "y", "type": "int"}, {"name": "x", "type": "int"}`), inner(`{"name": "x", "type": "int"}`), map[string]any{"x": 1}, `{"y":null,"x":1}`},
		{"field dropped", inner(`{"name": "x", "type": "int"}`), inner(`{"name": "a", "type": {"type": "map", "values": "string"}}, {"name": "x", "type": "int"}, {"name": "b", "type": "string"}`), map[string]any{"a": map[string]any{"q": "r"}, "x": 1, "b": "z"}, `{"x":1}`},
		{"order", inner(`{"name": "y", "type": "string"}, {"name": "n", "type": ["null", "long"], "default": null}, {"name": "x", "type": "int"}`), inner(`{"name": "x", "type": "int"}, {"name": "gone", "type": "string"}, {"name": "y", "type": "string"}`), map[string]any{"x": 1, "gone": "?", "y": "b"}, `{"y":"b","n":null,"x":1}`},
		{"alias", inner(`{"name": "y", "aliases": ["x"], "type": "long"}`), inner(`{"name": "x", "type": "int"}`), map[string]any{"x": 1}, `{"y":1}`},
		{"type changed against the rules", inner(`{"name": "x", "type": "int"}`), inner(`{"name": "x", "type": "string"}`), map[string]any{"x": "q"}, `{"x":"q"}`},
		{"record in a record", inner(`{"name": "o", "type": {"type": "record", "name": "j", "fields": [{"name": "b", "type": "boolean", "default": true}, {"name": "a", "type": "double"}]}}`),
			inner(`{"name": "o", "type": {"type": "record", "name": "j", "fields": [{"name": "a", "type": "int"}]}}`), map[string]any{"o": map[string]any{"a": 2}}, `{"o":{"b":true,"a":2}}`},
		{"default that is a record", inner(`{"name": "x", "type": "int"}, {"name": "o", "type": {"type": "record", "name": "j", "fields": [{"name": "a", "type": "int", "default": 3}, {"name": "s", "type": "string"}]}, "default": {"s": "q"}}`), inner(`{"name": "x", "type": "int"}`), map[string]any{"x": 1}, `{"x":1,"o":{"a":3,"s":"q"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := marshal(t, record(x(c.writer)), map[string]any{"x": c.value})
			if got := cell(t, x(c.reader), x(c.writer), row); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// A record that holds itself is resolved at every level.
func TestPlan_RecursiveRecordEvolved_EveryLevel(t *testing.T) {
	tree := func(more string) string {
		return `{"type": "record", "name": "n", "fields": [{"name": "v", "type": "int"}, {"name": "n", "type": ["null", "n"], "default": null}` + more + `]}`
	}
	// v 1, then a value, v 2, then null.
	got := cell(t, x(tree(`, {"name": "w", "type": "string", "default": "-"}`)), x(tree("")), []byte{2, 2, 4, 0})
	if want := `{"v":1,"n":{"v":2,"n":null,"w":"-"},"w":"-"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A field that has the old name of another takes its own values: each value
// goes to one field.
func TestPlan_AliasIsAlsoAName_EachFieldOnce(t *testing.T) {
	reader := parse(t, record(`{"name": "a", "type": ["null", "int"], "aliases": ["b"], "default": null}, {"name": "b", "type": "int"}`))
	writer := parse(t, record(`{"name": "b", "type": "int"}`))
	d, p := decoder(t, reader, writer)
	if err := d.Append(p, []byte{6}); err != nil {
		t.Fatal(err)
	}
	columns := d.Arrays()
	if !columns[0].IsNull(0) || columns[1].ValueStr(0) != "3" {
		t.Errorf("%v, %v", columns[0], columns[1])
	}
	for _, c := range columns {
		c.Release()
	}
}

func TestPlan_IllegalChanges_Refused(t *testing.T) {
	for _, c := range [][2]string{{`"null"`, `"long"`}, {`"null"`, `"string"`}, {`["null"]`, `"string"`}, {`"string"`, `{"type": "map", "values": "int"}`}, {`["null", "string"]`, `{"type": "array", "items": "int"}`},
		{`{"type": "long", "logicalType": "timestamp-millis"}`, `{"type": "int", "logicalType": "date"}`}, {`{"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}`, `"string"`}} {
		d, err := avro.NewDecoder(parse(t, record(x(c[0]))), []string{"x"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Plan(parse(t, record(x(c[1])))); !fault.Is(err, avro.NotAlike) {
			t.Errorf("%s as %s: %v", c[1], c[0], err)
		}
	}
}

// Rule: A3. Of a type and a union with it, a value gives the same whichever of
// them it was written as, at the top and inside other types.
func TestPlan_DrawnUnions_SameValueFromEachWriter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := 0
		typ, v := drawn(rt, &names, 0)
		if typ[0] == '[' || typ == `"null"` {
			rt.Skip("a union in a union")
		}
		writers := []struct {
			typ string
			row []byte
		}{
			{typ, v.bytes},
			{`["null", ` + typ + `]`, append([]byte{2}, v.bytes...)},
			{`["null", {"type": "fixed", "name": "other", "size": 7}, ` + typ + `]`, append([]byte{4}, v.bytes...)},
		}
		in := rapid.SampledFrom([]struct {
			typ         string
			begin, tail []byte
		}{
			{"%s", nil, nil},
			{`{"type": "array", "items": %s}`, []byte{2}, []byte{0}},
			{`{"type": "map", "values": %s}`, []byte{2, 2, 'k'}, []byte{0}},
			{`{"type": "record", "name": "in", "fields": [{"name": "b", "type": "boolean"}, {"name": "v", "type": %s}]}`, []byte{1}, nil},
		}).Draw(rt, "in")
		for _, reader := range writers {
			want := ""
			for _, writer := range writers {
				row := append(append(slices.Clone(in.begin), writer.row...), in.tail...)
				got := cell(t, x(fmt.Sprintf(in.typ, reader.typ)), x(fmt.Sprintf(in.typ, writer.typ)), row)
				if want == "" {
					want = got
				}
				if got != want {
					rt.Fatalf("%s written as %s and read as %s: %s, want %s", v.json, writer.typ, reader.typ, got, want)
				}
			}
		}
	})
}

// Rule: A1, A2, A4: of any two schemas and any row.
func FuzzPlan(f *testing.F) {
	f.Add(record(everything), record(everything), []byte{1, 14, 2, 5})
	f.Add(record(x(doubling(3))), record(x(`["null", `+doubling(2)+`]`)), []byte{2})
	f.Add(record(x(`{"type": "record", "name": "i", "fields": [{"name": "b", "type": "long", "default": 4}, {"name": "a", "type": ["null", "string", "long"]}, {"name": "c", "type": "string"}]}`)),
		record(x(`{"type": "record", "name": "i", "fields": [{"name": "c", "type": "bytes"}, {"name": "a", "type": ["null", "int"]}]}`)), []byte{2, 'q', 2, 2})
	f.Add(record(x(`["null", {"type": "array", "items": {"type": "map", "values": "double"}}, "string"]`)), record(x(`{"type": "array", "items": {"type": "map", "values": "int"}}`)), []byte{2, 2, 2, 'k', 2, 0, 0})
	f.Fuzz(func(t *testing.T, reader, writer string, row []byte) {
		r, err := avro.Parse(reader)
		if err != nil {
			return
		}
		w, err := avro.Parse(writer)
		if err != nil {
			return
		}
		bounded(t, "the plan", func() {
			d, err := avro.NewDecoder(r, names(r))
			if err != nil {
				return
			}
			p, err := d.Plan(w)
			if err != nil {
				return
			}
			want := 0
			for _, b := range [][]byte{row, nil, row} {
				if _, err := d.AppendFrom(p, b); err == nil {
					want++
				}
			}
			for i, a := range d.Arrays() {
				if a.Len() != want {
					t.Fatalf("%d values of %d rows", a.Len(), want)
				}
				s, ok := a.(*array.String)
				for n := range want {
					if ok && avro.IsJSON(r, i) && !s.IsNull(n) && !json.Valid([]byte(s.Value(n))) {
						t.Fatalf("%q is no JSON", s.Value(n))
					}
				}
				a.Release()
			}
		})
	})
}

// A time that microseconds cannot hold is JSON all the same.
func TestPlan_FarMilliseconds_InJSON(t *testing.T) {
	millis := `["null", "string", {"type": "long", "logicalType": "timestamp-millis"}]`
	far := time.Date(292000, 1, 1, 0, 0, 0, 0, time.UTC)
	row := marshal(t, record(x(`"long"`)), map[string]any{"x": far.UnixMilli() * 10})
	if got := cell(t, x(millis), x(`"long"`), row); got == "null" {
		t.Error(got)
	}
}
