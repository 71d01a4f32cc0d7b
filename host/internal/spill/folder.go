package spill

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/featurehost/featurehost/host/fault"
)

// Codes of this room.
const (
	NoFolder    fault.Code = 8060
	WriteFailed fault.Code = 8061
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: NoFolder, Title: "no scratch folder", Explain: "The folder for spilled data cannot be made under the pipeline's state folder. Check that it is writable and that the disk is not full."},
		{Code: WriteFailed, Title: "scratch file not written", Explain: "Rows could not be written to the scratch folder, most often because the disk is full. Nothing was published; free some space and run again."},
	}
}

// Folder makes a scratch folder under parent, for this process alone. Folders
// of processes that are gone are removed first. remove takes the folder away
// with all that is in it; it may be called twice.
func Folder(parent string) (dir string, remove func() error, err error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", nil, fault.Wrap(err, NoFolder, "the scratch folder %s cannot be made", parent)
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		return "", nil, fault.Wrap(err, NoFolder, "the scratch folder %s cannot be listed", parent)
	}
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		if pid, ok := owner(e.Name()); ok && !alive(pid) && !held(path) {
			// Left by a killed run; a failure here costs space, nothing else.
			_ = os.RemoveAll(path)
		}
	}
	dir, err = os.MkdirTemp(parent, fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	if err != nil {
		return "", nil, fault.Wrap(err, NoFolder, "no folder can be made in %s", parent)
	}
	lock, _ := hold(dir) // without a lock the process number has to do
	return dir, func() error {
		lock.Close()
		return os.RemoveAll(dir)
	}, nil
}

const prefix = "run-"

func owner(name string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	number, _, ok := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(number)
	return pid, ok && err == nil
}

// hold locks a folder for as long as the file is open. A process in another
// container, whose number says nothing here, is known to live by its lock.
func hold(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// held reports whether some process holds a folder.
func held(dir string) bool {
	f, err := hold(dir)
	if err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK)
	}
	f.Close()
	return false
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || err == syscall.EPERM
}
