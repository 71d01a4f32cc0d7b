package exact

// Fill leaves s as if v had been added n times, n a power of two, as far as
// the three words can hold it.
func Fill(s *Sum, v float64, n int) {
	s.Add(v)
	for ; n > 1; n /= 2 {
		if top := s.w2 >> 61; top != 0 {
			s.spill()
		}
		if s.wide != nil {
			w := s.wide.words
			s.wide.addAt(0, w[:], false)
		}
		neg, x := magnitude3(s.words())
		if neg {
			panic("v must be positive")
		}
		s.w0, s.w1, s.w2 = x[0]<<1, x[1]<<1|x[0]>>63, x[2]<<1|x[1]>>63
	}
}

// Spilled reports whether the words ran over.
func Spilled(s *Sum) bool { return s.wide != nil && s.wide.spilled }

// VarianceOf gives the population variance from whole sums.
func VarianceOf(n, s1, s2 int64) float64 {
	return variance(n, [3]uint64{uint64(s1)}, squares{uint64(s2)}, false, 0)
}
