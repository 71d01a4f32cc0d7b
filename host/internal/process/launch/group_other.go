//go:build !unix

package launch

import (
	"os"
	"syscall"
)

func alone() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func keepToOurselves() {}

func awaitExit(p *os.Process) *os.ProcessState {
	state, _ := p.Wait()
	return state
}

// killGroup ends the program alone: there are no process groups here.
func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

func ours(os.FileInfo) bool { return true }

func owner(os.FileInfo) string { return "owner unknown" }
