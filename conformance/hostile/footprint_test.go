package hostile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// footprint is what a leak would show in.
type footprint struct{ goroutines, files, heap, resident int64 }

func measure(t testing.TB) footprint {
	t.Helper()
	runtime.GC() // what is in a pool goes with the second
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f := footprint{goroutines: int64(runtime.NumGoroutine()), heap: int64(m.HeapAlloc)}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("there is no /proc: ", err)
	}
	f.files = int64(len(files))
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	f.resident = pages * int64(os.Getpagesize())
	return f
}

// compare holds what is there against what was there before.
func compare(t testing.TB, before, after footprint) {
	t.Helper()
	if after.goroutines > before.goroutines || after.files > before.files {
		t.Errorf("goroutines or files leak: %+v, then %+v", before, after)
	}
	if after.heap > before.heap+4<<20 || after.resident > before.resident+64<<20 {
		t.Errorf("memory leaks: %+v, then %+v", before, after)
	}
}

// eventually waits for something that takes its time.
func eventually(holds func() bool) bool {
	for range 200 {
		if holds() {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

// processes lists those that are children of this one, or have a path in their
// environment: what a plugin starts inherits the path of its private folder.
func processes(path string) (out []string) {
	list, err := os.ReadDir("/proc")
	if err != nil {
		return nil // not Linux
	}
	us := fmt.Sprint(os.Getpid())
	for _, d := range list {
		stat, err := os.ReadFile(filepath.Join("/proc", d.Name(), "stat"))
		if err != nil {
			continue
		}
		text := strings.TrimSpace(string(stat))
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		env, _ := os.ReadFile(filepath.Join("/proc", d.Name(), "environ"))
		if d.Name() != us && (len(fields) > 1 && fields[1] == us || strings.Contains(string(env), path)) {
			out = append(out, text)
		}
	}
	return out
}
