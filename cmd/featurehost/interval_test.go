package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// days gives the rows of some days, labels of January 2024, out of a table.
func days(rows []string, from, to int) []string {
	var out []string
	for _, r := range rows {
		for d := from; d <= to; d++ {
			if strings.Contains(r, fmt.Sprintf(" | 2024-01-%02d |", d)) {
				out = append(out, r)
			}
		}
	}
	return out
}

// differ shows the rows that only one of two sorted tables has.
func differ(a, b []string) string {
	var out strings.Builder
	for _, x := range []struct {
		sign      string
		have, not []string
	}{{"-", a, b}, {"+", b, a}} {
		for _, r := range x.have {
			if _, found := slices.BinarySearch(x.not, r); !found {
				out.WriteString(x.sign + r + "\n")
			}
		}
	}
	if out.Len() == 0 && len(a) != len(b) {
		fmt.Fprintf(&out, "%d rows and %d, some twice\n", len(a), len(b))
	}
	return out.String()
}

// incremental says how the reader of base tells the day of a row.
func incremental() []string {
	return []string{`format = "csv"`, "format = \"csv\"\nincremental = { column = \"ts\" }"}
}

// TestRun_Twice_SameTable: a second full run gives the same rows.
// Rules: S-1207, S-1605.
func TestRun_Twice_SameTable(t *testing.T) {
	t.Parallel()
	w := ran(t)
	first := w.rows()
	if len(first) < 20 {
		t.Fatalf("only %d rows", len(first))
	}
	w.good("run", "p.toml")
	if d := differ(first, w.rows()); d != "" {
		t.Errorf("first -, second +\n%s", d)
	}
	w.clean()
}

// TestRun_Intervals_UnionIsTheFullRun: runs over parts of the time, in any
// order, make the table of one run over all of it.
// Rules: S-509, S-512, S-1104, S-1306.
func TestRun_Intervals_UnionIsTheFullRun(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string][]string{"reads all": nil, "incremental": incremental()} {
		t.Run(name, func(t *testing.T) {
			full := newWorld(t)
			full.events(7, 12)
			full.pipeline(edit...)
			// Without an end, a run goes to the last end at which an event counts.
			full.good("run", "p.toml", "--end", "2024-01-16")
			parts := newWorld(t)
			parts.events(7, 12)
			parts.pipeline(edit...)
			for _, i := range [][2]int{{6, 9}, {1, 1}, {13, 16}, {10, 12}, {2, 5}} {
				parts.good("run", "p.toml", "--start", fmt.Sprintf("2024-01-%02d", i[0]), "--end", fmt.Sprintf("2024-01-%02d", i[1]))
			}
			want, got := full.rows(), parts.rows()
			if d := differ(want, got); len(want) < 50 || d != "" {
				t.Errorf("full run -, union +\n%s", d)
			}
			for _, key := range []string{"0", "3", "6"} {
				if a, b := full.good("get", "p.toml", key), parts.good("get", "p.toml", key); a.stdout != b.stdout {
					t.Errorf("vector of %s\n%s\nunion\n%s", key, a.stdout, b.stdout)
				}
			}
			parts.clean()
		})
	}
}

// TestRun_Interval_OtherDaysUntouched: the days of the interval are replaced,
// those without rows now are cleared, and no byte of another day changes.
// Rules: S-1202, S-1206.
func TestRun_Interval_OtherDaysUntouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.events(5, 8)
	w.pipeline(incremental()...)
	w.good("run", "p.toml")
	before := w.rows()
	other := func(p string) bool {
		return strings.Contains(p, "/historical/") && !strings.Contains(p, "/day=4/") && !strings.Contains(p, "/day=5/")
	}
	untouched := w.files(other)

	w.write("events.csv", strings.ReplaceAll(w.read("events.csv"), ".5\n", ".25\n"))
	w.good("run", "p.toml", "--start", "2024-01-04", "--end", "2024-01-05")
	after := w.rows()
	if got := w.files(other); got != untouched {
		t.Errorf("other days changed\nfrom\n%s\nto\n%s", untouched, got)
	}
	if slices.Equal(days(before, 4, 5), days(after, 4, 5)) {
		t.Error("the days of the interval did not change")
	}
	if a, b := len(days(before, 4, 5)), len(days(after, 4, 5)); a == 0 || a != b {
		t.Errorf("%d rows of the interval, before %d", b, a)
	}
	w.good("run", "p.toml", "--start", "2024-01-04", "--end", "2024-01-05")
	if again := w.rows(); !slices.Equal(again, after) {
		t.Error("a second run over the interval made other rows")
	}

	// Only customer 3 is left, and only on the 1st: nothing changes on the 5th.
	w.write("events.csv", "id,ts,amount\n3,2024-01-01T10:00:00Z,1.5\n")
	o := w.good("run", "p.toml", "--date", "2024-01-05")
	if left := days(w.rows(), 5, 5); len(left) != 0 || !strings.Contains(o.stdout, "cleared") {
		t.Errorf("the 5th holds\n%s\n%s", strings.Join(left, "\n"), o.stdout)
	}
	if left, _ := filepath.Glob(w.path("out/historical/customer/spend/year=2024/month=1/day=5*")); len(left) != 0 {
		t.Errorf("%v is still there", left)
	}
	if got := w.files(other); got != untouched {
		t.Error("other days changed")
	}
	w.clean()
}

// TestRun_Backfill_OnlineKeepsTheNewest: a run over an old day does not put an
// old vector in place of a newer one; a run over the newest day does change it.
// Rule: S-1303.
func TestRun_Backfill_OnlineKeepsTheNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.events(5, 8)
	w.pipeline(incremental()...)
	w.good("run", "p.toml")
	before := w.good("get", "p.toml", "2").stdout
	w.write("events.csv", strings.ReplaceAll(w.read("events.csv"), ".5\n", ".25\n"))
	w.good("run", "p.toml", "--date", "2024-01-04")
	if got := w.good("get", "p.toml", "2").stdout; got != before {
		t.Errorf("a backfill changed the vector from\n%s\nto\n%s", before, got)
	}
	// The newest vector of a key is of the end at which its windows empty; the
	// amount column there is null. One more event makes it newer.
	w.write("events.csv", w.read("events.csv")+"2,2024-01-20T00:00:00Z,100\n")
	w.good("run", "p.toml", "--date", "2024-01-21")
	if got := w.good("get", "p.toml", "2").stdout; got == before || !strings.Contains(got, "100") {
		t.Errorf("the vector is\n%s", got)
	}
}
