package binary

// Follows says what follows the number of an instruction.
type Follows byte

// What may follow.
const (
	unknown    Follows = iota // not of Wasm 2.0
	Nothing                   // plain
	Type                      // the type of a block
	Label                     // br, br_if
	Labels                    // br_table: a vector of labels and one more
	Function                  // the index of a function
	Indirect                  // the indices of a type and of a table
	Local                     // the index of a local
	Global                    // the index of a global
	index                     // one of a table or of a segment
	indices                   // two of them
	indexZero                 // one, and a byte that is 0
	zero                      // a byte that is 0
	zeros                     // two of them
	access                    // alignment and offset
	accessLane                // alignment, offset, lane
	lane                      // the number of a lane
	signed32                  // a signed number of 32 bits
	signed64                  // a signed number of 64 bits
	bytes4
	bytes8
	bytes16
	valueTypes // select with types
	refType    // ref.null
	prefixed   // another number says which instruction it is
)

// Instruction is one as Next finds it.
type Instruction struct {
	Op      byte // its number
	Sub     byte // its second number, behind PrefixFC and PrefixFD
	Follows Follows
}

// Instructions are those of Wasm 2.0, by their numbers
// (https://www.w3.org/TR/wasm-core-2/#binary-instr).
type Instructions struct{ one, fc, fd [256]Follows }

// span says what follows the instructions from first to last.
func span(of *[256]Follows, first, last int, f Follows) {
	for n := first; n <= last; n++ {
		of[n] = f
	}
}

// NewInstructions makes the table.
func NewInstructions() *Instructions {
	in := &Instructions{}
	in.fillOne()
	in.fillFC()
	in.fillFD()
	return in
}

// fillOne enters the instructions of one byte.
func (in *Instructions) fillOne() {
	of := &in.one
	span(of, 0x00, 0x01, Nothing) // unreachable, nop
	span(of, OpBlock, OpIf, Type)
	of[OpElse], of[OpEnd] = Nothing, Nothing
	of[OpBr], of[OpBrIf], of[OpBrTable] = Label, Label, Labels
	of[0x0F] = Nothing // return
	of[OpCall], of[OpCallIndirect] = Function, Indirect
	span(of, 0x1A, 0x1B, Nothing) // drop, select
	of[0x1C] = valueTypes
	span(of, OpLocalGet, OpLocalTee, Local)
	span(of, 0x23, 0x24, Global)
	span(of, 0x25, 0x26, index) // table.get, table.set
	span(of, 0x28, 0x3E, access)
	of[0x3F], of[OpMemoryGrow] = zero, zero // memory.size
	of[0x41], of[0x42], of[0x43], of[0x44] = signed32, signed64, bytes4, bytes8
	span(of, 0x45, 0xC4, Nothing) // comparisons, arithmetic, conversions, sign extension
	of[0xD0], of[0xD1], of[0xD2] = refType, Nothing, Function
	of[PrefixFC], of[PrefixFD] = prefixed, prefixed
}

// fillFC enters saturating conversions, bulk memory and tables.
func (in *Instructions) fillFC() {
	of := &in.fc
	span(of, 0, 7, Nothing)
	of[FCMemoryInit], of[9], of[FCMemoryCopy], of[FCMemoryFill] = indexZero, index, zeros, zero
	of[FCTableInit], of[13], of[FCTableCopy] = indices, index, indices
	of[FCTableGrow], of[16], of[FCTableFill] = index, index, index
}

// fillFD enters SIMD. Numbers that Wasm 2.0 leaves out stay unknown.
func (in *Instructions) fillFD() {
	of := &in.fd
	span(of, 0, 11, access)
	span(of, 12, 13, bytes16) // v128.const, i8x16.shuffle
	span(of, 14, 20, Nothing)
	span(of, 21, 34, lane)
	span(of, 35, 83, Nothing)
	span(of, 84, 91, accessLane)
	span(of, 92, 93, access)
	span(of, 94, 255, Nothing)
	for _, n := range []int{154, 162, 165, 166, 175, 176, 178, 179, 180, 187, 194, 197, 198, 207, 208, 210, 211, 212, 226, 238} {
		of[n] = unknown
	}
}

// Next reads the number of an instruction. What follows is still to be read, by
// Pass or by whoever wants to know it.
func (in *Instructions) Next(c *Cursor) Instruction {
	i := Instruction{Op: c.Byte()}
	i.Follows = in.one[i.Op]
	switch i.Follows {
	case prefixed:
		from := c.at
		sub := c.U32()
		of := &in.fc
		if i.Op == PrefixFD {
			of = &in.fd
		}
		// A number that takes more bytes than it needs is one that the engine may
		// read as another.
		if sub > 255 || of[sub] == unknown || i.Op == PrefixFD && c.at-from > 1+int(sub>>7) {
			c.beyond("instruction 0x%02x %d", i.Op, sub)
			return Instruction{}
		}
		i.Sub, i.Follows = byte(sub), of[sub]
	case unknown:
		c.beyond("instruction 0x%02x", i.Op)
	}
	return i
}
