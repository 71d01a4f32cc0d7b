package window

import (
	"fmt"
	"time"

	"github.com/featurehost/featurehost/host/fault"
)

// longest is the greatest window and slide: 10,000 years.
const longest = 10_000 * 366 * day

// check refuses lengths that are none; what says whose length it is.
func (l Length) check(what string) error {
	set := bit(l.Micros != 0) + bit(l.Days != 0) + bit(l.Months != 0)
	switch {
	case set > 1:
		return fault.New(BadSpec, "%s of %d months, %d days and %s: expected one of them", what, l.Months, l.Days, Length{Micros: l.Micros}.text())
	case set == 0, l.Micros < 0, l.Days < 0, l.Months < 0:
		return fault.New(BadSpec, "%s of %s: expected more than 0", what, l.text())
	case l.Micros > longest, int64(l.Days) > longest/day, int64(l.Months) > 12*10_000:
		return fault.New(BadSpec, "%s of %s: expected at most 10000 years", what, l.text())
	}
	return nil
}

// exact makes microseconds of days; they are as long in UTC.
func (l Length) exact() Length { return Length{Micros: l.Micros + int64(l.Days)*day, Months: l.Months} }

// shorter reports whether a window of length l is shorter than a slide (S-908).
func (l Length) shorter(slide Length) bool {
	if l.Months > 0 && slide.Months > 0 {
		return l.Months < slide.Months
	}
	in := func(l Length, month int64) int64 { return l.Micros + (int64(l.Days)+int64(l.Months)*month)*day }
	return in(l, 28) < in(slide, 31)
}

// text writes a length for messages.
func (l Length) text() string {
	switch {
	case l.Months != 0:
		return fmt.Sprintf("%d months", l.Months)
	case l.Days != 0:
		return fmt.Sprintf("%d days", l.Days)
	}
	return (time.Duration(l.Micros) * time.Microsecond).String()
}

// text writes a frame for messages.
func (f Frame) text() string {
	if f.Rows != 0 {
		return fmt.Sprintf("%d rows", f.Rows)
	}
	return f.Span.text()
}
