package schema_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
)

// written draws a type as a user may write it.
func written(t *rapid.T) string { return writtenTo(t, 2) }

func writtenTo(t *rapid.T, depth int) string {
	names := slices.DeleteFunc(schema.Names(), func(n string) bool { return n == "array" || n == "struct" })
	s := rapid.SampledFrom(names).Draw(t, "scalar")
	if s == "decimal" && rapid.Bool().Draw(t, "sized") {
		p := rapid.IntRange(1, 38).Draw(t, "precision")
		s = schema.TypeName(&arrow.Decimal128Type{Precision: int32(p), Scale: int32(rapid.IntRange(0, p).Draw(t, "scale"))})
	}
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "struct") == 0 {
		var fields []string
		for i := range rapid.IntRange(1, 3).Draw(t, "fields") {
			name := fmt.Sprint(rapid.SampledFrom([]string{"f", "B", "\"a, \"\"<b>:\"", "two words", "ß"}).Draw(t, "name"))
			if strings.HasSuffix(name, `"`) {
				name = fmt.Sprintf(`%s %d"`, name[:len(name)-1], i)
			} else {
				name += fmt.Sprint(i)
			}
			fields = append(fields, name+rapid.SampledFrom([]string{":", " : ", ": "}).Draw(t, "colon")+writtenTo(t, depth-1))
		}
		s = "struct<" + strings.Join(fields, ",") + ">"
	}
	if rapid.Bool().Draw(t, "array") {
		s = "array<" + s + ">"
	}
	return s
}

// What a user writes, printed, reads back as the same type; the printed name
// is the canonical one and prints as itself.
func TestParseType_AnyType_PrintsAndReadsBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := written(rt)
		typ, err := schema.ParseType(text)
		if err != nil {
			rt.Fatal(err)
		}
		name := schema.TypeName(typ)
		again, err := schema.ParseType(name)
		if err != nil || !arrow.TypeEqual(typ, again) {
			rt.Fatalf("%s prints as %s, which reads as %v (%v)", text, name, again, err)
		}
		if twice := schema.TypeName(again); twice != name {
			rt.Fatalf("%s, then %s", name, twice)
		}
		if strings.Contains(text, "struct") {
			return // the names of fields keep their case
		}
		loud, err := schema.ParseType("\t " + strings.ToUpper(text) + " ")
		if err != nil || !arrow.TypeEqual(typ, loud) {
			rt.Fatalf("in capitals %s is %v (%v)", text, loud, err)
		}
	})
}

func TestParseType_EveryName_TheTypeOfTheManual(t *testing.T) {
	for text, want := range map[string]arrow.DataType{
		"timestamp": &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, "timestamp_ntz": &arrow.TimestampType{Unit: arrow.Microsecond},
		"date": arrow.FixedWidthTypes.Date32, "boolean": arrow.FixedWidthTypes.Boolean, "bool": arrow.FixedWidthTypes.Boolean,
		"integer": arrow.PrimitiveTypes.Int32, "int": arrow.PrimitiveTypes.Int32, "bigint": arrow.PrimitiveTypes.Int64, "long": arrow.PrimitiveTypes.Int64,
		"float": arrow.PrimitiveTypes.Float32, "double": arrow.PrimitiveTypes.Float64,
		"string": arrow.BinaryTypes.String, "text": arrow.BinaryTypes.String, "binary": arrow.BinaryTypes.Binary,
		"decimal": &arrow.Decimal128Type{Precision: 10}, "decimal(7)": &arrow.Decimal128Type{Precision: 7}, "decimal( 38 , 38 )": &arrow.Decimal128Type{Precision: 38, Scale: 38},
		"array< long >": arrow.ListOf(arrow.PrimitiveTypes.Int64), "array<decimal(3,1)>": arrow.ListOf(&arrow.Decimal128Type{Precision: 3, Scale: 1}),
		"Struct < aB : int , \"b \"\"c\"\", :\" : array<struct<x y:decimal(4,2)>>, c: STRUCT<d: text> >": arrow.StructOf(
			arrow.Field{Name: "aB", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
			arrow.Field{Name: `b "c", :`, Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "x y", Type: &arrow.Decimal128Type{Precision: 4, Scale: 2}, Nullable: true})), Nullable: true},
			arrow.Field{Name: "c", Type: arrow.StructOf(arrow.Field{Name: "d", Type: arrow.BinaryTypes.String, Nullable: true}), Nullable: true}),
	} {
		got, err := schema.ParseType(text)
		if err != nil || !arrow.TypeEqual(got, want) {
			t.Errorf("%s is %v (%v)", text, got, err)
		}
	}
	for text, want := range map[string]string{"bool": "boolean", "int": "integer", "long": "bigint", "text": "string", "decimal": "decimal(10,0)", "array<text>": "array<string>",
		`struct<"a": int,b c:array<struct<"x,": text>>>`: `struct<a: integer, b c: array<struct<"x,": string>>>`} {
		if typ, err := schema.ParseType(text); err != nil || schema.TypeName(typ) != want {
			t.Errorf("%s prints as %v (%v)", text, typ, err)
		}
	}
	names := schema.Names()
	for _, want := range []string{"timestamp", "decimal", "array", "text"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing from %v", want, names)
		}
	}
	if slices.Index(names, "array") > slices.Index(names, "bool") {
		t.Errorf("aliases come before the names they stand for: %v", names)
	}
}

