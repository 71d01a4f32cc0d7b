//go:build duckdb_arrow

package sql_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
)

// plainColumns are columns of every type that the file reader decodes itself.
var plainColumns = []config.Column{
	{Name: "i", Type: "int"}, {Name: "l", Type: "bigint"}, {Name: "f", Type: "float"}, {Name: "d", Type: "double"},
	{Name: "b", Type: "boolean"}, {Name: "s", Type: "string"}, {Name: "t", Type: "timestamp"}, {Name: "day", Type: "date"},
}

// bothWays reads lines as they are and packed: packed files are left to the SQL
// engine, plain ones are not. Both must give the same rows or the same error.
func bothWays(t testing.TB, dir, content string) (rows string) {
	t.Helper()
	write(t, dir, "a.jsonl", content)
	write(t, dir, "b.jsonl.gz", content) // which packs it
	read := func(path string) (string, string) {
		r, e := fileReader(t, dir, config.Reader{Format: "json", Path: path, Schema: plainColumns})
		defer e.Close()
		defer r.Close()
		rows, at, err := readRows(r, flow.Request{BatchRows: 3})
		if err != nil {
			return "", strings.ReplaceAll(err.Error(), path, "FILE")
		}
		if n := strings.Count(rows, "\n"); len(at) < n/3 {
			t.Fatalf("%d rows in %d batches", n, len(at))
		}
		return rows, ""
	}
	got, gotErr := read("a.jsonl")
	want, wantErr := read("b.jsonl.gz")
	if got != want || gotErr != wantErr {
		t.Fatalf("lines:\n%s\nplain:\n%s%s\nby the engine:\n%s%s", content, got, gotErr, want, wantErr)
	}
	return got
}

// Whatever the file reader decodes itself means what it means to the SQL
// engine, and every line it does not understand is left to that.
// Rule: S-513.
func TestPlainLines_SameAsEngine(t *testing.T) {
	dir := t.TempDir()
	for _, line := range []string{
		``, ` `, `{}`, ` { } `, "\t{\"i\":1}\r", `{"i":1}` + "\r\n" + `{"i":2}` + "\r", `{"i":1} {"i":2}`, `[1]`, `7`, `null`, `{"i":1},`, `{"i":1`, `{"i":1]`,
		`{"i" : 1 , "l":2}`, `{"i":1,}`, `{,"i":1}`, `{"i" 1}`, `{i:1}`, `{"i":1 "l":2}`, "\ufeff" + `{"i":1}`, `{"I":1}`, `{"i":1,"i":2}`, `{"\u0069":1}`, `{"x":1,"x":2,"i":3}`,
		`{"i":2147483647}`, `{"i":2147483648}`, `{"i":-2147483648}`, `{"i":1.0}`, `{"i":1.5}`, `{"i":1e2}`, `{"i":-0}`, `{"i":01}`, `{"i":+1}`, `{"i":"5"}`, `{"i":" 5 "}`, `{"i":true}`, `{"i":[1]}`, `{"i":null}`, `{"i":nul}`, `{"i":-}`,
		`{"l":9223372036854775807}`, `{"l":9223372036854775808}`, `{"l":-9223372036854775808}`, `{"l":999999999999999999}`, `{"l":123456789012345678901234567890}`,
		`{"d":0.1}`, `{"d":-0.0}`, `{"d":-0}`, `{"d":0}`, `{"d":1e400}`, `{"d":1E-400}`, `{"d":123456789012345678}`, `{"d":0.30000000000000004}`, `{"d":1.7976931348623157e308}`, `{"d":5e-324}`, `{"d":1.}`, `{"d":.5}`, `{"d":"1.5"}`, `{"d":true}`, `{"d":NaN}`, `{"d":"NaN"}`,
		`{"d":9007199254740993}`, `{"d":12345678901234567890123}`, `{"d":1.2345678901234567890123456789}`, `{"d":100000000000000000000000000000000.5}`,
		`{"f":0.1}`, `{"f":3.5e38}`, `{"f":1e39}`, `{"f":16777217}`, `{"f":3.4028236e38}`, `{"f":3.40282356779733661637539e38}`,
		`{"b":true}`, `{"b":false}`, `{"b":"true"}`, `{"b":1}`, `{"b":tru}`,
		`{"s":""}`, `{"s":"a b"}`, `{"s":"grün"}`, `{"s":"\u00e9\n\"\\\/\b\f\r\t"}`, `{"s":"\ud83d\ude00"}`, `{"s":"\ud83d"}`, `{"s":"\ude00"}`, `{"s":"\ud83d\u0041"}`, `{"s":"\u12G4"}`, `{"s":"\x"}`, `{"s":"` + "\x01" + `"}`, `{"s":"` + "\xff" + `"}`, `{"s":"a` + "\xc3" + `"}`, `{"s":"\u0000"}`, `{"s":12}`, `{"s":1.50}`, `{"s":true}`, `{"s":{"a": [1, 2]}}`, `{"s":"abc`,
		`{"t":"2024-01-31T12:34:56Z"}`, `{"t":"2024-01-31 12:34:56.5Z"}`, `{"t":"2024-01-31T12:34:56.123456Z"}`, `{"t":"2024-01-31T12:34:56.1234567Z"}`, `{"t":"2024-02-30T00:00:00Z"}`, `{"t":"2024-01-31T24:00:00Z"}`, `{"t":"2024-01-31T23:59:60Z"}`, `{"t":"2024-01-31"}`, `{"t":"2024-01-31T12:34:56+01:00"}`, `{"t":"2024-01-31T12:34:56"}`, `{"t":1704067200}`, `{"t":"0001-01-01T00:00:00Z"}`, `{"t":"9999-12-31T23:59:59.999999Z"}`, `{"t":"0000-01-01T00:00:00Z"}`, `{"t":"2024-01-31T12:34:56.Z"}`,
		`{"day":"2024-02-29"}`, `{"day":"2023-02-29"}`, `{"day":"1600-02-29"}`, `{"day":"1900-02-29"}`, `{"day":"0001-01-01"}`, `{"day":"9999-12-31"}`, `{"day":"2024-2-9"}`, `{"day":"2024/02/09"}`, `{"day":"2024-01-31T00:00:00Z"}`,
		`{"x":{"a":[1,{"b":null}],"c":"\u00e9"},"i":1}`, `{"x":[],"y":{},"i":1}`, `{"x":[1,],"i":1}`, `{"x":{"a"},"i":1}`, `{"x":1e999,"i":1}`, `{"x":"` + "\xff" + `","i":1}`, `{"x":tru,"i":1}`, `{"x":-,"i":1}`, `{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,"i":1}`,
		`{"` + "\xff" + `":1,"i":1}`, `{"i":1}}`, `{"i":1}x`, `{"i":1}` + "\x00", "{\"i\":\v1}", "{\"i\":1}\r{\"i\":2}",
	} {
		bothWays(t, dir, line)
		// Not the first line, and not the last: rows before it must not come twice.
		bothWays(t, dir, "{\"i\":10}\n{\"i\":11}\n{\"i\":12,\"s\":\"x\"}\n{\"i\":13}\n"+line+"\n{\"i\":14}\n{\"i\":15}")
	}
}

