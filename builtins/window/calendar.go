package window

import "time"

// calendar places labels and windows that are counted in days or months of a
// zone (S-907).
//
// Labels a number of days or months apart are local midnights, and such a label
// is the midnight of a day: windows in days or months begin at the midnight of
// an earlier day, even where the day of the label begins later than at 00:00.
// If two days begin at one instant, because a zone skipped one of them, the
// label is the earlier day's. So windows of one day leave no event out.
type calendar struct {
	zone *time.Location // nil: UTC
	// Labels are the midnights of every days-th day, or of the first of every
	// months-th month; else multiples of micros.
	days, months, micros int64
	cache                [1024]date
}

// date is a day of the zone.
type date struct {
	day   int64
	begin int64 // its midnight, the earlier one if there are two
	known bool
	// even: it begins at 00:00 and has 24 hours in a row.
	even bool
}

// instant gives the instant at which clocks show a local time, in microseconds
// as if of UTC: the earlier one of two, and, if there is none, the one as long
// after the gap's begin as the local time is (S-907).
func (c *calendar) instant(local int64) int64 {
	if c.zone == nil {
		return local
	}
	// No zone is two days off, so clocks show local in this period or later.
	t := time.UnixMicro(local - 2*day).In(c.zone)
	was := int64(0)
	for {
		_, seconds := t.Zone()
		offset := int64(seconds) * second
		begin, end := zoneBounds(t)
		at := local - offset
		if !begin.IsZero() && at < begin.UnixMicro() {
			return local - was
		}
		if end.IsZero() || at < end.UnixMicro() {
			return at
		}
		was, t = offset, end
	}
}

// zoneBounds is t.ZoneBounds, and ends after t. Go takes years of a zone's
// repeating rule to have 365 days (go1.26, time.tzset), so that on the last day
// of a leap year the zone in force has ended before t. It goes on then, for an
// hour at least: no zone changes on that day.
func zoneBounds(t time.Time) (begin, end time.Time) {
	begin, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = t.Add(time.Hour)
	}
	return begin, end
}

// date gives a day.
func (c *calendar) date(d int64) date {
	if c.zone == nil {
		return date{day: d, begin: d * day, even: true}
	}
	x := &c.cache[d&int64(len(c.cache)-1)]
	if !x.known || x.day != d {
		at := c.instant(d * day)
		t := time.UnixMicro(at).In(c.zone)
		_, seconds := t.Zone()
		_, end := zoneBounds(t)
		*x = date{d, at, true, at+int64(seconds)*second == d*day && (end.IsZero() || end.UnixMicro() >= at+day)}
	}
	return *x
}

func (c *calendar) midnight(d int64) int64 { return c.date(d).begin }

// dayOf gives the last day that begins at or before t.
func (c *calendar) dayOf(t int64) int64 {
	d := floorDiv(t, day)
	if c.zone == nil {
		return d
	}
	for c.midnight(d) > t {
		d--
	}
	for c.midnight(d+1) <= t {
		d++
	}
	return d
}

// label gives the last label at or before t, and the first one after it.
func (c *calendar) label(t int64) (before, after int64) {
	switch {
	case c.months > 0:
		month, _ := civil(c.dayOf(t))
		m := floorDiv(month, c.months) * c.months
		return c.midnight(firstOf(m)), c.midnight(firstOf(m + c.months))
	case c.days > 0:
		d := floorDiv(c.dayOf(t), c.days) * c.days
		return c.midnight(d), c.midnight(d + c.days)
	}
	m := floorDiv(t, c.micros) * c.micros
	return m, m + c.micros
}

func (c *calendar) after(t int64) int64 {
	_, e := c.label(t)
	return e
}

// wobbles reports whether windows of a length may begin earlier at a later
// label: a month before the 29th of March at 23:00 is later than a month before
// the 30th at 01:00.
func (c *calendar) wobbles(w Length) bool { return c.micros > 0 && w.Micros == 0 }

// leaves gives the first label whose window begins after t. The window does not
// wobble.
func (c *calendar) leaves(t int64, w Length) int64 {
	var d int64 // the first day whose windows begin after t
	switch {
	case c.micros > 0:
		return c.after(t + w.Micros)
	case w.Months > 0:
		d = firstAfter(c.dayOf(t), int64(w.Months))
	case w.Days > 0:
		d = c.dayOf(t) + int64(w.Days) + 1
	default:
		d = c.dayOf(t+w.Micros) + 1
	}
	if c.months > 0 {
		month, dom := civil(d)
		if dom > 1 {
			month++
		}
		return c.midnight(firstOf(-floorDiv(-month, c.months) * c.months))
	}
	d = -floorDiv(-d, c.days) * c.days
	for c.midnight(d) == c.midnight(d-c.days) {
		d += c.days // that label is an earlier day's, which does not do
	}
	return c.midnight(d)
}

// start gives the start of the window at label e.
func (c *calendar) start(e int64, w Length) int64 {
	if w.Micros > 0 {
		return e - w.Micros
	}
	if c.micros == 0 { // e is a midnight
		d := c.dayOf(e)
		for c.days > 0 && (d%c.days != 0 || c.midnight(d-c.days) == e) {
			d--
		}
		return c.midnight(w.daysBefore(d))
	}
	local := e
	d := c.dayOf(e)
	if x := c.date(d); x.even {
		local += d*day - x.begin
	} else {
		_, seconds := time.UnixMicro(e).In(c.zone).Zone()
		local += int64(seconds) * second
		d = floorDiv(local, day)
	}
	then := w.daysBefore(d)
	if x := c.date(then); x.even {
		return x.begin + local - d*day
	}
	return c.instant(then*day + local - d*day)
}

// least gives an instant before which no window of label e or a later one
// begins, of a length that may wobble.
func (c *calendar) least(e int64, w Length) int64 {
	d := c.dayOf(e)
	if c.zone != nil {
		d -= 2 // clocks were set back, or a day was skipped
	}
	return c.midnight(w.daysBefore(d))
}

// hint gives a label at or after e, and not after the first one whose window
// begins after t.
func (c *calendar) hint(e, t int64, w Length) int64 {
	d := c.dayOf(t)
	if w.Months > 0 {
		d = firstAfter(d-1, int64(w.Months))
	} else {
		d += int64(w.Days)
	}
	return max(e, c.after(c.midnight(d-2)))
}

// daysBefore takes a length of days or months from a day.
func (l Length) daysBefore(d int64) int64 {
	if l.Months > 0 {
		return monthsBefore(d, int64(l.Months))
	}
	return d - int64(l.Days)
}
