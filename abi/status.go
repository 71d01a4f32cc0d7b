package abi

import "fmt"

// Status is what a guest's functions answer.
type Status int32

// The statuses. 64 to 127 are a plugin's own data codes.
const (
	StatusEnd         Status = -1 // fh_flush only: nothing written
	StatusOK          Status = 0
	StatusData        Status = 1
	StatusConfig      Status = 2
	StatusSchema      Status = 3
	StatusMemory      Status = 4
	StatusUnsupported Status = 5
	StatusState       Status = 6
	StatusOwnFirst    Status = 64
	StatusOwnLast     Status = 127
)

// Valid reports whether a guest may answer s outside fh_flush (ABI-W-040).
func (s Status) Valid() bool {
	return s >= StatusOK && s <= StatusState || s >= StatusOwnFirst && s <= StatusOwnLast
}

// String names the status.
func (s Status) String() string {
	switch s {
	case StatusEnd:
		return "end"
	case StatusOK:
		return "ok"
	case StatusData:
		return "data"
	case StatusConfig:
		return "config"
	case StatusSchema:
		return "schema"
	case StatusMemory:
		return "no memory"
	case StatusUnsupported:
		return "unsupported"
	case StatusState:
		return "state"
	}
	return fmt.Sprintf("status %d", int32(s))
}
