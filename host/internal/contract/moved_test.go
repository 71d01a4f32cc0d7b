package contract

import (
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// ofType makes a record of one column with two values and a null.
func ofType(t *testing.T, typ arrow.DataType) flow.Record {
	t.Helper()
	b := array.NewBuilder(memory.DefaultAllocator, typ)
	defer b.Release()
	switch x := b.(type) {
	case *array.BinaryDictionaryBuilder:
		for _, s := range []string{"a", "b"} {
			if err := x.AppendString(s); err != nil {
				t.Fatal(err)
			}
		}
	default:
		b.AppendEmptyValues(2)
	}
	b.AppendNull()
	col := b.NewArray()
	defer col.Release()
	s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: typ, Nullable: true}}, nil)
	return array.NewRecordBatch(s, []arrow.Array{col}, 3)
}

// rowNumbers makes the answer of a plugin that names rows.
func rowNumbers(numbers ...int32) flow.Record {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(numbers, nil)
	col := b.NewArray()
	defer col.Release()
	s := arrow.NewSchema([]arrow.Field{{Name: abi.RowsColumn, Type: arrow.PrimitiveTypes.Int32}}, nil)
	return array.NewRecordBatch(s, []arrow.Array{col}, int64(len(numbers)))
}

// K2, K3: what is bound can be moved, of a column of any type; what cannot is
// refused, FH-2002, before data flows.
func TestBind_MovedColumns(t *testing.T) {
	p, f := arrow.PrimitiveTypes, arrow.FixedWidthTypes
	runs := arrow.RunEndEncodedOf(p.Int32, p.Int64)
	field := []arrow.Field{{Name: "a", Type: p.Int32, Nullable: true}}
	for _, c := range []struct {
		typ arrow.DataType
		can bool
	}{
		{arrow.Null, true}, {f.Boolean, true}, {p.Int8, true}, {p.Float64, true}, {f.Float16, true}, {f.Time32s, true}, {f.Duration_us, true}, {f.DayTimeInterval, true},
		{&arrow.Decimal128Type{Precision: 20, Scale: 2}, true}, {&arrow.Decimal256Type{Precision: 50, Scale: 2}, true}, {&arrow.FixedSizeBinaryType{ByteWidth: 3}, true},
		{arrow.BinaryTypes.String, true}, {arrow.BinaryTypes.LargeString, true}, {arrow.BinaryTypes.LargeBinary, true},
		{arrow.ListOf(p.Int32), true}, {arrow.LargeListOf(arrow.BinaryTypes.String), true}, {arrow.FixedSizeListOf(2, p.Int32), true}, {arrow.StructOf(field...), true},
		{arrow.MapOf(p.Int32, p.Int32), true}, {arrow.ListOf(arrow.MapOf(p.Int32, p.Int32)), true}, {arrow.StructOf(arrow.Field{Name: "m", Type: arrow.MapOf(p.Int32, p.Int32), Nullable: true}), true},
		{&arrow.DictionaryType{IndexType: p.Int32, ValueType: arrow.BinaryTypes.String}, true}, {&arrow.DictionaryType{IndexType: p.Uint64, ValueType: arrow.BinaryTypes.String}, true},
		{extensions.NewUUIDType(), true},
		{f.MonthDayNanoInterval, false}, {&arrow.Decimal64Type{Precision: 10, Scale: 2}, false}, {arrow.BinaryTypes.StringView, false}, {arrow.BinaryTypes.BinaryView, false},
		{arrow.ListViewOf(p.Int32), false}, {runs, false}, {arrow.SparseUnionOf(field, []int8{0}), false}, {arrow.DenseUnionOf(field, []int8{0}), false},
		{arrow.StructOf(arrow.Field{Name: "a", Type: arrow.BinaryTypes.StringView}), false}, {arrow.ListOf(runs), false},
	} {
		in := arrow.NewSchema([]arrow.Field{{Name: "c", Type: c.typ, Nullable: true}}, nil)
		for _, kind := range []abi.Kind{abi.Map, abi.Filter} {
			_, err := Bind(&abi.Manifest{Kind: kind}, nil, in, Grouping{})
			switch {
			case kind == abi.Map || c.can:
				if err != nil {
					t.Errorf("%s, %s: %v", c.typ, kind, err)
				}
			case !fault.Is(err, abi.CodeInputSchema) || !strings.Contains(err.Error(), `column "c"`) || !strings.Contains(err.Error(), "[query]"):
				t.Errorf("%s, %s: got %v", c.typ, kind, err)
			}
		}
		if !c.can {
			continue
		}
		rec, made := ofType(t, c.typ), rowNumbers(0, 2)
		for _, s := range []selection{byRows, byTake} {
			b := &Binding{In: in, Out: in, source: []int{0}, selection: s}
			out, err := b.Join(context.Background(), rec, made)
			if err != nil {
				t.Errorf("%s: %v", c.typ, err)
				continue
			}
			if out.NumRows() != 2 || !arrow.TypeEqual(out.Column(0).DataType(), c.typ) || out.Column(0).Len() != 2 {
				t.Errorf("%s: %v", c.typ, out)
			}
			if d, ok := out.Column(0).(*array.Dictionary); ok && (d.ValueStr(0) != "a" || d.IsValid(1)) {
				t.Errorf("%s: %v", c.typ, out)
			}
			out.Release()
		}
		rec.Release()
		made.Release()
	}
}

