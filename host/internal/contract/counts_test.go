package contract

import (
	"fmt"
	"maps"
	"math"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// A plugin may not count under more names than a stage has.
func TestCounts_Names_Bounded(t *testing.T) {
	var c Counts
	for i := range 64 {
		if err := c.AddAll(map[string]float64{fmt.Sprintf("n%d", i): 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.AddAll(map[string]float64{"n0": 1}); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"one_more", "", "A"} {
		if err := c.AddAll(map[string]float64{name: 1}); !fault.Is(err, abi.CodeMisuse) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// counted keeps what was handed over.
type counted map[string]int64

// Add implements flow.Counter.
func (c counted) Add(name, _ string, n int64) { c[name] = n }

// What a whole number cannot hold is the greatest that it can; what is no number
// any more is refused, and the counter stays as it was.
func TestCounts_Large_Clamped(t *testing.T) {
	var c Counts
	for name, delta := range map[string]float64{"up": 1e300, "down": -1e300, "most": 1 << 63, "some": 2.5, "both": 1e308} {
		if err := c.Add(name, delta); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Add("both", 1e308); !fault.Is(err, abi.CodeMisuse) {
		t.Errorf("got %v", err)
	}
	got := counted{}
	c.Flush(got, "s")
	want := counted{"plugin_up": math.MaxInt64, "plugin_down": math.MinInt64, "plugin_most": math.MaxInt64, "plugin_some": 3, "plugin_both": math.MaxInt64}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Of counts that cannot all be added none is: the next try brings them again.
func TestCounts_Take_AllOrNone(t *testing.T) {
	for range 20 { // by a map, in any order
		var all Counts
		for i := range 60 {
			if err := all.Add(fmt.Sprintf("n%d", i), 1); err != nil {
				t.Fatal(err)
			}
		}
		var one Counts
		for i := range 10 {
			if err := one.Add(fmt.Sprintf("m%d", i), 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := all.Take(&one); !fault.Is(err, abi.CodeMisuse) {
			t.Fatalf("got %v", err)
		}
		got := counted{}
		if all.Flush(got, "s"); len(got) != 60 {
			t.Fatalf("%d names, want 60", len(got))
		}
	}
}
