package fuel_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	leb128 "encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/featurehost/featurehost/host/internal/wasm/binary"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// instance runs code on an engine; both end with the test.
func instance(t testing.TB, config wazero.RuntimeConfig, code []byte) (api.Module, error) {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(api.CoreFeaturesV2))
	t.Cleanup(func() { _ = rt.Close(ctx) })
	return rt.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig())
}

func compiled(t testing.TB, code []byte) (api.Module, error) {
	return instance(t, wazero.NewRuntimeConfigCompiler(), code)
}

// start fills the tank and does what the start section would have done.
func start(m api.Module, budget int64) error {
	fill(m, budget)
	if f := m.ExportedFunction(fuel.Start); f != nil {
		_, err := f.Call(context.Background())
		return err
	}
	return nil
}

// fill leaves the tank empty, so that the guest begins with its reserve.
func fill(m api.Module, budget int64) {
	m.ExportedGlobal(fuel.Export).(api.MutableGlobal).Set(0)
	m.ExportedGlobal(fuel.Reserve).(api.MutableGlobal).Set(uint64(budget))
}

func left(m api.Module) int64 {
	return fuel.NewTank(m.ExportedGlobal(fuel.Export).(fuel.Global), m.ExportedGlobal(fuel.Reserve).(fuel.Global)).Left()
}

// trail calls all functions of a generated module, twice, and says what came of
// each call and what the module looks like at the end.
func trail(m api.Module, sigs []funcType, args func(i int) uint64) string {
	var b strings.Builder
	for round := range 2 {
		for i, s := range sigs {
			var in []uint64
			for k, p := range s.params {
				in = append(in, args(round*31+i*7+k))
				if p == tV128 {
					in = append(in, args(k))
				}
			}
			out, err := m.ExportedFunction(fmt.Sprintf("f%d", i)).Call(context.Background(), in...)
			if err != nil {
				fmt.Fprintf(&b, "f%d: %s\n", i, first(err))
				continue
			}
			fmt.Fprintf(&b, "f%d: %x\n", i, canonical(out, s.results))
		}
	}
	view, _ := m.Memory().Read(0, m.Memory().Size())
	fmt.Fprintf(&b, "memory %d %x\n", len(view), sha256.Sum256(view))
	for i := range 4 {
		fmt.Fprintf(&b, "g%d %x\n", i, canonical([]uint64{m.ExportedGlobal(fmt.Sprintf("g%d", i)).Get()}, valueTypes()[i:i+1]))
	}
	return b.String()
}

// canonical gives every NaN one payload, and cuts 32-bit values: what an engine
// leaves in the other half of a word means nothing.
func canonical(words []uint64, types []byte) []uint64 {
	at := 0
	for _, t := range types {
		if t == tI32 || t == tF32 {
			words[at] &= 0xFFFFFFFF
		}
		switch {
		case t == tV128:
			at++
		case t == tF32 && math.IsNaN(float64(math.Float32frombits(uint32(words[at])))):
			words[at] = 0x7FC00000
		case t == tF64 && math.IsNaN(math.Float64frombits(words[at])):
			words[at] = 0x7FF8000000000000
		}
		at++
	}
	return words
}

