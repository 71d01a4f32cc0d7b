package cdata

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/fault"
)

// partsOf takes a record apart as an IPC writer would. Its arrays begin at 0.
func partsOf(r arrow.RecordBatch) *Parts {
	p := &Parts{Rows: r.NumRows()}
	var add func(d arrow.ArrayData)
	add = func(d arrow.ArrayData) {
		p.Nodes = append(p.Nodes, Part{int64(d.Len()), int64(d.NullN())})
		for _, b := range d.Buffers() {
			var bytes []byte
			if b != nil {
				bytes = b.Bytes()
			}
			p.Buffers = append(p.Buffers, bytes)
		}
		for _, c := range d.Children() {
			add(c)
		}
	}
	for _, c := range r.Columns() {
		add(c.Data())
	}
	return p
}

const manyRows = 200

func partsRecord(t testing.TB) arrow.RecordBatch {
	return record(t, 5, manyRows, 0.2, "int64", "utf8", "bool", "list<utf8>", "struct<a: int32, b: list<float64>>", "decimal128(9,2)")
}

// ABI-W-053: a batch in parts gives the record that the same one gives from
// guest memory.
func TestImportParts_SameAsMemory(t *testing.T) {
	r := partsRecord(t)
	ex, err := NewExporter(r.Schema())
	if err != nil {
		t.Fatal(err)
	}
	im, err := NewImporter(r.Schema(), ImportLimits{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := crossOnce(ex, im, make([]byte, 4<<20), r)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Release()
	w := Want{Rows: manyRows}
	got, err := im.ImportParts(partsOf(r), w)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	if !array.RecordEqual(got, want) || !array.RecordEqual(got, r) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := array.ValidateRecordFull(got); err != nil {
		t.Error(err)
	}
	if n := im.Copied(w); n < manyRows*8 || n > 1<<20 {
		t.Errorf("%d bytes copied", n)
	}
}

// ABI-W-053: each way in which parts can disagree with the schema or with each
// other has its code.
func TestImportParts_Malformed_Refused(t *testing.T) {
	r := partsRecord(t)
	im, err := NewImporter(r.Schema(), ImportLimits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		do   func(p *Parts)
		code fault.Code
	}{
		{"a node more", func(p *Parts) { p.Nodes = append(p.Nodes, Part{}) }, BadShape},
		{"a node less", func(p *Parts) { p.Nodes = p.Nodes[1:] }, BadShape},
		{"a buffer more", func(p *Parts) { p.Buffers = append(p.Buffers, nil) }, BadBuffers},
		{"a buffer less", func(p *Parts) { p.Buffers = p.Buffers[1:] }, BadBuffers},
		{"negative rows", func(p *Parts) { p.Rows = -1 }, BadLength},
		{"huge rows", func(p *Parts) { p.Rows = 1 << 40 }, BadLength},
		{"other rows", func(p *Parts) { p.Rows-- }, BadLength},
		{"short column", func(p *Parts) { p.Nodes[0].Length-- }, BadLength},
		{"long column", func(p *Parts) { p.Nodes[0].Length++ }, BadLength},
		{"negative child", func(p *Parts) { p.Nodes[4].Length = -5 }, BadLength},
		{"huge child", func(p *Parts) { p.Nodes[4].Length = 1 << 40 }, BadLength},
		{"short field of a struct", func(p *Parts) { p.Nodes[6].Length-- }, BadLength},
		{"wrong null count", func(p *Parts) { p.Nodes[0].Nulls++ }, BadNulls},
		{"huge null count", func(p *Parts) { p.Nodes[0].Nulls = 1 << 40 }, BadNulls},
		{"nulls without bits", func(p *Parts) { p.Buffers[0] = nil }, BadNulls},
		{"short validity", func(p *Parts) { p.Buffers[0] = p.Buffers[0][:3] }, OutOfMemory},
		{"short values", func(p *Parts) { p.Buffers[1] = p.Buffers[1][:8] }, OutOfMemory},
		{"no values", func(p *Parts) { p.Buffers[1] = nil }, OutOfMemory},
		{"short offsets", func(p *Parts) { p.Buffers[3] = p.Buffers[3][:4*manyRows] }, OutOfMemory},
		{"short text", func(p *Parts) { p.Buffers[4] = p.Buffers[4][:1] }, BadOffsets},
		{"no text", func(p *Parts) { p.Buffers[4] = nil }, BadOffsets},
		{"short bits", func(p *Parts) { p.Buffers[6] = p.Buffers[6][:1] }, OutOfMemory},
		{"short list", func(p *Parts) { p.Nodes[4] = Part{Length: 1} }, BadOffsets},
	} {
		p := partsOf(r)
		c.do(p)
		if got, err := im.ImportParts(p, Want{Rows: -1}); !fault.Is(err, c.code) {
			t.Errorf("%s: got %v, %v, want %v", c.name, got, err, c.code)
		}
	}
	// After all this it is as good as new.
	got, err := im.ImportParts(partsOf(r), Want{Rows: -1})
	if err != nil {
		t.Fatal(err)
	}
	got.Release()
}

// ABI-W-051: the pieces of one answer share its budget.
func TestImportParts_Pieces_ShareBudget(t *testing.T) {
	r := record(t, 5, 1000, 0, "int64")
	im, err := NewImporter(r.Schema(), ImportLimits{OutputRatio: 1, Slack: 1})
	if err != nil {
		t.Fatal(err)
	}
	w := Want{Rows: -1, InputBytes: 20000}
	for i := range 3 {
		got, err := im.ImportParts(partsOf(r), w)
		if i == 2 {
			if !fault.Is(err, TooMuch) {
				t.Errorf("piece %d: got %v", i, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got.Release()
		if w.Before = im.Copied(w); w.Before != int64(i+1)*8125 { // values and validity
			t.Errorf("%d bytes after piece %d", w.Before, i)
		}
	}
}

// CheckNulls refuses what Write refuses, in nested types as well.
func TestCheckNulls_AsWrite(t *testing.T) {
	for _, nulls := range []float64{0, 0.3} {
		r := partsRecord(t)
		if nulls == 0 {
			r = record(t, 5, manyRows, 0, "int64", "utf8", "bool", "list<utf8>", "struct<a: int32, b: list<float64>>", "decimal128(9,2)")
		}
		for i := range r.Columns() {
			fields := append([]arrow.Field(nil), r.Schema().Fields()...)
			fields[i].Nullable = false
			ex, err := NewExporter(arrow.NewSchema(fields, nil))
			if err != nil {
				t.Fatal(err)
			}
			_, want := ex.Write(make([]byte, 4<<20), base, r)
			got := ex.CheckNulls(r)
			if (got == nil) != (want == nil) || got != nil && got.Error() != want.Error() {
				t.Errorf("column %d: got %v, Write says %v", i, got, want)
			}
		}
	}
}
