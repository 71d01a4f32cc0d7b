package prepare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// pivotOf makes a step; values nil are learned.
func pivotOf(group, column, value, function string, values ...any) config.PivotStep {
	p := config.PivotStep{Column: column, Value: value, Aggregation: config.Function{Name: function}, Values: values}
	if group != "" {
		p.GroupBy = strings.Split(group, ",")
	}
	return p
}

// batches gives rows as the binder hands them to Learn.
func batches(t testing.TB, columns string, rows []string, size int) func(context.Context) (flow.Batch, error) {
	at := 0
	return func(context.Context) (flow.Batch, error) {
		if at >= len(rows) {
			return flow.Batch{}, io.EOF
		}
		b := hosttest.Batch(t, columns, rows[at:min(at+size, len(rows))]...)
		at += size
		return b, nil
	}
}

// pivoted learns, opens and runs a step over rows in any order.
func pivoted(t testing.TB, cfg config.PivotStep, columns string, rows []string, size, parts int, mem memory.Allocator) (names string, out []string) {
	t.Helper()
	ctx := context.Background()
	env, _, _ := hosttest.Env(t)
	first := newPivot(cfg, env, mem)
	if reads, needed := first.Survey(); needed {
		if !slices.Equal(reads, []string{cfg.Column}) {
			t.Errorf("surveys %v", reads)
		}
		if err := first.Learn(ctx, batches(t, columns, rows, size)); err != nil {
			t.Fatal(err)
		}
	}
	p := newPivot(cfg, env, mem)
	p.Recall(first)
	schema, err := p.Open(ctx, hosttest.Record(t, columns).Schema())
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range schema.Fields() {
		if names += f.Name; i < schema.NumFields()-1 {
			names += ","
		}
	}
	sorted := inOrder(t, columns, rows, p.Order())
	var text string
	for _, part := range partitions(t, columns, sorted, p.Order().Keys, parts) {
		f, err := p.Fork(ctx)
		if err != nil {
			t.Fatal(err)
		}
		text += process(t, f, columns, part, size)
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	return names, strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

const amenities = "id bigint, ts bigint, amenity string, has boolean"

func goldenRows() []string {
	return []string{"1 | 1 | fridge | false", "1 | 1 | oven | true", "1 | 1 | pool | false", "2 | 2 | balcony | false",
		"1 | 3 | balcony | null", "1 | 4 | oven | null", "1 | 4 | pool | true", "1 | 5 | balcony | true"}
}

// Golden case 30.
// Rule: S-504.
func TestPivot_Golden30_AsTheOriginal(t *testing.T) {
	plain := pivotOf("id,ts", "amenity", "has", "first")
	filled, mocked := plain, plain
	filled.ForwardFill = true
	mocked.ForwardFill, mocked.Mock = true, true
	for _, c := range []struct {
		cfg  config.PivotStep
		want []string
	}{
		{plain, []string{"1 | 1 | null | false | true | false", "1 | 3 | null | null | null | null", "1 | 4 | null | null | null | true", "1 | 5 | true | null | null | null", "2 | 2 | false | null | null | null"}},
		{filled, []string{"1 | 1 | null | false | true | false", "1 | 3 | null | false | true | false", "1 | 4 | null | false | true | true", "1 | 5 | true | false | true | true", "2 | 2 | false | null | null | null"}},
		{mocked, []string{"1 | 1 | null | false | true | false", "1 | 3 | null | false | true | false", "1 | 4 | null | false | null | true", "1 | 5 | true | false | null | true", "2 | 2 | false | null | null | null"}},
	} {
		for size := 1; size <= 8; size++ {
			for parts := 1; parts <= 2; parts++ {
				names, got := pivoted(t, c.cfg, amenities, goldenRows(), size, parts, memory.DefaultAllocator)
				if names != "id,ts,balcony,fridge,oven,pool" || !slices.Equal(got, c.want) {
					t.Errorf("%+v in batches of %d: %s\n%s\nwant\n%s", c.cfg, size, names, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			}
		}
	}
}

// Rule: S-504, S-409.
func TestPivot_ValuesOfAnyType_NamedAndOrderedByValue(t *testing.T) {
	for _, c := range []struct{ typ, rows, want string }{
		{"string", "b a null B b", "g,null,B,a,b"}, {"bigint", "10 9 -1 9", "g,-1,9,10"}, {"integer", "10 9 null", "g,null,9,10"},
		{"double", "10 9.5 1e7 -0 0 NaN NaN null 0.0001 -Inf", "g,null,-Infinity,0.0,1.0E-4,9.5,10.0,1.0E7,NaN"}, {"float", "0.1 3", "g,0.1,3.0"},
		{"boolean", "true false null", "g,null,false,true"}, {"decimal(5,2)", "10 9.5 -1", "g,-1.00,9.50,10.00"},
		{"date", "2024-01-02 2023-01-01", "g,2023-01-01,2024-01-02"}, {"timestamp", "2024-01-02 2024-01-02T03:04:05.5Z", "g,2024-01-02 00:00:00,2024-01-02 03:04:05.5"},
	} {
		columns := "g bigint, v " + c.typ
		var rows []string
		cell := map[string]int{}
		for _, v := range strings.Fields(c.rows) {
			rows = append(rows, "1 | "+v)
			if v == "-0" {
				v = "0"
			}
			cell[v]++
		}
		names, got := pivoted(t, pivotOf("g", "v", "g", "count"), columns, rows, 3, 1, memory.DefaultAllocator)
		if names != c.want || len(got) != 1 {
			t.Errorf("%s: %s, want %s\n%q", c.typ, names, c.want, got)
			continue
		}
		total, n := 0, 0
		for _, v := range strings.Split(got[0], " | ")[1:] {
			x, err := strconv.Atoi(v)
			if err != nil {
				t.Errorf("%s: %q", c.typ, got)
			}
			total, n = total+x, n+1
		}
		if total != len(rows) || n != len(cell) {
			t.Errorf("%s: %q", c.typ, got)
		}
	}
}

// Values written down come in their order; others make no column, but a row.
// Rule: S-504.
func TestPivot_ValuesWritten_ThoseInTheirOrder(t *testing.T) {
	for _, c := range []struct {
		typ    string
		values []any
		rows   []string
		names  string
		want   []string
	}{
		{"string", []any{"z", "a", "never"}, []string{"1 | a | 1", "1 | z | 2", "1 | q | 3", "2 | q | 4", "1 | null | 5", "1 | z | 8"}, "g,z,a,never", []string{"1 | 10 | 1 | null", "2 | null | null | null"}},
		{"integer", []any{int64(10), int64(-9)}, []string{"1 | 10 | 1", "1 | -9 | 2", "1 | 3 | 3"}, "g,10,-9", []string{"1 | 1 | 2"}},
		{"double", []any{int64(3), 0.5, math.Copysign(0, -1)}, []string{"1 | 3 | 1", "1 | 0.5 | 2", "1 | -0 | 3", "1 | 0 | 4"}, "g,3.0,0.5,0.0", []string{"1 | 1 | 2 | 7"}},
		{"float", []any{0.1}, []string{"1 | 0.1 | 1"}, "g,0.1", []string{"1 | 1"}},
		{"boolean", []any{true}, []string{"1 | true | 1", "1 | false | 2"}, "g,true", []string{"1 | 1"}},
		{"decimal(4,2)", []any{"1.5", int64(2), 0.25}, []string{"1 | 1.5 | 1", "1 | 2 | 2", "1 | 0.25 | 3"}, "g,1.50,2.00,0.25", []string{"1 | 1 | 2 | 3"}},
		{"date", []any{"2024-01-02"}, []string{"1 | 2024-01-02 | 1"}, "g,2024-01-02", []string{"1 | 1"}},
		{"string", []any{"null"}, []string{"1 | null | 1"}, "g,null", []string{"1 | null"}}, // a null is no text
	} {
		cfg := pivotOf("g", "c", "v", "sum", c.values...)
		names, got := pivoted(t, cfg, "g bigint, c "+c.typ+", v bigint", c.rows, 2, 1, memory.DefaultAllocator)
		if names != c.names || !slices.Equal(got, c.want) {
			t.Errorf("%s: %s %q, want %s %q", c.typ, names, got, c.names, c.want)
		}
	}
	if _, needed := newPivot(pivotOf("g", "c", "v", "sum", "a"), flow.Env{}, memory.DefaultAllocator).Survey(); needed {
		t.Error("values that are written down are looked up")
	}
}

// naivePivot works on sorted rows of (g, h, c, v), by plain maps.
func naivePivot(rows []string, function string, fill, mock bool) (names []string, out []string) {
	type cell struct {
		values []string
	}
	groups, cells := []string{}, map[string]map[string]*cell{}
	seen := map[string]bool{}
	for _, r := range rows {
		p := strings.Split(r, " | ")
		g := p[0] + " | " + p[1]
		if cells[g] == nil {
			cells[g] = map[string]*cell{}
			groups = append(groups, g)
		}
		if cells[g][p[2]] == nil {
			cells[g][p[2]] = &cell{}
		}
		cells[g][p[2]].values = append(cells[g][p[2]].values, p[3])
		seen[p[2]] = true
	}
	for n := range seen {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		return names[i] == "null" && names[j] != "null" || names[j] != "null" && names[i] < names[j]
	})
	last, prefix := map[string]string{}, ""
	for _, g := range groups {
		if p, _, _ := strings.Cut(g, " | "); p != prefix {
			last, prefix = map[string]string{}, p
		}
		row := g
		for _, n := range names {
			v := "absent"
			if c := cells[g][n]; c != nil {
				v = aggregate(function, c.values)
			}
			if v == "absent" || v == "null" && !mock {
				if old, ok := last[n]; ok && fill {
					v = old
				}
			}
			if v != "absent" && (v != "null" || mock) {
				last[n] = v
			}
			if v == "absent" {
				v = "null"
			}
			row += " | " + v
		}
		out = append(out, row)
	}
	return names, out
}

func aggregate(function string, values []string) string {
	var sum, n int
	least, most := "null", "null"
	for _, v := range values {
		if v == "null" {
			continue
		}
		x, _ := strconv.Atoi(v)
		if sum += x; n == 0 || v < least {
			least = v
		}
		if n++; most == "null" || v > most {
			most = v
		}
	}
	switch function {
	case "count":
		return strconv.Itoa(n)
	case "first":
		return values[0]
	case "last":
		return values[len(values)-1]
	case "min":
		return least
	case "max":
		return most
	}
	if n == 0 {
		return "null"
	}
	return strconv.Itoa(sum)
}

// Any order of the rows, any batches and any number of partitions give what
// plain maps give, and nothing leaks.
// Rule: S-504.
func TestPivot_AnyRows_AsPlainMaps(t *testing.T) {
	const columns = "g string, h bigint, c string, v bigint, x bigint"
	rapid.Check(t, func(rt *rapid.T) {
		mem := checked(t)
		defer mem.AssertSize(t, 0)
		rows := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string {
			return strings.Join([]string{rapid.SampledFrom([]string{"a", "b", "null", "cc"}).Draw(rt, "g"), rapid.SampledFrom([]string{"1", "2", "3", "null"}).Draw(rt, "h"),
				rapid.SampledFrom([]string{"p", "q", "r", "null"}).Draw(rt, "c"), rapid.SampledFrom([]string{"1", "2", "3", "null", "null"}).Draw(rt, "v"), rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "x")}, " | ")
		}), 1, 60).Draw(rt, "rows")
		function := rapid.SampledFrom([]string{"count", "sum", "min", "max", "first", "last"}).Draw(rt, "function")
		cfg := pivotOf("g,h", "c", "v", function)
		cfg.ForwardFill = rapid.Bool().Draw(rt, "fill")
		cfg.Mock = rapid.Bool().Draw(rt, "mock")
		names, got := pivoted(t, cfg, columns, rapid.Permutation(rows).Draw(rt, "order"), rapid.IntRange(1, 60).Draw(rt, "batch"), rapid.SampledFrom([]int{1, 2, 7}).Draw(rt, "partitions"), mem)
		wantNames, want := naivePivot(inOrder(t, columns, rows, flow.Order{Keys: []string{"g", "h"}, Then: []string{"c"}}), function, cfg.ForwardFill, cfg.Mock)
		if names != "g,h,"+strings.Join(wantNames, ",") || !slices.Equal(got, want) {
			rt.Fatalf("%s\n%s\nwant %v\n%s", names, strings.Join(got, "\n"), wantNames, strings.Join(want, "\n"))
		}
	})
}

