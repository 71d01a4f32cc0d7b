package hostile_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/featurehost/featurehost/conformance/hostile"
	"github.com/featurehost/featurehost/host/hosttest"
)

// runnable are the programs that this machine can run.
func (c *court) runnable(t *testing.T) []laid {
	t.Helper()
	if _, err := exec.LookPath("python3"); err == nil {
		return c.programs
	}
	t.Run("python3", func(t *testing.T) { hosttest.Missing(t, "python3 is not installed") })
	return slices.DeleteFunc(slices.Clone(c.programs), func(p laid) bool { return filepath.Ext(p.Script) == ".py" })
}

// oneOfEach gives one program for each code at each moment, if it can be one that
// does not hang.
func oneOfEach(programs []laid) (some []laid) {
	type ending struct {
		when hostile.When
		code int
	}
	seen := map[ending]bool{}
	for _, hangs := range []bool{false, true} {
		for _, p := range programs {
			if e := (ending{p.When, p.Code}); p.Hangs == hangs && !seen[e] {
				seen[e] = true
				some = append(some, p)
			}
		}
	}
	return some
}

// ABI-P-001 to ABI-P-012, ABI-W-053: each misdeed ends in its code, and the host
// goes on. What it does to a host that is killed is in host/internal/process.
func TestPrograms_EachEndsInItsCode_HostGoesOn(t *testing.T) {
	patience := time.Second
	if testing.Short() {
		patience /= 2
	}
	c := newCourt(t, patience)
	programs := c.runnable(t)
	if testing.Short() {
		programs = oneOfEach(programs)
	}
	errs := c.all(programs, 1)
	for _, p := range programs {
		t.Run(p.Name, func(t *testing.T) {
			if err := errs[p.Name]; err != nil {
				t.Error(err)
			}
		})
	}
	if len(errs) < 35 || len(errs) != len(programs) {
		t.Errorf("%d programs, with %d names", len(programs), len(errs))
	}
}

// After many repetitions of every misdeed the host holds what it held after the
// first few, and nothing of the programs is left.
func TestPrograms_Repeated_NothingLeaks(t *testing.T) {
	if testing.Short() && *repeated == 0 {
		t.Skip("a matter of many starts")
	}
	n := times(2)
	patience := 400 * time.Millisecond
	if *repeated > 0 {
		patience /= 2
	}
	c := newCourt(t, patience)
	programs := c.runnable(t)
	round := func(n int) footprint {
		t.Helper()
		for name, err := range c.all(programs, n) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
		c.empty(t)
		return measure(t)
	}
	before := round(max(1, n/50))
	start := time.Now()
	after := round(n)
	eventually(func() bool {
		after = measure(t)
		return after.goroutines <= before.goroutines && after.files <= before.files
	})
	t.Logf("%d programs, %d times in %v: before %+v, after %+v", len(programs), n, time.Since(start).Round(time.Second), before, after)
	compare(t, before, after)
}
