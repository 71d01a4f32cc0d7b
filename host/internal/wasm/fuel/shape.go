package fuel

import "github.com/featurehost/featurehost/host/internal/wasm/binary"

// shape says what the rewriter does about a place in the code.
type shape byte

const (
	plain      shape = iota // nothing
	block                   // an instruction that opens a block: block, if
	loop                    // loop; a check goes in behind it
	ends                    // end
	branch                  // br, br_if, br_table; it may leave a loop
	call                    // call, call_indirect, and ref.func, which is taken for one
	set                     // local.set, local.tee
	growMemory              // memory.grow: charged by what it got
	growTable               // table.grow: charged by what it got
	overBytes               // memory.init, .copy, .fill: charged by bytes
	overTable               // table.init, .copy, .fill: charged by elements
	entry                   // no instruction: the entry of a function
	before                  // no instruction: before a loop
	behind                  // no instruction: after a loop's end
	pause                   // no instruction: before a call, when many went by without a check
)

// shapeOf an instruction.
func shapeOf(i binary.Instruction) shape {
	switch i.Op {
	case opBlock, opIf:
		return block
	case opLoop:
		return loop
	case opEnd:
		return ends
	case opBr, opBrIf, opBrTable:
		return branch
	case opCall, opCallIndirect, opRefFunc:
		return call
	case opLocalSet, opLocalTee:
		return set
	case opMemoryGrow:
		return growMemory
	case binary.PrefixFC:
		switch i.Sub {
		case binary.FCMemoryInit, binary.FCMemoryCopy, binary.FCMemoryFill:
			return overBytes
		case binary.FCTableInit, binary.FCTableCopy, binary.FCTableFill:
			return overTable
		case binary.FCTableGrow:
			return growTable
		}
	}
	return plain
}

// Costs of instructions: most take a cycle or less, those below ten times that
// and more, and a load that misses the caches a hundred times. A check pays a
// unit, and one for each share of the cost of its body outside nested loops
// (schedule 1, ABI-W-064).
const (
	plainCost = 1
	highCost  = 4
	share     = 32
)

// costOf an instruction.
func costOf(i binary.Instruction) uint32 {
	switch op := i.Op; {
	case op >= 0x28 && op <= 0x3E, // loads and stores
		op == opCall, op == opCallIndirect, op == opRefFunc, op == opSIMD,
		op >= 0x6D && op <= 0x70, op >= 0x7F && op <= 0x82, // div and rem of integers
		op == 0x91, op == 0x95, op == 0x9F, op == 0xA3: // sqrt and div of floats
		return highCost
	}
	return plainCost
}

// weightOf a check for a body of some cost.
func weightOf(cost uint32) int64 { return 1 + int64(cost/share) }

// largeEntry is from which weight on the entry of a function without calls is
// checked: smaller ones are checked by who calls them.
const largeEntry = 8
