package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// changing are the system calls that change what lies on disk, apart from
// writes: between two of them, a killed process leaves the same.
func changing(call uint64) bool {
	switch call {
	case unix.SYS_RENAME, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINK, unix.SYS_LINKAT, unix.SYS_UNLINK, unix.SYS_UNLINKAT,
		unix.SYS_RMDIR, unix.SYS_MKDIR, unix.SYS_MKDIRAT, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_PWRITE64:
		return true
	}
	return false
}

// killedAt runs a command and kills it as it enters its n-th system call that
// changes the disk. It gives the number of such calls seen; fewer than n mean
// that the command came to its end. No other child may live meanwhile.
func (w *world) killedAt(n int, args ...string) (seen int, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	c := exec.Command(self, args...)
	c.Dir, c.Env = w.dir, w.env
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := c.Start(); err != nil {
		return 0, err
	}
	pid := c.Process.Pid
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WALL, nil); err != nil {
		return 0, err
	}
	const goodStop = 0x80 // tells a system call from a signal
	options := syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(pid, options); err != nil {
		return 0, err
	}
	if err := syscall.PtraceSyscall(pid, 0); err != nil {
		return 0, err
	}
	inside := map[int]bool{} // threads in the middle of a system call
	for {
		tid, err := syscall.Wait4(-1, &status, syscall.WALL, nil)
		if err != nil {
			return seen, err
		}
		if status.Exited() || status.Signaled() {
			if tid == pid {
				return seen, nil
			}
			continue
		}
		deliver := 0
		switch stop := status.StopSignal(); {
		case stop == syscall.SIGTRAP|goodStop:
			if inside[tid] = !inside[tid]; inside[tid] {
				var r syscall.PtraceRegs
				if syscall.PtraceGetRegs(tid, &r) == nil && changing(r.Orig_rax) {
					if seen++; seen == n {
						if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
							return seen, err
						}
					}
				}
			}
		case stop == syscall.SIGTRAP, stop == syscall.SIGSTOP: // a new thread
		default:
			deliver = int(stop)
		}
		_ = syscall.PtraceSyscall(tid, deliver) // fails for a thread that was killed
	}
}

// TestRun_KilledAtEveryStep_NextRunIsRight kills a run at each system call that
// changes the disk, from the claim to the last word in the ledger. Whatever the
// step, readers find the old or the new of each day, and the next run makes the
// whole right table. Not parallel: it waits for any child.
func TestRun_KilledAtEveryStep_NextRunIsRight(t *testing.T) {
	if testing.Short() {
		t.Skip("kills some forty runs")
	}
	old := newWorld(t)
	old.events(4, 3)
	old.pipeline()
	old.good("run", "p.toml")
	before := old.rows()
	changed := strings.ReplaceAll(old.read("events.csv"), ".5\n", ".25\n") + ",2024-01-02T00:00:00Z,1\n"
	old.write("events.csv", changed)
	steps, err := old.killedAt(0, "run", "p.toml", "--quiet")
	if err != nil {
		required(t, "a process cannot be traced: "+err.Error())
	}
	want := old.rows()
	vector := old.good("get", "p.toml", "2").stdout
	if steps < 50 || differ(before, want) == "" {
		t.Fatalf("%d steps, tables differ by %q", steps, differ(before, want))
	}
	stride := 1
	if os.Getenv("FEATUREHOST_EVERY_STEP") != "1" {
		stride = steps/40 + 1 // all of them take a minute
	}
	left := map[string]int{}
	for n := 1; n <= steps; n += stride {
		w := newWorld(t)
		w.events(4, 3)
		w.pipeline()
		w.good("run", "p.toml")
		w.write("events.csv", changed)
		if _, err := w.killedAt(n, "run", "p.toml", "--quiet"); err != nil {
			t.Fatal(err)
		}
		state := "not begun"
		if l := w.ledger(); len(l) == 2 {
			state = l[1]
		}
		left[state]++
		w.oldOrNew(before, want, fmt.Sprintf("step %d (%s)", n, state))
		o := w.good("run", "p.toml", "--quiet")
		if d := differ(w.rows(), want); d != "" {
			t.Errorf("step %d (%s): after the next run\n%s", n, state, d)
		}
		if got := w.good("get", "p.toml", "2").stdout; got != vector {
			t.Errorf("step %d (%s): the vector is\n%s\nwant\n%s", n, state, got, vector)
		}
		if said := strings.Contains(o.stdout, "recovered  run 2"); said != (state != "not begun" && state != "published") {
			t.Errorf("step %d (%s): the next run said\n%s", n, state, o.stdout)
		}
		w.clean()
	}
	t.Logf("%d steps, killed at each %d.; runs were found %v", steps, stride, left)
	if left["claimed"] == 0 || left["prepared"] == 0 {
		t.Errorf("not every phase was met: %v", left)
	}
}

// oldOrNew checks that each day's folder holds all of its old rows or all of
// its new ones.
func (w *world) oldOrNew(old, fresh []string, what string) {
	w.Helper()
	paths, err := filepath.Glob(w.path("out/historical/customer/spend/year=*/month=*/day=*"))
	if err != nil {
		w.Fatal(err)
	}
	for _, p := range paths {
		var day int
		if _, err := fmt.Sscanf(filepath.Base(p), "day=%d", &day); err != nil {
			w.Fatal(err)
		}
		rel, err := filepath.Rel(w.dir, p)
		if err != nil {
			w.Fatal(err)
		}
		got := w.table(rel)
		if differ(got, days(old, day, day)) != "" && differ(got, days(fresh, day, day)) != "" {
			w.Errorf("%s: day %d holds\n%s", what, day, strings.Join(got, "\n"))
		}
	}
}
