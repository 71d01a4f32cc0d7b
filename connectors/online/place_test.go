package online

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/featurehost/featurehost/connectors/online/staged"
)

// A pipeline folder that is moved with its state still finishes what a killed
// run prepared: paths in a Pending are relative to it.
func TestBelow_InsideThePipelineFolder_Relative(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(here, "state", "pending", "x.arrow")
	for _, d := range []string{".", here, here + "/"} {
		if got, want := staged.Below(d, inside), filepath.Join("state", "pending", "x.arrow"); got != want {
			t.Errorf("below %q: %q, want %q", d, got, want)
		}
		if got, err := filepath.Abs(staged.Resolve(d, staged.Below(d, inside))); err != nil || got != inside {
			t.Errorf("back from %q: %q, %v", d, got, err)
		}
	}
	outside := filepath.Join(filepath.Dir(here), "elsewhere", "x.arrow")
	if got := staged.Below(".", outside); got != outside {
		t.Errorf("outside: %q", got)
	}
}