// Values of every function and type fit into cells.
func TestPivot_AnyFunction_TypesOfTheTable(t *testing.T) {
	for _, c := range []struct {
		f            config.Function
		typ          string
		a, b         string
		want, column string
	}{
		{config.Function{Name: "avg"}, "bigint", "1", "2", "1.5", "double"}, {config.Function{Name: "count", Type: "integer"}, "bigint", "1", "null", "1", "integer"},
		{config.Function{Name: "min"}, "string", "b", "aa", "aa", "string"}, {config.Function{Name: "last"}, "array<bigint>", "[1]", "[2]", "[2]", "array<bigint>"},
		{config.Function{Name: "sum", Type: "string"}, "double", "1", "2", "3.0", "string"}, {config.Function{Name: "first"}, "decimal(4,2)", "1.25", "2", "1.25", "decimal(4,2)"},
		{config.Function{Name: "max"}, "timestamp", "2024-01-01", "2024-01-02", "2024-01-02", "timestamp"}, {config.Function{Name: "max"}, "boolean", "true", "false", "true", "boolean"},
		{config.Function{Name: "stddev_pop"}, "double", "1", "3", "1", "double"},
	} {
		columns := "g bigint, c string, v " + c.typ
		cfg := pivotOf("g", "c", "v", "", "p", "q")
		cfg.Aggregation = c.f
		_, got := pivoted(t, cfg, columns, []string{"1 | p | " + c.a, "1 | p | " + c.b, "2 | q | " + c.a}, 2, 2, memory.DefaultAllocator)
		if !strings.HasPrefix(got[0], "1 | "+c.want+" | null") || !strings.HasPrefix(got[1], "2 | null | ") {
			t.Errorf("%+v: %q", c.f, got)
		}
		s, out, _ := open(t, NewPivot, config.Stage{Pivot: &cfg}, columns)
		want := hosttest.Record(t, "x "+c.column).Schema().Field(0).Type
		if !arrow.TypeEqual(out.Field(1).Type, want) {
			t.Errorf("%+v: %s", c.f, out)
		}
		if f, ok := s.(flow.Folds); !ok || !f.Folds() {
			t.Error("a pivot folds")
		}
	}
}