// large makes one row of two columns, of which one has so many bytes.
func large(bytes int) flow.Record {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.Append(strings.Repeat("x", bytes))
	col := b.NewArray()
	defer col.Release()
	return array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, nil), []arrow.Array{col}, 1)
}

// ABI-M-012, ABI-W-051: a keyed plugin may name a row often, but not so often
// that a few bytes of it become more than the limits allow, of rows or of bytes.
func TestJoin_Take_Bounded(t *testing.T) {
	l := abi.Limits{OutputRatio: 2, MaxBatchRows: 1000}
	for _, c := range []struct {
		name        string
		bytes, rows int
		says        string // "" where it passes
	}{
		{"few", 10, 1000, ""},
		{"rows", 10, 1003, "1003 rows to 1, at most 1002"},
		{"bytes", 1 << 20, 100, "at most"},
		{"bytes that fit", 1 << 20, 60, ""},
		{"more than an array has", 3 << 20, 1000, `more than 2147483647 bytes in column "s"`},
	} {
		in, made := large(c.bytes), rowNumbers(make([]int32, c.rows)...)
		b := &Binding{In: in.Schema(), Out: in.Schema(), source: []int{0}, selection: byTake}
		b.Bound(l)
		out, err := b.Join(context.Background(), in, made)
		switch {
		case c.says == "":
			if err != nil || out.NumRows() != int64(c.rows) {
				t.Errorf("%s: %v", c.name, err)
			} else {
				out.Release()
			}
		case !fault.Is(err, cdata.TooMuch) || !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: %v", c.name, err)
		}
		in.Release()
		made.Release()
	}
}

// An answer in pieces is bounded as a whole.
func TestJoinPiece_Take_Bounded(t *testing.T) {
	in, made := large(1<<20), rowNumbers(make([]int32, 20)...)
	defer in.Release()
	defer made.Release()
	b := &Binding{In: in.Schema(), Out: in.Schema(), source: []int{0}, selection: byTake}
	var sum Answer
	for i := range 10 {
		out, err := b.JoinPiece(context.Background(), in, made, &sum)
		if err != nil {
			if i < 3 || !fault.Is(err, cdata.TooMuch) {
				t.Errorf("piece %d: %v", i, err)
			}
			return
		}
		out.Release()
	}
	t.Error("200 MiB came of 1 MiB")
}

// What breaks the host on an answer is an error of the plugin's.
func TestJoin_Panics_IsAnError(t *testing.T) {
	in, made := large(1), rowNumbers(7)
	defer in.Release()
	defer made.Release()
	b := &Binding{In: in.Schema(), Out: in.Schema(), source: []int{3}, selection: byTake}
	if out, err := b.Join(context.Background(), in, made); !fault.Is(err, abi.CodeTrap) || out != nil {
		t.Errorf("%v, %v", out, err)
	}
}

// The size of slots is the sum of their sizes, and that of slices.
func TestSize_Additive(t *testing.T) {
	b := array.NewListBuilder(memory.DefaultAllocator, arrow.BinaryTypes.String)
	defer b.Release()
	for i := range 5 {
		b.Append(true)
		for range i {
			b.ValueBuilder().(*array.StringBuilder).Append("abc")
		}
	}
	lists := b.NewListArray()
	defer lists.Release()
	if got := sizeOf(lists.Data(), []int32{4, 0, 4}); got != 2*(5+4*(5+3))+5 {
		t.Errorf("lists: %d", got)
	}
	part := array.NewSlice(lists, 2, 5)
	defer part.Release()
	if got, want := size(part.Data(), 1, 3), size(lists.Data(), 3, 5); got != want {
		t.Errorf("a slice: %d, want %d", got, want)
	}
}
