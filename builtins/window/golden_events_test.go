package window_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/hosttest"
)

// goldenEvents runs rows through Events and sorts what comes out.
func goldenEvents(t *testing.T, spec window.EventSpec, rows ...string) []string {
	t.Helper()
	got := eventsText(t, spec, "id bigint, ts timestamp, v double", rows...)
	slices.Sort(got)
	return got
}

// Golden case 05: whole seconds, both ends in; null keys are one partition.
// Rules: S-801, S-803, S-805.
func TestEvents_Golden05_FixedWindows(t *testing.T) {
	minutes := func(n int64) window.Frame {
		return window.Frame{Span: window.Length{Micros: n * hour / 60}, Bounds: window.ClosedClosed, WholeSeconds: true}
	}
	spec := frames("ts", []window.Function{window.Sum, window.Count, window.Avg, window.Min, window.Max, window.First, window.Last}, minutes(2), minutes(15))
	wantRows(t, goldenEvents(t, spec,
		"null | 2020-01-01T00:00:00Z | 7", "null | 2020-01-01T00:00:30Z | 9",
		"1 | 2020-01-01T00:00:00Z | 1", "1 | 2020-01-01T00:01:00Z | 2", "1 | 2020-01-01T00:02:00Z | 4", "1 | 2020-01-01T00:02:00.5Z | 8",
		"1 | 2020-01-01T00:02:01Z | 16", "1 | 2020-01-01T00:15:00Z | null", "1 | 2020-01-01T00:17:01Z | 32", "2 | 2020-01-01T00:00:00Z | 5"), 1, false,
		"null | 2020-01-01 | 7 | 7 | 7 | 1 | 1 | 7 | 7 | 7 | 7 | 7 | 7 | 7 | 7 | 7 | 7",
		"null | 2020-01-01T00:00:30Z | 9 | 16 | 16 | 2 | 2 | 8 | 8 | 7 | 7 | 9 | 9 | 7 | 7 | 9 | 9",
		"1 | 2020-01-01 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1",
		"1 | 2020-01-01T00:01:00Z | 2 | 3 | 3 | 2 | 2 | 1.5 | 1.5 | 1 | 1 | 2 | 2 | 1 | 1 | 2 | 2",
		"1 | 2020-01-01T00:02:00.5Z | 8 | 15 | 15 | 4 | 4 | 3.75 | 3.75 | 1 | 1 | 8 | 8 | 1 | 1 | 8 | 8",
		"1 | 2020-01-01T00:02:00Z | 4 | 15 | 15 | 4 | 4 | 3.75 | 3.75 | 1 | 1 | 8 | 8 | 1 | 1 | 8 | 8",
		"1 | 2020-01-01T00:02:01Z | 16 | 30 | 31 | 4 | 5 | 7.5 | 6.2 | 2 | 1 | 16 | 16 | 2 | 1 | 16 | 16",
		"1 | 2020-01-01T00:15:00Z | null | null | 31 | 0 | 5 | null | 6.2 | null | 1 | null | 16 | null | 1 | null | null",
		"1 | 2020-01-01T00:17:01Z | 32 | 32 | 48 | 1 | 2 | 32 | 24 | 32 | 16 | 32 | 32 | 32 | 16 | 32 | 32",
		"2 | 2020-01-01 | 5 | 5 | 5 | 1 | 1 | 5 | 5 | 5 | 5 | 5 | 5 | 5 | 5 | 5 | 5")
}

// Golden case 06: the rows before and the present one.
// Rules: S-801, S-804.
func TestEvents_Golden06_RowWindows(t *testing.T) {
	spec := frames("ts", []window.Function{window.Avg, window.Count, window.Sum, window.CollectList}, window.Frame{Rows: 2}, window.Frame{Rows: 3}, window.Frame{Rows: 1})
	wantRows(t, goldenEvents(t, spec, "1 | 2020-01-01 | 200", "1 | 2020-01-02 | 300", "1 | 2020-01-03 | null", "1 | 2020-01-04 | 500", "2 | 2020-01-01 | 1"), 1, false,
		"1 | 2020-01-01 | 200 | 200 | 200 | 200 | 1 | 1 | 1 | 200 | 200 | 200 | [200] | [200] | [200]",
		"1 | 2020-01-02 | 300 | 250 | 250 | 300 | 2 | 2 | 1 | 500 | 500 | 300 | [200,300] | [200,300] | [300]",
		"1 | 2020-01-03 | null | 300 | 250 | null | 1 | 2 | 0 | 300 | 500 | null | [300] | [200,300] | []",
		"1 | 2020-01-04 | 500 | 500 | 400 | 500 | 1 | 2 | 1 | 500 | 800 | 500 | [500] | [300,500] | [500]",
		"2 | 2020-01-01 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | [1] | [1] | [1]")
}

