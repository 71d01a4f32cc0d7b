//go:build !linux

package blob

import (
	"errors"
	"os"
)

// exchange: no portable call swaps two names.
func exchange(_, _ string) error { return errors.ErrUnsupported }

// renameIfAbsent: no portable call refuses to replace.
func renameIfAbsent(_, _ string) error { return errors.ErrUnsupported }

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
