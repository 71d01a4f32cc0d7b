package binary

// Segment passes over an element segment as far as its elements, and tells how
// many there are, and whether they are expressions or functions. Bit 0 of its
// kind says passive or declarative, bit 1 that a table or a type is named, bit 2
// that the elements are expressions
// (https://www.w3.org/TR/wasm-core-2/#element-section).
func (in *Instructions) Segment(c *Cursor, named func(what Follows, index uint32)) (n int, expressions bool) {
	kind := c.U32()
	if kind > 7 {
		c.beyond("an element segment of kind %d", kind)
		return 0, false
	}
	expressions = kind&4 != 0
	if kind&1 == 0 {
		if kind&2 != 0 {
			c.U32()
		}
		in.Constant(c, named)
	}
	switch {
	case kind&3 == 0:
	case expressions:
		c.RefType()
	default: // a kind of things: functions
		c.Zero()
	}
	return c.Count(), expressions
}
