package window_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/builtins/window"
)

// labelOf reads the label of a row.
func labelOf(t rapid.TB, row string) int64 {
	text := strings.Split(row, " | ")[1]
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02"} {
		if u, err := time.Parse(layout, text); err == nil {
			return u.UnixMicro()
		}
	}
	t.Fatalf("no label in %q", row)
	return 0
}

// withoutRepeats drops rows that say what the row of the same key before says.
func withoutRepeats(rows []string) (out []string) {
	before := ""
	for _, r := range rows {
		cells := strings.SplitN(r, " | ", 3)
		if said := cells[0] + " | " + cells[2]; said != before {
			out, before = append(out, r), said
		}
	}
	return out
}

// cutAt holds the rows from a first label on against those of all labels, cut;
// where only changes are asked for, against what is left of those without
// repeats.
func cutAt(t *rapid.T, spec window.Spec, events []event, first int64) {
	cuts := drawCuts(t, len(events))
	only := spec.OnlyChanges
	spec.OnlyChanges = false
	var want []string
	for _, r := range rowsOf(t, window.NewSweep(spec), events) {
		if labelOf(t, r) >= first {
			want = append(want, r)
		}
	}
	spec.FirstLabel, spec.OnlyChanges = &first, only
	got := rowsOf(t, window.NewSweep(spec), events, cuts...)
	if only {
		if spec.NullKeys != window.NullIsEqual {
			t.Skip("rows that come apart by window have no row before")
		}
		got, want = withoutRepeats(got), withoutRepeats(want)
	}
	differ(t, got, want)
}

// Rules: S-1105, S-1107.
func TestSweep_FirstLabel_IsTheCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, unit, from, to := drawSpec(t)
		spec.Aggregates = something(t, len(spec.Windows), "f", "i", "s")
		events := drawEvents(t, unit, from, to, rapid.Bool().Draw(t, "null keys"))
		cutAt(t, spec, events, rapid.Int64Range(from-5, to+25).Draw(t, "first")*unit)
	})
}

// Rules: S-907, S-1107.
func TestSweep_FirstLabelOfACalendar_IsTheCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, events := drawCalendar(t)
		if len(events) == 0 {
			t.Skip("no events")
		}
		x := extentOf(events)
		cutAt(t, spec, events, rapid.Int64Range(x.MinTime-5*24*hour, x.MaxTime+40*24*hour).Draw(t, "first"))
	})
}
