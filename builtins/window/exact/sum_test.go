package exact_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window/exact"
)

func sumOf(values ...float64) *exact.Sum {
	s := &exact.Sum{}
	for _, v := range values {
		s.Add(v)
	}
	return s
}

// speck is 2^a + 2^b.
func speck(a, b int) float64 { return math.Ldexp(1, a) + math.Ldexp(1, b) }

func TestSum_Table(t *testing.T) {
	inf, nan, big := math.Inf(1), math.NaN(), math.Ldexp(1, 1023)
	for _, c := range []struct {
		in        []float64
		sum, mean float64
	}{
		{nil, 0, 0},
		{[]float64{math.Copysign(0, -1)}, 0, 0},
		{[]float64{0.1, 0.2}, 0.30000000000000004, 0.15000000000000002},
		{[]float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, 1, 0.1},
		{[]float64{1e16, 1, -1e16}, 1, 1.0 / 3},
		{[]float64{1e300, 1, -1e300}, 1, 1.0 / 3},
		{[]float64{5e-324, 1, -1}, 5e-324, 0},
		{[]float64{5e-324, 5e-324, 5e-324}, 15e-324, 5e-324},
		{[]float64{5e-324, 0}, 5e-324, 0},                       // half of the smallest: ties to even
		{[]float64{5e-324, 5e-324, 5e-324, 0}, 15e-324, 5e-324}, // 3/4 of it
		{[]float64{big, big}, inf, big},
		{[]float64{big, big, -big}, big, big / 3},
		{[]float64{math.MaxFloat64, math.Ldexp(1, 969)}, math.MaxFloat64, math.MaxFloat64 / 2},
		{[]float64{math.MaxFloat64, math.Ldexp(1, 970)}, inf, math.Ldexp(1, 1023)},
		{[]float64{5e-324, 0, 0, 0, 0}, 5e-324, 0},
		// Halfway between two doubles, but for a bit far behind.
		{[]float64{1 << 53, 1, speck(-48, -100), -math.Ldexp(1, -48)}, 1<<53 + 2, 1<<51 + 0.5},
		{[]float64{6 << 53, 6, speck(-48, -100), -math.Ldexp(1, -48), 0, 0}, 6<<53 + 8, 1<<53 + 2},
		{[]float64{6 << 53, 6, speck(-20, -72), -math.Ldexp(1, -20), 0, 0}, 6<<53 + 8, 1<<53 + 2},
		{[]float64{1, nan}, nan, nan},
		{[]float64{1, inf}, inf, inf},
		{[]float64{1, -inf}, -inf, -inf},
		{[]float64{inf, -inf}, nan, nan},
		{[]float64{-1, -2}, -3, -1.5},
	} {
		t.Run(fmt.Sprint(c.in), func(t *testing.T) {
			s := sumOf(c.in...)
			n := max(1, int64(len(c.in)))
			if got := s.Value(); !same(got, c.sum) {
				t.Errorf("sum %v, want %v", got, c.sum)
			}
			if got := s.Mean(n); !same(got, c.mean) {
				t.Errorf("mean %v, want %v", got, c.mean)
			}
		})
	}
}

// Rules: S-940, S-1607.
func TestSum_SameAsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := values(false).Draw(t, "values")
		s, n := sumOf(in...), max(1, int64(len(in)))
		sum, mean := s.Both(n)
		if want := sumOracle(in, 1); !same(sum, want) || !same(s.Value(), want) {
			t.Fatalf("sum %x, want %x", sum, want)
		}
		if want := sumOracle(in, n); !same(mean, want) || !same(s.Mean(n), want) {
			t.Fatalf("mean %x, want %x", mean, want)
		}
	})
}

// The count need not be that of the values: any divisor is rounded once.
func TestSum_MeanByAnyCount_SameAsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := values(true).Draw(t, "values")
		n := rapid.Int64Range(1, math.MaxInt64).Draw(t, "n")
		if got, want := sumOf(in...).Mean(n), sumOracle(in, n); !same(got, want) {
			t.Fatalf("mean %x, want %x", got, want)
		}
	})
}

// Rules: S-940, S-1602.
func TestSum_AnyOrder_SameBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := values(false).Draw(t, "values")
		other := rapid.Permutation(in).Draw(t, "other")
		if a, b := sumOf(in...).Value(), sumOf(other...).Value(); !same(a, b) {
			t.Fatalf("%x and %x", a, b)
		}
	})
}

// Rule: S-940.
func TestSum_TakenOut_AsIfNeverIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stay, leave := values(false).Draw(t, "stay"), values(false).Draw(t, "leave")
		s := &exact.Sum{}
		for i := range max(len(stay), len(leave)) {
			if i < len(leave) {
				s.Add(leave[i])
			}
			if i < len(stay) {
				s.Add(stay[i])
			}
		}
		for _, v := range leave {
			s.Sub(v)
		}
		fresh := sumOf(stay...)
		if a, b := s.Value(), fresh.Value(); !same(a, b) {
			t.Fatalf("%x, want %x", a, b)
		}
		if len(stay) == 0 && *s != (exact.Sum{}) {
			t.Fatalf("an emptied sum holds %+v", *s)
		}
		s.Reset()
		if *s != (exact.Sum{}) {
			t.Fatal("a reset sum is not empty")
		}
	})
}

// 2^30 values of nearly 2^60 do not fit the three words.
func TestSum_FillsTheWords_SpillsAndStaysExact(t *testing.T) {
	s := &exact.Sum{}
	v := math.Nextafter(math.Ldexp(1, 60), 0)
	exact.Fill(s, v, 1<<30)
	for range 3 {
		s.Add(v)
	}
	if !exact.Spilled(s) {
		t.Fatal("the words did not run over: the test is void")
	}
	n := int64(1<<30 + 3)
	if got := s.Mean(n); got != v {
		t.Fatalf("mean %x, want %x", got, v)
	}
	s.Add(1e-300) // the wide accumulator outlives what else was in it
	s.Sub(1e-300)
	s.Sub(v)
	s.Add(-v)
	if got, want := s.Value(), v*(1<<30+1); got != want {
		t.Fatalf("sum %x, want %x", got, want)
	}
}

var sink float64

func BenchmarkSum_AddSub(b *testing.B) {
	s, v := &exact.Sum{}, amounts()
	for i := 0; b.Loop(); i++ {
		s.Add(v[i&1023])
		s.Sub(v[(i+7)&1023])
	}
}

func BenchmarkSum_Both(b *testing.B) {
	s, v := &exact.Sum{}, amounts()
	for i := 0; b.Loop(); i++ {
		s.Add(v[i&1023])
		x, y := s.Both(int64(i&7) + 1)
		sink += x + y
	}
}

func BenchmarkSum_AddValueWide(b *testing.B) {
	s := &exact.Sum{}
	s.Add(1e-30)
	for b.Loop() {
		s.Add(1e-20)
		sink += s.Value()
	}
}

func BenchmarkMoments_AddSubVariance(b *testing.B) {
	m, v := &exact.Moments{}, amounts()
	for i := range 20 {
		m.Add(v[i])
	}
	for i := 20; b.Loop(); i++ {
		m.Add(v[i&1023])
		m.Sub(v[(i-20)&1023])
		sink += m.Variance(false)
	}
}

func amounts() []float64 {
	v := make([]float64, 1024)
	for i := range v {
		v[i] = float64((i*7919)%60000) / 100
	}
	return v
}
