package window_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

func zone(t rapid.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// moments are near what calendars trip over: clocks set forward and back, at
// midnight too, a skipped day, leap days.
var moments = []struct{ zone, at string }{
	{"UTC", "2024-02-29"}, {"UTC", "2023-03-30"}, {"UTC", "1969-12-31"}, {"", "2100-02-28"},
	{"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2018-02-18"}, {"America/New_York", "2024-03-10"}, {"America/New_York", "2024-11-03"},
	{"Pacific/Apia", "2011-12-30"}, {"America/St_Johns", "2010-11-07"}, {"America/Havana", "2023-11-05"}, {"Asia/Kathmandu", "1986-01-01"},
	{"Australia/Lord_Howe", "2024-04-07"}, {"Pacific/Kwajalein", "1993-08-21"}, {"Europe/Berlin", "2040-03-25"},
}

// drawCalendar draws a spec whose windows are counted by a calendar, and events
// near a moment at which that is hard.
func drawCalendar(t *rapid.T) (window.Spec, []event) {
	m := moments[rapid.IntRange(0, len(moments)+3).Draw(t, "moment")%len(moments)] // more often of UTC
	spec := window.Spec{Keys: []string{"k"}, Time: "ts", Rows: rapid.SampledFrom([]window.Rows{window.Changes, window.WithData}).Draw(t, "rows"),
		OnlyChanges: rapid.Bool().Draw(t, "only changes"), EmptyNull: rapid.Bool().Draw(t, "empty null")}
	spec.Zone = time.UTC
	if m.zone != "" {
		spec.Zone = zone(t, m.zone)
	}
	// Each slide with windows that may go with it.
	type choice struct {
		slide   window.Length
		windows []window.Length
	}
	days, months, hours := func(n int) window.Length { return window.Length{Days: n} }, func(n int) window.Length { return window.Length{Months: n} }, func(n int64) window.Length { return window.Length{Micros: n * hour} }
	all := []window.Length{months(1), months(2), months(3), months(12), days(32), days(40), hours(770), hours(961)}
	c := rapid.SampledFrom([]choice{
		{days(1), append(all, days(1), days(2), days(7), hours(24), hours(25), hours(31))},
		{days(2), append(all, days(2), days(3), hours(48), hours(60))},
		{days(7), append(all, days(7), days(8), hours(168))},
		{months(1), all}, {months(2), []window.Length{months(2), months(3), days(62), hours(62*24 + 5)}},
		{hours(1), append(all, days(1), days(2), hours(1), hours(30))},
		{hours(1), append(all, days(1))},
		{hours(7), append(all, days(1), days(2), hours(7), hours(30))},
		{hours(24), append(all, days(1), days(2), hours(24), hours(30))},
		{window.Length{Micros: hour/2 + 1}, append(all, days(1), days(31))},
	}).Draw(t, "slide")
	spec.Slide = c.slide
	for range rapid.IntRange(1, 3).Draw(t, "windows") {
		spec.Windows = append(spec.Windows, rapid.SampledFrom(c.windows).Draw(t, "window"))
	}
	spec.Aggregates = something(t, len(spec.Windows), rapid.SampledFrom([]string{"i", "s", "f"}).Draw(t, "column"))
	at, err := time.Parse(time.DateOnly, m.at)
	if err != nil {
		t.Fatal(err)
	}
	unit := rapid.SampledFrom([]int64{hour / 2, 4 * hour, hour/2 + 1}).Draw(t, "unit")
	near := rapid.SampledFrom([]int64{30, 200}).Draw(t, "near")
	month := rapid.SampledFrom([]int64{0, 0, 30, 31}).Draw(t, "earlier") * 24 * hour
	events := drawEvents(t, unit, (at.UnixMicro()-month)/unit-near, (at.UnixMicro()+35*24*hour)/unit, false)
	if m.zone == "UTC" && spec.Slide.Micros > 0 && rapid.IntRange(0, 3).Draw(t, "month ends") > 0 {
		spec.Windows[0] = months(1)
		atMonthEnds(t, events)
	}
	if rapid.IntRange(0, 2).Draw(t, "bounded") == 0 && len(events) > 0 {
		last := extentOf(events).MaxTime + rapid.Int64Range(-20, 60).Draw(t, "last")*24*hour
		spec.LastLabel = &last
	}
	return spec, events
}

// atMonthEnds puts events on the days around which a month goes back: those of
// the end of February, and those from which it leads there.
func atMonthEnds(t *rapid.T, events []event) {
	for i := range events {
		first := *instant(rapid.SampledFrom([]string{"2023-02-27", "2023-02-28", "2023-02-28", "2023-02-28", "2023-03-01", "2023-03-28", "2023-03-29", "2023-03-30", "2023-03-31"}).Draw(t, "day"))
		events[i].t = first + rapid.Int64Range(0, 47).Draw(t, "half hours")*hour/2
	}
	sortEvents(events)
}

// Rules: S-905, S-906, S-907, S-909, S-910, S-1601, S-1607.
func TestSweep_Calendar_SameAsOracle_AnyCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, events := drawCalendar(t)
		all, must := oracleCalendar(spec, events)
		got := rowsOf(t, window.NewSweep(spec), events, drawCuts(t, len(events))...)
		if !spec.OnlyChanges {
			differ(t, got, all)
			return
		}
		// Rows in which nothing changed may be left out, and only they.
		at := 0
		for i, row := range all {
			if at < len(got) && got[at] == row {
				at++
			} else if must[i] {
				t.Fatalf("missing row %s\n got all:\n%s\nall:\n%s", row, strings.Join(got, "\n"), strings.Join(all, "\n"))
			}
		}
		if at < len(got) {
			t.Fatalf("row %s of none\n got all:\n%s\nall:\n%s", got[at], strings.Join(got, "\n"), strings.Join(all, "\n"))
		}
	})
}

