package avro

import "fmt"

// What a row may cost. A schema of a few lines can describe millions of values
// that take no bytes, and give them names of any length: the bytes of a row say
// nothing about them, so they are counted as they come.
const (
	// deepest is how deep values may be nested: what the reader of JSON texts
	// takes is deeper.
	deepest = 200
	// A row may hold so many values, and so many more for each of its bytes.
	baseSteps, stepsPerByte = 1 << 17, 16
	// It may fill columns with so many bytes, and so many more for each of its
	// own.
	baseMade, madePerByte = 1 << 20, 256
	// mostBatch bytes may stand in the columns of a batch, whose offsets have 31
	// bits.
	mostBatch = 1 << 30
)

const tooDeep = "values are nested more than 200 deep"

const tooManySteps = "the row has more than 131072 values, and 16 more for each of its bytes"

const tooMuchMade = "the row fills more than 1048576 bytes of columns, and 256 more for each of its own"

func (c *cursor) mostSteps() int { return baseSteps + stepsPerByte*c.i }

// step counts a value.
func (c *cursor) step() bool {
	if c.steps++; c.steps > c.mostSteps() {
		c.fail(tooManySteps)
	}
	return c.bad == ""
}

// enter goes to a value inside another; leave goes back.
func (c *cursor) enter() bool {
	if c.depth++; c.depth > deepest {
		c.fail(tooDeep)
	}
	return c.step()
}

func (c *cursor) leave() { c.depth-- }

// holds reports whether the row may fill so many bytes of columns; if not, it is
// bad.
func (c *cursor) holds(made int) bool {
	ok := c.within(made)
	if !ok {
		c.over(made)
	}
	return ok
}

// within is holds without a reason.
func (c *cursor) within(made int) bool {
	return c.bad == "" && made <= baseMade+madePerByte*c.i && made <= c.room
}

// over says which limit so many bytes are over.
func (c *cursor) over(made int) {
	switch {
	case c.bad != "":
	case made > baseMade+madePerByte*c.i:
		c.fail(tooMuchMade)
	default:
		c.full = true
		c.fail(fmt.Sprintf("a batch takes %d bytes", mostBatch))
	}
}
