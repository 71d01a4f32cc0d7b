package exact_test

import (
	"math"
	"math/big"

	"pgregory.net/rapid"
)

// sumOracle is S-940 by math/big: the sum of values divided by n.
func sumOracle(values []float64, n int64) float64 {
	sum, pos, neg := new(big.Rat), false, false
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			return math.NaN()
		case math.IsInf(v, 0):
			pos, neg = pos || v > 0, neg || v < 0
		default:
			sum.Add(sum, new(big.Rat).SetFloat64(v))
		}
	}
	switch {
	case pos && neg:
		return math.NaN()
	case pos:
		return math.Inf(1)
	case neg:
		return math.Inf(-1)
	}
	f, _ := sum.Quo(sum, new(big.Rat).SetInt64(n)).Float64()
	return f
}

// varianceOracle is S-942 by math/big.
func varianceOracle(values []float64, sample bool) float64 {
	n := new(big.Rat).SetInt64(int64(len(values)))
	s1, s2 := new(big.Rat), new(big.Rat)
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return math.NaN()
		}
		x := new(big.Rat).SetFloat64(v)
		s1.Add(s1, x)
		s2.Add(s2, x.Mul(x, x))
	}
	d := new(big.Rat).SetInt64(int64(len(values)))
	if sample {
		d.SetInt64(int64(len(values) - 1))
	}
	v := s2.Sub(s2.Mul(s2, n), s1.Mul(s1, s1))
	f, _ := v.Quo(v, d.Mul(d, n)).Float64()
	return f
}

// same reports whether two results have the same bits; all NaN are one.
func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

// values draws doubles that hurt.
func values(finite bool) *rapid.Generator[[]float64] {
	nasty := []float64{
		0, math.Copysign(0, -1), 1, -1, 1e16, -1e16, 1e9 + 0.1, 1e9 + 0.7, 0.1, -0.3,
		5e-324, -5e-324, 2.2250738585072014e-308, math.MaxFloat64, -math.MaxFloat64,
		math.Ldexp(1, 1023), math.Ldexp(1, -48), math.Ldexp(1, -49), math.Ldexp(1, 60),
		math.Nextafter(math.Ldexp(1, 60), 0), math.Nextafter(math.Ldexp(1, -48), 0), 1e-20, 1e300,
		math.Ldexp(1, -537), math.Ldexp(3, -540),
	}
	if !finite {
		nasty = append(nasty, math.NaN(), math.Inf(1), math.Inf(-1))
	}
	one := rapid.OneOf(
		rapid.SampledFrom(nasty),
		rapid.Custom(func(t *rapid.T) float64 {
			return float64(rapid.IntRange(-100_000, 100_000).Draw(t, "cents")) / 100
		}),
		rapid.Custom(func(t *rapid.T) float64 { // any bits, near the border of the words
			m := rapid.Uint64().Draw(t, "m") & (1<<52 - 1)
			e := uint64(rapid.IntRange(960, 1100).Draw(t, "e"))
			s := uint64(rapid.IntRange(0, 1).Draw(t, "s"))
			return math.Float64frombits(s<<63 | e<<52 | m)
		}),
		rapid.Custom(func(t *rapid.T) float64 { // any finite bits
			m := rapid.Uint64().Draw(t, "m") & (1<<52 - 1)
			e := uint64(rapid.IntRange(0, 2046).Draw(t, "e"))
			s := uint64(rapid.IntRange(0, 1).Draw(t, "s"))
			return math.Float64frombits(s<<63 | e<<52 | m)
		}),
	)
	return rapid.SliceOfN(one, 0, 40)
}
