package hold

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// A folder is its process's while that holds it, whatever its number says; later
// the number and the folder's age tell.
func TestGone_HeldOrNot(t *testing.T) {
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	dead, me, long := ended.Process.Pid, os.Getpid(), time.Now().Add(-2*settling)
	for _, c := range []struct {
		name string
		held bool
		old  bool
		pid  int
		want bool
	}{
		{"held by one in another container", true, true, dead, false},
		{"held by us", true, false, me, false},
		{"of a process that ended", false, false, dead, true},
		{"new, its lock not taken yet", false, false, me, false},
		{"old, and the number is another's by now", false, true, me, true},
	} {
		dir := t.TempDir()
		if c.old {
			if err := os.Chtimes(dir, long, long); err != nil {
				t.Fatal(err)
			}
		}
		release := func() {}
		if c.held {
			release = Take(dir)
		}
		if got := Gone(dir, c.pid); got != c.want {
			t.Errorf("%s: gone %t", c.name, got)
		}
		if release(); c.held && Gone(dir, c.pid) != (c.old || c.pid == dead) {
			t.Errorf("%s: after it was released", c.name)
		}
	}
}
