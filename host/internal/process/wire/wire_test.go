package wire

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/hosttest"
)

// encode writes a record as Arrow's own library does.
func encode(t testing.TB, r arrow.RecordBatch, opts ...ipc.Option) (schema, metadata, body []byte) {
	t.Helper()
	sp := ipc.GetSchemaPayload(r.Schema(), memory.DefaultAllocator)
	defer sp.Release()
	p, err := ipc.GetRecordBatchPayload(r, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	var b bytes.Buffer
	if err := p.SerializeBody(&b); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(sp.Meta().Bytes()), bytes.Clone(p.Meta().Bytes()), b.Bytes()
}

func importer(t testing.TB, s *arrow.Schema) *cdata.Importer {
	t.Helper()
	im, err := cdata.NewImporter(s, cdata.ImportLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// nested has the types that the zoo lacks.
func nested(t testing.TB) arrow.RecordBatch {
	t.Helper()
	item := arrow.Field{Name: "item", Type: arrow.BinaryTypes.String, Nullable: true}
	s := arrow.NewSchema([]arrow.Field{
		{Name: "l", Type: arrow.ListOfField(item), Nullable: true},
		{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, arrow.Field{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64), Nullable: true}), Nullable: true},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 20, Scale: 3}, Nullable: true},
		{Name: "f", Type: &arrow.FixedSizeBinaryType{ByteWidth: 3}, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	const rows = `{"l":["a",null,"ü"],"s":{"x":1,"l":[1.5]},"d":"12.345","f":"YWJj"}
{"l":null,"s":null,"d":null,"f":null}
{"l":[],"s":{"x":null,"l":null},"d":"-99999999999999999.999","f":"eHl6"}
{"l":["zz"],"s":{"x":7,"l":[2,3]},"d":"0.001","f":"MDAw"}
`
	for _, line := range bytes.Split(bytes.TrimSpace([]byte(rows)), []byte("\n")) {
		if err := b.UnmarshalJSON(line); err != nil {
			t.Fatal(err)
		}
	}
	return b.NewRecordBatch()
}

// ABI-M-020: what Arrow's library writes of each type is read back, from
// slices at odd bits, nested types too.
func TestRead_WhatArrowWrites_Same(t *testing.T) {
	records := []arrow.RecordBatch{nested(t)}
	for _, nulls := range []int{0, 3, 10} {
		records = append(records, hosttest.Zoo(t, 300, nulls).Record)
	}
	for _, whole := range records {
		n := whole.NumRows()
		for _, cut := range [][2]int64{{0, n}, {1, 3}, {0, 0}, {n - 3, n}, {1, n}} {
			part := whole.NewSlice(cut[0], cut[1])
			s, metadata, body := encode(t, part)
			schema, err := ReadSchema(s)
			if err != nil || !schema.Equal(whole.Schema()) {
				t.Fatalf("got %v, %v, want %v", schema, err, whole.Schema())
			}
			if k, err := KindOf(metadata); k != Batch || err != nil {
				t.Fatal(k, err)
			}
			parts, err := ReadBatch(metadata, body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := importer(t, schema).ImportParts(parts, cdata.Want{Rows: part.NumRows()})
			if err != nil {
				t.Fatal(err)
			}
			if !array.RecordEqual(got, part) {
				t.Errorf("rows %v: got %v, want %v", cut, got, part)
			}
			if err := array.ValidateRecordFull(got); err != nil {
				t.Error(err)
			}
			got.Release()
			part.Release()
		}
		whole.Release()
	}
}

// A schema comes from bind with the mark and length of a stream before it,
// or without the mark, as older writers leave it.
func TestReadEncapsulated_HeadOfStream(t *testing.T) {
	r := nested(t)
	defer r.Release()
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(r.Schema()))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, from := range []int{0, 4} {
		s, err := ReadEncapsulated(b.Bytes()[from:])
		if err != nil || !s.Equal(r.Schema()) {
			t.Errorf("got %v, %v", s, err)
		}
	}
	for _, n := range []int{0, 3, 7, 8, 40} {
		if s, err := ReadEncapsulated(b.Bytes()[:n]); err == nil {
			t.Errorf("%d bytes gave %v", n, s)
		}
	}
}

// What may not cross is refused.
func TestRead_Forbidden_Refused(t *testing.T) {
	var list arrow.DataType = &arrow.Int8Type{}
	for range 9 {
		list = arrow.ListOf(list)
	}
	for _, typ := range []arrow.DataType{
		arrow.Null, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView, arrow.FixedWidthTypes.Date64, arrow.FixedWidthTypes.Time64us,
		arrow.FixedWidthTypes.Float16, &arrow.Decimal256Type{Precision: 40}, arrow.MapOf(arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int8),
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int8), list,
	} {
		p := ipc.GetSchemaPayload(arrow.NewSchema([]arrow.Field{{Name: "x", Type: typ}}, nil), memory.DefaultAllocator)
		if s, err := ReadSchema(p.Meta().Bytes()); err == nil {
			t.Errorf("%v was read as %v", typ, s)
		}
		p.Release()
	}
	r := hosttest.Record(t, "x double", "1")
	defer r.Release()
	_, metadata, body := encode(t, r, ipc.WithZstd())
	if p, err := ReadBatch(metadata, body); err == nil {
		t.Errorf("compressed buffers were read as %v", p)
	}
	s, metadata, body := encode(t, r)
	if _, err := ReadSchema(metadata); err == nil {
		t.Error("a batch was read as a schema")
	}
	if _, err := ReadBatch(s, body); err == nil {
		t.Error("a schema was read as a batch")
	}
	if _, err := ReadBatch(metadata, body[:0]); err == nil {
		t.Error("buffers outside the body were read")
	}
}

// Whatever is changed, nothing panics, nothing is read that is not there, and
// what is taken in is valid. Words are replaced by the values that hurt most.
func TestRead_ChangedBytes_NoPanic(t *testing.T) {
	r := nested(t)
	defer r.Release()
	s, metadata, body := encode(t, r)
	im := importer(t, r.Schema())
	draw := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for i := range 20000 {
		for _, b := range [][]byte{s, metadata} {
			changed := bytes.Clone(b)
			at := i % (len(b) - 4)
			binary.LittleEndian.PutUint32(changed[at:], []uint32{0, 1, 0xffff_ffff, 0x7fff_ffff, uint32(draw.Int32N(256)), draw.Uint32()}[draw.IntN(6)])
			_, _ = ReadSchema(changed)
			parts, err := ReadBatch(changed, body)
			if err != nil {
				continue
			}
			got, err := im.ImportParts(parts, cdata.Want{Rows: -1})
			if err != nil {
				continue
			}
			taken++
			if err := array.ValidateRecordFull(got); err != nil {
				t.Fatalf("word %d: %v", at, err)
			}
			got.Release()
		}
	}
	if taken == 0 {
		t.Error("no changed message was taken in: the test says nothing")
	}
}

func FuzzRead(f *testing.F) {
	r := nested(f)
	defer r.Release()
	s, metadata, body := encode(f, r)
	f.Add(s, body)
	f.Add(metadata, body)
	im := importer(f, r.Schema())
	f.Fuzz(func(t *testing.T, metadata, body []byte) {
		_, _ = ReadSchema(metadata)
		_, _ = ReadEncapsulated(metadata)
		parts, err := ReadBatch(metadata, body)
		if err != nil {
			return
		}
		if got, err := im.ImportParts(parts, cdata.Want{Rows: -1}); err == nil {
			if err := array.ValidateRecordFull(got); err != nil {
				t.Error(err)
			}
			got.Release()
		}
	})
}

// A schema of many fields cannot make the host copy one long text for each.
func TestReadSchema_LongTexts_Refused(t *testing.T) {
	long := strings.Repeat("z", 1000)
	for name, f := range map[string]arrow.Field{
		"zone":   {Name: "t", Type: &arrow.TimestampType{Unit: arrow.Second, TimeZone: long}},
		"name":   {Name: long, Type: arrow.PrimitiveTypes.Int64},
		"nested": {Name: "s", Type: arrow.StructOf(arrow.Field{Name: "t", Type: &arrow.TimestampType{TimeZone: long}})},
	} {
		p := ipc.GetSchemaPayload(arrow.NewSchema([]arrow.Field{f}, nil), memory.DefaultAllocator)
		if _, err := ReadSchema(p.Meta().Bytes()); err == nil || !strings.Contains(err.Error(), "bytes") {
			t.Errorf("%s: got %v", name, err)
		}
		p.Release()
	}
	good := arrow.NewSchema([]arrow.Field{{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "America/Argentina/ComodRivadavia"}}}, nil)
	p := ipc.GetSchemaPayload(good, memory.DefaultAllocator)
	defer p.Release()
	if got, err := ReadSchema(p.Meta().Bytes()); err != nil || !got.Equal(good) {
		t.Errorf("got %v, %v", got, err)
	}
}
