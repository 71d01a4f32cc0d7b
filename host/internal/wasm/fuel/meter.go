package fuel

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/featurehost/featurehost/host/internal/wasm/binary"
)

// Names by which the host finds the tank and the reserve, and the start function
// if the module has one: that would run before the host could fill the tank, so
// it becomes an export, which the host calls first.
const (
	Export  = "__featurehost_fuel"
	Reserve = "__featurehost_reserve"
	Start   = "__featurehost_start"
)

// Slice is the most that a guest burns before it steps aside: compiled code is
// nothing that Go can interrupt. It is some tens of microseconds of a plain loop,
// and of one whose every load misses the caches some tens of milliseconds.
const Slice = 1 << 16

// Schedule numbers what things cost (ABI-W-064). Verdicts depend on it, so a
// change of any cost is a new number.
const Schedule = 1

// Slack is how many bytes a module may gain beside as many as it has.
const Slack = 1 << 16

var (
	// ErrReserved is an export that has the name of the tank.
	ErrReserved = errors.New("a name is the host's")
	// ErrGrowth is a module that would become more than twice as large: one that
	// has little but loops, which no compiler writes.
	ErrGrowth = errors.New("the module has too many loops for its size")
)

// MaxBudget is the most that may be filled in: far from an overflow.
const MaxBudget = 1 << 62

// rank gives the order of sections; 0 for a section that Wasm 2.0 does not have.
func rank(id byte) int {
	switch {
	case id >= 1 && id <= 9:
		return int(id)
	case id == binary.SectionDataCount:
		return 10
	case id == binary.SectionCode:
		return 11
	case id == binary.SectionData:
		return 12
	}
	return 0
}

// section is one section of a module.
type section struct {
	id   byte
	body []byte
}

// module is what the rewriter knows of a module.
type module struct {
	sections []section
	types    []arity
	imported []uint32 // type of each function that the module imports
	funcs    []uint32 // and of each that it defines
	globals  uint32   // imported and defined
	memory   bool     // it has one
	start    int64    // the start function, or -1
}

// counts of what is known so far: sections come in order.
func (m *module) counts() counts {
	return counts{types: uint32(len(m.types)), functions: uint32(len(m.imported) + len(m.funcs)), globals: m.globals}
}

// arity is what a function takes, by type, and how many values it gives.
type arity struct {
	takes []byte
	gives int
}

// Meter gives the module wasm with checks. Its tank is empty to begin with.
//
// The original need not be valid, and what comes back is valid exactly if it
// was, but for indices that only the rewritten module would have (ErrIndex).
// Debug sections, which speak of byte offsets, are left out.
//
// Errors: binary.ErrFeature for what is beyond Wasm 2.0, ErrIndex, ErrReserved,
// ErrGrowth, ErrLocals, and others for a module that is malformed.
func Meter(wasm []byte) ([]byte, error) { return meter(wasm, Slice) }

func meter(wasm []byte, slice int64) ([]byte, error) {
	in := binary.NewInstructions()
	m, err := read(wasm, in)
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(wasm)+len(wasm)/2), wasm[:binary.HeaderSize]...)
	globals := bytes.Repeat([]byte{binary.I64, 1, opI64Const, 0, opEnd}, 2)
	exports, more := appendExport(nil, Export, binary.KindGlobal, m.globals), uint32(2)
	exports = appendExport(exports, Reserve, binary.KindGlobal, m.globals+1)
	// The start function is called by one more function, since an export would
	// declare it as one that may be referred to. Where there is no code, nothing
	// can refer to it.
	runs := len(m.funcs) > 0
	if starter := m.counts().functions + 1; m.start >= 0 && runs {
		exports, more = appendExport(exports, Start, binary.KindFunction, starter), 3
	} else if m.start >= 0 {
		exports, more = appendExport(exports, Start, binary.KindFunction, uint32(m.start)), 3
	}
	added := uint32(1) // functions, all of the type that is added
	if m.start >= 0 {
		added = 2
	}
	put := map[int]bool{}
	add := func(id byte, body []byte) {
		out = appendU32(append(out, id), uint32(len(body)))
		out = append(out, body...)
	}
	// missing writes the sections that the module does not have and that come
	// before one of rank r.
	missing := func(r int) {
		for _, s := range []struct {
			id      byte
			n       uint32
			entries []byte
		}{{binary.SectionGlobal, 2, globals}, {binary.SectionExport, more, exports}} {
			if own := rank(s.id); own < r && !put[own] {
				put[own] = true
				add(s.id, lengthened([]byte{0}, s.n, s.entries))
			}
		}
	}
	for _, s := range m.sections {
		if s.id == binary.SectionCustom {
			if name := binary.NewCursor(s.body).Name(); !strings.HasPrefix(name, ".debug_") {
				add(s.id, s.body)
			}
			continue
		}
		missing(rank(s.id))
		put[rank(s.id)] = true
		switch { // a module without functions needs no refill
		case s.id == binary.SectionType && runs:
			add(s.id, lengthened(s.body, 1, []byte{0x60, 0, 0}))
		case s.id == binary.SectionFunction && runs:
			add(s.id, lengthened(s.body, added, bytes.Repeat(appendU32(nil, uint32(len(m.types))), int(added))))
		case s.id == binary.SectionTable:
			tables, err := clamp(s.body)
			if err != nil {
				return nil, err
			}
			add(s.id, tables)
		case s.id == binary.SectionGlobal:
			add(s.id, lengthened(s.body, 2, globals))
		case s.id == binary.SectionExport:
			add(s.id, lengthened(s.body, more, exports))
		case s.id == binary.SectionStart:
		case s.id == binary.SectionCode && runs:
			code, err := m.code(s.body, in, added, slice)
			if err != nil {
				return nil, err
			}
			add(s.id, code)
		default:
			add(s.id, s.body)
		}
	}
	missing(13)
	return out, nil
}