// Labels are local midnights; days have 23 to 25 hours.
// Rule: S-907.
func TestSweep_Calendar_LocalMidnights(t *testing.T) {
	for _, c := range []struct {
		name, zone    string
		slide, window window.Length
		rows, want    []string
	}{
		{"clocks forward at two", "America/New_York", window.Length{Days: 1}, window.Length{Days: 1},
			[]string{"1 | 2024-03-10T04:59Z | 1", "1 | 2024-03-10T05:00Z | 2", "1 | 2024-03-11T03:59Z | 4", "1 | 2024-03-11T04:00Z | 8"},
			[]string{"1 | 2024-03-10T05:00:00Z | 1", "1 | 2024-03-11T04:00:00Z | 6", "1 | 2024-03-12T04:00:00Z | 8"}},
		{"no midnight on the fourth", "America/Sao_Paulo", window.Length{Days: 1}, window.Length{Days: 1},
			[]string{"1 | 2018-11-04T02:59Z | 1", "1 | 2018-11-04T03:00Z | 2", "1 | 2018-11-05T01:59Z | 4", "1 | 2018-11-05T02:00Z | 8"},
			[]string{"1 | 2018-11-04T03:00:00Z | 1", "1 | 2018-11-05T02:00:00Z | 6", "1 | 2018-11-06T02:00:00Z | 8"}},
		{"no 30th of December", "Pacific/Apia", window.Length{Days: 1}, window.Length{Days: 1},
			[]string{"1 | 2011-12-29T23:00Z | 1", "1 | 2011-12-30T10:00Z | 2"},
			[]string{"1 | 2011-12-30T10:00:00Z | 1", "1 | 2011-12-31T10:00:00Z | 2"}},
		{"two midnights", "America/Havana", window.Length{Days: 1}, window.Length{Days: 1},
			[]string{"1 | 2023-11-05T03:59Z | 1", "1 | 2023-11-05T04:00Z | 2", "1 | 2023-11-06T04:59Z | 4"},
			[]string{"1 | 2023-11-05T04:00:00Z | 1", "1 | 2023-11-06T05:00:00Z | 6"}},
		{"months", "UTC", window.Length{Months: 1}, window.Length{Months: 1},
			[]string{"1 | 2024-01-31T23:59Z | 1", "1 | 2024-02-01T00:00Z | 2", "1 | 2024-02-29T23:59Z | 4", "1 | 2024-03-01T00:00Z | 8"},
			[]string{"1 | 2024-02-01 | 1", "1 | 2024-03-01 | 6", "1 | 2024-04-01 | 8"}},
		{"month by days, cut to its end", "", window.Length{Micros: 24 * hour}, window.Length{Months: 1},
			[]string{"1 | 2024-02-28T10:00Z | 1", "1 | 2024-02-29T10:00Z | 2", "1 | 2024-03-01T10:00Z | 4"},
			[]string{"1 | 2024-02-29 | 1", "1 | 2024-03-01 | 3", "1 | 2024-03-02 | 7", "1 | 2024-03-29 | 6", "1 | 2024-04-01 | 4", "1 | 2024-04-02 | null"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := window.Spec{Keys: []string{"k"}, Time: "ts", Slide: c.slide, Windows: []window.Length{c.window}, OnlyChanges: true, Rows: window.Changes,
				Aggregates: []window.Aggregate{aggregate("v", window.Sum, 1)}}
			if c.zone != "" {
				spec.Zone = zone(t, c.zone)
			}
			if c.slide.Micros > 0 {
				spec.LastLabel = instant("2024-06-01")
			}
			differ(t, sweepText(t, spec, "k bigint, ts timestamp, v bigint", c.rows...), c.want)
		})
	}
}

