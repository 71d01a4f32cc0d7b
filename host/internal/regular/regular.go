// Package regular opens what should be a regular file, and may be anything: where
// plugins and users put files, a pipe in place of one would wait for who writes it.
package regular

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ErrOther is something of that name that is no regular file.
var ErrOther = errors.New("it is no regular file")

// Open opens a regular file for reading, or a link to one, without waiting. What
// is something else is ErrOther.
func Open(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrOther
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}
