package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// guest is one live instance. It serves one caller at a time.
type guest struct {
	ctx context.Context // carries the guest to its host functions
	mod api.Module
	mem api.Memory

	alloc, free, process, release, flush api.Function
	stack                                [4]uint64

	tank   tank
	limits abi.Limits
	schema *arrow.Schema // what fh_init answered
	capped uint64        // memory cap in bytes
	out    uint32        // host-owned slot of ArrowArray
	arena  uint32        // host-owned input memory
	room   uint32        // bytes of arena

	first int64 // fuel for what is not work on a batch

	log    *contract.Log
	counts *contract.Counts // what it counted since they were taken, or nil
	said   []byte           // by set_error, in this call, as it stands
	wrote  []byte           // first line on stderr, in this call
	lines  [3][]byte        // started lines on the standard streams
	now    int64            // as-of time in microseconds
	ticks  uint64           // of the monotonic clock
	seed   [32]byte
	random *rand.ChaCha8
	drew   bool // random numbers were drawn since the stream was made
}

// blueprint is what every guest of a stage is made from.
type blueprint struct {
	machine *machine
	pages   uint32
	limits  abi.Limits
	first   int64         // fuel before the first batch
	burnt   *atomic.Int64 // fuel, of all guests
	config  []byte        // JSON, defaults filled in
	in      *arrow.Schema // what the guest is told of its input
	log     *contract.Log
	counts  *contract.Counts
	now     int64
	seed    [32]byte
}

// fresh gives a guest without an instance yet.
func (b *blueprint) fresh() *guest {
	return &guest{
		log: b.log, first: b.first, now: b.now, seed: b.seed, random: rand.NewChaCha8(b.seed),
		capped: uint64(b.pages) * pageBytes, limits: b.limits, tank: tank{burnt: b.burnt},
	}
}

// start makes a guest: instantiate, _initialize, fh_abi_version, fh_init
// (ABI-W-010). On error nothing is left behind.
func (b *blueprint) start() (g *guest, err error) {
	g = b.fresh()
	g.ctx = context.WithValue(context.Background(), guestKey{}, g)
	defer func() {
		if r := recover(); r != nil {
			err = contract.Refusal(abi.CodeInit, "the engine broke down while starting the plugin: %v", r)
		}
		g.tank.unwatch()
		if err != nil {
			g.close()
			g = nil
		}
	}()
	// Without a start function: all that the guest runs is watched and metered.
	g.mod, err = b.machine.rt.InstantiateModule(g.ctx, b.machine.code, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return g, g.trap("start", err)
	}
	g.mem = g.mod.Memory()
	g.tank.found(g.mod)
	g.tank.fill(b.first)
	g.tank.watch(max(g.limits.Timeout, startTimeout))
	f := g.mod.ExportedFunction
	for _, first := range []struct{ export, name string }{{fuel.Start, "the start section"}, {"_initialize", "_initialize"}} {
		if start := f(first.export); start != nil {
			if _, err := g.call(start, first.name); err != nil {
				return g, err
			}
		}
	}
	g.alloc, g.free, g.process, g.release, g.flush = f("fh_alloc"), f("fh_free"), f("fh_process"), f("fh_release"), f("fh_flush")

	version, err := g.call(f("fh_abi_version"), "fh_abi_version")
	if err != nil {
		return g, err
	}
	if err := abi.VersionOf(uint32(version)).Check(); err != nil {
		return g, contract.FromABI(err)
	}
	if err := g.init(f("fh_init"), b); err != nil {
		return g, err
	}
	return g, take(b.counts, g.counted())
}

