package file_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// column builds a nullable column of any type.
func column(t arrow.DataType, fill func(array.Builder)) arrow.RecordBatch {
	s := arrow.NewSchema([]arrow.Field{{Name: "v", Type: t, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	fill(b.Field(0))
	b.Field(0).AppendNull()
	return b.NewRecordBatch()
}

// Rule: S-402.
func TestReader_Widening(t *testing.T) {
	times := func(unit arrow.TimeUnit, zone string, v ...int64) arrow.RecordBatch {
		return column(&arrow.TimestampType{Unit: unit, TimeZone: zone}, func(b array.Builder) {
			for _, x := range v {
				b.(*array.TimestampBuilder).Append(arrow.Timestamp(x))
			}
		})
	}
	for name, c := range map[string]struct {
		batch     arrow.RecordBatch
		typ, want string
		failures  int64
	}{
		"int8":         {column(arrow.PrimitiveTypes.Int8, func(b array.Builder) { b.(*array.Int8Builder).Append(-128) }), "integer", "-128\nnull", 0},
		"int16":        {column(arrow.PrimitiveTypes.Int16, func(b array.Builder) { b.(*array.Int16Builder).Append(-32768) }), "integer", "-32768\nnull", 0},
		"uint8":        {column(arrow.PrimitiveTypes.Uint8, func(b array.Builder) { b.(*array.Uint8Builder).Append(255) }), "integer", "255\nnull", 0},
		"uint16":       {column(arrow.PrimitiveTypes.Uint16, func(b array.Builder) { b.(*array.Uint16Builder).Append(65535) }), "integer", "65535\nnull", 0},
		"uint32":       {column(arrow.PrimitiveTypes.Uint32, func(b array.Builder) { b.(*array.Uint32Builder).Append(math.MaxUint32) }), "bigint", "4294967295\nnull", 0},
		"uint64":       {column(arrow.PrimitiveTypes.Uint64, func(b array.Builder) { b.(*array.Uint64Builder).Append(math.MaxUint64) }), "decimal(20,0)", "18446744073709551615\nnull", 0},
		"float16":      {column(arrow.FixedWidthTypes.Float16, func(b array.Builder) { b.(*array.Float16Builder).Append(float16.New(1.5)) }), "float", "1.5\nnull", 0},
		"large string": {column(arrow.BinaryTypes.LargeString, func(b array.Builder) { b.(*array.LargeStringBuilder).Append("é") }), "string", "null\né", 0},
		"large binary": {column(arrow.BinaryTypes.LargeBinary, func(b array.Builder) { b.(*array.BinaryBuilder).Append([]byte{255}) }), "binary", "/w==\nnull", 0},
		"fixed binary": {column(&arrow.FixedSizeBinaryType{ByteWidth: 2}, func(b array.Builder) { b.(*array.FixedSizeBinaryBuilder).Append([]byte("ab")) }), "binary", "YWI=\nnull", 0},
		"date64":       {column(arrow.FixedWidthTypes.Date64, func(b array.Builder) { b.(*array.Date64Builder).Append(-86_400_000) }), "date", "1969-12-31\nnull", 0},
		"milliseconds": {times(arrow.Millisecond, "UTC", -1), "timestamp", "1969-12-31T23:59:59.999Z\nnull", 0},
		"nanoseconds":  {times(arrow.Nanosecond, "UTC", -1, 1999), "timestamp", "1969-12-31T23:59:59.999999Z\n1970-01-01T00:00:00.000001Z\nnull", 0},
		"zone":         {times(arrow.Microsecond, "Europe/Berlin", 5), "timestamp", "1970-01-01T00:00:00.000005Z\nnull", 0},
		"no zone":      {times(arrow.Nanosecond, "", 5000), "timestamp_ntz", "1970-01-01T00:00:00.000005Z\nnull", 0},
		"far years":    {times(arrow.Microsecond, "UTC", 253_402_300_800_000_000, 7), "timestamp", "1970-01-01T00:00:00.000007Z\nnull\nnull", 1},
		"farther":      {times(arrow.Millisecond, "UTC", math.MaxInt64), "timestamp", "null\nnull", 1},
		"dictionary": {column(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, func(b array.Builder) {
			for _, s := range []string{"x", "y", "x"} {
				b.(*array.BinaryDictionaryBuilder).AppendString(s)
			}
		}), "string", "null\nx\nx\ny", 0},
		"decimal256": {column(&arrow.Decimal256Type{Precision: 38, Scale: 2}, func(b array.Builder) { b.(*array.Decimal256Builder).Append(decimal256.FromI64(-12345)) }), "decimal(38,2)", "-123.45\nnull", 0},
		"list": {column(arrow.ListOf(arrow.PrimitiveTypes.Int16), func(b array.Builder) {
			l := b.(*array.ListBuilder)
			l.Append(true)
			l.ValueBuilder().(*array.Int16Builder).AppendValues([]int16{1, 2}, nil)
			l.Append(true)
		}), "array<integer>", "[1,2]\n[]\nnull", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "a.parquet", encode(t, c.batch))
			r, counts := reader(t, dir, config.Reader{Path: "a.parquet"})
			s, err := r.Schema(context.Background())
			if err != nil || names(s) != "v "+c.typ {
				t.Fatalf("%v, %v", s, err)
			}
			if got := rows(t, r, flow.Request{}); got != c.want {
				t.Errorf("got %q", got)
			}
			if n := counts.N["cast_failures{v}"]; n != c.failures {
				t.Errorf("%d failures", n)
			}
		})
	}
}

// Rule: S-402.
func TestReader_TypesWithoutImage_LeftOut(t *testing.T) {
	dir := t.TempDir()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "t", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}), Nullable: true},
		{Name: "h", Type: arrow.FixedWidthTypes.Time64us, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).Append(7)
	b.Field(1).(*array.StructBuilder).Append(true)
	b.Field(1).(*array.StructBuilder).FieldBuilder(0).(*array.Int64Builder).Append(1)
	b.Field(2).(*array.Time64Builder).Append(1)
	put(t, dir, "a.parquet", encode(t, b.NewRecordBatch()))
	r, _ := reader(t, dir, config.Reader{Path: "a.parquet"})
	if got := rows(t, r, flow.Request{}); got != "7" {
		t.Errorf("got %s", got)
	}
	_, err := r.Open(context.Background(), flow.Request{Columns: []string{"t"}})
	wantCode(t, "struct", err, file.NotReadableType, `"t"`, "struct")
}

