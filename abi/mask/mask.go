package mask

import (
	"fmt"
	"strings"
)

// Mask is a compiled pattern.
type Mask struct {
	pattern string
	steps   []step
	day     []step // leading steps that write the day, when their texts sort as days do
}

// step is a literal or a field of a pattern.
type step struct {
	kind     kind
	min, max uint8  // digits of a number
	lit      string // of a literal
}

type kind uint8

const (
	literal kind = iota
	year
	year2
	month
	monthName
	monthShort
	day
	dayPadded // a space may stand for the first digit
	dayOfYear
	weekdayName
	weekdayShort
	hour
	hour12
	half // AM or PM
	minute
	second
	fraction
	epoch
	offset     // Z, +hh, +hhmm or +hh:mm
	offsetHH   // Z or +hh
	offsetHHMM // Z or +hhmm
	offsetColon
	zoneName // UTC, GMT or Z
)

// Parse compiles a pattern. Errors name what is not understood.
func Parse(pattern string) (*Mask, error) {
	m := &Mask{pattern: pattern}
	var err error
	switch {
	case pattern == "":
		return nil, fmt.Errorf("mask is empty: write it as %%Y-%%m-%%d or yyyy-MM-dd")
	case strings.Contains(pattern, "%"):
		err = m.percent(pattern)
	default:
		err = m.letters(pattern)
	}
	if err != nil {
		return nil, fmt.Errorf("mask %q: %w", pattern, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("mask %q: %w", pattern, err)
	}
	m.day = m.daySteps()
	return m, nil
}

// String gives the pattern as written.
func (m *Mask) String() string { return m.pattern }

func (m *Mask) add(k kind, min, max uint8) {
	m.steps = append(m.steps, step{kind: k, min: min, max: max})
}

// addLiteral joins neighbouring literals into one step.
func (m *Mask) addLiteral(s string) {
	if n := len(m.steps); n > 0 && m.steps[n-1].kind == literal {
		m.steps[n-1].lit += s
		return
	}
	m.steps = append(m.steps, step{kind: literal, lit: s})
}

// group names what a field speaks of: a pattern may give each only once.
func (k kind) group() string {
	switch k {
	case year, year2:
		return "the year"
	case month, monthName, monthShort:
		return "the month"
	case day, dayPadded:
		return "the day of the month"
	case dayOfYear:
		return "the day of the year"
	case weekdayName, weekdayShort:
		return "the weekday"
	case hour, hour12:
		return "the hour"
	case half:
		return "AM or PM"
	case minute:
		return "the minute"
	case second:
		return "the second"
	case fraction:
		return "the fraction of a second"
	case epoch:
		return "seconds since the epoch"
	case offset, offsetHH, offsetHHMM, offsetColon, zoneName:
		return "the zone"
	}
	return ""
}

// check refuses patterns that say something twice or contradict themselves.
func (m *Mask) check() error {
	seen := map[string]bool{}
	has := map[kind]bool{}
	for i, s := range m.steps {
		g := s.kind.group()
		if g == "" {
			continue
		}
		if seen[g] {
			return fmt.Errorf("gives %s twice", g)
		}
		seen[g], has[s.kind] = true, true
		if s.min != s.max && i+1 < len(m.steps) && m.steps[i+1].numeric() {
			return fmt.Errorf("%s has no fixed width and the next field follows directly: write something between them", g)
		}
	}
	switch {
	case len(seen) == 0:
		return fmt.Errorf("holds no field of a time")
	case has[epoch] && len(seen) > 1 && !(len(seen) == 2 && has[fraction]):
		return fmt.Errorf("seconds since the epoch leave no room for other fields")
	case has[dayOfYear] && (seen["the month"] || seen["the day of the month"]):
		return fmt.Errorf("gives the day both by year and by month")
	case has[hour12] != has[half]:
		return fmt.Errorf("an hour of twelve and AM or PM need each other")
	}
	return nil
}

func (s step) numeric() bool {
	switch s.kind {
	case year, year2, month, day, dayPadded, dayOfYear, hour, hour12, minute, second, fraction, epoch:
		return true
	case literal:
		return s.lit[0] >= '0' && s.lit[0] <= '9'
	}
	return false
}
