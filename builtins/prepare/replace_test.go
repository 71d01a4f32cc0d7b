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

func replaceBy(column string, pairs ...string) config.Stage {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return config.Stage{Use: "replace", Replace: &config.Replace{Column: column, Values: values}}
}

// Rule: S-502.
func TestReplace_Texts_ExactMatchOnce(t *testing.T) {
	s, out, _ := open(t, NewReplace, replaceBy("s", "a", "b", "b", "ccc", "", "empty", "long", ""), "k bigint, s string, z string")
	if names(out) != "k,s,z" || strings.Join(s.(flow.Reads).Reads(), ",") != "s" {
		t.Error(out, s)
	}
	got := process(t, s, "k bigint, s string, z string", []string{"1 | a | a", "2 | b | b", "3 | A | c", "4 | null | null", "5 |  | x", "6 | long | y", "7 | a b | z"}, 10)
	if want := "1 | b | a\n2 | ccc | b\n3 | A | c\n4 | null | null\n5 | empty | x\n6 |  | y\n7 | a b | z\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A batch that holds nothing to replace is handed on as it is.
func TestReplace_NothingToReplace_NoCopy(t *testing.T) {
	s, _, _ := open(t, NewReplace, replaceBy("s", "a", "b", "xxxx", "y"), "s string")
	in := hosttest.Batch(t, "s string", "b", "c", "null", "yyyy")
	defer in.Release()
	var rec hosttest.Recorder
	defer rec.Release()
	if err := s.Process(context.Background(), in, rec.Emit); err != nil {
		t.Fatal(err)
	}
	if rec.Batches[0].Record != in.Record || rec.Batches[0].Position != in.Position {
		t.Error("copied")
	}
}

func TestReplace_AnyBatches_AsAMap(t *testing.T) {
	word := rapid.StringMatching("[ab]{0,3}")
	rapid.Check(t, func(rt *rapid.T) {
		mem := checked(t)
		defer mem.AssertSize(t, 0)
		values := rapid.MapOfN(word, word, 1, 6).Draw(rt, "values")
		r := newReplace(config.Replace{Column: "s", Values: values}, mem)
		rows := rapid.SliceOfN(rapid.OneOf(word, rapid.Just("null")), 0, 40).Draw(rt, "rows")
		in := hosttest.Record(t, "s string", rows...)
		if _, err := r.Open(context.Background(), in.Schema()); err != nil {
			rt.Fatal(err)
		}
		want := ""
		for _, s := range rows {
			if by, ok := values[s]; ok && s != "null" {
				s = by
			}
			want += s + "\n"
		}
		size := rapid.IntRange(1, 40).Draw(rt, "batch")
		var rec hosttest.Recorder
		for at := 0; at < len(rows); at += size { // slices: offsets do not begin at 0
			one := in.NewSlice(int64(at), int64(min(at+size, len(rows))))
			if err := r.Process(context.Background(), flow.Batch{Record: one}, rec.Emit); err != nil {
				rt.Fatal(err)
			}
			one.Release()
		}
		got := rec.Text()
		rec.Release()
		if got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// Texts that came in another dress leave as plain ones.
func TestReplace_DictionaryAndLargeText_Plain(t *testing.T) {
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	for _, typ := range []arrow.DataType{dict, arrow.BinaryTypes.LargeString} {
		b := array.NewBuilder(memory.DefaultAllocator, typ)
		for _, s := range []string{"a", "b", "a"} {
			if err := b.AppendValueFromString(s); err != nil {
				t.Fatal(err)
			}
		}
		b.AppendNull()
		a := b.NewArray()
		in := flow.NewSchema([]flow.Field{{Name: "s", Type: typ, Nullable: true}})
		r := newReplace(config.Replace{Column: "s", Values: map[string]string{"a": "x"}}, memory.DefaultAllocator)
		out, err := r.Open(context.Background(), in)
		if err != nil || out.Field(0).Type.ID() != arrow.STRING {
			t.Fatal(out, err)
		}
		var rec hosttest.Recorder
		if err := r.Process(context.Background(), flow.Batch{Record: array.NewRecordBatch(in, []arrow.Array{a}, 4)}, rec.Emit); err != nil {
			t.Fatal(err)
		}
		if got := rec.Text(); got != "x\nb\nx\nnull\n" {
			t.Errorf("%s: %s", typ, got)
		}
	}
}

func TestReplace_Refuses(t *testing.T) {
	refuses(t, NewReplace, config.Stage{Use: "replace"}, "s string", BadSetting, "column")
	refuses(t, NewReplace, replaceBy("", "a", "b"), "s string", BadSetting, "column", "no `column`")
	refuses(t, NewReplace, replaceBy("s"), "s string", BadSetting, "values", "no `values`")
	refuses(t, NewReplace, replaceBy("carier", "a", "b"), "k bigint, carrier string", MissingColumn, "column", `no column "carier"`, "found k, carrier", `did you mean "carrier"?`)
	refuses(t, NewReplace, replaceBy("s", "a", "b"), "s string, s string", MissingColumn, "column", "occurs 2 times")
	for _, typ := range []string{"bigint", "binary", "array<string>", "struct<a: string>", "timestamp"} {
		refuses(t, NewReplace, replaceBy("s", "a", "b"), "s "+typ, BadColumn, "column", fmt.Sprintf("%q is %s", "s", typ), "a text column")
	}
}

func TestReplace_Fork_SameRows(t *testing.T) {
	s, _, _ := open(t, NewReplace, replaceBy("s", "a", "b"), "s string")
	f, err := s.(flow.Stateless).Fork(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := process(t, f, "s string", []string{"a", "c"}, 1); got != "b\nc\n" {
		t.Error(got)
	}
}

// A batch has room for 2 GiB of text: more is refused, not wrapped around.
func TestReplace_TextsTooLong_Refused(t *testing.T) {
	r := newReplace(config.Replace{Column: "s", Values: map[string]string{"a": strings.Repeat("x", 1<<20)}}, memory.DefaultAllocator)
	rows := make([]string, 2048)
	for i := range rows {
		rows[i] = "a"
	}
	in := hosttest.Batch(t, "s string", rows...)
	defer in.Release()
	if _, err := r.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	err := r.Process(context.Background(), in, nil)
	if err == nil || !strings.Contains(err.Error(), "FH-7044") {
		t.Error(err)
	}
}

// Long texts are told apart as short ones are, and many as few.
func TestReplace_LongAndManyTexts_Found(t *testing.T) {
	var pairs, rows []string
	want := ""
	for i := range 20 {
		old := strings.Repeat("x", 55+i)
		pairs = append(pairs, old, fmt.Sprint(i), fmt.Sprintf("k%02d", i), fmt.Sprintf("v%d", i))
		rows = append(rows, old, old+"y", fmt.Sprintf("k%02d", i))
		want += fmt.Sprintf("%d\n%sy\nv%d\n", i, old, i)
	}
	s, _, _ := open(t, NewReplace, replaceBy("s", pairs...), "s string")
	if got := process(t, s, "s string", append(rows, "k99"), 100); got != want+"k99\n" {
		t.Error(got)
	}
}
