package hll_test

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window/hll"
)

func seeded(b []byte) uint64 {
	d := xxhash.NewWithSeed(hll.Seed)
	_, _ = d.Write(b)
	return d.Sum64()
}

// Rule: S-944.
func TestHash_SameAsXXH64(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "bytes")
		if got, want := hll.HashText(string(b)), seeded(b); got != want {
			t.Fatalf("%d bytes: %x, want %x", len(b), got, want)
		}
		v, w := rapid.Uint64().Draw(t, "v"), rapid.Uint64().Draw(t, "w")
		eight := binary.LittleEndian.AppendUint64(nil, v)
		if got, want := hll.Hash8(v), seeded(eight); got != want {
			t.Fatalf("%x: %x, want %x", v, got, want)
		}
		if got, want := hll.Hash4(uint32(v)), seeded(eight[:4]); got != want {
			t.Fatalf("%x: %x, want %x", uint32(v), got, want)
		}
		if got, want := hll.Hash16(v, w), seeded(binary.LittleEndian.AppendUint64(eight, w)); got != want {
			t.Fatalf("%x %x: %x, want %x", w, v, got, want)
		}
	})
}

// A hash that an independent implementation of XXH64 gives, and the place of
// hashes at the ends of the range.
func TestEstimator_Place(t *testing.T) {
	e := hll.NewEstimator(9)
	for _, c := range []struct {
		hash     uint64
		register int
		rank     uint8
	}{
		{0, 0, 56}, {math.MaxUint64, 511, 1}, {1 << 63, 256, 56}, {1<<55 | 1<<54, 1, 1}, {1 << 53, 0, 2}, {1, 0, 55},
	} {
		if r, rank := e.Place(c.hash); r != c.register || rank != c.rank {
			t.Errorf("%x: register %d, rank %d, want %d and %d", c.hash, r, rank, c.register, c.rank)
		}
	}
}

// sketch holds plain registers.
type sketch struct {
	e     *hll.Estimator
	ranks []uint8
	sums  hll.Sums
}

func newSketch(precision int) *sketch {
	e := hll.NewEstimator(precision)
	return &sketch{e, make([]uint8, e.Registers()), e.Empty()}
}

func (s *sketch) add(hash uint64) {
	if r, rank := s.e.Place(hash); rank > s.ranks[r] {
		s.sums.Change(s.ranks[r], rank)
		s.ranks[r] = rank
	}
}

func (s *sketch) estimate() int64 { return s.e.Estimate(s.sums) }

// deviation is what a precision promises: 1.04 / sqrt(registers).
func deviation(precision int) float64 { return 1.04 / math.Sqrt(float64(int(1)<<precision)) }

// The relative error stays within 4*rsd on 1,000 random inputs, and is no
// greater on average than promised.
// Rule: S-944.
func TestEstimate_RandomInputs_WithinFourDeviations(t *testing.T) {
	const rsd = 0.05
	rng := rand.New(rand.NewPCG(9, 44))
	squares := 0.0
	for range 1000 {
		n := int(math.Exp(rng.Float64() * math.Log(200_000))) // as many of each size
		s := newSketch(9)
		for range n {
			s.add(hll.Hash8(rng.Uint64()))
		}
		off := (float64(s.estimate()) - float64(n)) / float64(n)
		if math.Abs(off) > 4*rsd {
			t.Errorf("%d values: estimate %d", n, s.estimate())
		}
		squares += off * off
	}
	if got := math.Sqrt(squares / 1000); got > rsd {
		t.Errorf("a deviation of %v, want at most %v", got, rsd)
	}
}

