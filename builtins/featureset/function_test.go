package featureset

import (
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/hosttest"
)

// functionOf computes one function of one column of the type.
func functionOf(t testing.TB, semantics, function, as, typ string, values ...string) (string, string) {
	t.Helper()
	cfg := plainSet(semantics, config.Feature{Name: "x", Function: []config.Function{{Name: function, Type: as}}})
	cfg.DeduplicateRows = false
	var rows []string
	for i, v := range values {
		rows = append(rows, "1 | 2020-01-01T00:00:"+string(rune('0'+i/10))+string(rune('0'+i%10))+"Z | "+v)
	}
	b := bench{cfg: cfg}
	text := b.run(t, hosttest.Record(t, "id bigint, ts timestamp, x "+typ, rows...))
	var out []string
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		out = append(out, line[strings.LastIndex(line, "| ")+2:])
	}
	return strings.Join(out, ", "), columnsOf(b.out)[len("id bigint, timestamp timestamp, "):]
}

// Rules: S-704, S-807.
func TestFunctions_OfOneValue(t *testing.T) {
	for _, c := range []struct {
		function, as, typ string
		values            []string
		want, column      string
	}{
		{"abs", "", "bigint", []string{"-5", "5", "null", "-9223372036854775807"}, "5, 5, null, 9223372036854775807", "x__abs bigint"},
		{"abs", "", "integer", []string{"-5", "0", "null"}, "5, 0, null", "x__abs integer"},
		{"abs", "", "double", []string{"-0", "-1.5", "NaN", "-Inf", "null"}, "0, 1.5, NaN, +Inf, null", "x__abs double"},
		{"abs", "", "float", []string{"-0.5", "null"}, "0.5, null", "x__abs float"},
		{"abs", "", "decimal(5,2)", []string{"-1.25", "1.25", "null"}, "1.25, 1.25, null", "x__abs decimal(5,2)"},
		{"ABS", "float", "double", []string{"-1.5", "1e300"}, "1.5, +Inf", "x__ABS float"},
		{"ceil", "", "double", []string{"1.2", "-0.5", "-1.2", "NaN", "null"}, "2, 0, -1, NaN, null", "x__ceil double"},
		{"ceil", "bigint", "double", []string{"1.2", "-1.2", "1e20", "NaN"}, "2, -1, null, null", "x__ceil bigint"},
		{"ceil", "", "bigint", []string{"7", "null"}, "7, null", "x__ceil bigint"},
		{"ceil", "", "decimal(3,1)", []string{"99.1", "-99.9", "5.0", "null"}, "100, -99, 5, null", "x__ceil decimal(3,0)"},
		{"floor", "", "float", []string{"1.7", "-1.2", "0.2"}, "1, -2, 0", "x__floor float"},
		{"floor", "", "decimal(3,1)", []string{"99.9", "-99.1", "-5.0"}, "99, -100, -5", "x__floor decimal(3,0)"},
		{"round", "", "double", []string{"0.5", "-0.5", "2.5", "-2.5", "0.49999999999999994", "-0.2"}, "1, -1, 3, -3, 0, 0", "x__round double"},
		{"round", "", "decimal(3,1)", []string{"99.5", "-99.5", "0.4", "-0.4", "0.5"}, "100, -100, 0, 0, 1", "x__round decimal(3,0)"},
		{"round", "", "decimal(38,37)", []string{"9.5", "-9.4999999999999999999999999999999999999"}, "10, -9", "x__round decimal(2,0)"},
		{"round", "", "decimal(38,38)", []string{"0.5", "-0.49999999999999999999999999999999999999"}, "1, 0", "x__round decimal(1,0)"},
		{"round", "", "decimal(5,0)", []string{"12"}, "12", "x__round decimal(5,0)"},
		{"cos", "", "double", []string{"0", "null", "Inf"}, "1, null, NaN", "x__cos double"},
		{"sin", "", "integer", []string{"0"}, "0", "x__sin double"},
		{"tan", "", "bigint", []string{"0"}, "0", "x__tan double"},
		{"acos", "", "double", []string{"1", "2"}, "0, NaN", "x__acos double"},
		{"asin", "", "double", []string{"0", "2"}, "0, NaN", "x__asin double"},
		{"atan", "", "double", []string{"0"}, "0", "x__atan double"},
		{"cosh", "", "double", []string{"0"}, "1", "x__cosh double"},
		{"sinh", "", "double", []string{"0"}, "0", "x__sinh double"},
		{"tanh", "", "double", []string{"Inf"}, "1", "x__tanh double"},
		{"exp", "", "double", []string{"0", "-Inf", "1000"}, "1, 0, +Inf", "x__exp double"},
		{"expm1", "", "double", []string{"0", "-Inf"}, "0, -1", "x__expm1 double"},
		{"degrees", "", "double", []string{"3.141592653589793"}, "180", "x__degrees double"},
		{"radians", "", "double", []string{"180"}, "3.141592653589793", "x__radians double"},
		{"sqrt", "", "double", []string{"9", "-1", "-0", "null"}, "3, NaN, -0, null", "x__sqrt double"},
		{"sqrt", "", "decimal(5,2)", []string{"2.25"}, "1.5", "x__sqrt double"},
		{"cbrt", "", "float", []string{"-27"}, "-3", "x__cbrt double"},
		{"log", "", "double", []string{"1", "0", "-0", "-3", "NaN", "null", "Inf"}, "0, null, null, null, NaN, null, +Inf", "x__log double"},
		{"ln", "", "bigint", []string{"1", "0"}, "0, null", "x__ln double"},
		{"log10", "", "double", []string{"1000", "0"}, "3, null", "x__log10 double"},
		{"log2", "", "double", []string{"8", "-1"}, "3, null", "x__log2 double"},
		{"log1p", "", "double", []string{"0", "-1", "-2", "-0.5"}, "0, null, null, -0.6931471805599453", "x__log1p double"},
		{"signum", "", "double", []string{"-2", "0", "5", "NaN"}, "-1, 0, 1, NaN", "x__signum double"},
		{"sign", "integer", "bigint", []string{"-2", "null"}, "-1, null", "x__sign integer"},
		{"upper", "", "string", []string{"aZ1", "null", "z"}, "AZ1, null, Z", "x__upper string"},
		{"upper", "", "string", []string{"aé", "null", "straße"}, "AÉ, null, STRAßE", "x__upper string"},
		{"lower", "", "string", []string{"AbC", "null"}, "abc, null", "x__lower string"},
		{"lower", "", "string", []string{"ÉA", "null", "ABCDEFGHI"}, "éa, null, abcdefghi", "x__lower string"},
		{"length", "", "string", []string{"añb", "null"}, "3, null", "x__length bigint"},
		{"length", "string", "string", []string{"ab"}, "2", "x__length string"},
		{"length", "", "binary", []string{"w7E=", "null"}, "2, null", "x__length bigint"},
		{"reverse", "", "string", []string{"añb", "null"}, "bña, null", "x__reverse string"},
	} {
		t.Run(c.function+" of "+c.typ, func(t *testing.T) {
			for _, semantics := range []string{"", "butterfree"} {
				if semantics == "butterfree" && c.as == "bigint" {
					c.want = "2, -1, 9223372036854775807, 0" // S-405
				}
				got, column := functionOf(t, semantics, c.function, c.as, c.typ, c.values...)
				if got != c.want || column != c.column {
					t.Errorf("%s %q is %s of %s, want %s of %s", semantics, c.function, got, column, c.want, c.column)
				}
			}
		})
	}
}

