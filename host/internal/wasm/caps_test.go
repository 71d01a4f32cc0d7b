package wasm

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/conformance/hostile"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/wasm/binary"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// ABI-W-067: of what the engine makes much from few bytes, and of what it takes
// long for, a module has no more than its caps; that is seen in no time.
func TestLoad_Caps_Refused(t *testing.T) {
	i32 := hostile.I32
	many := func(n int, s string) string { return strings.Repeat(s, n) }
	vector := func(n int, s string) string { return hostile.ULEB(n) + many(n, s) }
	code := func(s string) func(*hostile.Module) {
		return func(m *hostile.Module) { m.Funcs = append(m.Funcs, hostile.Func{Type: 2, Code: s}) }
	}
	wide := func(m *hostile.Module, params, results int, body string) { // one more type and a function of it
		m.Types = append(m.Types, hostile.FuncType(many(params, i32), many(results, i32)))
		m.Funcs = append(m.Funcs, hostile.Func{Type: len(m.Types) - 1, Code: body})
	}
	for name, c := range map[string]struct {
		edit func(*hostile.Module)
		says string
	}{
		"parameters": {func(m *hostile.Module) { wide(m, 200_000, 0, "") }, "200000 parameters"},
		"results":    {func(m *hostile.Module) { wide(m, 0, 1001, "\x00") }, "1001 parameters or results"},
		"types":      {func(m *hostile.Module) { m.Types = append(m.Types, slices.Repeat([]string{"\x60\x00\x00"}, 10_000)...) }, "10006 function types, at most 10000"},
		"parameters of all types": {func(m *hostile.Module) {
			m.Types = append(m.Types, slices.Repeat([]string{hostile.FuncType(many(1000, i32), "")}, 101)...)
		}, "parameters and results"},
		"imports": {func(m *hostile.Module) {
			m.Imports = slices.Repeat([]string{hostile.Import(abi.ImportModule, "log", 2)}, 1001)
		}, "1001 imports"},
		"tables":  {func(m *hostile.Module) { m.Tables = slices.Repeat([]string{"\x70\x00\x00"}, 101) }, "101 tables"},
		"globals": {func(m *hostile.Module) { m.Globals = slices.Repeat([]string{i32 + "\x00\x41\x00\x0b"}, 20_001) }, "20001 globals"},
		"exports": {func(m *hostile.Module) {
			m.Exports = append(m.Exports, slices.Repeat([]string{"\x00\x02\x00"}, 20_000)...)
		}, "exports, at most 20000"},
		"segments": {func(m *hostile.Module) { m.Tail = hostile.Section(9, vector(10_001, "\x01\x00\x00")) }, "10001 element segments"},
		"elements": {func(m *hostile.Module) {
			m.Tail = hostile.Section(9, vector(2, "\x01\x00"+vector(70_000, "\x00")))
		}, "140000 elements"},
		"elements by expressions": {func(m *hostile.Module) {
			m.Tail = hostile.Section(9, vector(1, "\x05\x70"+vector(140_000, "\xd2\x00\x0b")))
		}, "140000 elements"},
		"data": {func(m *hostile.Module) { m.Tail = hostile.Section(11, vector(100_001, "\x01\x00")) }, "100001 data segments"},
		"names": {func(m *hostile.Module) {
			m.Tail = hostile.Section(0, hostile.Sized("name")+hostile.Section(1, vector(500_001, "\x00\x00")))
		}, "500001 names"},
		"names of locals": {func(m *hostile.Module) {
			m.Tail = hostile.Section(0, hostile.Sized("name")+hostile.Section(2, vector(3, "\x00"+vector(200_000, "\x00\x00"))))
		}, "600003 names"},
		"functions": {func(m *hostile.Module) {
			m.Funcs = append(m.Funcs, slices.Repeat([]hostile.Func{{Type: 2}}, 100_000)...)
		}, "100006 functions"},
		"depth":    {code(many(10_001, "\x02\x40") + many(10_001, "\x0b")), "10001 blocks in each other"},
		"branches": {code("\x02\x40" + many(12_000, "\x41\x00\x0d\x00") + "\x0b"), "pieces"},
		"loops":    {code(many(4375, "\x03\x40\x0b")), "35001 pieces"}, // with their ends 8 each, and the function's end
		"grows":    {code(many(1945, "\x41\x00\x40\x00\x1a")), "35011 pieces"},
		"fills":    {code(many(1945, "\x41\x00\x41\x00\x41\x00\xfc\x0b\x00")), "35011 pieces"},
		"sets in loops": {func(m *hostile.Module) {
			body := ""
			for i := range 250 {
				body += "\x03\x40"
				for j := range 4 {
					body += "\x41\x00\x21" + hostile.ULEB(4*i+j)
				}
				body += "\x0b"
			}
			wide(m, 1000, 0, body)
		}, "locals times pieces"},
		"labels":      {code("\x41\x00\x0e" + vector(20_001, "\x00") + "\x00"), "20002 labels"},
		"wide blocks": {func(m *hostile.Module) { wide(m, 500, 500, many(1000, "\x02\x06\x0b")) }, "values taken and given"},
		"wide calls":  {func(m *hostile.Module) { wide(m, 500, 500, many(1000, "\x10\x06")) }, "values taken and given"},
		"locals in pieces": {func(m *hostile.Module) {
			body := ""
			for i := range 1000 {
				body += "\x20" + hostile.ULEB(i) + "\x04\x40\x0b"
			}
			wide(m, 1000, 0, body)
		}, "locals times pieces"},
	} {
		t.Run(name, func(t *testing.T) {
			m := hostile.Minimal()
			c.edit(m)
			start := time.Now()
			_, err := newEngine(t).Load(packed(t, m.Bytes(), plainManifest))
			if !fault.Is(err, abi.CodeTooLarge) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// A local that is read in the piece of code it was set in is none that the
// engine must follow: code that was not optimised is full of them.
func TestWalker_LocalsSetAndReadAtOnce_NotFollowed(t *testing.T) {
	for code, far := range map[string]int{
		"\x41\x00\x21\x00\x20\x00\x1a":                 0, // set, get
		"\x20\x00\x1a\x20\x00\x1a":                     1, // get, get
		"\x41\x00\x21\x00\x02\x40\x0b\x20\x00\x1a":     1, // set, a block, get
		"\x41\x00\x22\x00\x1a\x20\x00\x1a\x20\x01\x1a": 1, // tee, get, get of another
		"\x03\x40\x41\x00\x21\x00\x41\x00\x21\x00\x0b": 1, // set twice in a loop
		"\x03\x40\x0b\x41\x00\x21\x00":                 0, // set behind a loop
	} {
		w := &walker{in: binary.NewInstructions(), outline: &outline{}}
		e, err := w.function(functype{}, []byte("\x01\x02\x7f"+code+"\x0b"))
		if err != nil || e.far != far || e.locals != 2 {
			t.Errorf("%x: %+v, %v, want %d", code, e, err, far)
		}
	}
}

// ABI-W-067: a loop counts as many pieces as the engine makes of the most that the
// rewriter makes of one: a piece for a block, two for a loop, three for an if, and
// one behind a branch that may not be taken.
func TestWalker_Loop_CountsWhatMeteringMakes(t *testing.T) {
	pieces := map[byte]int{binary.OpBlock: 1, binary.OpLoop: 2, binary.OpIf: 3, binary.OpBrIf: 1}
	made := func(code string) (n int) {
		m := hostile.Minimal()
		m.Funcs = append(m.Funcs, hostile.Func{Type: 2, Code: code})
		metered, err := fuel.Meter(m.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		in := binary.NewInstructions()
		bodies(t, metered, func(_ int, body []byte) {
			c := binary.NewCursor(body)
			c.Each(func(int) { c.U32(); c.ValueType() })
			for c.More() {
				i := in.Next(c)
				c.Pass(i.Follows)
				n += pieces[i.Op]
			}
			if c.Err() != nil {
				t.Fatal(c.Err())
			}
		})
		return n
	}
	for name, c := range map[string]struct {
		before, head, inside string
		want                 int
	}{
		"empty":         {"", "\x03\x40", "", ofLoop},
		"a branch":      {"", "\x03\x40", "\x41\x00\x0d\x00", ofLoop},
		"sets a local":  {"", "\x03\x40", "\x41\x00\x21\x00", ofLoop},
		"a call":        {"", "\x03\x40", "\x41\x00\x10\x05", 5},
		"another loop":  {"", "\x03\x40", "\x03\x40\x0b", 5},
		"takes a value": {"\x41\x00", "\x03\x05", "\x1a", 5},
	} {
		if got := made(c.before+c.head+c.inside+"\x0b") - made(c.before+c.inside); got != c.want {
			t.Errorf("%s: %d pieces, want %d", name, got, c.want)
		}
	}
}

// bodies calls f for each function that a module defines.
func bodies(t *testing.T, wasm []byte, f func(i int, body []byte)) {
	t.Helper()
	c := binary.NewCursor(wasm[binary.HeaderSize:])
	for c.More() {
		id, s := c.Byte(), binary.NewCursor(c.Bytes(c.U32()))
		if id == binary.SectionCode {
			s.Each(func(i int) { f(i, s.Bytes(s.U32())) })
		}
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
	}
	if c.Err() != nil {
		t.Fatal(c.Err())
	}
}

// ABI-W-067: what compilers write has a fifth of what a function may have, or less.
func TestCaps_Compiled_FarBelow(t *testing.T) {
	guests := typesGuests(t)
	for _, pattern := range []string{"testdata/*.wasm", "fuel/testdata/*.wasm", "../../../plugins/*/*.wasm"} {
		list, err := filepath.Glob(pattern)
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %v, %v", pattern, list, err)
		}
		for _, path := range list {
			if guests[path], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, wasm := range guests {
		o, err := readOutline(wasm)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w := &walker{in: binary.NewInstructions(), outline: o}
		bodies(t, wasm, func(i int, body []byte) {
			f, _ := o.function(uint32(o.imported + i))
			e, err := w.function(f, body)
			if err != nil {
				t.Fatal(err)
			}
			five := effort{far: e.far, depth: 5 * e.depth, pieces: 5 * e.pieces, labels: 5 * e.labels, moved: 5 * e.moved}
			if err := five.check(); err != nil || 5*e.locals > maxLocals {
				t.Errorf("%s: function %d: %+v: five of it: %v", name, i, e, err)
			}
		})
	}
}

// A body that ends early, goes on after its end or holds what is not of Wasm 2.0
// is refused before the engine sees it.
func TestWalker_Malformed(t *testing.T) {
	for name, body := range map[string]string{
		"no end": "\x00\x01", "left over": "\x00\x0b\x01", "cut number": "\x00\x41\x80", "unknown": "\x00\x12\x00\x0b", "unknown prefixed": "\x00\xfc\x20\x0b",
		"prefix": "\x00\xfd\xff\x7f\x0b", "locals": "\x02\x01\x7f",
	} {
		w := &walker{in: binary.NewInstructions(), outline: &outline{}}
		if e, err := w.function(functype{}, []byte(body)); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
