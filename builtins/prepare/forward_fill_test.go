package prepare

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

func fill(into, column string, orderBy string, partitionBy ...string) config.Stage {
	f := &config.ForwardFill{PartitionBy: partitionBy, Column: column, Into: into}
	if orderBy != "" {
		f.OrderBy = strings.Split(orderBy, ",")
	}
	return config.Stage{Use: "forward_fill", ForwardFill: f}
}

const series = "id string, ts bigint, v string, n bigint"

// Rule: S-503.
func TestForwardFill_Series_LastValueBefore(t *testing.T) {
	rows := []string{
		"null | 2 | null | 1", "null | 1 | x | 2", // null is a series as well
		"a | 3 | null | 3", "a | 1 | null | 4", "a | 2 | p | 5", "a | null | o | 6", // a null comes first in order
		"b | 1 | null | 7", "b | 1 | q | 0", "b | 1 | null | 9", // ties: by the bytes of all columns
	}
	for _, c := range []struct {
		cfg     config.Stage
		columns string
		want    string
	}{
		{fill("v", "v", "ts", "id"), "id,ts,v,n",
			"null | 1 | x | 2\nnull | 2 | x | 1\na | null | o | 6\na | 1 | o | 4\na | 2 | p | 5\na | 3 | p | 3\nb | 1 | q | 0\nb | 1 | q | 7\nb | 1 | q | 9\n"},
		{fill("", "v", "ts", "id"), "id,ts,v,n",
			"null | 1 | x | 2\nnull | 2 | x | 1\na | null | o | 6\na | 1 | o | 4\na | 2 | p | 5\na | 3 | p | 3\nb | 1 | q | 0\nb | 1 | q | 7\nb | 1 | q | 9\n"},
		{fill("w", "v", "n", "id"), "id,ts,v,n,w",
			"null | 2 | null | 1 | null\nnull | 1 | x | 2 | x\na | 3 | null | 3 | null\na | 1 | null | 4 | null\na | 2 | p | 5 | p\na | null | o | 6 | o\nb | 1 | q | 0 | q\nb | 1 | null | 7 | q\nb | 1 | null | 9 | q\n"},
		{fill("v", "v", "ts,n"), "id,ts,v,n", // one series of all rows
			"a | null | o | 6\nb | 1 | q | 0\nnull | 1 | x | 2\na | 1 | x | 4\nb | 1 | x | 7\nb | 1 | x | 9\nnull | 2 | x | 1\na | 2 | p | 5\na | 3 | p | 3\n"},
	} {
		for size := 1; size <= len(rows); size++ {
			s, out, counts := open(t, NewForwardFill, c.cfg, series)
			if names(out) != c.columns {
				t.Error(out)
			}
			got := process(t, s, series, inOrder(t, series, rows, s.(flow.Keyed).Order()), size)
			if got != c.want || len(counts.N) > 0 {
				t.Errorf("%+v in batches of %d: got\n%s\nwant\n%s", c.cfg.ForwardFill, size, got, c.want)
			}
		}
	}
}

// naive fills sorted rows of series, each as its values.
func naive(rows []string) string {
	var b strings.Builder
	last := map[string]string{}
	for _, r := range rows {
		p := strings.Split(r, " | ")
		if p[2] == "null" {
			if v, ok := last[p[0]]; ok {
				p[2] = v
			}
		}
		if p[2] != "null" {
			last[p[0]] = p[2]
		}
		b.WriteString(strings.Join(p, " | ") + "\n")
	}
	return b.String()
}

