package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteUnits are the units of sizes, the longest first so that "MiB" is not
// read as "B".
func byteUnits() []struct {
	name string
	size int64
} {
	return []struct {
		name string
		size int64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
	}
}

// ParseByteSize reads a positive number of bytes: "512MiB", "2GiB", "64KiB",
// "1.5GB", "1000000". A space before the unit is allowed.
func ParseByteSize(s string) (ByteSize, error) {
	number, unit := strings.TrimSpace(s), int64(1)
	for _, u := range byteUnits() {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimRight(n, " "), u.size
			break
		}
	}
	if number == "" || strings.Trim(number, "0123456789.") != "" {
		return 0, fmt.Errorf(`%q is no size: write a number and KiB, MiB or GiB, as in "512MiB"`, s)
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n < 1 || n > math.MaxInt64/unit {
			return 0, fmt.Errorf("%q is out of range: a size is at least 1 byte and below 8 EiB", s)
		}
		return ByteSize(n * unit), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	f *= float64(unit)
	if err != nil || f < 1 || f >= math.MaxInt64 {
		return 0, fmt.Errorf(`%q is no size: write a number and KiB, MiB or GiB, as in "512MiB"`, s)
	}
	return ByteSize(f), nil
}

// String gives the size in the largest binary unit that divides it.
func (b ByteSize) String() string {
	for _, u := range []struct {
		name string
		size ByteSize
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if b >= u.size && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// unitMicros are the lengths of the units of time (S-907), singular. Months
// and years have no fixed length and give 0.
func unitMicros() map[string]int64 {
	const second = 1_000_000
	return map[string]int64{
		"second": second, "minute": 60 * second, "hour": 3600 * second,
		"day": 86_400 * second, "week": 604_800 * second, "month": 0, "year": 0,
	}
}

// maxTimeSpan is about 9999 years: longer than all of time (S-105).
const maxTimeSpan = 9999 * 366 * 86_400_000_000

// ParseTimeSpan reads a length of time: a positive whole number and a unit,
// second(s) to week(s), as in "7 days". The Micros of month(s) and year(s) is
// 0, for their length depends on the calendar.
func ParseTimeSpan(s string) (TimeSpan, error) {
	bad := func(why string) (TimeSpan, error) {
		return TimeSpan{}, fmt.Errorf(`%q is no length of time: %s`, s, why)
	}
	fields := strings.Fields(s)
	if len(fields) != 2 {
		return bad(`write a whole number, a space and a unit, as in "7 days"`)
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || n < 1 || fields[0] != strconv.FormatInt(n, 10) {
		return bad("the number must be positive and whole")
	}
	micros, ok := unitMicros()[strings.TrimSuffix(fields[1], "s")]
	if !ok || strings.HasSuffix(fields[1], "ss") {
		return bad("the unit must be second(s), minute(s), hour(s), day(s), week(s), month(s) or year(s)")
	}
	if micros > 0 && n > maxTimeSpan/micros || n > 9999*12 && micros == 0 {
		return bad("it is longer than 9999 years")
	}
	return TimeSpan{Text: s, N: n, Unit: fields[1], Micros: n * micros}, nil
}

// calendar tells whether the span is in months or years.
func (s TimeSpan) calendar() bool { return s.N > 0 && s.Micros == 0 }
