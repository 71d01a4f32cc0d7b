package flight

import "golang.org/x/sys/unix"

// quiet points standard output at standard error: the host reads nothing there
// after the handshake.
func quiet() error { return unix.Dup3(2, 1, 0) }
