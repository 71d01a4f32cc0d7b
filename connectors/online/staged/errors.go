package staged

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Failed gives an error of the disk its code.
func Failed(err error, path string) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || fault.As(err) != nil {
		return err
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return Full(err, path)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return fault.Wrap(err, NotWritable, "files cannot be written here").At("%s", path).WithHint("check owner and mode of the folder")
	}
	return fault.Wrap(err, DiskRefused, "the disk refused").At("%s", path)
}

// Full is the error of a disk without space.
func Full(err error, path string) error {
	e := fault.Wrap(err, DiskFull, "no space left").At("%s", path).WithHint("free space and run again")
	e.Retry = true
	return e
}

// lost is the error of rows that the ledger names and that are not there.
func lost(path, message string, args ...any) error {
	return fault.Wrap(flow.ErrPendingLost, PendingLost, message, args...).At("%s", path).WithHint("run the interval again")
}
