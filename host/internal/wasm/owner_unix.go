//go:build unix

package wasm

import (
	"io/fs"
	"os"
	"syscall"
)

// owned tells whether a folder belongs to the user who runs the host.
func owned(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
