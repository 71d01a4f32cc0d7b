package fuel

import (
	"slices"

	"github.com/featurehost/featurehost/host/internal/wasm/binary"
)

// Instructions that a check is made of, or stands at.
const (
	opUnreachable  = 0x00
	opBlock        = binary.OpBlock
	opLoop         = binary.OpLoop
	opIf           = binary.OpIf
	opEnd          = binary.OpEnd
	opBr           = binary.OpBr
	opBrIf         = binary.OpBrIf
	opBrTable      = binary.OpBrTable
	opCall         = binary.OpCall
	opCallIndirect = binary.OpCallIndirect
	opDrop         = 0x1A
	opSelect       = 0x1B
	opLocalGet     = binary.OpLocalGet
	opLocalSet     = binary.OpLocalSet
	opLocalTee     = binary.OpLocalTee
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opMemoryGrow   = binary.OpMemoryGrow
	opI32Const     = 0x41
	opI64Const     = 0x42
	opI32Ne        = 0x47
	opI64LtS       = 0x53
	opI64LeS       = 0x57
	opI32Or        = 0x72
	opI64Add       = 0x7C
	opI64Sub       = 0x7D
	opI64Or        = 0x84
	opI64Shl       = 0x86
	opI64ShrU      = 0x88
	opI64ExtendU   = 0xAD
	opRefFunc      = 0xD2
	opSIMD         = binary.PrefixFD
	simdOr         = 80 // v128.or

	opI32ReinterpretF32 = 0xBC
	opI64ReinterpretF64 = 0xBD
	opF32ReinterpretI32 = 0xBE
	opF64ReinterpretI64 = 0xBF
)

// inserter writes checks into one function.
type inserter struct {
	tank          uint32 // index of the global
	refill        uint32 // index of the function
	left          uint32 // local i64: what is left
	count, answer uint32 // locals i32: an operand, a result
}

// write appends the body of a function with its checks, without its size.
//
// A check that finds the tank empty calls the refill. Within a loop that has no
// other calls this would cost the registers: what a loop carries from turn to
// turn would be stored at each, in case of the call. So the check of such a loop
// leaves it, for a call outside, and the loop is entered again:
//
//	block R
//	  loop
//	    block
//	      loop R        ;; the original one
//	        (br_if 1 (out of fuel))
//	        ...         ;; branches that leave the loop go three blocks further
//	      end
//	      br 2
//	    end
//	    ...             ;; what the loop writes to, anew
//	    call refill
//	    ...             ;; what was paid for the turn is given back
//	    br 0
//	  end
//	  unreachable
//	end
//
// The locals that the loop writes to are written anew before the call, without a
// change: for the engine these are other values then, and storing them is no
// longer the loop's work.
func (b *body) write(out, code []byte) []byte {
	first := uint32(len(b.takes)) + uint32(b.locals)
	in := inserter{tank: b.of.globals, refill: b.of.functions, left: first, count: first + 1, answer: first + 2}
	more := uint32(1)
	if b.tee {
		more++
	}
	out = appendU32(out, b.groups+more)
	out = append(out, code[b.listAt:b.start]...)
	out = append(out, 1, binary.I64)
	switch {
	case b.result:
		out = append(out, 2, binary.I32)
	case b.tee:
		out = append(out, 1, binary.I32)
	}
	from := b.start
	for i := range b.sites {
		s := &b.sites[i]
		out = append(out, code[from:s.at]...)
		from = s.at
		weight := func(b []byte) []byte { return appendS64(append(b, opI64Const), weightOf(s.cost)) }
		switch s.kind {
		case entry:
			if s.calls || weightOf(s.cost) >= largeEntry {
				out = in.burn(out, weight)
			} else {
				out = in.pays(out, weight)
			}
		case before:
			if head := &b.sites[s.loop]; head.free() {
				out = append(append(out, opBlock), code[s.at+1:head.at]...)
				out = append(out, opLoop, binary.NoResult, opBlock, binary.NoResult)
			}
		case loop:
			if s.free() {
				out = append(in.takes(out, weight), opI64Const, 0, opI64LtS, opBrIf, 1)
			} else {
				out = in.burn(out, weight)
			}
		case behind:
			if head := &b.sites[s.loop]; head.free() {
				out = append(out, opBr, 2, opEnd)
				out = b.anew(out, head.sets, s.setsEnd)
				out = appendU32(append(out, opCall), in.refill)
				// What was paid for the turn is given back: it is paid for again.
				out = appendU32(append(out, opGlobalGet), in.tank)
				out = append(appendS64(append(out, opI64Const), weightOf(head.cost)), opI64Add)
				out = appendU32(append(out, opGlobalSet), in.tank)
				out = append(out, opBr, 0, opEnd, opUnreachable, opEnd)
			}
		case branch:
			if b.sites[s.loop].free() {
				out = further(out, code[s.at:s.after], s.labels)
				from = s.after
			}
		case pause:
			out = in.refilled(appendU32(append(out, opGlobalGet), in.tank))
		case growMemory, growTable:
			out = in.grown(out, code[s.at:s.after], s.kind)
			from = s.after
		default:
			out = appendU32(append(out, opLocalTee), in.count)
			out = in.burn(out, in.amount(s.kind))
		}
	}
	return append(out, code[from:]...)
}

