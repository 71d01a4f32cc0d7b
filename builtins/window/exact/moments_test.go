package exact_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window/exact"
)

func TestMoments_Table(t *testing.T) {
	for _, c := range []struct {
		in          []float64
		pop, sample float64
	}{
		{[]float64{1, 3}, 1, 2},
		{[]float64{1000, 2000, 1000}, 222222.22222222222, 333333.3333333333},
		{[]float64{1e9 + 0.25, 1e9 + 0.5, 1e9 + 0.75}, 0.041666666666666664, 0.0625},
		{[]float64{0.1, 0.1, 0.1}, 0, 0},
		{[]float64{math.NaN(), 1}, math.NaN(), math.NaN()},
		{[]float64{math.Inf(1), 1}, math.NaN(), math.NaN()},
		{[]float64{1e300, -1e300}, math.Inf(1), math.Inf(1)},
		{[]float64{1e-170, -1e-170}, 0, 0}, // true value under the smallest double, about 1e-340
	} {
		m := &exact.Moments{}
		for _, v := range c.in {
			m.Add(v)
		}
		if got := m.Variance(false); !same(got, c.pop) {
			t.Errorf("%v: population %v, want %v", c.in, got, c.pop)
		}
		if got := m.Variance(true); !same(got, c.sample) {
			t.Errorf("%v: sample %v, want %v", c.in, got, c.sample)
		}
	}
}

// Rule: S-942.
func TestMoments_SameAsOracle_AlsoAfterLeaving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stay, leave := values(false).Draw(t, "stay"), values(false).Draw(t, "leave")
		m := &exact.Moments{}
		for _, v := range leave {
			m.Add(v)
		}
		for _, v := range stay {
			m.Add(v)
		}
		for _, v := range leave {
			m.Sub(v)
		}
		if len(stay) > 0 {
			if got, want := m.Variance(false), varianceOracle(stay, false); !same(got, want) {
				t.Fatalf("population %x, want %x", got, want)
			}
		}
		if len(stay) > 1 {
			if got, want := m.Variance(true), varianceOracle(stay, true); !same(got, want) {
				t.Fatalf("sample %x, want %x", got, want)
			}
		}
	})
}

// Counts past 2^31 leave the fast division.
func TestMoments_ManyValues_SameAsRational(t *testing.T) {
	for _, n := range []int64{1 << 30, 3_500_000_000, 1 << 33} {
		// Half of them 2, half 4: the mean is 3, the mean square 10.
		if got := exact.VarianceOf(n, 3*n, 10*n); got != 1 {
			t.Errorf("variance of %d values %v, want 1", n, got)
		}
	}
}

func ints() *rapid.Generator[[]int64] {
	return rapid.SliceOfN(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-9, 9),
		rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1})), 1, 30)
}

// Rules: S-941, S-942.
func TestInts_SameAsOracle_AlsoAfterLeaving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stay, leave := ints().Draw(t, "stay"), ints().Draw(t, "leave")
		s, m, w := &exact.IntSum{}, &exact.IntMoments{}, &exact.WideSum{}
		for _, v := range append(append([]int64{}, leave...), stay...) {
			s.Add(v)
			m.Add(v)
			w.Add(v>>63, uint64(v))
		}
		for _, v := range leave {
			s.Sub(v)
			m.Sub(v)
			w.Sub(v>>63, uint64(v))
		}
		s1, s2, n := new(big.Int), new(big.Int), int64(len(stay))
		for _, v := range stay {
			x := big.NewInt(v)
			s1.Add(s1, x)
			s2.Add(s2, x.Mul(x, x))
		}
		if got, ok := s.Int64(); ok != s1.IsInt64() || ok && got != s1.Int64() {
			t.Fatalf("sum %d %v, want %s", got, ok, s1)
		}
		if got := w.Big(); got.Cmp(s1) != 0 {
			t.Fatalf("wide sum %s, want %s", got, s1)
		}
		if want, _ := new(big.Rat).SetFrac(s1, big.NewInt(n)).Float64(); s.Mean(n) != want {
			t.Fatalf("mean %x, want %x", s.Mean(n), want)
		}
		d := s2.Mul(s2, big.NewInt(n))
		d.Sub(d, new(big.Int).Mul(s1, s1))
		if want, _ := new(big.Rat).SetFrac(d, big.NewInt(n*n)).Float64(); m.Variance(false) != want {
			t.Fatalf("population %x, want %x", m.Variance(false), want)
		}
		if n > 1 {
			if want, _ := new(big.Rat).SetFrac(d, big.NewInt(n*(n-1))).Float64(); m.Variance(true) != want {
				t.Fatalf("sample %x, want %x", m.Variance(true), want)
			}
		}
		s.Reset()
		m.Reset()
		w.Reset()
		if *s != (exact.IntSum{}) || *m != (exact.IntMoments{}) || *w != (exact.WideSum{}) {
			t.Fatal("reset leaves something")
		}
	})
}

func TestDivHalfAway(t *testing.T) {
	for _, c := range []struct{ v, n, want int64 }{
		{7, 2, 4}, {-7, 2, -4}, {5, 3, 2}, {-5, 3, -2}, {4, 3, 1}, {-4, 3, -1}, {0, 5, 0}, {6, 3, 2}, {1, 2, 1}, {-1, 2, -1},
	} {
		if got := exact.DivHalfAway(big.NewInt(c.v), c.n); got.Int64() != c.want {
			t.Errorf("%d/%d = %s, want %d", c.v, c.n, got, c.want)
		}
	}
}
