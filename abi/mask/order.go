package mask

// daySteps gives the leading steps that write the day, when texts sort by
// bytes as their days do: the year of four digits, then month and day, or
// the day of the year, all of fixed width, and no zone that could shift them.
func (m *Mask) daySteps() []step {
	for _, s := range m.steps {
		switch s.kind {
		case offset, offsetHH, offsetHHMM, offsetColon:
			return nil
		}
	}
	want := year
	for i, s := range m.steps {
		if s.kind == literal {
			continue
		}
		ok := s.kind == want || want == month && s.kind == dayOfYear
		if !ok || s.min != s.max {
			return nil
		}
		switch s.kind {
		case year:
			want = month
		case month:
			want = day
		default:
			return m.steps[:i+1]
		}
	}
	return nil
}

// DayText gives the bytes that every text of a day begins with, if texts of
// this mask sort by bytes as their days do; ok is false when they do not. A
// text that matches the mask lies before the day iff its leading bytes are
// smaller. It lets a reader skip files by the least and greatest text.
func (m *Mask) DayText(y, mon, d int) (text string, ok bool) {
	if m.day == nil || y < 1 || y > 9999 {
		return "", false
	}
	b := make([]byte, 0, 16)
	for _, s := range m.day {
		switch s.kind {
		case literal:
			b = append(b, s.lit...)
		case year:
			b = digits(b, y, 4)
		case month:
			b = digits(b, mon, 2)
		case day:
			b = digits(b, d, 2)
		case dayOfYear:
			b = digits(b, int(daysOf(y, mon, d)-daysOf(y, 1, 1))+1, 3)
		}
	}
	return string(b), true
}

func digits(b []byte, v, n int) []byte {
	for i := n; i > 0; i-- {
		p := 1
		for j := 1; j < i; j++ {
			p *= 10
		}
		b = append(b, byte('0'+v/p%10))
	}
	return b
}
