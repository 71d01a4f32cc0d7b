package launch

import (
	"fmt"
	"io/fs"
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
	for _, in := range []string{parent, lastResort} {
		list, err := filepath.Glob(filepath.Join(in, prefix+"*-*"))
		if err != nil {
			continue
		}
		for _, dir := range list {
			number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
			if pid, err := strconv.Atoi(number); err == nil && private(dir) && hold.Gone(dir, pid) {
				endAll(dir)
				remove(dir)
			}
		}
	}
}

// private tells a folder that MkdirTemp made from what else may have its name.
func private(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && info.IsDir() && info.Mode().Perm() == 0o700
}

// remove takes a folder away, also where a program has made folders in it that
// cannot be written to.
func remove(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(dir)
}
