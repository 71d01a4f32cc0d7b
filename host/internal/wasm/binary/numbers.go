package binary

// U32 reads an unsigned LEB128 number of 32 bits.
func (c *Cursor) U32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := c.Byte()
		if shift == 28 && b > 0x0F {
			break
		}
		v |= uint32(b&0x7F) << shift
		if b < 0x80 {
			return v
		}
	}
	c.Fail(errNumber)
	return 0
}

// u64 reads an unsigned LEB128 number of 64 bits.
func (c *Cursor) u64() uint64 {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		b := c.Byte()
		if shift == 63 && b > 1 {
			break
		}
		v |= uint64(b&0x7F) << shift
		if b < 0x80 {
			return v
		}
	}
	c.Fail(errNumber)
	return 0
}

// s33 reads a signed LEB128 number of 33 bits.
func (c *Cursor) s33() int64 {
	var v int64
	for shift := 0; shift < 35; shift += 7 {
		b := c.Byte()
		v |= int64(b&0x7F) << shift
		if b < 0x80 {
			if shift += 7; b&0x40 != 0 {
				v |= -1 << shift
			}
			return v
		}
	}
	c.Fail(errNumber)
	return 0
}

// skipSigned passes over a LEB128 number of at most so many bytes. Nobody here
// needs its value, so the engine judges it.
func (c *Cursor) skipSigned(most int) {
	for range most {
		if c.Byte() < 0x80 {
			return
		}
	}
	c.Fail(errNumber)
}
