package flow

import (
	"fmt"
	"time"
)

// Day is a calendar day in UTC, counted from 1970-01-01.
type Day int32

// MicrosPerDay is the length of a day in microseconds.
const MicrosPerDay = 86_400_000_000

// ParseDay reads yyyy-mm-dd.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		return 0, fmt.Errorf("%q is no day: write it as 2026-01-31", s)
	}
	if t.Year() < 1 {
		return 0, fmt.Errorf("%q is no day between years 0001 and 9999", s)
	}
	return DayOf(t.UnixMicro()), nil
}

// DayOf gives the day of an instant in microseconds since the epoch.
func DayOf(us int64) Day {
	d := us / MicrosPerDay
	if us%MicrosPerDay < 0 {
		d--
	}
	return Day(d)
}

// Micros is the first instant of the day in microseconds since the epoch.
func (d Day) Micros() int64 { return int64(d) * MicrosPerDay }

// String gives yyyy-mm-dd.
func (d Day) String() string { return time.UnixMicro(d.Micros()).UTC().Format("2006-01-02") }

// Date gives year, month and day of the month.
func (d Day) Date() (year, month, day int) {
	y, m, dd := time.UnixMicro(d.Micros()).UTC().Date()
	return y, int(m), dd
}

// Interval is a run of days with both ends in it. A nil end is open.
type Interval struct {
	Start, End *Day
}

// ParseInterval reads the first and the last day, each yyyy-mm-dd or "" for an
// open end.
func ParseInterval(start, end string) (Interval, error) {
	var i Interval
	for _, x := range []struct {
		text string
		day  **Day
	}{{start, &i.Start}, {end, &i.End}} {
		if x.text == "" {
			continue
		}
		d, err := ParseDay(x.text)
		if err != nil {
			return Interval{}, err
		}
		*x.day = &d
	}
	return i, nil
}

// Full reports whether the interval has no start: a full run.
func (i Interval) Full() bool { return i.Start == nil }

// Contains reports whether the day is in the interval.
func (i Interval) Contains(d Day) bool {
	return (i.Start == nil || d >= *i.Start) && (i.End == nil || d <= *i.End)
}

// Overlaps reports whether the two share a day.
func (i Interval) Overlaps(j Interval) bool {
	return !(i.End != nil && j.Start != nil && *i.End < *j.Start) &&
		!(j.End != nil && i.Start != nil && *j.End < *i.Start)
}

// Covers reports whether every day of j is in i.
func (i Interval) Covers(j Interval) bool {
	return (i.Start == nil || j.Start != nil && *j.Start >= *i.Start) && (i.End == nil || j.End != nil && *j.End <= *i.End)
}

// String gives "2024-01-01..2024-01-31", one day alone, "up to 2024-01-31",
// "from 2024-01-01" or "all days".
func (i Interval) String() string {
	switch {
	case i.Start == nil && i.End == nil:
		return "all days"
	case i.Start == nil:
		return "up to " + i.End.String()
	case i.End == nil:
		return "from " + i.Start.String()
	case *i.Start == *i.End:
		return i.Start.String()
	default:
		return i.Start.String() + ".." + i.End.String()
	}
}
