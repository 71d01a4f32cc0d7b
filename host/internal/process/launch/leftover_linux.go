package launch

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// endAll kills what is left of the programs of hosts that were killed. The kernel
// ends the programs themselves, unless they see to it that it does not; they, and
// what they had started, are known by the variable that names their private folder.
func endAll(stale func(dir string) bool) {
	list, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return
	}
	for _, of := range list {
		pid, err := strconv.Atoi(filepath.Base(of))
		info, gone := os.Stat(of)
		if err != nil || gone != nil || pid == os.Getpid() || !ours(info) {
			continue
		}
		environ, err := os.ReadFile(filepath.Join(of, "environ"))
		if dir := folderIn(environ); err == nil && dir != "" && stale(dir) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// folderIn gives the folder that an environment names as that of temporary files.
func folderIn(environ []byte) string {
	for _, v := range bytes.Split(environ, []byte{0}) {
		if dir, ok := strings.CutPrefix(string(v), "TMPDIR="); ok {
			return dir
		}
	}
	return ""
}
