package exchange

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// zoo has all types of S-401, as keys, ties and payload, and some others.
func zoo(tb testing.TB) *arrow.Schema {
	tb.Helper()
	s, err := schema.Parse("b boolean, i integer, l bigint, f float, d double, day date, ts timestamp, m decimal(30,2), s string, x binary, al array<bigint>, ad array<double>, as array<string>")
	if err != nil {
		tb.Fatal(err)
	}
	fields := append(s.Fields(),
		arrow.Field{Name: "tiny", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
		arrow.Field{Name: "st", Type: arrow.StructOf(arrow.Field{Name: "p", Type: arrow.PrimitiveTypes.Float32, Nullable: true}), Nullable: true},
		arrow.Field{Name: "nil", Type: arrow.Null, Nullable: true},
		arrow.Field{Name: "u", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
		arrow.Field{Name: "v", Type: arrow.PrimitiveTypes.Uint32, Nullable: true},
		arrow.Field{Name: "livs", Type: arrow.ListOf(arrow.FixedWidthTypes.MonthInterval), Nullable: true},
		arrow.Field{Name: "iv", Type: arrow.FixedWidthTypes.MonthInterval, Nullable: true}, // no canonical bytes
	)
	return arrow.NewSchema(fields, nil)
}

// randomRows makes rows of few values, so that ties of all depths occur. nulls
// in a hundred values are null; fresh in a hundred are unlike others.
func randomRows(r *rand.Rand, s *arrow.Schema, n, nulls, fresh int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for c := range s.NumFields() {
		for range n {
			randomValue(r, b.Field(c), nulls, fresh)
		}
	}
	return b.NewRecordBatch()
}

func randomValue(r *rand.Rand, b array.Builder, nulls, fresh int) {
	if r.IntN(100) < nulls {
		b.AppendNull()
		return
	}
	n := []int64{0, 1, -1, math.MinInt64, math.MaxInt64, math.MinInt64 + 1}[r.IntN(6)]
	f := []float64{0, math.Copysign(0, -1), 1, math.NaN(), math.Float64frombits(0xFFF8_0000_0000_0001), math.Inf(1), math.Inf(-1), 1e16}[r.IntN(8)]
	t := []string{"", "a", "a\x00", "customer-1", "customer-10", "customer-2", "customer-1234567", "customer-12345678", "ÿ", "aaaaaaa", "aaaaaaaa"}[r.IntN(11)]
	if r.IntN(100) < fresh {
		n, f = int64(r.Uint64()), r.NormFloat64()
		t = "customer-" + fmt.Sprint(r.IntN(100000))
	}
	switch x := b.(type) {
	case *array.NullBuilder:
		x.AppendNull()
	case *array.BooleanBuilder:
		x.Append(n > 0)
	case *array.Int8Builder:
		x.Append(int8(n))
	case *array.Int32Builder:
		x.Append(int32(n >> 32))
	case *array.Int64Builder:
		x.Append(n)
	case *array.Uint32Builder:
		x.Append(uint32(n))
	case *array.Uint64Builder:
		x.Append(uint64(n))
	case *array.Float32Builder:
		x.Append(math.Float32frombits(uint32(math.Float64bits(f) >> 32)))
	case *array.Float64Builder:
		x.Append(f)
	case *array.Date32Builder:
		x.Append(arrow.Date32(n))
	case *array.TimestampBuilder:
		x.Append(arrow.Timestamp(n))
	case *array.Decimal128Builder:
		x.Append(decimal128.New(n%3, uint64(n)))
	case *array.StringBuilder:
		x.Append(t)
	case *array.BinaryBuilder:
		x.Append([]byte(t))
	case *array.MonthIntervalBuilder:
		x.Append(7)
	case *array.StructBuilder:
		x.Append(true)
		randomValue(r, x.FieldBuilder(0), nulls, fresh)
	case *array.ListBuilder:
		x.Append(true)
		for range r.IntN(3) {
			randomValue(r, x.ValueBuilder(), nulls, fresh)
		}
	default:
		panic(fmt.Sprintf("no values for %s", b.Type()))
	}
}

// rawBytes is a text of the value's exact bits: what canonical bytes do not
// tell of NaNs.
func rawBytes(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, 0)
	}
	switch x := a.(type) {
	case *array.Float32:
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(x.Value(i)))
	case *array.Float64:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(x.Value(i)))
	case *array.Struct:
		return rawBytes(dst, x.Field(0), i)
	case *array.List:
		from, to := x.ValueOffsets(i)
		for e := from; e < to; e++ {
			dst = rawBytes(dst, x.ListValues(), int(e))
		}
	}
	return dst
}

// printedBytes is a text for values without canonical bytes.
func printedBytes(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	if x, ok := a.(*array.List); ok {
		from, to := x.ValueOffsets(i)
		for e := from; e < to; e++ {
			dst = printedBytes(append(dst, 2), x.ListValues(), int(e))
		}
		return append(dst, 0)
	}
	return append(append(dst, a.ValueStr(i)...), 0)
}

// line is one row in the oracle: its place in the order, and all its bits.
type line struct{ place, keys, all []byte }

