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

// The rows from a label on are those of all labels, cut; where only changes
// are asked for, what is left after repeats are removed is the same.
// Rules: S-1105, S-1107.
func TestSweep_FirstLabel_IsTheCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, unit, from, to := drawSpec(t)
		spec.Aggregates = something(t, len(spec.Windows), "f", "i", "s")
		events := drawEvents(t, unit, from, to, rapid.Bool().Draw(t, "null keys"))
		cuts := drawCuts(t, len(events))
		only := spec.OnlyChanges
		spec.OnlyChanges = false
		first := rapid.Int64Range(from-5, to+25).Draw(t, "first") * unit
		var want []string
		for _, r := range rowsOf(t, window.NewSweep(spec), events) {
			if labelOf(t, r) >= first {
				want = append(want, r)
			}
		}
		spec.FirstLabel, spec.OnlyChanges = &first, only
		got := rowsOf(t, window.NewSweep(spec), events, cuts...)
		if only && spec.NullKeys == window.NullIsEqual {
			got, want = withoutRepeats(got), withoutRepeats(want)
		} else if only {
			t.Skip("rows that come apart by window have no row before")
		}
		differ(t, got, want)
	})
}
