package ledger

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Holder is the process behind a claim.
type Holder struct {
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Started string `json:"started"` // when the process began, in the kernel's ticks since boot
	Boot    string `json:"boot"`    // id of the machine's boot
	// Space is the process-number space. Two containers of one machine share
	// the boot and not the space: there only the lease tells.
	Space string `json:"pid_space"`
}

// String gives "process 4711 on host".
func (h Holder) String() string { return fmt.Sprintf("process %d on %s", h.PID, h.Host) }

// self describes this process.
func self() Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return Holder{Host: host, PID: os.Getpid(), Started: started(os.Getpid()), Boot: boot(), Space: space()}
}

// gone reports whether the process is known to have ended: at once on the same
// machine since the same boot, else when its lease has run out. Names of
// machines prove nothing: two may share one.
func gone(h, me Holder, lease, now time.Time) bool {
	if h.Boot != "" && h.Boot == me.Boot && h.Space == me.Space {
		s := started(h.PID)
		return s == "" || s != h.Started
	}
	return now.After(lease)
}

func boot() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func space() string {
	s, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return s
}

// started gives the start time of a process, "" when there is none. A process
// that has ended and was not yet waited for counts as none.
func started(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The command's name, in parentheses, may hold anything.
	text := string(b)
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return ""
	}
	fields := strings.Fields(text[end+1:])
	const state, startTime = 0, 19 // fields 3 and 22 of proc(5)
	if len(fields) <= startTime || fields[state] == "Z" || fields[state] == "X" {
		return ""
	}
	return fields[startTime]
}