// mostAnew is how many locals are written anew: a loop has not many more
// registers.
const mostAnew = 16

// anew writes the locals of some sets without a change.
func (b *body) anew(out []byte, from, to int) []byte {
	var done []uint32
	for _, local := range b.sets[from:to] {
		if slices.Contains(done, local) {
			continue
		}
		if done = append(done, local); len(done) > mostAnew {
			break
		}
		var same []byte
		switch b.kind(local) {
		case binary.I32:
			same = []byte{opI32Const, 0, opI32Or}
		case binary.I64:
			same = []byte{opI64Const, 0, opI64Or}
		case binary.F32:
			same = []byte{opI32ReinterpretF32, opF32ReinterpretI32}
		case binary.F64:
			same = []byte{opI64ReinterpretF64, opF64ReinterpretI64}
		case binary.V128:
			same = appendU32([]byte{opLocalGet}, local)
			same = append(same, opSIMD, simdOr)
		default: // nothing turns a reference into itself
			continue
		}
		out = append(appendU32(append(out, opLocalGet), local), same...)
		out = appendU32(append(out, opLocalSet), local)
	}
	return out
}

// wrapped is how many blocks stand around a loop whose check leaves it.
const wrapped = 3

// further writes a branch whose targets beyond so many labels are further away.
func further(out, branch []byte, labels uint32) []byte {
	out = append(out, branch[0])
	if branch[0] == opBrTable {
		out = appendU32(out, binary.NewCursor(branch[1:]).U32())
	}
	targets(branch, func(label uint32) {
		if label >= labels {
			label += wrapped
		}
		out = appendU32(out, label)
	})
	return out
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

// pays takes from the tank and looks no further.
func (in *inserter) pays(out []byte, amount func([]byte) []byte) []byte {
	out = amount(appendU32(append(out, opGlobalGet), in.tank))
	return appendU32(append(out, opI64Sub, opGlobalSet), in.tank)
}

// refilled refills the tank when what is on the stack is below zero.
func (in *inserter) refilled(out []byte) []byte {
	out = append(out, opI64Const, 0, opI64LtS, opIf, binary.NoResult)
	return append(appendU32(append(out, opCall), in.refill), opEnd)
}

// refill appends the body of the function that fills the tank from the reserve,
// up to a slice, and traps when that does not make good what it lacks. Before, it
// asks for no memory: for that the engine leaves the guest's code, so that the
// host's collector, which stops all its threads, and its watchdog have their
// turn.
func refill(out []byte, tank uint32, memory bool, slice int64) []byte {
	const taken = 0 // local
	reserve := tank + 1
	get := func(global uint32) { out = appendU32(append(out, opGlobalGet), global) }
	set := func(global uint32) { out = appendU32(append(out, opGlobalSet), global) }
	out = append(out, 1, 1, binary.I64)
	if memory {
		out = append(out, opI32Const, 0, opMemoryGrow, 0, opDrop)
	}
	get(reserve)
	out = append(out, opI64Const, 0, opI64LeS, opIf, binary.NoResult, opUnreachable, opEnd)
	get(reserve)
	out = appendS64(append(out, opI64Const), slice)
	get(tank)
	out = append(out, opI64Sub, opLocalTee, taken)
	get(reserve)
	out = append(out, opLocalGet, taken, opI64LtS, opSelect, opLocalSet, taken)
	get(reserve)
	out = append(out, opLocalGet, taken, opI64Sub)
	set(reserve)
	get(tank)
	out = append(out, opLocalGet, taken, opI64Add)
	set(tank)
	get(tank)
	return append(out, opI64Const, 0, opI64LtS, opIf, binary.NoResult, opUnreachable, opEnd, opEnd)
}

// amount gives what an instruction over many bytes costs: a unit, and one for
// 256 bytes or 32 elements of a table.
func (in *inserter) amount(kind shape) func([]byte) []byte {
	op, by := byte(opI64ShrU), byte(8)
	switch kind {
	case overTable, growTable:
		by = 5
	case growMemory: // pages of 65536 bytes
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
	out = append(out, opI32Const, 0x7F, opI32Ne, opIf, binary.NoResult)
	out = in.burn(out, in.amount(kind))
	return append(out, opEnd)
}
