package window_test

import (
	"fmt"
	"time"
	_ "time/tzdata" // zones, wherever the tests run

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
)

// clock answers for a zone the slow and obvious way.
type clock struct {
	zone  *time.Location
	known map[int64]int64
}

// wall gives what clocks show at an instant, as if it were UTC.
func (c *clock) wall(us int64) int64 {
	_, seconds := time.UnixMicro(us).In(c.zone).Zone()
	return us + int64(seconds)*1_000_000
}

// instant tries all offsets of the days around.
func (c *clock) instant(wall int64) int64 {
	if u, ok := c.known[wall]; ok {
		return u
	}
	const quarter = int64(15 * time.Minute / time.Microsecond)
	best, found := int64(0), false
	for at := wall - 2*flow.MicrosPerDay; at <= wall+2*flow.MicrosPerDay; at += quarter {
		u := at + wall - c.wall(at) // the instant, if the offset at `at` held
		if c.wall(u) == wall && (!found || u < best) {
			best, found = u, true
		}
	}
	if !found { // a gap: as long after its begin as by the clocks of before
		before := wall - 2*flow.MicrosPerDay
		best = wall - (c.wall(before) - before)
	}
	c.known[wall] = best
	return best
}

// back takes a length of days or months from a local time.
func back(wall int64, l window.Length) int64 {
	u := time.UnixMicro(wall).UTC()
	if l.Months > 0 {
		return monthsEarlier(u, l.Months).UnixMicro()
	}
	return wall - int64(l.Days)*flow.MicrosPerDay
}

// ending is a label and the starts of its windows.
type ending struct {
	e      int64
	starts []int64
}

// oracleEndings lists the labels after from, up to last or, if that is nil,
// up to the first one after to.
func oracleEndings(spec window.Spec, from, to int64, last *int64) []ending {
	c := &clock{spec.Zone, map[int64]int64{}}
	var out []ending
	add := func(e, wall int64) bool {
		if n := len(out); e <= from || n > 0 && out[n-1].e == e {
			return true
		}
		if last != nil && e > *last {
			return false
		}
		x := ending{e: e}
		for _, w := range spec.Windows {
			if w.Micros > 0 {
				x.starts = append(x.starts, e-w.Micros)
			} else {
				x.starts = append(x.starts, c.instant(back(wall, w)))
			}
		}
		out = append(out, x)
		return last != nil || e <= to
	}
	switch s := spec.Slide; {
	case s.Micros > 0:
		for e := from - floorMod(from, s.Micros); add(e, c.wall(e)); e += s.Micros {
		}
	case s.Days > 0:
		step := int64(s.Days) * flow.MicrosPerDay
		for wall := from - 3*flow.MicrosPerDay - floorMod(from-3*flow.MicrosPerDay, step); add(c.instant(wall), wall); wall += step {
		}
	default:
		month := 0
		for ; ; month -= s.Months {
			if time.Date(1970, time.Month(1+month), 1, 0, 0, 0, 0, time.UTC).UnixMicro() < from-3*flow.MicrosPerDay {
				break
			}
		}
		for ; time.Date(1970, time.Month(1+month), 1, 0, 0, 0, 0, time.UTC).UnixMicro() < from-70*flow.MicrosPerDay; month += s.Months {
		}
		for ; ; month += s.Months {
			wall := time.Date(1970, time.Month(1+month), 1, 0, 0, 0, 0, time.UTC).UnixMicro()
			if !add(c.instant(wall), wall) {
				break
			}
		}
	}
	return out
}

// oracleCalendar computes the rows of a spec with a calendar; must says which
// of them differ in the content of a window from the row before.
func oracleCalendar(spec window.Spec, events []event) (rows []string, must []bool) {
	if len(events) == 0 {
		return nil, nil
	}
	x := extentOf(events)
	endings := oracleEndings(spec, x.MinTime, x.MaxTime, spec.LastLabel)
	for _, key := range byKey(events) {
		before := ""
		for _, at := range endings {
			if at.e <= key[0].t {
				continue
			}
			content, data := "", false
			in := make([][]event, len(spec.Windows))
			shown := make([]int, len(spec.Windows))
			for w := range spec.Windows {
				shown[w] = w
				for j, x := range key {
					if at.starts[w] <= x.t && x.t < at.e {
						in[w] = append(in[w], x)
						content += fmt.Sprint(w, ":", j, " ")
						data = true
					}
				}
			}
			changed := content != before
			before = content
			if spec.Rows == window.WithData && !data {
				continue
			}
			rows = append(rows, line(spec, key[0].k, at.e, in, shown))
			must = append(must, changed)
		}
	}
	return rows, must
}