func lines(o flow.Order, r arrow.RecordBatch) []line {
	s := r.Schema()
	at := func(names ...string) (out []int) {
		for _, n := range names {
			out = append(out, s.FieldIndices(n)[0])
		}
		return out
	}
	order := at(o.Keys...)
	if o.Time != "" {
		order = append(order, at(o.Time)...)
	}
	order = append(order, at(o.Then...)...)
	order = append(order, at(o.Ties...)...)
	out := make([]line, r.NumRows())
	for i := range out {
		l := &out[i]
		l.keys = canonical.AppendRow(nil, r, at(o.Keys...), i)
		l.place = canonical.AppendRow(nil, r, order, i)
		for _, c := range canonical.ByName(s) {
			if a := r.Column(c); canonical.Supported(a.DataType()) {
				l.all = canonical.AppendValue(l.all, a, i)
			}
		}
		for _, c := range canonical.ByName(s) {
			if a := r.Column(c); !canonical.Supported(a.DataType()) {
				l.all = printedBytes(l.all, a, i)
			}
		}
		l.place = append(l.place, l.all...)
		for _, c := range r.Columns() {
			l.all = rawBytes(l.all, c, i)
		}
	}
	return out
}

// oracle is the slow obvious sort.
func oracle(o flow.Order, r arrow.RecordBatch) []line {
	out := lines(o, r)
	slices.SortStableFunc(out, func(a, b line) int { return bytes.Compare(a.place, b.place) })
	return out
}

type runOptions struct {
	Options
	batches  []arrow.RecordBatch
	parallel bool // read partitions at the same time
}

// exchanged runs rows through an exchange and gives them back, partition by
// partition, having checked the promises that hold for every run.
func exchanged(tb testing.TB, o runOptions) ([]line, flow.Extent, Stats) {
	tb.Helper()
	ctx := context.Background()
	checked := memory.NewCheckedAllocator(memory.NewGoAllocator())
	o.Allocator = checked
	x, err := New(o.Options)
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range o.batches {
		if err := x.Add(ctx, flow.Batch{Record: r}); err != nil {
			tb.Fatal(err)
		}
	}
	extent, err := x.Finish(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	partitions := x.Partitions()
	parts := make([][]line, len(partitions))
	errs := make([]error, len(partitions))
	read := func(p int) {
		for {
			b, err := partitions[p].Next(ctx)
			if err == io.EOF {
				return
			}
			if err != nil {
				errs[p] = err
				return
			}
			if b.Rows() == 0 || o.BatchRows > 0 && b.Rows() > int64(o.BatchRows) {
				errs[p] = fmt.Errorf("a batch has %d rows, %d are allowed", b.Rows(), o.BatchRows)
			}
			if err := array.ValidateRecordFull(b.Record); err != nil {
				errs[p] = err
			}
			parts[p] = append(parts[p], lines(o.Order, b.Record)...)
			b.Release()
		}
	}
	var wg sync.WaitGroup
	for p := range partitions {
		if o.parallel {
			wg.Go(func() { read(p) })
		} else {
			read(p)
		}
	}
	wg.Wait()
	var all []line
	for p, part := range parts {
		if errs[p] != nil {
			tb.Fatalf("partition %d: %v", p, errs[p])
		}
		if len(part) == 0 {
			tb.Fatalf("partition %d is empty", p)
		}
		if len(all) > 0 && bytes.Equal(all[len(all)-1].keys, part[0].keys) {
			tb.Fatalf("partition %d begins with the key the one before ends with", p)
		}
		all = append(all, part...)
	}
	if o.Partitions > 0 && len(parts) > o.Partitions {
		tb.Fatalf("%d partitions, %d were asked for", len(parts), o.Partitions)
	}
	stats := x.Stats()
	for range 2 {
		if err := x.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	if n := x.mem.now.Load(); n != 0 {
		tb.Fatalf("%d bytes are still held after Close", n)
	}
	if n := checked.CurrentAlloc(); n != 0 {
		tb.Fatalf("%d bytes were not given back", n)
	}
	return all, extent, stats
}

func sameLines(tb testing.TB, got, want []line) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].all, want[i].all) {
			tb.Fatalf("row %d is\n%x, want\n%x", i, got[i].all, want[i].all)
		}
	}
}

// cut cuts r at random into batches, some of no rows, in random order of
// batches, as slices and as copies.
func cut(r *rand.Rand, rec arrow.RecordBatch, most int) []arrow.RecordBatch {
	var out []arrow.RecordBatch
	for from := int64(0); from < rec.NumRows(); {
		n := min(int64(r.IntN(most+1)), rec.NumRows()-from)
		out = append(out, rec.NewSlice(from, from+n))
		from += n
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// permuted takes the rows of rec in random order.
func permuted(tb testing.TB, r *rand.Rand, rec arrow.RecordBatch) arrow.RecordBatch {
	tb.Helper()
	perm := r.Perm(int(rec.NumRows()))
	columns := make([]arrow.Array, rec.NumCols())
	for c := range columns {
		if len(perm) == 0 {
			columns[c] = rec.Column(c)
			continue
		}
		parts := make([]arrow.Array, len(perm))
		for i, p := range perm {
			parts[i] = array.NewSlice(rec.Column(c), int64(p), int64(p)+1)
		}
		a, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			tb.Fatal(err)
		}
		columns[c] = a
	}
	return array.NewRecordBatch(rec.Schema(), columns, rec.NumRows())
}
