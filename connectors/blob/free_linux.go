package blob

import (
	"os"

	"golang.org/x/sys/unix"
)

// FreeRange gives the disk blocks of a part of a scratch file back, and the
// memory that caches them; the part reads as zeros from then on. Where that is
// not possible the file stays as it is: nothing depends on it but space.
func FreeRange(f *os.File, at, n int64) {
	_ = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, n)
}
