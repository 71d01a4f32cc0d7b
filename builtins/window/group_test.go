package window_test

import (
	"context"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// The rows of golden case 07: null keys and null timestamps are groups.
// Rule: S-901.
func TestGroup_NullKeysAndTimes_AreGroups(t *testing.T) {
	spec := window.Spec{Keys: []string{"id"}, Time: "ts"}
	for _, f := range []window.Function{window.Count, window.Sum, window.Avg, window.Min, window.Max, window.StddevPop, window.StddevSamp} {
		spec.Aggregates = append(spec.Aggregates, aggregate("v", f, 1))
	}
	rows := []string{
		"null | 2020-01-01 | 4", "null | 2020-01-01 | 6",
		"1 | 2020-01-01 | 1", "1 | 2020-01-01 | 3", "1 | 2020-01-01 | null", "1 | 2020-01-02 | 5",
		"2 | null | 9", "2 | 2020-01-01 | null",
	}
	want := `null | 2020-01-01 | 2 | 10 | 5 | 4 | 6 | 1 | 1.4142135623730951
1 | 2020-01-01 | 2 | 4 | 2 | 1 | 3 | 1 | 1.4142135623730951
1 | 2020-01-02 | 1 | 5 | 5 | 5 | 5 | 0 | null
2 | null | 1 | 9 | 9 | 9 | 9 | 0 | null
2 | 2020-01-01 | 0 | null | null | null | null | null | null
`
	ctx := context.Background()
	for cut := range rows {
		g := window.NewGroup(spec)
		var out hosttest.Recorder
		a := hosttest.Batch(t, "id bigint, ts timestamp, v double", rows[:cut]...)
		b := hosttest.Batch(t, "id bigint, ts timestamp, v double", rows[cut:]...)
		if _, err := g.Open(ctx, a.Record.Schema()); err != nil {
			t.Fatal(err)
		}
		for _, x := range []flow.Batch{a, b} {
			if err := g.Process(ctx, x, out.Emit); err != nil {
				t.Fatal(err)
			}
			x.Release()
		}
		if err := g.Flush(ctx, out.Emit); err != nil {
			t.Fatal(err)
		}
		if got := out.Text(); got != want {
			t.Errorf("cut at %d:\n%s\nwant\n%s", cut, got, want)
		}
		out.Release()
		g.Close()
	}
}

func TestGroup_ManyGroups_SameAsOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("many rows in one goroutine: not for the race detector")
	}
	spec := window.Spec{Keys: []string{"k"}, Time: "ts", Aggregates: everything(1, "f", "i", "s")}
	var events []event
	for i := range int64(20_000) {
		events = append(events, ofKey(i%7, i/2, float64(i)/3))
	}
	sortEvents(events)
	differ(t, rowsOf(t, window.NewGroup(spec), events, 1, 1, 5000, 13_000), oracleGroups(spec, events))
	differ(t, rowsOf(t, window.NewGroup(spec), nil), nil)
}

func TestGroup_Refuses(t *testing.T) {
	in := record(nil)
	defer in.Release()
	spec := window.Spec{Keys: []string{"k"}, Time: "ts", Windows: []window.Length{{Micros: 1}}, Aggregates: everything(1, "f")}
	if _, err := window.NewGroup(spec).Open(context.Background(), in.Schema()); !fault.Is(err, window.BadSpec) {
		t.Error(err)
	}
	spec.Windows = nil
	for _, c := range []struct {
		events []event
		code   fault.Code
	}{
		{[]event{ofKey(1, 5, 0), ofKey(1, 4, 0)}, window.OutOfOrder},
		{[]event{ofKey(1, 5, 0), ofKey(1, noTime, 0)}, window.OutOfOrder},
		{[]event{ofKey(1, 1<<62, 0)}, window.TimeOutOfRange},
	} {
		if _, err := run(window.NewGroup(spec), c.events); !fault.Is(err, c.code) {
			t.Errorf("%v, want %s", err, c.code)
		}
	}
	g := window.NewGroup(spec)
	if _, err := g.Open(context.Background(), in.Schema()); err != nil {
		t.Fatal(err)
	}
	f, err := g.Fork(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r := strings.Join(f.Reads(), ","); r != "k,ts,f" {
		t.Error(r)
	}
}
