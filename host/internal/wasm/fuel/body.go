package fuel

import (
	"errors"
	"fmt"
	"slices"
)

// tables are the shapes of all instructions.
type tables struct{ one, fc, fd *[256]shape }

func newTables() tables { return tables{opcodes(), opcodesFC(), opcodesFD()} }

// site is a place in the code of a function where a check goes in.
type site struct {
	at    int    // offset in the body: what is inserted goes before this byte
	kind  shape  // entry, loop and the like, else that of the instruction
	cost  uint32 // of the instructions that an entry or a head pays for
	after int    // of an instruction that is written anew: its end
	calls bool   // of a head: the loop has calls, or other loops; of an entry: the function has calls
	loop  int    // of before, behind and branch: the site of the loop's head
	// of a head:
	label  int  // how many blocks were open before the loop
	params bool // the loop takes values
	sets   int  // where its sets begin
	// of behind: where the sets of its loop end
	setsEnd int
	// of a branch: how many labels are in the loop, the loop's own included
	labels uint32
}

// free tells of a loop's head whether its check leaves the loop (see write).
func (s *site) free() bool { return !s.calls && !s.params }

// body is what a scan finds in one function.
type body struct {
	locals uint64 // declared in the function, without parameters
	start  int    // of the code, after the declarations
	groups uint32 // of local declarations
	listAt int    // of the declarations, after their count
	sites  []site
	sets   []uint32 // locals that loops write to, one loop's after the other's
	upTo   []uint64 // of each group of locals: the number behind its last one
	kinds  []byte   // and its type
	takes  []byte   // types of the parameters
	tee    bool     // an instruction is charged by an operand
	result bool     // an instruction is charged by its result
	of     counts
	types  []arity
}

// kind of a local or a parameter.
func (b *body) kind(local uint32) byte {
	if int(local) < len(b.takes) {
		return b.takes[local]
	}
	i, _ := slices.BinarySearch(b.upTo, uint64(local)-uint64(len(b.takes))+1)
	return b.kinds[i]
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

// mostCalls is how many calls may follow each other without a check: functions
// without calls have none of their own.
const mostCalls = 64

// scan reads one function body of a module that has so many of each, and these
// types; takes are those of the function's parameters.
func (t tables) scan(code []byte, of counts, types []arity, takes []byte, b *body) error {
	*b = body{sites: b.sites[:0], sets: b.sets[:0], upTo: b.upTo[:0], kinds: b.kinds[:0], of: of, types: types, takes: takes}
	c := &cursor{b: code}
	b.groups = c.u32()
	b.listAt = c.at
	for i := uint32(0); i < b.groups && c.err == nil; i++ {
		n := c.u32()
		b.locals += uint64(n)
		if kind := c.valueType(); n > 0 {
			b.upTo, b.kinds = append(b.upTo, b.locals), append(b.kinds, kind)
		}
	}
	if b.locals+uint64(len(takes)) > maxLocals-3 {
		return ErrLocals
	}
	b.start = c.at
	b.sites = append(b.sites, site{at: c.at, kind: entry})
	// owners holds, for each block that is open, the site that pays for the
	// instructions in it.
	owners := make([]int, 1, 16)
	unchecked := 0 // calls since the last check
	for c.err == nil {
		if c.at >= len(code) {
			return errors.New("a function has no end")
		}
		at := c.at
		pays := owners[len(owners)-1]
		s := t.next(c, b)
		if c.err != nil {
			break
		}
		b.sites[pays].cost += costOf(code[at], s)
		switch s {
		case block:
			owners = append(owners, pays)
		case loop:
			if pays > 0 {
				b.sites[pays].calls = true
			}
			head := len(b.sites) + 1
			b.sites = append(b.sites, site{at: at, kind: before, loop: head},
				site{at: c.at, kind: loop, label: len(owners), params: b.params(code[at+1 : c.at]), sets: len(b.sets)})
			owners = append(owners, head)
			unchecked = 0
		case function, indirect:
			b.sites[0].calls, b.sites[pays].calls = true, true
			if unchecked++; unchecked == mostCalls {
				b.sites = append(b.sites, site{at: at, kind: pause})
				unchecked = 0
			}
		case index, branches:
			if op := code[at]; pays > 0 && op >= opBr && op <= opBrTable {
				if inside := uint32(len(owners) - b.sites[pays].label); leaves(code[at:c.at], inside) {
					b.sites = append(b.sites, site{at: at, kind: branch, after: c.at, loop: pays, labels: inside})
				}
			}
		case local:
			if op := code[at]; pays > 0 && op != opLocalGet {
				b.sets = append(b.sets, (&cursor{b: code, at: at + 1}).u32())
			}
		case ends:
			if pays > 0 && b.sites[pays].label == len(owners)-1 {
				b.sites = append(b.sites, site{at: c.at, kind: behind, loop: pays, setsEnd: len(b.sets)})
			}
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

// params tells whether a block of this type takes values.
func (b *body) params(blockType []byte) bool {
	if blockType[0] < 0x40 || blockType[0] >= 0x80 {
		i := (&cursor{b: blockType}).s33()
		return i >= 0 && i < int64(len(b.types)) && b.types[i].params > 0
	}
	return false
}

// leaves tells whether a branch may go beyond so many labels.
func leaves(branch []byte, labels uint32) (out bool) {
	targets(branch, func(label uint32) { out = out || label >= labels })
	return out
}

// targets calls f for each label that a branch names.
func targets(branch []byte, f func(label uint32)) {
	c := &cursor{b: branch, at: 1}
	n := uint32(0)
	if branch[0] == opBrTable {
		n = c.u32()
	}
	for i := uint32(0); i <= n; i++ {
		f(c.u32())
	}
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
		if i := c.u32(); uint64(i) >= b.locals+uint64(len(b.takes)) {
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
