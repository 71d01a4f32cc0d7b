package colfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
)

// zoo is one column of every type that a table may have.
const zoo = "b boolean, i integer, l bigint, f float, d double, t timestamp, n timestamp_ntz, a date, m decimal(20,3), s string, x binary, " +
	"li array<bigint>, ls array<string>, lf array<float>, lb array<boolean>, lm array<decimal(5,2)>"

// fill appends one value to a builder: rarely new ones when few is true, so
// that dictionaries and runs arise.
func fill(t *rapid.T, b array.Builder, few bool) {
	if rapid.IntRange(0, 6).Draw(t, "null") == 0 {
		b.AppendNull()
		return
	}
	top := int64(math.MaxInt32)
	if few {
		top = 3
	}
	n := rapid.Int64Range(-top, top).Draw(t, "n")
	switch x := b.(type) {
	case *array.BooleanBuilder:
		x.Append(n%2 == 0)
	case *array.Int32Builder:
		x.Append(int32(n))
	case *array.Int64Builder:
		x.Append(n * 1e9)
	case *array.Date32Builder:
		x.Append(arrow.Date32(n % 100000))
	case *array.TimestampBuilder:
		x.Append(arrow.Timestamp(n * 1e6))
	case *array.Float32Builder:
		x.Append([]float32{float32(n), float32(math.NaN()), float32(math.Copysign(0, -1)), float32(math.Inf(1))}[abs(n)%4])
	case *array.Float64Builder:
		x.Append([]float64{float64(n) / 3, math.NaN(), math.Copysign(0, -1), math.Inf(-1), 1e16}[abs(n)%5])
	case *array.Decimal128Builder:
		x.Append(decimal128.FromI64(n % 90000))
	case *array.StringBuilder:
		x.Append(strings.Repeat("é\x00", int(abs(n)%5)))
	case *array.BinaryBuilder:
		x.Append(binary.LittleEndian.AppendUint64(nil, uint64(n))[:abs(n)%9])
	case *array.ListBuilder:
		x.Append(true)
		for range abs(n) % 4 {
			fill(t, x.ValueBuilder(), few)
		}
	default:
		t.Fatalf("no value for %T", b)
	}
}

func abs(n int64) int64 { return max(n, -n) }

func draw(t *rapid.T, s *arrow.Schema, rows int, few bool) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for range rows {
		for c := range s.NumFields() {
			fill(t, b.Field(c), few)
		}
	}
	return b.NewRecordBatch()
}

// readBack reads a file with arrow-go's reader.
func readBack(t interface{ Fatal(...any) }, data []byte) arrow.Table {
	pf, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer pf.Close()
	r, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	tbl, err := r.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return tbl
}

// text prints the values of a column bit for bit.
func text(arr arrow.Array, i int) string {
	if arr.IsNull(i) {
		return "null"
	}
	switch x := arr.(type) {
	case *array.Float32:
		return fmt.Sprintf("%08x", math.Float32bits(x.Value(i)))
	case *array.Float64:
		return fmt.Sprintf("%016x", math.Float64bits(x.Value(i)))
	case *array.List:
		var out []string
		from, to := x.ValueOffsets(i)
		for e := from; e < to; e++ {
			out = append(out, text(x.ListValues(), int(e)))
		}
		return "[" + strings.Join(out, ",") + "]"
	}
	return arr.ValueStr(i)
}

func texts(c *arrow.Chunked) (out []string) {
	for _, a := range c.Chunks() {
		for i := range a.Len() {
			out = append(out, text(a, i))
		}
	}
	return out
}