func appendExport(out []byte, name string, kind byte, index uint32) []byte {
	out = append(appendU32(out, uint32(len(name))), name...)
	return appendU32(append(out, kind), index)
}

// lengthened gives a vector with n more entries.
func lengthened(body []byte, n uint32, entries []byte) []byte {
	c := binary.NewCursor(body)
	out := appendU32(make([]byte, 0, len(body)+len(entries)+1), n+c.U32())
	return append(append(out, body[c.At():]...), entries...)
}

// code rewrites all functions and adds so many.
func (m *module) code(section []byte, in *binary.Instructions, added uint32, slice int64) ([]byte, error) {
	c := binary.NewCursor(section)
	n := c.U32()
	if c.Err() == nil && int(n) != len(m.funcs) {
		return nil, fmt.Errorf("the module declares %d functions and has %d", len(m.funcs), n)
	}
	out := appendU32(make([]byte, 0, len(section)+len(section)/2), n+added)
	var b body
	var text []byte
	of := m.counts()
	for i := range n {
		code := c.Bytes(c.U32())
		if c.Err() != nil {
			return nil, c.Err()
		}
		if err := b.scan(in, code, of, m.types, m.types[m.funcs[i]].takes); err != nil {
			return nil, fmt.Errorf("function %d of those defined: %w", i, err)
		}
		text = b.write(text[:0], code)
		out = append(appendU32(out, uint32(len(text))), text...)
		if len(out) > 2*len(section)+Slack/2 {
			return nil, ErrGrowth
		}
	}
	text = refill(text[:0], of.globals, m.memory, slice)
	out = append(appendU32(out, uint32(len(text))), text...)
	if added > 1 {
		text = append(appendU32(append(text[:0], 0, opCall), uint32(m.start)), opEnd)
		out = append(appendU32(out, uint32(len(text))), text...)
	}
	return out, c.Done()
}

// read walks the sections.
func read(wasm []byte, in *binary.Instructions) (*module, error) {
	if len(wasm) < binary.HeaderSize || string(wasm[:binary.HeaderSize]) != "\x00asm\x01\x00\x00\x00" {
		return nil, errors.New("it is no core module of version 1")
	}
	m := &module{start: -1}
	c := binary.NewCursor(wasm[binary.HeaderSize:])
	last := 0
	for c.More() {
		s := section{id: c.Byte()}
		s.body = c.Bytes(c.U32())
		if c.Err() != nil {
			break
		}
		if s.id != binary.SectionCustom {
			r := rank(s.id)
			switch {
			case r == 0:
				return nil, fmt.Errorf("section %d: %w", s.id, binary.ErrFeature)
			case r <= last:
				return nil, fmt.Errorf("section %d stands twice or in the wrong place", s.id)
			}
			last = r
		}
		if err := m.note(s, in); err != nil {
			return nil, fmt.Errorf("section %d: %w", s.id, err)
		}
		m.sections = append(m.sections, s)
	}
	return m, c.Err()
}

