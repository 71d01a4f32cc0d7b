package cdata

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi"
)

const base = 128 // where tests put what fh_alloc would answer

// everyType lists one type or more for each row of ABI-M-020.
func everyType() []string {
	return []string{"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
		"utf8", "binary", "date32", "timestamp[s]", "timestamp[ms,Europe/Paris]", "timestamp[us,UTC]", "timestamp[ns]",
		"decimal128(38,10)", "decimal128(1,0)", "fixed_size_binary[1]", "fixed_size_binary[7]",
		"list<int64>", "list<utf8>", "list<list<bool>>", "struct<a: int64, b: utf8>",
		"list<struct<x: float64, l: list<utf8>, b: bool>>", "struct<s: struct<d: decimal128(20,2)>, n: list<int8>>",
		"list<list<list<list<list<list<list<int8>>>>>>>"}
}

func mustType(t testing.TB, s string) arrow.DataType {
	t.Helper()
	typ, err := TypeOf(s)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// fill appends a random value, or a null with the given chance.
func fill(b array.Builder, r *rand.Rand, nulls float64) {
	if r.Float64() < nulls {
		b.AppendNull()
		return
	}
	texts := []string{"", "a", "plane", "é", "日本語", "🛩 late", "long enough to need more than eight bytes"}
	switch x := b.(type) {
	case *array.BooleanBuilder:
		x.Append(r.IntN(2) == 0)
	case *array.Int8Builder:
		x.Append(int8(r.Uint32()))
	case *array.Int16Builder:
		x.Append(int16(r.Uint32()))
	case *array.Int32Builder:
		x.Append(int32(r.Uint32()))
	case *array.Int64Builder:
		x.Append(int64(r.Uint64()))
	case *array.Uint8Builder:
		x.Append(uint8(r.Uint32()))
	case *array.Uint16Builder:
		x.Append(uint16(r.Uint32()))
	case *array.Uint32Builder:
		x.Append(r.Uint32())
	case *array.Uint64Builder:
		x.Append(r.Uint64())
	case *array.Float32Builder:
		x.Append(float32(r.NormFloat64()))
	case *array.Float64Builder:
		x.Append([]float64{r.NormFloat64(), math.Inf(1), math.Copysign(0, -1), math.MaxFloat64}[r.IntN(4)])
	case *array.StringBuilder:
		x.Append(texts[r.IntN(len(texts))])
	case *array.BinaryBuilder:
		x.Append([]byte{0xff, 0x00, 0x80}[:r.IntN(4)])
	case *array.Date32Builder:
		x.Append(arrow.Date32(r.Uint32()))
	case *array.TimestampBuilder:
		x.Append(arrow.Timestamp(r.Uint64()))
	case *array.FixedSizeBinaryBuilder:
		v := make([]byte, x.Type().(*arrow.FixedSizeBinaryType).ByteWidth)
		for i := range v {
			v[i] = byte(r.Uint32())
		}
		x.Append(v)
	case *array.Decimal128Builder:
		p := x.Type().(*arrow.Decimal128Type).Precision
		v := decimal128.GetMaxValue(p)
		switch r.IntN(3) {
		case 0:
			v = v.Negate()
		case 1:
			v = decimal128.FromI64(int64(r.IntN(10)))
		}
		x.Append(v)
	case *array.ListBuilder:
		x.Append(true)
		for range r.IntN(4) {
			fill(x.ValueBuilder(), r, nulls)
		}
	case *array.StructBuilder:
		x.Append(true)
		for i := range x.NumField() {
			fill(x.FieldBuilder(i), r, nulls)
		}
	default:
		panic(fmt.Sprintf("no values for %T", b))
	}
}

// record makes rows random rows of the types.
func record(t testing.TB, seed uint64, rows int, nulls float64, types ...string) arrow.RecordBatch {
	t.Helper()
	var fields []arrow.Field
	for i, s := range types {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("c%d", i), Type: mustType(t, s), Nullable: true})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	r := rand.New(rand.NewPCG(seed, 1))
	for range rows {
		for i := range types {
			fill(b.Field(i), r, nulls)
		}
	}
	return b.NewRecordBatch()
}