// Golden case 28: a compat year has 336 days.
// Rules: S-802, S-803.
func TestEvents_Golden28_YearWindow(t *testing.T) {
	seconds := func(n int64) window.Frame {
		return window.Frame{Span: window.Length{Micros: n * 1_000_000}, Bounds: window.ClosedClosed, WholeSeconds: true}
	}
	spec := frames("ts", []window.Function{window.Sum}, seconds(29_030_400), seconds(4*604_800), seconds(86_400), seconds(90))
	wantRows(t, goldenEvents(t, spec, "1 | 2019-01-01 | 1", "1 | 2019-12-03 | 2", "1 | 2019-12-04 | 4", "1 | 2020-01-01 | 8"), 1, false,
		"1 | 2019-01-01 | 1 | 1 | 1 | 1 | 1", "1 | 2019-12-03 | 2 | 3 | 2 | 2 | 2", "1 | 2019-12-04 | 4 | 6 | 6 | 6 | 4", "1 | 2020-01-01 | 8 | 14 | 12 | 8 | 8")
}

// Golden case 17: a pivot is a lane for each value; an absent value is null.
// Rules: S-901, S-931.
func TestGroup_Golden17_Pivot(t *testing.T) {
	spec := window.Spec{Keys: []string{"id"}, Time: "ts", EmptyNull: true}
	for _, value := range []string{"pub", "unpub"} {
		for _, f := range []window.Function{window.Avg, window.Count} {
			a := aggregate("rent", f, 1)
			a.Where = value
			spec.Aggregates = append(spec.Aggregates, a)
		}
	}
	in := hosttest.Batch(t, "id bigint, ts timestamp, rent double, pub boolean, unpub boolean",
		"1 | 2020-01-01T13:01:00Z | 1000 | true | false", "1 | 2020-01-02T13:01:00Z | 2000 | false | false", "1 | 2020-01-03T13:01:00Z | 1000 | false | true",
		"2 | 2020-01-01T14:01:00Z | 2000 | true | false", "2 | 2020-01-09T14:01:00Z | 1000 | false | true", "2 | 2020-01-09T14:01:00Z | 3000 | null | null")
	defer in.Release()
	g := window.NewGroup(spec)
	defer g.Close()
	ctx := context.Background()
	if _, err := g.Open(ctx, in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	var out hosttest.Recorder
	defer out.Release()
	if err := g.Process(ctx, in, out.Emit); err != nil {
		t.Fatal(err)
	}
	if err := g.Flush(ctx, out.Emit); err != nil {
		t.Fatal(err)
	}
	wantRows(t, strings.Split(strings.TrimSuffix(out.Text(), "\n"), "\n"), 1, false,
		"1 | 2020-01-01T13:01:00Z | 1000 | 1 | null | null", "1 | 2020-01-02T13:01:00Z | null | null | null | null", "1 | 2020-01-03T13:01:00Z | null | null | 1000 | 1",
		"2 | 2020-01-01T14:01:00Z | 2000 | 1 | null | null", "2 | 2020-01-09T14:01:00Z | null | null | 1000 | 1")
}

// Golden case 19: the first row of each tuple, null being one.
// Rules: S-917, S-914.
func TestSweep_Golden19_DistinctFirst(t *testing.T) {
	spec := window.Spec{
		Keys: []string{"id"}, Time: "ts", Windows: []window.Length{{Micros: 24 * hour}, {Micros: 48 * hour}}, Slide: window.Length{Micros: 24 * hour},
		Grid: window.StartsOnMultiples, Rows: window.EveryLabel, OnlyChanges: true, EmptyNull: true,
		NullKeys: window.NullNeverMatches, LastLabel: instant("2020-01-04"), Distinct: &window.Distinct{Columns: []string{"h"}, First: true},
		Aggregates: []window.Aggregate{aggregate("v", window.Sum, 2), aggregate("v", window.Count, 2)},
	}
	wantRows(t, sweepText(t, spec, "id bigint, ts timestamp, h bigint, v double",
		"1 | 2020-01-01T01:00:00Z | 10 | 1", "1 | 2020-01-01T02:00:00Z | 10 | 2", "1 | 2020-01-01T03:00:00Z | 11 | 4", "1 | 2020-01-02T01:00:00Z | 10 | 8",
		"2 | 2020-01-01T01:00:00Z | null | 16", "2 | 2020-01-01T02:00:00Z | null | 32"), 1, true,
		"1 | 2020-01-01 | null | null | null | null", "1 | 2020-01-02 | 5 | 5 | 2 | 2", "1 | 2020-01-03 | 8 | 5 | 1 | 2", "1 | 2020-01-04 | null | 8 | null | 1",
		"2 | 2020-01-01 | null | null | null | null", "2 | 2020-01-02 | 16 | 16 | 1 | 1", "2 | 2020-01-03 | null | 16 | null | 1", "2 | 2020-01-04 | null | null | null | null")
}