// Random lines, most of them plain.
// Rule: S-513.
func TestPlainLines_Random_SameAsEngine(t *testing.T) {
	dir := t.TempDir()
	number := rapid.OneOf(
		rapid.Map(rapid.Int64(), func(v int64) string { return fmt.Sprint(v) }),
		rapid.Map(rapid.Int32(), func(v int32) string { return fmt.Sprint(v) }),
		rapid.Map(rapid.Float64Range(-1e300, 1e300), func(v float64) string { return fmt.Sprintf("%g", v) }),
		rapid.Map(rapid.Float64Range(-1e6, 1e6), func(v float64) string { return fmt.Sprintf("%.3f", v) }),
		rapid.StringMatching(`-?[0-9]{1,25}(\.[0-9]{1,25})?`))
	small := rapid.Map(rapid.Int32(), func(v int32) string { return fmt.Sprint(v) })
	text := rapid.Map(rapid.StringMatching(`[a-z äé€😀"\\]{0,12}`), func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	})
	values := map[string]*rapid.Generator[string]{
		"i": small, "l": small, "f": small, "d": number, "b": rapid.SampledFrom([]string{"true", "false"}), "s": text,
		"t": rapid.StringMatching(`"20[0-9]{2}-(0[1-9]|1[0-2])-[0-2][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z"`),
		"x": rapid.SampledFrom([]string{`{"a":[1,"b",null,{}]}`, `"\u00e9"`, "1e10", "[[]]"}),
	}
	rapid.Check(t, func(rt *rapid.T) {
		var lines []string
		for range rapid.IntRange(1, 12).Draw(rt, "lines") {
			var fields []string
			for _, name := range rapid.Permutation([]string{"i", "l", "f", "d", "b", "s", "t", "x"}).Draw(rt, "names") {
				switch rapid.IntRange(0, 9).Draw(rt, "kind") {
				case 0:
					continue
				case 1:
					fields = append(fields, `"`+name+`":null`)
				default:
					fields = append(fields, `"`+name+`":`+values[name].Draw(rt, name))
				}
			}
			lines = append(lines, "{"+strings.Join(fields, ",")+"}")
		}
		bothWays(t, dir, strings.Join(lines, "\n"))
	})
}
