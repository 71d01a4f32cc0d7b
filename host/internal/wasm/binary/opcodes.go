package binary

// Instructions that open, end and leave blocks, that call, and that read and
// write locals.
const (
	OpBlock        = 0x02
	OpLoop         = 0x03
	OpIf           = 0x04
	OpElse         = 0x05
	OpEnd          = 0x0B
	OpBr           = 0x0C
	OpBrIf         = 0x0D
	OpBrTable      = 0x0E
	OpCall         = 0x10
	OpCallIndirect = 0x11
	OpLocalGet     = 0x20
	OpLocalSet     = 0x21
	OpLocalTee     = 0x22
	OpMemoryGrow   = 0x40
)

// First numbers of instructions that have two.
const (
	PrefixFC = 0xFC
	PrefixFD = 0xFD
)

// Second numbers, behind PrefixFC.
const (
	FCMemoryInit = 8
	FCMemoryCopy = 10
	FCMemoryFill = 11
	FCTableInit  = 12
	FCTableCopy  = 14
	FCTableGrow  = 15
	FCTableFill  = 17
)
