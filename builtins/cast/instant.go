package cast

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/abi/schema"
)

const (
	second = 1_000_000
	day    = 86_400 * second

	// MinInstant is the first microsecond of year 0001, counted from 1970.
	MinInstant = -719_162 * day
	// MaxInstant is the last microsecond of year 9999.
	MaxInstant = 2_932_897*day - 1
)

// ValidInstant reports whether us lies in years 0001-9999.
func ValidInstant(us int64) bool { return us >= MinInstant && us <= MaxInstant }

func instant(us int64) (int64, bool) { return us, ValidInstant(us) }

func dayOf(d int64) (arrow.Date32, bool) {
	return arrow.Date32(d), d >= MinInstant/day && d <= (MaxInstant+1)/day-1
}

// widenTimestamp brings an instant of any unit to microseconds, finer ones
// floored. One without a zone stays without.
func widenTimestamp(t *arrow.TimestampType) (arrow.DataType, kernel, error) {
	var to arrow.DataType = schema.Timestamp()
	if t.TimeZone == "" {
		to = &arrow.TimestampType{Unit: arrow.Microsecond}
	}
	switch t.Unit {
	case arrow.Second:
		return to, partial(to, func(s int64) (int64, bool) { return fromUnit(s, second) }), nil
	case arrow.Millisecond:
		return to, partial(to, func(ms int64) (int64, bool) { return fromUnit(ms, 1000) }), nil
	case arrow.Nanosecond:
		return to, partial(to, func(ns int64) (int64, bool) { return instant(floorDiv(ns, 1000)) }), nil
	}
	if arrow.TypeEqual(t, to) {
		return t, nil, nil
	}
	return to, checked(to, instant), nil // the same instant in another zone
}

// fromUnit multiplies without overflow.
func fromUnit(n, micros int64) (int64, bool) {
	if n > math.MaxInt64/micros || n < math.MinInt64/micros {
		return 0, false
	}
	return instant(n * micros)
}

// toTimestamp: numbers are seconds; texts are read by ParseInstant.
func toTimestamp(from, to arrow.DataType) (kernel, bool) {
	switch from.(type) {
	case *arrow.TimestampType:
		return checked(to, instant), true
	case *arrow.Date32Type:
		return partial(to, func(d arrow.Date32) (int64, bool) { return fromUnit(int64(d), day) }), true
	case *arrow.StringType:
		return fromString(to, ParseInstant), true
	}
	return fromNumber(from, to, 6)
}

// Epoch compiles the reading of numbers as instants counted from the epoch in
// units of 10^digits microseconds: 3 for milliseconds. Integers and decimals
// are computed exactly; what is finer than a microsecond is floored. False
// when from is no number.
func Epoch(from arrow.DataType, digits int) (*Cast, bool) {
	wide, widen, err := widening(from)
	if err != nil {
		return nil, false
	}
	to := schema.Timestamp()
	k, ok := fromNumber(wide, to, digits)
	return &Cast{from: from, to: to, run: chain(widen, k)}, ok
}

func fromNumber(from, to arrow.DataType, digits int) (kernel, bool) {
	micros := int64(pow10(digits))
	switch from := from.(type) {
	case *arrow.Int32Type:
		return partial(to, func(n int32) (int64, bool) { return fromUnit(int64(n), micros) }), true
	case *arrow.Int64Type:
		return partial(to, func(n int64) (int64, bool) { return fromUnit(n, micros) }), true
	case *arrow.Float32Type:
		return partial(to, func(f float32) (int64, bool) { return fromFloat(float64(f), micros) }), true
	case *arrow.Float64Type:
		return partial(to, func(f float64) (int64, bool) { return fromFloat(f, micros) }), true
	case *arrow.Decimal128Type:
		move := digits - int(from.Scale)
		return partial(to, func(v decimal128.Num) (int64, bool) { return fromDecimal(v, move) }), true
	}
	return nil, false
}

func fromFloat(f float64, micros int64) (int64, bool) {
	us := math.Floor(f * float64(micros))
	if !(us >= MinInstant && us <= MaxInstant) {
		return 0, false
	}
	return int64(us), true
}

// fromDecimal is floor(v * 10^move).
func fromDecimal(v decimal128.Num, move int) (int64, bool) {
	if move < 0 {
		q, rest := v.Div(decimal128.GetScaleMultiplier(-move))
		if v.Sign() < 0 && rest.Sign() != 0 {
			q = q.Sub(decimal128.FromI64(1))
		}
		v = q
	}
	n, ok := small(v)
	if !ok {
		return 0, false
	}
	return fromUnit(n, int64(pow10(max(move, 0))))
}

// toDate gives the UTC day.
func toDate(from arrow.DataType) (kernel, bool) {
	to := arrow.FixedWidthTypes.Date32
	switch from.(type) {
	case *arrow.Date32Type:
		return checked(to, func(d arrow.Date32) (arrow.Date32, bool) { return dayOf(int64(d)) }), true
	case *arrow.TimestampType:
		return partial(to, func(us int64) (arrow.Date32, bool) { return dayOf(floorDiv(us, day)) }), true
	case *arrow.StringType:
		return fromString(to, func(s string) (arrow.Date32, bool) {
			us, ok := ParseInstant(s)
			return arrow.Date32(floorDiv(us, day)), ok
		}), true
	}
	return nil, false
}

