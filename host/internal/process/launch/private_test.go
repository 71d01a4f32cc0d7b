package launch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/featurehost/featurehost/host/internal/spill"
)

// Folders of hosts that are gone are removed, and no others.
func TestSweep_OnlyWhatKilledHostsLeft(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	parent, gone, me := t.TempDir(), dead.Process.Pid, os.Getpid()
	make1 := func(name string, mode os.FileMode) string {
		dir := filepath.Join(parent, name)
		if err := os.MkdirAll(filepath.Join(dir, "plugin-dir1"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	stale := make1(fmt.Sprintf("fh-%d-1", gone), 0o700)
	reused := make1(fmt.Sprintf("fh-%d-2", me), 0o700) // another process has the number now
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(reused, long, long); err != nil {
		t.Fatal(err)
	}
	held := make1(fmt.Sprintf("fh-%d-3", gone), 0o700) // by a host in a container, say
	defer spill.Hold(held)()
	stays := []string{
		held, make1(fmt.Sprintf("fh-%d-4", me), 0o700), make1(fmt.Sprintf("fh-%d-5", gone), 0o755),
		make1("fh-x-6", 0o700), make1(fmt.Sprintf("fhother%d-7", gone), 0o700),
	}
	Sweep(parent)
	for _, dir := range []string{stale, reused} {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is still there", dir)
		}
	}
	for _, dir := range stays {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s was removed", dir)
		}
	}
}
