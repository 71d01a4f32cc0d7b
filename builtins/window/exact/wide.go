package exact

import (
	"math"
	"math/bits"
)

const (
	// wideUnit places the lowest bit of a wide accumulator at the smallest
	// subnormal, 2^-wideUnit.
	wideUnit = 1074
	// wideWords holds 2,098 bits of the largest double, a sign and room for
	// 2^77 of them.
	wideWords = 34
	// gap is where the lowest bit of a Sum's words stands in a wide one.
	gap = wideUnit - unit
)

// wide holds what the three words of a Sum cannot: very large and very small
// doubles, infinities and NaN.
type wide struct {
	words         [wideWords]uint64 // two's complement
	finite        int64             // values in words
	nan, pos, neg int64
	spilled       bool // words hold a part of the Sum's three words, too
}

// addWide adds v n times, n being 1 or -1.
func (s *Sum) addWide(v float64, n int64) {
	if v == 0 {
		return
	}
	if s.wide == nil {
		s.wide = &wide{}
	}
	w := s.wide
	b := math.Float64bits(v)
	switch exp := b >> mantissaBits & exponentMask; {
	case v != v:
		w.nan += n
	case exp == exponentMask && v > 0:
		w.pos += n
	case exp == exponentMask:
		w.neg += n
	default:
		w.finite += n
		m := b & mantissaMask
		if exp > 0 {
			m |= 1 << mantissaBits
			exp--
		}
		w.put(m, uint(exp), v < 0 != (n < 0))
	}
	if w.finite|w.nan|w.pos|w.neg == 0 && !w.spilled {
		s.wide = nil // all zero again: back to the cheap form
	}
}

// put adds m*2^shift units, or takes it away.
func (w *wide) put(m uint64, shift uint, neg bool) {
	i, k := shift>>6, shift&63
	part := [2]uint64{m << k, m >> 1 >> (63 - k)}
	w.addAt(i, part[:], neg)
}

// addAt adds the magnitude to the words from i on, or takes it away.
func (w *wide) addAt(i uint, part []uint64, neg bool) {
	var c uint64
	step := bits.Add64
	if neg {
		step = bits.Sub64
	}
	for _, p := range part {
		w.words[i], c = step(w.words[i], p, c)
		i++
	}
	for ; c != 0 && i < wideWords; i++ {
		w.words[i], c = step(w.words[i], 0, c)
	}
}

// words gives the three words, least significant first.
func (s *Sum) words() [3]uint64 { return [3]uint64{s.w0, s.w1, s.w2} }

// spill moves the three words into the wide accumulator before they run over.
func (s *Sum) spill() {
	if s.wide == nil {
		s.wide = &wide{}
	}
	s.wide.addWords(s.words())
	s.wide.spilled = true
	s.w0, s.w1, s.w2 = 0, 0, 0
}

// addWords adds the three words of a Sum.
func (w *wide) addWords(words [3]uint64) {
	const i, k = gap / 64, gap % 64
	neg, x := magnitude3(words)
	w.addAt(i, []uint64{
		x[0] << k,
		x[1]<<k | x[0]>>(64-k),
		x[2]<<k | x[1]>>(64-k),
		x[2] >> (64 - k),
	}, neg)
}

// special gives the result that infinities and NaN enforce.
func (w *wide) special() (float64, bool) {
	switch {
	case w.nan > 0 || w.pos > 0 && w.neg > 0:
		return math.NaN(), true
	case w.pos > 0:
		return math.Inf(1), true
	case w.neg > 0:
		return math.Inf(-1), true
	}
	return 0, false
}

// total gives sign and magnitude of all finite values of the sum.
func (s *Sum) total() (neg bool, words [wideWords]uint64) {
	all := wide{}
	if s.wide != nil {
		all = *s.wide
	}
	all.addWords(s.words())
	words = all.words
	if int64(words[wideWords-1]) >= 0 {
		return false, words
	}
	c := uint64(1)
	for i := range words {
		words[i], c = bits.Add64(^words[i], 0, c)
	}
	return true, words
}

// wideBoth is Both when the wide accumulator is in use.
func (s *Sum) wideBoth(n int64) (sum, mean float64) {
	if v, ok := s.wide.special(); ok {
		return v, v
	}
	neg, words := s.total()
	top, ok := normal(words[:])
	if !ok {
		return 0, 0
	}
	sum, mean = top.packAny(-wideUnit), top.over(uint64(n)).packAny(-wideUnit)
	if neg {
		sum, mean = -sum, -mean
	}
	return sum, mean
}
