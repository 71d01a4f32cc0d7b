//go:build !linux

package wasm

import "time"

// cpu is the time of day where the time of a thread cannot be asked for.
func cpu() int64 { return time.Now().UnixNano() }