// init hands over configuration and schema, and keeps the guest's answer.
func (g *guest) init(fhInit api.Function, b *blueprint) error {
	inSize := cdata.SchemaSize(b.in)
	cfg, err := g.take(uint32(len(b.config)))
	if err != nil {
		return err
	}
	in, err := g.take(inSize, block{cfg, uint32(len(b.config))})
	if err != nil {
		return err
	}
	out, err := g.take(abi.SchemaSize, block{cfg, uint32(len(b.config))}, block{in, inSize})
	if err != nil {
		return err
	}
	mem := g.memory()
	copy(mem[cfg:], b.config)
	clear(mem[out : out+abi.SchemaSize])
	root, err := cdata.WriteSchema(mem, in, b.in)
	if err != nil {
		return err
	}
	status, err := g.call(fhInit, "fh_init", uint64(cfg), uint64(len(b.config)), uint64(root), uint64(out))
	if err != nil {
		return err
	}
	if err := g.initStatus(abi.Status(int32(status))); err != nil {
		return err
	}
	if g.schema, err = cdata.ImportSchema(g.memory(), out); err != nil {
		return err
	}
	for _, p := range []block{{cfg, uint32(len(b.config))}, {in, inSize}, {out, abi.SchemaSize}} {
		if err := g.give(p); err != nil {
			return err
		}
	}
	g.out, err = g.take(abi.ArraySize)
	return err
}

func (g *guest) initStatus(s abi.Status) error {
	if s == abi.StatusOK {
		return nil
	}
	code := fault.Code(abi.CodeInit)
	switch {
	case !s.Valid():
		return fault.New(cdata.BadStatus, "fh_init answered status %d, which the ABI does not define", int32(s))
	case s == abi.StatusConfig:
		code = abi.CodeConfig
	case s == abi.StatusSchema:
		code = abi.CodeInputSchema
	}
	return fault.New(code, "the plugin refused to start (%s)%s", s, g.because())
}

// because gives what the guest said about a failure, ready to be appended.
func (g *guest) because() string {
	switch {
	case len(g.said) > 0:
		return ": " + contract.Indent(contract.Printable(g.said))
	case len(g.wrote) > 0:
		return ": " + contract.Indent(contract.Printable(g.wrote))
	}
	return ""
}

// memory is the guest's memory as it is now. Every call may move it.
func (g *guest) memory() []byte {
	b, _ := g.mem.Read(0, g.mem.Size())
	return b
}

// call runs a function of the guest. An error means that the guest trapped.
func (g *guest) call(f api.Function, name string, args ...uint64) (result uint64, err error) {
	copy(g.stack[:], args)
	return g.run(f, name)
}

// run calls f with the arguments in g.stack.
func (g *guest) run(f api.Function, name string) (result uint64, err error) {
	g.said, g.wrote = g.said[:0], g.wrote[:0]
	if g.drew {
		g.random.Seed(g.seed)
		g.drew = false
	}
	defer func() {
		if r := recover(); r != nil {
			err = g.trap(name, fmt.Errorf("the engine broke down: %v", r))
		}
	}()
	if err := f.CallWithStack(g.ctx, g.stack[:]); err != nil {
		return 0, g.trap(name, err)
	}
	if empty := g.exhausted(name); empty != nil { // it came back just before the next check
		return 0, empty
	}
	return g.stack[0], nil
}

// block is a piece of guest memory that the host owns.
type block struct{ at, size uint32 }

// take gets memory from fh_alloc and checks that it is fit for use: aligned,
// inside the memory, and apart from other blocks that the host holds.
func (g *guest) take(n uint32, others ...block) (uint32, error) {
	n = max(n, 1)
	p64, err := g.call(g.alloc, "fh_alloc", uint64(n))
	if err != nil {
		return 0, err
	}
	p := uint32(p64)
	switch {
	case p == 0:
		return 0, contract.Refusal(abi.CodeMemory, "the plugin has no memory for %d bytes: it uses %s of its cap of %s%s", n, size(int64(g.mem.Size())), size(int64(g.capped)), g.because()).
			WithHint("raise the stage's limits.memory, or lower limits.max_batch_rows")
	case p%abi.AllocAlign != 0:
		return 0, fault.New(cdata.Misaligned, "fh_alloc answered address %d, expected a multiple of %d", p, abi.AllocAlign)
	case uint64(p)+uint64(n) > uint64(g.mem.Size()):
		return 0, fault.New(cdata.OutOfMemory, "fh_alloc answered %d bytes at address %d, the memory has %d", n, p, g.mem.Size())
	}
	if g.arena != 0 {
		others = append(others, block{g.arena, g.room})
	}
	if g.out != 0 {
		others = append(others, block{g.out, abi.ArraySize})
	}
	for _, o := range others {
		if uint64(p) < uint64(o.at)+uint64(o.size) && uint64(o.at) < uint64(p)+uint64(n) {
			return 0, fault.New(cdata.OutOfMemory, "fh_alloc answered %d bytes at address %d, which overlap a block in use at %d", n, p, o.at)
		}
	}
	return p, nil
}

