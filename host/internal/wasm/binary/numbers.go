package binary

// U32 reads an unsigned LEB128 number of 32 bits.
func (c *Cursor) U32() uint32 { return uint32(c.unsigned(32)) }

// unsigned reads an unsigned LEB128 number of so many bits.
func (c *Cursor) unsigned(bits int) uint64 {
	var v uint64
	for shift := 0; shift < bits; shift += 7 {
		b := c.Byte()
		if left := bits - shift; left < 7 && b>>left > 0 {
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
