package config

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseByteSize(t *testing.T) {
	for s, want := range map[string]ByteSize{
		"512MiB": 512 << 20, "2GiB": 2 << 30, "64KiB": 64 << 10, "1000000": 1_000_000, " 3 MB ": 3_000_000,
		"1.5GB": 1_500_000_000, "0.5MiB": 512 << 10, "7B": 7, "1TiB": 1 << 40, "9kB": 9000, "9223372036854775807": 1<<63 - 1,
	} {
		if got, err := ParseByteSize(s); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "MiB", "0", "-1", "1e3", "0x10", "1 2", "1.2.3MB", "9000000TiB", "8589934592GiB", "9223372036854775808", "0.1", "inf", "5 mb", "9999999999.5GiB"} {
		if got, err := ParseByteSize(s); err == nil {
			t.Errorf("%q is accepted as %d", s, got)
		}
	}
}

func TestByteSize_String_ReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := ByteSize(rapid.Int64Min(1).Draw(t, "bytes"))
		if back, err := ParseByteSize(n.String()); err != nil || back != n {
			t.Fatalf("%d is written %q and read back as %d, %v", n, n.String(), back, err)
		}
	})
}

// Rule: S-907.
func TestParseTimeSpan(t *testing.T) {
	for s, want := range map[string]TimeSpan{
		"7 days":     {"7 days", 7, "days", 7 * 86_400_000_000},
		"1 day":      {"1 day", 1, "day", 86_400_000_000},
		"1  second ": {"1  second ", 1, "second", 1_000_000},
		"90 minutes": {"90 minutes", 90, "minutes", 5_400_000_000},
		"24 hours":   {"24 hours", 24, "hours", 86_400_000_000},
		"2 weeks":    {"2 weeks", 2, "weeks", 1_209_600_000_000},
		"3 months":   {"3 months", 3, "months", 0},
		"1 year":     {"1 year", 1, "year", 0},
	} {
		got, err := ParseTimeSpan(s)
		if err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", s, got, err, want)
		}
		if got.calendar() != (want.Micros == 0) {
			t.Errorf("%q: calendar %v", s, got.calendar())
		}
	}
	for _, s := range []string{"", "7", "days", "7days", "0 days", "-1 days", "+1 days", "1.0 days", "01 day", "1e1 days",
		"1 Day", "1 dayss", "1 s", "1 ss", "1 day 2", "99999999999999999999 days", "9223372036854775807 seconds", "1000000 weeks", "9223372036854775807 months", "119989 months", "9223372036854775807 years"} {
		if got, err := ParseTimeSpan(s); err == nil {
			t.Errorf("%q is accepted as %+v", s, got)
		}
	}
}

func TestExpand(t *testing.T) {
	env := func(n string) (string, bool) {
		v, ok := map[string]string{"A": "x", "EMPTY": "", "REF": "${A}", "_9": "u"}[n]
		return v, ok
	}
	for s, want := range map[string]string{
		"": "", "plain $A $$": "plain $A $$", "${A}": "x", "-${A}${A}-": "-xx-", "$${A}": "${A}", "$$${A}": "$${A}", "a$${": "a${",
		"${EMPTY}": "", "${EMPTY:-d}": "d", "${NONE:-d}": "d", "${NONE:-}": "", "${A:-d}": "x", "${REF}": "${A}", "${_9}": "u", "${NONE:-$A:-}": "$A:-",
	} {
		if got, _, errs := expand(s, env); got != want || len(errs) > 0 {
			t.Errorf("%q becomes %q, %v; want %q", s, got, errs, want)
		}
	}
	for s, want := range map[string]string{
		"${NONE}": `environment variable "NONE" is not set`,
		"a${":     `"${" without "}"`,
		"${}":     `"${...}" does not hold the name of an environment variable`,
		"${A-b}":  `"${...}" does not hold the name of an environment variable`,
		"${9}":    `"${...}" does not hold the name of an environment variable`,
	} {
		_, _, errs := expand(s, env)
		if len(errs) != 1 || errs[0].message != want {
			t.Errorf("%q gives %v, want %q", s, errs, want)
		}
	}
}

