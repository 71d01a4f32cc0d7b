package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/host/flow"
)

var makers = Makers{Pipeline: "sha256:p", Plugins: map[string]string{"a@1": "sha256:a"}}

// made is a published record over days of January 2024, "" for an open end,
// claimed in 2025.
func made(number int64, start, end string, edits ...func(*Record)) Record {
	r := Record{
		Number: number, State: Published, Start: jan(start), End: jan(end), Pipeline: makers.Pipeline,
		Plugins: map[string]string{"a@1": "sha256:a"}, Claimed: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, e := range edits {
		e(&r)
	}
	return r
}

func jan(day string) string {
	if day == "" {
		return ""
	}
	return fmt.Sprintf("2024-01-%02s", day)
}

func day(t testing.TB, n int) flow.Day {
	t.Helper()
	d, err := flow.ParseDay(fmt.Sprintf("2024-01-%02d", n))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func in(s State) func(*Record)        { return func(r *Record) { r.State = s } }
func of(digest string) func(*Record)  { return func(r *Record) { r.Pipeline = digest } }
func without(r *Record)               { r.Plugins = nil }
func until(last string) func(*Record) { return func(r *Record) { r.LastDay = jan(last) } }
func from(first string) func(*Record) { return func(r *Record) { r.FirstDay = jan(first) } }
func claimed(at string) func(*Record) {
	return func(r *Record) {
		var err error
		if r.Claimed, err = time.Parse(time.RFC3339, at); err != nil {
			panic(err)
		}
	}
}

func gapText(gaps []Gap) string {
	var out []string
	for _, g := range gaps {
		_, _, a := g.First.Date()
		_, _, b := g.Last.Date()
		out = append(out, fmt.Sprintf("%d-%d %v", a, b, g.Reasons))
	}
	return strings.Join(out, ", ")
}

// Rule: S-1210.
func TestGaps_Records_DaysThatNobodyVouchesFor(t *testing.T) {
	for name, c := range map[string]struct {
		records []Record
		want    string
	}{
		"no run":                   {nil, "1-10 [not computed]"},
		"all days":                 {[]Record{made(1, "1", "10")}, ""},
		"two holes":                {[]Record{made(1, "2", "4"), made(2, "7", "9")}, "1-1 [not computed], 5-6 [not computed], 10-10 [not computed]"},
		"full, with an end":        {[]Record{made(1, "", "8")}, "9-10 [not computed]"},
		"full, to its last row":    {[]Record{made(1, "", "", until("8"))}, "9-10 [not computed]"},
		"full, without rows":       {[]Record{made(1, "", "")}, "1-10 [not computed]"},
		"undone":                   {[]Record{made(1, "1", "10"), made(2, "2", "3", in(Undone)), made(3, "4", "5", in(Claimed))}, ""},
		"incomplete over whole":    {[]Record{made(1, "1", "10"), made(2, "2", "3", in(Incomplete))}, "2-3 [not finished]"},
		"superseded":               {[]Record{made(1, "1", "10"), made(2, "2", "3", in(Superseded)), made(3, "3", "3")}, "2-2 [not finished]"},
		"prepared":                 {[]Record{made(1, "1", "10", in(Prepared))}, "1-10 [not finished]"},
		"the last run counts":      {[]Record{made(1, "1", "10"), made(2, "4", "5", of("sha256:q"))}, "4-5 [another pipeline file]"},
		"and may be right again":   {[]Record{made(1, "1", "10", of("sha256:q")), made(2, "1", "10")}, ""},
		"other plugins":            {[]Record{made(1, "1", "10", without)}, "1-10 [other plugins]"},
		"reasons in order of days": {[]Record{made(1, "1", "2", without), made(2, "4", "10", of("x"))}, "1-10 [other plugins not computed another pipeline file]"},
		"a day that was not over":  {[]Record{made(1, "1", "10", claimed("2024-01-09T23:59:59Z"))}, "9-10 [not computed]"},
		"over at midnight":         {[]Record{made(1, "1", "10", claimed("2024-01-10T00:00:00Z"))}, "10-10 [not computed]"},
		"nothing was over":         {[]Record{made(1, "5", "10", claimed("2024-01-05T10:00:00Z"))}, "1-10 [not computed]"},
	} {
		if got := gapText(Gaps(c.records, day(t, 1), day(t, 10), makers)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if Gaps(nil, 5, 4, makers) != nil {
		t.Error("gaps in no days")
	}
}

// What each day's last run says is what Gaps says, for any records.
func TestGaps_AnyRecords_DayByDay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var all []Record
		for n := range rapid.IntRange(0, 8).Draw(rt, "runs") {
			a := rapid.IntRange(1, 20).Draw(rt, "start")
			b := rapid.IntRange(a, 20).Draw(rt, "end")
			r := made(int64(n+1), fmt.Sprint(a), fmt.Sprint(b))
			r.State = rapid.SampledFrom([]State{Published, Published, Claimed, Undone, Incomplete}).Draw(rt, "state")
			if rapid.Bool().Draw(rt, "other") {
				r.Pipeline = "x"
			}
			if rapid.IntRange(0, 4).Draw(rt, "full") == 0 {
				r.Start = ""
			}
			all = append(all, r)
		}
		gaps := Gaps(all, day(t, 1), day(t, 20), makers)
		for n := 1; n <= 20; n++ {
			d, fine := day(t, n), false
			for _, r := range all {
				i, _ := r.Interval()
				if i.Contains(d) && r.State != Claimed && r.State != Undone {
					fine = r.State == Published && r.Pipeline == makers.Pipeline
				}
			}
			if missing := slices.ContainsFunc(gaps, func(g Gap) bool { return g.First <= d && d <= g.Last }); missing == fine {
				rt.Fatalf("day %d: fine %v, gaps %s, of %+v", n, fine, gapText(gaps), all)
			}
		}
		for i := 1; i < len(gaps); i++ {
			if gaps[i].First <= gaps[i-1].Last+1 {
				rt.Fatalf("gaps that touch: %s", gapText(gaps))
			}
		}
	})
}

func TestFirstDay_Records_TheLeast(t *testing.T) {
	for _, c := range []struct {
		records []Record
		want    int
	}{
		{nil, 0},
		{[]Record{made(1, "5", "9"), made(2, "3", "4"), made(3, "1", "2", in(Undone))}, 3},
		{[]Record{made(1, "", "9")}, 0},
		{[]Record{made(1, "", "9", from("2")), made(2, "4", "9")}, 2},
		{[]Record{made(1, "4", "9", from("2"))}, 4},
	} {
		got, ok := FirstDay(c.records)
		if ok != (c.want > 0) || ok && got != day(t, c.want) {
			t.Errorf("%v, %v, want the %d", got, ok, c.want)
		}
	}
}

// Rule: S-1105.
func TestBefore_Records_HowFarBackStoredRowsTell(t *testing.T) {
	for name, c := range map[string]struct {
		records   []Record
		first     int
		whole, ok bool
	}{
		"no run":                             {nil, 10, false, false},
		"an interval":                        {[]Record{made(1, "5", "9")}, 5, false, true},
		"a hole right before":                {[]Record{made(1, "5", "8")}, 10, false, false},
		"after a hole":                       {[]Record{made(1, "1", "4"), made(2, "6", "9")}, 6, false, true},
		"a full run":                         {[]Record{made(1, "", "9")}, 0, true, true},
		"a full run and on":                  {[]Record{made(1, "", "5"), made(2, "6", "9")}, 0, true, true},
		"a full run and a hole":              {[]Record{made(1, "", "5"), made(2, "7", "9")}, 7, false, true},
		"another pipeline's full run":        {[]Record{made(1, "", "5", of("x")), made(2, "6", "9")}, 6, false, true},
		"from the first event on":            {[]Record{made(1, "3", "9", from("3"))}, 3, true, true},
		"behind the first event":             {[]Record{made(1, "3", "9", from("2"))}, 3, false, true},
		"the last one to read all knows":     {[]Record{made(1, "3", "5", from("4")), made(2, "6", "9", from("2"))}, 3, false, true},
		"a first event after all that":       {[]Record{made(1, "3", "9", from("20"))}, 3, false, true},
		"a first event of a run not made":    {[]Record{made(1, "3", "9"), made(2, "5", "5", from("4"), in(Undone))}, 3, false, true},
		"another pipeline's first event":     {[]Record{made(1, "3", "9"), made(2, "20", "20", from("3"), of("x"))}, 3, false, true},
		"a day that was not over, then more": {[]Record{made(1, "1", "9", claimed("2024-01-09T10:00:00Z"))}, 10, false, false},
	} {
		first, whole, ok := Before(c.records, day(t, 10), makers)
		if whole != c.whole || ok != c.ok || c.first > 0 && first != day(t, c.first) {
			t.Errorf("%s: from %v, whole %v, ok %v", name, first, whole, ok)
		}
	}
}

// Rule: S-1108.
func TestRerun_LaterDays_OfOlderRunsInReach(t *testing.T) {
	none := func(flow.Day) bool { return false }
	for name, c := range map[string]struct {
		records    []Record
		number     int64
		start, end int
		reach      flow.Day
		skip       func(flow.Day) bool
		want       string
	}{
		"nothing was there":        {[]Record{made(1, "6", "9"), made(2, "3", "5")}, 2, 3, 5, 100, none, "[]"},
		"computed again":           {[]Record{made(1, "1", "9"), made(2, "3", "5")}, 2, 3, 5, 100, none, "[2024-01-06..2024-01-09]"},
		"in reach":                 {[]Record{made(1, "1", "9"), made(2, "3", "5")}, 2, 3, 5, 2, none, "[2024-01-06..2024-01-07]"},
		"no reach":                 {[]Record{made(1, "1", "9"), made(2, "3", "5")}, 2, 3, 5, 0, none, "[]"},
		"computed since":           {[]Record{made(1, "1", "9"), made(2, "3", "5"), made(3, "7", "7")}, 2, 3, 5, 100, none, "[2024-01-06 2024-01-08..2024-01-09]"},
		"of another run":           {[]Record{made(1, "3", "4"), made(2, "8", "9"), made(3, "3", "5")}, 3, 3, 5, 100, none, "[2024-01-08..2024-01-09]"},
		"not published":            {[]Record{made(1, "1", "5"), made(2, "6", "9", in(Incomplete)), made(3, "3", "5")}, 3, 3, 5, 100, none, "[]"},
		"of a full run":            {[]Record{made(1, "", "", until("8")), made(2, "3", "5")}, 2, 3, 5, 100, none, "[2024-01-06..2024-01-08]"},
		"the same command is next": {[]Record{made(1, "1", "9"), made(2, "3", "5")}, 2, 3, 5, 100, func(d flow.Day) bool { return d == day(t, 7) }, "[2024-01-06 2024-01-08..2024-01-09]"},
	} {
		start, end := day(t, c.start), day(t, c.end)
		if got := fmt.Sprint(Rerun(c.records, c.number, flow.Interval{Start: &start, End: &end}, c.reach, c.skip)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := Rerun([]Record{made(1, "1", "9")}, 2, flow.Interval{}, 100, none); got != nil {
		t.Errorf("a full run leaves %v stale", got)
	}
}
