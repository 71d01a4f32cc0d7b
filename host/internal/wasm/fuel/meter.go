package fuel

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
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

// Ids of sections.
const (
	custom    = 0
	typeSec   = 1
	importSec = 2
	funcSec   = 3
	tableSec  = 4
	memorySec = 5
	globalSec = 6
	exportSec = 7
	startSec  = 8
	elemSec   = 9
	codeSec   = 10
	dataSec   = 11
	countSec  = 12
)

// rank gives the order of sections; 0 for a section that Wasm 2.0 does not have.
func rank(id byte) int {
	switch {
	case id >= 1 && id <= 9:
		return int(id)
	case id == countSec:
		return 10
	case id == codeSec:
		return 11
	case id == dataSec:
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

// arity is how many values a function takes and gives.
type arity struct {
	params, results uint32
	takes           []byte // types of the parameters
}

// Meter gives the module wasm with checks. Its tank is empty to begin with.
//
// The original need not be valid, and what comes back is valid exactly if it
// was, but for indices that only the rewritten module would have (ErrIndex).
// Debug sections, which speak of byte offsets, are left out.
//
// Errors: ErrUnknown for instructions beyond Wasm 2.0, ErrIndex, ErrReserved,
// ErrGrowth, ErrLocals, and others for a module that is malformed.
func Meter(wasm []byte) ([]byte, error) { return meter(wasm, Slice) }

func meter(wasm []byte, slice int64) ([]byte, error) {
	t := newTables()
	m, err := read(wasm, t)
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(wasm)+len(wasm)/2), wasm[:8]...)
	globals := bytes.Repeat([]byte{typeI64, 1, opI64Const, 0, opEnd}, 2)
	exports, more := appendExport(nil, Export, 3, m.globals), uint32(2)
	exports = appendExport(exports, Reserve, 3, m.globals+1)
	// The start function is called by one more function, since an export would
	// declare it as one that may be referred to. Where there is no code, nothing
	// can refer to it.
	runs := len(m.funcs) > 0
	if starter := m.counts().functions + 1; m.start >= 0 && runs {
		exports, more = appendExport(exports, Start, 0, starter), 3
	} else if m.start >= 0 {
		exports, more = appendExport(exports, Start, 0, uint32(m.start)), 3
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
		}{{globalSec, 2, globals}, {exportSec, more, exports}} {
			if own := rank(s.id); own < r && !put[own] {
				put[own] = true
				add(s.id, lengthened([]byte{0}, s.n, s.entries))
			}
		}
	}
	for _, s := range m.sections {
		if s.id == custom {
			if name := (&cursor{b: s.body}).name(); !strings.HasPrefix(name, ".debug_") {
				add(s.id, s.body)
			}
			continue
		}
		missing(rank(s.id))
		put[rank(s.id)] = true
		switch { // a module without functions needs no refill
		case s.id == typeSec && runs:
			add(s.id, lengthened(s.body, 1, []byte{0x60, 0, 0}))
		case s.id == funcSec && runs:
			add(s.id, lengthened(s.body, added, bytes.Repeat(appendU32(nil, uint32(len(m.types))), int(added))))
		case s.id == tableSec:
			tables, err := clamp(s.body)
			if err != nil {
				return nil, err
			}
			add(s.id, tables)
		case s.id == globalSec:
			add(s.id, lengthened(s.body, 2, globals))
		case s.id == exportSec:
			add(s.id, lengthened(s.body, more, exports))
		case s.id == startSec:
		case s.id == codeSec && runs:
			code, err := m.code(s.body, t, added, slice)
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
	c := &cursor{b: body}
	out := appendU32(make([]byte, 0, len(body)+len(entries)+1), n+c.u32())
	return append(append(out, body[c.at:]...), entries...)
}

// code rewrites all functions and adds so many.
func (m *module) code(section []byte, t tables, added uint32, slice int64) ([]byte, error) {
	c := &cursor{b: section}
	n := c.u32()
	if c.err == nil && int(n) != len(m.funcs) {
		return nil, fmt.Errorf("the module declares %d functions and has %d", len(m.funcs), n)
	}
	out := appendU32(make([]byte, 0, len(section)+len(section)/2), n+added)
	var b body
	var text []byte
	of := m.counts()
	for i := range n {
		code := c.bytes(c.u32())
		if c.err != nil {
			return nil, c.err
		}
		if err := t.scan(code, of, m.types, m.types[m.funcs[i]].takes, &b); err != nil {
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
	return out, c.done()
}

// read walks the sections.
func read(wasm []byte, t tables) (*module, error) {
	if len(wasm) < 8 || string(wasm[:8]) != "\x00asm\x01\x00\x00\x00" {
		return nil, errors.New("it is no core module of version 1")
	}
	m := &module{start: -1}
	c := &cursor{b: wasm, at: 8}
	last := 0
	for c.more() {
		s := section{id: c.byte()}
		s.body = c.bytes(c.u32())
		if c.err != nil {
			break
		}
		if s.id != custom {
			r := rank(s.id)
			switch {
			case r == 0:
				return nil, fmt.Errorf("section %d: %w", s.id, ErrUnknown)
			case r <= last:
				return nil, fmt.Errorf("section %d stands twice or in the wrong place", s.id)
			}
			last = r
		}
		if err := m.note(s, t); err != nil {
			return nil, fmt.Errorf("section %d: %w", s.id, err)
		}
		m.sections = append(m.sections, s)
	}
	return m, c.err
}

// note keeps what the rewriter must know of a section. Sections come in order,
// so all globals are counted before the first one is named in an expression.
func (m *module) note(s section, t tables) error {
	c := &cursor{b: s.body}
	switch s.id {
	case custom:
		if c.name() == "name" {
			c.names()
		}
		return c.err
	case typeSec:
		c.each(func(uint32) {
			if form := c.byte(); form != 0x60 {
				c.fail(fmt.Errorf("type form 0x%02x: %w", form, ErrUnknown))
			}
			var a arity
			from := -1
			c.each(func(uint32) {
				if from < 0 {
					from = c.at
				}
				c.valueType()
				a.params++
			})
			if from >= 0 {
				a.takes = c.b[from:c.at]
			}
			c.each(func(uint32) { c.valueType(); a.results++ })
			m.types = append(m.types, a)
		})
	case importSec:
		c.each(func(uint32) { m.noteImport(c) })
	case tableSec:
		c.each(func(uint32) { c.refType(); c.limits() })
	case memorySec:
		c.each(func(uint32) { c.limits(); m.memory = true })
	case startSec:
		m.noteStart(c)
	case countSec:
		c.u32()
	case funcSec:
		c.each(func(uint32) {
			m.funcs = append(m.funcs, m.typeIndex(c))
		})
	case globalSec:
		// A global may be initialized from those before it, so an expression here
		// sees no more than they.
		c.each(func(uint32) {
			c.valueType()
			c.byte()
			t.constant(c, m.counts())
			m.globals++
		})
	case exportSec:
		c.each(func(uint32) {
			name, kind, i := c.name(), c.byte(), c.u32()
			switch {
			case kind == 3 && i >= m.globals:
				c.fail(fmt.Errorf("export of global %d: %w", i, ErrIndex))
			case kind == 0 && i >= m.counts().functions:
				c.fail(fmt.Errorf("export of function %d: %w", i, ErrIndex))
			case name == Export || name == Reserve || name == Start:
				c.fail(fmt.Errorf("the export %q: %w", name, ErrReserved))
			}
		})
	case elemSec:
		c.each(func(uint32) { t.element(c, m.counts()) })
	case dataSec:
		c.each(func(uint32) {
			kind := c.u32()
			if kind > 2 {
				c.fail(fmt.Errorf("a data segment of kind %d: %w", kind, ErrUnknown))
			}
			if kind == 2 {
				c.u32()
			}
			if kind != 1 {
				t.constant(c, m.counts())
			}
			c.bytes(c.u32())
		})
	default:
		return nil
	}
	return c.done()
}

// typeIndex reads the number of a function type.
func (m *module) typeIndex(c *cursor) uint32 {
	i := c.u32()
	if int64(i) >= int64(len(m.types)) {
		c.fail(fmt.Errorf("function type %d of %d", i, len(m.types)))
	}
	return i
}

// noteStart holds what an engine would: as an export the function could have
// any type.
func (m *module) noteStart(c *cursor) {
	i := c.u32()
	if all := append(m.imported, m.funcs...); int64(i) >= int64(len(all)) {
		c.fail(fmt.Errorf("function %d of %d is to start the module", i, len(all)))
	} else if of := m.types[all[i]]; of.params+of.results > 0 {
		c.fail(fmt.Errorf("function %d, which is to start the module, takes or gives values", i))
	}
	m.start = int64(i)
}

func (m *module) noteImport(c *cursor) {
	c.name()
	c.name()
	switch kind := c.byte(); kind {
	case 0:
		m.imported = append(m.imported, m.typeIndex(c))
	case 1:
		c.refType()
		c.limits()
	case 2:
		c.limits()
		m.memory = true
	case 3:
		c.valueType()
		c.byte()
		m.globals++
	default:
		c.fail(fmt.Errorf("an import of kind %d: %w", kind, ErrUnknown))
	}
}

// limits reads the size of a memory or a table.
func (c *cursor) limits() {
	flags := c.byte()
	if flags > 1 {
		c.fail(fmt.Errorf("a memory or table of kind 0x%02x: %w", flags, ErrUnknown))
	}
	c.u32()
	if flags == 1 {
		c.u32()
	}
}

// names holds that the counts of a name section are true: the engine makes room
// by them before it looks
// (https://www.w3.org/TR/wasm-core-2/#name-section).
func (c *cursor) names() {
	for c.more() {
		id, s := c.byte(), &cursor{b: c.bytes(c.u32())}
		one := func(uint32) { s.u32(); s.name() }
		switch {
		case c.err != nil:
		case id == 0:
			s.name()
		case id == 1:
			s.each(one)
		case id == 2:
			s.each(func(uint32) { s.u32(); s.each(one) })
		default:
			continue
		}
		if err := s.done(); err != nil {
			c.fail(fmt.Errorf("the name section: %w", err))
		}
	}
}

// element passes over an element segment: bit 0 of its kind says passive or
// declarative, bit 1 that a table or a type is named, bit 2 that the elements
// are expressions (https://www.w3.org/TR/wasm-core-2/#element-section).
func (t tables) element(c *cursor, of counts) {
	kind := c.u32()
	if kind > 7 {
		c.fail(fmt.Errorf("an element segment of kind %d: %w", kind, ErrUnknown))
		return
	}
	if kind&1 == 0 {
		if kind&2 != 0 {
			c.u32()
		}
		t.constant(c, of)
	}
	switch {
	case kind&3 == 0:
	case kind&4 != 0:
		c.refType()
	default:
		c.nought() // functions
	}
	if kind&4 == 0 {
		c.each(func(uint32) { c.index("function", of.functions) })
	} else {
		c.each(func(uint32) { t.constant(c, of) })
	}
}
