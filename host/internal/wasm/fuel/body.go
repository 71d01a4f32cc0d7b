package fuel

import (
	"errors"
	"fmt"
)

// tables are the shapes of all instructions.
type tables struct{ one, fc, fd *[256]shape }

func newTables() tables { return tables{opcodes(), opcodesFC(), opcodesFD()} }

// site is a place in the code of a function where a check goes in.
type site struct {
	at     int   // offset in the body: what is inserted goes before this byte
	kind   shape // loop for entry and loop heads, else that of the instruction
	weight uint32
	after  int  // of an instruction that is charged by its result: its end
	calls  bool // of a loop: it has calls, or other loops; of an entry: the function has calls
	loop   int  // before a loop: its site
}

// body is what a scan finds in one function.
type body struct {
	locals uint64 // declared in the function, without parameters
	start  int    // of the code, after the declarations
	groups uint32 // of local declarations
	listAt int    // of the declarations, after their count
	sites  []site
	tee    bool // an instruction is charged by an operand
	result bool // an instruction is charged by its result
	of     counts
	params uint32
}

// counts are how many of each an original module has: what an index may name.
type counts struct{ types, functions, globals uint32 }

// maxLocals is what engines take; the scratch locals must fit, too.
const maxLocals = 50000

var (
	// ErrUnknown is an instruction beyond Wasm 2.0.
	ErrUnknown = errors.New("an instruction is not of Wasm 2.0")
	// ErrIndex is an index that the module does not have, and that the rewritten
	// module would have.
	ErrIndex = errors.New("an index is out of range")
	// ErrLocals is a function with more locals than engines take, with those of
	// the checks.
	ErrLocals = fmt.Errorf("a function has more than %d locals", maxLocals-3)
)

// scan reads one function body of a module that has so many of each; params is
// how many parameters the function has.
func (t tables) scan(code []byte, of counts, params uint32, b *body) error {
	*b = body{sites: b.sites[:0], of: of, params: params}
	c := &cursor{b: code}
	b.groups = c.u32()
	b.listAt = c.at
	for i := uint32(0); i < b.groups && c.err == nil; i++ {
		b.locals += uint64(c.u32())
		c.valueType()
	}
	if b.locals+uint64(params) > maxLocals-3 {
		return ErrLocals
	}
	b.start = c.at
	b.sites = append(b.sites, site{at: c.at, kind: entry})
	// owners holds, for each block that is open, the site that pays for the
	// instructions in it.
	owners := make([]int, 1, 16)
	for c.err == nil {
		if c.at >= len(code) {
			return errors.New("a function has no end")
		}
		at := c.at
		pays := owners[len(owners)-1]
		b.sites[pays].weight++
		s := t.next(c, b)
		switch s {
		case block:
			owners = append(owners, pays)
		case loop:
			if pays > 0 {
				b.sites[pays].calls = true
			}
			owners = append(owners, len(b.sites)+1)
			b.sites = append(b.sites, site{at: at, kind: before, loop: len(b.sites) + 1}, site{at: c.at, kind: loop})
		case function, indirect:
			b.sites[0].calls, b.sites[pays].calls = true, true
		case ends:
			owners = owners[:len(owners)-1]
			if len(owners) == 0 {
				return c.done()
			}
		case grow, tableGrow:
			b.tee, b.result, b.sites[pays].calls = true, true, true
			b.sites = append(b.sites, site{at: at, kind: s, after: c.at})
		case bulkInit, bulkCopy, bulkFill, tableInit, tableCopy, tableFill:
			b.tee, b.sites[pays].calls = true, true
			b.sites = append(b.sites, site{at: at, kind: s})
		}
	}
	return c.err
}

// next passes over one instruction.
func (t tables) next(c *cursor, b *body) shape {
	op := c.byte()
	s := t.one[op]
	switch s {
	case prefixFC, prefixFD:
		from := c.at
		sub := c.u32()
		of := t.fc
		if s == prefixFD {
			of = t.fd
		}
		// A number that takes more bytes than it needs is one that the engine may
		// read as another.
		if sub > 255 || of[sub] == unknown || s == prefixFD && c.at-from > 1+int(sub>>7) {
			c.fail(fmt.Errorf("instruction 0x%02x %d: %w", op, sub, ErrUnknown))
			return unknown
		}
		s = of[sub]
	case unknown:
		if c.err == nil {
			c.fail(fmt.Errorf("instruction 0x%02x: %w", op, ErrUnknown))
		}
		return unknown
	}
	t.immediates(c, s, b)
	return s
}

// immediates passes over what follows an opcode.
func (t tables) immediates(c *cursor, s shape, b *body) {
	switch s {
	case block, loop:
		c.blockType(b.of.types)
	case function:
		c.index("function", b.of.functions)
	case indirect:
		c.index("type", b.of.types)
		c.u32()
	case index, tableGrow, tableFill:
		c.u32()
	case indices, tableInit, tableCopy:
		c.u32()
		c.u32()
	case branches:
		c.each(func(uint32) { c.u32() })
		c.u32()
	case local:
		if i := c.u32(); uint64(i) >= b.locals+uint64(b.params) {
			c.fail(fmt.Errorf("local %d: %w", i, ErrIndex))
		}
	case global:
		c.index("global", b.of.globals)
	case access, accessLane:
		// A set bit 6 would mean that the number of a memory follows.
		if align := c.u32(); align >= 64 {
			c.fail(fmt.Errorf("a memory access of several memories: %w", ErrUnknown))
		}
		c.u32()
		if s == accessLane {
			c.byte()
		}
	case lane:
		c.byte()
	case refType:
		c.refType()
	case zero, grow, bulkFill:
		c.nought()
	case bulkInit:
		c.u32()
		c.nought()
	case bulkCopy:
		c.nought()
		c.nought()
	case number32:
		c.skipNumber(5)
	case number64:
		c.skipNumber(10)
	case raw4:
		c.bytes(4)
	case raw8:
		c.bytes(8)
	case raw16:
		c.bytes(16)
	case types:
		c.each(func(uint32) { c.valueType() })
	}
}

// constant passes over a constant expression and holds that it names
// nothing but what the module has.
func (t tables) constant(c *cursor, of counts) {
	b := &body{of: of}
	for c.more() {
		switch t.next(c, b) {
		case ends:
			return
		case block, loop:
			c.fail(errors.New("a constant expression has a block"))
		}
	}
	c.fail(errCut)
}