// What is appended, in any grouping, from any slice, in any order of rows, is
// what a reader of the library reads back, in the order of appending.
// Rule: S-401.
func TestFile_AnyRows_ReadBackBitForBit(t *testing.T) {
	s, err := schema.Parse(zoo)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.Bool().Draw(t, "few")
		l, err := NewLayout(s, []string{"i"}, "test", rapid.IntRange(1, 3).Draw(t, "workers"), nil)
		if err != nil {
			t.Fatal(err)
		}
		var arena Arena
		defer arena.Close()
		var out bytes.Buffer
		rows, f := l.NewRows(&arena), l.NewFile()
		want := make([][]string, s.NumFields())
		var scratch memFile
		spill := NewSpill(&scratch, &scratch, func(at, n int64) { clear(scratch.b[at : at+n]) }) // nothing is read twice
		for range rapid.IntRange(0, 3).Draw(t, "groups") {
			n, all := 0, 0
			var runs []Run
			for range rapid.IntRange(1, 3).Draw(t, "batches") {
				rec := draw(t, s, rapid.IntRange(1, 40).Draw(t, "rows"), few)
				cut := rapid.Int64Range(0, rec.NumRows()-1).Draw(t, "cut")
				part := rec.NewSlice(cut, rec.NumRows())
				order := rapid.SliceOf(rapid.Int32Range(0, int32(part.NumRows()-1))).Draw(t, "order")
				for c := range part.Columns() {
					src, err := NewSource(part.Column(c))
					if err != nil {
						t.Fatal(err)
					}
					if err := rows.Append(c, src, order); err != nil {
						t.Fatal(err)
					}
					for _, r := range order {
						want[c] = append(want[c], text(part.Column(c), int(r)))
					}
				}
				n += len(order)
				all += len(order)
				part.Release()
				rec.Release()
				if n > 0 && rapid.IntRange(0, 2).Draw(t, "aside") == 0 {
					least := rapid.SampledFrom([]int{1, 20, leastRun}).Draw(t, "least")
					run, err := spill.put(t.Context(), rows, n, least)
					if err != nil {
						t.Fatal(err)
					}
					if arena.Held() != 0 {
						t.Fatalf("%d bytes held after a run", arena.Held())
					}
					runs, n = append(runs, run), 0
				}
			}
			if all == 0 {
				continue
			}
			if err := f.WriteGroup(t.Context(), &out, Group{Spill: spill, Runs: runs, Rows: rows, N: n}); err != nil {
				t.Fatal(err)
			}
			if arena.Held() != 0 {
				t.Fatalf("%d bytes held after a group", arena.Held())
			}
		}
		if err := f.Close(&out); err != nil {
			t.Fatal(err)
		}
		tbl := readBack(t, out.Bytes())
		defer tbl.Release()
		for c := range s.NumFields() {
			if got, want := strings.Join(texts(tbl.Column(c).Data()), "\n"), strings.Join(want[c], "\n"); got != want {
				t.Fatalf("column %s:\n%s\nwant\n%s", s.Field(c).Name, got, want)
			}
			if got, want := schema.TypeName(tbl.Schema().Field(c).Type), schema.TypeName(s.Field(c).Type); got != want && !strings.HasPrefix(got, "list") {
				t.Fatalf("column %s is %s, want %s", s.Field(c).Name, got, want)
			}
		}
	})
}

// memFile is a scratch file in memory.
type memFile struct{ b []byte }

func (f *memFile) Write(p []byte) (int, error) { f.b = append(f.b, p...); return len(p), nil }

func (f *memFile) ReadAt(p []byte, at int64) (int, error) { return copy(p, f.b[at:]), nil }