// Rule: S-804.
func TestParseRowSpan(t *testing.T) {
	for s, want := range map[string]RowSpan{
		"3 events": {"3 events", 3, "events"}, "1 Row": {"1 Row", 1, "Row"}, " 2147483648   x ": {" 2147483648   x ", 1 << 31, "x"},
	} {
		if got, err := ParseRowSpan(s); err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "3", "events", "3events", "0 events", "-1 events", "+1 events", "01 events", "1.0 events", "1e1 events", "3 ev3nts", "3 events_", "3 é", "3 a b", "2147483649 x", "99999999999999999999 x"} {
		if got, err := ParseRowSpan(s); err == nil {
			t.Errorf("%q is accepted as %+v", s, got)
		}
	}
}

// Rules: S-907, S-908.
func TestTimeSpan_LongerThan(t *testing.T) {
	for _, c := range []struct {
		slide, window string
		want          bool
	}{
		{"1 day", "1 day", false}, {"1 day", "24 hours", false}, {"25 hours", "1 day", true}, {"1 day", "23 hours", true},
		{"1 month", "1 month", false}, {"2 months", "1 month", true}, {"12 months", "1 year", false}, {"13 months", "1 year", true}, {"1 year", "11 months", true},
		{"28 days", "1 month", false}, {"29 days", "1 month", true}, {"4 weeks", "1 month", false}, {"336 days", "1 year", false}, {"337 days", "1 year", true},
		{"1 month", "31 days", false}, {"1 month", "30 days", true}, {"1 year", "372 days", false}, {"1 year", "371 days", true},
	} {
		slide, err := ParseTimeSpan(c.slide)
		if err != nil {
			t.Fatal(err)
		}
		window, err := ParseTimeSpan(c.window)
		if err != nil {
			t.Fatal(err)
		}
		if got := slide.LongerThan(window); got != c.want {
			t.Errorf("slide %s longer than window %s: %v, want %v", c.slide, c.window, got, c.want)
		}
	}
	for s, want := range map[string][2]int64{"2 years": {24, 0}, "3 months": {3, 0}, "1 week": {0, 7}, "2 weeks": {0, 14}, "5 days": {0, 5}, "24 hours": {0, 0}} {
		span, err := ParseTimeSpan(s)
		if err != nil || span.Months() != want[0] || span.Days() != want[1] {
			t.Errorf("%s has %d months and %d days, %v; want %v", s, span.Months(), span.Days(), err, want)
		}
	}
}

// Rules: S-409, S-932.
func TestPivotName(t *testing.T) {
	for _, c := range []struct {
		value            any
		want, butterfree string
	}{
		{"pub", "pub", "pub"}, {"Not Yet-1", "Not_Yet_1", "Not_Yet_1"}, {"", "", ""}, {"é_", "__", "__"}, {"true", "true", "true"},
		{int64(7), "7", "7"}, {int64(-7), "_7", "_7"}, {true, "true", "True"}, {false, "false", "False"},
		{3.0, "3_0", "3_0"}, {-0.5, "_0_5", "_0_5"}, {0.001, "0_001", "0_001"}, {1e7, "1_0E7", "1_0E7"}, {1.5e-4, "1_5E_4", "1_5E_4"}, {9999999.0, "9999999_0", "9999999_0"}, {2e10, "2_0E10", "2_0E10"},
	} {
		if got := PivotName(c.value, "featurehost"); got != c.want {
			t.Errorf("%v is named %q, want %q", c.value, got, c.want)
		}
		if got := PivotName(c.value, "butterfree"); got != c.butterfree {
			t.Errorf("butterfree: %v is named %q, want %q", c.value, got, c.butterfree)
		}
	}
}
