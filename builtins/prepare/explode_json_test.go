package prepare

import (
	"context"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins/prepare/jsonrows"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
)

func explode(column string, fields ...string) config.Stage {
	e := &config.ExplodeJSON{Column: column}
	for i := 0; i < len(fields); i += 2 {
		e.Schema = append(e.Schema, config.Column{Name: fields[i], Type: fields[i+1]})
	}
	return config.Stage{Use: "explode_json", ExplodeJSON: e}
}

// Golden case 30.
// Rule: S-505.
func TestExplodeJSON_Golden30_AsTheOriginal(t *testing.T) {
	const columns = "id bigint, ts bigint, payload string"
	s, out, counts := open(t, NewExplodeJSON, explode("payload", "a", "int", "b", "struct<c: string>", "d", "array<int>"), columns)
	if names(out) != "id,ts,payload,a,b,d" || strings.Join(s.(flow.Reads).Reads(), ",") != "payload" {
		t.Error(out)
	}
	rows := []string{
		`1 | 1 | {"a": 1, "b": {"c": "x"}, "d": [1, 2]}`, `1 | 1 | {"a": "7", "d": 3}`, "1 | 1 | not json", "2 | 2 | null",
		`1 | 3 | {"b": {"c": 5, "e": 1}}`, "1 | 4 | {}", `1 | 4 | {"a": 2.9}`, `1 | 5 | {"a": null}`,
	}
	made := []string{`1 | {"c":"x"} | [1,2]`, "7 | null | null", "null | null | null", "null | null | null",
		`null | {"c":"5"} | null`, "null | null | null", "2 | null | null", "null | null | null"}
	want := ""
	for i := range rows {
		want += rows[i] + " | " + made[i] + "\n"
	}
	for size := 1; size <= len(rows); size++ {
		if got := process(t, s, columns, rows, size); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	if counts.N["cast_failures{d}"] != 8 || counts.N["bad_json{payload}"] != 8 || len(counts.N) != 2 {
		t.Error(counts.N)
	}
}

// A field takes the place of a column of its name; others come behind.
func TestExplodeJSON_NamesOfColumns_Replaced(t *testing.T) {
	const columns = "x bigint, p string, y string"
	s, out, _ := open(t, NewExplodeJSON, explode("p", "z", "int", "y", "double", "x", "string", "q.r", "boolean"), columns)
	if names(out) != "x,p,y,z,q.r" {
		t.Error(out)
	}
	f, err := s.(flow.Stateless).Fork(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []flow.Stage{s, f} {
		got := process(t, s, columns, []string{`1 | {"x":true,"y":2,"z":3,"q":{"r":"yes"}} | old`, "2 | {} | old"}, 2)
		if want := "true | {\"x\":true,\"y\":2,\"z\":3,\"q\":{\"r\":\"yes\"}} | 2 | 3 | true\nnull | {} | null | null | null\n"; got != want {
			t.Errorf("%q", got)
		}
	}
}

func TestExplodeJSON_Refuses(t *testing.T) {
	refuses(t, NewExplodeJSON, config.Stage{}, "p string", BadSetting, "column")
	refuses(t, NewExplodeJSON, explode("", "a", "int"), "p string", BadSetting, "column")
	refuses(t, NewExplodeJSON, explode("p"), "p string", BadSetting, "schema", "no `schema`")
	refuses(t, NewExplodeJSON, explode("payloda", "a", "int"), "payload string", MissingColumn, "column", `did you mean "payload"?`)
	for _, typ := range []string{"bigint", "struct<a: int>", "array<string>"} {
		refuses(t, NewExplodeJSON, explode("p", "a", "int"), "p "+typ, BadColumn, "column", "JSON texts")
	}
	refuses(t, NewExplodeJSON, explode("p", "p", "int"), "p string", BadSetting, "schema.p", "which stays")
	refuses(t, NewExplodeJSON, explode("p", "a", "int", "b", "int8"), "p string", BadSetting, "schema.b", `unknown type "int8"`)
	refuses(t, NewExplodeJSON, explode("p", "a", "struct<b: int, b: int>"), "p string", BadSetting, "schema.a", "occurs twice")
	refuses(t, NewExplodeJSON, explode("p", "a..b", "int"), "p string", jsonrows.BadField, "schema.a..b", "single dots")
	refuses(t, NewExplodeJSON, explode("p", "a", "int", "a", "double"), "p string", jsonrows.BadField, "schema.a", "twice")
}
