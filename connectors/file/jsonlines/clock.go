package jsonlines

import "time"

// instant reads a text such as "2024-01-31T12:34:56.789Z" as microseconds
// since the epoch. Other ways to write a time are not plain.
func instant(b []byte, i int) (us int64, next int) {
	t, next := plainText(b, i)
	// 2006-01-02T15:04:05Z, with up to six digits after a point before the Z.
	if next < 0 || len(t) < 20 || len(t) > 27 || len(t) == 21 ||
		t[10] != 'T' && t[10] != ' ' || t[13] != ':' || t[16] != ':' || t[len(t)-1] != 'Z' || len(t) > 20 && t[19] != '.' {
		return 0, -1
	}
	day, ok := calendarDay(t[:10])
	h, ok1 := digits(t[11:13])
	m, ok2 := digits(t[14:16])
	s, ok3 := digits(t[17:19])
	if !ok || !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || s > 59 {
		return 0, -1
	}
	us = (int64(day)*86400 + int64(h*3600+m*60+s)) * 1_000_000
	if len(t) > 20 {
		f, ok := digits(t[20 : len(t)-1])
		if !ok {
			return 0, -1
		}
		for range 6 - (len(t) - 21) {
			f *= 10
		}
		us += int64(f)
	}
	return us, next
}

// calendarDay reads a text such as 2024-01-31 as days since the epoch.
func calendarDay(t []byte) (day int32, ok bool) {
	if t[4] != '-' || t[7] != '-' {
		return 0, false
	}
	y, ok1 := digits(t[:4])
	m, ok2 := digits(t[5:7])
	d, ok3 := digits(t[8:10])
	if !ok1 || !ok2 || !ok3 || y < 1 || m < 1 || m > 12 || d < 1 || d > 28 && d > time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return 0, false
	}
	// Days of the year from March on, so that the leap day comes last.
	if m <= 2 {
		y, m = y-1, m+12
	}
	return int32(365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 1 - 719468), true
}

func digits(t []byte) (n int, ok bool) {
	for _, c := range t {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
