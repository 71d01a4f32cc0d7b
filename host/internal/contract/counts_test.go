package contract

import (
	"fmt"
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