// Any order of the rows, any batches and any number of partitions give what a
// plain loop gives, of every type, and nothing leaks.
func TestForwardFill_AnyRows_AsAPlainLoop(t *testing.T) {
	types := []struct{ name, a, b string }{
		{"string", "x", "longer text"}, {"bigint", "1", "-2"}, {"integer", "1", "2"}, {"double", "0.5", "-0"}, {"float", "0.5", "NaN"}, {"boolean", "true", "false"},
		{"decimal(5,2)", "1.25", "-1"}, {"timestamp", "2024-01-02", "2024-01-02T03:04:05Z"}, {"date", "2024-01-02", "2024-01-03"}, {"array<bigint>", "[1,2]", "[]"}, {"binary", "YWJj", "YQ=="},
	}
	rapid.Check(t, func(rt *rapid.T) {
		mem := checked(t)
		defer mem.AssertSize(t, 0)
		typ := rapid.SampledFrom(types).Draw(rt, "type")
		columns := strings.Replace(series, "v string", "v "+typ.name, 1)
		rows := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string {
			return strings.Join([]string{rapid.SampledFrom([]string{"a", "b", "c", "null"}).Draw(rt, "id"), rapid.SampledFrom([]string{"1", "2", "3", "null"}).Draw(rt, "ts"),
				rapid.SampledFrom([]string{typ.a, typ.b, "null", "null"}).Draw(rt, "v"), rapid.SampledFrom([]string{"1", "2", "null"}).Draw(rt, "n")}, " | ")
		}), 1, 40).Draw(rt, "rows")
		f := newForwardFill(config.ForwardFill{PartitionBy: []string{"id"}, OrderBy: []string{"ts"}, Column: "v"}, mem)
		in := hosttest.Record(t, columns)
		if _, err := f.Open(context.Background(), in.Schema()); err != nil {
			rt.Fatal(err)
		}
		sorted := inOrder(t, columns, rows, f.Order())
		printed := make([]string, len(sorted)) // as Text does
		for i, r := range sorted {
			printed[i] = strings.TrimSuffix(hosttest.Text(hosttest.Record(t, columns, r)), "\n")
		}
		want := naive(printed)
		size := rapid.IntRange(1, 40).Draw(rt, "batch")
		got := ""
		for _, part := range partitions(t, columns, sorted, []string{"id"}, rapid.SampledFrom([]int{1, 2, 7}).Draw(rt, "partitions")) {
			g, err := f.Fork(context.Background())
			if err != nil {
				rt.Fatal(err)
			}
			got += process(t, g, columns, part, size)
			if err := g.Close(); err != nil {
				rt.Fatal(err)
			}
		}
		if got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// A struct is filled whole, whatever lies in it.
func TestForwardFill_Structs_Filled(t *testing.T) {
	s, _, _ := open(t, NewForwardFill, fill("", "v", "ts"), "ts bigint, v struct<a: int, b: array<string>>")
	got := process(t, s, "ts bigint, v struct<a: int, b: array<string>>", []string{"1 | null", `2 | {"a":1,"b":["x"]}`, "3 | null", "4 | null"}, 3)
	if want := "1 | null\n2 | {\"a\":1,\"b\":[\"x\"]}\n3 | {\"a\":1,\"b\":[\"x\"]}\n4 | {\"a\":1,\"b\":[\"x\"]}\n"; got != want {
		t.Error(got)
	}
}

func TestForwardFill_Refuses(t *testing.T) {
	refuses(t, NewForwardFill, config.Stage{}, series, BadSetting, "column")
	refuses(t, NewForwardFill, fill("", "", "ts"), series, BadSetting, "column")
	refuses(t, NewForwardFill, fill("", "v", ""), series, BadSetting, "order_by", "no `order_by`")
	refuses(t, NewForwardFill, fill("", "w", "ts"), series, MissingColumn, "column", `no column "w"`)
	refuses(t, NewForwardFill, fill("", "v", "tss"), series, MissingColumn, "order_by", `did you mean "ts"?`)
	refuses(t, NewForwardFill, fill("", "v", "ts", "idd"), series, MissingColumn, "partition_by", `did you mean "id"?`)
	refuses(t, NewForwardFill, fill("", "v", "ts,ts"), series, BadSetting, "order_by", "twice")
	refuses(t, NewForwardFill, fill("", "v", "ts", "id", "id"), series, BadSetting, "partition_by", "twice")
	refuses(t, NewForwardFill, fill("n", "v", "ts", "id"), series, BadSetting, "into", `"n", which is there already`)

	env, _, _ := hosttest.Env(t)
	odd := flow.NewSchema([]flow.Field{{Name: "t", Type: arrow.FixedWidthTypes.MonthInterval}, {Name: "u", Type: arrow.SparseUnionOf(nil, nil)}, {Name: "v", Type: arrow.BinaryTypes.String}})
	for _, c := range []struct {
		f    config.ForwardFill
		want string
	}{
		{config.ForwardFill{Column: "v", OrderBy: []string{"t"}}, "put in order"},
		{config.ForwardFill{Column: "v", OrderBy: []string{"v"}, PartitionBy: []string{"t"}}, "put in order"},
		{config.ForwardFill{Column: "u", OrderBy: []string{"v"}}, "can be copied"},
	} {
		s, err := NewForwardFill(config.Stage{ForwardFill: &c.f}, struct{ Dir, State string }{}, env)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(context.Background(), odd); err == nil || !strings.Contains(err.Error(), "FH-7027") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.f, err)
		}
	}
}

// A value in a dictionary is filled too, across batches with dictionaries of
// their own.
func TestForwardFill_Dictionary_Filled(t *testing.T) {
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	in := flow.NewSchema([]flow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "v", Type: typ, Nullable: true}})
	f := newForwardFill(config.ForwardFill{Column: "v", OrderBy: []string{"n"}}, memory.DefaultAllocator)
	if _, err := f.Open(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	var rec hosttest.Recorder
	for _, values := range [][]string{{"", "a", ""}, {"", "b"}, {"", ""}} {
		b := array.NewRecordBuilder(memory.DefaultAllocator, in)
		for i, v := range values {
			b.Field(0).(*array.Int64Builder).Append(int64(i))
			if v == "" {
				b.Field(1).AppendNull()
			} else if err := b.Field(1).AppendValueFromString(v); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Process(context.Background(), flow.Batch{Record: b.NewRecordBatch()}, rec.Emit); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, b := range rec.Batches {
		for i := range int(b.Rows()) {
			got = append(got, hosttest.Value(b.Record.Column(1), i))
		}
	}
	if strings.Join(got, " ") != "null a a a b b b" {
		t.Error(got)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// Null is a series of its own beside the values that are nothing.
func TestForwardFill_NullBesideZero_TwoSeries(t *testing.T) {
	for typ, zero := range map[string]string{"bigint": "0", "integer": "0", "string": "", "boolean": "false", "double": "0", "date": "1970-01-01"} {
		columns := "id " + typ + ", ts bigint, v string"
		s, _, _ := open(t, NewForwardFill, fill("", "v", "ts", "id"), columns)
		got := process(t, s, columns, []string{"null | 1 | x", zero + " | 2 | null", zero + " | 3 | y", "null | 4 | null", "null | 5 | z"}, 5)
		want := "null | 1 | x\n" + zero + " | 2 | null\n" + zero + " | 3 | y\nnull | 4 | null\nnull | 5 | z\n"
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", typ, got, want)
		}
	}
}

// Rule: S-503.
func TestForwardFill_Order_SeriesThenOrder(t *testing.T) {
	s, _, _ := open(t, NewForwardFill, fill("", "v", "ts,n", "id"), series)
	if got := fmt.Sprint(s.(flow.Keyed).Order()); got != "{[id]  [ts n] []}" {
		t.Error(got)
	}
}