// differ runs a generated module plain, with fuel, and with fuel by slices of a
// few units, so that it steps aside at nearly every check, on the compiler and on
// the interpreter.
func differ(t *testing.T, seed uint64) (spent int64) {
	t.Helper()
	code, sigs := generate(seed)
	args := func(i int) uint64 { return seed*uint64(2654435761) + uint64(i)*uint64(40503) }
	plain, err := compiled(t, code)
	if err != nil {
		t.Fatalf("seed %d: the generator made an invalid module: %v", seed, err)
	}
	want := trail(plain, sigs, args)
	spent = -1
	for _, v := range []struct {
		name   string
		slice  int64
		config wazero.RuntimeConfig
	}{
		{"compiler", fuel.Slice, wazero.NewRuntimeConfigCompiler()},
		{"compiler, halting", 1 + int64(seed%4), wazero.NewRuntimeConfigCompiler()},
		{"interpreter", 1 + int64(seed%3), wazero.NewRuntimeConfigInterpreter()},
	} {
		metered, err := fuel.MeterBy(code, v.slice)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		m, err := instance(t, v.config, metered)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := start(m, 1<<40); err != nil {
			t.Fatal(err)
		}
		if got := trail(m, sigs, args); got != want {
			t.Fatalf("seed %d, %s: with fuel\n%s\nwithout\n%s", seed, v.name, got, want)
		}
		if n := 1<<40 - left(m); spent >= 0 && n != spent {
			t.Fatalf("seed %d, %s: %d were burnt, on the other engine %d", seed, v.name, n, spent)
		} else {
			spent = n
		}
	}
	return spent
}

// ABI-W-065: random modules give the same with fuel as without: results, traps,
// memory and globals; and burn the same on compiler and interpreter.
func TestMeter_RandomModules_AsPlain(t *testing.T) {
	seeds := uint64(2000)
	if testing.Short() {
		seeds = 150
	}
	var spent int64
	for seed := range seeds {
		spent += differ(t, seed)
	}
	if spent < int64(seeds)*20 {
		t.Errorf("%d modules burnt %d: the generator makes nothing that runs", seeds, spent)
	}
}

func FuzzMeterRandomModules(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { differ(t, seed) })
}

// FuzzMeterBytes: whatever the bytes are, the rewriter ends without a panic and
// within its room, and the engine takes what it made exactly if it takes the
// original.
func FuzzMeterBytes(f *testing.F) {
	for seed := range uint64(20) {
		code, _ := generate(seed)
		f.Add(code)
	}
	for _, path := range guests(f) {
		if code, err := os.ReadFile(path); err == nil && len(code) < 1<<16 {
			f.Add(code)
		}
	}
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	f.Cleanup(func() { _ = rt.Close(ctx) })
	f.Fuzz(func(t *testing.T, code []byte) {
		metered, err := fuel.Meter(code)
		if len(metered) > 2*len(code)+fuel.Slack {
			t.Fatalf("%d bytes became %d", len(code), len(metered))
		}
		if err != nil && !errors.Is(err, fuel.ErrIndex) && !mayRefuse(err) {
			// The engine is not asked: it makes room by counts before it looks
			// whether they are true, and dies of it.
			return
		}
		if err != nil && !honest(code) {
			return
		}
		// The engine takes an empty custom section at the very end for a cut one.
		valid := compiles(rt, append(code[:len(code):len(code)], 0, 3, 1, 'x', 0))
		switch {
		case err != nil && valid && !mayRefuse(err):
			t.Fatalf("a valid module is refused: %v", err)
		case err == nil && compiles(rt, metered) != valid:
			t.Fatalf("valid %t before, %t after", valid, !valid)
		case err == nil && valid:
			ends(t, metered)
		}
	})
}

// honest tells whether no section claims to have more entries than bytes.
func honest(code []byte) bool {
	for at := 8; at < len(code); {
		id := code[at]
		size, n := leb128.Uvarint(code[at+1:])
		if n <= 0 || size > uint64(len(code)-at-1-n) {
			return false
		}
		body := code[at+1+n : at+1+n+int(size)]
		if count, k := leb128.Uvarint(body); id != 0 && (k <= 0 || count > size) {
			return false
		}
		at += 1 + n + int(size)
	}
	return true
}

// ends runs what a module exports with little fuel. It comes back, or the
// rewriter missed a cycle.
func ends(t *testing.T, metered []byte) {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2).WithMemoryLimitPages(16))
	defer rt.Close(ctx)
	c, err := rt.CompileModule(ctx, metered)
	if err != nil || largeTable(metered) {
		return
	}
	m, err := rt.InstantiateModule(ctx, c, wazero.NewModuleConfig())
	if err != nil {
		return
	}
	for name, f := range c.ExportedFunctions() { // the start function is one
		fill(m, 100)
		args := make([]uint64, 2*len(f.ParamTypes()))
		for i, p := range f.ParamTypes() {
			if p == 0x7B {
				args = args[:i]
				break
			}
		}
		if n := len(f.ParamTypes()); len(args) == 2*n {
			_, _ = m.ExportedFunction(name).Call(ctx, args[:n]...)
		}
	}
}

