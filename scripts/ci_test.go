package scripts_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ci is .ci/run with stand-ins for all that it calls. What fetches the servers
// takes for ever.
func ci(t *testing.T, tools string) *tree {
	x := copied(t, ".ci/run")
	x.write("bin/apt-get", "#!/bin/sh\n")
	x.write("bin/make", "#!/bin/sh\necho make \"$@\" >>\"$LOG\"\n")
	x.write("scripts/tools.sh", tools)
	x.write("scripts/pyarrow.sh", "#!/bin/sh\necho python3\n")
	x.write("scripts/services/fetch.sh", "#!/bin/sh\nsleep 600 &\necho $! >fetching.pid\necho fetching >>\"$LOG\"\nwait\n")
	x.write("scripts/services/spark.sh", "#!/bin/sh\necho spark \"$@\" >>\"$LOG\"\n")
	return x
}

const fetches = "#!/bin/sh\nuntil grep -q fetching \"$LOG\"; do sleep 0.01; done\n"

// nothing checks that no process and no file is left.
func (x *tree) nothing() {
	x.Helper()
	if !x.gone("fetching.pid") {
		x.Error("the fetch goes on")
	}
	if left, err := filepath.Glob(x.path("tmp/*")); err != nil || len(left) > 0 {
		x.Errorf("left behind: %q %v", left, err)
	}
}

func TestCI_StepFails_FetchEnds(t *testing.T) {
	x := ci(t, fetches+"exit 9\n")
	out, status := x.run("", ".ci/run")
	if status != 9 || strings.Contains(x.read("log"), "make") {
		t.Errorf("status %d, log %q\n%s", status, x.read("log"), out)
	}
	x.nothing()
}

func TestCI_Signal_FetchEnds(t *testing.T) {
	x := ci(t, fetches+"echo tools >>\"$LOG\"\nsleep 1\n")
	c, out := x.begin("", ".ci/run")
	x.await("tools")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := x.end(c); status == 0 || strings.Contains(x.read("log"), "make") {
		t.Errorf("status %d, log %q\n%s", status, x.read("log"), out)
	}
	x.nothing()
}

func TestCI_FetchFails_SaidBeforeTheTests(t *testing.T) {
	for fetch, want := range map[string]int{"echo no network; exit 4": 1, "echo all there": 0} {
		x := ci(t, "exit 0\n")
		x.write("scripts/services/fetch.sh", "#!/bin/sh\n"+fetch+"\n")
		out, status := x.run("", ".ci/run")
		if status != want || strings.Contains(x.read("log"), "make test") != (want == 0) || strings.Contains(x.read("log"), "spark --fetch") != (want == 0) || !strings.Contains(out, strings.TrimPrefix(strings.Split(fetch, ";")[0], "echo ")) {
			t.Errorf("%s: status %d, log %q\n%s", fetch, status, x.read("log"), out)
		}
		if left, err := filepath.Glob(x.path("tmp/*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %q %v", left, err)
		}
	}
}
