//go:build unix

package launch

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// killGroup ends a program and what it started. An error means that nothing is
// left to end.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// ours tells whether a file is of the user who runs this process.
func ours(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid()
}

// owner tells whose a file is, and who we are.
func owner(info os.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "owner unknown"
	}
	return fmt.Sprintf("owner %s (this is %s)", nameOf(int(s.Uid)), nameOf(os.Getuid()))
}

func nameOf(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}