// largeTable tells whether a module has a table that an engine would give too
// much memory: the caps on tables are not the rewriter's.
func largeTable(code []byte) bool {
	for at := 8; at < len(code); {
		id := code[at]
		size, n := leb128.Uvarint(code[at+1:])
		body := code[at+1+n : at+1+n+int(size)]
		if id == 2 && len(body) > 1 || id == 4 && len(body) > 5 {
			return true
		}
		at += 1 + n + int(size)
	}
	return false
}

// mayRefuse: what a valid module is refused for.
func mayRefuse(err error) bool {
	return errors.Is(err, fuel.ErrReserved) || errors.Is(err, fuel.ErrGrowth) || errors.Is(err, fuel.ErrLocals)
}

func compiles(rt wazero.Runtime, code []byte) (ok bool) {
	defer func() {
		if recover() != nil { // the engine's own affair
			ok = false
		}
	}()
	c, err := rt.CompileModule(context.Background(), code)
	if err != nil {
		return false
	}
	_ = c.Close(context.Background())
	return true
}

// guests lists the modules of the repository.
func guests(t testing.TB) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir("../../../..", func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".wasm") && !strings.Contains(path, "fuzz") {
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) < 3 {
		t.Fatalf("%d guests: %v", len(out), err)
	}
	return out
}

// Sections in the order of module, for modules written by hand.
func handmade(sections ...[]byte) []byte {
	return append([]byte("\x00asm\x01\x00\x00\x00"), bytes.Join(sections, nil)...)
}

// lone is a module with one function of type () -> i32, exported as f, and the
// sections given before and after its code.
func lone(body string, before ...[]byte) []byte {
	own := [][]byte{sectionOf(1, vector([]byte{0x60, 0, 1, tI32})), sectionOf(3, vector(u(0)))}
	own = append(own, before...)
	own = append(own, sectionOf(7, vector([]byte("\x01f\x00\x00"))), sectionOf(10, vector(sized([]byte("\x00"+body+"\x0b")))))
	return handmade(own...)
}

// ABI-W-063: what never ends is stopped, and the tank tells it from other traps.
func TestMeter_EndlessWork_Stopped(t *testing.T) {
	memory := sectionOf(5, vector([]byte{1, 1, 2}))
	for name, body := range map[string]string{
		"loop":                "\x03\x40\x0c\x00\x0b\x41\x00",
		"loop with a result":  "\x03\x7f\x0c\x00\x0b",
		"br_table":            "\x03\x40\x41\x00\x0e\x01\x00\x00\x0b\x41\x00",
		"outer loop":          "\x03\x40\x02\x40\x0c\x01\x0b\x0b\x41\x00",
		"calls that double":   "\x10\x01\x10\x01\x6a",
		"fills in a loop":     "\x03\x40\x41\x00\x41\x00\x41\x80\x80\x04\xfc\x0b\x00\x0c\x00\x0b\x41\x00",
		"grows in a loop":     "\x03\x40\x41\x01\x40\x00\x1a\x0c\x00\x0b\x41\x00",
		"refused growth":      "\x03\x40\x41\xff\xff\x03\x40\x00\x1a\x0c\x00\x0b\x41\x00",
		"loop in unreachable": "\x41\x01\x04\x40\x03\x40\x0c\x00\x0b\x0b\x41\x00",
	} {
		t.Run(name, func(t *testing.T) {
			code := lone(body, memory)
			if name == "calls that double" { // f calls g twice, g calls h twice, ... 40 deep
				code = doubling(40)
			}
			metered, err := fuel.Meter(code)
			if err != nil {
				t.Fatal(err)
			}
			m, err := compiled(t, metered)
			if err != nil {
				t.Fatal(err)
			}
			fill(m, 100_000)
			_, err = m.ExportedFunction("f").Call(context.Background())
			if n := left(m); err == nil || n >= 0 {
				t.Errorf("got %v with %d left", err, n)
			}
		})
	}
}

