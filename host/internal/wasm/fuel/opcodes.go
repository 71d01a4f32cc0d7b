package fuel

// shape says what follows an opcode, and what the rewriter does about it.
type shape byte

const (
	unknown    shape = iota
	plain            // nothing follows
	block            // a block type: block, if
	loop             // a block type; a check goes in after it
	ends             // end
	index            // one index
	function         // the index of a function
	indirect         // the indices of a type and of a table
	indices          // two indices
	branches         // br_table: a vector of labels and one more
	local            // the index of a local
	global           // the index of a global
	access           // memory access: alignment and offset
	zero             // one byte, 0
	number32         // a signed number of 32 bits
	number64         // a signed number of 64 bits
	raw4             // 4 bytes
	raw8             // 8 bytes
	raw16            // 16 bytes
	lane             // the number of a lane
	accessLane       // memory access, then the number of a lane
	types            // select with types
	refType          // ref.null
	prefixFC
	prefixFD
	grow       // memory.grow: 0 follows; charged by what it got
	bulkInit   // memory.init: an index and 0; charged by bytes
	bulkCopy   // memory.copy: 0 and 0
	bulkFill   // memory.fill: 0
	tableInit  // table.init: two indices; charged by elements
	tableCopy  // table.copy: two indices
	tableGrow  // table.grow: one index; charged by what it got
	tableFill  // table.fill: one index
	entry      // no instruction: the entry of a function
	before     // no instruction: before a loop
	behind     // no instruction: after a loop's end
	branch     // br, br_if or br_table that leaves a loop
	pause      // no instruction: before a call, when many went by without a check
	shapeCount // of shapes
)

// span gives a shape to the opcodes from first to last.
func span(of *[256]shape, first, last int, s shape) {
	for op := first; op <= last; op++ {
		of[op] = s
	}
}

// opcodes of Wasm 2.0 of one byte
// (https://www.w3.org/TR/wasm-core-2/#binary-instr).
func opcodes() *[256]shape {
	var of [256]shape
	of[0x00], of[0x01] = plain, plain // unreachable, nop
	of[0x02], of[0x03], of[0x04], of[0x05], of[0x0B] = block, loop, block, plain, ends
	of[0x0C], of[0x0D], of[0x0E], of[0x0F] = index, index, branches, plain
	of[0x10], of[0x11] = function, indirect // call, call_indirect
	of[0x1A], of[0x1B], of[0x1C] = plain, plain, types
	span(&of, 0x20, 0x22, local)
	span(&of, 0x23, 0x24, global)
	span(&of, 0x25, 0x26, index) // table.get, table.set
	span(&of, 0x28, 0x3E, access)
	of[0x3F], of[0x40] = zero, grow
	of[0x41], of[0x42], of[0x43], of[0x44] = number32, number64, raw4, raw8
	span(&of, 0x45, 0xC4, plain) // comparisons, arithmetic, conversions, sign extension
	of[0xD0], of[0xD1], of[0xD2] = refType, plain, function
	of[0xFC], of[0xFD] = prefixFC, prefixFD
	return &of
}

// opcodesFC are saturating conversions, bulk memory and tables.
func opcodesFC() *[256]shape {
	var of [256]shape
	span(&of, 0, 7, plain)
	of[8], of[9], of[10], of[11] = bulkInit, index, bulkCopy, bulkFill
	of[12], of[13], of[14] = tableInit, index, tableCopy
	of[15], of[16], of[17] = tableGrow, index, tableFill
	return &of
}

// opcodesFD are SIMD. Numbers that Wasm 2.0 leaves out stay unknown.
func opcodesFD() *[256]shape {
	var of [256]shape
	span(&of, 0, 11, access)
	of[12], of[13] = raw16, raw16 // v128.const, i8x16.shuffle
	span(&of, 14, 20, plain)
	span(&of, 21, 34, lane)
	span(&of, 35, 83, plain)
	span(&of, 84, 91, accessLane)
	span(&of, 92, 93, access)
	span(&of, 94, 255, plain)
	for _, op := range []int{154, 162, 165, 166, 175, 176, 178, 179, 180, 187, 194, 197, 198, 207, 208, 210, 211, 212, 226, 238} {
		of[op] = unknown
	}
	return &of
}
