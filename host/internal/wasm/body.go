package wasm

import "github.com/featurehost/featurehost/host/internal/wasm/binary"

// effort is what makes a function long to compile, beside its length.
type effort struct {
	locals int // with parameters
	far    int // those of them that are read in another piece than they were set in, or set in a loop
	depth  int // of blocks in each other
	pieces int // of code, by the places where it goes on elsewhere or comes together
	labels int // of all its br_table
	moved  int // values that calls, blocks and branches take and give
}

// Pieces that the engine makes of an instruction. A loop counts with those of
// the check that goes into it: two are its own, and five those of the two blocks,
// the loop and the branch that stand around one without calls, or in it (the
// rewriter's write). A check that stays in its loop makes three.
const (
	ofBlock  = 1
	ofLoop   = 7
	ofIf     = 3
	ofBranch = 3
	// ofMany is of instructions over many bytes or elements, which are charged by
	// their operands: nine, and as much again for what such a one costs in a loop.
	ofMany = 18
)

// walker reads the bodies of functions.
type walker struct {
	in      *binary.Instructions
	outline *outline
	frames  []frame // of the function under way
	loops   int     // that are open
	set     []int32 // piece in which a local was set last, or -1
	far     []bool
	effort  effort
}

// frame is a block that is open.
type frame struct {
	label int // how many values a branch to it carries
	gives int
	loop  bool
}

// function walks the body of a function of type t.
func (w *walker) function(t functype, code []byte) (effort, error) {
	c := binary.NewCursor(code)
	w.effort = effort{locals: len(t.params)}
	c.Each(func(int) {
		w.effort.locals = min(w.effort.locals+int(c.U32()), 1<<31) // a sum of many is not to overflow
		c.ValueType()
	})
	if w.effort.locals > maxLocals {
		return w.effort, &tooMany{"locals", w.effort.locals, maxLocals}
	}
	w.set, w.far = again(w.set, w.effort.locals), again(w.far, w.effort.locals)
	w.frames, w.loops = append(w.frames[:0], frame{label: len(t.results), gives: len(t.results)}), 0
	for len(w.frames) > 0 && c.Err() == nil {
		w.step(c)
	}
	return w.effort, c.Done()
}

// again gives a list of n zeroes in the place of another.
func again[T int32 | bool](list []T, n int) []T {
	if cap(list) < n {
		return make([]T, n)
	}
	list = list[:n]
	clear(list)
	return list
}

// step walks one instruction.
func (w *walker) step(c *binary.Cursor) {
	e := &w.effort
	i := w.in.Next(c)
	switch i.Follows {
	case binary.Type:
		w.open(i.Op, c)
	case binary.Label:
		e.moved += w.carried(c.U32())
		e.pieces += ofBranch
	case binary.Labels:
		labels := c.Count() + 1
		e.labels += labels
		for ; labels > 0 && c.Err() == nil; labels-- {
			e.moved += w.carried(c.U32())
		}
		e.pieces++
	case binary.Indirect:
		if t := c.U32(); int64(t) < int64(len(w.outline.types)) {
			e.moved += w.outline.types[t].values()
		}
		c.U32()
	case binary.Local:
		w.local(i.Op, c.U32())
	default:
		w.other(i, c)
	}
}

// other walks an instruction that the number of what follows it does not tell.
func (w *walker) other(i binary.Instruction, c *binary.Cursor) {
	e := &w.effort
	switch i.Op {
	case binary.OpElse:
		e.pieces++
	case binary.OpEnd:
		last := len(w.frames) - 1
		e.moved += w.frames[last].gives
		if w.frames[last].loop {
			w.loops--
		}
		w.frames = w.frames[:last]
		e.pieces++
	case binary.OpCall:
		t, _ := w.outline.function(c.U32())
		e.moved += t.values()
	case binary.OpMemoryGrow:
		e.pieces += ofMany
		c.Pass(i.Follows)
	case binary.PrefixFC:
		switch i.Sub {
		case binary.FCMemoryInit, binary.FCMemoryCopy, binary.FCMemoryFill,
			binary.FCTableInit, binary.FCTableCopy, binary.FCTableGrow, binary.FCTableFill:
			e.pieces += ofMany
		}
		c.Pass(i.Follows)
	default:
		c.Pass(i.Follows)
	}
}

func (w *walker) open(op byte, c *binary.Cursor) {
	takes, gives := w.blockType(c)
	f := frame{label: gives, gives: gives, loop: op == binary.OpLoop}
	switch op {
	case binary.OpBlock:
		w.effort.pieces += ofBlock
	case binary.OpLoop: // a branch to a loop goes to its head
		f.label = takes
		w.loops++
		w.effort.pieces += ofLoop
	case binary.OpIf:
		w.effort.pieces += ofIf
	}
	w.frames = append(w.frames, f)
	w.effort.depth = max(w.effort.depth, len(w.frames)-1)
	w.effort.moved += takes + gives
}

// local notes the locals that the engine must follow from piece to piece, as it
// must those that a loop sets: the rewriter reads them behind it. One that the
// function does not have is for the engine to refuse.
func (w *walker) local(op byte, i uint32) {
	if int64(i) >= int64(len(w.set)) {
		return
	}
	here := int32(w.effort.pieces) + 1
	far := w.set[i] != here
	if op != binary.OpLocalGet {
		w.set[i], far = here, w.loops > 0
	}
	if far && !w.far[i] {
		w.far[i] = true
		w.effort.far++
	}
}

// carried is how many values a branch carries; one that leads nowhere is for
// the engine to refuse.
func (w *walker) carried(label uint32) int {
	if int64(label) >= int64(len(w.frames)) {
		return 0
	}
	return w.frames[len(w.frames)-1-int(label)].label
}

// blockType reads how many values a block takes and gives. A function type that
// the module does not have is for the engine to refuse.
func (w *walker) blockType(c *binary.Cursor) (takes, gives int) {
	t, gives := c.BlockType()
	if t < 0 || t >= int64(len(w.outline.types)) {
		return 0, gives
	}
	return len(w.outline.types[t].params), len(w.outline.types[t].results)
}
