//go:build unix

package colfile

import "golang.org/x/sys/unix"

// mapSlab asks the system for memory outside the Go heap: the collector
// neither scans it nor doubles it, and it goes back when the file is written.
func mapSlab(size int) ([]byte, error) {
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func unmapSlab(b []byte) { _ = unix.Munmap(b) }
