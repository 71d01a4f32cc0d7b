package hive

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Rule: S-401.
func TestTypes_ThereAndBack(t *testing.T) {
	for ours, theirs := range map[string]string{
		"timestamp": "timestamp", "date": "date", "boolean": "boolean", "integer": "int", "bigint": "bigint", "float": "float", "double": "double",
		"decimal": "decimal(10,0)", "decimal(38,3)": "decimal(38,3)", "string": "string", "binary": "binary",
		"array<bigint>": "array<bigint>", "array<decimal(5,2)>": "array<decimal(5,2)>",
	} {
		typ, err := schema.ParseType(ours)
		if err != nil {
			t.Fatal(err)
		}
		got, err := TypeOf(typ)
		if err != nil || got != theirs {
			t.Errorf("%s is %q, want %q (%v)", ours, got, theirs, err)
		}
		if back, ok := ArrowOf(strings.ToUpper(got)); !ok || !arrow.TypeEqual(back, typ) {
			t.Errorf("%s comes back as %v", got, back)
		}
	}
	for hive, want := range map[string]string{
		"tinyint": "integer", " smallint ": "integer", "varchar(20)": "string", "char(3)": "string", "decimal": "decimal(10,0)", "decimal( 5 , 2 )": "decimal(5,2)", "timestamp with local time zone": "timestamp", "array< int >": "array<integer>",
	} {
		if typ, ok := ArrowOf(hive); !ok || schema.TypeName(typ) != want {
			t.Errorf("%q is %v, want %s", hive, typ, want)
		}
	}
	for _, hive := range []string{"", "struct<a:int>", "map<string,int>", "uniontype<int>", "array<array<int>>", "array<int", "decimal(39,0)", "decimal(5,6)", "decimal(x)", "decimal(5,2", "decimal(5,2,1)", "int(4)", "interval_day_time"} {
		if typ, ok := ArrowOf(hive); ok {
			t.Errorf("%q is %v", hive, typ)
		}
	}
	for _, typ := range []arrow.DataType{arrow.FixedWidthTypes.Time32s, arrow.StructOf(), &arrow.TimestampType{Unit: arrow.Second}, arrow.ListOf(arrow.StructOf())} {
		if got, err := TypeOf(typ); !fault.Is(err, BadType) {
			t.Errorf("%v is %q", typ, got)
		}
	}
}

func FuzzArrowOf(f *testing.F) {
	f.Add("decimal(10,2)")
	f.Add("array<array<")
	f.Fuzz(func(t *testing.T, s string) {
		typ, ok := ArrowOf(s)
		if !ok {
			return
		}
		name, err := TypeOf(typ)
		if err != nil {
			t.Fatalf("%q is %v, which has no name: %v", s, typ, err)
		}
		if again, ok := ArrowOf(name); !ok || !arrow.TypeEqual(again, typ) {
			t.Fatalf("%q is %v, and %v when it is written %q", s, typ, again, name)
		}
	})
}

func TestLocations(t *testing.T) {
	for in, want := range map[string]string{
		"/a/b/": "/a/b", "file:/a/b": "/a/b", "file:///a/b": "/a/b", "file://localhost/a": "/a", "FILE:/a": "/a",
		"s3a://b/k/": "s3://b/k", "s3n://b": "s3://b", "s3://b/": "s3://b", "s3://b/k=1/x y%20": "s3://b/k=1/x y%20",
	} {
		if got, err := LocationOf(in); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", in, got, want, err)
		}
	}
	for _, in := range []string{"", "a/b", "hdfs://x/y", "file://host/a", "s3:///x", "s3:", "wasb://a@b/c"} {
		if got, err := LocationOf(in); !fault.Is(err, BadLocation) {
			t.Errorf("%q is %q (%v)", in, got, err)
		}
	}
	for _, c := range [][3]string{
		{"s3://b/k", "", "s3a://b/k"}, {"s3://b/k", "s3://x/y", "s3://b/k"}, {"s3a://b/k/", "s3n://x", "s3n://b/k"}, {"s3://b/k", "file:/x", "s3a://b/k"},
		{"/a", "s3://x/y", "file:///a"}, {"file:///a", "", "file:///a"},
	} {
		if got, err := LocationFor(c[0], c[1]); err != nil || got != c[2] || !samePlace(got, c[0]) {
			t.Errorf("%s beside %s is %s (%v)", c[0], c[1], got, err)
		}
	}
}

// The name of any day's partition is read back.
func TestDayName_AnyDay_ReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := flow.Day(rapid.Int32Range(-719162, 2932896).Draw(rt, "day"))
		if got, ok := dayOf(dayName(d)); !ok || got != d {
			rt.Fatalf("%s is %s", dayName(d), got)
		}
		if _, ok := dayOf(rapid.StringMatching(`(year=[0-9_]{0,5}/)?month=[0-9]{0,2}/day=[0-9-]{0,3}`).Draw(rt, "name")); ok {
			return
		}
	})
	for name, want := range map[string]string{"year=2024/month=01/day=02": "2024-01-02", "year=2024/month=2/day=30": "", "year=2024/month=2": "", "y=1/m=2/d=3": "", "year=2024/month=" + NullPartition + "/day=1": ""} {
		d, ok := dayOf(name)
		if ok != (want != "") || ok && d.String() != want {
			t.Errorf("%s is %s, %v", name, d, ok)
		}
	}
	if d, ok := dayOf(dayName(noDay)); !ok || d != noDay {
		t.Error(d, ok)
	}
}

func TestColumnsOf_NamesThatHiveTakesForOne_Refused(t *testing.T) {
	of := func(names ...string) error {
		var fields []arrow.Field
		for _, n := range names {
			fields = append(fields, arrow.Field{Name: n, Type: arrow.PrimitiveTypes.Int64})
		}
		_, err := columnsOf(arrow.NewSchema(fields, nil))
		return err
	}
	for _, names := range [][]string{{"a", "A"}, {"Year"}, {"x", "day"}} {
		if err := of(names...); !fault.Is(err, BadName) || !strings.Contains(err.Error(), names[len(names)-1]) {
			t.Errorf("%v: %v", names, err)
		}
	}
	if err := of("a", "b"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", "a-b", "a.b", "ä"} {
		if _, err := checkName("feature set", name); !fault.Is(err, BadName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