// What a declared type cannot hold is null and counted.
// Rule: S-403.
func TestPivot_DeclaredType_FailuresCounted(t *testing.T) {
	cfg := pivotOf("g", "c", "v", "", "p")
	cfg.Aggregation = config.Function{Name: "sum", Type: "integer"}
	s, _, counts := open(t, NewPivot, config.Stage{Pivot: &cfg}, "g bigint, c string, v bigint")
	if got := process(t, s, "g bigint, c string, v bigint", []string{"1 | p | 3000000000", "2 | p | 5"}, 2); got != "1 | null\n2 | 5\n" || counts.N["cast_failures{v}"] != 1 {
		t.Error(got, counts.N)
	}
}

// Many values in a group, more batches than one, and a batch of output bounded
// by its cells.
func TestPivot_ManyValuesAndGroups_EveryCellInPlace(t *testing.T) {
	var rows, want []string
	values, groups := 300, 60
	for g := range groups {
		line := strconv.Itoa(1000 + g)
		for v := range values {
			if (g+v)%3 == 0 {
				line += " | null"
				continue
			}
			rows = append(rows, fmt.Sprintf("%d | v%03d | %d", 1000+g, v, g*v))
			line += fmt.Sprintf(" | %d", g*v)
		}
		want = append(want, line)
	}
	for _, size := range []int{7, 100000} {
		names, got := pivoted(t, pivotOf("g", "c", "v", "sum"), "g bigint, c string, v bigint", rows, size, 1, memory.DefaultAllocator)
		if !strings.HasPrefix(names, "g,v000,v001,") || !slices.Equal(got, want) {
			t.Errorf("batches of %d: %s", size, names)
		}
	}
	// Values that nobody asked for, many in one group.
	_, got := pivoted(t, pivotOf("k", "c", "v", "sum", "v001"), "g bigint, c string, v bigint, k bigint", appended(rows, " | 5"), 11, 1, memory.DefaultAllocator)
	if len(got) != 1 || !strings.HasPrefix(got[0], "5 | ") {
		t.Error(got)
	}
}

