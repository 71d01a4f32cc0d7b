//go:build !linux

package blob

import (
	"errors"
	"os"
	"runtime"
)

// exchange: no portable call swaps two names.
func exchange(_, _ string) error { return errors.ErrUnsupported }

// renameIfAbsent: no portable call refuses to replace.
func renameIfAbsent(_, _ string) error { return errors.ErrUnsupported }

func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be opened for syncing there
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// writable tries it: there is no portable question.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, tempPrefix+"probe-*")
	if err != nil {
		return err
	}
	err = f.Close()
	if rerr := os.Remove(f.Name()); err == nil {
		err = rerr
	}
	return err
}
