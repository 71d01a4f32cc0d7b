package window

import (
	"testing"
	"time"
)

// Rule: S-907.
func TestCivil_AllDays_SameAsTime(t *testing.T) {
	for d := int64(-719_162); d <= 2_932_896; d += 1 + (d&15)/15*13 {
		u := time.Unix(d*86_400, 0).UTC()
		month, dom := civil(d)
		if want := int64(u.Year()-1970)*12 + int64(u.Month()) - 1; month != want || dom != int64(u.Day()) {
			t.Fatalf("%s is month %d, day %d", u.Format(time.DateOnly), month, dom)
		}
		if first := firstOf(month); first != d-dom+1 {
			t.Fatalf("month %d begins on day %d, want %d", month, first, d-dom+1)
		}
	}
}

// Rules: S-802, S-907.
func TestMonthsBefore_ClampsToTheMonthsEnd(t *testing.T) {
	for _, c := range []struct {
		day  string
		n    int64
		want string
	}{
		{"2024-03-31", 1, "2024-02-29"}, {"2023-03-31", 1, "2023-02-28"}, {"2024-03-29", 1, "2024-02-29"}, {"2024-02-29", 12, "2023-02-28"},
		{"2024-02-29", 48, "2020-02-29"}, {"2024-05-31", 3, "2024-02-29"}, {"2024-01-15", 1, "2023-12-15"}, {"1970-01-01", 1, "1969-12-01"},
		{"2000-03-31", 1, "2000-02-29"}, {"1900-03-31", 1, "1900-02-28"}, {"2024-12-31", 1, "2024-11-30"},
	} {
		d, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		got := time.Unix(monthsBefore(d.Unix()/86_400, c.n)*86_400, 0).UTC().Format(time.DateOnly)
		if got != c.want {
			t.Errorf("%d months before %s: %s, want %s", c.n, c.day, got, c.want)
		}
	}
}

func TestFirstAfter_FirstDayWhoseMonthsBeforeAreLater(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 11, 12, 24} {
		for d := int64(19_000); d < 20_600; d++ {
			at := firstAfter(d, n)
			if monthsBefore(at, n) <= d || monthsBefore(at-1, n) > d {
				t.Fatalf("day %d, %d months: %d", d, n, at)
			}
		}
	}
}