func appended(rows []string, tail string) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r + tail
	}
	return out
}

// Groups of any scalar type: every unit of timestamps, floats with NaN.
func TestPivot_GroupTypes_KeptApart(t *testing.T) {
	typ := &arrow.TimestampType{Unit: arrow.Nanosecond}
	in := flow.NewSchema([]flow.Field{{Name: "g", Type: typ}, {Name: "f", Type: arrow.PrimitiveTypes.Float64}, {Name: "c", Type: arrow.PrimitiveTypes.Uint8}, {Name: "v", Type: arrow.PrimitiveTypes.Int16}})
	b := array.NewRecordBuilder(memory.DefaultAllocator, in)
	for i, ns := range []arrow.Timestamp{1, 2, 2} {
		b.Field(0).(*array.TimestampBuilder).Append(ns)
		b.Field(1).(*array.Float64Builder).Append(math.Float64frombits(0x7ff8000000000000 + uint64(i)))
		b.Field(2).(*array.Uint8Builder).Append(7)
		b.Field(3).(*array.Int16Builder).Append(int16(i))
	}
	p := newPivot(pivotOf("g,f", "c", "v", "count", int64(7)), flow.Env{}, memory.DefaultAllocator)
	out, err := p.Open(context.Background(), in)
	if err != nil || names(out) != "g,f,7" || !arrow.TypeEqual(out.Field(0).Type, typ) {
		t.Fatal(out, err)
	}
	var rec hosttest.Recorder
	if err := errors.Join(p.Process(context.Background(), flow.Batch{Record: b.NewRecordBatch()}, rec.Emit), p.Flush(context.Background(), rec.Emit)); err != nil {
		t.Fatal(err)
	}
	var counts []string
	for _, b := range rec.Batches {
		for i := range int(b.Rows()) {
			counts = append(counts, hosttest.Value(b.Record.Column(2), i))
		}
	}
	if strings.Join(counts, " ") != "1 2" {
		t.Error(counts)
	}
}

