package wasm

import "fmt"

// effort is what makes a function long to compile, beside its length.
type effort struct {
	locals int // with parameters
	far    int // those of them that are read in another piece than they were set in
	depth  int // of blocks in each other
	pieces int // of code, by the places where it goes on elsewhere or comes together
	labels int // of all its br_table
	moved  int // values that calls, blocks and branches take and give
}

// Pieces that the engine makes of an instruction. A loop counts with those of
// the check that goes into it.
const (
	ofBlock  = 1
	ofLoop   = 5
	ofIf     = 3
	ofBranch = 3
)

// walker reads the bodies of functions.
type walker struct {
	in      *instructions
	outline *outline
	frames  []frame // of the function under way
	set     []int32 // piece in which a local was set last, or -1
	far     []bool
	effort  effort
}

// frame is a block that is open.
type frame struct {
	label int // how many values a branch to it carries
	gives int
}

// function walks the body of a function of type t.
func (w *walker) function(t functype, code []byte) (effort, error) {
	c := &cursor{b: code}
	w.effort = effort{locals: len(t.params)}
	c.each(func(int) {
		w.effort.locals = min(w.effort.locals+int(c.u32()), 1<<31) // a sum of many is not to overflow
		c.byte()
	})
	if w.effort.locals > maxLocals {
		return w.effort, &tooMany{"locals", w.effort.locals, maxLocals}
	}
	w.set, w.far = again(w.set, w.effort.locals), again(w.far, w.effort.locals)
	w.frames = append(w.frames[:0], frame{len(t.results), len(t.results)})
	for len(w.frames) > 0 && c.err == nil {
		w.step(c)
	}
	if c.err == nil && c.at < len(code) {
		c.fail(errLong)
	}
	return w.effort, c.err
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
func (w *walker) step(c *cursor) {
	e := &w.effort
	n, i := w.in.next(c)
	switch i {
	case opens:
		w.open(n, c)
	case other: // else
		e.pieces++
	case closes:
		last := len(w.frames) - 1
		e.moved += w.frames[last].gives
		w.frames = w.frames[:last]
		e.pieces++
	case branch:
		e.moved += w.carried(c.u32())
		e.pieces += ofBranch
	case branches:
		labels := c.count() + 1
		e.labels += labels
		for ; labels > 0 && c.err == nil; labels-- {
			e.moved += w.carried(c.u32())
		}
		e.pieces++
	case calls:
		t, _ := w.outline.function(c.u32())
		e.moved += t.values()
	case callsType:
		if t := c.u32(); int64(t) < int64(len(w.outline.types)) {
			e.moved += w.outline.types[t].values()
		}
		c.skipNumber()
	case local:
		w.local(n, c.u32())
	default:
		c.pass(i)
	}
}

func (w *walker) open(n byte, c *cursor) {
	takes, gives := c.blockType(w.outline.types)
	f := frame{gives, gives}
	switch n {
	case 0x02:
		w.effort.pieces += ofBlock
	case 0x03: // a branch to a loop goes to its head
		f.label = takes
		w.effort.pieces += ofLoop
	case 0x04:
		w.effort.pieces += ofIf
	}
	w.frames = append(w.frames, f)
	w.effort.depth = max(w.effort.depth, len(w.frames)-1)
	w.effort.moved += takes + gives
}

// local notes the locals that the engine must follow from piece to piece. One
// that the function does not have is for the engine to refuse.
func (w *walker) local(n byte, i uint32) {
	here := int32(w.effort.pieces) + 1
	switch {
	case int64(i) >= int64(len(w.set)):
	case n != 0x20: // local.set, local.tee
		w.set[i] = here
	case w.set[i] != here && !w.far[i]:
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

// blockType reads none, the type of a value, or the number of a function type.
func (c *cursor) blockType(types []functype) (takes, gives int) {
	first := c.byte()
	switch {
	case first == 0x40:
		return 0, 0
	case first > 0x40 && first < 0x80:
		return 0, 1
	}
	if c.err == nil {
		c.at--
	}
	if t := c.u32(); int64(t) < int64(len(types)) {
		return len(types[t].params), len(types[t].results)
	}
	return 0, 0
}

// constant passes over a constant expression.
func (in *instructions) constant(c *cursor) {
	for c.err == nil {
		n, i := in.next(c)
		switch i {
		case closes:
			return
		case opens, other, branch, branches, calls, callsType, local:
			c.fail(fmt.Errorf("instruction 0x%02x in a constant expression", n))
		}
		c.pass(i)
	}
}

// next reads the number of an instruction and tells what follows it.
func (in *instructions) next(c *cursor) (n byte, i immediate) {
	n = c.byte()
	i = in.one[n]
	if i == prefixed {
		switch sub := c.u32(); {
		case sub > 255:
			i = unknown
		case n == 0xFC:
			i = in.fc[sub]
		default:
			i = in.fd[sub]
		}
	}
	if i == unknown {
		c.fail(fmt.Errorf("instruction 0x%02x: %w", n, errFeature))
	}
	return n, i
}

// pass goes past what follows an instruction that is compiled in no time.
func (c *cursor) pass(i immediate) {
	switch i {
	case oneNumber, signed:
		c.skipNumber()
	case twoNumbers:
		c.skipNumber()
		c.skipNumber()
	case accessLane:
		c.skipNumber()
		c.skipNumber()
		c.byte()
	case oneByte:
		c.byte()
	case fourBytes:
		c.bytes(4)
	case eightBytes:
		c.bytes(8)
	case sixteen:
		c.bytes(16)
	case typeList:
		c.bytes(c.u32())
	}
}

// skipNumber passes over a LEB128 number.
func (c *cursor) skipNumber() {
	for range 10 {
		if c.byte() < 0x80 {
			return
		}
	}
	c.fail(errCut)
}
