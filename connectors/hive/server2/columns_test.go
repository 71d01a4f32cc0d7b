package server2

import (
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	hs "github.com/beltran/gohive/hiveserver"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/hosttest"
)

func TestMicros_AsHiveWritesThem(t *testing.T) {
	for in, want := range map[string]string{
		"2024-01-31 23:59:59.123456789": "2024-01-31T23:59:59.123456Z", "2024-01-31 00:00:00": "2024-01-31T00:00:00Z", "1969-12-31 23:59:59.9999999": "1969-12-31T23:59:59.999999Z",
		"2024-07-01 02:00:00.5 Europe/Berlin": "2024-07-01T00:00:00.5Z", "2024-01-31 00:00:00.0 UTC": "2024-01-31T00:00:00Z",
	} {
		us, ok := micros(in)
		if got := time.UnixMicro(us).UTC().Format(time.RFC3339Nano); !ok || got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{"", "2024-01-31", "2024-01-32 00:00:00", "2024-01-31 00:00:00 Nowhere", "+10000-01-01 00:00:00", "2024-01-31T00:00:00Z"} {
		if us, ok := micros(in); ok {
			t.Errorf("%q is %d", in, us)
		}
	}
}

func TestDecimal_AnyNumber_ReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		scale := rapid.Int32Range(0, 10).Draw(rt, "scale")
		typ := &arrow.Decimal128Type{Precision: 38, Scale: scale}
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,27})(\.[0-9]{0,9}[1-9])?`).Draw(rt, "text")
		_, fraction, _ := strings.Cut(text, ".")
		n, ok := decimal(text, typ)
		if ok != (int32(len(fraction)) <= scale) {
			rt.Fatalf("%s as %s: %v", text, typ, ok)
		}
		if !ok {
			return
		}
		want := text
		if scale > 0 {
			want += "." + strings.Repeat("0", int(scale))
			if fraction != "" {
				want = text + strings.Repeat("0", int(scale)-len(fraction))
			}
		}
		if strings.Trim(want, "-0.") == "" {
			want = strings.TrimPrefix(want, "-")
		}
		if got := n.ToString(scale); got != want {
			rt.Fatalf("%s as %s is %s, want %s", text, typ, got, want)
		}
	})
	for _, c := range []struct {
		in   string
		p, s int32
	}{{"", 5, 2}, {"-", 5, 2}, {".", 5, 2}, {"1E3", 10, 0}, {"1000", 5, 2}, {"+1", 5, 2}, {"1.2.3", 5, 4}, {"NaN", 5, 2}} {
		if n, ok := decimal(c.in, &arrow.Decimal128Type{Precision: c.p, Scale: c.s}); ok {
			t.Errorf("%q is %s", c.in, n.ToString(c.s))
		}
	}
}

// Answers that contradict themselves are errors that name the column.
func TestValues_AnswersThatDoNotFit_Refused(t *testing.T) {
	texts := func(v ...string) *hs.TColumn { return &hs.TColumn{StringVal: &hs.TStringColumn{Values: v}} }
	numbers := func(v ...int64) *hs.TColumn { return &hs.TColumn{I64Val: &hs.TI64Column{Values: v, Nulls: []byte{1}}} }
	describe := func(types ...hs.TTypeId) *Result {
		s := &hs.TTableSchema{}
		for i, typ := range types {
			s.Columns = append(s.Columns, &hs.TColumnDesc{ColumnName: "t." + string(rune('a'+i)), TypeDesc: &hs.TTypeDesc{Types: []*hs.TTypeEntry{{PrimitiveEntry: &hs.TPrimitiveTypeEntry{Type: typ}}}}})
		}
		schema, columns, err := columnsOf(s)
		if err != nil {
			t.Fatal(err)
		}
		return &Result{schema: schema, columns: columns}
	}
	r := describe(hs.TTypeId_BIGINT_TYPE, hs.TTypeId_DATE_TYPE)
	b, err := r.batch([]*hs.TColumn{numbers(1, 2), texts("2024-01-31", "2024-02-29")})
	if err != nil {
		t.Fatal(err)
	}
	if got := hosttest.Text(b); got != "null | 2024-01-31\n2 | 2024-02-29\n" {
		t.Error(got)
	}
	b.Release()
	for want, in := range map[string][]*hs.TColumn{
		"has 1 columns, and 2 were told":             {numbers(1)},
		`column "b": "31.1.2024" is no date`:         {numbers(1), texts("31.1.2024")},
		`column "b" has 2 values`:                    {numbers(1), texts("2024-01-31", "2024-01-31")},
		`column "b" is said to be of type DATE_TYPE`: {numbers(1), numbers(1)},
		`column "a" is said to be of type BIGINT`:    {texts("1"), texts("2024-01-31")},
		`column "a" is said to be`:                   {{}, {}},
	} {
		if _, err := r.batch(in); !fault.Is(err, hive.BadResult) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if _, err := describe(hs.TTypeId_STRING_TYPE).batch([]*hs.TColumn{texts("\xff")}); !fault.Is(err, hive.BadResult) {
		t.Error(err)
	}
	for _, s := range []*hs.TTableSchema{nil, {}, {Columns: []*hs.TColumnDesc{{ColumnName: "a"}}},
		{Columns: []*hs.TColumnDesc{{ColumnName: "a", TypeDesc: &hs.TTypeDesc{Types: []*hs.TTypeEntry{{PrimitiveEntry: &hs.TPrimitiveTypeEntry{Type: hs.TTypeId_INTERVAL_DAY_TIME_TYPE}}}}}}}} {
		if _, _, err := columnsOf(s); !fault.Is(err, hive.BadResult) {
			t.Errorf("%v: %v", s, err)
		}
	}
}
