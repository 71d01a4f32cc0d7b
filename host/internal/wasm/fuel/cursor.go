package fuel

import (
	"errors"
	"fmt"
)

// cursor reads a byte string; the first mistake sticks.
type cursor struct {
	b   []byte
	at  int
	err error
}

var (
	errCut    = errors.New("it is cut short")
	errNumber = errors.New("a number is too large or too long")
)

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *cursor) more() bool { return c.err == nil && c.at < len(c.b) }

func (c *cursor) byte() byte {
	if c.err != nil || c.at >= len(c.b) {
		c.fail(errCut)
		return 0
	}
	c.at++
	return c.b[c.at-1]
}

// u32 reads an unsigned LEB128 number, as strictly as an engine does: what is
// written anew must not become valid by it.
func (c *cursor) u32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := c.byte()
		if shift == 28 && b > 0x0F {
			break
		}
		v |= uint32(b&0x7F) << shift
		if b < 0x80 {
			return v
		}
	}
	c.fail(errNumber)
	return 0
}

// valueType reads the type of a value. Types of later versions take more bytes,
// so what is not known is refused: else the engine and the rewriter would read
// different code behind it.
func (c *cursor) valueType() byte {
	t := c.byte()
	switch t {
	case typeI32, typeI64, typeF32, typeF64, typeV128, typeFunc, typeExtern:
	default:
		if c.err == nil {
			c.fail(fmt.Errorf("type 0x%02x: %w", t, ErrUnknown))
		}
	}
	return t
}

// refType reads the type of a reference.
func (c *cursor) refType() {
	if t := c.byte(); t != typeFunc && t != typeExtern && c.err == nil {
		c.fail(fmt.Errorf("reference type 0x%02x: %w", t, ErrUnknown))
	}
}

// index reads a number that names one of n things.
func (c *cursor) index(what string, n uint32) uint32 {
	i := c.u32()
	if i >= n {
		c.fail(fmt.Errorf("%s %d: %w", what, i, ErrIndex))
	}
	return i
}

// blockType reads none, a value type, or the index of one of so many function
// types, which is a signed number of 33 bits.
func (c *cursor) blockType(types uint32) {
	switch {
	case c.at >= len(c.b):
		c.fail(errCut)
	case c.b[c.at] == noResult:
		c.at++
	case c.b[c.at] >= 0x80 || c.b[c.at] < 0x40:
		if i := c.s33(); c.err == nil && i < 0 {
			c.fail(fmt.Errorf("a block type below 0: %w", ErrUnknown))
		} else if i >= int64(types) {
			c.fail(fmt.Errorf("type %d: %w", i, ErrIndex))
		}
	default:
		c.valueType()
	}
}

// s33 reads a signed LEB128 number of 33 bits.
func (c *cursor) s33() int64 {
	var v int64
	for shift := 0; shift < 35; shift += 7 {
		b := c.byte()
		v |= int64(b&0x7F) << shift
		if b < 0x80 {
			if shift += 7; b&0x40 != 0 {
				v |= -1 << shift
			}
			return v
		}
	}
	c.fail(errNumber)
	return 0
}

// nought reads a byte that must be 0.
func (c *cursor) nought() {
	if c.byte() != 0 && c.err == nil {
		c.fail(fmt.Errorf("a byte that must be 0 is not: %w", ErrUnknown))
	}
}

// skipNumber passes over a LEB128 number of at most so many bytes. Its value is
// copied as it stands, so the engine judges it.
func (c *cursor) skipNumber(most int) {
	for range most {
		if c.byte() < 0x80 {
			return
		}
	}
	c.fail(errNumber)
}

func (c *cursor) bytes(n uint32) []byte {
	if c.err != nil || uint64(n) > uint64(len(c.b)-c.at) {
		c.fail(errCut)
		return nil
	}
	c.at += int(n)
	return c.b[c.at-int(n) : c.at]
}

func (c *cursor) name() string { return string(c.bytes(c.u32())) }

// each reads a vector: its count, then f for each element. It ends with the
// first mistake, so a lying count costs nothing.
func (c *cursor) each(f func(i uint32)) {
	n := c.u32()
	for i := uint32(0); i < n && c.err == nil; i++ {
		f(i)
	}
}

// done holds that all bytes were read.
func (c *cursor) done() error {
	if c.err == nil && c.at < len(c.b) {
		c.fail(errors.New("bytes are left over"))
	}
	return c.err
}

// appendU32 writes an unsigned LEB128 number.
func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendS64 writes a signed LEB128 number.
func appendS64(b []byte, v int64) []byte {
	for {
		low := byte(v & 0x7F)
		v >>= 7
		if v == 0 && low&0x40 == 0 || v == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}