// cross takes a record through guest memory and back: schema, then batch.
func cross(t testing.TB, rec arrow.RecordBatch) arrow.RecordBatch {
	t.Helper()
	ex, err := NewExporter(rec.Schema())
	if err != nil {
		t.Fatal(err)
	}
	size, err := ex.Size(rec)
	if err != nil {
		t.Fatal(err)
	}
	// Garbage in the arena, and not a byte more than Size says: the arena is
	// reused, and the importer must not depend on what was there.
	mem := make([]byte, base+size)
	for i := range mem {
		mem[i] = 0xa5
	}
	ptr, err := ex.Write(mem, base, rec)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range mem[:base] {
		if c != 0xa5 {
			t.Fatalf("byte %d before the arena was written", i)
		}
	}
	smem := make([]byte, base+SchemaSize(rec.Schema()))
	sptr, err := WriteSchema(smem, base, rec.Schema())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ImportSchema(smem, sptr)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Equal(rec.Schema()) {
		t.Fatalf("schema crossed as %v, was %v", s, rec.Schema())
	}
	im, err := NewImporter(s, ImportLimits{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := im.Import(mem, ptr, Want{Rows: rec.NumRows(), InputBytes: int64(size)})
	if err != nil {
		t.Fatal(err)
	}
	clear(mem) // the record must be a copy
	for i, c := range out.Columns() {
		if err := array.ValidateFull(c); err != nil {
			t.Fatalf("column %d: %v", i, err)
		}
	}
	return out
}

// ABI-M-020, ABI-W-012, ABI-W-014, ABI-W-016: every type comes back as it
// went, however it was sliced.
func TestCross_EveryTypeAndSlice_SameRows(t *testing.T) {
	for _, typ := range everyType() {
		for _, nulls := range []float64{0, 0.3, 1} {
			for _, from := range []int64{0, 1, 7, 8, 64, 200} {
				rec := record(t, 7, 200, nulls, typ)
				part := rec.NewSlice(from, 200)
				out := cross(t, part)
				if !array.RecordEqual(part, out) {
					t.Fatalf("%s, nulls %v, from %d: got %v, want %v", typ, nulls, from, out, part)
				}
				out.Release()
				part.Release()
				rec.Release()
			}
		}
	}
}

// ABI-M-016: how rows are cut does not change what crosses.
func TestCross_Property_AnySlice_SameRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		typ := rapid.SampledFrom(everyType()).Draw(rt, "type")
		rows := rapid.IntRange(0, 150).Draw(rt, "rows")
		rec := record(t, rapid.Uint64().Draw(rt, "seed"), rows, rapid.SampledFrom([]float64{0, 0.1, 0.9}).Draw(rt, "nulls"), typ, "int64")
		defer rec.Release()
		from := rapid.IntRange(0, rows).Draw(rt, "from")
		to := rapid.IntRange(from, rows).Draw(rt, "to")
		part := rec.NewSlice(int64(from), int64(to))
		defer part.Release()
		// A slice of a slice, too.
		mid := part.NewSlice(int64(to-from)/3, int64(to-from))
		defer mid.Release()
		for _, r := range []arrow.RecordBatch{part, mid} {
			out := cross(t, r)
			if !array.RecordEqual(r, out) {
				rt.Fatalf("got %v, want %v", out, r)
			}
			out.Release()
		}
	})
}