// ABI-W-063: a guest in a loop steps aside, whatever the loop does: collections,
// which stop all threads, begin and end meanwhile, and what empties its tank ends
// it. Were it to wait for the loop, a turn that takes a microsecond would hold up
// the host for a minute.
func TestMeter_LoopWithoutEnd_StepsAside(t *testing.T) {
	roots := strings.Repeat("\x9f", 58)                                                                                             // f64.sqrt
	chase := "\x20\x00\x41\xfc\xff\xff\x1d\x71\x28\x02\x00\x20\x00\x41\x8d\xcc\xe5\x00\x6c\x6a\x41\xdf\xe6\xbb\xe3\x03\x6a\x21\x00" // p = mem[p] + 1664525 p + 1013904223
	for name, f := range map[string]string{
		"empty":    "\x00\x03\x40\x0c\x00\x0b\x41\x00\x0b",
		"roots":    "\x01\x01\x7c\x03\x40\x20\x00" + roots + "\x21\x00\x0c\x00\x0b\x41\x00\x0b",
		"chase":    "\x01\x01\x7f\x03\x40" + strings.Repeat(chase, 6) + "\x0c\x00\x0b\x41\x00\x0b",
		"result":   "\x00\x03\x7f\x0c\x00\x0b\x0b",
		"by table": "\x00\x02\x40\x03\x40\x41\x00\x0e\x02\x00\x01\x00\x0b\x0b\x41\x00\x0b",
	} {
		t.Run(name, func(t *testing.T) {
			metered, err := fuel.Meter(handmade(sectionOf(1, vector([]byte{0x60, 0, 1, tI32})), sectionOf(3, vector([]byte{0})),
				sectionOf(5, vector([]byte{0, 0xe8, 0x07})), sectionOf(7, vector([]byte("\x01f\x00\x00"))), sectionOf(10, vector(sized([]byte(f))))))
			if err != nil {
				t.Fatal(err)
			}
			m, err := compiled(t, metered)
			if err != nil {
				t.Fatal(err)
			}
			fill(m, fuel.MaxBudget)
			done := make(chan error, 1)
			go func() { _, err := m.ExportedFunction("f").Call(context.Background()); done <- err }()
			for range 5 {
				runtime.GC()
			}
			select {
			case err := <-done:
				t.Fatalf("it ended by itself: %v", err)
			default:
			}
			tank := fuel.NewTank(m.ExportedGlobal(fuel.Export).(fuel.Global), m.ExportedGlobal(fuel.Reserve).(fuel.Global))
			for {
				tank.Drain()
				select {
				case err := <-done:
					if err == nil {
						t.Error("it came back")
					}
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
}

// doubling is a module whose function f calls another twice, which calls the
// next twice, and so on: without a loop, 2^depth calls.
func doubling(depth int) []byte {
	var funcs, bodies [][]byte
	for i := range depth {
		funcs = append(funcs, u(0))
		call := append([]byte{0x10}, u(i+1)...)
		bodies = append(bodies, sized(append(append(append([]byte{0}, call...), call...), 0x6A, 0x0B)))
	}
	funcs, bodies = append(funcs, u(0)), append(bodies, sized([]byte{0, 0x41, 1, 0x0B}))
	return handmade(sectionOf(1, vector([]byte{0x60, 0, 1, tI32})), sectionOf(3, vector(funcs...)),
		sectionOf(7, vector([]byte("\x01f\x00\x00"))), sectionOf(10, vector(bodies...)))
}

// ABI-W-064: what things cost, by hand.
func TestMeter_Costs(t *testing.T) {
	memory := sectionOf(5, vector([]byte{1, 1, 4}))
	nops := func(n int) string { return strings.Repeat("\x01", n) }
	for _, c := range []struct {
		name, body string
		cost       int64
	}{
		{"a function", "\x41\x07", 1},
		{"31 instructions", nops(29) + "\x41\x07", 1}, // with i32.const and end: 31
		{"32 instructions", nops(30) + "\x41\x07", 2},
		{"a division counts four times", nops(25) + "\x41\x07\x41\x01\x6d", 2},         // 25, 2, 4 and end
		{"a load counts four times", nops(25) + "\x41\x00\x28\x02\x00\x1a\x41\x07", 2}, // 25, 1, 4, 1, 1 and end
		{"a block counts for what it stands in", "\x02\x40" + nops(28) + "\x0b\x41\x07", 2},
		{"a loop that does not turn", "\x03\x40\x0b\x41\x07", 2},
		{"a loop pays for its own", "\x03\x40" + nops(31) + "\x0b\x41\x07", 3},
		{"255 bytes", "\x41\x00\x41\x00\x41\xff\x01\xfc\x0b\x00\x41\x07", 2},
		{"256 bytes", "\x41\x00\x41\x00\x41\x80\x02\xfc\x0b\x00\x41\x07", 3},
		{"a page is grown", "\x41\x01\x40\x00", 1 + 256 + 1 + 256},
		{"no page is grown", "\x41\x00\x40\x00", 1 + 256 + 1},
		{"growth is refused", "\x41\x05\x40\x00", 1 + 256},
	} {
		t.Run(c.name, func(t *testing.T) {
			metered, err := fuel.Meter(lone(c.body, memory))
			if err != nil {
				t.Fatal(err)
			}
			m, err := compiled(t, metered)
			if err != nil {
				t.Fatal(err)
			}
			for _, more := range []int64{0, 5} {
				fill(m, c.cost+more)
				if _, err := m.ExportedFunction("f").Call(context.Background()); err != nil || left(m) != more {
					t.Errorf("of %d, %d are left: %v", c.cost+more, left(m), err)
				}
			}
			fill(m, c.cost-1)
			if _, err := m.ExportedFunction("f").Call(context.Background()); left(m) >= 0 {
				t.Errorf("of %d, %d are left: %v", c.cost-1, left(m), err)
			}
		})
	}
}

// ABI-W-065: what only the rewritten module has is out of reach.
func TestMeter_ReachForTheTank_Refused(t *testing.T) {
	one := sectionOf(6, vector([]byte{tI64, 1, 0x42, 0, 0x0B}))
	for _, c := range []struct {
		name string
		code []byte
		want error
	}{
		{"reads it", lone("\x23\x00\xa7"), fuel.ErrIndex},
		{"fills it", lone("\x42\xff\x00\x24\x01\x41\x00", one), fuel.ErrIndex},
		{"fills it in dead code", lone("\x0f\x42\x00\x24\x01\x41\x00", one), fuel.ErrIndex},
		{"exports it", handmade(one, sectionOf(7, vector([]byte("\x01x\x03\x01")))), fuel.ErrIndex},
		{"begins a global with it", handmade(sectionOf(6, vector([]byte{tI64, 1, 0x42, 0, 0x0B}, []byte{tI64, 0, 0x23, 1, 0x0B}))), fuel.ErrIndex},
		{"places data by it", handmade(sectionOf(5, vector([]byte{0, 1})), one, sectionOf(11, vector([]byte{0, 0x23, 1, 0x0B, 0}))), fuel.ErrIndex},
		{"places elements by it", handmade(sectionOf(4, vector([]byte{0x70, 0, 1})), one, sectionOf(9, vector([]byte{0, 0x23, 1, 0x0B, 0}))), fuel.ErrIndex},
		{"an element is it", handmade(sectionOf(4, vector([]byte{0x70, 0, 1})), one, sectionOf(9, vector([]byte{5, 0x70, 1, 0x23, 1, 0x0B}))), fuel.ErrIndex},
		{"reads a scratch local", lone("\x41\x00\x20\x00\x1a"), fuel.ErrIndex},
		{"calls the refill", lone("\x10\x01\x41\x00"), fuel.ErrIndex},
		{"takes a reference to the refill", lone("\xd2\x01\x1a\x41\x00"), fuel.ErrIndex},
		{"exports the refill", handmade(sectionOf(1, vector([]byte("\x60\x00\x00"))), sectionOf(3, vector(u(0))), sectionOf(7, vector([]byte("\x01x\x00\x01"))), sectionOf(10, vector(sized([]byte("\x00\x0b"))))), fuel.ErrIndex},
		{"an element is the refill", handmade(sectionOf(1, vector([]byte("\x60\x00\x00"))), sectionOf(3, vector(u(0))), sectionOf(4, vector([]byte{0x70, 0, 1})), sectionOf(9, vector([]byte("\x00\x41\x00\x0b\x01\x01"))), sectionOf(10, vector(sized([]byte("\x00\x0b"))))), fuel.ErrIndex},
		{"an element expression is the refill", handmade(sectionOf(1, vector([]byte("\x60\x00\x00"))), sectionOf(3, vector(u(0))), sectionOf(4, vector([]byte{0x70, 0, 1})), sectionOf(9, vector([]byte("\x05\x70\x01\xd2\x01\x0b"))), sectionOf(10, vector(sized([]byte("\x00\x0b"))))), fuel.ErrIndex},
		{"calls by the type of the refill", lone("\x41\x00\x11\x01\x00\x41\x00"), fuel.ErrIndex},
		{"a block of its type", lone("\x02\x01\x0b\x41\x00"), fuel.ErrIndex},
		{"has its name", handmade(one, sectionOf(7, vector(append(sized([]byte(fuel.Export)), 3, 0)))), fuel.ErrReserved},
		{"has the name of the reserve", handmade(one, sectionOf(7, vector(append(sized([]byte(fuel.Reserve)), 3, 0)))), fuel.ErrReserved},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := fuel.Meter(c.code); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// ABI-W-065: what a start section runs is metered as all else.
func TestMeter_StartFunction_Metered(t *testing.T) {
	module := func(params, code string) []byte {
		return handmade(sectionOf(1, vector([]byte("\x60"+params+"\x00"))), sectionOf(3, vector(u(0))), sectionOf(8, u(0)),
			sectionOf(10, vector(sized([]byte("\x00"+code+"\x0b")))))
	}
	metered, err := fuel.Meter(module("\x00", "\x03\x40\x0c\x00\x0b"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := compiled(t, metered)
	if err != nil {
		t.Fatal(err)
	}
	if err := start(m, 1000); err == nil || left(m) >= 0 {
		t.Errorf("got %v with %d left", err, left(m))
	}
	if _, err := fuel.Meter(module("\x01\x7f", "")); err == nil {
		t.Error("a start function with a parameter is taken")
	}
}

// Names and custom sections stay, debug sections go: they speak of offsets.
func TestMeter_CustomSections(t *testing.T) {
	code := append(lone("\x41\x00"), bytes.Join([][]byte{
		sectionOf(0, append(sized([]byte("name")), 1, 4, 1, 0, 1, 'f')),
		sectionOf(0, append(sized([]byte(".debug_info")), 1, 2, 3)),
		sectionOf(0, append(sized([]byte("producers")), 0)),
	}, nil)...)
	metered, err := fuel.Meter(code)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCustomSections(true))
	defer rt.Close(ctx)
	c, err := rt.CompileModule(ctx, metered)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range c.CustomSections() {
		names = append(names, s.Name())
	}
	if !reflect.DeepEqual(names, []string{"producers"}) || bytes.Contains(metered, []byte(".debug")) {
		t.Errorf("custom sections %q", names)
	}
	if got := c.ExportedFunctions()["f"].Name(); got != "f" {
		t.Errorf("the function is named %q", got)
	}
}

// What is not Wasm 2.0 is refused by name, never passed on.
func TestMeter_UnknownInstructions_Refused(t *testing.T) {
	for name, body := range map[string]string{
		"tail call": "\x12\x00", "relaxed simd": "\xfd\x80\x02", "a gap in simd": "\xfd\x9a\x01", "0xFC 18": "\xfc\x12",
		"atomics": "\xfe\x00\x02\x00", "exceptions": "\x06\x40", "several memories": "\x41\x00\x28\x40\x01\x00", "0x27": "\x27",
	} {
		if _, err := fuel.Meter(lone(body)); !errors.Is(err, binary.ErrFeature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A module of loops and nothing else would become many times larger.
// A function that ends in the middle of an instruction is an error.
func TestMeter_CutInstructions_Refused(t *testing.T) {
	for _, body := range []string{"\x03", "\x03\x40\x0c", "\x03\x40\x0e", "\x03\x40\x0e\x05\x01", "\x03\x40\x21", "\x03\xff", "\x02", "\x10", "\x28\x02", "\xfd", "\xfc\x0b"} {
		code := handmade(sectionOf(1, vector([]byte{0x60, 0, 0})), sectionOf(3, vector([]byte{0})), sectionOf(10, vector(sized([]byte("\x00"+body)))))
		if _, err := fuel.Meter(code); err == nil {
			t.Errorf("%x: no error", body)
		}
	}
}

func TestMeter_NothingButLoops_Refused(t *testing.T) {
	body := strings.Repeat("\x03\x40\x0b", 300_000) + "\x41\x00"
	if _, err := fuel.Meter(lone(body)); !errors.Is(err, fuel.ErrGrowth) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkMeter(b *testing.B) {
	for _, path := range guests(b) {
		code, err := os.ReadFile(path)
		if err != nil || len(code) < 1000 {
			continue
		}
		b.Run(filepath.Base(path), func(b *testing.B) {
			b.SetBytes(int64(len(code)))
			var out []byte
			for b.Loop() {
				if out, err = fuel.Meter(code); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(out))/float64(len(code)), "size/plain")
		})
	}
}

// ABI-W-066: a table grows to its share of MaxTable, or to its own maximum.
func TestMeter_Tables_Clamped(t *testing.T) {
	grow := func(by, table string) string { return "\xd0\x70\x41" + by + "\xfc\x0f" + table } // ref.null func, i32.const, table.grow
	for _, c := range []struct {
		name, tables, by, table string
		want                    uint64
	}{
		{"within", "\x01\x70\x00\x05", "\x80\x80\x04", "\x00", 5},
		{"to the end", "\x01\x70\x00\x05", "\xfb\xff\x3f", "\x00", 5},
		{"beyond", "\x01\x70\x00\x05", "\xfc\xff\x3f", "\x00", 1<<32 - 1},
		{"its own maximum", "\x01\x70\x01\x05\x07", "\x03", "\x00", 1<<32 - 1},
		{"a quarter of four", "\x04\x70\x00\x00\x70\x00\x00\x70\x00\x00\x70\x00\x00", "\x80\x80\x10", "\x03", 0},
		{"more than a quarter", "\x04\x70\x00\x00\x70\x00\x00\x70\x00\x00\x70\x00\x00", "\x81\x80\x10", "\x03", 1<<32 - 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			metered, err := fuel.Meter(lone(grow(c.by, c.table), sectionOf(4, []byte(c.tables))))
			if err != nil {
				t.Fatal(err)
			}
			m, err := compiled(t, metered)
			if err != nil {
				t.Fatal(err)
			}
			fill(m, 1<<40)
			got, err := m.ExportedFunction("f").Call(context.Background())
			if err != nil || got[0]&(1<<32-1) != c.want {
				t.Errorf("got %v, %v, want %d", got, err, c.want)
			}
		})
	}
}