func TestParseType_NoType_RefusedWithWhatWasWritten(t *testing.T) {
	for _, text := range []string{
		"", "int8", "varchar", "big int", "array", "array<", "array<>", "array<bigint", "array<array<bigint>>", "array<int8>",
		"decimal(", "decimal()", "decimal(0)", "decimal(39)", "decimal(10,11)", "decimal(10,-1)", "decimal(x,1)", "decimal(1,2,3)", "decimal(10,2", "bigint(20)",
		"struct", "struct<", "struct<>", "struct<a>", "struct<a: >", "struct<a bigint>", "struct<a: bigint", "struct<a: bigint,>", "struct<a: bigint b: int>", `struct<"a: bigint>`, `struct<"": bigint>`, "struct<: bigint>",
		"struct<a: bigint, a: double>", "struct<a: bigint>>", "struct<a: array<array<int>>>", "array<struct<a: int>", "struct<a: int8>", "bigint>", "array<bigint>,",
	} {
		typ, err := schema.ParseType(text)
		if err == nil {
			t.Errorf("%q is %v", text, typ)
			continue
		}
		quoted := text == ""
		for from := range text {
			for to := from + min(len(text)-from, 3); to <= len(text); to++ {
				quoted = quoted || strings.Contains(err.Error(), fmt.Sprintf("%q", text[from:to]))
			}
		}
		if !quoted {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTypeName_TypeThatUsersCannotWrite_AsArrowPrintsIt(t *testing.T) {
	for _, typ := range []arrow.DataType{arrow.PrimitiveTypes.Uint8, &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "CET"}} {
		name := schema.TypeName(typ)
		if name != typ.String() {
			t.Errorf("%v prints as %s", typ, name)
		}
		if got, err := schema.ParseType(name); err == nil {
			t.Errorf("%s reads as %v", name, got)
		}
	}
}

func TestParse_Columns_NamesTypesAndNullable(t *testing.T) {
	got, err := schema.Parse("id bigint,ts  timestamp , tags array<decimal(4,2)>, x decimal(10, 2), y text")
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, f := range got.Fields() {
		if !f.Nullable {
			t.Errorf("%s is not nullable", f.Name)
		}
		text = append(text, f.Name+" "+schema.TypeName(f.Type))
	}
	if want := []string{"id bigint", "ts timestamp", "tags array<decimal(4,2)>", "x decimal(10,2)", "y string"}; !slices.Equal(text, want) {
		t.Errorf("%q", text)
	}
	nested, err := schema.Parse(`a struct<"x, y": int, z: decimal(3,1)>, b array<struct<c: text>>`)
	if err != nil || nested.NumFields() != 2 || schema.TypeName(nested.Field(0).Type) != `struct<"x, y": integer, z: decimal(3,1)>` {
		t.Error(nested, err)
	}
	for _, bad := range []string{"", "id", "id bigint,", "id bigint,,x double", "id int8", "id decimal(1,2", "id array<decimal(4,2)", "id bigint x", "id struct<a: int", "id, x double"} {
		if s, err := schema.Parse(bad); err == nil || !strings.Contains(err.Error(), "column") {
			t.Errorf("%q is %v (%v)", bad, s, err)
		}
	}
}

// A list of columns, printed, reads back as the same columns.
func TestParse_AnyColumns_ReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var columns []string
		for range rapid.IntRange(1, 6).Draw(rt, "columns") {
			columns = append(columns, rapid.StringMatching("[a-zA-Z_][a-z0-9.]{0,5}").Draw(rt, "name")+" "+written(rt))
		}
		s, err := schema.Parse(strings.Join(columns, ","))
		if err != nil {
			rt.Fatal(err)
		}
		var printed []string
		for i, f := range s.Fields() {
			if name, _, _ := strings.Cut(columns[i], " "); f.Name != name {
				rt.Fatalf("column %d is %q, want %q", i, f.Name, name)
			}
			printed = append(printed, f.Name+" "+schema.TypeName(f.Type))
		}
		again, err := schema.Parse(strings.Join(printed, ", "))
		if err != nil || !again.Equal(s) {
			rt.Fatalf("%v reads back as %v (%v)", s, again, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("id bigint, tags array<decimal(4,2)>")
	f.Add("a array<array<x>>)(,")
	f.Add(`a struct<"x"": y": int, z: array<struct<b c: decimal(3,1)>>>, b text`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schema.Parse(text)
		if err != nil {
			return
		}
		for _, c := range s.Fields() {
			if again, err := schema.ParseType(schema.TypeName(c.Type)); err != nil || !arrow.TypeEqual(again, c.Type) {
				t.Errorf("%v does not read back: %v (%v)", c.Type, again, err)
			}
		}
	})
}

func TestParseType_DeepNesting_Refused(t *testing.T) {
	for _, c := range []struct {
		depth int
		ok    bool
	}{{30, true}, {100_000, false}} {
		text := strings.Repeat("struct<a: ", c.depth) + "int" + strings.Repeat(">", c.depth)
		if _, err := schema.ParseType(text); (err == nil) != c.ok {
			t.Errorf("%d deep: %v", c.depth, err == nil)
		}
	}
}
