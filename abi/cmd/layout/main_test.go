package main

import (
	"fmt"
	"go/format"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
)

// ABI-W-021: headers of every language come from the one table.
func TestWrite_EveryLanguage_HoldsEveryConstant(t *testing.T) {
	for _, lang := range []string{"c", "go", "rust", "zig", "assemblyscript"} {
		var b strings.Builder
		if err := write(&b, lang, "fh"); err != nil {
			t.Fatal(err)
		}
		for _, c := range abi.Constants() {
			found := false
			for _, l := range strings.Split(b.String(), "\n") {
				found = found || strings.Contains(l, c.Name) && strings.HasSuffix(strings.TrimRight(l, ";"), fmt.Sprintf(" %d", c.Value))
			}
			if !found {
				t.Errorf("%s: no line for %s = %d", lang, c.Name, c.Value)
			}
		}
		if lang == "go" {
			if out, err := format.Source([]byte(b.String())); err != nil || string(out) != b.String() {
				t.Errorf("go: not formatted: %v", err)
			}
		}
	}
}

func TestWrite_UnknownLanguage_Refused(t *testing.T) {
	if err := write(&strings.Builder{}, "cobol", ""); err == nil {
		t.Error("no error")
	}
}
