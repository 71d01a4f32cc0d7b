package window_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

const hour = int64(time.Hour / time.Microsecond)

func instant(s string) *int64 {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	us := t.UnixMicro()
	return &us
}

// sweepText runs rows as text through a Sweep and gives its rows, sorted.
func sweepText(t *testing.T, spec window.Spec, columns string, rows ...string) []string {
	t.Helper()
	in := hosttest.Batch(t, columns, rows...)
	defer in.Release()
	s := window.NewSweep(spec)
	defer s.Close()
	ctx := context.Background()
	if _, err := s.Open(ctx, in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	x := flow.Extent{Rows: in.Rows(), MinTime: math.MaxInt64, MaxTime: math.MinInt64, Timed: true}
	for i, f := range in.Record.Schema().Fields() {
		if f.Name == spec.Time {
			for r := range int(in.Rows()) {
				u, err := time.Parse(time.RFC3339Nano, in.Record.Column(i).ValueStr(r))
				if err != nil {
					u, err = time.Parse("2006-01-02 15:04:05.999999Z", in.Record.Column(i).ValueStr(r))
				}
				if err != nil {
					t.Fatal(err)
				}
				x.MinTime, x.MaxTime = min(x.MinTime, u.UnixMicro()), max(x.MaxTime, u.UnixMicro())
			}
		}
	}
	s.Bound(x)
	var out hosttest.Recorder
	defer out.Release()
	if err := s.Process(ctx, in, out.Emit); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(ctx, out.Emit); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.Text(), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// wantRows compares rows as a multiset, doubles at 1e-9 relative, after
// removal of rows equal to the one before in all features (S-1101) if dedup.
func wantRows(t *testing.T, got []string, keys int, dedup bool, want ...string) {
	t.Helper()
	if dedup {
		var kept []string
		before := ""
		for _, r := range got {
			p := strings.Split(r, " | ")
			now := fmt.Sprint(p[:keys], p[keys+1:])
			if now != before {
				kept = append(kept, r)
			}
			before = now
		}
		got = kept
	}
	slices.Sort(want)
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range got {
		g, w := strings.Split(got[i], " | "), strings.Split(want[i], " | ")
		for c := range g {
			x, errX := strconv.ParseFloat(g[c], 64)
			y, errY := strconv.ParseFloat(w[c], 64)
			if g[c] != w[c] && (errX != nil || errY != nil || math.Abs(x-y) > 1e-9*math.Abs(y)) {
				t.Errorf("row %d:\n got %s\nwant %s", i, got[i], want[i])
			}
		}
	}
}

var ordinary = []string{
	"1 | 2020-01-01T13:01:00Z | 1000 | 1",
	"1 | 2020-01-02T13:01:00Z | 2000 | null",
	"1 | 2020-01-03T13:01:00Z | 1000 | 4",
	"2 | 2020-01-01T14:01:00Z | 2000 | 2",
	"2 | 2020-01-09T14:01:00Z | 1000 | 5",
	"2 | 2020-01-10T00:00:00Z | null | null",
}

// Golden case 08: base table of midnights, an empty window is null.
// Rules: S-912, S-914.
func TestSweep_Golden08_OneWindow(t *testing.T) {
	for _, onlyChanges := range []bool{true, false} {
		spec := window.Spec{
			Keys: []string{"id"}, Time: "ts", Windows: []window.Length{{Micros: 72 * hour}}, Slide: window.Length{Micros: 24 * hour},
			Grid: window.StartsOnMultiples, Rows: window.EveryLabel, OnlyChanges: onlyChanges, EmptyNull: true,
			NullKeys: window.NullNeverMatches, LastLabel: instant("2020-01-15"),
			Aggregates: []window.Aggregate{aggregate("v", window.Avg, 1), aggregate("v", window.StddevPop, 1), aggregate("v", window.Count, 1)},
		}
		wantRows(t, sweepText(t, spec, "id bigint, ts timestamp, v double, w bigint", ordinary...), 1, true,
			"1 | 2020-01-01 | null | null | null",
			"1 | 2020-01-02 | 1000 | 0 | 1",
			"1 | 2020-01-03 | 1500 | 500 | 2",
			"1 | 2020-01-04 | 1333.3333333333333 | 471.4045207910317 | 3",
			"1 | 2020-01-05 | 1500 | 500 | 2",
			"1 | 2020-01-06 | 1000 | 0 | 1",
			"1 | 2020-01-07 | null | null | null",
			"2 | 2020-01-01 | null | null | null",
			"2 | 2020-01-02 | 2000 | 0 | 1",
			"2 | 2020-01-05 | null | null | null",
			"2 | 2020-01-10 | 1000 | 0 | 1",
			"2 | 2020-01-13 | null | null | 0",
			"2 | 2020-01-14 | null | null | null",
		)
	}
}

// Golden case 10: an outer join of windows; a null key comes apart.
// Rules: S-913, S-918.
func TestSweep_Golden10_SlideHour(t *testing.T) {
	spec := window.Spec{
		Keys: []string{"id"}, Time: "ts", Windows: []window.Length{{Micros: hour}, {Micros: 2 * hour}}, Slide: window.Length{Micros: hour},
		Grid: window.StartsOnMultiples, Rows: window.WithData, OnlyChanges: true, EmptyNull: true,
		NullKeys: window.NullNeverMatches, LastLabel: instant("2020-01-02"),
		Aggregates: []window.Aggregate{aggregate("v", window.Sum, 2), aggregate("v", window.Count, 2)},
	}
	*spec.LastLabel-- // all labels of the day
	got := sweepText(t, spec, "id bigint, ts timestamp, v double",
		"null | 2020-01-01T03:10:00Z | 32",
		"null | 2020-01-01T03:20:00Z | 64",
		"1 | 2020-01-01T00:00:00Z | 1",
		"1 | 2020-01-01T00:30:00Z | 2",
		"1 | 2020-01-01T01:00:00Z | 4",
		"1 | 2020-01-01T05:59:59.999Z | 8",
		"2 | 2020-01-01T03:10:00Z | 16")
	// The last row of the null key, for hour 5, equals no row before it.
	wantRows(t, got, 1, true,
		"null | 2020-01-01T04:00:00Z | 96 | null | 2 | null",
		"null | 2020-01-01T04:00:00Z | null | 96 | null | 2",
		"1 | 2020-01-01T01:00:00Z | 3 | 3 | 2 | 2",
		"1 | 2020-01-01T02:00:00Z | 4 | 7 | 1 | 3",
		"1 | 2020-01-01T03:00:00Z | null | 4 | null | 1",
		"1 | 2020-01-01T06:00:00Z | 8 | 8 | 1 | 1",
		"1 | 2020-01-01T07:00:00Z | null | 8 | null | 1",
		"2 | 2020-01-01T04:00:00Z | 16 | 16 | 1 | 1",
		"2 | 2020-01-01T05:00:00Z | null | 16 | null | 1",
	)
}

// Golden case 12: labels with data only, no removal of duplicates.
// Rule: S-913.
func TestSweep_Golden12_Slide24Hours(t *testing.T) {
	spec := window.Spec{
		Keys: []string{"id"}, Time: "ts", Windows: []window.Length{{Micros: 72 * hour}}, Slide: window.Length{Micros: 24 * hour},
		Grid: window.StartsOnMultiples, Rows: window.WithData, EmptyNull: true,
		NullKeys: window.NullNeverMatches, LastLabel: instant("2020-01-15"),
		Aggregates: []window.Aggregate{aggregate("v", window.Sum, 1)},
	}
	wantRows(t, sweepText(t, spec, "id bigint, ts timestamp, v double, w bigint", ordinary...), 1, false,
		"1 | 2020-01-02 | 1000",
		"1 | 2020-01-03 | 3000",
		"1 | 2020-01-04 | 4000",
		"1 | 2020-01-05 | 3000",
		"1 | 2020-01-06 | 1000",
		"2 | 2020-01-02 | 2000",
		"2 | 2020-01-03 | 2000",
		"2 | 2020-01-04 | 2000",
		"2 | 2020-01-10 | 1000",
		"2 | 2020-01-11 | 1000",
		"2 | 2020-01-12 | 1000",
		"2 | 2020-01-13 | null",
	)
}

// Golden case 21: a base table has rows for null keys, all features null.
// Rules: S-912, S-918.
func TestSweep_Golden21_NullKeys(t *testing.T) {
	spec := window.Spec{
		Keys: []string{"id", "k2"}, Time: "ts", Windows: []window.Length{{Micros: 24 * hour}}, Slide: window.Length{Micros: 24 * hour},
		Grid: window.StartsOnMultiples, Rows: window.EveryLabel, OnlyChanges: true, EmptyNull: true,
		NullKeys: window.NullNeverMatches, LastLabel: instant("2020-01-03"),
		Aggregates: []window.Aggregate{aggregate("v", window.Sum, 1)},
	}
	wantRows(t, sweepText(t, spec, "id bigint, k2 string, ts timestamp, v double",
		"null | null | 2020-01-01T01:00:00Z | 4",
		"1 | null | 2020-01-01T01:00:00Z | 2",
		"1 | a | 2020-01-01T01:00:00Z | 1"), 2, true,
		"null | null | 2020-01-01 | null",
		"1 | null | 2020-01-01 | null",
		"1 | a | 2020-01-01 | null",
		"1 | a | 2020-01-02 | 1",
		"1 | a | 2020-01-03 | null",
	)
}

// goldenSpec is a window of a day in the profile of the golden cases.
func goldenSpec(last string, aggregates ...window.Aggregate) window.Spec {
	return window.Spec{
		Keys: []string{"id"}, Time: "ts", Windows: []window.Length{{Micros: 24 * hour}}, Slide: window.Length{Micros: 24 * hour},
		Grid: window.StartsOnMultiples, Rows: window.EveryLabel, EmptyNull: true, NullKeys: window.NullNeverMatches, LastLabel: instant(last),
		Aggregates: aggregates,
	}
}

// Golden case 09: several windows, sets null where no row is, [] where only
// nulls are.
// Rules: S-912, S-914.
func TestSweep_Golden09_SeveralWindows(t *testing.T) {
	spec := goldenSpec("2020-01-12", aggregate("v", window.Sum, 3), aggregate("w", window.Sum, 3), aggregate("w", window.CollectSet, 3))
	spec.Windows = []window.Length{{Micros: 24 * hour}, {Micros: 72 * hour}, {Micros: 7 * 24 * hour}}
	wantRows(t, sweepText(t, spec, "id bigint, ts timestamp, v double, w bigint", ordinary...), 1, true,
		"1 | 2020-01-01 | null | null | null | null | null | null | null | null | null",
		"1 | 2020-01-02 | 1000 | 1000 | 1000 | 1 | 1 | 1 | [1] | [1] | [1]",
		"1 | 2020-01-03 | 2000 | 3000 | 3000 | null | 1 | 1 | [] | [1] | [1]",
		"1 | 2020-01-04 | 1000 | 4000 | 4000 | 4 | 5 | 5 | [4] | [1,4] | [1,4]",
		"1 | 2020-01-05 | null | 3000 | 4000 | null | 4 | 5 | null | [4] | [1,4]",
		"1 | 2020-01-06 | null | 1000 | 4000 | null | 4 | 5 | null | [4] | [1,4]",
		"1 | 2020-01-07 | null | null | 4000 | null | null | 5 | null | null | [1,4]",
		"1 | 2020-01-09 | null | null | 3000 | null | null | 4 | null | null | [4]",
		"1 | 2020-01-10 | null | null | 1000 | null | null | 4 | null | null | [4]",
		"1 | 2020-01-11 | null | null | null | null | null | null | null | null | null",
		"2 | 2020-01-01 | null | null | null | null | null | null | null | null | null",
		"2 | 2020-01-02 | 2000 | 2000 | 2000 | 2 | 2 | 2 | [2] | [2] | [2]",
		"2 | 2020-01-03 | null | 2000 | 2000 | null | 2 | 2 | null | [2] | [2]",
		"2 | 2020-01-05 | null | null | 2000 | null | null | 2 | null | null | [2]",
		"2 | 2020-01-09 | null | null | null | null | null | null | null | null | null",
		"2 | 2020-01-10 | 1000 | 1000 | 1000 | 5 | 5 | 5 | [5] | [5] | [5]",
		"2 | 2020-01-11 | null | 1000 | 1000 | null | 5 | 5 | [] | [5] | [5]",
		"2 | 2020-01-12 | null | 1000 | 1000 | null | 5 | 5 | null | [5] | [5]",
	)
}

// Golden case 14: ends, sets and shapes; sets ascending.
// Rules: S-306, S-914, S-943.
func TestSweep_Golden14_FirstLastSets(t *testing.T) {
	spec := goldenSpec("2020-01-02",
		aggregate("v", window.CollectList, 1), aggregate("v", window.Kurtosis, 1), aggregate("v", window.Skewness, 1), aggregate("v", window.SumDistinct, 1),
		aggregate("v", window.Avg, 1), aggregate("v", window.Max, 1), aggregate("s", window.First, 1), aggregate("s", window.Last, 1),
		aggregate("s", window.CollectSet, 1), aggregate("s", window.Min, 1), aggregate("s", window.ApproxCountDistinct, 1))
	wantRows(t, sweepText(t, spec, "id bigint, ts timestamp, v double, s string",
		"1 | 2020-01-01T01:00:00Z | 3.0 | b",
		"1 | 2020-01-01T02:00:00Z | 3.0 | a",
		"1 | 2020-01-01T03:00:00Z | 1.0 | b",
		"2 | 2020-01-01T01:00:00Z | null | null",
		"2 | 2020-01-01T02:00:00Z | 7.5 | q"), 1, false,
		"1 | 2020-01-01 | null | null | null | null | null | null | null | null | null | null | null",
		"1 | 2020-01-02 | [3,3,1] | -1.5 | -0.7071067811865475 | 4.0 | 2.3333333333333335 | 3.0 | b | b | [\"a\",\"b\"] | a | 2",
		"2 | 2020-01-01 | null | null | null | null | null | null | null | null | null | null | null",
		"2 | 2020-01-02 | [7.5] | null | null | 7.5 | 7.5 | 7.5 | null | q | [\"q\"] | q | 1",
	)
}

// Golden case 15: what pandas makes of values, nulls and ties.
// Rule: S-912.
func TestSweep_Golden15_ModeAndMostFrequentSet(t *testing.T) {
	spec := goldenSpec("2020-01-02",
		aggregate("s", window.ModeText, 1), aggregate("s", window.MostFrequentSetText, 1), aggregate("n", window.ModeText, 1), aggregate("n", window.MostFrequentSetText, 1))
	wantRows(t, sweepText(t, spec, "id bigint, ts timestamp, s string, n bigint",
		"1 | 2020-01-01T01:00:00Z | b | 1",
		"1 | 2020-01-01T02:00:00Z | a | 2",
		"1 | 2020-01-01T03:00:00Z | b | 2",
		"1 | 2020-01-01T04:00:00Z | null | null",
		"2 | 2020-01-01T01:00:00Z | q | 7",
		"2 | 2020-01-01T05:00:00Z | p | 9"), 1, false,
		"1 | 2020-01-01 | null | null | null | null",
		"1 | 2020-01-02 | b | [\"b\",\"a\",\"None\"] | 2.0 | [\"2.0\",\"1.0\",\"nan\"]",
		"2 | 2020-01-01 | null | null | null | null",
		"2 | 2020-01-02 | p | [\"q\",\"p\"] | 7 | [\"7\",\"9\"]",
	)
}
