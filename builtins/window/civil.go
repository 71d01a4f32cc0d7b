package window

import "github.com/featurehost/featurehost/host/flow"

// This file counts days of the Gregorian calendar, from 1970-01-01, and months,
// from January 1970.

// floorDiv is a / b rounded down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// civil gives month and day of the month, from 1, of a day.
func civil(day int64) (month, dom int64) {
	// After Howard Hinnant, "chrono-compatible low-level date algorithms":
	// years begin in March, eras have 400 years.
	z := day + 719_468
	era := floorDiv(z, 146_097)
	doe := z - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	dom = doy - (153*mp+2)/5 + 1
	// Month mp of that year is March + mp.
	return (era*400+yoe-1970)*12 + mp + 2, dom
}

// firstOf gives the first day of a month.
func firstOf(month int64) int64 {
	m := month - 2 // from March 1970
	year := floorDiv(m, 12)
	mp := m - year*12
	year += 1970
	era := floorDiv(year, 400)
	yoe := year - era*400
	return era*146_097 + yoe*365 + yoe/4 - yoe/100 + (153*mp+2)/5 - 719_468
}

// monthsBefore gives the day n months before a day, or the last one of that
// month where it has no such day.
func monthsBefore(day, n int64) int64 {
	month, dom := civil(day)
	first := firstOf(month - n)
	return first + min(dom, firstOf(month-n+1)-first) - 1
}

// firstAfter gives the first day whose day n months before is later than day.
func firstAfter(day, n int64) int64 {
	month, dom := civil(day + 1)
	first, next := firstOf(month+n), firstOf(month+n+1)
	return min(first+dom-1, next)
}

const day = int64(flow.MicrosPerDay)
