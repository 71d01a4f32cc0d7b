package pipelinetest

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// nested makes a table of one column of lists and one of structs.
func nested(t *testing.T, jsonRows string) table {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "set", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
		{Name: "place", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
			arrow.Field{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true}), Nullable: true},
	}, nil)
	r, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(jsonRows))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	out := table{schema: s}
	for i := range int(r.NumRows()) {
		out.rows = append(out.rows, row{"set": actual(r.Column(0), i), "place": actual(r.Column(1), i)})
	}
	return out
}

func TestDiff_ListsAndStructs_ComparedWithinAndWithoutOrder(t *testing.T) {
	got := nested(t, `[{"set": [3, 1, 3], "place": {"x": 1.5, "name": "a"}}, {"set": null, "place": null}]`)
	for name, c := range map[string]struct {
		want   string
		expect Expect
		same   bool
	}{
		"as it is":            {`{"set":[3,1,3],"place":{"x":1.5,"name":"a"}}` + "\n" + `{"set":null,"place":null}`, Expect{}, true},
		"another order":       {`{"set":[1,3,3],"place":{"x":1.5,"name":"a"}}` + "\n" + `{"set":null,"place":null}`, Expect{}, false},
		"any order":           {`{"set":[1,3,3],"place":{"x":1.5,"name":"a"}}` + "\n" + `{"set":null,"place":null}`, Expect{Unordered: []string{"set"}}, true},
		"a repeat too few":    {`{"set":[1,3],"place":{"x":1.5,"name":"a"}}` + "\n" + `{"set":null,"place":null}`, Expect{Unordered: []string{"set"}}, false},
		"another field":       {`{"set":[3,1,3],"place":{"x":1.5,"name":"b"}}` + "\n" + `{"set":null,"place":null}`, Expect{}, false},
		"a field near enough": {`{"set":[3,1,3],"place":{"x":1.5000001,"name":"a"}}` + "\n" + `{"set":null,"place":null}`, Expect{Tolerance: 1e-6}, true},
		"a field is missing":  {`{"set":[3,1,3],"place":{"x":1.5}}` + "\n" + `{"set":null,"place":null}`, Expect{}, false},
		"no such column":      {`{"set":[3,1,3],"place":{"x":1.5,"name":"a"}}` + "\n" + `{"set":null,"place":null}`, Expect{Unordered: []string{"sets"}}, false},
	} {
		want, err := parseRows([]byte(c.want))
		if err != nil {
			t.Fatal(err)
		}
		if text := diff(want, got, c.expect); (text == "") != c.same {
			t.Errorf("%s: %q", name, text)
		}
	}
}
