//go:build unix && !linux

package launch

import (
	"os"
	"syscall"
)

// alone puts a program into a session of its own, which has no terminal, and with
// that into a process group of its own. That it ends with the host is left to the
// plugin's SDK, which watches its parent.
func alone() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// keepToOurselves does nothing here: there is no such call.
func keepToOurselves() {}

// awaitExit waits until a child has ended, and reaps it.
func awaitExit(p *os.Process) *os.ProcessState {
	state, _ := p.Wait()
	return state
}