// ABI-W-017, ABI-W-020: no rows, and no columns, are batches too.
func TestCross_NoRowsOrNoColumns_SameShape(t *testing.T) {
	empty := record(t, 1, 0, 0, everyType()...)
	defer empty.Release()
	out := cross(t, empty)
	if out.NumRows() != 0 || !out.Schema().Equal(empty.Schema()) {
		t.Errorf("got %v", out)
	}
	out.Release()
	bare := array.NewRecordBatch(arrow.NewSchema(nil, nil), nil, 5)
	out = cross(t, bare)
	if out.NumRows() != 5 {
		t.Errorf("got %d rows, want 5", out.NumRows())
	}
}

// An array of nulls may come without value buffers at all.
func TestCross_NullsWithoutBuffers_Nulls(t *testing.T) {
	for _, typ := range everyType() {
		typ := mustType(t, typ)
		bits := memory.NewBufferBytes(make([]byte, 2))
		n := nodeOf("c", arrow.Field{Type: typ})
		if n.shape == structShape || n.shape == listShape {
			continue
		}
		d := array.NewData(typ, 9, append([]*memory.Buffer{bits}, make([]*memory.Buffer, n.buffers()-1)...), nil, 9, 0)
		if n.shape == bytesShape {
			d.Buffers()[1] = memory.NewBufferBytes(make([]byte, 40))
		}
		a := array.MakeFromData(d)
		rec := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "c", Type: typ, Nullable: true}}, nil), []arrow.Array{a}, 9)
		out := cross(t, rec)
		if out.Column(0).NullN() != 9 {
			t.Errorf("%s: %d nulls", typ, out.Column(0).NullN())
		}
		out.Release()
	}
}

