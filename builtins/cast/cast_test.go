package cast

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/hosttest"
)

func typ(t testing.TB, name string) arrow.DataType {
	t.Helper()
	d, err := schema.ParseType(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// one casts a single value, as text, and gives the result as text and whether
// it failed.
func one(t testing.TB, from, value, to string, rules Rules) (string, bool) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	// Neighbours before and after, and a slice, so that offsets matter.
	r := hosttest.Record(t, "v "+from, "null", value, "null", value)
	defer r.Release()
	in := array.NewSlice(r.Column(0), 1, 4)
	defer in.Release()
	c, err := New(in.DataType(), typ(t, to), rules)
	if err != nil {
		t.Fatal(err)
	}
	out, failed := c.Apply(mem, in)
	defer out.Release()
	if out.Len() != 3 || !out.IsNull(1) {
		t.Fatalf("%s %s to %s: %v: the null between did not stay", from, value, to, out)
	}
	if !arrow.TypeEqual(out.DataType(), typ(t, to)) {
		t.Fatalf("type %s, not %s", out.DataType(), to)
	}
	if a, b := hosttest.Value(out, 0), hosttest.Value(out, 2); a != b {
		t.Fatalf("%q and %q from equal values", a, b)
	}
	nulls := 1
	if out.IsNull(0) {
		nulls = 3
	}
	if out.NullN() != nulls {
		t.Fatalf("%d nulls, not %d", out.NullN(), nulls)
	}
	if failed != 0 && failed != 2 {
		t.Fatalf("%d failures", failed)
	}
	return hosttest.Value(out, 0), failed > 0
}

// Rule: S-403.
func TestCast_Pairs(t *testing.T) {
	const fails = "fails"
	for _, c := range []struct{ from, value, to, want string }{
		// S-405
		{"bigint", "2147483647", "integer", "2147483647"},
		{"bigint", "2147483648", "integer", fails},
		{"bigint", "-2147483649", "integer", fails},
		{"integer", "-7", "bigint", "-7"},
		{"double", "2.9", "integer", "2"},
		{"double", "-2.9", "bigint", "-2"},
		{"double", "NaN", "bigint", fails},
		{"double", "+Inf", "bigint", fails},
		{"double", "2147483647.9", "integer", "2147483647"},
		{"double", "2147483648", "integer", fails},
		{"double", "-2147483648.9", "integer", "-2147483648"},
		{"double", "9223372036854774784", "bigint", "9223372036854774784"},
		{"double", "9223372036854775808", "bigint", fails},
		{"double", "-9223372036854775808", "bigint", "-9223372036854775808"},
		{"float", "1e10", "integer", fails},
		{"float", "1e10", "bigint", "10000000000"},
		{"decimal(10,2)", "-12.99", "integer", "-12"},
		{"decimal(20,0)", "9223372036854775808", "bigint", fails},
		{"decimal(38,20)", "12.99999999999999999999", "bigint", "12"},
		// S-406
		{"bigint", "9007199254740993", "double", "9.007199254740992e+15"},
		{"bigint", "16777217", "float", "1.6777216e+07"},
		{"double", "1e300", "float", "+Inf"},
		{"double", "0.1", "float", "0.10000000149011612"},
		{"float", "0.5", "double", "0.5"},
		{"decimal(10,2)", "0.10", "double", "0.1"},
		{"decimal(38,30)", "0.123456789012345678901234567891", "double", "0.12345678901234568"},
		{"decimal(10,2)", "0.10", "float", "0.10000000149011612"},
		{"double", "2.675", "decimal(5,2)", "2.68"},
		{"double", "-2.675", "decimal(5,2)", "-2.68"},
		{"double", "2.5", "decimal", "3"},
		{"double", "1e20", "decimal(38,2)", "100000000000000000000"},
		{"double", "999.995", "decimal(5,2)", fails},
		{"double", "1e-30", "decimal(5,2)", "0"},
		{"double", "NaN", "decimal", fails},
		{"double", "-Inf", "decimal", fails},
		{"bigint", "99999", "decimal(5,0)", "99999"},
		{"bigint", "100000", "decimal(5,0)", fails},
		{"integer", "12", "decimal(4,2)", "12"},
		{"integer", "123", "decimal(4,2)", fails},
		{"integer", "1", "decimal(2,2)", fails},
		{"integer", "0", "decimal(2,2)", "0"},
		{"decimal(6,3)", "1.235", "decimal(6,2)", "1.24"},
		{"decimal(6,3)", "-1.235", "decimal(6,2)", "-1.24"},
		{"decimal(6,3)", "999.999", "decimal(5,2)", fails},
		{"decimal(6,3)", "1.234", "decimal(38,37)", "1.234"},
		// S-407
		{"string", " 2.9 ", "integer", "2"},
		{"string", "+7", "bigint", "7"},
		{"string", "-0012", "bigint", "-12"},
		{"string", "1e3", "bigint", fails},
		{"string", "1.", "bigint", fails},
		{"string", ".5", "double", fails},
		{"string", "x", "bigint", fails},
		{"string", "--1", "bigint", fails},
		{"string", "2147483648", "integer", fails},
		{"string", "9223372036854775808", "bigint", fails},
		{"string", "-9223372036854775808", "bigint", "-9223372036854775808"},
		{"string", "99999999999999999999999", "bigint", fails},
		{"string", "1e3", "double", "1000"},
		{"string", "-1.5E-2", "double", "-0.015"},
		{"string", "1e", "double", fails},
		{"string", "+-1", "double", fails},
		{"string", "1_000", "double", fails},
		{"string", "0x10", "double", fails},
		{"string", "inf", "double", fails},
		{"string", "-iNfinity", "double", "-Inf"},
		{"string", "nAn", "double", "NaN"},
		{"string", "1e999", "double", "+Inf"},
		{"string", "3.4e39", "float", "+Inf"},
		{"string", "12.345", "decimal(5,2)", "12.35"},
		{"string", "-0.005", "decimal(5,2)", "-0.01"},
		{"string", "1e2", "decimal(5,2)", fails},
		{"string", "1234.5", "decimal(5,2)", fails},
		{"string", "YES", "boolean", "true"},
		{"string", " f ", "boolean", "false"},
		{"string", "2", "boolean", fails},
		// S-408
		{"integer", "300", "boolean", "true"},
		{"double", "-0.0", "boolean", "false"},
		{"double", "NaN", "boolean", "true"},
		{"decimal(5,2)", "0.01", "boolean", "true"},
		{"boolean", "true", "integer", "1"},
		{"boolean", "false", "double", "0"},
		{"boolean", "true", "decimal(5,2)", "1"},
		{"boolean", "true", "string", "true"},
		// S-409
		{"double", "3", "string", "3.0"},
		{"double", "-0.0", "string", "-0.0"},
		{"double", "0.001", "string", "0.001"},
		{"double", "0.0001", "string", "1.0E-4"},
		{"double", "9999999", "string", "9999999.0"},
		{"double", "1e7", "string", "1.0E7"},
		{"double", "-1.25e10", "string", "-1.25E10"},
		{"double", "1e100", "string", "1.0E100"},
		{"double", "-1e100", "string", "-1.0E100"},
		{"double", "0.1", "string", "0.1"},
		{"float", "0.1", "string", "0.1"},
		{"double", "NaN", "string", "NaN"},
		{"double", "-Inf", "string", "-Infinity"},
		{"integer", "-5", "string", "-5"},
		{"decimal(5,2)", "-0.05", "string", "-0.05"},
		{"decimal(5,2)", "12.30", "string", "12.30"},
		{"decimal(5,5)", "0.00012", "string", "0.00012"},
		{"decimal(38,0)", "-99999999999999999999999999999999999999", "string", "-99999999999999999999999999999999999999"},
		{"timestamp", "2020-01-01T00:00:00.123Z", "string", "2020-01-01 00:00:00.123"},
		{"timestamp", "2020-01-02", "string", "2020-01-02 00:00:00"},
		{"timestamp", "1969-12-31T23:59:59.999999Z", "string", "1969-12-31 23:59:59.999999"},
		{"date", "0001-01-01", "string", "0001-01-01"},
		{"date", "9999-12-31", "string", "9999-12-31"},
		// S-410
		{"string", "2020", "timestamp", "2020-01-01"},
		{"string", "2020-2", "timestamp", "2020-02-01"},
		{"string", " 2020-02-29 ", "timestamp", "2020-02-29"},
		{"string", "2019-02-29", "timestamp", fails},
		{"string", "2020-01-01 5:06", "timestamp", "2020-01-01T05:06:00Z"},
		{"string", "2020-01-01T05:06:07.1234567", "timestamp", "2020-01-01T05:06:07.123456Z"},
		{"string", "2020-01-01T05:06:07Z", "timestamp", "2020-01-01T05:06:07Z"},
		{"string", "2020-01-01T00:00-02:30", "timestamp", "2020-01-01T02:30:00Z"},
		{"string", "2020-01-01T05", "timestamp", fails},
		{"string", "2020-01-01T24:00", "timestamp", fails},
		{"string", "2020-01-01 05:06:", "timestamp", fails},
		{"string", "2020-01-01 05:06:07.", "timestamp", fails},
		{"string", "2020-01-01x", "timestamp", fails},
		{"string", "20200101", "timestamp", fails},
		{"string", "0000-01-01", "timestamp", fails},
		{"string", "0001-01-01T00:00+01:00", "timestamp", fails},
		{"string", "9999-12-31T23:59:59.999999", "timestamp", "9999-12-31T23:59:59.999999Z"},
		{"string", "2020-01-01T23:30-01:00", "date", "2020-01-02"},
		{"string", "nope", "date", fails},
		{"bigint", "-1", "timestamp", "1969-12-31T23:59:59Z"},
		{"bigint", "253402300800", "timestamp", fails},
		{"double", "1.5", "timestamp", "1970-01-01T00:00:01.5Z"},
		{"double", "-0.0000005", "timestamp", "1969-12-31T23:59:59.999999Z"},
		{"double", "NaN", "timestamp", fails},
		{"decimal(20,7)", "-0.0000001", "timestamp", "1969-12-31T23:59:59.999999Z"},
		{"decimal(20,3)", "1.250", "timestamp", "1970-01-01T00:00:01.25Z"},
		{"timestamp", "1969-12-31T23:59:59.5Z", "bigint", "-1"},
		{"timestamp", "1970-01-01T00:00:01.9Z", "double", "1"},
		{"timestamp", "2100-01-01", "integer", fails},
		{"timestamp", "1969-12-31T23:00Z", "date", "1969-12-31"},
		{"date", "2020-05-05", "timestamp", "2020-05-05"},
		{"timestamp_ntz", "2020-05-05", "timestamp", "2020-05-05"},
		// S-411
		{"string", "ä", "binary", "w6Q="},
		{"binary", "w6Q=", "string", "ä"},
		{"binary", "/w==", "string", fails},
		{"array<bigint>", "[1,null,2]", "array<string>", `["1",null,"2"]`},
		{"array<float>", "[0.5]", "array<double>", `[0.5]`},
	} {
		t.Run(c.from+" "+c.value+" to "+c.to, func(t *testing.T) {
			got, failed := one(t, c.from, c.value, c.to, Rules{})
			if failed {
				if got != "null" {
					t.Fatalf("a failed value is %q, not null", got)
				}
				got = fails
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Rule: S-405.
func TestCast_Wrap(t *testing.T) {
	for _, c := range []struct{ from, value, to, want string }{
		{"double", "1e20", "integer", "2147483647"},
		{"double", "-1e20", "bigint", "-9223372036854775808"},
		{"double", "+Inf", "bigint", "9223372036854775807"},
		{"double", "NaN", "integer", "0"},
		{"float", "-1e20", "integer", "-2147483648"},
		{"bigint", "2147483648", "integer", "-2147483648"},
		{"bigint", "4294967297", "integer", "1"},
	} {
		got, failed := one(t, c.from, c.value, c.to, Rules{Overflow: Wrap})
		if got != c.want || failed {
			t.Errorf("%s %s to %s: got %s (failed %v), want %s", c.from, c.value, c.to, got, failed, c.want)
		}
	}
}

// Pairs that S-411 does not list are refused, all others compile.
func TestCast_Matrix(t *testing.T) {
	types := []string{"boolean", "integer", "bigint", "float", "double", "decimal(10,2)", "string", "binary", "timestamp", "timestamp_ntz", "date", "array<bigint>"}
	number := map[string]bool{"integer": true, "bigint": true, "float": true, "double": true, "decimal(10,2)": true}
	instant := map[string]bool{"timestamp": true, "timestamp_ntz": true}
	allowed := func(from, to string) bool {
		switch {
		case from == to, from == "string" && to != "array<bigint>":
			return true
		case to == "string":
			return from != "array<bigint>"
		case number[from]:
			return number[to] || to == "boolean" || instant[to]
		case from == "boolean":
			return number[to]
		case instant[from]:
			return number[to] || instant[to] || to == "date"
		case from == "date":
			return instant[to]
		}
		return false
	}
	for _, from := range types {
		for _, to := range types {
			_, err := New(typ(t, from), typ(t, to), Rules{})
			if (err == nil) != allowed(from, to) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			if err != nil && !strings.Contains(err.Error(), from+" cannot become "+to) {
				t.Errorf("%s to %s: the message is %q", from, to, err)
			}
		}
	}
}

// Rule: S-402.
func TestWidened_EveryInput(t *testing.T) {
	for _, c := range []struct {
		in   arrow.DataType
		json string
		want string
		text string
	}{
		{arrow.PrimitiveTypes.Int8, `[-1]`, "integer", "-1"},
		{arrow.PrimitiveTypes.Int16, `[-1]`, "integer", "-1"},
		{arrow.PrimitiveTypes.Uint8, `[255]`, "integer", "255"},
		{arrow.PrimitiveTypes.Uint16, `[65535]`, "integer", "65535"},
		{arrow.PrimitiveTypes.Uint32, `[4294967295]`, "bigint", "4294967295"},
		{arrow.PrimitiveTypes.Uint64, `[18446744073709551615]`, "decimal(20,0)", "18446744073709551615"},
		{arrow.FixedWidthTypes.Float16, `[0.5]`, "float", "0.5"},
		{&arrow.Decimal32Type{Precision: 5, Scale: 2}, `["1.25"]`, "decimal(5,2)", "1.25"},
		{&arrow.Decimal64Type{Precision: 15, Scale: 2}, `["-1.25"]`, "decimal(15,2)", "-1.25"},
		{arrow.BinaryTypes.LargeString, `["a"]`, "string", "a"},
		{arrow.BinaryTypes.StringView, `["a"]`, "string", "a"},
		{arrow.BinaryTypes.LargeBinary, `["AQ=="]`, "binary", "AQ=="},
		{&arrow.FixedSizeBinaryType{ByteWidth: 1}, `["AQ=="]`, "binary", "AQ=="},
		{arrow.FixedWidthTypes.Timestamp_s, `["1970-01-01T00:00:01Z"]`, "timestamp", "1970-01-01T00:00:01Z"},
		{arrow.FixedWidthTypes.Timestamp_ms, `["1970-01-01T00:00:01Z"]`, "timestamp", "1970-01-01T00:00:01Z"},
		{arrow.FixedWidthTypes.Timestamp_ns, `["1969-12-31T23:59:59.999999999Z"]`, "timestamp", "1969-12-31T23:59:59.999999Z"},
		{&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}, `["1970-01-01T00:00:01Z"]`, "timestamp", "1970-01-01T00:00:01Z"},
		{&arrow.TimestampType{Unit: arrow.Millisecond}, `["1970-01-01 00:00:01"]`, "timestamp_ntz", "1970-01-01T00:00:01Z"},
		{arrow.FixedWidthTypes.Date64, `["2020-02-02"]`, "date", "2020-02-02"},
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, `["a"]`, "string", "a"},
		{arrow.ListOf(arrow.PrimitiveTypes.Int16), `[[1]]`, "array<integer>", "[1]"},
	} {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		in, _, err := array.FromJSON(mem, c.in, strings.NewReader(c.json))
		if err != nil {
			t.Fatalf("%s: %v", c.in, err)
		}
		w, err := Widen(c.in)
		if err != nil {
			t.Fatal(err)
		}
		out, failed := w.Apply(mem, in)
		zone := c.in.ID() == arrow.TIMESTAMP && c.in.(*arrow.TimestampType).TimeZone == "Europe/Berlin"
		if got := hosttest.Value(out, 0); got != c.text && !zone || failed != 0 || schema.TypeName(out.DataType()) != c.want {
			t.Errorf("%s: got %s %s, %d failed; want %s %s", c.in, schema.TypeName(out.DataType()), got, failed, c.want, c.text)
		}
		out.Release()
		in.Release()
		mem.AssertSize(t, 0)
	}
	for _, bad := range []arrow.DataType{arrow.StructOf(), arrow.FixedWidthTypes.Time64us, arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32)),
		&arrow.Decimal256Type{Precision: 50}, arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String)} {
		if _, err := Widened(bad); err == nil {
			t.Errorf("%s was widened", bad)
		}
	}
}

// Rule: S-105.
func TestCast_InstantsOutOfYears_Fail(t *testing.T) {
	for _, us := range []int64{MinInstant - 1, MaxInstant + 1, math.MinInt64, math.MaxInt64} {
		b := array.NewTimestampBuilder(memory.DefaultAllocator, schema.Timestamp().(*arrow.TimestampType))
		b.AppendValues([]arrow.Timestamp{arrow.Timestamp(us), 0}, nil)
		in := b.NewArray()
		c, err := New(in.DataType(), schema.Timestamp(), Rules{})
		if err != nil {
			t.Fatal(err)
		}
		out, failed := c.Apply(memory.DefaultAllocator, in)
		if failed != 1 || !out.IsNull(0) || out.IsNull(1) {
			t.Errorf("%d: %v, %d failed", us, out, failed)
		}
	}
	if got := time.UnixMicro(MinInstant).UTC(); got.Year() != 1 || got.YearDay() != 1 {
		t.Errorf("least instant is %s", got)
	}
	if got := time.UnixMicro(MaxInstant).UTC(); got.Year() != 9999 || time.UnixMicro(MaxInstant+1).UTC().Year() != 10000 {
		t.Errorf("greatest instant is %s", got)
	}
}

func TestCast_NullColumn(t *testing.T) {
	c, err := New(arrow.Null, arrow.PrimitiveTypes.Int32, Rules{})
	if err != nil {
		t.Fatal(err)
	}
	out, failed := c.Apply(memory.DefaultAllocator, array.NewNull(3))
	if out.NullN() != 3 || failed != 0 || out.DataType().ID() != arrow.INT32 {
		t.Errorf("%v, %d failed", out, failed)
	}
}

// Rule: S-604.
func TestEpoch_Units(t *testing.T) {
	r := hosttest.Record(t, "i bigint, f double, d decimal(20,3)", "1577836800123 | 1577836800123 | 1577836800.123")
	for _, c := range []struct{ column, digits int }{{0, 3}, {1, 3}, {2, 6}} {
		e, ok := Epoch(r.Column(c.column).DataType(), c.digits)
		if !ok {
			t.Fatal("refused")
		}
		out, _ := e.Apply(memory.DefaultAllocator, r.Column(c.column))
		if got := hosttest.Value(out, 0); got != "2020-01-01T00:00:00.123Z" {
			t.Errorf("column %d: %s", c.column, got)
		}
	}
	if _, ok := Epoch(arrow.BinaryTypes.String, 3); ok {
		t.Error("a text was taken for a number")
	}
}

// Elements outside a sliced list are neither cast nor counted.
func TestCast_SlicedLists_CountOnlyTheirOwn(t *testing.T) {
	r := hosttest.Record(t, "v array<string>", `["x","y"]`, `["1",null,"z"]`, "null", `[]`)
	in := array.NewSlice(r.Column(0), 1, 4)
	c, err := New(in.DataType(), typ(t, "array<bigint>"), Rules{})
	if err != nil {
		t.Fatal(err)
	}
	out, failed := c.Apply(memory.DefaultAllocator, in)
	if failed != 1 {
		t.Errorf("%d failures, not 1", failed)
	}
	for i, want := range []string{"[1,null,null]", "null", "[]"} {
		if got := hosttest.Value(out, i); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
}

func TestCast_IntTextInt_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64().Draw(t, "v")
		if got, ok := ParseInt(strconv.FormatInt(v, 10)); !ok || got != v {
			t.Fatalf("%d came back as %d, %v", v, got, ok)
		}
	})
}

