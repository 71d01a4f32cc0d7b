package binary

// Pass goes past what follows an instruction.
func (c *Cursor) Pass(f Follows) {
	switch f {
	case Type:
		c.BlockType()
	case Label, Function, Local, Global, index:
		c.U32()
	case Indirect, indices:
		c.U32()
		c.U32()
	case Labels:
		for n := c.Count(); n >= 0 && c.err == nil; n-- {
			c.U32()
		}
	case indexZero:
		c.U32()
		c.Zero()
	case zero:
		c.Zero()
	case zeros:
		c.Zero()
		c.Zero()
	case access:
		c.access()
	case accessLane:
		c.access()
		c.Byte()
	case lane:
		c.Byte()
	case signed32:
		c.skipSigned(5)
	case signed64:
		c.skipSigned(10)
	case bytes4:
		c.Bytes(4)
	case bytes8:
		c.Bytes(8)
	case bytes16:
		c.Bytes(16)
	case valueTypes:
		c.ValueTypes()
	case refType:
		c.RefType()
	}
}

// access passes over alignment and offset of a memory access. A set bit 6 of the
// alignment would mean that the number of a memory follows.
func (c *Cursor) access() {
	if align := c.U32(); align >= 64 {
		c.beyond("a memory access of several memories")
	}
	c.U32()
}