// ABI-M-021: NaN payloads and what lies in null slots have no influence.
func TestImport_NaNAndNullSlots_OneForm(t *testing.T) {
	odd := math.Float64frombits(0xfff8_0000_dead_beef)
	odd32 := math.Float32frombits(0xffc1_2345)
	s := arrow.NewSchema([]arrow.Field{
		{Name: "d", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, {Name: "f", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
		{Name: "u", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	}, nil)
	valid := memory.NewBufferBytes([]byte{0b101})
	cols := []arrow.Array{
		array.MakeFromData(array.NewData(s.Field(0).Type, 3, []*memory.Buffer{valid, memory.NewBufferBytes(arrow.Float64Traits.CastToBytes([]float64{odd, odd, 1}))}, nil, 1, 0)),
		array.MakeFromData(array.NewData(s.Field(1).Type, 3, []*memory.Buffer{valid, memory.NewBufferBytes(arrow.Float32Traits.CastToBytes([]float32{odd32, odd32, 1}))}, nil, 1, 0)),
		array.MakeFromData(array.NewData(s.Field(2).Type, 3, []*memory.Buffer{valid, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, 1, 3, 4})), memory.NewBufferBytes([]byte("a\xff\xffb"))}, nil, 1, 0)),
		array.MakeFromData(array.NewData(s.Field(3).Type, 3, []*memory.Buffer{valid, memory.NewBufferBytes([]byte{0b111})}, nil, 1, 0)),
	}
	rec := array.NewRecordBatch(s, cols, 3)
	mem, ptr, size := written1(t, rec)
	im, err := NewImporter(s, ImportLimits{CanonicalNaN: true})
	if err != nil {
		t.Fatal(err)
	}
	out, err := im.Import(mem, ptr, Want{Rows: 3, InputBytes: size})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	bytesAt := func(c, b int) string { return fmt.Sprintf("%x", out.Column(c).Data().Buffers()[b].Bytes()) }
	for _, c := range []struct{ got, want string }{
		{bytesAt(0, 1), "000000000000f87f" + "0000000000000000" + "000000000000f03f"},
		{bytesAt(1, 1), "0000c07f" + "00000000" + "0000803f"},
		{bytesAt(2, 2), "61" + "0000" + "62"},
		{bytesAt(3, 1), "05"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
	// Without the option a payload stays.
	im, _ = NewImporter(s, ImportLimits{})
	raw, err := im.Import(mem, ptr, Want{Rows: 3, InputBytes: size})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Release()
	if got := math.Float64bits(raw.Column(0).(*array.Float64).Value(0)); got != math.Float64bits(odd) {
		t.Errorf("payload became %x", got)
	}
}

// written1 exports rec into fresh memory.
func written1(t testing.TB, rec arrow.RecordBatch) (mem []byte, ptr uint32, size int64) {
	t.Helper()
	ex, err := NewExporter(rec.Schema())
	if err != nil {
		t.Fatal(err)
	}
	n, err := ex.Size(rec)
	if err != nil {
		t.Fatal(err)
	}
	mem = make([]byte, base+n)
	if ptr, err = ex.Write(mem, base, rec); err != nil {
		t.Fatal(err)
	}
	return mem, ptr, int64(n)
}

// ABI-W-014: buffers go back to the pool when the record is released, and not
// before; a slice of the record keeps them.
func TestImport_Release_BuffersReused(t *testing.T) {
	rec := record(t, 3, 1000, 0.2, "float64", "list<bool>", "int16")
	defer rec.Release()
	mem, ptr, size := written1(t, rec)
	im, err := NewImporter(rec.Schema(), ImportLimits{})
	if err != nil {
		t.Fatal(err)
	}
	get := func() arrow.RecordBatch {
		out, err := im.Import(mem, ptr, Want{Rows: 1000, InputBytes: size})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := get()
	address := &first.Column(0).Data().Buffers()[1].Bytes()[0]
	part := first.NewSlice(10, 20)
	first.Release()
	second := get()
	if &second.Column(0).Data().Buffers()[1].Bytes()[0] == address {
		t.Fatal("a buffer in use was handed out again")
	}
	want := rec.NewSlice(10, 20)
	if !array.RecordEqual(part, want) {
		t.Error("the slice changed")
	}
	want.Release()
	part.Release()
	third := get()
	if &third.Column(0).Data().Buffers()[1].Bytes()[0] != address {
		t.Error("a released buffer was not used again")
	}
	second.Release()
	third.Release()
	held := im.pool.held
	for range 20 {
		get().Release()
	}
	if im.pool.held != held {
		t.Errorf("the pool went from %d to %d bytes", held, im.pool.held)
	}
}

// ABI-M-003: a column declared non-nullable refuses nulls.
func TestWrite_NullInNonNullable_Refused(t *testing.T) {
	rec := record(t, 3, 10, 1, "int64")
	defer rec.Release()
	s := arrow.NewSchema([]arrow.Field{{Name: "c0", Type: arrow.PrimitiveTypes.Int64}}, nil)
	ex, err := NewExporter(s)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ex.Write(make([]byte, 4096), base, rec)
	wantCode(t, err, inputNull)
}

// ABI-W-041, ABI-W-042: what fh_alloc answers is checked like any pointer.
func TestWrite_BadArena_Refused(t *testing.T) {
	rec := record(t, 3, 10, 0, "int64")
	defer rec.Release()
	ex, err := NewExporter(rec.Schema())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := ex.Size(rec)
	mem := make([]byte, 128+n)
	for _, c := range []struct {
		at   uint32
		code int
	}{{0, 4002}, {32, 4003}, {192, 4002}, {0xffffffc0, 4002}, {128, 0}} {
		_, err := ex.Write(mem, c.at, rec)
		wantCode(t, err, codeOf(c.code))
		_, err = WriteSchema(mem[:min(len(mem), 128+int(SchemaSize(rec.Schema())))], c.at, rec.Schema())
		wantCode(t, err, codeOf(c.code))
	}
}

// ABI-M-020: other types are refused.
func TestSupported_OtherTypes_Refused(t *testing.T) {
	p := arrow.PrimitiveTypes
	deep := p.Int8
	for range 8 {
		deep = arrow.ListOf(deep)
	}
	wide := make([]arrow.Field, 4096)
	for i := range wide {
		wide[i] = arrow.Field{Name: fmt.Sprint(i), Type: p.Int8}
	}
	for _, typ := range []arrow.DataType{
		arrow.Null, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.StringView, arrow.LargeListOf(p.Int8),
		arrow.FixedSizeListOf(2, p.Int8), arrow.MapOf(p.Int8, p.Int8), p.Date64, arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time64us,
		arrow.FixedWidthTypes.Duration_us, arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.Float16, &arrow.Decimal256Type{Precision: 40},
		&arrow.Decimal128Type{Precision: 5, Scale: -1}, &arrow.DictionaryType{IndexType: p.Int8, ValueType: arrow.BinaryTypes.String},
		arrow.RunEndEncodedOf(p.Int32, p.Int8), arrow.ListOf(arrow.BinaryTypes.LargeString), &arrow.FixedSizeBinaryType{ByteWidth: 0}, deep, arrow.StructOf(wide...),
	} {
		if err := Supported(typ); err == nil {
			t.Errorf("%s is let through", typ)
		} else {
			wantCode(t, err, badInput)
		}
		s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: typ}}, nil)
		_, err := NewExporter(s)
		wantCode(t, err, badInput)
		_, err = NewImporter(s, ImportLimits{})
		wantCode(t, err, badOutput)
		_, err = WriteSchema(make([]byte, 1<<20), base, s)
		wantCode(t, err, badInput)
	}
	for _, typ := range everyType() {
		if err := Supported(mustType(t, typ)); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
		if got := TypeName(mustType(t, typ)); got != typ {
			t.Errorf("%s is named %s", typ, got)
		}
	}
}

