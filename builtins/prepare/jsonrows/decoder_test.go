package jsonrows_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/prepare/jsonrows"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

func decoder(t testing.TB, columns string) *jsonrows.Decoder {
	t.Helper()
	s, err := schema.Parse(columns)
	if err != nil {
		t.Fatal(err)
	}
	d, err := jsonrows.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// decode gives the rows of texts as text, "" standing for a null.
func decode(t testing.TB, d *jsonrows.Decoder, texts ...string) (string, jsonrows.Rows) {
	t.Helper()
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for _, s := range texts {
		if s == "" {
			b.AppendNull()
		} else {
			b.Append(s)
		}
	}
	in := b.NewArray()
	defer in.Release()
	out, err := d.Decode(memory.DefaultAllocator, in)
	if err != nil {
		t.Fatal(err)
	}
	r := array.NewRecordBatch(d.Schema(), out.Columns, int64(len(texts)))
	defer r.Release()
	return hosttest.Text(r), out
}

// Rule: S-505, S-407, S-403.
func TestDecode_AnyValue_AsTheTableSays(t *testing.T) {
	for _, c := range []struct {
		typ, json, want string
		failed          int64
	}{
		{"int", `1`, "1", 0}, {"int", `"7"`, "7", 0}, {"int", `2.9`, "2", 0}, {"int", `-2.9`, "-2", 0}, {"int", `" 8 "`, "8", 0},
		{"int", `1e3`, "null", 1}, {"int", `true`, "null", 1}, {"int", `"x"`, "null", 1}, {"int", `{}`, "null", 1}, {"int", `[1]`, "null", 1},
		{"int", `2147483648`, "null", 1}, {"int", strings.Repeat("9", 5000), "null", 1}, {"int", `null`, "null", 0},
		{"bigint", `9223372036854775807`, "9223372036854775807", 0}, {"bigint", `9223372036854775808`, "null", 1},
		{"double", `1e3`, "1000", 0}, {"double", `1e999`, "+Inf", 0}, {"double", `"NaN"`, "NaN", 0}, {"double", `-0`, "-0", 0}, {"double", `0.1`, "0.1", 0},
		{"float", `0.1`, "0.10000000149011612", 0}, {"decimal(4,1)", `12.35`, "12.4", 0}, {"decimal(4,1)", `12345`, "null", 1},
		{"boolean", `true`, "true", 0}, {"boolean", `"No"`, "false", 0}, {"boolean", `1`, "true", 0}, {"boolean", `2`, "null", 1},
		{"timestamp", `"2024-01-02T03:04:05Z"`, "2024-01-02T03:04:05Z", 0}, {"date", `"2024-01-02"`, "2024-01-02", 0}, {"date", `"soon"`, "null", 1},
		{"string", `"x"`, "x", 0}, {"string", `1.50`, "1.50", 0}, {"string", `true`, "true", 0}, {"string", `null`, "null", 0}, {"string", `1e0`, "1e0", 0},
		{"string", `"a\"\\\/\b\f\n\r\t\u00e9é\ud83d\ude00"`, "a\"\\/\b\f\n\r\té" + "é😀", 0},
		{"string", `"\ud800x\udc00\ud83d\ud83d\ude00\ud83d\u0041"`, "\ufffdx\ufffd\ufffd😀\ufffdA", 0},
		{"string", "{ \"x y\" : [ 1 ,\t2 ], \"\\\" :\" : { } }", `{"x y":[1,2],"\" :":{}}`, 0},
		{"binary", `"abc"`, "YWJj", 0},
		{"array<int>", `[1, "2", 3.7, null, "x", [4], true]`, "[1,2,3,null,null,null,null]", 3}, {"array<int>", `[ ]`, "[]", 0}, {"array<int>", `3`, "null", 1}, {"array<int>", `"[1]"`, "null", 1}, {"array<int>", `null`, "null", 0},
		{"array<string>", `["a\n", {"b": 1}, [ 2 ]]`, `["a\n","{\"b\":1}","[2]"]`, 0},
		{"struct<c: string, d: int>", `{"e": 1, "c": 5}`, `{"c":"5","d":null}`, 0}, {"struct<c: string>", `{}`, `{"c":null}`, 0}, {"struct<c: string>", `[1]`, "null", 1}, {"struct<c: int>", `{"c": "x"}`, `{"c":null}`, 1},
		{"struct<c: int>", `{"c": 1, "c": 2}`, `{"c":1}`, 0}, {`struct<"c.d": int>`, `{"c": {"d": 1}, "c.d": 2}`, `{"c.d":2}`, 0}, {"struct<c: int>", `"{}"`, "null", 1},
		{"array<struct<x: int, y: array<double>>>", `[{"x": 1, "y": [1.5, null]}, null, {"y": 3}, 4, {"x": 2}]`,
			`[{"x":1,"y":[1.5,null]},null,{"x":null,"y":null},null,{"x":2,"y":null}]`, 2},
		{"struct<p: struct<q: array<string>>>", `{"p": {"q": ["a", 1]}}`, `{"p":{"q":["a","1"]}}`, 0},
	} {
		d := decoder(t, "a "+c.typ)
		for range 2 { // what a batch leaves behind does not reach the next
			got, rows := decode(t, d, `{"a": `+c.json+`}`, "", `{"b": 1}`)
			if want := c.want + "\nnull\nnull\n"; got != want || rows.Failed[0] != c.failed || len(rows.Bad) > 0 {
				t.Errorf("%s as %s is %q, want %q, %d failed, want %d, bad %v", c.json, c.typ, got, want, rows.Failed[0], c.failed, rows.Bad)
			}
			rows.Release()
		}
	}
}

// Rule: S-505.
func TestDecode_Names_DescendByDotsAndFirstCounts(t *testing.T) {
	d := decoder(t, "b.c int, b struct<c: int>, a int, b.d.e string, é int")
	got, rows := decode(t, d,
		`{"a": 1, "b": {"c": 2, "d": {"e": "x"}}}`,
		`{"b": {"c": 1}, "b": {"c": 2, "d": {"e": "no"}}, "a": null, "a": 5}`,
		`{"b": 5, "b.c": 7, "\u0061": 9, "\u00e9": 3}`,
		`{"b": {"d": "x", "c": [1]}, "A": 1, "é": "4"}`,
		`{"x": {"a": 1, "b": {"c": 2}}, "b": {"b": 1, "d": {"e": {"f": 1}}}}`)
	want := `2 | {"c":2} | 1 | x | null
1 | {"c":1} | null | null | null
null | null | 9 | null | 3
null | {"c":null} | null | null | 4
null | {"c":null} | null | {"f":1} | null
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if fmt.Sprint(rows.Failed) != "[1 2 0 0 0]" || len(rows.Bad) > 0 {
		t.Error(rows.Failed, rows.Bad)
	}
	rows.Release()
}

// Rule: S-505.
func TestDecode_NoJSONObject_AllNullAndTold(t *testing.T) {
	d := decoder(t, "a int, s string")
	deep := func(n int) string { return `{"s": ` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for _, text := range []string{
		" ", "not json", "null", "1", `"x"`, "[]", `[{"a": 1}]`, "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{,}`,
		`{"a":1}x`, `{"a":1}{}`, `{"a":01}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `{"a":1e}`, `{"a":1e+}`, `{"a":-}`, `{"a":0x1}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":tru}`, `{"a":truex}`, `{"a":nul`,
		"{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}", "{\"s\":\"é\xc3\"}", "{\"\xff\":1}", `{"a":"\q"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\`, `{"a":"x`, `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":[`, "\ufeff{}", "{}\x00",
		`{"a":1,"x":01}`, deep(1000), deep(1_000_000), strings.Repeat(`{"a":`, 1_000_000), strings.Repeat(`{"x":`, 500_000),
	} {
		got, rows := decode(t, d, `{"a":1,"s":"y"}`, text, `{"a":2}`)
		if want := "1 | y\nnull | null\n2 | null\n"; got != want || fmt.Sprint(rows.Bad) != "[1]" || rows.Failed[0]+rows.Failed[1] > 0 {
			t.Errorf("%.40q gives %q, bad %v, failed %v", text, got, rows.Bad, rows.Failed)
		}
		rows.Release()
	}
	for _, text := range []string{"{}", " {\n}\t", deep(999), `{"a" : 1 , "s" : [ ] }` + "\r\n"} {
		_, rows := decode(t, d, text)
		if len(rows.Bad) > 0 {
			t.Errorf("%.40q is bad", text)
		}
		rows.Release()
	}
}

// A text of bytes is read as one of characters is, from any slice.
func TestDecode_BinaryAndSlices_SameRows(t *testing.T) {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	for _, s := range []string{"x", `{"a":1}`, `{"a":"\n`, `{"a":3}`} {
		b.Append([]byte(s))
	}
	b.AppendNull()
	whole := b.NewArray()
	d := decoder(t, "a int")
	for _, c := range []struct {
		from, to int64
		want     string
	}{{0, 5, "[(null) 1 (null) 3 (null)] [0 2]"}, {1, 4, "[1 (null) 3] [1]"}, {5, 5, "[] []"}, {4, 5, "[(null)] []"}} {
		s := array.NewSlice(whole, c.from, c.to)
		rows, err := d.Decode(memory.DefaultAllocator, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(rows.Columns[0], rows.Bad); got != c.want {
			t.Errorf("%d to %d: %s", c.from, c.to, got)
		}
		rows.Release()
		s.Release()
	}
	empty := array.NewSliceData(array.NewData(arrow.BinaryTypes.String, 0, []*memory.Buffer{nil, nil, nil}, nil, 0, 0), 0, 0)
	if rows, err := d.Decode(memory.DefaultAllocator, array.MakeFromData(empty)); err != nil || rows.Columns[0].Len() != 0 {
		t.Error(rows, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("numbers are texts")
		}
	}()
	_, _ = d.Decode(memory.DefaultAllocator, array.MakeArrayOfNull(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, 1))
}

func TestNew_NoField_Refused(t *testing.T) {
	field := func(name string, t arrow.DataType) flow.Field { return flow.Field{Name: name, Type: t} }
	text := arrow.DataType(arrow.BinaryTypes.String)
	for _, c := range []struct {
		fields []flow.Field
		want   string
	}{
		{[]flow.Field{field("", text)}, "single dots"}, {[]flow.Field{field("a..b", text)}, "single dots"}, {[]flow.Field{field(".a", text)}, "single dots"},
		{[]flow.Field{field("a", text), field("b", text), field("a", arrow.PrimitiveTypes.Int32)}, `a: FH-7029: the field "a" occurs twice`},
		{[]flow.Field{field("a", arrow.PrimitiveTypes.Uint8)}, "no JSON value can become uint8"},
		{[]flow.Field{field("a", arrow.ListOf(arrow.PrimitiveTypes.Uint8))}, "uint8"},
		{[]flow.Field{field("a", arrow.StructOf())}, "struct without fields"},
		{[]flow.Field{field("a", arrow.StructOf(field("x", arrow.PrimitiveTypes.Uint8)))}, "uint8"},
		{[]flow.Field{field("a", arrow.StructOf(field("", text)))}, "name of its own"},
		{[]flow.Field{field("a", arrow.StructOf(field("x", text), field("x", text)))}, "name of its own"},
	} {
		_, err := jsonrows.New(flow.NewSchema(c.fields))
		if !fault.Is(err, jsonrows.BadField) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.fields, err)
		}
	}
	if len(jsonrows.Codes()) != 2 {
		t.Error("codes are not explained")
	}
}

// find is the oracle: the value of a path, first of its name, by encoding/json.
func find(t testing.TB, raw []byte, path ...string) (json.RawMessage, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if name != path[0] {
			continue
		}
		if len(path) == 1 {
			return v, true
		}
		return find(t, v, path[1:]...)
	}
	return nil, false
}

func depth(raw string) (most int) {
	d := json.NewDecoder(strings.NewReader(raw))
	for n := 0; ; {
		tok, err := d.Token()
		if err != nil {
			return most
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			n++
			most = max(most, n)
		case json.Delim('}'), json.Delim(']'):
			n--
		}
	}
}

// same checks a text against encoding/json.
func same(t testing.TB, d *jsonrows.Decoder, raw string) {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.Append(raw)
	in := b.NewArray()
	defer in.Release()
	rows, err := d.Decode(memory.DefaultAllocator, in)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Release()
	good := json.Valid([]byte(raw)) && utf8.ValidString(raw) && strings.HasPrefix(strings.TrimLeft(raw, " \t\r\n"), "{") && depth(raw) <= 1000
	if good == (len(rows.Bad) > 0) {
		t.Fatalf("%q: good %v, bad %v", raw, good, rows.Bad)
	}
	for i, path := range [][]string{{"a"}, {"b", "c"}} {
		want, ok := "", false
		if good {
			var v json.RawMessage
			if v, ok = find(t, []byte(raw), path...); ok {
				var text string
				switch {
				case string(v) == "null":
					ok = false
				case v[0] == '"':
					if err := json.Unmarshal(v, &text); err != nil {
						t.Fatal(err)
					}
					want = text
				default:
					var c bytes.Buffer
					if err := json.Compact(&c, v); err != nil {
						t.Fatal(err)
					}
					want = c.String()
				}
			}
		}
		got := rows.Columns[i].(*array.String)
		if got.IsValid(0) != ok || ok && got.Value(0) != want {
			t.Fatalf("%q: field %v is %v, want %q %v", raw, path, got, want, ok)
		}
	}
}

const oracleColumns = "a string, b.c string, n array<struct<x: int, y: array<double>>>, b struct<c: string, d: struct<e: boolean>>"

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a": 1, "b": {"c": "x"}, "d": [1, 2]}`, `{"n": [{"x": 1, "y": [1, 2e3]}, null, 3], "b": {"d": {"e": true}}}`, `{"a":"\ud83d\ude00\n"}`, `not json`, `{"a":[[[]]],"b":{"c":{"b":{"c":-0.1e+5}}}}`, "{\"a\xff\":\"\x7f\xc3\xa9\"}"} {
		f.Add(s)
	}
	d := decoder(f, oracleColumns)
	f.Fuzz(func(t *testing.T, raw string) { same(t, d, raw) })
}

// Texts made of the signs of the grammar are good and bad about as often as
// not, and hold what encoding/json finds in them.
func TestDecode_TextsOfTheGrammar_AsEncodingJSON(t *testing.T) {
	d := decoder(t, oracleColumns)
	good := 0
	rapid.Check(t, func(rt *rapid.T) {
		raw := object(rt, 3)
		if n := len(raw); rapid.IntRange(0, 3).Draw(rt, "hurt") == 0 {
			at := rapid.IntRange(0, n-1).Draw(rt, "at")
			raw = raw[:at] + rapid.SampledFrom([]string{"", "\"", "\\", ",", "}", " ", "\x01", "é", "\x80", "1"}).Draw(rt, "by") + raw[at+1:]
		}
		if json.Valid([]byte(raw)) {
			good++
		}
		same(t, d, raw)
	})
	if good == 0 {
		t.Error("no text was good")
	}
}

func object(rt *rapid.T, depth int) string {
	var parts []string
	for range rapid.IntRange(0, 4).Draw(rt, "members") {
		name := rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`, `"\u0061"`, `"long name of more than eight"`, `"n"`, `"d"`, `"é"`}).Draw(rt, "name")
		parts = append(parts, name+gap(rt)+":"+gap(rt)+value(rt, depth-1)+gap(rt))
	}
	return "{" + gap(rt) + strings.Join(parts, ","+gap(rt)) + "}"
}

func gap(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", " ", "\n\t "}).Draw(rt, "gap")
}

func value(rt *rapid.T, depth int) string {
	switch kind := rapid.IntRange(0, 7).Draw(rt, "kind"); {
	case kind <= 1 && depth > 0:
		return object(rt, depth)
	case kind == 2 && depth > 0:
		var parts []string
		for range rapid.IntRange(0, 3).Draw(rt, "elements") {
			parts = append(parts, value(rt, depth-1))
		}
		return "[" + gap(rt) + strings.Join(parts, gap(rt)+",") + "]"
	case kind <= 4:
		return `"` + rapid.SampledFrom([]string{"", "x", `\n`, `\ud83d\ude00`, `\ud83d`, "0123456789abcdef", `ab"`, `seven77\"`, "é", "\x7f", `\\`}).Draw(rt, "text") + `"`
	}
	return rapid.SampledFrom([]string{"0", "-1.5e+3", "12", "true", "false", "null", "01", "1.", "-"}).Draw(rt, "word")
}

// Rows do not depend on the batch that they stand in, and nothing leaks.
func TestDecode_SplitBatches_SameRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		texts := rapid.SliceOfN(rapid.SampledFrom([]string{"", "x", `{"a":"1"}`, `{"a":"x"}`, `{"n":[{"x":1,"y":[1,null]},null]}`, `{"n":[]}`, `{"b":{"c":"é","d":{"e":1}}}`, `{"a":"longer than eight"}`}), 1, 30).Draw(rt, "texts")
		b := array.NewStringBuilder(mem)
		defer b.Release()
		for _, s := range texts {
			if s == "" {
				b.AppendNull()
			} else {
				b.Append(s)
			}
		}
		in := b.NewArray()
		defer in.Release()
		d := decoder(t, "a int, s string, "+oracleColumns[len("a string, "):])
		size := rapid.IntRange(1, 30).Draw(rt, "batch")
		got := ""
		for _, n := range []int{len(texts), size} {
			text := ""
			for at := 0; at < len(texts); at += n {
				s := array.NewSlice(in, int64(at), int64(min(at+n, len(texts))))
				rows, err := d.Decode(mem, s)
				if err != nil {
					rt.Fatal(err)
				}
				r := array.NewRecordBatch(d.Schema(), rows.Columns, int64(s.Len()))
				text += hosttest.Text(r)
				r.Release()
				rows.Release()
				s.Release()
			}
			if got != "" && text != got {
				rt.Fatalf("got\n%s\nwant\n%s", text, got)
			}
			got = text
		}
	})
}

// Many names are found by hash as few are one by one.
func TestDecode_ManyNames_EachFound(t *testing.T) {
	var columns, members, want []string
	for i := range 40 {
		columns = append(columns, fmt.Sprintf("f%d int", i))
		members = append([]string{fmt.Sprintf(`"f%d": %d, "g%d": 1`, i, i, i)}, members...)
		want = append(want, fmt.Sprint(i))
	}
	got, rows := decode(t, decoder(t, strings.Join(columns, ",")), "{"+strings.Join(members, ",")+"}")
	if got != strings.Join(want, " | ")+"\n" {
		t.Error(got)
	}
	rows.Release()
}

// Every sign that ends or spoils a text is seen wherever it stands among the
// eight bytes looked at together.
func TestDecode_SignsAtEveryPlace_AsEncodingJSON(t *testing.T) {
	d := decoder(t, oracleColumns)
	for _, sign := range []string{"\x00", "\x1f", " ", `"`, `\`, `\n`, `\u00e9`, "\x7f", "\x80", "é", "\xc3", "\xff", "😀", "!", "["} {
		for n := range 20 {
			for at := range n + 1 {
				same(t, d, `{"a": "`+strings.Repeat("x", at)+sign+strings.Repeat("x", n-at)+`", "b": {"c": "é"}}`)
			}
		}
	}
}

// Rows belong to the caller: the next batch does not touch them.
func TestDecode_NextBatch_RowsStay(t *testing.T) {
	d := decoder(t, "a string, b binary, c int, d array<string>, e struct<f: string>")
	texts := func(s string, n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprintf(`{"a": "%s%d", "b": "%s", "c": %d, "d": ["%s", null], "e": {"f": "%s"}}`, s, i, s, i, s, s)
		}
		return append(out, "")
	}
	want, first := decode(t, d, texts("x", 9)...)
	defer first.Release()
	_, second := decode(t, d, texts("yyy", 9)...)
	defer second.Release()
	r := array.NewRecordBatch(d.Schema(), first.Columns, 10)
	defer r.Release()
	if got := hosttest.Text(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
