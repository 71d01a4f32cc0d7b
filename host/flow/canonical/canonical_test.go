package canonical_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/host/flow/canonical"
	"github.com/featurehost/featurehost/host/hosttest"
)

// TestAppendValue_KnownValues_ExactBytes writes S-303 out by hand.
func TestAppendValue_KnownValues_ExactBytes(t *testing.T) {
	for _, c := range []struct{ typ, value, want string }{
		{"boolean", "null", "00"},
		{"boolean", "false", "0100"},
		{"boolean", "true", "0101"},
		{"integer", "0", "0180000000"},
		{"integer", "-1", "017fffffff"},
		{"bigint", "1", "018000000000000001"},
		{"bigint", "-9223372036854775808", "010000000000000000"},
		{"date", "1970-01-02", "0180000001"},
		{"timestamp", "1970-01-01T00:00:00.000001Z", "018000000000000001"},
		{"double", "1", "01bff0000000000000"},
		{"double", "-1", "01400fffffffffffff"},
		{"double", "-0", "017fffffffffffffff"},
		{"double", "0", "018000000000000000"},
		{"double", "NaN", "01fff8000000000000"},
		{"double", "+Inf", "01fff0000000000000"},
		{"float", "1", "01bf800000"},
		{"float", "NaN", "01ffc00000"},
		{"decimal(10,2)", "0.01", "0180000000000000000000000000000001"},
		{"decimal(10,2)", "-0.01", "017fffffffffffffffffffffffffffffff"},
		{"string", "", "010000"},
		{"string", "ab", "0161620000"},
		{"string", "a\x00b", "016100ff620000"},
		{"binary", "YQA=", "016100ff0000"},
		{"array<integer>", "[]", "0100"},
		{"array<integer>", "[1, null]", "010201800000010200" + "00"},
		{"array<string>", `["a", ""]`, "010201610000" + "02010000" + "00"},
	} {
		r := hosttest.Record(t, "v "+c.typ, c.value)
		got := hex.EncodeToString(canonical.AppendValue(nil, r.Column(0), 0))
		if got != c.want {
			t.Errorf("%s %q: got %s, want %s", c.typ, c.value, got, c.want)
		}
		if !canonical.Supported(r.Column(0).DataType()) {
			t.Errorf("%s is not supported", c.typ)
		}
	}
}

// TestAppendValue_NaNs_OneEncoding: C1 for the one value with many bits.
func TestAppendValue_NaNs_OneEncoding(t *testing.T) {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues([]float64{math.Float64frombits(0xFFF8_0000_0000_0001), math.Float64frombits(0x7FF0_0000_0000_0001), math.Inf(1)}, nil)
	a := b.NewArray()
	x, y := canonical.AppendValue(nil, a, 0), canonical.AppendValue(nil, a, 1)
	if !bytes.Equal(x, y) || canonical.Compare(a, 0, a, 1) != 0 {
		t.Errorf("two NaNs: %x and %x", x, y)
	}
	if canonical.Compare(a, 0, a, 2) <= 0 {
		t.Error("a NaN is not above +inf")
	}
}

func TestAppendRow_ByName_OrderOfNames(t *testing.T) {
	r := hosttest.Record(t, "b boolean, B boolean, a integer", "true | false | 7")
	got := hex.EncodeToString(canonical.AppendRow(nil, r, canonical.ByName(r.Schema()), 0))
	if want := "0100" + "0180000007" + "0101"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSupported_IntervalsAndUnions_AreNot(t *testing.T) {
	for _, typ := range []arrow.DataType{
		arrow.FixedWidthTypes.MonthInterval,
		arrow.ListOf(arrow.FixedWidthTypes.DayTimeInterval),
		arrow.StructOf(arrow.Field{Name: "x", Type: arrow.FixedWidthTypes.MonthDayNanoInterval}),
		arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64),
	} {
		if canonical.Supported(typ) {
			t.Errorf("%s is supported", typ)
		}
	}
}

func types() []arrow.DataType {
	p, f := arrow.PrimitiveTypes, arrow.FixedWidthTypes
	return []arrow.DataType{
		arrow.Null, f.Boolean, p.Int8, p.Int16, p.Int32, p.Int64, p.Uint8, p.Uint16, p.Uint32, p.Uint64,
		f.Float16, p.Float32, p.Float64, f.Date32, f.Date64, f.Time32ms, f.Time64us, f.Timestamp_us, f.Duration_us,
		&arrow.Decimal128Type{Precision: 20, Scale: 2},
		arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView,
		arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.BinaryView,
		&arrow.FixedSizeBinaryType{ByteWidth: 2},
		arrow.ListOf(p.Float64), arrow.LargeListOf(arrow.BinaryTypes.String), arrow.FixedSizeListOf(2, p.Int32),
		arrow.ListOf(arrow.ListOf(f.Boolean)), arrow.MapOf(arrow.BinaryTypes.String, p.Int64),
		arrow.StructOf(arrow.Field{Name: "a", Type: p.Int32, Nullable: true}, arrow.Field{Name: "b", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}),
		&arrow.DictionaryType{IndexType: p.Int8, ValueType: arrow.BinaryTypes.String},
	}
}

