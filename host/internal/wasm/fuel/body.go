package fuel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/featurehost/featurehost/host/internal/wasm/binary"
)

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

// hold holds that an index of a function or of a global names one of them.
func (of counts) hold(c *binary.Cursor, what binary.Follows, i uint32) {
	switch {
	case what == binary.Function && i >= of.functions:
		c.Fail(fmt.Errorf("function %d: %w", i, ErrIndex))
	case what == binary.Global && i >= of.globals:
		c.Fail(fmt.Errorf("global %d: %w", i, ErrIndex))
	}
}

var (
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
func (b *body) scan(in *binary.Instructions, code []byte, of counts, types []arity, takes []byte) error {
	*b = body{sites: b.sites[:0], sets: b.sets[:0], upTo: b.upTo[:0], kinds: b.kinds[:0], of: of, types: types, takes: takes}
	c := binary.NewCursor(code)
	b.groups = uint32(c.Count())
	b.listAt = c.At()
	for i := uint32(0); i < b.groups && c.Err() == nil; i++ {
		n := c.U32()
		b.locals += uint64(n)
		if kind := c.ValueType(); n > 0 {
			b.upTo, b.kinds = append(b.upTo, b.locals), append(b.kinds, kind)
		}
	}
	if b.locals+uint64(len(takes)) > maxLocals-3 {
		return ErrLocals
	}
	b.start = c.At()
	b.sites = append(b.sites, site{at: c.At(), kind: entry})
	// owners holds, for each block that is open, the site that pays for the
	// instructions in it.
	owners := make([]int, 1, 16)
	unchecked := 0 // calls since the last check
	for c.Err() == nil {
		if c.At() >= len(code) {
			return errors.New("a function has no end")
		}
		at := c.At()
		pays := owners[len(owners)-1]
		i := in.Next(c)
		b.pass(c, i)
		if c.Err() != nil {
			break
		}
		b.sites[pays].cost += costOf(i)
		switch s := shapeOf(i); s {
		case block:
			owners = append(owners, pays)
		case loop:
			if pays > 0 {
				b.sites[pays].calls = true
			}
			head := len(b.sites) + 1
			b.sites = append(b.sites, site{at: at, kind: before, loop: head},
				site{at: c.At(), kind: loop, label: len(owners), params: b.params(code[at+1 : c.At()]), sets: len(b.sets)})
			owners = append(owners, head)
			unchecked = 0
		case call:
			b.sites[0].calls, b.sites[pays].calls = true, true
			if unchecked++; unchecked == mostCalls {
				b.sites = append(b.sites, site{at: at, kind: pause})
				unchecked = 0
			}
		case branch:
			if pays > 0 {
				if inside := uint32(len(owners) - b.sites[pays].label); leaves(code[at:c.At()], inside) {
					b.sites = append(b.sites, site{at: at, kind: branch, after: c.At(), loop: pays, labels: inside})
				}
			}
		case set:
			if pays > 0 {
				b.sets = append(b.sets, binary.NewCursor(code[at+1:]).U32())
			}
		case ends:
			if pays > 0 && b.sites[pays].label == len(owners)-1 {
				b.sites = append(b.sites, site{at: c.At(), kind: behind, loop: pays, setsEnd: len(b.sets)})
			}
			owners = owners[:len(owners)-1]
			if len(owners) == 0 {
				return c.Done()
			}
		case growMemory, growTable:
			b.tee, b.result, b.sites[pays].calls = true, true, true
			b.sites = append(b.sites, site{at: at, kind: s, after: c.At()})
		case overBytes, overTable:
			b.tee, b.sites[pays].calls = true, true
			b.sites = append(b.sites, site{at: at, kind: s})
		}
	}
	return c.Err()
}

// params tells whether a block of this type takes values.
func (b *body) params(blockType []byte) bool {
	t, _ := binary.NewCursor(blockType).BlockType()
	return t >= 0 && len(b.types[t].takes) > 0
}

// leaves tells whether a branch may go beyond so many labels.
func leaves(branch []byte, labels uint32) (out bool) {
	targets(branch, func(label uint32) { out = out || label >= labels })
	return out
}

// targets calls f for each label that a branch names.
func targets(branch []byte, f func(label uint32)) {
	c := binary.NewCursor(branch[1:])
	n := uint32(0)
	if branch[0] == opBrTable {
		n = c.U32()
	}
	for i := uint32(0); i <= n; i++ {
		f(c.U32())
	}
}

// pass passes over what follows an instruction, and holds that it names nothing
// but what the module and the function have.
func (b *body) pass(c *binary.Cursor, i binary.Instruction) {
	switch i.Follows {
	case binary.Type:
		t, _ := c.BlockType()
		b.holdType(c, t)
	case binary.Indirect:
		b.holdType(c, int64(c.U32()))
		c.U32()
	case binary.Function, binary.Global:
		b.of.hold(c, i.Follows, c.U32())
	case binary.Local:
		if n := c.U32(); uint64(n) >= b.locals+uint64(len(b.takes)) {
			c.Fail(fmt.Errorf("local %d: %w", n, ErrIndex))
		}
	default:
		c.Pass(i.Follows)
	}
}

// holdType holds that an index of a type names one.
func (b *body) holdType(c *binary.Cursor, i int64) {
	if i >= int64(b.of.types) {
		c.Fail(fmt.Errorf("type %d: %w", i, ErrIndex))
	}
}