// ABI-W-015, ABI-W-020: what goes in has release 0 and no metadata; what a
// guest writes into release and private_data is never looked at.
func TestRelease_ZeroIn_IgnoredOut(t *testing.T) {
	mem := goodImage(t, 0)
	smem := goodSchemaImage(t)
	for _, path := range [][]int{{}, {colInt}, {colList}, {colList, 0}, {colStruct, 1}} {
		a, s := mem.array(path...), smem.schema(path...)
		if mem.get32(a+52) != 0 || mem.get32(a+56) != 0 || mem.get32(a+48) != 0 {
			t.Errorf("array %v: release, private_data or dictionary is not 0", path)
		}
		if smem.get32(s+40) != 0 || smem.get32(s+44) != 0 || smem.get32(s+8) != 0 {
			t.Errorf("schema %v: release, private_data or metadata is not 0", path)
		}
		for _, at := range []uint32{52, 56, 60} {
			mem.set32(a+at, 0xffff_fff1)
		}
		for _, at := range []uint32{8, 12, 40, 44} {
			smem.set32(s+at, 0xffff_fff1)
		}
	}
	if root := mem.get32(mem.get32(base + 40)); root != 0 {
		t.Errorf("the root has a validity buffer at %d", root)
	}
	wantCode(t, importImage(t, 0, mem, malformedRows), 0)
	if _, err := ImportSchema(smem, base); err != nil {
		t.Error(err)
	}
}

// ABI-W-013, ABI-W-016: output may point into the input, and have offsets.
func TestImport_OffsetsAndSharedBuffers_SameRows(t *testing.T) {
	for _, typ := range everyType() {
		rec := record(t, 5, 40, 0.3, typ)
		mem, ptr, size := written1(t, rec)
		im, err := NewImporter(rec.Schema(), ImportLimits{})
		if err != nil {
			t.Fatal(err)
		}
		m := image(mem)
		for _, where := range []string{"root", "column"} {
			for _, from := range []int64{1, 7, 8, 33, 40} {
				was := slices.Clone(mem)
				at := m.array()
				if where == "column" {
					at = m.array(0)
					m.set64(m.array()+0, 40-from)
				}
				m.set64(at+16, from)
				m.set64(at+0, 40-from)
				m.set64(at+8, -1)
				out, err := im.Import(mem, ptr, Want{Rows: 40 - from, InputBytes: size})
				if err != nil {
					t.Fatalf("%s, %s offset %d: %v", typ, where, from, err)
				}
				want := rec.NewSlice(from, 40)
				if !array.RecordEqual(out, want) {
					t.Errorf("%s, %s offset %d: got %v, want %v", typ, where, from, out, want)
				}
				want.Release()
				out.Release()
				copy(mem, was)
			}
		}
	}
}