func (g *guest) give(b block) error {
	_, err := g.call(g.free, "fh_free", uint64(b.at), uint64(max(b.size, 1)))
	return err
}

// reserve makes the arena hold n bytes, growing it by doubling (ABI-W-012). That
// has fuel of its own: whether it must grow depends on the batches before, and
// what a batch burns does not.
func (g *guest) reserve(n uint32) error {
	if n <= g.room {
		return nil
	}
	g.tank.fill(g.first)
	defer g.tank.account()
	want := max(uint64(n), uint64(g.room)*2, 1<<12)
	want = min((want+63)&^63, math.MaxInt32&^63)
	if g.arena != 0 {
		old := block{g.arena, g.room}
		g.arena, g.room = 0, 0
		if err := g.give(old); err != nil {
			return err
		}
	}
	p, err := g.take(uint32(want))
	if err != nil {
		return err
	}
	g.arena, g.room = p, uint32(want)
	return nil
}

// full reports whether the guest uses so much of its cap that it is better
// replaced: its memory never shrinks.
func (g *guest) full() bool { return uint64(g.mem.Size())*4 > g.capped*3 }

// close ends the instance and gives back its memory. Safe after any failure.
func (g *guest) close() {
	defer func() { _ = recover() }()
	if g != nil && g.mod != nil {
		_ = g.mod.Close(context.Background())
		g.mod = nil
	}
}

// write takes what the guest prints and logs it line by line.
func (g *guest) write(fd uint32, b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		part := b
		if i >= 0 {
			part = b[:i]
		}
		line := append(g.lines[fd], part[:min(len(part), maxText-len(g.lines[fd]))]...)
		if i < 0 {
			g.lines[fd] = line
			return
		}
		g.lines[fd] = line[:0]
		b = b[i+1:]
		if len(line) == 0 {
			continue
		}
		g.tank.burn(eachLine)
		level := int32(2)
		if fd == stderr {
			level = 1
			if len(g.wrote) == 0 {
				g.wrote = append(g.wrote, line...)
			}
		}
		if g.log.Admit() {
			g.log.Write(level, contract.Printable(line))
		}
	}
}

// count adds to a counter that the guest names; the host's own has it when the
// batch is done.
func (g *guest) count(name string, delta float64) {
	if g.counts == nil {
		g.counts = &contract.Counts{}
	}
	if err := g.counts.Add(name, delta); err != nil {
		panic(&misuse{fault.As(err).Message})
	}
}

// counted gives what the guest has counted since it was asked last; of a try that
// failed nothing counts.
func (g *guest) counted() *contract.Counts {
	c := g.counts
	g.counts = nil
	return c
}

// take adds what a guest has counted to the counts of its stage.
func take(all, counted *contract.Counts) error {
	if counted == nil {
		return nil
	}
	return all.Take(counted)
}

// trap turns the failure of a call into a fault with what is known about it.
func (g *guest) trap(name string, err error) error {
	var lied *misuse
	var ended *exit
	if empty := g.exhausted(name); empty != nil {
		if _, trace := splitTrace(err); trace != "" {
			empty.Message += " (" + trace + ")"
		}
		return empty
	}
	first, trace := splitTrace(err)
	code, what := fault.Code(abi.CodeTrap), "trap in "+name+": "+first
	switch {
	case errors.As(err, &lied):
		code, what = abi.CodeMisuse, name+" misused the host: "+lied.text
	case errors.As(err, &ended):
		what = "trap in " + name + ": " + ended.Error()
	case first == "stack overflow":
		code, what = abi.CodeStack, "the call stack of "+name+" is exhausted"
	}
	because := g.because()
	if bytes.Contains([]byte(because), []byte("out of memory")) {
		code = abi.CodeMemory
	}
	e := fault.New(code, "%s%s", what, because)
	if trace != "" {
		e.Message += " (" + trace + ")"
	}
	if code == abi.CodeMemory {
		return e.WithHint("raise the stage's limits.memory, or lower limits.max_batch_rows")
	}
	return e
}
