package wasm

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/featurehost/featurehost/conformance/hostile"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// memoryOf gives two pages of guest memory to call host functions with.
func memoryOf(t *testing.T) api.Memory {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = rt.Close(ctx) })
	mod, err := rt.Instantiate(ctx, hostile.Minimal().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return mod.Memory()
}

// ABI-W-031: every function, by what it answers and what it leaves in memory.
func TestWASI_NoPower(t *testing.T) {
	mem := memoryOf(t)
	g := (&blueprint{now: 7, log: contract.NewLog(nil, "p", 100)}).fresh()
	call := func(name string, args ...uint64) uint64 {
		t.Helper()
		stack := append(args, 0)
		wasiFuncs()[name].run(g, mem, stack)
		return stack[0]
	}
	u64 := func(p uint32) uint64 { v, _ := mem.ReadUint64Le(p); return v }

	mem.WriteUint64Le(0, 1<<63)
	if call("args_sizes_get", 0, 4) != wasiOK || u64(0) != 0 {
		t.Error("there are arguments")
	}
	mem.WriteUint64Le(0, 1<<63)
	if call("environ_sizes_get", 0, 4) != wasiOK || u64(0) != 0 {
		t.Error("there is an environment")
	}
	if call("args_get", 0, 0) != wasiOK || call("environ_get", 0, 0) != wasiOK || call("sched_yield") != wasiOK {
		t.Error("harmless functions fail")
	}
	for _, name := range []string{"fd_close", "fd_seek", "fd_fdstat_get", "fd_write"} {
		if got := call(name, 3, 0, 0, 0); got != wasiBadF {
			t.Errorf("%s of descriptor 3 answers %d", name, got)
		}
	}
	if call("fd_close", 1) != wasiOK || call("fd_seek", 1, 0, 0, 0) != wasiSPipe || call("fd_fdstat_get", 2, 0) != wasiOK {
		t.Error("the standard streams are not streams")
	}

	// ABI-W-032: the clocks and the random numbers.
	call("clock_time_get", 0, 1, 0)
	if u64(0) != 7000 {
		t.Errorf("realtime %d", u64(0))
	}
	call("clock_time_get", 1, 1, 0)
	first := u64(0)
	call("clock_time_get", 1, 1, 0)
	if u64(0) <= first {
		t.Error("the monotonic clock stands still")
	}
	sub := make([]byte, 48)
	binary.LittleEndian.PutUint64(sub, 99)
	binary.LittleEndian.PutUint64(sub[24:], 5_000_000)
	mem.Write(64, sub)
	before := g.ticks
	if call("poll_oneoff", 64, 128, 1, 0) != wasiOK || u64(128) != 99 || g.ticks != before+5_000_000 {
		t.Errorf("poll_oneoff: userdata %d, clock moved by %d", u64(128), g.ticks-before)
	}
	if call("poll_oneoff", 64, 128, 0, 0) != wasiInval {
		t.Error("polling nothing is allowed")
	}
	call("random_get", 0, 8)
	once := u64(0)
	call("random_get", 0, 8)
	if u64(0) == once {
		t.Error("the stream of random numbers stands still")
	}
	again := (&blueprint{log: contract.NewLog(nil, "p", 100)}).fresh()
	wasiFuncs()["random_get"].run(again, mem, []uint64{0, 8})
	if u64(0) != once {
		t.Error("the stream of random numbers does not repeat")
	}
}

// ABI-W-031: addresses outside the memory, and proc_exit, end the call.
func TestWASI_BadCall_EndsTheGuest(t *testing.T) {
	mem := memoryOf(t)
	g := (&blueprint{log: contract.NewLog(nil, "p", 100)}).fresh()
	const far = 0xFFFFFFF0
	for _, c := range []struct {
		name string
		args []uint64
	}{
		{"args_sizes_get", []uint64{far, 0}}, {"clock_time_get", []uint64{0, 0, far}}, {"random_get", []uint64{far, 64}},
		{"fd_write", []uint64{1, far, 1, 0}}, {"poll_oneoff", []uint64{far, 0, 1, 0}}, {"fd_fdstat_get", []uint64{1, far}},
		{"proc_exit", []uint64{3}},
	} {
		func() {
			defer func() {
				err, _ := recover().(error)
				var lied *misuse
				var ended *exit
				if !errors.As(err, &lied) && !errors.As(err, &ended) {
					t.Errorf("%s: got %v", c.name, err)
				}
			}()
			wasiFuncs()[c.name].run(g, mem, c.args)
		}()
	}
}