// writeOne writes one column in one group and gives the file.
func writeOne(t *testing.T, arr arrow.Array) []byte {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: arr.DataType()}}, nil)
	l, err := NewLayout(s, nil, "test", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var arena Arena
	defer arena.Close()
	rows, f := l.NewRows(&arena), l.NewFile()
	src, err := NewSource(arr)
	if err != nil {
		t.Fatal(err)
	}
	order := make([]int32, arr.Len())
	for i := range order {
		order[i] = int32(i)
	}
	if err := rows.Append(0, src, order); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.WriteGroup(t.Context(), &out, Group{Rows: rows, N: arr.Len()}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func longs(n int, f func(int) int64) arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	defer b.Release()
	for i := range n {
		b.Append(f(i))
	}
	return b.NewArray()
}

// Dictionaries of every width, runs and groups at every length, pages beyond
// the first: the shapes that random small tables do not reach.
func TestFile_DictionaryWidths_ReadBack(t *testing.T) {
	for _, distinct := range []int{1, 2, 3, 8, 255, 256, 257, 1000, 4095, 9000, 70000} {
		for _, n := range []int{1, 7, 8, 9, 511, pageRows + 1, 3*pageRows - 1} {
			t.Run(fmt.Sprintf("%d of %d", distinct, n), func(t *testing.T) {
				arr := longs(n, func(i int) int64 { return int64((i * 7919 / (1 + i%3)) % distinct) })
				defer arr.Release()
				tbl := readBack(t, writeOne(t, arr))
				defer tbl.Release()
				got := texts(tbl.Column(0).Data())
				for i := range n {
					if got[i] != text(arr, i) {
						t.Fatalf("row %d is %s, want %s", i, got[i], text(arr, i))
					}
				}
			})
		}
	}
}

// A dictionary is used where it pays and nowhere else.
func TestFile_Dictionary_OnlyWherePays(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(int) int64
		want bool
	}{
		"few values":      {func(i int) int64 { return int64(i % 50) }, true},
		"all different":   {func(i int) int64 { return int64(i) * 7919 }, false},
		"runs of a value": {func(i int) int64 { return int64(i / 100) }, true},
	} {
		arr := longs(20000, c.f)
		r, err := file.NewParquetReader(bytes.NewReader(writeOne(t, arr)))
		if err != nil {
			t.Fatal(err)
		}
		chunk, err := r.MetaData().RowGroup(0).ColumnChunk(0)
		if err != nil {
			t.Fatal(err)
		}
		if got := chunk.HasDictionaryPage(); got != c.want {
			t.Errorf("%s: dictionary %v, want %v", name, got, c.want)
		}
		arr.Release()
	}
}

