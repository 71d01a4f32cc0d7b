package window_test

import (
	"fmt"
	"testing"

	"github.com/featurehost/featurehost/builtins/window"
)

// More tuples than are laid out at a time, of one group and of many windows.
// Rule: S-917.
func TestDistinct_ManyRows_SameAsOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("many rows in one goroutine: not for the race detector")
	}
	var events []event
	for i := range int64(40_000) {
		e := ofKey(i/39_000, 5, float64(i))
		e.v["i"], e.v["b"] = i%25_000, i%3 == 0
		events = append(events, e)
	}
	for _, first := range []bool{false, true} {
		kept := map[[2]int64]int{}
		for i, e := range events {
			tuple := [2]int64{*e.k, e.v["i"].(int64)}
			if _, ok := kept[tuple]; !ok || !first {
				kept[tuple] = i
			}
		}
		var n, part [2]int64
		var sum [2]float64
		for _, i := range kept {
			k := *events[i].k
			n[k]++
			if events[i].v["b"] == true {
				part[k]++
				sum[k] += events[i].v["f"].(float64)
			}
		}
		spec := window.Spec{Keys: []string{"k"}, Time: "ts", Distinct: &window.Distinct{Columns: []string{"i"}, First: first},
			Aggregates: []window.Aggregate{aggregate("f", window.Count, 1), aggregate("f", window.Count, 1), aggregate("f", window.Sum, 1)}}
		spec.Aggregates[1].Where, spec.Aggregates[2].Where = "b", "b"
		var want []string
		for k := range 2 {
			want = append(want, fmt.Sprintf("%d | 1970-01-01T00:00:00.000005Z | %d | %d | %s", k, n[k], part[k], float(sum[k])))
		}
		differ(t, rowsOf(t, window.NewGroup(spec), events, 9000, 30_000), want)
	}

	spec := daily(90)
	spec.OnlyChanges = false
	spec.Distinct = &window.Distinct{Columns: []string{"f"}}
	spec.Aggregates = []window.Aggregate{aggregate("i", window.Sum, 1), aggregate("i", window.CollectList, 1), aggregate("s", window.Last, 1)}
	spec.Aggregates[2].Where = "b"
	events = nil
	for d := range int64(300) {
		e := ofKey(d/290, d*24*hour, float64(d%80))
		e.v["b"] = d%2 == 0
		events = append(events, e)
	}
	differ(t, rowsOf(t, window.NewSweep(spec), events, 50, 51, 200), oracleRows(spec, events))
	spec.Distinct.First = true
	differ(t, rowsOf(t, window.NewSweep(spec), events, 50, 51, 200), oracleRows(spec, events))
}

// A lane whose condition is never true has windows without rows, null or not.
// Rules: S-914, S-931.
func TestLane_Empty_ValueOfNoRows(t *testing.T) {
	for _, null := range []bool{false, true} {
		spec := window.Spec{Keys: []string{"k"}, Time: "ts", EmptyNull: null, Aggregates: []window.Aggregate{
			aggregate("f", window.Count, 1), aggregate("f", window.Count, 1), aggregate("f", window.CollectList, 1), aggregate("f", window.Sum, 1)}}
		for i := range spec.Aggregates[1:] {
			spec.Aggregates[i+1].Where = "p"
		}
		want := "1 | 1970-01-01T00:00:00.000005Z | 1 | 0 | [] | null"
		if null {
			want = "1 | 1970-01-01T00:00:00.000005Z | 1 | null | null | null"
		}
		differ(t, rowsOf(t, window.NewGroup(spec), []event{ofKey(1, 5, 2)}), []string{want})
	}
}
