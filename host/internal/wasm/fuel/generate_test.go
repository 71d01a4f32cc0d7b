package fuel_test

import (
	"encoding/binary"
	"math/rand/v2"
)

// generator writes random valid modules whose functions end: loops count down,
// and a function calls only those before it.
type generator struct {
	r      *rand.Rand
	types  []funcType
	funcs  []int // type of each function
	code   []byte
	locals []byte // types, parameters first
	free   int    // counters of loops: locals from here on are no one else's
	labels int
	loops  int
	calls  int
	room   int // how many more instructions a function may get
}

type funcType struct{ params, results []byte }

const (
	tI32, tI64, tF32, tF64, tV128 = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B
	counters                      = 4
)

func valueTypes() []byte { return []byte{tI32, tI64, tF32, tF64, tV128} }

func u(v int) []byte             { return binary.AppendUvarint(nil, uint64(v)) }
func (g *generator) n(k int) int { return g.r.IntN(k) }
func (g *generator) op(b ...byte) {
	g.code = append(g.code, b...)
	g.room--
}
func (g *generator) at(op byte, i int) { g.op(append([]byte{op}, u(i)...)...) }

func sleb(v int64) (out []byte) {
	for {
		b := byte(v & 0x7F)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

func vector(items ...[]byte) []byte {
	out := u(len(items))
	for _, i := range items {
		out = append(out, i...)
	}
	return out
}

func sized(b []byte) []byte                 { return append(u(len(b)), b...) }
func sectionOf(id byte, body []byte) []byte { return append([]byte{id}, sized(body)...) }

// generate gives a module that exports its functions as f0, f1, ..., its memory
// as m and its globals as g0, ...; and the types of its functions.
func generate(seed uint64) ([]byte, []funcType) {
	g := &generator{r: rand.New(rand.NewPCG(seed, 1))}
	for range 2 + g.n(4) {
		t := funcType{params: g.list(4), results: g.list(3)}
		g.types = append(g.types, t)
	}
	var types, decls, bodies, exports [][]byte
	for _, t := range g.types {
		types = append(types, append(append([]byte{0x60}, sized(t.params)...), sized(t.results)...))
	}
	count := 1 + g.n(5)
	var sigs []funcType
	for i := range count {
		t := g.n(len(g.types))
		sigs = append(sigs, g.types[t])
		decls = append(decls, u(t))
		bodies = append(bodies, sized(g.function(t)))
		g.funcs = append(g.funcs, t)
		exports = append(exports, append(sized([]byte{'f', byte('0' + i)}), append([]byte{0}, u(i)...)...))
	}
	exports = append(exports, append(sized([]byte("m")), 2, 0))
	var globals [][]byte
	for i, t := range valueTypes()[:4] {
		init := map[byte][]byte{tI32: append([]byte{0x41}, sleb(int64(g.n(1000)))...), tI64: append([]byte{0x42}, sleb(g.r.Int64())...),
			tF32: {0x43, 0, 0, 0x80, 0x3F}, tF64: {0x44, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F}}[t]
		globals = append(globals, append(append([]byte{t, 1}, init...), 0x0B))
		exports = append(exports, append(sized([]byte{'g', byte('0' + i)}), 3, byte(i)))
	}
	elems := [][]byte{}
	for i := range g.n(count + 1) {
		elems = append(elems, u(i))
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = append(out, sectionOf(1, vector(types...))...)
	out = append(out, sectionOf(3, vector(decls...))...)
	out = append(out, sectionOf(4, vector([]byte{0x70, 1, 8, 16}))...)
	out = append(out, sectionOf(5, vector([]byte{1, 1, 3}))...)
	out = append(out, sectionOf(6, vector(globals...))...)
	out = append(out, sectionOf(7, vector(exports...))...)
	out = append(out, sectionOf(9, vector(append([]byte{0, 0x41, 0, 0x0B}, vector(elems...)...), append([]byte{1, 0}, vector(elems...)...)))...)
	out = append(out, sectionOf(12, u(1))...)
	out = append(out, sectionOf(10, vector(bodies...))...)
	data := make([]byte, g.n(300))
	for i := range data {
		data[i] = byte(g.r.Uint32())
	}
	return append(out, sectionOf(11, vector(append([]byte{1}, sized(data)...)))...), sigs
}

func (g *generator) list(most int) []byte {
	out := []byte{}
	for range g.n(most + 1) {
		out = append(out, g.anyType())
	}
	return out
}

func (g *generator) anyType() byte { return valueTypes()[g.n(5)] }

// function writes the body of a function of type t.
func (g *generator) function(t int) []byte {
	typ := g.types[t]
	own := g.list(4)
	g.locals = append(append([]byte(nil), typ.params...), own...)
	g.free, g.code, g.labels, g.loops, g.calls, g.room = len(g.locals), nil, 0, 0, 3, 400
	for range 1 + g.n(6) {
		g.statement(3)
	}
	for _, r := range typ.results {
		g.value(r, 3)
	}
	g.op(0x0B)
	var decls [][]byte
	for _, l := range own {
		decls = append(decls, []byte{1, l})
	}
	decls = append(decls, []byte{counters, tI32})
	return append(vector(decls...), g.code...)
}

// statement writes code that leaves the stack as it was.
func (g *generator) statement(depth int) {
	if depth == 0 || g.room < 0 {
		g.op(0x01)
		return
	}
	switch g.n(13) {
	case 0: // a block, left early or not
		g.op(0x02, 0x40)
		g.inside(func() {
			g.statement(depth - 1)
			if g.n(2) == 0 {
				g.value(tI32, depth-1)
				g.at(0x0D, 0)
			}
			g.statement(depth - 1)
		})
	case 1, 2: // a loop that counts down
		if g.loops == counters {
			return
		}
		counter := g.free + g.loops
		g.loops++
		g.op(append([]byte{0x41}, sleb(int64(1+g.n(4)))...)...)
		g.at(0x21, counter)
		g.op(0x03, 0x40)
		g.inside(func() {
			g.statement(depth - 1)
			g.statement(depth - 1)
			g.at(0x20, counter)
			g.op(0x41, 0x7F, 0x6A) // + -1
			g.at(0x22, counter)
			g.at(0x0D, 0)
		})
		g.loops--
	case 3:
		g.value(tI32, depth-1)
		g.op(0x04, 0x40)
		g.inside(func() {
			g.statement(depth - 1)
			g.op(0x05)
			g.statement(depth - 1)
		})
	case 4: // br_table over two blocks
		g.op(0x02, 0x40, 0x02, 0x40)
		g.value(tI32, depth-1)
		g.op(0x0E, 1, 0, 1, 0x0B)
		g.inside(func() { g.statement(depth - 1) })
	case 5: // store
		g.address()
		t := g.n(5)
		g.value(valueTypes()[t], depth-1)
		g.op([][]byte{{0x36, 0, 1}, {0x37, 0, 1}, {0x38, 0, 1}, {0x39, 0, 1}, {0xFD, 11, 0, 1}}[t]...)
	case 6:
		i := g.n(4)
		g.value(valueTypes()[i], depth-1)
		g.at(0x24, i)
	case 7, 8:
		if len(g.locals) > 0 {
			i := g.n(len(g.locals))
			g.value(g.locals[i], depth-1)
			g.at(0x21, i)
		}
	case 9:
		g.call(depth)
	case 10: // bulk memory and tables
		g.bulk()
	case 11:
		g.value(g.anyType(), depth-1)
		g.op(0x1A)
	case 12: // code that nothing reaches
		g.op(0x02, 0x40)
		g.inside(func() {
			g.at(0x0C, 0)
			if g.n(2) == 0 {
				g.op(0x40, 0, 0x1A) // memory.grow of a value that is not there
			} else {
				g.op(0xFC, 11, 0) // memory.fill
			}
		})
	}
}

// inside runs f in a block that is open, and ends it.
func (g *generator) inside(f func()) {
	g.labels++
	f()
	g.labels--
	g.op(0x0B)
}

func (g *generator) address() { g.op(append([]byte{0x41}, sleb(int64(g.n(70000)))...)...) }
func (g *generator) small()   { g.op(append([]byte{0x41}, sleb(int64(g.n(600)))...)...) }

func (g *generator) bulk() {
	switch g.n(7) {
	case 0:
		g.address()
		g.address()
		g.small()
		g.op(0xFC, 10, 0, 0)
	case 1:
		g.address()
		g.value(tI32, 1)
		g.small()
		g.op(0xFC, 11, 0)
	case 2:
		g.address()
		g.op(0x41, 0)
		g.op(0x41, byte(g.n(64)))
		g.op(0xFC, 8, 0, 0)
	case 3:
		g.op(0x41, byte(g.n(2)), 0x40, 0, 0x1A)
	case 4:
		g.op(0x41, byte(g.n(10)), 0xD0, 0x70, 0x41, byte(g.n(4)), 0xFC, 17, 0)
	case 5:
		g.op(0xD0, 0x70, 0x41, byte(g.n(5)), 0xFC, 15, 0, 0x1A)
	case 6:
		g.op(0x41, byte(g.n(10)), 0x41, byte(g.n(10)), 0x41, byte(g.n(4)), 0xFC, 14, 0, 0)
	}
}

// call calls a function before this one, directly or through the table, and
// drops what it gives.
func (g *generator) call(depth int) {
	if len(g.funcs) == 0 || g.calls == 0 || g.loops > 1 {
		return
	}
	g.calls--
	f := g.n(len(g.funcs))
	t := g.types[g.funcs[f]]
	for _, p := range t.params {
		g.value(p, depth-1)
	}
	if g.n(4) == 0 {
		g.op(append([]byte{0x41}, sleb(int64(g.n(len(g.funcs))))...)...)
		g.op(append(append([]byte{0x11}, u(g.funcs[f])...), 0)...)
	} else {
		g.at(0x10, f)
	}
	for range t.results {
		g.op(0x1A)
	}
}

// value writes code that pushes a value of type t.
func (g *generator) value(t byte, depth int) {
	if depth <= 0 || g.room < 0 || g.n(4) == 0 {
		g.leaf(t)
		return
	}
	if g.n(6) == 0 { // select
		g.value(t, depth-1)
		g.value(t, depth-1)
		g.value(tI32, depth-1)
		g.op(0x1C, 1, t)
		return
	}
	if g.n(8) == 0 { // a block with a result
		g.op(0x02, t)
		g.inside(func() {
			g.statement(depth - 1)
			g.value(t, depth-1)
		})
		return
	}
	two := func(of, code byte) {
		g.value(of, depth-1)
		g.value(of, depth-1)
		g.op(code)
	}
	switch t {
	case tI32:
		switch g.n(6) {
		case 0:
			two(tI64, byte(0x51+g.n(10)))
		case 1:
			two(tF64, byte(0x61+g.n(6)))
		case 2:
			g.address()
			g.op(byte(0x2C+g.n(4)), 0, byte(g.n(100)))
		case 3:
			g.value(tF64, depth-1)
			g.op(0xFC, byte(2+g.n(2)))
		case 4:
			g.value(tV128, depth-1)
			g.op(0xFD, 27, byte(g.n(4)))
		default:
			two(tI32, byte(0x6A+g.n(15)))
		}
	case tI64:
		if g.n(4) == 0 {
			g.value(tI32, depth-1)
			g.op(byte(0xAC + g.n(2)))
			return
		}
		two(tI64, byte(0x7C+g.n(15)))
	case tF32:
		two(tF32, byte(0x92+g.n(7)))
	case tF64:
		if g.n(4) == 0 {
			g.value(tI64, depth-1)
			g.op(byte(0xB9 + g.n(2)))
			return
		}
		two(tF64, byte(0xA0+g.n(7)))
	case tV128:
		switch g.n(3) {
		case 0:
			g.value(tI32, depth-1)
			g.op(0xFD, 17)
		case 1:
			g.value(tV128, depth-1)
			g.value(tV128, depth-1)
			g.op(0xFD, 0xAE, 0x01) // i32x4.add
		default:
			g.address()
			g.op(0xFD, 0, 0, 0)
		}
	}
}

func (g *generator) leaf(t byte) {
	for try := 0; try < 3 && len(g.locals) > 0; try++ {
		if i := g.n(len(g.locals)); g.locals[i] == t {
			g.at(0x20, i)
			return
		}
	}
	if t != tV128 && g.n(3) == 0 {
		for i, of := range valueTypes()[:4] {
			if of == t {
				g.at(0x23, i)
				return
			}
		}
	}
	switch t {
	case tI32:
		g.op(append([]byte{0x41}, sleb(int64(int32(g.r.Uint32()))>>g.n(32))...)...)
	case tI64:
		g.op(append([]byte{0x42}, sleb(g.r.Int64()>>g.n(64))...)...)
	case tF32:
		g.op(binary.LittleEndian.AppendUint32([]byte{0x43}, g.r.Uint32())...)
	case tF64:
		g.op(binary.LittleEndian.AppendUint64([]byte{0x44}, g.r.Uint64())...)
	case tV128:
		g.op(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64([]byte{0xFD, 12}, g.r.Uint64()), g.r.Uint64())...)
	}
}
