package launch

import (
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// alone puts a program into a session of its own, which has no terminal, and with
// that into a process group of its own, and binds its life to the thread that
// starts it.
func alone() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// keepToOurselves keeps this process's descriptors from programs: those that it was
// given, by a shell or by systemd, and those of files that libraries in C have open.
// Those that Go opens are kept from them anyway.
func keepToOurselves() {
	const first = 3                                                     // behind the standard streams
	_ = unix.CloseRange(first, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) // a kernel before 5.11 does not know it
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
