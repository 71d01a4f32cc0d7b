package runs

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/host/hosttest"
)

const columns = "a integer, b bigint, c double, d boolean, e string, f binary, g decimal(20,2), h array<string>, i timestamp, j date, k float"

// zoo has a null in every column and texts of different lengths.
func zoo(t testing.TB, n int) arrow.RecordBatch {
	rows := []string{
		`1 | 1 | 1.5 | true | x | eA== | 1.25 | ["a","bb"] | 2020-01-01 | 2020-01-01 | 0.5`,
		`null | null | null | null | null | null | null | null | null | null | null`,
		`-2 | -2 | NaN | false | longer text | | -9.75 | [] | 1960-05-05 | 1960-05-05 | -0.5`,
		`3 | null | 2 | null | é | eHg= | null | [null] | 2021-01-01 | null | 3`,
	}
	all := make([]string, n)
	for i := range all {
		all[i] = rows[(i*7)%4]
		if i%5 == 0 {
			all[i] = rows[(i/5)%4]
		}
	}
	return hosttest.Record(t, columns, all...)
}

func TestRecord_AnyRuns_SameRowsAsPicked(t *testing.T) {
	whole := zoo(t, 200)
	lines := strings.SplitAfter(hosttest.Text(whole), "\n")
	rapid.Check(t, func(rt *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		from := rapid.IntRange(0, 150).Draw(rt, "from")
		n := rapid.IntRange(0, 200-from).Draw(rt, "n")
		r := whole.NewSlice(int64(from), int64(from+n))
		defer r.Release()
		// Long and short runs both.
		keep := make([]byte, n)
		for i := 0; i < n; {
			on := rapid.SampledFrom([]byte{0, 1}).Draw(rt, "on")
			for end := i + rapid.IntRange(1, 40).Draw(rt, "len"); i < end && i < n; i++ {
				keep[i] = on
			}
		}
		want := ""
		for i, k := range keep {
			if k != 0 {
				want += lines[from+i]
			}
		}
		out := Record(mem, r, Of(nil, keep))
		defer out.Release()
		if got := hosttest.Text(out); got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		for _, c := range out.Columns() {
			nulls := 0
			for i := range c.Len() {
				if c.IsNull(i) {
					nulls++
				}
			}
			if c.NullN() != nulls {
				rt.Fatalf("%s counts %d nulls, has %d", c.DataType(), c.NullN(), nulls)
			}
		}
	})
}

func TestRecord_AllRows_NoCopy(t *testing.T) {
	r := zoo(t, 10)
	out := Record(memory.DefaultAllocator, r, []Run{{0, 10}})
	if out != r {
		t.Error("a batch that is kept whole was copied")
	}
}

// Types no feature set computes with still pass a filter.
func TestArray_OtherTypes_Pass(t *testing.T) {
	for _, typ := range []arrow.DataType{
		arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int32}),
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String},
		arrow.BinaryTypes.LargeString,
		arrow.PrimitiveTypes.Uint8,
		arrow.FixedWidthTypes.Time64us,
		&arrow.FixedSizeBinaryType{ByteWidth: 1},
		arrow.Null,
	} {
		b := array.NewBuilder(memory.DefaultAllocator, typ)
		b.AppendEmptyValue()
		b.AppendNull()
		b.AppendEmptyValue()
		b.AppendNull()
		a := b.NewArray()
		out := Array(memory.DefaultAllocator, a, []Run{{0, 1}, {2, 4}})
		if out.Len() != 3 || typ.ID() != arrow.NULL && (!out.IsNull(2) || out.NullN() != 1) || !arrow.TypeEqual(out.DataType(), typ) {
			t.Errorf("%s: %v", typ, out)
		}
	}
}

func TestTrue_NullIsNot(t *testing.T) {
	r := hosttest.Record(t, "c boolean", "true", "true", "null", "false", "true")
	got := True(nil, r.Column(0).(*array.Boolean))
	if len(got) != 2 || got[0] != (Run{0, 2}) || got[1] != (Run{4, 5}) {
		t.Errorf("%v", got)
	}
	s := array.NewSlice(r.Column(0), 1, 5).(*array.Boolean)
	if got := True(nil, s); len(got) != 2 || got[0] != (Run{0, 1}) || got[1] != (Run{3, 4}) {
		t.Errorf("of a slice: %v", got)
	}
}

func BenchmarkRecord_HalfOfRows(b *testing.B) {
	r := zoo(b, 8192)
	keep := make([]byte, 8192)
	for i := range keep {
		keep[i] = byte(i / 3 % 2)
	}
	runs := Of(nil, keep)
	for b.Loop() {
		Record(memory.DefaultAllocator, r, runs).Release()
	}
}