// Only spaces are trimmed; text functions see slices of a column as they are.
// Rule: S-704.
func TestFunctions_TrimAndSlices(t *testing.T) {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	for _, s := range []string{"skipped", " \ta  ", "", "  Bé "} {
		b.Append(s)
	}
	b.AppendNull()
	whole := b.NewArray()
	defer whole.Release()
	a := array.NewSlice(whole, 1, 5)
	defer a.Release()
	for name, want := range map[string]string{
		"trim": `["\ta" "" "Bé" (null)]`, "ltrim": `["\ta  " "" "Bé " (null)]`, "rtrim": `[" \ta" "" "  Bé" (null)]`,
		"upper": `[" \tA  " "" "  BÉ " (null)]`, "reverse": `["  a\t " "" " éB  " (null)]`,
	} {
		out, _ := textKernel(name)(memory.DefaultAllocator, a, false)
		if got := out.String(); got != want {
			t.Errorf("%s gives %s, want %s", name, got, want)
		}
		out.Release()
	}
	ascii := array.NewSlice(whole, 0, 2)
	defer ascii.Release()
	out, _ := textKernel("upper")(memory.DefaultAllocator, array.NewSlice(ascii, 1, 2), false)
	defer out.Release()
	if got := out.String(); got != `[" \tA  "]` {
		t.Error(got)
	}
}

