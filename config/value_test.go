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
		"1 Day", "1 dayss", "1 s", "1 ss", "1 day 2", "99999999999999999999 days", "9223372036854775807 seconds", "1000000 weeks", "9223372036854775807 months"} {
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
