package builtins

import (
	"testing"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/parts"
)

func TestRegister_AddsBuiltins(t *testing.T) {
	var c parts.Catalog
	Register(&c)
	for _, name := range []string{"filter", "replace", "forward_fill", "pivot", "explode_json"} {
		if c.Stages[name] == nil {
			t.Errorf("no stage %q", name)
		}
	}
	if c.FeatureSet == nil || len(c.Stages) != 5 {
		t.Errorf("catalog %+v", c)
	}
}

// No code is used by two rooms.
func TestCodes_NotShared(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, d := range Codes() {
		if seen[d.Code] {
			t.Errorf("%s is used twice", d.Code)
		}
		seen[d.Code] = true
	}
}
