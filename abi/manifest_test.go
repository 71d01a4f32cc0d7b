package abi

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the seed corpus under testdata")

const goodManifest = `{
  "abi": "1.0", "name": "delay_score", "version": "1.2.0-rc.1+b5", "kind": "map",
  "input": {"columns": [
    {"name": "delay", "type": "float64", "nullable": true, "bind": "column"},
    {"name": "at", "type": "timestamp[us,UTC]", "nullable": false, "cast": "safe"},
    {"name": "tag", "type": "any", "nullable": true}]},
  "output": {"mode": "static", "columns": [
    {"name": "${prefix}_score_${level}", "type": "float64", "nullable": true},
    {"name": "parts", "type": "list<struct<a: int64, b: decimal128(10,2)>>", "nullable": false}]},
  "config_schema": {"type": "object", "required": ["threshold"], "properties": {
    "threshold": {"type": "number", "minimum": 0, "maximum": 100},
    "column": {"type": "string", "default": "dep_delay"},
    "prefix": {"type": "string", "default": "x", "pattern": "^[a-z]+$"},
    "level": {"type": "integer", "default": 3, "enum": [1, 3, 5]},
    "scale": {"type": "object", "properties": {"low": {"type": "number", "default": 0.5}, "high": {"type": ["number", "null"]}}},
    "names": {"type": "array", "items": {"type": "string", "pattern": "^c"}},
    "extra": {"type": "object", "additionalProperties": {"type": "boolean"}},
    "free": {"type": "object"}}},
  "stateful": false, "deterministic": true,
  "limits": {"memory": "32MiB", "timeout": "2s", "output_ratio": 2.5, "max_batch_rows": 1000, "log_lines": 7},
  "wasi": "preview1", "capabilities": [], "doc": "d", "license": "l", "source": "s",
  "later": {"fields": ["are", {"ignored": null}]}
}`

// edited gives goodManifest with one value replaced, or removed when v is
// nil. The path reads "input.columns.0.type".
func edited(t testing.TB, path string, v any) string {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(goodManifest), &root); err != nil {
		t.Fatal(err)
	}
	at, steps := root, strings.Split(path, ".")
	for i, s := range steps {
		last := i == len(steps)-1
		switch x := at.(type) {
		case map[string]any:
			if last && v == nil {
				delete(x, s)
			} else if last {
				x[s] = v
			}
			at = x[s]
		case []any:
			n, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			if last {
				x[n] = v
			}
			at = x[n]
		}
	}
	b, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type null struct{}

func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func wantError(t testing.TB, err error, code int, text string) {
	t.Helper()
	if CodeOf(err) != code || err == nil != (code == 0) || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("got %d %v, want %d with %q", CodeOf(err), err, code, text)
	}
}

// ABI-M-001, ABI-M-003: every field is read; unknown ones are ignored.
func TestParseManifest_Good_EveryField(t *testing.T) {
	m, err := ParseManifest([]byte(goodManifest))
	if err != nil {
		t.Fatal(err)
	}
	if m.Config == nil || len(m.Config.Properties) != 8 {
		t.Errorf("config schema is %+v", m.Config)
	}
	m.Config = nil
	want := &Manifest{
		ABI: Version{1, 0}, Name: "delay_score", Version: "1.2.0-rc.1+b5", Kind: Map,
		Input:         []InputColumn{{"delay", "float64", true, "column", false}, {"at", "timestamp[us,UTC]", false, "", true}, {"tag", "any", true, "", false}},
		Output:        Output{true, []OutputColumn{{"${prefix}_score_${level}", "float64", true}, {"parts", "list<struct<a: int64, b: decimal128(10,2)>>", false}}},
		Deterministic: true, WASI: true, Doc: "d", License: "l", Source: "s",
		Limits: Limits{Memory: 32 << 20, OutputRatio: 2.5, MaxBatchRows: 1000, LogLines: 7, Timeout: 2 * time.Second},
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v\nwant %+v", m, want)
	}
}