// note keeps what the rewriter must know of a section. Sections come in order,
// so all globals are counted before the first one is named in an expression.
func (m *module) note(s section, in *binary.Instructions) error {
	c := binary.NewCursor(s.body)
	named := func(what binary.Follows, i uint32) { m.counts().hold(c, what, i) }
	switch s.id {
	case binary.SectionCustom:
		if c.Name() == "name" {
			names(c)
		}
		return c.Err()
	case binary.SectionType:
		c.Each(func(int) {
			takes, gives := c.FuncType()
			m.types = append(m.types, arity{takes, len(gives)})
		})
	case binary.SectionImport:
		c.Each(func(int) { m.noteImport(c) })
	case binary.SectionTable:
		c.Each(func(int) { c.RefType(); limits(c) })
	case binary.SectionMemory:
		c.Each(func(int) { limits(c); m.memory = true })
	case binary.SectionStart:
		m.noteStart(c)
	case binary.SectionDataCount:
		c.U32()
	case binary.SectionFunction:
		c.Each(func(int) {
			m.funcs = append(m.funcs, m.typeIndex(c))
		})
	case binary.SectionGlobal:
		// A global may be initialized from those before it, so an expression here
		// sees no more than they.
		c.Each(func(int) {
			c.ValueType()
			c.Byte()
			in.Constant(c, named)
			m.globals++
		})
	case binary.SectionExport:
		c.Each(func(int) {
			name, kind, i := c.Name(), c.Byte(), c.U32()
			switch {
			case kind == binary.KindGlobal && i >= m.globals:
				c.Fail(fmt.Errorf("export of global %d: %w", i, ErrIndex))
			case kind == binary.KindFunction && i >= m.counts().functions:
				c.Fail(fmt.Errorf("export of function %d: %w", i, ErrIndex))
			case name == Export || name == Reserve || name == Start:
				c.Fail(fmt.Errorf("the export %q: %w", name, ErrReserved))
			}
		})
	case binary.SectionElement:
		c.Each(func(int) {
			n, expressions := in.Segment(c, named)
			for ; n > 0 && c.Err() == nil; n-- {
				if expressions {
					in.Constant(c, named)
				} else {
					named(binary.Function, c.U32())
				}
			}
		})
	case binary.SectionData:
		c.Each(func(int) {
			kind := c.U32()
			if kind > 2 {
				c.Fail(fmt.Errorf("a data segment of kind %d: %w", kind, binary.ErrFeature))
			}
			if kind == 2 {
				c.U32()
			}
			if kind != 1 {
				in.Constant(c, named)
			}
			c.Bytes(c.U32())
		})
	default:
		return nil
	}
	return c.Done()
}

// typeIndex reads the number of a function type.
func (m *module) typeIndex(c *binary.Cursor) uint32 {
	i := c.U32()
	if int64(i) >= int64(len(m.types)) {
		c.Fail(fmt.Errorf("function type %d of %d", i, len(m.types)))
	}
	return i
}

// noteStart holds what an engine would: as an export the function could have
// any type.
func (m *module) noteStart(c *binary.Cursor) {
	i := c.U32()
	if all := append(m.imported, m.funcs...); int64(i) >= int64(len(all)) {
		c.Fail(fmt.Errorf("function %d of %d is to start the module", i, len(all)))
	} else if of := m.types[all[i]]; len(of.takes)+of.gives > 0 {
		c.Fail(fmt.Errorf("function %d, which is to start the module, takes or gives values", i))
	}
	m.start = int64(i)
}

func (m *module) noteImport(c *binary.Cursor) {
	c.Name()
	c.Name()
	switch kind := c.Byte(); kind {
	case binary.KindFunction:
		m.imported = append(m.imported, m.typeIndex(c))
	case binary.KindTable:
		c.RefType()
		limits(c)
	case binary.KindMemory:
		limits(c)
		m.memory = true
	case binary.KindGlobal:
		c.ValueType()
		c.Byte()
		m.globals++
	default:
		c.Fail(fmt.Errorf("an import of kind %d: %w", kind, binary.ErrFeature))
	}
}

// limits reads the size of a memory or a table of Wasm 2.0.
func limits(c *binary.Cursor) {
	if err := c.Limits().Feature(); err != nil {
		c.Fail(err)
	}
}

// names holds that the counts of a name section are true: the engine makes room
// by them before it looks
// (https://www.w3.org/TR/wasm-core-2/#name-section).
func names(c *binary.Cursor) {
	for c.More() {
		id, s := c.Byte(), binary.NewCursor(c.Bytes(c.U32()))
		one := func(int) { s.U32(); s.Name() }
		switch {
		case c.Err() != nil:
		case id == 0:
			s.Name()
		case id == 1:
			s.Each(one)
		case id == 2:
			s.Each(func(int) { s.U32(); s.Each(one) })
		default:
			continue
		}
		if err := s.Done(); err != nil {
			c.Fail(fmt.Errorf("the name section: %w", err))
		}
	}
}
