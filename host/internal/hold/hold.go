// Package hold marks folders as those of a process while it lives, so that
// another one can tell which of them nobody needs any more.
package hold

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// settling is how long after it was made a folder may lack the lock of the
// process that made it.
const settling = time.Minute

// Take marks a folder as that of this process, until release is called or the
// process ends. Where the disk knows no locks the number of the process, which
// the caller keeps in the folder's name, has to do.
func Take(dir string) (release func()) {
	lock, err := lock(dir)
	if err != nil {
		return func() {}
	}
	return func() { _ = lock.Close() }
}

// Gone reports whether the process of a number, which made the folder, has
// ended. A lock says that it lives, in whatever container. Without one its
// number tells, but for a folder of some age: in containers, many processes have
// one number after the other.
func Gone(dir string, pid int) bool {
	f, err := lock(dir)
	if err != nil {
		return !errors.Is(err, syscall.EWOULDBLOCK) && !alive(pid)
	}
	defer f.Close()
	info, err := f.Stat()
	return !alive(pid) || err == nil && time.Since(info.ModTime()) > settling
}

func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || err == syscall.EPERM
}