// Functions of slices with nulls, against the functions themselves, and bits of
// NaN are one.
// Rule: S-704.
func TestFunctions_AnySlice_EqualOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		name := rapid.SampledFrom(scalarNames()).Draw(rt, "function")
		f, nullUpTo := realFunction(name)
		if f == nil {
			rt.Skip()
		}
		b := array.NewFloat64Builder(mem)
		defer b.Release()
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), -1, 1, 0.5, math.Float64frombits(0xFFF8000000000001)})), 1, 40).Draw(rt, "values")
		null := rapid.SliceOfN(rapid.Bool(), len(values), len(values)).Draw(rt, "nulls")
		for i, v := range values {
			if null[i] {
				b.AppendNull()
			} else {
				b.Append(v)
			}
		}
		whole := b.NewArray()
		defer whole.Release()
		from := rapid.IntRange(0, len(values)-1).Draw(rt, "from")
		a := array.NewSlice(whole, int64(from), int64(len(values)))
		defer a.Release()
		made, bad := realKernel(f, nullUpTo)(mem, a, false)
		defer made.Release()
		out, nulls := made.(*array.Float64), 0
		for i, v := range values[from:] {
			none := null[from+i] || v <= nullUpTo && !math.IsInf(nullUpTo, -1)
			if none {
				nulls++
			}
			if out.IsNull(i) != none {
				rt.Fatalf("%s of %v: null %t", name, v, out.IsNull(i))
			}
			want := f(v)
			if want != want {
				want = quietNaN
			}
			if !none && math.Float64bits(out.Value(i)) != math.Float64bits(want) {
				rt.Fatalf("%s of %v is %v", name, v, out.Value(i))
			}
		}
		if out.NullN() != nulls || bad >= 0 {
			rt.Fatalf("%d nulls are counted, there are %d; row %d is bad", out.NullN(), nulls, bad)
		}
	})
}

// The least integer has no absolute value: an error that names the feature, or
// null when that is asked for.
// Rules: S-704, S-941.
func TestFunctions_Overflow(t *testing.T) {
	for typ, least := range map[string]string{"bigint": "-9223372036854775808", "integer": "-2147483648"} {
		cfg := plainSet("", config.Feature{Name: "x", Function: functions("abs")})
		rows := hosttest.Record(t, "id bigint, ts timestamp, x "+typ, "1 | 2020-01-01 | 1", "1 | 2020-01-02 | "+least, "1 | 2020-01-03 | null")
		b := bench{cfg: cfg}
		_, err := b.try(t, rows, false)
		e := fault.As(err)
		if e == nil || e.Code != Overflow || e.Place != "in:row 2" || !strings.Contains(e.Error(), `feature "x__abs" of `+least) {
			t.Errorf("got %v", err)
		}
		b.cfg.Features[0].OnOverflow = "null"
		table(t, b.run(t, rows), "1 | 2020-01-01 | 1\n 1 | 2020-01-02 | null")
	}
	// A null that lies over the least integer is null.
	in := array.NewInt64Data(array.NewData(arrow.PrimitiveTypes.Int64, 1,
		[]*memory.Buffer{memory.NewBufferBytes([]byte{0}), memory.NewBufferBytes(arrow.Int64Traits.CastToBytes([]int64{math.MinInt64}))}, nil, 1, 0))
	if out, bad := absolute(in.DataType())(memory.DefaultAllocator, in, false); bad >= 0 || !out.IsNull(0) {
		t.Errorf("row %d is bad", bad)
	}
}

// Rule: S-704.
func TestFunctions_Refused(t *testing.T) {
	for _, c := range []struct{ function, as, typ, hint string }{
		{"uper", "", "string", `did you mean "upper"?`},
		{"wibble", "", "string", "the functions are abs, upper"},
		{"sum", "", "bigint", "window = {"},
		{"upper", "", "bigint", "expected string"},
		{"length", "", "bigint", "expected string or binary"},
		{"abs", "", "string", "expected numbers"},
		{"ceil", "", "date", "expected numbers"},
		{"cos", "", "string", "expected numbers"},
	} {
		cfg := plainSet("", config.Feature{Name: "id", From: "id", Function: functions("abs")},
			config.Feature{Name: "y", From: "x", Function: []config.Function{{Name: c.function, Type: c.as}}})
		_, _, _, _, err := opened(t, cfg, nil, "id bigint, ts timestamp, x "+c.typ)
		refused(t, err, BadFunction, "feature_set.feature[1].function[0]", c.hint)
	}
	cfg := plainSet("", config.Feature{Name: "x", Function: []config.Function{{Name: "abs", Type: "binary"}}})
	_, _, _, _, err := opened(t, cfg, nil, "id bigint, ts timestamp, x bigint")
	refused(t, err, BadCast, "feature_set.feature[0].function[0].type", "binary")
}
