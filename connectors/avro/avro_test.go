package avro_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	hamba "github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/ocf"
	"pgregory.net/rapid"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/hosttest"
)

func record(fields string) string {
	return `{"type": "record", "name": "event", "fields": [` + fields + `]}`
}

func parse(t testing.TB, text string) *avro.Schema {
	t.Helper()
	s, err := avro.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func names(s *avro.Schema) []string {
	var out []string
	for _, f := range s.Fields() {
		out = append(out, f.Name)
	}
	return out
}

// decoder reads rows of a writer's schema into all columns of a reader's.
func decoder(t testing.TB, reader, writer *avro.Schema) (*avro.Decoder, *avro.Plan) {
	t.Helper()
	d, err := avro.NewDecoder(reader, names(reader))
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Plan(writer)
	if err != nil {
		t.Fatal(err)
	}
	return d, p
}

// text gives the columns of a decoder as lines.
func text(d *avro.Decoder, s *avro.Schema) string {
	n := d.Rows()
	columns := d.Arrays()
	r := array.NewRecordBatch(arrow.NewSchema(s.Fields(), nil), columns, int64(n))
	defer r.Release()
	for _, c := range columns {
		c.Release()
	}
	return hosttest.Text(r)
}

func marshal(t testing.TB, s string, v any) []byte {
	t.Helper()
	parsed, err := hamba.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hamba.Marshal(parsed, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse_EachType_ItsColumn(t *testing.T) {
	for avroType, want := range map[string]string{
		`"boolean"`: "boolean", `"int"`: "integer", `"long"`: "bigint", `"float"`: "float", `"double"`: "double", `"bytes"`: "binary",
		`"string"`: "string", `"null"`: "string", `["null", "long"]`: "bigint", `["long", "null"]`: "bigint", `["string"]`: "string",
		`{"type": "int", "logicalType": "date"}`:                                    "date",
		`{"type": "int", "logicalType": "time-millis"}`:                             "integer",
		`{"type": "long", "logicalType": "timestamp-millis"}`:                       "timestamp",
		`{"type": "long", "logicalType": "timestamp-micros"}`:                       "timestamp",
		`{"type": "long", "logicalType": "local-timestamp-millis"}`:                 "timestamp_ntz",
		`{"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 3}`:  "decimal(12,3)",
		`{"type": "string", "logicalType": "uuid"}`:                                 "string",
		`{"type": "fixed", "name": "f", "size": 4}`:                                 "binary",
		`{"type": "enum", "name": "e", "symbols": ["A"]}`:                           "string",
		`{"type": "array", "items": "int"}`:                                         "array<integer>",
		`{"type": "array", "items": ["null", "string"]}`:                            "array<string>",
		`{"type": "array", "items": {"type": "array", "items": "int"}}`:             "string",
		`{"type": "map", "values": "int"}`:                                          "string",
		`{"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}`: "string",
		`["int", "string"]`: "string",
		`["null", {"type": "fixed", "name": "d", "size": 8, "logicalType": "decimal", "precision": 10, "scale": 2}]`: "decimal(10,2)",
	} {
		s := parse(t, record(`{"name": "x", "type": `+avroType+`}`))
		if got := schema.TypeName(s.Fields()[0].Type); got != want || !s.Fields()[0].Nullable {
			t.Errorf("%s is %s, want %s", avroType, got, want)
		}
	}
}

func TestParse_Unusable_Refused(t *testing.T) {
	for _, s := range []string{"", "{", `"int"`, `{"type": "record"}`, `{"type": "array", "items": "int"}`, record(`{"name": "1", "type": "int"}`),
		record(`{"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 50, "scale": 2}}`), strings.Repeat("[", 100000)} {
		if _, err := avro.Parse(s); !fault.Is(err, avro.BadSchema) {
			t.Errorf("%.40s: %v", s, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(record(`{"name": "x", "type": ["null", "long"]}`))
	f.Add(`{"type": "record", "name": "a", "fields": [{"name": "n", "type": ["null", "a"]}]}`)
	f.Add(record(`{"name": "x", "type": {"type": "array", "items": {"type": "record", "name": "r", "fields": [{"name": "a", "type": "long", "default": 7, "aliases": ["b"]}]}}, "default": [{}]}`))
	f.Add(record(x(doubling(20))))
	f.Add(record(x(wide())))
	rows := [][]byte{nil, make([]byte, 100), bytes.Repeat([]byte{2}, 100), {0x80, 0x80, 8, 0}}
	none := parse(f, record(""))
	f.Fuzz(func(t *testing.T, text string) {
		bounded(t, "the schema", func() {
			s, err := avro.Parse(text)
			if err != nil {
				return
			}
			d, err := avro.NewDecoder(s, names(s))
			if err != nil {
				return
			}
			for _, writer := range []*avro.Schema{s, none} {
				p, err := d.Plan(writer)
				if err != nil {
					continue
				}
				for _, row := range rows {
					_, _ = d.AppendFrom(p, row)
				}
			}
			for _, a := range d.Arrays() {
				a.Release()
			}
		})
	})
}

const everything = `{"name": "b", "type": "boolean"}, {"name": "i", "type": "int"}, {"name": "l", "type": ["null", "long"]},
	{"name": "f", "type": "float"}, {"name": "d", "type": "double"}, {"name": "s", "type": "string"}, {"name": "y", "type": "bytes"},
	{"name": "day", "type": {"type": "int", "logicalType": "date"}}, {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
	{"name": "dec", "type": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}},
	{"name": "e", "type": {"type": "enum", "name": "color", "symbols": ["RED", "BLUE"]}},
	{"name": "a", "type": {"type": "array", "items": ["null", "int"]}},
	{"name": "r", "type": {"type": "record", "name": "inner", "fields": [{"name": "k", "type": "string"}, {"name": "n", "type": ["null", "double"]}]}},
	{"name": "m", "type": {"type": "map", "values": "long"}}, {"name": "u", "type": ["null", "string", "long"]}`

func everyValue() map[string]any {
	return map[string]any{
		"b": true, "i": -7, "l": int64(math.MinInt64), "f": float32(1.5), "d": -0.25, "s": "grüße\n\"", "y": []byte{0, 255},
		"day": time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), "at": time.Date(2026, 1, 31, 10, 0, 0, 123e6, time.UTC), "dec": big.NewRat(-1234, 100), "e": "BLUE",
		"a": []any{1, nil, 3}, "r": map[string]any{"k": "x\ty", "n": 2.5}, "m": map[string]any{"z": int64(9)}, "u": int64(5),
	}
}

func TestDecoder_EveryType_ValuesAsWritten(t *testing.T) {
	s := parse(t, record(everything))
	d, p := decoder(t, s, s)
	b := marshal(t, s.Text(), everyValue())
	other := everyValue()
	other["l"], other["u"], other["a"], other["r"] = nil, nil, []any{}, map[string]any{"k": "", "n": nil}
	for _, row := range [][]byte{b, marshal(t, s.Text(), other)} {
		if err := d.Append(p, row); err != nil {
			t.Fatal(err)
		}
	}
	got := text(d, s)
	for _, want := range []string{"-9223372036854775808", "grüße", "2026-01-31", "123", "-12.34", "BLUE", `{"k":"x\ty","n":2.5}`, `{"z":9}`, "5", `{"k":"","n":null}`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	// Every prefix is a bad row that leaves nothing behind; so is a byte too many.
	for n := range len(b) {
		if err := d.Append(p, b[:n]); !fault.Is(err, avro.Corrupt) {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	if err := d.Append(p, append(bytes.Clone(b), 0)); !fault.Is(err, avro.Corrupt) || d.Rows() != 0 {
		t.Fatal(err, d.Rows())
	}
	if err := d.Append(p, b); err != nil {
		t.Fatal(err)
	}
	if again := text(d, s); again != strings.SplitN(got, "\n", 2)[0] && !strings.HasPrefix(got, strings.TrimRight(again, "\n")) {
		t.Errorf("after bad rows:\n%s\nbefore:\n%s", again, got)
	}
}

// Rule: S-401; A3.
func TestPlan_OtherWriter_ColumnsOfTheReader(t *testing.T) {
	for _, c := range []struct {
		name, writer, reader string
		value                map[string]any
		want                 string
	}{
		{"field added", `{"name": "a", "type": "int"}, {"name": "new", "type": {"type": "map", "values": "string"}}`, `{"name": "a", "type": "int"}`,
			map[string]any{"a": 1, "new": map[string]any{"q": "r"}}, "1"},
		{"field missing, with a default", `{"name": "a", "type": "int"}`, `{"name": "a", "type": "int"}, {"name": "s", "type": "string", "default": "none"}, {"name": "n", "type": ["null", "long"], "default": null}, {"name": "x", "type": "long", "default": 7}, {"name": "arr", "type": {"type": "array", "items": "int"}, "default": [1, 2]}, {"name": "u", "type": ["long", "null"], "default": 3}`,
			map[string]any{"a": 1}, "1 | none | null | 7 | [1 2] | 3"},
		{"field missing, without one", `{"name": "a", "type": "int"}`, `{"name": "gone", "type": "string"}, {"name": "a", "type": "int"}`, map[string]any{"a": 1}, "null | 1"},
		{"alias", `{"name": "old", "type": "int"}`, `{"name": "a", "type": "long", "aliases": ["old"]}`, map[string]any{"old": 3}, "3"},
		{"order", `{"name": "a", "type": "int"}, {"name": "b", "type": "string"}`, `{"name": "b", "type": "string"}, {"name": "a", "type": "int"}`, map[string]any{"a": 1, "b": "x"}, "x | 1"},
		{"int to long, float, double", `{"name": "a", "type": "int"}, {"name": "b", "type": "int"}, {"name": "c", "type": "float"}`, `{"name": "a", "type": "long"}, {"name": "b", "type": "double"}, {"name": "c", "type": "double"}`, map[string]any{"a": 1, "b": 2, "c": float32(0.5)}, "1 | 2 | 0.5"},
		{"made nullable", `{"name": "a", "type": "int"}`, `{"name": "a", "type": ["null", "int"]}`, map[string]any{"a": 1}, "1"},
		{"milliseconds to microseconds", `{"name": "a", "type": {"type": "long", "logicalType": "timestamp-millis"}}`, `{"name": "a", "type": {"type": "long", "logicalType": "timestamp-micros"}}`, map[string]any{"a": time.UnixMilli(1769853600123).UTC()}, "2026-01-31T10:00:00.123"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, r := parse(t, record(c.writer)), parse(t, record(c.reader))
			d, p := decoder(t, r, w)
			if err := d.Append(p, marshal(t, w.Text(), c.value)); err != nil {
				t.Fatal(err)
			}
			if got := text(d, r); !strings.Contains(strings.ReplaceAll(got, ",", " "), c.want) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestPlan_TypesDiffer_Refused(t *testing.T) {
	for _, c := range [][2]string{{`"string"`, `"int"`}, {`"long"`, `"int"`}, {`"double"`, `"float"`}, {`"int"`, `{"type": "array", "items": "int"}`},
		{`{"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}`, `{"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 3}`}, {`["null", "string"]`, `"long"`}} {
		w, r := parse(t, record(`{"name": "x", "type": `+c[0]+`}`)), parse(t, record(`{"name": "x", "type": `+c[1]+`}`))
		d, err := avro.NewDecoder(r, names(r))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Plan(w); !fault.Is(err, avro.NotAlike) || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("%s as %s: %v", c[0], c[1], err)
		}
	}
}

// Counts and lengths that the bytes cannot bear are refused before memory is
// taken for them.
func TestDecoder_HostileCounts_Refused(t *testing.T) {
	huge := []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}
	least := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}
	for name, c := range map[string]struct {
		typ string
		b   []byte
	}{
		"long text":             {`"string"`, huge},
		"negative text":         {`"string"`, []byte{1}},
		"long array":            {`{"type": "array", "items": "int"}`, huge},
		"least array":           {`{"type": "array", "items": "int"}`, least},
		"array of nothing":      {`{"type": "array", "items": "null"}`, huge},
		"map":                   {`{"type": "map", "values": "null"}`, huge},
		"number without an end": {`"long"`, bytes.Repeat([]byte{0xff}, 20)},
		"union":                 {`["null", "int"]`, []byte{4}},
		"enum":                  {`{"type": "enum", "name": "e", "symbols": ["A"]}`, []byte{2}},
		"int of 64 bits":        {`"int"`, huge},
		"text not UTF-8":        {`"string"`, []byte{2, 0xff}},
		"boolean 2":             {`"boolean"`, []byte{2}},
		"deep":                  {`{"type": "record", "name": "n", "fields": [{"name": "n", "type": ["null", "n"]}]}`, bytes.Repeat([]byte{2}, 5000)},
	} {
		s := parse(t, record(`{"name": "x", "type": `+c.typ+`}`))
		none := parse(t, record(``))
		for _, reader := range []*avro.Schema{s, none} { // taken and stepped over
			d, p := decoder(t, reader, s)
			if name == "text not UTF-8" && reader == none {
				continue
			}
			if err := d.Append(p, c.b); !fault.Is(err, avro.Corrupt) || d.Rows() != 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Rule: A1, A2.
func FuzzDecoder(f *testing.F) {
	s := parse(f, record(everything))
	f.Add(marshal(f, s.Text(), everyValue()))
	f.Add([]byte{1, 2, 3})
	// A reader with other fields, in another order.
	other := parse(f, record(`{"name": "u", "type": ["null", "double", "bytes"]}, {"name": "r", "type": {"type": "record", "name": "inner", "fields": [{"name": "n", "type": ["null", "double", "string"]}, {"name": "x", "type": "int", "default": 1}, {"name": "k", "type": "bytes"}]}},
		{"name": "s", "type": ["null", "string"]}, {"name": "a", "type": {"type": "array", "items": ["null", "double"]}}, {"name": "new", "type": "long", "default": 3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, reader := range []*avro.Schema{s, other} {
			bounded(t, "the row", func() {
				d, p := decoder(t, reader, s)
				want := 1
				if err := d.Append(p, b); err != nil {
					want = 0
				}
				if err := d.Append(p, marshal(t, s.Text(), everyValue())); err != nil {
					t.Fatal(err)
				}
				if d.Rows() != want+1 {
					t.Fatalf("%d rows", d.Rows())
				}
				for _, a := range d.Arrays() {
					if a.Len() != want+1 {
						t.Fatal(a.Len())
					}
					a.Release()
				}
			})
		}
	})
}

const columns = "b boolean, i int, l bigint, f float, d double, s string, y binary, day date, at timestamp, ntz timestamp_ntz, dec decimal(12,3), ls array<bigint>, ss array<string>"

// Rule: A5.
func TestEncoder_WhatItWrites_ReadsBack(t *testing.T) {
	in := hosttest.Record(t, columns,
		"true | -7 | 9223372036854775807 | 1.5 | -0.25 | grüße | YWI= | 2026-01-31 | 2026-01-31T10:00:00.000001Z | 2026-01-31T10:00:00Z | -1.234 | [1,null,3] | [\"a\",\"b\"]",
		"null | null | null | null | null | null | null | null | null | null | null | null | null",
		"false | 0 | 0 | 0 | 0 | | | 1969-12-31 | 1969-12-31T00:00:00Z | 1970-01-01 | 999999999.999 | [] | []")
	defer in.Release()
	e, err := avro.NewEncoder("row", in.Schema().Fields())
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, e.Text())
	d, p := decoder(t, s, s)
	for i := range int(in.NumRows()) {
		b := e.Append(nil, in.Columns(), i)
		if err := d.Append(p, b); err != nil {
			t.Fatal(err)
		}
		// Another implementation reads it as well.
		var v map[string]any
		parsed, err := hamba.Parse(e.Text())
		if err != nil {
			t.Fatal(err)
		}
		if err := hamba.Unmarshal(parsed, b, &v); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := text(d, s), hosttest.Text(in); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

func TestEncoder_DrawnDecimals_ReadBack(t *testing.T) {
	fields := []arrow.Field{{Name: "d", Type: &arrow.Decimal128Type{Precision: 38, Scale: 0}, Nullable: true}}
	e, err := avro.NewEncoder("row", fields)
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, e.Text())
	d, p := decoder(t, s, s)
	rapid.Check(t, func(rt *rapid.T) {
		digits := rapid.StringMatching(`-?[1-9][0-9]{0,37}`).Draw(rt, "decimal")
		in := hosttest.Record(t, "d decimal(38,0)", digits)
		defer in.Release()
		if err := d.Append(p, e.Append(nil, in.Columns(), 0)); err != nil {
			rt.Fatal(err)
		}
		if got := text(d, s); got != hosttest.Text(in) {
			rt.Fatalf("%s, want %s", got, digits)
		}
	})
}

func TestEncoder_NoImage_Refused(t *testing.T) {
	for _, f := range []arrow.Field{{Name: "x y", Type: arrow.PrimitiveTypes.Int32}, {Name: "1", Type: arrow.PrimitiveTypes.Int32}, {Name: "x", Type: arrow.PrimitiveTypes.Uint8}, {Name: "x", Type: arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32))}} {
		if _, err := avro.NewEncoder("row", []arrow.Field{f}); !fault.Is(err, avro.BadColumn) {
			t.Errorf("%v: %v", f, err)
		}
	}
}

// container writes rows 0 to n-1 as an object container file.
func container(t testing.TB, codec ocf.CodecName, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := ocf.NewEncoder(record(`{"name": "n", "type": "long"}, {"name": "s", "type": ["null", "string"]}`), &b, ocf.WithCodec(codec), ocf.WithBlockLength(100))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.Encode(map[string]any{"n": int64(i), "s": fmt.Sprint("row ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readAll gives the rows of a container file.
func readAll(b []byte) (rows int, err error) {
	c, err := avro.OpenContainer(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	d, err := avro.NewDecoder(c.Schema(), names(c.Schema()))
	if err != nil {
		return 0, err
	}
	p, err := d.Plan(c.Schema())
	if err != nil {
		return 0, err
	}
	for {
		block, n, err := c.Next()
		if err == io.EOF { //nolint:errorlint // the end itself
			break
		}
		if err != nil {
			return rows, err
		}
		for ; n > 0; n-- {
			used, err := d.AppendFrom(p, block)
			if err != nil {
				return rows, err
			}
			if used == 0 && n > 1<<20 {
				return rows, errors.New("rows without content")
			}
			block = block[used:]
			rows++
		}
		if len(block) > 0 {
			return rows, fault.New(avro.Corrupt, "bytes behind the rows")
		}
		for _, a := range d.Arrays() {
			a.Release()
		}
	}
	if c.Bytes() != int64(len(b)) {
		return rows, fmt.Errorf("%d of %d bytes", c.Bytes(), len(b))
	}
	return rows, nil
}

func TestContainer_EachCodec_AllRows(t *testing.T) {
	for _, codec := range []ocf.CodecName{ocf.Null, ocf.Deflate, ocf.Snappy} {
		b := container(t, codec, 1234)
		if rows, err := readAll(b); err != nil || rows != 1234 {
			t.Errorf("%s: %d rows, %v", codec, rows, err)
		}
		for n := 0; n < len(b); n += 1 + len(b)/300 {
			rows, err := readAll(b[:n])
			if err == nil && rows%100 != 0 || err == nil && n > 0 && rows == 1234 {
				t.Errorf("%s cut to %d of %d bytes: %d rows", codec, n, len(b), rows)
			}
			if err != nil && (!fault.Is(err, avro.Corrupt) || errors.Is(err, io.EOF)) {
				t.Errorf("%s cut to %d bytes: %v", codec, n, err)
			}
		}
	}
	if _, err := avro.OpenContainer(bytes.NewReader(container(t, ocf.ZStandard, 1))); !fault.Is(err, avro.BadSchema) || !strings.Contains(err.Error(), "zstandard") {
		t.Error(err)
	}
}

func FuzzContainer(f *testing.F) {
	for _, codec := range []ocf.CodecName{ocf.Null, ocf.Deflate, ocf.Snappy} {
		f.Add(container(f, codec, 3))
	}
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = readAll(b) })
}

// BenchmarkDecoder tells nanoseconds per row.
func BenchmarkDecoder(b *testing.B) {
	s := parse(b, record(`{"name": "user_id", "type": "long"}, {"name": "event", "type": "string"}, {"name": "amount", "type": ["null", "double"]}, {"name": "ok", "type": "boolean"}`))
	row := marshal(b, s.Text(), map[string]any{"user_id": int64(12345678), "event": "page_view", "amount": 12.75, "ok": true})
	d, p := decoder(b, s, s)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := d.Append(p, row); err != nil {
			b.Fatal(err)
		}
		if n++; d.Rows() == 8192 {
			for _, a := range d.Arrays() {
				a.Release()
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
}