// Every precision keeps its promise, from linear counting through the table of
// biases to the plain estimate.
// Rule: S-944.
func TestEstimate_EveryPrecision_KeepsItsPromise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 18))
	for p := hll.LeastPrecision; p <= hll.MostPrecision; p++ {
		m := 1 << p
		for _, n := range []int{m / 4, m / 2, m, 2 * m, 3 * m, 6 * m} {
			rounds := max(1, min(100, 1<<18/n))
			bias, squares := 0.0, 0.0
			for range rounds {
				s := newSketch(p)
				for range n {
					s.add(hll.Hash8(rng.Uint64()))
				}
				off := (float64(s.estimate()) - float64(n)) / float64(n)
				bias += off
				squares += off * off
			}
			bias /= float64(rounds)
			promised := deviation(p)
			if limit := promised * (1 + 4/math.Sqrt(float64(rounds))); math.Sqrt(squares/float64(rounds)) > 1.3*limit {
				t.Errorf("precision %d, %d values: deviation %v, promised %v", p, n, math.Sqrt(squares/float64(rounds)), promised)
			}
			if math.Abs(bias) > 0.02+5*promised/math.Sqrt(float64(rounds)) {
				t.Errorf("precision %d, %d values: biased by %v", p, n, bias)
			}
		}
	}
}

// The estimate depends on the registers alone: not on the order of values, on
// repeats, or on ranks that came and went.
// Rules: S-944, S-1601, S-1602.
func TestEstimate_AnyOrder_AnyWay_SameNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hashes := rapid.SliceOfN(rapid.Uint64(), 0, 200).Draw(t, "hashes")
		shuffled := rapid.Permutation(hashes).Draw(t, "shuffled")
		a, b := newSketch(4), newSketch(4)
		for _, h := range hashes {
			a.add(h)
		}
		for _, h := range append(shuffled, hashes...) {
			b.add(h)
		}
		for r, rank := range b.ranks { // and back again
			b.sums.Change(rank, 3)
			b.sums.Change(3, 0)
			b.sums.Change(0, b.ranks[r])
		}
		if a.sums != b.sums || a.estimate() != b.estimate() {
			t.Fatalf("%+v, want %+v", b.sums, a.sums)
		}
		exact := new(big.Rat)
		for _, rank := range a.ranks {
			exact.Add(exact, new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), uint(rank))))
		}
		want, _ := exact.Float64()
		if got := hll.SumOf(a.sums); got != want {
			t.Fatalf("the sum is %v, want %v", got, want)
		}
	})
}

// Linear counting rounds to a whole number; none of them is so close to a half
// that another machine's logarithm could decide.
// Rule: S-946.
func TestEstimate_LinearCounting_NoTies(t *testing.T) {
	for p := hll.LeastPrecision; p <= hll.MostPrecision; p++ {
		m := float64(int(1) << p)
		for zeros := 1.0; zeros <= m; zeros++ {
			n := m * math.Log(m/zeros)
			if _, part := math.Modf(n); math.Abs(part-0.5) < 1e-15*n*8 {
				t.Errorf("precision %d with %v zeros: %v", p, zeros, n)
			}
		}
	}
}

func TestPublished_FifteenTables(t *testing.T) {
	for p := hll.LeastPrecision; p <= hll.MostPrecision; p++ {
		raw, bias := hll.Published(p)
		if n := len(raw); n != len(bias) || n < 79 || n > 201 {
			t.Errorf("precision %d: %d and %d points", p, len(raw), len(bias))
		}
		// The first point is about an empty sketch, whose whole estimate is bias.
		m := float64(int(1) << p)
		if raw[0] < 0.68*m || raw[0] > 0.75*m || bias[0] < raw[0]-1.01 || bias[0] > raw[0] {
			t.Errorf("precision %d begins with %v, %v", p, raw[0], bias[0])
		}
	}
}

// The sum of 2^-rank is rounded once, from all of its bits.
func TestSums_Float_RoundsOnce(t *testing.T) {
	for _, c := range []struct {
		ranks []uint8
		want  float64
	}{
		{nil, 16},
		{[]uint8{50, 61}, math.Nextafter(14, 15)}, // half a bit, and a little
		{[]uint8{50, 50}, math.Nextafter(14, 15)},
		{[]uint8{1, 1}, 15},
		{[]uint8{61, 61, 61, 61, 61, 61, 61, 61, 61, 61, 61, 61, 61, 61, 61, 61}, math.Ldexp(1, -57)},
	} {
		s := hll.NewEstimator(4).Empty()
		for _, r := range c.ranks {
			s.Change(0, r)
		}
		if got := hll.SumOf(s); got != c.want || s.Zeros != 16-len(c.ranks) {
			t.Errorf("%v: %v, want %v", c.ranks, got, c.want)
		}
	}
}
