package fuel

// Instructions that a check is made of.
const (
	opUnreachable = 0x00
	opLoop        = 0x03
	opIf          = 0x04
	opEnd         = 0x0B
	opBrIf        = 0x0D
	opCall        = 0x10
	opDrop        = 0x1A
	opSelect      = 0x1B
	opLocalGet    = 0x20
	opLocalSet    = 0x21
	opLocalTee    = 0x22
	opGlobalGet   = 0x23
	opGlobalSet   = 0x24
	opMemoryGrow  = 0x40
	opI32Const    = 0x41
	opI64Const    = 0x42
	opI32Ne       = 0x47
	opI64LtS      = 0x53
	opI64LeS      = 0x57
	opI64Add      = 0x7C
	opI64Sub      = 0x7D
	opI64Shl      = 0x86
	opI64ShrU     = 0x88
	opI64ExtendU  = 0xAD
	noResult      = 0x40
)

// Types of values.
const (
	typeI32    = 0x7F
	typeI64    = 0x7E
	typeF32    = 0x7D
	typeF64    = 0x7C
	typeV128   = 0x7B
	typeFunc   = 0x70
	typeExtern = 0x6F
)

// Weight of a check for k instructions of its body outside nested loops
// (schedule 1, ABI-W-064).
func weightOf(k uint32) int64 { return 1 + int64(k/64) }

// inserter writes checks into one function.
type inserter struct {
	tank          uint32 // index of the global
	overdraft     int64
	refill        uint32 // index of the function
	left          uint32 // local i64: what is left
	count, answer uint32 // locals i32: an operand, a result
}

// write appends the body of a function with its checks, without its size.
func (b *body) write(out, code []byte, overdraft int64) []byte {
	first := b.params + uint32(b.locals)
	in := inserter{tank: b.of.globals, overdraft: overdraft, refill: b.of.functions, left: first, count: first + 1, answer: first + 2}
	more := uint32(1)
	if b.tee {
		more++
	}
	out = appendU32(out, b.groups+more)
	out = append(out, code[b.listAt:b.start]...)
	out = append(out, 1, typeI64)
	switch {
	case b.result:
		out = append(out, 2, typeI32)
	case b.tee:
		out = append(out, 1, typeI32)
	}
	from := b.start
	for _, s := range b.sites {
		out = append(out, code[from:s.at]...)
		from = s.at
		switch s.kind {
		case before:
			if !b.sites[s.loop].calls {
				out = in.refilled(appendU32(append(out, opGlobalGet), in.tank))
			}
		case entry, loop:
			out = in.takes(out, func(b []byte) []byte { return appendS64(append(b, opI64Const), weightOf(s.weight)) })
			if s.calls {
				out = in.refilled(out)
			} else {
				out = in.stopped(out)
			}
		case grow, tableGrow:
			out = in.grown(out, code[s.at:s.after], s.kind)
			from = s.after
		default:
			out = appendU32(append(out, opLocalTee), in.count)
			out = in.burn(out, in.amount(s.kind))
		}
	}
	return append(out, code[from:]...)
}

// burn takes from the tank what amount pushes, and refills it when it was less.
func (in *inserter) burn(out []byte, amount func([]byte) []byte) []byte {
	return in.refilled(in.takes(out, amount))
}

// takes takes from the tank what amount pushes, and pushes what is left.
func (in *inserter) takes(out []byte, amount func([]byte) []byte) []byte {
	out = appendU32(append(out, opGlobalGet), in.tank)
	out = amount(out)
	out = appendU32(append(out, opI64Sub, opLocalTee), in.left)
	out = appendU32(append(out, opGlobalSet), in.tank)
	return appendU32(append(out, opLocalGet), in.left)
}

// refilled refills the tank when what is on the stack is below zero.
func (in *inserter) refilled(out []byte) []byte {
	out = append(out, opI64Const, 0, opI64LtS, opIf, noResult)
	return append(appendU32(append(out, opCall), in.refill), opEnd)
}

// stopped traps when what is on the stack is below the overdraft. The loops that
// turn most have no call to spare: it would cost them their registers.
func (in *inserter) stopped(out []byte) []byte {
	out = appendS64(append(out, opI64Const), -in.overdraft)
	return append(out, opI64LtS, opIf, noResult, opUnreachable, opEnd)
}

// refill appends the body of the function that fills the tank from the reserve,
// slice by slice, and traps when that is empty. Each time it asks for no memory:
// for that the engine leaves the guest's code, so that the host's collector,
// which stops all its threads, and its watchdog have their turn.
func refill(out []byte, tank uint32, memory bool) []byte {
	reserve := tank + 1
	get := func(global uint32) { out = appendU32(append(out, opGlobalGet), global) }
	slice := func() { out = appendS64(append(out, opI64Const), Slice) }
	out = append(out, 1, 1, typeI64) // what is taken
	out = append(out, opLoop, noResult)
	if memory {
		out = append(out, opI32Const, 0, opMemoryGrow, 0, opDrop)
	}
	get(reserve)
	out = append(out, opI64Const, 0, opI64LeS, opIf, noResult, opUnreachable, opEnd)
	get(reserve)
	slice()
	get(reserve)
	slice()
	out = append(out, opI64LtS, opSelect, opLocalSet, 0)
	get(reserve)
	out = appendU32(append(out, opLocalGet, 0, opI64Sub, opGlobalSet), reserve)
	get(tank)
	out = appendU32(append(out, opLocalGet, 0, opI64Add, opGlobalSet), tank)
	get(tank)
	return append(out, opI64Const, 0, opI64LtS, opBrIf, 0, opEnd, opEnd)
}

// amount gives what an instruction over many bytes costs: a unit, and one for
// 256 bytes or 32 elements of a table.
func (in *inserter) amount(kind shape) func([]byte) []byte {
	op, by := byte(opI64ShrU), byte(8)
	switch kind {
	case tableInit, tableCopy, tableFill, tableGrow:
		by = 5
	case grow: // pages of 65536 bytes
		op = opI64Shl
	}
	return func(out []byte) []byte {
		out = appendU32(append(out, opLocalGet), in.count)
		return append(out, opI64ExtendU, opI64Const, by, op, opI64Const, 1, opI64Add)
	}
}

// asked is what asking for room costs: the engine leaves the guest's code for it.
const asked = 256

// grown charges for asking, and then for what memory.grow or table.grow got: a
// guest that is turned down learns of it and can go on.
func (in *inserter) grown(out, instruction []byte, kind shape) []byte {
	out = appendU32(append(out, opLocalTee), in.count)
	out = in.burn(out, func(b []byte) []byte { return appendS64(append(b, opI64Const), asked) })
	out = append(out, instruction...)
	out = appendU32(append(out, opLocalTee), in.answer)
	out = appendU32(append(out, opLocalGet), in.answer)
	out = append(out, opI32Const, 0x7F, opI32Ne, opIf, noResult)
	out = in.burn(out, in.amount(kind))
	return append(out, opEnd)
}
