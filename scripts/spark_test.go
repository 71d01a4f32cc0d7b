package scripts_test

import (
	"strings"
	"testing"
)

// An installation that failed must not pass for one that was made.
func TestSpark_InstallFails_TriedAgain(t *testing.T) {
	x := copied(t, "scripts/services/spark.sh", "scripts/services/lib.sh", "scripts/services/spark/requirements.txt")
	python := func(venv, pip string) {
		x.write("bin/python3", "#!/bin/sh\necho venv >>\"$LOG\"\nmkdir -p \"$3/bin\"\ncat >\"$3/bin/pip\" <<'X'\n#!/bin/sh\necho pip \"$@\" >>\"$LOG\"\n"+pip+"\nX\nchmod +x \"$3/bin/pip\"\n"+venv+"\n")
	}
	for _, c := range []struct {
		venv, pip string
		status    int
		said      string
	}{
		{"exit 1", "exit 0", 1, "could not be installed"},
		{"exit 0", "echo no network >&2; exit 1", 1, "could not be installed"},
		{"exit 0", "exit 0", 0, "installing"},
		{"exit 1", "exit 1", 0, ""}, // it is there, nothing is asked
	} {
		python(c.venv, c.pip)
		out, status := x.run("", "scripts/services/spark.sh", "--fetch")
		if status != c.status || !strings.Contains(out, c.said) {
			t.Fatalf("%+v: status %d\n%s", c, status, out)
		}
		if x.exists("cache/pyspark-4.0.1/fetched") != (c.status == 0) {
			t.Errorf("%+v: marked as installed: %v", c, c.status != 0)
		}
	}
	if log := x.read("log"); strings.Count(log, "venv") != 3 || !strings.Contains(log, "--require-hashes -r ") {
		t.Errorf("what was asked:\n%s", log)
	}
}