// A month before the 30th of March at 01:00 begins before a month before the
// 29th at 23:00 does: rows come back, also in a batch that comes long after
// theirs, and in a run that goes on from live rows.
// Rule: S-907.
func TestSweep_Calendar_RowsComeBack(t *testing.T) {
	spec := window.Spec{Keys: []string{"k"}, Time: "ts", Slide: window.Length{Micros: hour}, Windows: []window.Length{{Months: 1}}, OnlyChanges: true,
		Aggregates: []window.Aggregate{aggregate("i", window.Sum, 1), aggregate("i", window.Min, 1), aggregate("i", window.CountDistinct, 1)}, LastLabel: instant("2023-06-01")}
	at := func(day string, hours, i int64) event {
		k := int64(1)
		return event{k: &k, t: *instant(day) + hours*hour + 1, v: map[string]any{"i": i}}
	}
	events := []event{at("2023-01-01", 0, 1<<20), at("2023-01-01", 1, 1<<21), at("2023-01-01", 2, 1<<22), at("2023-02-28", 0, 1), at("2023-02-28", 2, 2), at("2023-02-28", 22, 4),
		at("2023-03-28", 23, 8), at("2023-03-29", 1, 16), at("2023-03-29", 23, 32), at("2023-03-31", 0, 64), at("2023-04-01", 0, 128)}
	for i := range int64(20) { // dead when the 28th begins to count: they are dropped right before the window goes back
		events = append(events, at("2023-02-27", 1, 1<<30+i))
	}
	sortEvents(events)
	all, must := oracleCalendar(withZone(spec, time.UTC), events)
	var want []string
	back := false
	for i, row := range all {
		if must[i] {
			want = append(want, row)
			back = back || strings.HasPrefix(row, "1 | 2023-03-30T00:00:00Z | 63 | 1 |") || strings.HasPrefix(row, "1 | 2023-03-30 | ")
		}
	}
	if !back {
		t.Fatalf("nothing comes back in\n%s", strings.Join(want, "\n"))
	}
	cuts := make([]int, len(events))
	for i := range cuts {
		cuts[i] = i
	}
	differ(t, rowsOf(t, window.NewSweep(spec), events), want)
	differ(t, rowsOf(t, window.NewSweep(spec), events, cuts...), want)

	// On the 29th at noon the 28th of February counts from noon on; on the
	// 30th it counts from its begin again.
	s := window.NewSweep(spec)
	defer s.Close()
	in := record(events)
	defer in.Release()
	ctx := context.Background()
	if _, err := s.Open(ctx, in.Schema()); err != nil {
		t.Fatal(err)
	}
	s.Bound(extentOf(events))
	var live []event
	s.Keep(*instant("2023-03-29")+12*hour, func(b flow.Batch) error {
		live = append(live, eventsOf(b.Record)...)
		b.Release()
		return nil
	})
	drop := func(b flow.Batch) error { b.Release(); return nil }
	if err := s.Process(ctx, flow.Batch{Record: in}, drop); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(ctx, drop); err != nil {
		t.Fatal(err)
	}
	if len(live) != 5 || live[0].v["i"] != int64(1) || live[4].v["i"] != int64(16) {
		t.Errorf("live: %v", live)
	}
}

func withZone(s window.Spec, z *time.Location) window.Spec {
	s.Zone = z
	return s
}

// Rules: S-907, S-908.
func TestSweep_Calendar_Refuses(t *testing.T) {
	days, months := func(n int) window.Length { return window.Length{Days: n} }, func(n int) window.Length { return window.Length{Months: n} }
	for _, c := range []struct {
		name          string
		slide, window window.Length
		grid          window.Grid
		says          string
	}{
		{"slide over window", months(2), months(1), 0, "slide of 2 months"},
		{"month of 31 days", months(1), days(30), 0, "window of 30 days with a slide of 1 months"},
		{"month of 28 days", days(29), months(1), 0, "window of 1 months with a slide of 29 days"},
		{"starts", months(1), months(1), window.StartsOnMultiples, "that end on them"},
		{"two units", window.Length{Days: 1, Micros: 5}, days(1), 0, "expected one of them"},
		{"too long", days(1), months(200_000), 0, "10000 years"},
		{"too many days", days(1), days(4_000_000), 0, "10000 years"},
	} {
		for _, z := range []*time.Location{nil, zone(t, "Asia/Tokyo")} {
			spec := window.Spec{Keys: []string{"k"}, Time: "ts", Slide: c.slide, Windows: []window.Length{c.window}, Grid: c.grid, Zone: z,
				Aggregates: []window.Aggregate{aggregate("f", window.Sum, 1)}}
			in := record(nil)
			_, err := window.NewSweep(spec).Open(context.Background(), in.Schema())
			in.Release()
			if !fault.Is(err, window.BadSpec) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want %q", c.name, err, c.says)
			}
		}
	}
	// What is just as long is taken.
	for _, c := range []struct{ slide, window window.Length }{{months(1), days(31)}, {days(28), months(1)}, {window.Length{Micros: 24 * hour}, days(1)}} {
		spec := window.Spec{Keys: []string{"k"}, Time: "ts", Slide: c.slide, Windows: []window.Length{c.window}, Zone: zone(t, "Asia/Tokyo"),
			Aggregates: []window.Aggregate{aggregate("f", window.Sum, 1)}}
		in := record(nil)
		if _, err := window.NewSweep(spec).Open(context.Background(), in.Schema()); err != nil {
			t.Error(err)
		}
		in.Release()
	}
}