// ABI-M-001, ABI-M-003, ABI-M-011, ABI-M-017, ABI-M-020, ABI-E-010: what is
// refused, and the field that is named.
func TestParseManifest_Bad_Refused(t *testing.T) {
	cols := func(names ...string) []any {
		types := map[string]string{"fh_keep": "bool", "fh_rows": "int32", "a": "utf8"}
		out := []any{}
		for _, n := range names {
			out = append(out, map[string]any{"name": n, "type": types[n], "nullable": false})
		}
		return out
	}
	cases := []struct {
		path string
		v    any
		code int
		text string
	}{
		{"doc", "other", 0, ""}, {"wasi", "none", 0, ""}, {"limits", nil, 0, ""}, {"capabilities", nil, 0, ""}, {"wasi", nil, 0, ""},
		{"abi", nil, 1005, "abi"}, {"abi", 1.0, 1005, "abi: found the number 1"}, {"abi", "1", 1005, "abi"}, {"abi", "01.0", 1005, "abi"},
		{"abi", "2.0", 1002, "2.0"}, {"abi", "1.1", 1002, "1.1"}, {"abi", "0.9", 1002, "0.9"}, {"abi", "70000.0", 1005, "abi"},
		{"name", nil, 1005, "name: is missing"}, {"name", "Delay", 1005, "name"}, {"name", "", 1005, "name"}, {"name", "a b", 1005, "name"},
		{"name", "a" + strings.Repeat("b", 63), 0, ""}, {"name", "a" + strings.Repeat("b", 64), 1005, "name"}, {"name", null{}, 1005, "found null"},
		{"version", "1.2", 1005, "version"}, {"version", "v1.2.0", 1005, "version"}, {"version", "1.02.0", 1005, "version"}, {"version", 1, 1005, "version"},
		{"kind", "keyed", 1005, "stateful"}, {"kind", "aggregate", 1005, "not built yet"}, {"kind", "mapp", 1005, "kind"}, {"kind", nil, 1005, "kind"},
		{"stateful", true, 1005, "stateful"}, {"stateful", nil, 1005, "stateful"}, {"stateful", "false", 1005, "stateful"},
		{"deterministic", 1, 1005, "deterministic"}, {"deterministic", nil, 1005, "deterministic"},
		{"input", nil, 1005, "input"}, {"input", []any{}, 1005, "input: found a list"}, {"input.columns", nil, 1005, "input.columns"}, {"input.columns", map[string]any{}, 1005, "input.columns"},
		{"input.columns.1", "x", 1005, "input.columns[1]"}, {"input.columns.1.name", "delay", 1005, "stands twice"}, {"input.columns.1.name", "fh_x", 1005, "reserved"},
		{"input.columns.1.name", strings.Repeat("n", 256), 1005, "256 bytes"}, {"input.columns.1.name", "a\x00b", 1005, "NUL"}, {"input.columns.1.nullable", nil, 1005, "input.columns[1].nullable"},
		{"input.columns.1.type", "flot64", 1005, `did you mean "float64"`}, {"input.columns.1.type", nil, 1005, "input.columns[1].type"}, {"input.columns.1.cast", "any", 1005, "cast"},
		{"input.columns.2.cast", "safe", 1005, "never cast"}, {"input.columns.0.bind", "colum", 1005, "bind"}, {"input.columns.0.bind", "threshold", 1005, "bind"}, {"input.columns.0.bind", "", 1005, "bind"},
		{"output", nil, 1005, "output"}, {"output.mode", "dynamic", 1005, "output.mode"}, {"output.mode", "init", 1005, "output.columns"}, {"output.columns", nil, 1005, "output.columns"},
		{"output.columns.1.type", "any", 1005, "output.columns[1].type"}, {"output.columns.1.name", "fh_x", 1005, "reserved"}, {"output.columns.1.name", "fh_keep", 1005, "first column of a filter"}, {"output.columns.0", map[string]any{"name": "fh_keep", "type": "bool", "nullable": false}, 1005, "first column of a filter"},
		{"output.columns.1.name", "${", 1005, "without a key"}, {"output.columns.1.name", "${}", 1005, "without a key"}, {"output.columns.1.name", "${prefx}", 1005, "prefx"}, {"output.columns.1.name", "${scale}", 1005, "scale"},
		{"output.columns.1.name", "", 1005, "empty"}, {"output", map[string]any{"mode": "init"}, 0, ""},
		{"limits.memory", "64MB", 1005, "limits.memory"}, {"limits.memory", 64, 1005, "limits.memory"}, {"limits.memory", "5GiB", 1005, "limits.memory"}, {"limits.memory", "1KiB", 1005, "limits.memory"}, {"limits.memory", "4GiB", 0, ""},
		{"limits.timeout", "2", 1005, "limits.timeout"}, {"limits.timeout", "-2s", 1005, "limits.timeout"}, {"limits.timeout", 2, 1005, "limits.timeout"},
		{"limits.output_ratio", 0, 1005, "limits.output_ratio"}, {"limits.output_ratio", "4", 1005, "limits.output_ratio"}, {"limits.output_ratio", 1e7, 1005, "limits.output_ratio"},
		{"limits.max_batch_rows", 1.5, 1005, "limits.max_batch_rows"}, {"limits.max_batch_rows", 0, 1005, "limits.max_batch_rows"}, {"limits.log_lines", -1, 1005, "limits.log_lines"}, {"limits", "none", 1005, "limits"},
		{"wasi", "preview2", 1005, "wasi"}, {"wasi", true, 1005, "wasi"}, {"capabilities", []any{"state"}, 1005, "not built yet"}, {"capabilities", []any{"row_errors"}, 1005, "not built yet"},
		{"capabilities", []any{"gpu"}, 1005, "gpu"}, {"capabilities", []any{1}, 1005, "capabilities[0]"}, {"capabilities", "state", 1005, "capabilities"}, {"doc", 1, 1005, "doc"},
		{"config_schema", nil, 1005, "config_schema"}, {"config_schema.type", "array", 1005, "config_schema.type"}, {"config_schema.oneOf", []any{}, 1005, "config_schema.oneOf"},
		{"config_schema.properties.threshold.type", "float", 1005, "config_schema.properties.threshold.type"}, {"config_schema.properties.threshold.minimum", "0", 1005, "minimum"},
		{"config_schema.properties.threshold.default", 101, 1005, "the most allowed is 100"}, {"config_schema.properties.prefix.pattern", "(", 1005, "RE2"}, {"config_schema.properties.names.items.minLength", 1, 1005, "minLength"},
		{"config_schema.required", []any{"thresh"}, 1005, "thresh"}, {"config_schema.properties.level.enum", []any{1}, 1005, "default"}, {"config_schema.x-order", 1, 0, ""},
		{"config_schema.properties.free.additionalProperties", 1, 1005, "additionalProperties"}, {"config_schema.properties.free.type", []any{}, 1005, "empty"}, {"config_schema", map[string]any{}, 1005, "bind"},
	}
	for _, c := range cases {
		_, err := ParseManifest([]byte(edited(t, c.path, c.v)))
		if CodeOf(err) != c.code || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s = %v: got %d %v, want %d with %q", c.path, c.v, CodeOf(err), err, c.code, c.text)
		}
	}
	for _, c := range []struct {
		cols []any
		text string
	}{{cols("fh_keep"), ""}, {cols("fh_rows", "a"), ""}, {cols("a"), "first column of a filter"}, {cols(), "first column of a filter"}, {cols("fh_keep", "fh_rows"), "only be the first"}, {cols("fh_keep", "fh_keep"), "twice"}} {
		m := strings.Replace(edited(t, "output.columns", c.cols), `"kind":"map"`, `"kind":"filter"`, 1)
		_, err := ParseManifest([]byte(m))
		if code := 1005 * b2i(c.text != ""); CodeOf(err) != code || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("filter with %v: got %v, want %q", c.cols, err, c.text)
		}
	}
	for text, want := range map[string]string{
		"": "ends too early", "{": "ends too early", "[]": "expected an object", "{}x": "not JSON", "{} {}": "more after", "nul": "not JSON", "{\"a\":1,}": "not JSON", "{\"abi\":\"1.0\"": "not JSON",
		`{"abi":"1.0","abi":"2.0"}`: "twice", `{"ABI":"1.0"}`: "abi: is missing", "{\"abi\":\"\xff\"}": "UTF-8", strings.Repeat("[", 40): "deeper",
	} {
		_, err := ParseManifest([]byte(text))
		wantError(t, err, CodeManifest, want)
	}
	_, err := ParseManifest([]byte(strings.Repeat(" ", MaxManifest+1)))
	wantError(t, err, CodeManifest, "65537 bytes")
	_, err = ParseManifest([]byte(goodManifest + strings.Repeat(" ", MaxManifest-len(goodManifest))))
	wantError(t, err, 0, "")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func goodParsed(t testing.TB) *Manifest {
	t.Helper()
	m, err := ParseManifest([]byte(goodManifest))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ABI-M-003: defaults are filled in at every level, and the given config is
// left alone.
func TestCheckConfig_Good_DefaultsFilled(t *testing.T) {
	given := map[string]any{"threshold": 15, "scale": map[string]any{"high": nil}, "names": []string{"c1"}, "extra": map[string]any{"any key": true}, "free": map[string]any{"x": []any{1.5}}}
	got, err := goodParsed(t).CheckConfig(given)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"threshold": int64(15), "column": "dep_delay", "prefix": "x", "level": int64(3),
		"scale": map[string]any{"low": 0.5, "high": nil}, "names": []any{"c1"}, "extra": map[string]any{"any key": true}, "free": map[string]any{"x": []any{1.5}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(given) != 5 || len(given["scale"].(map[string]any)) != 1 {
		t.Errorf("the given config became %v", given)
	}
}

// Every violation is told, with its path and, for an unknown key, a near name.
func TestCheckConfig_Bad_EveryViolation(t *testing.T) {
	_, err := goodParsed(t).CheckConfig(map[string]any{
		"thresold": 1, "column": 5, "prefix": "A1", "level": 4, "names": []any{"c", "d", 1}, "scale": map[string]any{"lwo": 1, "high": "x"},
		"extra": map[string]any{"a b": 1}, "zzzzzzzzzz": 1, "free": time.Now(),
	})
	wantError(t, err, CodeConfig, "thresold: unknown key")
	e := err.(*Error)
	var got []string
	for _, v := range e.Violations {
		got = append(got, v.String())
	}
	want := []string{
		`column: found the number 5, expected text`,
		`extra["a b"]: found the number 1, expected true or false`,
		`free: found a value of type time.Time, expected text, a number, true or false, a list or a table`,
		`level: found the number 4, expected one of 1, 3, 5`,
		`names[1]: found "d", expected text that matches ^c`,
		`names[2]: found the number 1, expected text`,
		`prefix: found "A1", expected text that matches ^[a-z]+$`,
		`scale.high: found the string "x", expected a number or null`,
		`scale.lwo: unknown key; did you mean "low"?`,
		`threshold: is missing`,
		`thresold: unknown key; did you mean "threshold"?`,
		`zzzzzzzzzz: unknown key; the keys are column, extra, free, level, names, prefix, scale, threshold`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCheckConfig_Bounds_Exact(t *testing.T) {
	m := goodParsed(t)
	for v, text := range map[any]string{0: "", 100: "", 0.0: "", 100.0: "", -1: "least allowed is 0", 100.0000001: "most allowed is 100", "1": "expected a number", nan(): "finite", int64(1) << 62: "most"} {
		_, err := m.CheckConfig(map[string]any{"threshold": v})
		wantError(t, err, CodeConfig*b2i(text != ""), text)
	}
	// 3.0 is a whole number, 3.5 is none.
	_, err := m.CheckConfig(map[string]any{"threshold": 1, "level": 3.0})
	wantError(t, err, 0, "")
	_, err = m.CheckConfig(map[string]any{"threshold": 1, "level": 3.5})
	wantError(t, err, CodeConfig, "a whole number")
	_, err = m.CheckConfig(nil)
	wantError(t, err, CodeConfig, "threshold: is missing")
	// A schema without properties takes no keys.
	bare, err := ParseManifest([]byte(`{"abi":"1.0","name":"a","version":"1.0.0","kind":"map","input":{"columns":[]},"output":{"mode":"init"},"config_schema":{},"stateful":false,"deterministic":false}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = bare.CheckConfig(map[string]any{"a": 1})
	wantError(t, err, CodeConfig, "there are no keys here")
	got, err := bare.CheckConfig(nil)
	if err != nil || got == nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func nan() float64 { z := 0.0; return z / z }

// ABI-M-003, ABI-M-017: bound input names and output names from the config.
func TestResolve_Names(t *testing.T) {
	m := goodParsed(t)
	config, err := m.CheckConfig(map[string]any{"threshold": 1, "column": "arr_delay", "prefix": "p"})
	if err != nil {
		t.Fatal(err)
	}
	in, err := m.ResolveInput(config)
	if want := []string{"arr_delay", "at", "tag"}; err != nil || !reflect.DeepEqual(in, want) {
		t.Errorf("got %v, %v, want %v", in, err, want)
	}
	out, err := m.ResolveOutput(config)
	if want := []string{"p_score_3", "parts"}; err != nil || !reflect.DeepEqual(out, want) {
		t.Errorf("got %v, %v, want %v", out, err, want)
	}
	if in, err := m.ResolveInput(map[string]any{}); err != nil || in[0] != "delay" {
		t.Errorf("without the key: %v, %v", in, err)
	}
	for _, c := range []struct {
		config map[string]any
		code   int
		text   string
	}{
		{map[string]any{"level": int64(1)}, 2001, `needs config key "prefix"`}, {map[string]any{"level": 1.5, "prefix": "a"}, 2001, "level"},
		{map[string]any{"level": true, "prefix": strings.Repeat("x", 260)}, 2004, "at most 255"}, {map[string]any{"level": 2.0, "prefix": "fh"}, 2004, "reserved"},
		{map[string]any{"level": int64(1), "prefix": "\x00"}, 2004, "NUL"},
	} {
		_, err := m.ResolveOutput(c.config)
		wantError(t, err, c.code, c.text)
	}
	_, err = m.ResolveInput(map[string]any{"column": ""})
	wantError(t, err, 2001, "column")
	m.Output.Columns[1].Name = "p_score_3"
	_, err = m.ResolveOutput(config)
	wantError(t, err, 2004, "p_score_3")
	for name, code := range map[string]int{"a": 0, "": 2004, "fh_a": 2004, strings.Repeat("é", 128): 2004, "\xff": 2004} {
		wantError(t, CheckName(name), code, "")
	}
}

// ABI-M-020: types read and print the same; others are refused.
func TestParseType_Table(t *testing.T) {
	good := append([]string{"timestamp[s]", "timestamp[ms,Europe/Paris]", "decimal128(38,38)", "fixed_size_binary[1048576]", "list<list<utf8>>",
		"struct<a: int64, b: struct<c: decimal128(3,1), d: list<bool>>>", strings.Repeat("list<", 7) + "int8" + strings.Repeat(">", 7)}, TypeNames()[:14]...)
	for _, s := range good {
		typ, err := ParseType(s)
		if err != nil || typ.String() != s {
			t.Errorf("%s: got %v, %v", s, typ, err)
		}
	}
	for _, s := range []string{"", "int", "INT64", "string", "int64[]", "timestamp", "timestamp[]", "timestamp[d]", "timestamp[us,]", "timestamp[us", "decimal128", "decimal128(39,0)", "decimal128(5,6)", "decimal128(5)", "decimal128(+5,1)",
		"fixed_size_binary[0]", "fixed_size_binary[+1]", "fixed_size_binary[1048577]", "list", "list<>", "list<int64", "struct<>", "struct<a>", "struct<a:>", "struct<a: int64, a: int8>", "struct<: int8>", "map<int8,int8>", "date64", "any", "list<any>",
		strings.Repeat("list<", 8) + "int8" + strings.Repeat(">", 8), "struct<" + strings.Repeat("a: int8,", 3) + ">"} {
		if typ, err := ParseType(s); err == nil {
			t.Errorf("%q reads as %v", s, typ)
		}
	}
	wide := "struct<"
	for i := range MaxColumns {
		wide += fmt.Sprintf("c%d: int8,", i)
	}
	if _, err := ParseType(wide + "z: int8>"); err == nil {
		t.Error("4097 fields are let through")
	}
}

// ABI-W-060: defaults, and author under operator.
func TestLimits_Under(t *testing.T) {
	if d := (Limits{}).Under(Limits{}); d != DefaultLimits() || d.Memory != 64<<20 || d.OutputRatio != 4 || d.MaxBatchRows != 65536 || d.LogLines != 100 {
		t.Errorf("defaults are %+v", d)
	}
	got := Limits{Memory: 10, MaxBatchRows: 500, LogLines: 5}.Under(Limits{Memory: 20, MaxBatchRows: 100, OutputRatio: 9})
	if want := (Limits{Memory: 10, MaxBatchRows: 100, LogLines: 5, OutputRatio: 9, FuelBase: 50_000_000, FuelPerRow: 50_000, Timeout: 10 * time.Second}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for s, want := range map[string]int64{"64MiB": 64 << 20, "1B": 1, "2GiB": 2 << 30, "3KiB": 3 << 10, "": 0, "MiB": 0, "64": 0, "64MB": 0, "+1B": 0, "-1B": 0, "0B": 0, "1.5MiB": 0, "1iB": 0, "9223372036854775807GiB": 0, "64Mi": 0} {
		if n, err := ParseSize(s); n != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %d, %v, want %d", s, n, err, want)
		}
	}
}

// ABI-W-040, ABI-E-001: the statuses.
func TestStatus_Valid(t *testing.T) {
	valid := map[Status]bool{0: true, 1: true, 6: true, 64: true, 127: true, -1: false, 7: false, 63: false, 128: false, 99: true, -5: false, 1 << 30: false}
	for s, want := range valid {
		if s.Valid() != want {
			t.Errorf("%d: got %v", s, s.Valid())
		}
	}
}

// ABI-E-010: own major, own minor or less.
func TestVersion_Check(t *testing.T) {
	for w, code := range map[uint32]int{65536: 0, 65537: 1002, 131072: 1002, 0: 1002, 0xffffffff: 1002} {
		wantError(t, VersionOf(w).Check(), code, "")
		if VersionOf(w).Word() != w {
			t.Errorf("%d reads as %v", w, VersionOf(w))
		}
	}
}

// ABI-E-002: every code is explained once, in order.
func TestCodes_EachOnce(t *testing.T) {
	last := 0
	for _, d := range Codes() {
		if d.Code <= last || d.Title == "" || !strings.HasSuffix(d.Explain, ".") {
			t.Errorf("%+v after %d", d, last)
		}
		last = d.Code
	}
}

// ABI-W-021: offsets follow from the sizes and alignment of the fields, so no
// two fields overlap and none is out of order.
func TestLayout_OffsetsFollowFromSizes(t *testing.T) {
	l := Layout()
	for prefix, fields := range map[string]string{
		"FH_ARRAY_":  "LENGTH:8 NULL_COUNT:8 OFFSET:8 N_BUFFERS:8 N_CHILDREN:8 BUFFERS:4 CHILDREN:4 DICTIONARY:4 RELEASE:4 PRIVATE_DATA:4 SIZE:8",
		"FH_SCHEMA_": "FORMAT:4 NAME:4 METADATA:4 FLAGS:8 N_CHILDREN:8 CHILDREN:4 DICTIONARY:4 RELEASE:4 PRIVATE_DATA:4 SIZE:8",
	} {
		at := 0
		for _, f := range strings.Fields(fields) {
			name, s, _ := strings.Cut(f, ":")
			size, _ := strconv.Atoi(s)
			at = (at + size - 1) / size * size
			if got, ok := l[prefix+name]; !ok || got != at {
				t.Errorf("%s%s is %d, want %d", prefix, name, got, at)
			}
			at += size
		}
	}
	if l["FH_ABI_VERSION"] != 65536 {
		t.Error("ABI version")
	}
	if len(l) != len(Constants()) {
		t.Error("a name stands twice")
	}
}

// FuzzParseManifest: any bytes give a manifest that can be used, or an error
// with a code.
func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(goodManifest))
	f.Add([]byte(`{"abi":"1.0","name":"a","version":"1.0.0","kind":"filter","input":{"columns":[]},"output":{"mode":"static","columns":[{"name":"fh_keep","type":"bool","nullable":false}]},"config_schema":{"additionalProperties":{"default":[1]}},"stateful":false,"deterministic":false}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseManifest(b)
		if err != nil {
			if c := CodeOf(err); c != CodeManifest && c != CodeABIVersion {
				t.Fatalf("error without a code: %v", err)
			}
			return
		}
		for _, c := range m.Output.Columns {
			if _, err := ParseType(c.Type); err != nil {
				t.Fatal(err)
			}
		}
		config, err := m.CheckConfig(map[string]any{"a": 1, "column": "x"})
		if err != nil {
			if CodeOf(err) != CodeConfig {
				t.Fatal(err)
			}
			return
		}
		if _, err := m.ResolveInput(config); err != nil && CodeOf(err) != CodeConfig {
			t.Fatal(err)
		}
		if _, err := m.ResolveOutput(config); err != nil && CodeOf(err) != CodeConfig && CodeOf(err) != CodeNameClash {
			t.Fatal(err)
		}
	})
}

// seed writes a seed of a fuzz target with -update, else holds it against the
// file.
func seed(t *testing.T, target, name string, b []byte) {
	t.Helper()
	path := filepath.Join("testdata", "fuzz", target, name)
	text := "go test fuzz v1\n[]byte(" + strconv.Quote(string(b)) + ")\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != text {
		t.Errorf("%s does not hold this case, run the test with -update: %v", path, err)
	}
}

// ABI-W-021: the C header agrees with the table.
func TestLayout_CHeader_Agrees(t *testing.T) {
	b, err := os.ReadFile("../pluginsdk/c/featurehost.h")
	if err != nil {
		t.Fatal(err)
	}
	defined := map[string]string{}
	for _, l := range strings.Split(string(b), "\n") {
		if f := strings.Fields(l); len(f) > 2 && f[0] == "#define" {
			defined[f[1]] = f[2]
		}
	}
	for _, c := range Constants() {
		if defined[c.Name] != strconv.Itoa(c.Value) {
			t.Errorf("%s is %q in the header, want %d", c.Name, defined[c.Name], c.Value)
		}
	}
}

// ABI-M-012: a keyed plugin keeps state, and says which row each output row goes
// with.
func TestParseManifest_Keyed(t *testing.T) {
	text := func(stateful, output string) []byte {
		return []byte(`{"abi":"1.0","name":"k","version":"1.0.0","kind":"keyed","input":{"columns":[]},"output":` + output +
			`,"config_schema":{"type":"object"},"stateful":` + stateful + `,"deterministic":true}`)
	}
	rows := `{"name":"fh_rows","type":"int32","nullable":false}`
	for _, c := range []struct{ stateful, output, says string }{
		{"true", `{"mode":"init"}`, ""},
		{"true", `{"mode":"static","columns":[` + rows + `,{"name":"y","type":"int64","nullable":true}]}`, ""},
		{"false", `{"mode":"init"}`, "stateful"},
		{"true", `{"mode":"static","columns":[]}`, "fh_rows"},
		{"true", `{"mode":"static","columns":[{"name":"y","type":"int64","nullable":true}]}`, "fh_rows"},
		{"true", `{"mode":"static","columns":[{"name":"fh_keep","type":"bool","nullable":false}]}`, "fh_keep"},
		{"true", `{"mode":"static","columns":[{"name":"fh_rows","type":"int64","nullable":false}]}`, "int32"},
	} {
		m, err := ParseManifest(text(c.stateful, c.output))
		if c.says == "" && (err != nil || m.Kind != Keyed || !m.Stateful) {
			t.Errorf("%s: %v", c.output, err)
		}
		if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s %s: %v", c.stateful, c.output, err)
		}
	}
}
