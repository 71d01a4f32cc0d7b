package ledger

import (
	"maps"
	"slices"

	"github.com/featurehost/featurehost/host/flow"
)

// Makers are what a run's rows depend on beside the source: the pipeline file
// and the plugins.
type Makers struct {
	Pipeline string
	Plugins  map[string]string
}

// made reports whether a run was of these makers.
func (m Makers) made(r Record) bool {
	return r.Pipeline == m.Pipeline && maps.Equal(r.Plugins, m.Plugins)
}

// Reason says why a day is missing.
type Reason string

// The reasons, from the one that says least.
const (
	NotMade       Reason = "not computed"
	NotFinished   Reason = "not finished"
	OtherPipeline Reason = "another pipeline file"
	OtherPlugins  Reason = "other plugins"
)

// Gap is a run of days that are missing.
type Gap struct {
	First, Last flow.Day
	Reasons     []Reason // in the order of the days
}

// days gives the days whose rows a run vouches for once it is published. A run
// without an end vouches for the days up to its last row, and no run for a day
// that was not over when it began.
func (r Record) days() (first, last flow.Day, ok bool) {
	i, err := r.Interval()
	if err != nil {
		return 0, 0, false
	}
	first, last = -1<<31, flow.DayOf(r.Claimed.UnixMicro())-1
	if i.Start != nil {
		first = *i.Start
	}
	end := i.End
	if end == nil {
		d, err := flow.ParseDay(r.LastDay)
		if err != nil {
			return 0, 0, false
		}
		end = &d
	}
	last = min(last, *end)
	return first, last, first <= last
}

// Gaps lists the days from first to last that no published run of the makers
// computed last. Records are in the order of their numbers.
func Gaps(all []Record, first, last flow.Day, by Makers) []Gap {
	if last < first {
		return nil
	}
	why := make([]Reason, last-first+1)
	for i := range why {
		why[i] = NotMade
	}
	const fine = Reason("")
	settled := make([]bool, len(why))
	for _, r := range slices.Backward(all) {
		reason := fine
		switch {
		case r.State == Claimed || r.State == Undone:
			continue
		case r.State != Published:
			reason = NotFinished
		case r.Pipeline != by.Pipeline:
			reason = OtherPipeline
		case !by.made(r):
			reason = OtherPlugins
		}
		from, to, ok := r.days()
		if !ok {
			continue
		}
		for d := max(from, first); d <= min(to, last); d++ {
			if i := d - first; !settled[i] {
				settled[i], why[i] = true, reason
			}
		}
	}
	var out []Gap
	open := false
	for i, reason := range why {
		d := first + flow.Day(i)
		switch {
		case reason == fine:
			open = false
			continue
		case !open:
			out = append(out, Gap{First: d})
			open = true
		}
		g := &out[len(out)-1]
		g.Last = d
		if !slices.Contains(g.Reasons, reason) {
			g.Reasons = append(g.Reasons, reason)
		}
	}
	return out
}

// FirstDay gives the first day that any run that made values is known to hold.
func FirstDay(all []Record) (first flow.Day, ok bool) {
	for _, r := range all {
		text := r.Start
		if text == "" {
			text = r.FirstDay
		}
		d, err := flow.ParseDay(text)
		if err != nil || !r.State.counts() {
			continue
		}
		if !ok || d < first {
			first, ok = d, true
		}
	}
	return first, ok
}

// Before tells how far back from a day the stored rows are those of the makers
// without a gap: from the day first on, and when whole, as far back as there
// are any events. ok is false when not even the day before is.
func Before(all []Record, day flow.Day, by Makers) (first flow.Day, whole, ok bool) {
	// On days before all that is named in the ledger, only runs without a start
	// hold: one such day stands for all.
	earliest := day - 1
	begin := flow.Day(1<<31 - 1) // day of the first event, as the last run tells that saw all
	for _, r := range all {
		for _, text := range []string{r.Start, r.End, r.FirstDay, r.LastDay} {
			if d, err := flow.ParseDay(text); err == nil {
				earliest = min(earliest, d)
			}
		}
		if d, err := flow.ParseDay(r.FirstDay); err == nil && r.State == Published && by.made(r) {
			begin = d
		}
	}
	earliest--
	first = earliest
	if gaps := Gaps(all, earliest, day-1, by); len(gaps) > 0 {
		first = gaps[len(gaps)-1].Last + 1
	}
	return first, first == earliest || first <= begin && begin < day, first < day
}

// Rerun lists the days after an interval that published runs below a number
// computed, when one of them had computed a day of the interval before: those
// whose rows may rest on what the interval was. reach is how many days after
// the interval may; skip leaves days out.
func Rerun(all []Record, number int64, i flow.Interval, reach flow.Day, skip func(flow.Day) bool) []flow.Interval {
	if i.Start == nil || i.End == nil {
		return nil
	}
	again := false
	last := *i.End
	for _, r := range all {
		from, to, ok := r.days()
		if !ok || r.Number >= number || r.State != Published {
			continue
		}
		again = again || from <= *i.End && to >= *i.Start
		last = max(last, to)
	}
	if !again {
		return nil
	}
	if reach < last-*i.End {
		last = *i.End + reach
	}
	made := make([]bool, last-*i.End)
	for _, r := range all {
		from, to, ok := r.days()
		if !ok || r.State != Published {
			continue
		}
		for d := max(from, *i.End+1); d <= min(to, last); d++ {
			// A run of a higher number saw the source as it is now, or later.
			made[d-*i.End-1] = r.Number < number
		}
	}
	var out []flow.Interval
	for k, ok := range made {
		d := *i.End + 1 + flow.Day(k)
		switch {
		case !ok || skip(d):
			made[k] = false
		case k > 0 && made[k-1]:
			*out[len(out)-1].End = d
		default:
			start, end := d, d
			out = append(out, flow.Interval{Start: &start, End: &end})
		}
	}
	return out
}
