//go:build !linux

package hosttest

import "time"

// CPU is the time of day where the time of a thread cannot be asked for.
func CPU() int64 { return time.Now().UnixNano() }
