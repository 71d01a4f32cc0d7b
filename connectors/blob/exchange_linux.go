package blob

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchange swaps two names in one step, or answers errors.ErrUnsupported.
func exchange(a, b string) error {
	return rename(a, b, unix.RENAME_EXCHANGE)
}

// renameIfAbsent moves a to b if b is free.
func renameIfAbsent(a, b string) error {
	return rename(a, b, unix.RENAME_NOREPLACE)
}

func rename(a, b string, flags uint) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, flags)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) {
		return errors.ErrUnsupported
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: a, New: b, Err: err}
	}
	return nil
}

// writable asks the kernel whether this process may make files in dir.
func writable(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }
