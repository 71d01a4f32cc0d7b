package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/hold"
)

// prefix of private folders; the number of the host's process follows.
const prefix = "fh-"

// lastResort is where folders are made when the path of another is too long for
// a socket.
const lastResort = "/tmp"

// privateDir makes a folder that only the host's user can enter, in which the
// path of a socket is short enough. release ends the mark that says that this
// host is at work in it.
func privateDir(parent string) (dir string, release func(), err error) {
	for _, in := range []string{parent, lastResort} {
		dir, err := os.MkdirTemp(in, fmt.Sprintf("%s%d-", prefix, os.Getpid()))
		if err != nil {
			return "", nil, fault.Wrap(err, abi.CodeHandshake, "the plugin's private folder cannot be made")
		}
		if len(dir)+socketRoom < maxSocket {
			return dir, hold.Take(dir), nil
		}
		_ = os.Remove(dir)
	}
	return "", nil, fault.New(abi.CodeHandshake, "the path of the temporary folder is too long for a socket").WithHint("set TMPDIR to a shorter one")
}

// Sweep clears up after hosts that were killed: what their programs had started is
// ended, and their private folders are removed; parent as in Spec. What cannot be
// removed, such as those of other users, stays.
func Sweep(parent string) {
	if parent == "" {
		parent = os.TempDir()
	}
	// The folder itself may be gone already: the program could remove it.
	endAll(func(dir string) bool {
		in := filepath.Dir(dir)
		return (in == filepath.Clean(parent) || in == lastResort) && stale(dir)
	})
	for _, in := range []string{parent, lastResort} {
		list, err := filepath.Glob(filepath.Join(in, prefix+"*-*"))
		if err != nil {
			continue
		}
		for _, dir := range list {
			if private(dir) && stale(dir) {
				remove(dir)
			}
		}
	}
}

// stale tells whether a folder has the name of a private one whose host is gone.
func stale(dir string) bool {
	rest, ok := strings.CutPrefix(filepath.Base(dir), prefix)
	number, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(number)
	return ok && err == nil && hold.Gone(dir, pid)
}

// private tells a folder that MkdirTemp made for us from what else may have its
// name.
func private(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && info.IsDir() && info.Mode().Perm() == 0o700 && ours(info)
}
