package spill

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/hold"
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
		if pid, ok := owner(e.Name()); ok && hold.Gone(path, pid) {
			// Left by a killed run; a failure here costs space, nothing else.
			_ = os.RemoveAll(path)
		}
	}
	dir, err = os.MkdirTemp(parent, fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	if err != nil {
		return "", nil, fault.Wrap(err, NoFolder, "no folder can be made in %s", parent)
	}
	release := hold.Take(dir)
	return dir, func() error {
		release()
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
