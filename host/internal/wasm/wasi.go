package wasm

import (
	"encoding/binary"
	"fmt"

	"github.com/tetratelabs/wazero/api"
)

// WASI preview 1 without power (ABI-W-031): no files, no sockets, no
// arguments, no environment; a clock that stands still, random numbers that
// repeat, and standard output that goes to the log.

// Error numbers of WASI.
const (
	wasiOK    = 0
	wasiBadF  = 8
	wasiInval = 28
	wasiSPipe = 70
)

const (
	clockRealtime = 0
	maxIovecs     = 1024
	stdout        = 1
	stderr        = 2
)

// exit is what proc_exit panics with: ending is a trap here.
type exit struct{ code uint32 }

func (e *exit) Error() string { return fmt.Sprintf("the guest ended itself with status %d", e.code) }

func wasiFuncs() map[string]hostFunc {
	two, three, four := []byte{i32, i32}, []byte{i32, i32, i32}, []byte{i32, i32, i32, i32}
	errno := []byte{i32}
	answer := func(code uint64) func(*guest, api.Memory, []uint64) {
		return func(_ *guest, _ api.Memory, s []uint64) { s[0] = code }
	}
	none := func(_ *guest, mem api.Memory, s []uint64) { // no strings, no bytes
		count, size := uint32(s[0]), uint32(s[1])
		put32(mem, count, 0)
		put32(mem, size, 0)
		s[0] = wasiOK
	}
	return map[string]hostFunc{
		"args_get":          {two, errno, answer(wasiOK)},
		"args_sizes_get":    {two, errno, none},
		"environ_get":       {two, errno, answer(wasiOK)},
		"environ_sizes_get": {two, errno, none},
		"clock_time_get":    {[]byte{i32, i64, i32}, errno, clockTimeGet},
		"fd_write":          {four, errno, fdWrite},
		"random_get":        {two, errno, randomGet},
		"poll_oneoff":       {four, errno, pollOneoff},
		"proc_exit":         {[]byte{i32}, nil, func(_ *guest, _ api.Memory, s []uint64) { panic(&exit{uint32(s[0])}) }},
		"sched_yield":       {nil, errno, answer(wasiOK)},
		"fd_close": {[]byte{i32}, errno, func(_ *guest, _ api.Memory, s []uint64) {
			s[0] = standard(s[0], wasiOK)
		}},
		"fd_seek": {[]byte{i32, i64, i32, i32}, errno, func(_ *guest, _ api.Memory, s []uint64) {
			s[0] = standard(s[0], wasiSPipe)
		}},
		"fd_fdstat_get": {three[:2], errno, fdstatGet},
	}
}

// standard gives code for the three standard streams, else "bad descriptor".
func standard(fd, code uint64) uint64 {
	if uint32(fd) <= stderr {
		return code
	}
	return wasiBadF
}

// clockTimeGet: the realtime clock is the run's as-of time and stands still;
// the others count their readings (ABI-W-032).
func clockTimeGet(g *guest, mem api.Memory, s []uint64) {
	t := uint64(g.now) * 1000
	if uint32(s[0]) != clockRealtime {
		g.ticks += 1000
		t = g.ticks
	}
	put64(mem, uint32(s[2]), t)
	s[0] = wasiOK
}

func fdWrite(g *guest, mem api.Memory, s []uint64) {
	fd, iovs, n, out := uint32(s[0]), uint32(s[1]), uint32(s[2]), uint32(s[3])
	if fd != stdout && fd != stderr {
		s[0] = wasiBadF
		return
	}
	if n > maxIovecs {
		s[0] = wasiInval
		return
	}
	total := uint32(0)
	for i := range n {
		p, ok1 := mem.ReadUint32Le(iovs + 8*i)
		size, ok2 := mem.ReadUint32Le(iovs + 8*i + 4)
		if !ok1 || !ok2 {
			panic(&misuse{"fd_write: the list of buffers lies outside the guest's memory"})
		}
		b, ok := mem.Read(p, size)
		if !ok {
			panic(&misuse{"fd_write: a buffer lies outside the guest's memory"})
		}
		g.tank.burn(eachBuffer + int64(size))
		g.write(fd, b)
		total += size
	}
	put32(mem, out, total)
	s[0] = wasiOK
}

func randomGet(g *guest, mem api.Memory, s []uint64) {
	b, ok := mem.Read(uint32(s[0]), uint32(s[1]))
	if !ok {
		panic(&misuse{"random_get: the buffer lies outside the guest's memory"})
	}
	g.tank.burn(int64(len(b) / bytesDrawn))
	_, _ = g.random.Read(b) // never fails
	g.drew = true
	s[0] = wasiOK
}

// pollOneoff answers at once that everything waited for has happened. Waiting
// for a time moves the counting clock there.
func pollOneoff(g *guest, mem api.Memory, s []uint64) {
	const subscription, event, clock, absolute = 48, 32, 0, 1
	in, out, n, stored := uint32(s[0]), uint32(s[1]), uint32(s[2]), uint32(s[3])
	if n == 0 || n > maxIovecs {
		s[0] = wasiInval
		return
	}
	for i := range n {
		sub, ok1 := mem.Read(in+subscription*i, subscription)
		ev, ok2 := mem.Read(out+event*i, event)
		if !ok1 || !ok2 {
			panic(&misuse{"poll_oneoff: a list lies outside the guest's memory"})
		}
		g.tank.burn(eachEvent)
		userdata, kind := binary.LittleEndian.Uint64(sub), sub[8]
		if kind == clock {
			timeout, flags := binary.LittleEndian.Uint64(sub[24:]), binary.LittleEndian.Uint16(sub[40:])
			if flags&absolute == 0 {
				timeout += g.ticks
			}
			g.ticks = max(g.ticks, timeout)
		}
		clear(ev)
		binary.LittleEndian.PutUint64(ev, userdata)
		ev[10] = kind
	}
	put32(mem, stored, n)
	s[0] = wasiOK
}

// fdstatGet calls the standard streams character devices that can be written.
func fdstatGet(_ *guest, mem api.Memory, s []uint64) {
	fd, p := s[0], uint32(s[1])
	if s[0] = standard(fd, wasiOK); s[0] != wasiOK {
		return
	}
	b, ok := mem.Read(p, 24)
	if !ok {
		panic(&misuse{"fd_fdstat_get: the answer lies outside the guest's memory"})
	}
	clear(b)
	b[0] = 2 // character device
	b[8] = 1 << 6
}

func put32(mem api.Memory, p, v uint32) {
	if !mem.WriteUint32Le(p, v) {
		panic(&misuse{"an answer to the guest lies outside its memory"})
	}
}

func put64(mem api.Memory, p uint32, v uint64) {
	if !mem.WriteUint64Le(p, v) {
		panic(&misuse{"an answer to the guest lies outside its memory"})
	}
}