func TestReader_BadUTF8_RowNamed(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.parquet", encode(t, column(arrow.BinaryTypes.String, func(b array.Builder) {
		b.(*array.StringBuilder).Append("fine")
		b.(*array.StringBuilder).Append("\xffbad")
	})))
	r, _ := reader(t, dir, config.Reader{Path: "a.parquet"})
	_, err := readAll(r, flow.Request{})
	wantCode(t, "text", err, file.BadText, "a.parquet:row 2", `"v"`)
}

// sample is a small file with several encodings and row groups.
func sample(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	path := parquetFile(t, dir, "a.parquet", "n bigint, s string, x double, ok boolean, ts timestamp, l array<string>, d decimal(10,2)",
		[]string{`1 | a | 0.5 | true | 2024-01-01 | ["p","q"] | 1.25`, `2 | null | NaN | null | null | [] | null`},
		[]string{`3 | a | 1 | false | 2024-01-02 | null | 3.00`})
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readDamaged reads bytes as a file; a panic would end the test.
func readDamaged(t testing.TB, content []byte) (string, error) {
	dir := t.TempDir()
	put(t, dir, "damaged.parquet", content)
	r, _ := reader(t, dir, config.Reader{Path: "damaged.parquet"})
	defer r.Close()
	return readAll(r, flow.Request{})
}

func TestReader_Truncated_NamedNotShort(t *testing.T) {
	whole := sample(t)
	want, err := readDamaged(t, whole)
	if err != nil || strings.Count(want, "\n") != 2 {
		t.Fatalf("%s, %v", want, err)
	}
	for n := 0; n < len(whole); n += 7 {
		_, err := readDamaged(t, whole[:n])
		wantCode(t, "cut", err, file.Corrupt, "damaged.parquet")
	}
}

// A flipped byte may change a value, which no checksum guards, but never the
// number of rows, and never brings the process down.
func TestReader_FlippedBytes_ErrorOrAllRows(t *testing.T) {
	whole := sample(t)
	failed := 0
	for i := range whole {
		broken := append([]byte{}, whole...)
		broken[i] ^= 0x55
		got, err := readDamaged(t, broken)
		switch {
		case err == nil && strings.Count(got, "\n") != 2:
			t.Errorf("byte %d: %d rows:\n%s", i, strings.Count(got, "\n")+1, got)
		case err != nil:
			failed++
			if fault.As(err) == nil || !strings.Contains(err.Error(), "damaged.parquet") && !fault.Is(err, file.NotReadableType) {
				t.Errorf("byte %d: %v", i, err)
			}
		}
	}
	if failed == 0 {
		t.Error("no flipped byte was noticed")
	}
}

func TestReader_NotParquet(t *testing.T) {
	_, err := readDamaged(t, []byte("id,x\n1,2\n"))
	wantCode(t, "csv", err, file.Corrupt, "no Parquet file")
	dir := t.TempDir()
	path := put(t, dir, "a.parquet", sample(t))
	if os.Geteuid() != 0 {
		os.Chmod(path, 0)
		r, _ := reader(t, dir, config.Reader{Path: "a.parquet"})
		_, err = r.Schema(context.Background())
		wantCode(t, "permission", err, file.CannotRead, "a.parquet")
	}
	os.Chmod(path, 0o644)
	r, _ := reader(t, dir, config.Reader{Path: "a.parquet"})
	if _, err := r.Open(context.Background(), flow.Request{}); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "a.parquet"))
	_, err = r.Next(context.Background())
	wantCode(t, "gone", err, file.Missing, "a.parquet")
}

func FuzzParquet(f *testing.F) {
	whole := sample(f)
	f.Add(uint32(10), byte(1), uint32(len(whole)-20), byte(255))
	f.Fuzz(func(t *testing.T, at uint32, with byte, at2 uint32, with2 byte) {
		broken := append([]byte{}, whole...)
		broken[int(at)%len(broken)] ^= with
		broken[int(at2)%len(broken)] ^= with2
		_, _ = readDamaged(t, broken)
	})
}
