package launch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/featurehost/featurehost/host/internal/hold"
)

// What a killed host's program had started is ended with its folder; it is known
// by its environment.
func TestSweep_LeftOverProcesses_Ended(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), fmt.Sprintf("fh-%d-1", dead.Process.Pid))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	begin := func(tmp string) *exec.Cmd {
		c := exec.Command("sleep", "1000")
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + tmp}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill() })
		return c
	}
	// The folder of the second is gone: its program has removed it.
	left, hidden := begin(dir), begin(filepath.Join(filepath.Dir(dir), fmt.Sprintf("fh-%d-2", dead.Process.Pid)))
	other := begin(filepath.Join(filepath.Dir(dir), fmt.Sprintf("fh-%d-1", os.Getpid())))
	Sweep(filepath.Dir(dir))
	for _, c := range []*exec.Cmd{left, hidden} {
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		select {
		case err := <-ended:
			if err == nil || c.ProcessState.ExitCode() != -1 {
				t.Errorf("the left over process: %v", err)
			}
		case <-time.After(10 * time.Second):
			_ = c.Process.Kill()
			t.Errorf("the left over process goes on; killed: %v", <-ended)
		}
	}
	if err := other.Process.Kill(); err != nil {
		t.Errorf("a process of others was ended: %v", err)
	}
	_ = other.Wait()
}

// A folder goes away though a program made parts of it that cannot be written to.
func TestRemove_FoldersWithoutLeave(t *testing.T) {
	if os.Getuid() == 0 && os.Getenv("LAUNCH_TEST_NOBODY") == "" {
		// Root needs no leave: the test runs as nobody.
		home := t.TempDir()
		for dir := home; dir != "/"; dir = filepath.Dir(dir) {
			_ = os.Chmod(dir, 0o777)
			if dir == os.TempDir() {
				break
			}
		}
		self := filepath.Join(home, "test")
		program, err := os.ReadFile(os.Args[0]) // which lies where nobody may go
		if err == nil {
			err = os.WriteFile(self, program, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command(self, "-test.run", "^TestRemove_FoldersWithoutLeave$")
		c.Dir = home
		c.Env = []string{"LAUNCH_TEST_NOBODY=1", "TMPDIR=" + home}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir, err := os.MkdirTemp("", "fhremove")
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	if err := os.Mkdir(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cache, "m"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cache, 0o500); err != nil {
		t.Fatal(err)
	}
	if remove(dir); os.RemoveAll(dir) != nil {
		t.Error("it is still there")
	}
}

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
	defer hold.Take(held)()
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
