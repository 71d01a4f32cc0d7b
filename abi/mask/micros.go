package mask

// Micros reads a text: microseconds since 1970-01-01T00:00Z, or false when
// the text does not match the whole pattern or names no instant of the years
// 0001 to 9999. It allocates nothing.
func (m *Mask) Micros(text string) (us int64, ok bool) {
	f := fields{year: 1970, month: 1, day: 1}
	i := 0
	for k := range m.steps {
		s := &m.steps[k]
		if s.kind == literal {
			n := len(s.lit)
			if len(text)-i < n || text[i:i+n] != s.lit {
				return 0, false
			}
			i += n
			continue
		}
		var n int
		switch s.kind {
		case monthName, monthShort, weekdayName, weekdayShort, half, zoneName,
			offset, offsetHH, offsetHHMM, offsetColon:
			n = f.word(s.kind, text[i:])
		default:
			n = f.number(s, text[i:])
		}
		if n == 0 {
			return 0, false
		}
		i += n
	}
	if i != len(text) {
		return 0, false
	}
	return f.micros()
}

// fields are what a text has said so far.
type fields struct {
	year, month, day, yearDay        int
	hour, minute, second, fractionUs int
	half                             int // 1 AM, 2 PM
	offsetSeconds                    int
	epoch                            int64
	hasEpoch, hasYearDay             bool
}

// number reads the digits of a field from the head of t and tells how many
// bytes they take; 0 when they do not fit.
func (f *fields) number(s *step, t string) int {
	i := 0
	if s.kind == epoch && len(t) > 0 && t[0] == '-' {
		i = 1
	}
	if s.kind == dayPadded && len(t) > 1 && t[0] == ' ' {
		if t[1] < '1' || t[1] > '9' {
			return 0
		}
		f.day = int(t[1] - '0')
		return 2
	}
	from, v := i, int64(0)
	for i < len(t) && i-from < int(s.max) {
		d := t[i] - '0'
		if d > 9 {
			break
		}
		v = v*10 + int64(d)
		i++
	}
	n := i - from
	if n < int(s.min) {
		return 0
	}
	x := int(v)
	switch s.kind {
	case year:
		f.year = x
	case year2:
		f.year = 2000 + x
		if x >= 69 {
			f.year = 1900 + x
		}
	case month:
		f.month = x
	case day, dayPadded:
		f.day = x
	case dayOfYear:
		f.yearDay, f.hasYearDay = x, true
	case hour:
		if x > 23 {
			return 0
		}
		f.hour = x
	case hour12:
		if x < 1 || x > 12 {
			return 0
		}
		f.hour = x
	case minute:
		if x > 59 {
			return 0
		}
		f.minute = x
	case second:
		if x > 59 {
			return 0
		}
		f.second = x
	case fraction:
		for ; n < 6; n++ {
			x *= 10
		}
		for ; n > 6; n-- {
			x /= 10
		}
		f.fractionUs = x
	case epoch:
		if t[0] == '-' {
			v = -v
		}
		f.epoch, f.hasEpoch = v, true
	}
	return i
}

// micros puts the fields together.
func (f *fields) micros() (int64, bool) {
	if f.hasEpoch {
		us := f.epoch*1_000_000 + int64(f.fractionUs)
		return us, us >= leastMicros && us <= greatestMicros
	}
	if f.year < 1 || f.year > 9999 || f.month < 1 || f.month > 12 {
		return 0, false
	}
	var days int64
	if f.hasYearDay {
		last := 365
		if leap(f.year) {
			last = 366
		}
		if f.yearDay < 1 || f.yearDay > last {
			return 0, false
		}
		days = daysOf(f.year, 1, 1) + int64(f.yearDay-1)
	} else {
		if f.day < 1 || f.day > monthDays(f.year, f.month) {
			return 0, false
		}
		days = daysOf(f.year, f.month, f.day)
	}
	h := f.hour
	switch {
	case f.half == 1 && h == 12:
		h = 0
	case f.half == 2 && h != 12:
		h += 12
	}
	seconds := days*86400 + int64(h*3600+f.minute*60+f.second-f.offsetSeconds)
	us := seconds*1_000_000 + int64(f.fractionUs)
	return us, us >= leastMicros && us <= greatestMicros
}

// The ends of the years 0001 to 9999 in microseconds.
const (
	leastMicros    = -62_135_596_800_000_000
	greatestMicros = 253_402_300_799_999_999
)

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func monthDays(y, m int) int {
	switch m {
	case 2:
		if leap(y) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysOf counts days since 1970-01-01 (Hinnant's days_from_civil; years are
// positive here, so that no division is of a negative number).
func daysOf(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}