func TestPivot_Reads_AllColumnsWhereOrderMatters(t *testing.T) {
	for function, want := range map[string]string{"sum": "id,ts,amenity,has", "count": "id,ts,amenity,has", "first": "id,ts,amenity,has,x", "last": "id,ts,amenity,has,x"} {
		cfg := pivotOf("id,ts", "amenity", "has", function, "a")
		s, _, _ := open(t, NewPivot, config.Stage{Pivot: &cfg}, strings.Replace(amenities, "boolean", "bigint", 1)+", x bigint")
		if got := strings.Join(s.(flow.Reads).Reads(), ","); got != want {
			t.Errorf("%s reads %s", function, got)
		}
	}
}

func TestPivot_Refuses(t *testing.T) {
	stage := func(p config.PivotStep) config.Stage { return config.Stage{Use: "pivot", Pivot: &p} }
	good := func() config.PivotStep { return pivotOf("id,ts", "amenity", "has", "first", "oven") }
	refuses(t, NewPivot, config.Stage{}, amenities, BadSetting, "group_by")
	for _, c := range []struct {
		change func(*config.PivotStep)
		code   fault.Code
		place  string
		words  []string
	}{
		{func(p *config.PivotStep) { p.GroupBy = nil }, BadSetting, "group_by", []string{"no `group_by`"}},
		{func(p *config.PivotStep) { p.GroupBy = []string{"id", "tss"} }, MissingColumn, "group_by", []string{`did you mean "ts"?`}},
		{func(p *config.PivotStep) { p.GroupBy = []string{"id", "id"} }, BadSetting, "group_by", []string{"twice"}},
		{func(p *config.PivotStep) { p.GroupBy = []string{"amenity"} }, BadSetting, "group_by", []string{"makes columns of it"}},
		{func(p *config.PivotStep) { p.GroupBy = []string{"tags"} }, BadColumn, "group_by", []string{"array<string>", "scalar"}},
		{func(p *config.PivotStep) { p.Column = "" }, BadSetting, "column", nil},
		{func(p *config.PivotStep) { p.Column = "amenitty" }, MissingColumn, "column", []string{`did you mean "amenity"?`}},
		{func(p *config.PivotStep) { p.Column = "tags" }, BadColumn, "column", []string{"array<string>"}},
		{func(p *config.PivotStep) { p.Column = "bytes" }, BadColumn, "column", []string{"binary"}},
		{func(p *config.PivotStep) { p.Value = "hass" }, MissingColumn, "value", []string{`did you mean "has"?`}},
		{func(p *config.PivotStep) { p.Value = "s" }, BadColumn, "value", []string{"struct<a: integer>"}},
		{func(p *config.PivotStep) { p.Aggregation.Name = "" }, BadSetting, "aggregation", []string{"no `aggregation`"}},
		{func(p *config.PivotStep) { p.Aggregation.Name = "frist" }, BadSetting, "aggregation", []string{`unknown function "frist"`, `did you mean "first"?`}},
		{func(p *config.PivotStep) { p.Aggregation.Name = "sum" }, window.BadAggregate, "aggregation", []string{"sum of a column of type boolean", "before this step"}},
		{func(p *config.PivotStep) { p.Aggregation.Type = "int8" }, BadSetting, "aggregation", []string{`"int8"`}},
		{func(p *config.PivotStep) { p.Aggregation.Type = "array<bigint>" }, BadSetting, "aggregation", []string{"boolean cannot become array<bigint>"}},
		{func(p *config.PivotStep) { p.Values = nil }, BadSetting, "values", []string{"write values = [...]"}},
		{func(p *config.PivotStep) { p.Values = []any{"a", int64(1)} }, BadSetting, "values", []string{"1", "no string"}},
		{func(p *config.PivotStep) { p.Values = []any{"a", "b", "a"} }, BadSetting, "values", []string{`"a" occurs twice`}},
		{func(p *config.PivotStep) { p.Values = []any{""} }, BadSetting, "values", []string{"empty text"}},
		{func(p *config.PivotStep) { p.Values = []any{"ts"} }, BadSetting, "values", []string{`"ts"`, "group_by"}},
		{func(p *config.PivotStep) { p.Values = []any{nil} }, BadSetting, "values", nil},
	} {
		p := good()
		c.change(&p)
		refuses(t, NewPivot, stage(p), amenities+", tags array<string>, bytes binary, s struct<a: int>", c.code, c.place, c.words...)
	}
	for _, c := range []struct {
		typ   string
		value any
	}{{"bigint", "1"}, {"bigint", 1.5}, {"bigint", true}, {"integer", int64(1 << 40)}, {"boolean", "true"}, {"double", "1"}, {"date", "soon"}, {"date", int64(1)}, {"decimal(3,1)", int64(1000)}, {"decimal(3,1)", "x"}, {"double", false}} {
		p := pivotOf("id", "c", "id", "count", c.value)
		refuses(t, NewPivot, stage(p), "id bigint, c "+c.typ, BadSetting, "values", "is no "+strings.Replace(c.typ, "integer", "integer", 1))
	}
	p := pivotOf("id", "c", "id", "count", 1.0, int64(1)) // one text
	refuses(t, NewPivot, stage(p), "id bigint, c double", BadSetting, "values", `"1.0" occurs twice`)
}

