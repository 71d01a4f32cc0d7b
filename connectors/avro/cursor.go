package avro

import (
	"encoding/binary"
	"math"
)

// cursor walks over the bytes of a row. Once something is wrong, bad says what
// and every further read gives zeros.
type cursor struct {
	b    []byte
	i    int
	bad  string
	full bool // the row is bad only because the batch holds so much already

	depth int // of the value at hand
	steps int // values visited
	made  int // bytes that the row put into columns, about
	from  int // where the text at hand would begin, were it all of the row
	room  int // bytes that the batch still takes
}

func (c *cursor) fail(why string) {
	if c.bad == "" {
		c.bad = why
	}
	c.i = len(c.b)
}

// long reads a zig-zag number of up to 64 bits.
func (c *cursor) long() int64 {
	if c.i < len(c.b) { // one byte, as most are
		if x := c.b[c.i]; x < 0x80 {
			c.i++
			return int64(x>>1) ^ -int64(x&1)
		}
	}
	var v uint64
	for n := uint(0); n < 70; n += 7 {
		if c.i >= len(c.b) {
			c.fail("the bytes end inside a number")
			return 0
		}
		x := c.b[c.i]
		c.i++
		if n == 63 && x > 1 {
			break
		}
		v |= uint64(x&0x7f) << n
		if x < 0x80 {
			return int64(v>>1) ^ -int64(v&1)
		}
	}
	c.fail("a number has more than 64 bits")
	return 0
}

// int reads a number of 32 bits.
func (c *cursor) int() int32 {
	v := c.long()
	if v != int64(int32(v)) {
		c.fail("a number has more than 32 bits")
		return 0
	}
	return int32(v)
}

func (c *cursor) bool() bool {
	if c.i >= len(c.b) {
		c.fail("the bytes end before a boolean")
		return false
	}
	v := c.b[c.i]
	c.i++
	if v > 1 {
		c.fail("a boolean is neither 0 nor 1")
	}
	return v == 1
}

func (c *cursor) float() float32 {
	b := c.take(4)
	if b == nil {
		return 0
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b))
}

func (c *cursor) double() float64 {
	b := c.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// take gives the next n bytes, nil where there are fewer. n is not negative.
func (c *cursor) take(n int) []byte {
	if n > len(c.b)-c.i {
		c.fail("the bytes end inside a value")
		return nil
	}
	c.i += n
	return c.b[c.i-n : c.i : c.i]
}

// bytes reads a length and as many bytes.
func (c *cursor) bytes() []byte {
	n := c.long()
	if n < 0 || n > int64(len(c.b)-c.i) {
		c.fail("a text or bytes value is longer than what is left")
		return nil
	}
	return c.take(int(n))
}

// blocks calls f for each element of an array or a map, whose elements take at
// least so many bytes each; f counts them.
func (c *cursor) blocks(least int, f func()) {
	for c.bad == "" {
		n := c.long()
		if n == 0 {
			return
		}
		if n < 0 {
			if n == math.MinInt64 {
				c.fail("an array has an impossible length")
				return
			}
			n = -n
			c.long() // bytes of the block, for those who skip it
		}
		if least > 0 && n > int64(len(c.b)-c.i)/int64(least) {
			c.fail("an array is longer than what is left")
			return
		}
		if least == 0 && n > int64(c.mostSteps()-c.steps) {
			c.fail(tooManySteps)
			return
		}
		for ; n > 0 && c.bad == ""; n-- {
			f()
		}
	}
}

const (
	noSymbol = "an enum has no symbol of the number given"
	noType   = "a union has no type of the number given"
)

// number reads which of n things follows: -1 if it is none, and then why.
func (c *cursor) number(n int, why string) int {
	v := c.long()
	if c.bad == "" && (v < 0 || v >= int64(n)) {
		c.fail(why)
	}
	if c.bad != "" {
		return -1
	}
	return int(v)
}