// Statistics: NaN is left out, zeros widen to both signs, long texts are not
// cut.
func TestFile_Statistics(t *testing.T) {
	doubles := func(v ...float64) arrow.Array {
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		defer b.Release()
		b.AppendValues(v, nil)
		b.AppendNull()
		return b.NewArray()
	}
	words := func(v ...string) arrow.Array {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		b.AppendValues(v, nil)
		b.AppendNull()
		return b.NewArray()
	}
	for name, c := range map[string]struct {
		arr  arrow.Array
		want string
	}{
		"numbers":                  {doubles(3, math.NaN(), -2.5), "-2.5 3 1"},
		"zeros":                    {doubles(0, 0), "-0 0 1"},
		"only NaN":                 {doubles(math.NaN()), "none 1"},
		"infinite":                 {doubles(math.Inf(1), math.Inf(1)), "+Inf +Inf 1"},
		"texts":                    {words("b", "a", "c\xff"), "a c\xff 1"},
		"too long":                 {words("b", strings.Repeat("z", maxStatBytes+1)), "none 1"},
		"too long on another page": {words(append(slices.Repeat([]string{"b"}, 2*pageRows), strings.Repeat("z", maxStatBytes+1))...), "none 1"},
	} {
		r, err := file.NewParquetReader(bytes.NewReader(writeOne(t, c.arr)))
		if err != nil {
			t.Fatal(err)
		}
		chunk, err := r.MetaData().RowGroup(0).ColumnChunk(0)
		if err != nil {
			t.Fatal(err)
		}
		st, err := chunk.Statistics()
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("none %d", st.NullCount())
		if st.HasMinMax() {
			switch x := st.(type) {
			case *metadata.Float64Statistics:
				got = fmt.Sprintf("%v %v %d", x.Min(), x.Max(), x.NullCount())
			case *metadata.ByteArrayStatistics:
				got = fmt.Sprintf("%s %s %d", x.Min(), x.Max(), x.NullCount())
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		c.arr.Release()
	}
}

func TestNewLayout_TypeWithoutImage_Refused(t *testing.T) {
	for _, typ := range []arrow.DataType{arrow.PrimitiveTypes.Uint64, arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int64)), arrow.StructOf()} {
		s := arrow.NewSchema([]arrow.Field{{Name: "bad", Type: typ}}, nil)
		if _, err := NewLayout(s, nil, "test", 1, nil); err == nil || !strings.Contains(err.Error(), `"bad"`) {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

// The same rows in the same groups give the same bytes, whatever the workers.
func TestFile_Workers_SameBytes(t *testing.T) {
	s, err := schema.Parse(zoo)
	if err != nil {
		t.Fatal(err)
	}
	rec := rapid.Custom(func(t *rapid.T) arrow.RecordBatch { return draw(t, s, 300, true) }).Example(7)
	defer rec.Release()
	var first []byte
	for _, workers := range []int{1, 2, 5} {
		l, err := NewLayout(s, nil, "test", workers, []Meta{{"k", "v"}})
		if err != nil {
			t.Fatal(err)
		}
		var arena Arena
		var out bytes.Buffer
		rows, f := l.NewRows(&arena), l.NewFile()
		order := make([]int32, rec.NumRows())
		for i := range order {
			order[i] = int32(i)
		}
		for range 4 { // so that a column may stop asking for a dictionary
			for c := range rec.Columns() {
				src, err := NewSource(rec.Column(c))
				if err != nil {
					t.Fatal(err)
				}
				if err := rows.Append(c, src, order); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.WriteGroup(t.Context(), &out, Group{Rows: rows, N: len(order)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(&out); err != nil {
			t.Fatal(err)
		}
		arena.Close()
		if first == nil {
			first = bytes.Clone(out.Bytes())
		}
		if !bytes.Equal(first, out.Bytes()) {
			t.Errorf("%d workers give other bytes", workers)
		}
	}
}

func TestReadFooter_TornFile_Error(t *testing.T) {
	arr := longs(100, func(i int) int64 { return int64(i) })
	defer arr.Release()
	whole := writeOne(t, arr)
	path := filepath.Join(t.TempDir(), "f")
	for n := range len(whole) {
		if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFooter(path); err == nil {
			t.Fatalf("%d of %d bytes were taken for a file", n, len(whole))
		}
	}
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := ReadFooter(path); err != nil || f.Rows != 100 {
		t.Fatalf("%+v, %v", f, err)
	}
}

func FuzzReadFooter(f *testing.F) {
	f.Add([]byte("PAR1PAR1"))
	f.Add([]byte("\x00\x00\x00\x00PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, _ = ReadFooter(path) // must not panic
	})
}

// The offset index counts rows, so a page of a list column begins with a row.
func TestEncode_LongLists_PagesBeginWithRows(t *testing.T) {
	b := array.NewListBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64)
	defer b.Release()
	const rows = pageRows // of seven elements each, so that pages end inside rows
	for i := range rows {
		b.Append(true)
		for e := range 7 {
			b.ValueBuilder().(*array.Int64Builder).Append(int64(i * e))
		}
	}
	arr := b.NewArray()
	defer arr.Release()
	s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: arr.DataType()}}, nil)
	l, err := NewLayout(s, nil, "test", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var arena Arena
	defer arena.Close()
	buffered := l.NewRows(&arena)
	src, err := NewSource(arr)
	if err != nil {
		t.Fatal(err)
	}
	order := make([]int32, rows)
	for i := range order {
		order[i] = int32(i)
	}
	if err := buffered.Append(0, src, order); err != nil {
		t.Fatal(err)
	}
	l.encoders[0].encode(&buffered.leaves[0], nil, l.parquet.Column(0), &l.chunks[0], true)
	levels, begun := 0, 0
	for i, p := range l.chunks[0].pages {
		if begun*7 != levels {
			t.Errorf("page %d begins with level %d, inside row %d", i, levels, begun)
		}
		levels += p.levels
		begun += p.rows
	}
	if len(l.chunks[0].pages) < 7 || levels != 7*rows {
		t.Errorf("%d pages with %d levels", len(l.chunks[0].pages), levels)
	}
}
