package launch

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// alone puts a program into a process group of its own and binds its life to
// the thread that starts it.
func alone() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit waits until a child has ended, and leaves it to be reaped: its
// number, which is also that of its group, is not given away before.
func awaitExit(p *os.Process) *os.ProcessState {
	for {
		if err := unix.Waitid(unix.P_PID, p.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != unix.EINTR { //nolint:errorlint // a plain number
			return nil
		}
	}
}
