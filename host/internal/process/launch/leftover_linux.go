package launch

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// endAll kills what is left of the programs of a host that was killed. The kernel
// ends the programs themselves; what they had started is known by the variable
// that names their private folder.
func endAll(dir string) {
	list, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return
	}
	for _, path := range list {
		environ, err := os.ReadFile(path)
		if err != nil { // it has ended, or is another user's
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && pid != os.Getpid() && holds(environ, "TMPDIR="+dir) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func holds(environ []byte, variable string) bool {
	for _, v := range bytes.Split(environ, []byte{0}) {
		if string(v) == variable {
			return true
		}
	}
	return false
}