// ParseInstant reads yyyy[-M[-d]][( |T)H:m[:s[.f]]][Z|±hh:mm] between white
// space as microseconds since the epoch; without an offset it is UTC. Digits
// beyond the microsecond are cut.
func ParseInstant(text string) (int64, bool) {
	s, offset, ok := cutOffset(trim(text))
	if !ok {
		return 0, false
	}
	if digits(s) != 4 {
		return 0, false
	}
	y, _ := shortNumber(s, 4)
	s = s[4:]
	m, d := 1, 1
	if len(s) > 0 && s[0] == '-' {
		var n int
		m, n = shortNumber(s[1:], 2)
		if n == 0 {
			return 0, false
		}
		s = s[1+n:]
		if len(s) > 0 && s[0] == '-' {
			d, n = shortNumber(s[1:], 2)
			if n == 0 {
				return 0, false
			}
			s = s[1+n:]
		}
	}
	if y < 1 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	var clock int64
	if len(s) > 0 {
		if s[0] != ' ' && s[0] != 'T' {
			return 0, false
		}
		if clock, ok = parseClock(s[1:]); !ok {
			return 0, false
		}
	}
	return instant(daysFromCivil(y, m, d)*day + clock - offset)
}

// cutOffset takes Z or ±hh:mm off the end and gives it in microseconds.
func cutOffset(s string) (rest string, offset int64, ok bool) {
	n := len(s)
	if n > 0 && s[n-1] == 'Z' {
		return s[:n-1], 0, true
	}
	if n < 6 || s[n-3] != ':' || (s[n-6] != '+' && s[n-6] != '-') || digits(s[n-5:]) != 2 || digits(s[n-2:]) != 2 {
		return s, 0, true
	}
	h, _ := shortNumber(s[n-5:], 2)
	m, _ := shortNumber(s[n-2:], 2)
	if h > 18 || m > 59 {
		return s, 0, false
	}
	offset = int64(h*3600+m*60) * second
	if s[n-6] == '-' {
		offset = -offset
	}
	return s[:n-6], offset, true
}

// parseClock reads H:m[:s[.f]].
func parseClock(s string) (int64, bool) {
	var parts [3]int
	count := 0
	for {
		v, n := shortNumber(s, 2)
		if n == 0 {
			return 0, false
		}
		parts[count] = v
		count++
		s = s[n:]
		if len(s) == 0 || s[0] != ':' || count == 3 {
			break
		}
		s = s[1:]
	}
	if count < 2 || parts[0] > 23 || parts[1] > 59 || parts[2] > 59 {
		return 0, false
	}
	us := int64(parts[0]*3600+parts[1]*60+parts[2]) * second
	if len(s) == 0 {
		return us, true
	}
	if s[0] != '.' || count != 3 {
		return 0, false
	}
	s = s[1:]
	if len(s) == 0 || digits(s) != len(s) {
		return 0, false
	}
	unit := int64(second / 10)
	for i := range min(len(s), 6) {
		us += int64(s[i]-'0') * unit
		unit /= 10
	}
	return us, true
}

// shortNumber reads one to most digits and tells how many there were; 0 when
// there is none, or more of them.
func shortNumber(s string, most int) (v, n int) {
	n = digits(s)
	if n > most {
		return 0, 0
	}
	for i := range n {
		v = v*10 + int(s[i]-'0')
	}
	return v, n
}

func daysIn(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysFromCivil counts days since 1970-01-01 in the proleptic Gregorian
// calendar, for years from 1. Years start in March, so that the leap day is
// their last.
func daysFromCivil(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era, yearOfEra := y/400, y%400
	dayOfYear := (153*(m-3)+2)/5 + d - 1
	return int64(era*146_097+yearOfEra*365+yearOfEra/4-yearOfEra/100+dayOfYear) - 719_468
}

// civil is the reverse of daysFromCivil.
func civil(days int64) (y, m, d int) {
	z := int(days + 719_468)
	era := z / 146_097
	doe := z % 146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	y = yoe + era*400
	if m > 12 {
		m -= 12
		y++
	}
	return y, m, d
}

// AppendInstant writes yyyy-MM-dd HH:mm:ss[.ffffff] in UTC, trailing zeros of
// the fraction cut.
func AppendInstant(dst []byte, us int64) []byte {
	d := floorDiv(us, day)
	dst = appendDay(dst, d)
	rest := us - d*day
	s := int(rest / second)
	dst = append(dst, ' ')
	dst = appendPadded(dst, s/3600, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, s/60%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, s%60, 2)
	f := int(rest % second)
	if f == 0 {
		return dst
	}
	dst = appendPadded(append(dst, '.'), f, 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func appendDay(dst []byte, days int64) []byte {
	y, m, d := civil(days)
	dst = appendPadded(dst, y, 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, m, 2)
	dst = append(dst, '-')
	return appendPadded(dst, d, 2)
}

func appendPadded(dst []byte, v, width int) []byte {
	from := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; i >= from; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}