// ABI-W-016: children may have offsets of their own, apart from their parent's.
func TestImport_ChildOffsets_Counted(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "s", Type: mustType(t, "struct<a: int64, b: utf8>")}, {Name: "l", Type: mustType(t, "list<int64>")}}, nil))
	defer b.Release()
	for i := range 10 {
		sb, lb := b.Field(0).(*array.StructBuilder), b.Field(1).(*array.ListBuilder)
		sb.Append(true)
		sb.FieldBuilder(0).(*array.Int64Builder).Append(int64(i))
		sb.FieldBuilder(1).(*array.StringBuilder).Append(fmt.Sprint("t", i))
		lb.Append(true)
		lb.ValueBuilder().(*array.Int64Builder).Append(int64(100 + i))
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	mem, ptr, size := written1(t, rec)
	m := image(mem)
	for _, child := range [][]int{{0, 0}, {1, 0}} { // a and the items of l begin two later
		m.set64(m.array(child...)+abi.ArrayOffset, 2)
		m.set64(m.array(child...)+abi.ArrayLength, 8)
	}
	for _, column := range []int{0, 1} {
		m.set64(m.array(column)+abi.ArrayLength, 8)
	}
	m.set64(m.array()+abi.ArrayLength, 8)
	im, err := NewImporter(rec.Schema(), ImportLimits{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := im.Import(mem, ptr, Want{Rows: 8, InputBytes: size})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	s, l := out.Column(0).(*array.Struct), out.Column(1).(*array.List)
	for i := range 8 {
		a, b, item := s.Field(0).(*array.Int64).Value(i), s.Field(1).(*array.String).Value(i), l.ListValues().(*array.Int64).Value(i)
		if a != int64(i+2) || b != fmt.Sprint("t", i) || item != int64(102+i) {
			t.Errorf("row %d: got %d, %q, %d", i, a, b, item)
		}
	}
}

// ABI-M-021: every NaN, and nothing but NaNs, at any place.
func TestCanonicalNaN_Property_OnlyNaNs(t *testing.T) {
	edge := []uint64{0, 1, 1 << 63, 0x7ff0_0000_0000_0000, 0xfff0_0000_0000_0000, 0x7ff0_0000_0000_0001, 0xfff0_0000_0000_0001, 0x7fff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0x7fef_ffff_ffff_ffff}
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(edge), rapid.Uint64()), 0, 40).Draw(rt, "v")
		got := slices.Clone(v)
		canonicalNaN(arrow.Uint64Traits.CastToBytes(got), 8)
		for i, x := range v {
			want := x
			if math.IsNaN(math.Float64frombits(x)) {
				want = 0x7ff8_0000_0000_0000
			}
			if got[i] != want {
				rt.Fatalf("%x became %x, want %x", x, got[i], want)
			}
		}
		w := make([]uint32, len(v))
		for i, x := range v {
			w[i] = uint32(x>>32) | uint32(x)&1
		}
		got32 := slices.Clone(w)
		canonicalNaN(arrow.Uint32Traits.CastToBytes(got32), 4)
		for i, x := range w {
			want := x
			if f := math.Float32frombits(x); f != f {
				want = 0x7fc0_0000
			}
			if got32[i] != want {
				rt.Fatalf("%x became %x, want %x", x, got32[i], want)
			}
		}
	})
}
