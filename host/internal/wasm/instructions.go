package wasm

// immediate says what follows the number of an instruction.
type immediate byte

const (
	unknown    immediate = iota // not of Wasm 2.0
	nothing                     // plain
	opens                       // a block type; the instruction opens a block
	other                       // else
	closes                      // end
	local                       // local.get, local.set, local.tee: the number of a local
	oneNumber                   // an unsigned number
	twoNumbers                  // two of them: of a segment and a table, or alignment and offset of an access
	branches                    // br_table: a vector of labels and one more
	branch                      // br, br_if: a label
	calls                       // the number of a function
	callsType                   // the number of a type and of a table
	signed                      // a signed number
	fourBytes                   // f32.const
	eightBytes                  // f64.const
	sixteen                     // v128.const, i8x16.shuffle
	oneByte                     // a lane, a type of references
	accessLane                  // alignment, offset, lane
	typeList                    // select: a vector of types
	prefixed                    // another number says which instruction it is
)

// instructions of Wasm 2.0, by their number
// (https://www.w3.org/TR/wasm-core-2/#binary-instr).
type instructions struct{ one, fc, fd [256]immediate }

// span gives an immediate to the instructions from first to last.
func span(of *[256]immediate, first, last int, i immediate) {
	for n := first; n <= last; n++ {
		of[n] = i
	}
}

func newInstructions() *instructions {
	var in instructions
	one := &in.one
	span(one, 0x00, 0x01, nothing)
	span(one, 0x02, 0x04, opens)
	one[0x05], one[0x0B] = other, closes
	span(one, 0x0C, 0x0D, branch)
	one[0x0E], one[0x0F] = branches, nothing
	one[0x10], one[0x11] = calls, callsType
	span(one, 0x1A, 0x1B, nothing)
	one[0x1C] = typeList
	span(one, 0x20, 0x22, local)
	span(one, 0x23, 0x26, oneNumber)
	span(one, 0x28, 0x3E, twoNumbers)
	span(one, 0x3F, 0x40, oneNumber)
	span(one, 0x41, 0x42, signed)
	one[0x43], one[0x44] = fourBytes, eightBytes
	span(one, 0x45, 0xC4, nothing)
	one[0xD0], one[0xD1], one[0xD2] = oneByte, nothing, oneNumber
	span(one, 0xFC, 0xFD, prefixed)

	span(&in.fc, 0, 7, nothing)
	for n, i := range []immediate{twoNumbers, oneNumber, twoNumbers, oneNumber, twoNumbers, oneNumber, twoNumbers, oneNumber, oneNumber, oneNumber} {
		in.fc[8+n] = i // from memory.init to table.fill
	}

	span(&in.fd, 0, 11, twoNumbers)
	span(&in.fd, 12, 13, sixteen)
	span(&in.fd, 14, 20, nothing)
	span(&in.fd, 21, 34, oneByte)
	span(&in.fd, 35, 83, nothing)
	span(&in.fd, 84, 91, accessLane)
	span(&in.fd, 92, 93, twoNumbers)
	span(&in.fd, 94, 255, nothing)
	return &in
}
