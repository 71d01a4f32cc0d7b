package mask_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/mask"
)

func TestMask_Texts(t *testing.T) {
	for _, c := range []struct{ pattern, text, want string }{
		{"%Y-%m-%dT%H:%M:%SZ", "2024-02-29T23:59:58Z", "2024-02-29T23:59:58Z"},
		{"%Y-%m-%dT%H:%M:%SZ", "2024-02-29T23:59:58", ""},   // the whole pattern
		{"%Y-%m-%dT%H:%M:%SZ", "2024-02-29T23:59:58Z ", ""}, // the whole text
		{"%Y-%m-%d", "2023-02-29", ""},
		{"%Y-%m-%d", "2024-2-9", ""},
		{"%Y-%-m-%-d", "2024-2-9", "2024-02-09T00:00:00Z"},
		{"%Y-%-m-%-d", "2024-12-19", "2024-12-19T00:00:00Z"},
		{"%Y%m%d", "20240131", "2024-01-31T00:00:00Z"},
		{"%Y-%m-%d", "0000-01-01", ""},
		{"%Y-%m-%d", "0001-01-01", "0001-01-01T00:00:00Z"},
		{"%Y-%m-%d %H", "9999-12-31 23", "9999-12-31T23:00:00Z"},
		{"%Y-%m-%d %H", "9999-12-31 24", ""},
		{"%Y-%m-%d %z", "0001-01-01 +01:00", ""},
		{"%d/%m/%y", "31/12/68", "2068-12-31T00:00:00Z"},
		{"%d/%m/%y", "31/12/69", "1969-12-31T00:00:00Z"},
		{"%Y %j", "2024 366", "2024-12-31T00:00:00Z"},
		{"%Y %j", "2023 366", ""},
		{"%d %b %Y", "05 mar 2020", "2020-03-05T00:00:00Z"},
		{"%A, %d %B %Y", "Monday, 05 March 2020", "2020-03-05T00:00:00Z"},
		{"%a %b %e %H:%M:%S %Y", "Mon Jan  2 15:04:05 2006", "2006-01-02T15:04:05Z"},
		{"%F %T.%f", "2020-01-01 00:00:00.1234567", "2020-01-01T00:00:00.123456Z"},
		{"%F %T.%f", "1969-12-31 23:59:59.5", "1969-12-31T23:59:59.5Z"},
		{"%F %T.%f", "2020-01-01 00:00:00.", ""},
		{"%F %I:%M %p", "2020-01-01 12:05 AM", "2020-01-01T00:05:00Z"},
		{"%F %I:%M %p", "2020-01-01 12:05 pm", "2020-01-01T12:05:00Z"},
		{"%F %I:%M %p", "2020-01-01 13:05 pm", ""},
		{"%F %I:%M %p", "2020-01-01 11:05 PM", "2020-01-01T23:05:00Z"},
		{"%FT%T%z", "2020-01-01T00:00:00+02:30", "2019-12-31T21:30:00Z"},
		{"%FT%T%z", "2020-01-01T00:00:00-0800", "2020-01-01T08:00:00Z"},
		{"%FT%T%z", "2020-01-01T00:00:00-08", "2020-01-01T08:00:00Z"},
		{"%FT%T%z", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"},
		{"%FT%T%z", "2020-01-01T00:00:00-08:", ""},
		{"%FT%T%z", "2020-01-01T00:00:00-0860", ""},
		{"%FT%T %Z", "2020-01-01T00:00:00 UTC", "2020-01-01T00:00:00Z"},
		{"%FT%T %Z", "2020-01-01T00:00:00 CET", ""},
		{"%s", "1700000000", "2023-11-14T22:13:20Z"},
		{"%s", "-1", "1969-12-31T23:59:59Z"},
		{"%s", "-", ""},
		{"100%% %Y", "100% 2020", "2020-01-01T00:00:00Z"},
		{"%H:%M", "01:02", "1970-01-01T01:02:00Z"},
		{"yyyy-MM-dd", "2024-01-31", "2024-01-31T00:00:00Z"},
		{"yyyy-MM-dd", "2024-1-31", ""},
		{"yyyy-M-d", "2024-1-31", "2024-01-31T00:00:00Z"},
		{"yyyy-MM-dd'T'HH:mm:ss.SSSX", "2024-01-31T10:11:12.345+01", "2024-01-31T09:11:12.345Z"},
		{"yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-01-31T10:11:12.345+01:00", "2024-01-31T09:11:12.345Z"},
		{"yyyy-MM-dd'T'HH:mm:ssXXX", "2024-01-31T10:11:12+0100", ""},
		{"yyyy-MM-dd'T'HH:mm:ssXX", "2024-01-31T10:11:12+01:00", ""},
		{"yyyy-MM-dd'T'HH:mm:ssXX", "2024-01-31T10:11:12Z", "2024-01-31T10:11:12Z"},
		{"'o''clock' H:m", "o'clock 5:7", "1970-01-01T05:07:00Z"},
		{"yyyyMMddHHmmssSSS", "20240131101112345", "2024-01-31T10:11:12.345Z"},
		{"%Y", "", ""},
		{"%Y", "+202", ""},
	} {
		m, err := mask.Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		us, ok := m.Micros(c.text)
		got := ""
		if ok {
			got = time.UnixMicro(us).UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%s of %q is %q, want %q", c.pattern, c.text, got, c.want)
		}
	}
}

func TestParse_Refused(t *testing.T) {
	for pattern, want := range map[string]string{
		"":            "empty",
		"%Q":          "%Q is not known",
		"%":           "lone %",
		"%Y%":         "lone %",
		"%-":          "%-",
		"%-Y":         "%-Y",
		"%Y %Y":       "twice",
		"%Y %y":       "twice",
		"%j %m":       "both",
		"%I":          "AM or PM",
		"%H %p":       "AM or PM",
		"%s %Y":       "epoch",
		"%%":          "no field",
		"%-m%d":       "no fixed width",
		"%T.%f0":      "no fixed width",
		"abc":         `"a" is not known`,
		"yyyy-MMM":    `"MMM" is not known`,
		"yyyy 'open":  "not closed",
		"yyyy[-MM]":   "quotes",
		"SSSSSSSSSSS": "not known",
		"--":          "no field",
	} {
		_, err := mask.Parse(pattern)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}

// What time.Format writes, the mask reads back.
func TestMask_RoundTrip(t *testing.T) {
	pairs := [][2]string{
		{"%Y-%m-%dT%H:%M:%S.%fZ", "2006-01-02T15:04:05.000000Z"},
		{"%d.%m.%Y %I:%M:%S.%f %p", "02.01.2006 03:04:05.000000 PM"},
		{"%Y%j%H%M%S.%f", "2006002150405.000000"},
		{"%b %e %Y %T.%f %z", "Jan _2 2006 15:04:05.000000 -07:00"},
		{"yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "2006-01-02T15:04:05.000000Z07:00"},
	}
	masks := make([]*mask.Mask, len(pairs))
	for i, p := range pairs {
		m, err := mask.Parse(p[0])
		if err != nil {
			t.Fatal(err)
		}
		masks[i] = m
	}
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(-62_135_596_800_000_000, 253_402_300_799_999_999).Draw(t, "us")
		for i, p := range pairs {
			text := time.UnixMicro(us).UTC().Format(p[1])
			got, ok := masks[i].Micros(text)
			if !ok || got != us {
				t.Fatalf("%s of %q is %d (%v), want %d", p[0], text, got, ok, us)
			}
		}
	})
}

func TestDayText_TextsSortAsDays(t *testing.T) {
	for _, c := range []struct{ pattern, layout string }{
		{"%Y-%m-%dT%H:%M:%S.%fZ", "2006-01-02T15:04:05.999999Z"},
		{"d=%Y%j %H", "d=2006002 15"},
		{"yyyyMMdd", "20060102"},
	} {
		m, err := mask.Parse(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			a := time.Unix(rapid.Int64Range(-62_135_596_800, 253_402_300_799).Draw(t, "a"), 0).UTC()
			b := a.Add(time.Duration(rapid.Int64Range(-100, 100).Draw(t, "hours")) * time.Hour)
			if b.Year() < 1 || b.Year() > 9999 {
				return
			}
			text := a.Format(c.layout)
			prefix, ok := m.DayText(b.Year(), int(b.Month()), b.Day())
			if !ok {
				t.Fatalf("%s has no order", c.pattern)
			}
			days := func(x time.Time) int64 { return x.Truncate(24 * time.Hour).Unix() }
			if (text[:len(prefix)] < prefix) != (days(a) < days(b)) || (text[:len(prefix)] > prefix) != (days(a) > days(b)) {
				t.Fatalf("%q against %q", text, prefix)
			}
		})
	}
	for _, pattern := range []string{"%d.%m.%Y", "%y-%m-%d", "%Y-%-m-%d", "%FT%T%z", "%Y %b %d", "%Y-%m", "y-MM-dd", "%s", "yyyy-MM-ddX"} {
		m, err := mask.Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := m.DayText(2024, 1, 31); ok {
			t.Errorf("%s claims to sort: %q", pattern, got)
		}
	}
}

