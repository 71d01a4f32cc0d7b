package hosttest

import "golang.org/x/sys/unix"

// CPU is the time that this thread has worked, in nanoseconds.
func CPU() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return t.Nano()
}
