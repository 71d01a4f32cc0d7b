package window

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"
)

// Kernels keep the contract of drop, however far behind it finds them: they
// answer as if nothing had been dropped.
func TestKernels_DropAnywhere_SameValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vals := rapid.SliceOfN(rapid.Int64Range(-5, 5), 1, 60).Draw(t, "vals")
		in := &column[int64]{}
		for _, v := range vals {
			in.vals, in.valid = append(in.vals, v), append(in.valid, v != 5)
		}
		double := arrow.PrimitiveTypes.Float64
		long := arrow.PrimitiveTypes.Int64
		var outs []output
		var kernels []kernel
		for _, f := range []Function{Sum, StddevPop, Min, Max, Count} {
			var k kernel
			var take takes
			switch f {
			case Sum:
				k, take = newSumsOf[int64, int64, float64, ints[int64]](in, long, double, false)
			case StddevPop:
				k, take = newMoments(in)
			case Count:
				c := &counts{input: in, out: newOutput[int64](long, &mask{})}
				k, take = c, func(Function, string) (output, bool) { return c.out, true }
			default:
				k, take = newPick(in, long, f)
			}
			o, _ := take(f, "x")
			outs, kernels = append(outs, o), append(kernels, k)
		}
		p := newPool()
		for _, o := range outs {
			o.begin(p, 200)
			defer o.abandon()
		}
		base, lo, hi := int32(0), int32(0), int32(0)
		n := int32(len(vals))
		for row := range rapid.IntRange(1, 100).Draw(t, "rows") {
			lo = rapid.Int32Range(lo, n).Draw(t, "lo")
			hi = rapid.Int32Range(max(lo, hi), n).Draw(t, "hi")
			if rapid.Bool().Draw(t, "drop") {
				d := rapid.Int32Range(0, lo-base).Draw(t, "dropped")
				for _, k := range kernels {
					k.drop(d)
				}
				in.drop(int(d))
				base += d
			}
			for _, k := range kernels {
				if bad := k.run([]move{{int32(row), lo - base, hi - base}}, row, row+1); bad >= 0 {
					t.Fatalf("row %d is bad", bad)
				}
			}
			var sum, count, least, most int64
			for _, v := range vals[lo:hi] {
				if v == 5 {
					continue
				}
				if count == 0 {
					least, most = v, v
				}
				sum, count, least, most = sum+v, count+1, min(least, v), max(most, v)
			}
			got := [4]int64{outs[0].(*fixed[int64]).vals[row], outs[4].(*fixed[int64]).vals[row], outs[2].(*fixed[int64]).vals[row], outs[3].(*fixed[int64]).vals[row]}
			if want := [4]int64{sum, count, least, most}; got != want {
				t.Fatalf("row %d, [%d, %d): %v, want %v", row, lo, hi, got, want)
			}
			if valid := outs[1].(*fixed[float64]).valid.words[row>>6]>>(row&63)&1 == 1; valid != (count > 0) {
				t.Fatalf("row %d: stddev valid %v with %d values", row, valid, count)
			}
		}
	})
}
