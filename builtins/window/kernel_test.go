package window

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/flow"
)

// someRows makes rows of a type with ties and nulls, of few values or of many.
func someRows(rng *rand.Rand, t flow.DataType, n, variety int) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, t)
	defer b.Release()
	for range n {
		v := rng.IntN(variety)
		if rng.IntN(9) == 0 {
			b.AppendNull()
			continue
		}
		switch x := b.(type) {
		case *array.Int32Builder:
			x.Append(int32(v - 3))
		case *array.Int64Builder:
			x.Append(int64(v-3) << 40)
		case *array.Float32Builder:
			x.Append(float32(v-3) / 3)
		case *array.Float64Builder:
			x.Append([]float64{float64(v-3) / 3, float64(v-3) / 3, 0, math.Copysign(0, -1), math.NaN(), math.Inf(1), 1e16}[rng.IntN(7)])
		case *array.StringBuilder:
			x.Append(fmt.Sprint("text ", v))
		case *array.BinaryBuilder:
			x.Append([]byte{byte(v), byte(v >> 8)})
		case *array.BooleanBuilder:
			x.Append(v == 0)
		case *array.Date32Builder:
			x.Append(arrow.Date32(v))
		case *array.TimestampBuilder:
			x.Append(arrow.Timestamp(v) * 1_000_001)
		case *array.Decimal128Builder:
			x.Append(decimal128.FromI64(int64(v - 3)))
		case *array.ListBuilder:
			x.Append(true)
			x.ValueBuilder().(*array.Int64Builder).Append(int64(v))
		}
	}
	return b.NewArray()
}

// asked gives parameters that a function takes.
func asked(f Function) Aggregate {
	a := Aggregate{Function: f, OverflowNull: true}
	switch f {
	case Percentile:
		a.Params.P = 0.3
	case TopK, BottomK, FirstK, LastK:
		a.Params.K = 5
	case ApproxCountDistinct:
		a.Params.RSD = 0.2
	}
	return a
}

// A kernel that went through many moves and drops answers as one that sees the
// last window alone: what left leaves no trace. All functions of a column share
// the kernels that they can.
// Rules: S-915, S-940.
func TestKernels_AnyMovesAndDrops_SameAsAnew(t *testing.T) {
	if testing.Short() {
		t.Skip("many rows in one goroutine: not for the race detector")
	}
	for _, name := range []string{"integer", "bigint", "float", "double", "string", "binary", "boolean", "date", "timestamp", "decimal(12,2)", "decimal(30,2)", "array<bigint>"} {
		for seed := range uint64(4) {
			typ, err := schema.ParseType(name)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(seed, 7))
			anyMoves(t, rng, typ, seed)
		}
	}
}

func anyMoves(t *testing.T, rng *rand.Rand, typ flow.DataType, seed uint64) {
	const n = 2000
	all := someRows(rng, typ, n, []int{2, 30, 3000, 3000}[seed])
	defer all.Release()
	emptyNull := seed%2 == 0
	var aggregates []Aggregate
	for _, f := range append(Functions(), ModeText, MostFrequentSetText) {
		if _, err := ResultType(f, typ); err == nil {
			aggregates = append(aggregates, asked(f))
		}
	}
	type bench struct {
		in      input
		kernels []kernel
		outs    []output
	}
	// prepare makes the kernels for all functions, shared as far as can be.
	prepare := func() *bench {
		b := &bench{in: newInput(typ)}
		var shared []takes
		for _, a := range aggregates {
			var out output
			for _, take := range shared {
				if o, ok := take(a, "x"); ok {
					out = o
					break
				}
			}
			if out == nil {
				k, take := newKernel(b.in, typ, a, emptyNull)
				b.kernels, shared = append(b.kernels, k), append(shared, take)
				out, _ = take(a, "x")
			}
			b.outs = append(b.outs, out)
		}
		return b
	}
	p := newPool()
	// show runs moves and prints the answers.
	show := func(b *bench, moves []move, to int) [][]string {
		for _, o := range b.outs {
			o.begin(p, to)
		}
		for _, k := range b.kernels {
			if bad := k.run(moves, 0, to); bad >= 0 {
				t.Fatalf("row %d is bad: %s", bad, k.feature())
			}
		}
		var rows [][]string
		for _, o := range b.outs {
			a := o.finish(to)
			var cells []string
			for r := range to {
				cells = append(cells, a.ValueStr(r))
			}
			rows = append(rows, cells)
			a.Release()
		}
		for _, o := range b.outs {
			o.abandon()
		}
		return rows
	}

	b := prepare()
	base, loaded, lo, hi := 0, 0, 0, 0
	for range 40 {
		// A run over a few rows of output: windows that move, stay, hide, jump.
		more := min(n, loaded+rng.IntN(200))
		part := array.NewSlice(all, int64(loaded), int64(more))
		b.in.load(part)
		defer part.Release()
		loaded = more
		var moves []move
		var spans [][2]int
		rows := 0
		for range 1 + rng.IntN(4) {
			switch rng.IntN(8) {
			case 0:
				lo = hi // empty
			case 1:
				hi = min(loaded, hi+rng.IntN(300))
				lo = min(hi, lo+rng.IntN(hi-lo+1))
			default:
				hi = min(loaded, hi+rng.IntN(60))
				lo = min(hi, lo+rng.IntN(min(60, hi-lo+1)))
			}
			m := move{int32(rows), int32(lo - base), int32(hi - base)}
			if rng.IntN(6) == 0 {
				m.hi = absent
			}
			moves = append(moves, m)
			for range rng.IntN(3) {
				rows++
				spans = append(spans, spanOf(m, base))
			}
		}
		rows++ // one at least
		spans = append(spans, spanOf(moves[len(moves)-1], base))
		got := show(b, moves, rows)
		for r, span := range spans {
			if r > 0 && spans[r-1] == span && rng.IntN(4) > 0 {
				continue
			}
			fresh := prepare()
			m := move{0, 0, absent}
			if span[1] >= 0 {
				part := array.NewSlice(all, int64(span[0]), int64(span[1]))
				fresh.in.load(part)
				defer part.Release()
				m = move{0, 0, int32(span[1] - span[0])}
			}
			want := show(fresh, []move{m}, 1)
			for i := range want {
				if got[i][r] != want[i][0] {
					t.Fatalf("%v, seed %d, %v of rows %v: %s, want %s", typ, seed, aggregates[i].Function, span, got[i][r], want[i][0])
				}
			}
		}
		switch d := rng.IntN(lo - base + 1); rng.IntN(6) {
		case 0: // rows go
			for _, k := range b.kernels {
				k.drop(int32(d))
			}
			b.in.drop(d)
			base += d
		case 1: // all rows are forgotten and counted anew from the first one
			for _, k := range b.kernels {
				k.drop(int32(loaded - base))
			}
			lo = base
			hi = base + rng.IntN(hi-base+1)
		}
	}
}

// spanOf gives the rows of a move, from the first one ever; -1 for absent.
func spanOf(m move, base int) [2]int {
	if m.hi == absent {
		return [2]int{0, -1}
	}
	return [2]int{int(m.lo) + base, int(m.hi) + base}
}