func TestCast_FloatTextFloat_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		text := string(AppendFloat(nil, v))
		got, ok := parseFloat(text, 64)
		if !ok || math.Float64bits(got) != math.Float64bits(v) && v == v {
			t.Fatalf("%v was written %q and came back as %v, %v", v, text, got, ok)
		}
	})
}

func TestCast_InstantTextInstant_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(MinInstant, MaxInstant).Draw(t, "us")
		text := string(AppendInstant(nil, us))
		got, ok := ParseInstant(text)
		if !ok || got != us {
			t.Fatalf("%d was written %q and came back as %d, %v", us, text, got, ok)
		}
		ref, err := time.Parse("2006-01-02 15:04:05.999999", text)
		if err != nil || ref.UnixMicro() != us {
			t.Fatalf("%q is %v, %v", text, ref, err)
		}
	})
}

// Decimal arithmetic against big rationals.
func TestCast_Decimals_MatchRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,25})?`).Draw(t, "text")
		p := rapid.IntRange(1, 38).Draw(t, "p")
		s := rapid.IntRange(0, p).Draw(t, "s")
		exact, _ := new(big.Rat).SetString(text)
		scaled := new(big.Rat).Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s)), nil)))
		half := big.NewRat(1, 2)
		if scaled.Sign() < 0 {
			half.Neg(half)
		}
		scaled.Add(scaled, half)
		want := new(big.Int).Quo(scaled.Num(), scaled.Denom())
		fits := new(big.Int).Abs(want).Cmp(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(p)), nil)) < 0
		got, ok := parseDecimal(text, p, s)
		if ok != fits || ok && got.BigInt().Cmp(want) != 0 {
			t.Fatalf("decimal(%d,%d) of %s: got %v %v, want %v %v", p, s, text, got.BigInt(), ok, want, fits)
		}
		if ok {
			written := string(appendDecimal(nil, got, s))
			if back, _ := parseDecimal(written, p, s); back != got {
				t.Fatalf("%v was written %q", got.BigInt(), written)
			}
			ref, _ := new(big.Rat).SetString(written)
			nearest, _ := ref.Float64()
			if f := decimalToFloat(got, s, 64); f != nearest {
				t.Fatalf("%s became %v, not %v", written, f, nearest)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", " 1 ", "-1.5e7", "NaN", "+NAN", "2020-01-01T00:00:00.1Z", "2020-05:00", "99999999999999999999", "t", "\x00", "1-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, ok := ParseInt(s); ok {
			exact, good := new(big.Rat).SetString(strings.TrimSpace(s))
			if !good || new(big.Int).Quo(exact.Num(), exact.Denom()).Cmp(big.NewInt(v)) != 0 {
				t.Errorf("ParseInt(%q) = %d", s, v)
			}
		}
		if v, ok := parseFloat(s, 64); ok {
			want, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if v != v { // strconv takes no sign before NaN, the rule does
				if !strings.EqualFold(strings.TrimLeft(strings.TrimSpace(s), "+-"), "nan") {
					t.Errorf("parseFloat(%q) = NaN", s)
				}
				return
			}
			if err != nil && !strings.Contains(err.Error(), "range") || v != want {
				t.Errorf("parseFloat(%q) = %v, strconv says %v, %v", s, v, want, err)
			}
		}
		if us, ok := ParseInstant(s); ok && !ValidInstant(us) {
			t.Errorf("ParseInstant(%q) = %d, out of range", s, us)
		}
		if _, ok := parseDecimal(s, 38, 10); ok {
			if _, good := new(big.Rat).SetString(strings.TrimSpace(s)); !good {
				t.Errorf("parseDecimal took %q", s)
			}
		}
		_, _ = ParseBool(s) // must not panic
	})
}
