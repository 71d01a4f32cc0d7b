package window

import (
	"testing"
	"time"
	_ "time/tzdata" // zones, wherever the tests run
)

// The midnights around the ends of leap years are found: there Go's bounds of a
// zone end before they begin, and a search that believed them would not end.
// Rule: S-907.
func TestCalendar_EndsOfLeapYears_HaveMidnights(t *testing.T) {
	for _, name := range []string{"America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Auckland"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		c := &calendar{zone: zone, days: 1}
		for _, year := range []int{2008, 2020, 2023, 2024, 2044, 2096, 2400} {
			for d := range 6 {
				want := time.Date(year, 12, 29+d, 0, 0, 0, 0, zone)
				wall := time.Date(year, 12, 29+d, 0, 0, 0, 0, time.UTC)
				if got := c.midnight(wall.Unix() / 86400); got != want.UnixMicro() {
					t.Errorf("%s: midnight of %s is %s", name, want.Format(time.DateOnly), time.UnixMicro(got).In(zone))
				}
				if got := c.dayOf(want.UnixMicro() + 1); got != wall.Unix()/86400 {
					t.Errorf("%s: %s is in day %d, expected %d", name, want, got, wall.Unix()/86400)
				}
			}
		}
	}
}
