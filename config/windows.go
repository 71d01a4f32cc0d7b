package config

import (
	"fmt"
	"strings"
	"time"
)

// windows reads the rolling windows of an aggregated set.
func (d *decoder) windows(t *table, semantics string) *Windows {
	w := &Windows{Rows: t.val("rows"), Zone: t.val("zone")}
	slide, written := get[TimeSpan](t, "slide")
	slidePath := join(t.path, "slide")
	slideOK := written && d.rollingSpan(slidePath, slide, semantics)
	if !d.has(slidePath) {
		slide, _ = ParseTimeSpan("1 day")
		slideOK = true
	}
	w.Slide = slide
	if semantics == semanticsCompat && w.Rows != "" {
		d.bad(join(t.path, "rows"), atKey, Contradiction, "remove it", `"rows" has no meaning with semantics = "butterfree", where the slide decides which rows there are`)
	}
	rolling, ok := get[[]item[any]](t, "rolling")
	if ok && len(rolling) == 0 {
		d.bad(join(t.path, "rolling"), atValue, MissingKey, `write rolling = ["7 days"], or remove [feature_set.windows]`, "windows has no window")
	}
	inCalendar := slideOK && slide.inDays()
	once := d.eachOnce()
	for _, r := range rolling {
		span := r.val.(TimeSpan)
		w.Rolling = append(w.Rolling, span)
		inCalendar = inCalendar || span.inDays()
		if !once(r.path, span.N, span.Unit) {
			continue
		}
		if d.rollingSpan(r.path, span, semantics) && slideOK && slide.LongerThan(span) {
			hint := "make the slide at most as long as the shortest window"
			if !written {
				hint = `give a slide at most as long: the default is "1 day"`
			}
			d.bad(r.path, atValue, Contradiction, hint, "the slide is longer than this window, so rows between windows would count nowhere")
		}
	}
	if d.zone(t, semantics) && !inCalendar && len(rolling) > 0 && (slideOK || !written) {
		d.bad(join(t.path, "zone"), atKey, Contradiction, "remove it", `"zone" changes nothing: neither the slide nor a window is in days, weeks, months or years`)
	}
	return w
}

// eachOnce tells windows that make columns of one name: the same number and
// unit. 1 day, 1 days and 24 hours make three (S-919).
func (d *decoder) eachOnce() func(path string, n int64, unit string) bool {
	seen := map[string]bool{}
	return func(path string, n int64, unit string) bool {
		same := strings.ToLower(fmt.Sprint(n, " ", unit))
		if seen[same] {
			d.bad(path, atValue, DuplicateName, "remove one", "the same window is given twice, which would make two columns of one name")
			return false
		}
		seen[same] = true
		return true
	}
}

// zone checks the time zone; false when there is none that could be used.
func (d *decoder) zone(t *table, semantics string) bool {
	zone, ok := get[text](t, "zone")
	if !ok {
		return false
	}
	at := join(t.path, "zone")
	if semantics == semanticsCompat {
		d.bad(at, atKey, Contradiction, "remove it", `"zone" does not belong to semantics = "butterfree", where days are those of UTC`)
		return false
	}
	if _, err := time.LoadLocation(zone.val); err != nil || zone.val == "" || zone.val == "Local" {
		d.bad(at, atValue, BadValue, `write an area and a city, as in "America/Sao_Paulo"`, "%s is no time zone", d.quote(at, zone))
		return false
	}
	return true
}

// rollingSpan refuses calendar units where the profile has none (S-907).
func (d *decoder) rollingSpan(path string, s TimeSpan, semantics string) bool {
	if s.calendar() && semantics == semanticsCompat {
		d.bad(path, atValue, BadDuration, `use days or weeks`, `months and years are no units of rolling windows with semantics = "butterfree"`)
		return false
	}
	return true
}

// LongerThan tells whether a slide may be longer than a window: where units
// differ, a month counts 31 days for the slide and 28 for the window (S-908).
func (s TimeSpan) LongerThan(window TimeSpan) bool {
	if s.calendar() && window.calendar() {
		return s.Months() > window.Months()
	}
	return s.atLeast(31) > window.atLeast(28)
}

// atLeast gives the length in microseconds with months of so many days.
func (s TimeSpan) atLeast(days int64) int64 {
	return s.Micros + s.Months()*days*unitMicros()["day"]
}

// Months gives the length of a span of months or years, 0 for any other.
func (s TimeSpan) Months() int64 {
	switch {
	case !s.calendar():
		return 0
	case strings.HasPrefix(s.Unit, "year"):
		return 12 * s.N
	}
	return s.N
}

// Days gives the length of a span of days or weeks, 0 for any other.
func (s TimeSpan) Days() int64 {
	switch {
	case strings.HasPrefix(s.Unit, "day"):
		return s.N
	case strings.HasPrefix(s.Unit, "week"):
		return 7 * s.N
	}
	return 0
}

// inDays tells whether a time zone can change the span's length.
func (s TimeSpan) inDays() bool {
	return s.Months() > 0 || s.Days() > 0
}

// featureWindow reads the windows of a plain feature.
func (d *decoder) featureWindow(t *table, semantics string) *FeatureWindow {
	wt, ok := get[*table](t, "window")
	if !ok {
		return nil
	}
	d.notEmpty(wt, "order_by")
	w := &FeatureWindow{PartitionBy: wt.names("partition_by"), OrderBy: wt.val("order_by"), Bounds: wt.val("bounds")}
	d.exclusive(wt, "fixed", "rows")
	fixed, rows := d.has(join(wt.path, "fixed")), d.has(join(wt.path, "rows"))
	if !fixed && !rows && !wt.meant["fixed"] && !wt.meant["rows"] {
		d.bad(wt.path, atValue, MissingKey, `write fixed = ["2 minutes"] or rows = ["3 events"]`, "the window says not how far it reaches")
	}
	if rows && !fixed && d.has(join(wt.path, "bounds")) {
		d.bad(join(wt.path, "bounds"), atKey, Contradiction, "remove it", `"bounds" belongs to "fixed" windows: windows of rows hold the present row and those before it`)
	}
	for _, key := range []string{"fixed", "rows"} {
		if d.emptyList(wt, key) {
			d.bad(join(wt.path, key), atValue, BadValue, "", "%q %s has no window", key, tableName(wt.path))
		}
	}
	spans, _ := get[[]item[any]](wt, "fixed")
	once := d.eachOnce()
	for _, it := range spans {
		s := it.val.(TimeSpan)
		w.Fixed = append(w.Fixed, s)
		if once(it.path, s.N, s.Unit) && semantics == semanticsCompat && strings.HasPrefix(s.Unit, "month") {
			d.bad(it.path, atValue, BadDuration, "use days", `months are no unit of fixed windows with semantics = "butterfree"`)
		}
	}
	counts, _ := get[[]item[any]](wt, "rows")
	once = d.eachOnce()
	for _, it := range counts {
		s := it.val.(RowSpan)
		w.Rows = append(w.Rows, s)
		once(it.path, s.N, s.Unit)
	}
	return w
}