// What Learn finds may be of no use; the reader may fail.
func TestPivot_Learn_BadValuesRefused(t *testing.T) {
	many := make([]string, 1001)
	for i := range many {
		many[i] = "v" + strconv.Itoa(i)
	}
	ctx := context.Background()
	for _, c := range []struct {
		rows []string
		code fault.Code
		want string
	}{
		{many, TooManyValues, "more than 1000 values"}, {many[:1000], 0, ""}, {[]string{"a", ""}, BadValue, "empty text"}, {[]string{"null", ""}, BadValue, "empty text"}, {[]string{"id"}, BadValue, "group_by"}, {nil, 0, ""},
	} {
		p := newPivot(pivotOf("id", "c", "id", "count"), flow.Env{}, memory.DefaultAllocator)
		err := p.Learn(ctx, batches(t, "c string", c.rows, 10))
		if err == nil {
			_, err = p.Open(ctx, hosttest.Record(t, "id bigint, c string").Schema())
		}
		if c.code == 0 && err != nil || c.code != 0 && (!fault.Is(err, c.code) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%d rows: %v, want %q", len(c.rows), err, c.want)
		}
	}
	// The text null beside a null.
	p := newPivot(pivotOf("id", "c", "id", "count"), flow.Env{}, memory.DefaultAllocator)
	text := array.NewRecordBuilder(memory.DefaultAllocator, hosttest.Record(t, "c string").Schema())
	text.Field(0).(*array.StringBuilder).AppendValues([]string{"null", ""}, []bool{true, false})
	given := false
	err := p.Learn(ctx, func(context.Context) (flow.Batch, error) {
		if given {
			return flow.Batch{}, io.EOF
		}
		given = true
		return flow.Batch{Record: text.NewRecordBatch()}, nil
	})
	if err == nil {
		_, err = p.Open(ctx, hosttest.Record(t, "id bigint, c string").Schema())
	}
	if !fault.Is(err, BadValue) || !strings.Contains(err.Error(), "nulls and the text") {
		t.Error(err)
	}
	broken := errors.New("broken")
	if err := p.Learn(ctx, func(context.Context) (flow.Batch, error) { return flow.Batch{}, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := p.Learn(ctx, batches(t, "d string", []string{"x"}, 1)); !fault.Is(err, MissingColumn) {
		t.Error(err)
	}
}

// A timestamp beyond the years 0001 to 9999 tells nothing apart.
func TestPivot_InstantOutOfRange_Refused(t *testing.T) {
	typ := &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}
	in := flow.NewSchema([]flow.Field{{Name: "c", Type: typ}, {Name: "g", Type: arrow.PrimitiveTypes.Int64}})
	b := array.NewRecordBuilder(memory.DefaultAllocator, in)
	b.Field(0).(*array.TimestampBuilder).Append(math.MaxInt64)
	b.Field(1).(*array.Int64Builder).Append(1)
	batch := flow.Batch{Record: b.NewRecordBatch()}
	p := newPivot(pivotOf("g", "c", "g", "count", "2024-01-01"), flow.Env{}, memory.DefaultAllocator)
	if _, err := p.Open(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	if err := p.Process(context.Background(), batch, nil); !fault.Is(err, BadValue) {
		t.Error(err)
	}
	given := false
	err := p.Learn(context.Background(), func(context.Context) (flow.Batch, error) {
		if given {
			return flow.Batch{}, io.EOF
		}
		given = true
		return batch, nil
	})
	if !fault.Is(err, BadValue) {
		t.Error(err)
	}
}

// An emit that fails ends the step, wherever it is.
func TestPivot_EmitFails_Told(t *testing.T) {
	cfg := pivotOf("g", "c", "v", "sum", "p")
	s, _, _ := open(t, NewPivot, config.Stage{Pivot: &cfg}, "g bigint, c string, v bigint")
	full := errors.New("full")
	rows := []string{"1 | p | 1", "2 | p | 1"}
	in := hosttest.Batch(t, "g bigint, c string, v bigint", rows...)
	emit := func(b flow.Batch) error { b.Release(); return full }
	err := s.Process(context.Background(), in, emit)
	if err == nil {
		err = s.Flush(context.Background(), emit)
	}
	if !errors.Is(err, full) {
		t.Error(err)
	}
	env, _, _ := hosttest.Env(t)
	unopened, err := NewPivot(config.Stage{Pivot: &cfg}, parts.Place{}, env)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unopened.Close(), unopened.Close()); err != nil {
		t.Error(err)
	}
}

// Cells lie together, and rows that fill each other.
func TestPivot_Order_CellsTogether(t *testing.T) {
	cfg := pivotOf("id,ts", "amenity", "has", "first", "oven")
	for _, want := range []string{"{[id ts]  [amenity] []}", "{[id]  [ts amenity] []}"} {
		s, _, _ := open(t, NewPivot, config.Stage{Pivot: &cfg}, amenities)
		if got := fmt.Sprint(s.(flow.Keyed).Order()); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		cfg.ForwardFill = true
	}
}

// Rows that are many times their columns come out in more than one batch.
func TestPivot_ManyCells_BatchesBounded(t *testing.T) {
	var values []any
	var rows []string
	for v := range 1000 {
		values = append(values, int64(v))
	}
	for g := range 1200 {
		rows = append(rows, fmt.Sprintf("%d | %d | %d", g, g%1000, g))
	}
	cfg := pivotOf("g", "c", "v", "sum", values...)
	s, _, _ := open(t, NewPivot, config.Stage{Pivot: &cfg}, "g bigint, c bigint, v bigint")
	in := hosttest.Batch(t, "g bigint, c bigint, v bigint", rows...)
	var rec hosttest.Recorder
	if err := errors.Join(s.Process(context.Background(), in, rec.Emit), s.Flush(context.Background(), rec.Emit)); err != nil {
		t.Fatal(err)
	}
	row := int64(0)
	for _, b := range rec.Batches {
		if b.Rows()*b.Record.NumCols() > maxCells {
			t.Errorf("%d rows of %d columns", b.Rows(), b.Record.NumCols())
		}
		for c := 1; c < int(b.Record.NumCols()); c++ {
			a := b.Record.Column(c).(*array.Int64)
			for i := range a.Len() {
				g := row + int64(i)
				if here := g%1000 == int64(c-1); a.IsValid(i) != here || here && a.Value(i) != g {
					t.Fatalf("group %d, value %d: %s", g, c-1, a.ValueStr(i))
				}
			}
		}
		row += b.Rows()
	}
	if row != 1200 || len(rec.Batches) < 3 {
		t.Errorf("%d rows in %d batches", row, len(rec.Batches))
	}
}
