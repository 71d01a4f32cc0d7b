package scripts_test

import (
	"strings"
	"syscall"
	"testing"
)

// withServers is with.sh over servers that only say when they begin and end.
func withServers(t *testing.T) *tree {
	x := copied(t, "scripts/services/with.sh", "scripts/services/lib.sh")
	x.write("scripts/services/lib.sh", x.read("scripts/services/lib.sh")+"\nmissing() { :; }\n")
	x.write("scripts/services/up.sh", "#!/bin/sh\nmkdir -p \"$FEATUREHOST_SERVICES_STATE\"\necho export ADDRESS=here >\"$FEATUREHOST_SERVICES_STATE/services.env\"\necho up >>\"$LOG\"\n")
	x.write("scripts/services/down.sh", "#!/bin/sh\necho down >>\"$LOG\"\nrm -r \"$FEATUREHOST_SERVICES_STATE\"\n")
	return x
}

// The command has the servers' addresses and the caller's input, and its status
// is with.sh's.
func TestWith_Command_InputAndStatus(t *testing.T) {
	x := withServers(t)
	out, status := x.run("some input\n", "scripts/services/with.sh", "sh", "-c", `cat; echo "$ADDRESS $1"; exit 7`, "sh", "an argument")
	if status != 7 || out != "some input\nhere an argument\n" || x.read("log") != "up\ndown\n" {
		t.Errorf("status %d, log %q\n%s", status, x.read("log"), out)
	}
}

// A signal ends the command with all that it started, and only then the servers.
func TestWith_Signal_ServersEndLast(t *testing.T) {
	for signal, want := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130, syscall.SIGHUP: 129} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			x := withServers(t)
			// As go test under sh: the child dies at once, its own child takes a
			// while to clean up.
			x.write("slow", "#!/bin/bash\ntrap 'sleep 1; echo cleaned >>\"$LOG\"; exit' TERM\necho $$ >slow.pid\necho working >>\"$LOG\"\nwhile :; do sleep 0.1; done\n")
			c, out := x.begin("", "scripts/services/with.sh", "sh", "-c", "./slow; echo went on >>\"$LOG\"")
			x.await("working")
			if err := c.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			status := x.end(c)
			if got := x.read("log"); !x.gone("slow.pid") || status != want || got != "up\nworking\ncleaned\ndown\n" {
				t.Errorf("status %d, want %d, log %q\n%s", status, want, got, out)
			}
		})
	}
}

// What does not end by itself is ended by the second signal.
func TestWith_SecondSignal_EndsWhatHangs(t *testing.T) {
	x := withServers(t)
	x.write("hangs", "#!/bin/bash\ntrap 'echo told >>\"$LOG\"' TERM\necho $$ >hangs.pid\necho working >>\"$LOG\"\nwhile :; do sleep 0.1; done\n")
	c, out := x.begin("", "scripts/services/with.sh", "./hangs")
	x.await("working")
	for _, line := range []string{"told", "down"} {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		x.await(line)
	}
	if status := x.end(c); !x.gone("hangs.pid") || status != 143 || strings.Count(x.read("log"), "told") != 1 {
		t.Errorf("status %d, log %q\n%s", status, x.read("log"), out)
	}
}