func TestMicros_NoAllocation(t *testing.T) {
	for _, c := range [][2]string{{"%Y-%m-%dT%H:%M:%SZ", "2024-02-29T23:59:58Z"}, {"%a %b %e %Y %z", "Mon Jan  2 2006 +01:00"}} {
		m, err := mask.Parse(c[0])
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { m.Micros(c[1]) }); n != 0 {
			t.Errorf("%s: %v allocations", c[0], n)
		}
	}
}

func FuzzMicros(f *testing.F) {
	f.Add("%Y-%m-%dT%H:%M:%S.%f%z", "2024-02-29T23:59:58.5+01:00")
	f.Add("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2024-02-29T23:59:58.500Z")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		m, err := mask.Parse(pattern)
		if err != nil {
			return
		}
		if us, ok := m.Micros(text); ok {
			if y := time.UnixMicro(us).UTC().Year(); y < 1 || y > 9999 {
				t.Fatalf("year %d", y)
			}
		}
	})
}

func BenchmarkMicros(b *testing.B) {
	m, _ := mask.Parse("%Y-%m-%dT%H:%M:%SZ")
	b.ReportAllocs()
	for b.Loop() {
		m.Micros("2024-02-29T23:59:58Z")
	}
}

func ExampleMask_Micros() {
	m, _ := mask.Parse("%Y-%m-%d %H:%M")
	us, ok := m.Micros("2024-01-31 12:30")
	fmt.Println(us, ok)
	// Output: 1706704200000000 true
}
