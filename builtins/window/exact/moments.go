package exact

import (
	"math"
	"math/big"
	"math/bits"
)

// Moments holds the number of doubles, their exact sum and the exact sum of
// their squares. The zero value is empty.
type Moments struct {
	n       int64
	sum     Sum
	squares squares // in units of 2^(-2*unit)
	wide    *wideSquares
}

// wideSquares holds the squares of finite values outside the reach of Sum's
// words, in units of 2^(-2*wideUnit).
type wideSquares struct {
	sum big.Int
	n   int64
}

// squares is an unsigned sum: 106 bits shifted by up to 2*reach, 2^63 times,
// stay under 2^384.
type squares [6]uint64

// put adds hi:lo * 2^shift, or takes it away.
func (q *squares) put(hi, lo uint64, shift uint, neg bool) {
	i, k := shift>>6, shift&63
	part := [3]uint64{lo << k, hi<<k | lo>>1>>(63-k), hi >> 1 >> (63 - k)}
	var c uint64
	if neg {
		for _, p := range part {
			q[i], c = bits.Sub64(q[i], p, c)
			i++
		}
		for ; c != 0 && int(i) < len(q); i++ {
			q[i], c = bits.Sub64(q[i], 0, c)
		}
		return
	}
	for _, p := range part {
		q[i], c = bits.Add64(q[i], p, c)
		i++
	}
	for ; c != 0 && int(i) < len(q); i++ {
		q[i], c = bits.Add64(q[i], 0, c)
	}
}

// Add puts v in.
func (m *Moments) Add(v float64) {
	m.n++
	m.sum.Add(v)
	m.square(v, false)
}

// Sub takes out v, which was put in before.
func (m *Moments) Sub(v float64) {
	m.n--
	m.sum.Sub(v)
	m.square(v, true)
}

func (m *Moments) square(v float64, neg bool) {
	b := math.Float64bits(v)
	exp := b >> mantissaBits & exponentMask
	if shift := exp - bias; shift <= reach {
		f := b&mantissaMask | 1<<mantissaBits
		hi, lo := bits.Mul64(f, f)
		m.squares.put(hi, lo, uint(2*shift), neg)
		return
	}
	if v == 0 || exp == exponentMask {
		return // the sum counts NaN and infinities
	}
	f := b & mantissaMask
	if exp > 0 {
		f |= 1 << mantissaBits
		exp--
	}
	if m.wide == nil {
		m.wide = &wideSquares{}
	}
	x := new(big.Int).SetUint64(f)
	x.Mul(x, x).Lsh(x, uint(2*exp))
	if neg {
		m.wide.sum.Sub(&m.wide.sum, x)
		m.wide.n--
	} else {
		m.wide.sum.Add(&m.wide.sum, x)
		m.wide.n++
	}
	if m.wide.n == 0 {
		m.wide = nil
	}
}

// Reset empties the moments.
func (m *Moments) Reset() { *m = Moments{} }

// Variance gives the variance of the values in as one exact quotient rounded
// once: that of the population, or of a sample. It is NaN when a value is not
// finite. There must be a value in, for a sample two.
func (m *Moments) Variance(sample bool) float64 {
	if m.sum.wide != nil || m.wide != nil {
		return m.wideVariance(sample)
	}
	_, x := magnitude3(m.sum.words())
	return variance(m.n, x, m.squares, sample, -2*unit)
}

func (m *Moments) wideVariance(sample bool) float64 {
	if w := m.sum.wide; w != nil && w.nan|w.pos|w.neg != 0 {
		return math.NaN()
	}
	_, words := m.sum.total()
	s1 := bigOf(words[:])
	s2 := bigOf(m.squares[:])
	s2.Lsh(s2, 2*gap)
	if m.wide != nil {
		s2.Add(s2, &m.wide.sum)
	}
	return bigVariance(m.n, s1, s2, sample, 2*wideUnit)
}

// divisor gives n*n for a population and n*(n-1) for a sample.
func divisor(n int64, sample bool) (hi, lo uint64) {
	if sample {
		return bits.Mul64(uint64(n), uint64(n-1))
	}
	return bits.Mul64(uint64(n), uint64(n))
}

// variance gives (n*s2 - s1*s1) / divisor * 2^scale, rounded once.
func variance(n int64, s1 [3]uint64, s2 squares, sample bool, scale int) float64 {
	if hi, lo := divisor(n, sample); hi == 0 {
		d := scaled(s2, uint64(n))
		takeSquare(&d, s1)
		top, ok := normal(d[:])
		if !ok {
			return 0
		}
		return top.over(lo).packAny(scale)
	}
	return bigVariance(n, bigOf(s1[:]), bigOf(s2[:]), sample, uint(-scale))
}

// scaled gives s*n.
func scaled(s squares, n uint64) (p [7]uint64) {
	var carry uint64
	for i, w := range s {
		hi, lo := bits.Mul64(w, n)
		var c uint64
		p[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	p[6] = carry
	return p
}

// takeSquare takes x*x from d.
func takeSquare(d *[7]uint64, x [3]uint64) {
	for i, a := range x {
		var carry uint64
		for j, b := range x {
			hi, lo := bits.Mul64(a, b)
			var c uint64
			lo, c = bits.Add64(lo, carry, 0)
			hi += c
			d[i+j], c = bits.Sub64(d[i+j], lo, 0)
			carry = hi + c
		}
		for k := i + 3; carry != 0 && k < len(d); k++ {
			var c uint64
			d[k], c = bits.Sub64(d[k], carry, 0)
			carry = c
		}
	}
}

// bigVariance is variance for numbers of any size; the unit of s1 is the
// square root of 2^-scale.
func bigVariance(n int64, s1, s2 *big.Int, sample bool, scale uint) float64 {
	num := new(big.Int).Mul(s2, big.NewInt(n))
	num.Sub(num, new(big.Int).Mul(s1, s1))
	less := n
	if sample {
		less--
	}
	den := new(big.Int).Mul(big.NewInt(n), big.NewInt(less))
	v, _ := new(big.Rat).SetFrac(num, den.Lsh(den, scale)).Float64()
	return v
}

// IntMoments is Moments for int64. The zero value is empty.
type IntMoments struct {
	n       int64
	sum     WideSum
	squares squares
}

// Add puts v in.
func (m *IntMoments) Add(v int64) {
	m.n++
	m.sum.Add(v>>63, uint64(v))
	m.square(v, false)
}

// Sub takes out v, which was put in before.
func (m *IntMoments) Sub(v int64) {
	m.n--
	m.sum.Sub(v>>63, uint64(v))
	m.square(v, true)
}

func (m *IntMoments) square(v int64, neg bool) {
	u := uint64(v)
	if v < 0 {
		u = -u
	}
	hi, lo := bits.Mul64(u, u)
	m.squares.put(hi, lo, 0, neg)
}

// Reset empties the moments.
func (m *IntMoments) Reset() { *m = IntMoments{} }

// Variance is that of Moments.
func (m *IntMoments) Variance(sample bool) float64 {
	_, x := magnitude3(m.sum.w)
	return variance(m.n, x, m.squares, sample, 0)
}