// draw appends one value of few possible ones, so that ties are common.
func draw(t *rapid.T, b array.Builder, nullable bool) {
	if nullable && rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		b.AppendNull()
		return
	}
	n := rapid.SampledFrom([]int64{0, 1, -1, 2, 127, -128}).Draw(t, "n")
	f := rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e16}).Draw(t, "f")
	s := rapid.SampledFrom([]string{"", "a", "a\x00", "a\x00\xff", "ab", "\x00", "\xff"}).Draw(t, "s")
	switch x := b.(type) {
	case *array.NullBuilder:
		x.AppendNull()
	case *array.BooleanBuilder:
		x.Append(n > 0)
	case *array.Int8Builder:
		x.Append(int8(n))
	case *array.Int16Builder:
		x.Append(int16(n))
	case *array.Int32Builder:
		x.Append(int32(n))
	case *array.Int64Builder:
		x.Append(n << 33)
	case *array.Uint8Builder:
		x.Append(uint8(n))
	case *array.Uint16Builder:
		x.Append(uint16(n))
	case *array.Uint32Builder:
		x.Append(uint32(n))
	case *array.Uint64Builder:
		x.Append(uint64(n))
	case *array.Float16Builder:
		x.Append(float16.New(float32(f)))
	case *array.Float32Builder:
		x.Append(float32(f))
	case *array.Float64Builder:
		x.Append(f)
	case *array.Date32Builder:
		x.Append(arrow.Date32(n))
	case *array.Date64Builder:
		x.Append(arrow.Date64(n))
	case *array.Time32Builder:
		x.Append(arrow.Time32(n))
	case *array.Time64Builder:
		x.Append(arrow.Time64(n))
	case *array.TimestampBuilder:
		x.Append(arrow.Timestamp(n))
	case *array.DurationBuilder:
		x.Append(arrow.Duration(n))
	case *array.Decimal128Builder:
		x.Append(decimal128.New(n%2, uint64(n)))
	case *array.FixedSizeBinaryBuilder:
		x.Append([]byte((s + "\x00\x00")[:2]))
	case *array.BinaryDictionaryBuilder:
		if err := x.AppendString(s); err != nil {
			t.Fatal(err)
		}
	case *array.StructBuilder:
		x.Append(true)
		for c := 0; c < x.NumField(); c++ {
			draw(t, x.FieldBuilder(c), true)
		}
	case *array.MapBuilder:
		x.Append(true)
		for k := rapid.IntRange(0, 2).Draw(t, "len"); k > 0; k-- {
			draw(t, x.KeyBuilder(), false)
			draw(t, x.ItemBuilder(), true)
		}
	case *array.FixedSizeListBuilder:
		x.Append(true)
		draw(t, x.ValueBuilder(), true)
		draw(t, x.ValueBuilder(), true)
	case array.VarLenListLikeBuilder:
		k := rapid.IntRange(0, 2).Draw(t, "len")
		x.AppendWithSize(true, k)
		for ; k > 0; k-- {
			draw(t, x.ValueBuilder(), true)
		}
	case interface{ Append(string) }:
		x.Append(s)
	case interface{ Append([]byte) }:
		x.Append([]byte(s))
	default:
		t.Fatalf("no values for %s", b.Type())
	}
}

// TestCompare_AnyType_OrderOfBytes is C2, C1 across slices, and C3.
func TestCompare_AnyType_OrderOfBytes(t *testing.T) {
	for _, typ := range types() {
		t.Run(typ.String(), func(t *testing.T) {
			if !canonical.Supported(typ) {
				t.Fatal("not supported")
			}
			rapid.Check(t, func(t *rapid.T) {
				build := func() arrow.Array {
					b := array.NewBuilder(memory.DefaultAllocator, typ)
					for range 5 {
						draw(t, b, true)
					}
					a := b.NewArray()
					cut := rapid.IntRange(0, 3).Draw(t, "cut")
					s := array.NewSlice(a, int64(cut), 5)
					for i := 0; i < s.Len(); i++ {
						x, y := canonical.AppendValue(nil, a, cut+i), canonical.AppendValue(nil, s, i)
						if !bytes.Equal(x, y) {
							t.Fatalf("sliced: %x, whole: %x", y, x)
						}
					}
					return s
				}
				a, b := build(), build()
				for i := 0; i < a.Len(); i++ {
					for j := 0; j < b.Len(); j++ {
						x, y := canonical.AppendValue(nil, a, i), canonical.AppendValue(nil, b, j)
						want := bytes.Compare(x, y)
						if got := canonical.Compare(a, i, b, j); got != want {
							t.Fatalf("Compare(%s, %s) = %d, bytes say %d", a.ValueStr(i), b.ValueStr(j), got, want)
						}
						if want != 0 && (bytes.HasPrefix(x, y) || bytes.HasPrefix(y, x)) {
							t.Fatalf("%x and %x: one is a prefix of the other", x, y)
						}
					}
				}
			})
		})
	}
}

func BenchmarkAppendRow(b *testing.B) {
	r := hosttest.Record(b, "id bigint, ts timestamp, v double, s string", "7 | 2026-01-01 | 1.5 | abcdefgh")
	columns := canonical.ByName(r.Schema())
	var dst []byte
	for b.Loop() {
		dst = canonical.AppendRow(dst[:0], r, columns, 0)
	}
}
