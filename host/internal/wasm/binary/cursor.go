package binary

import (
	"errors"
	"fmt"
)

var (
	// ErrFeature is what Wasm 2.0 does not have, an instruction for example.
	ErrFeature = errors.New("it is beyond Wasm 2.0")

	errCut    = errors.New("it is cut short")
	errLong   = errors.New("bytes are left over")
	errNumber = errors.New("a number is too large or too long")
)

// Cursor reads a byte string; the first mistake sticks, and what is read after it
// is 0 or empty.
type Cursor struct {
	b   []byte
	at  int
	err error
}

// NewCursor reads b from its beginning.
func NewCursor(b []byte) *Cursor { return &Cursor{b: b} }

// At is how many bytes were read.
func (c *Cursor) At() int { return c.at }

// Err is the first mistake.
func (c *Cursor) Err() error { return c.err }

// More tells whether there are bytes left, and no mistake.
func (c *Cursor) More() bool { return c.err == nil && c.at < len(c.b) }

// Done holds that all bytes were read, and gives the first mistake.
func (c *Cursor) Done() error {
	if c.err == nil && c.at < len(c.b) {
		c.err = errLong
	}
	return c.err
}

// Fail makes err the first mistake, if there was none.
func (c *Cursor) Fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// beyond fails for what Wasm 2.0 does not have. The message is made only if it is
// the first mistake.
func (c *Cursor) beyond(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format+": %w", append(args, ErrFeature)...)
	}
}

// Byte reads a byte.
func (c *Cursor) Byte() byte {
	if c.err != nil || c.at >= len(c.b) {
		c.Fail(errCut)
		return 0
	}
	c.at++
	return c.b[c.at-1]
}

// Zero reads a byte that must be 0.
func (c *Cursor) Zero() {
	if c.Byte() != 0 {
		c.beyond("a byte that must be 0 is not")
	}
}

// Bytes reads n bytes: a part of what the cursor reads, not a copy.
func (c *Cursor) Bytes(n uint32) []byte {
	if c.err != nil || uint64(n) > uint64(len(c.b)-c.at) {
		c.Fail(errCut)
		return nil
	}
	c.at += int(n)
	return c.b[c.at-int(n) : c.at]
}

// Name reads a string behind its length.
func (c *Cursor) Name() string { return string(c.Bytes(c.U32())) }

// Count reads the number of entries of a vector. Each takes a byte or more, so a
// count that lies is seen before anybody makes room for it.
func (c *Cursor) Count() int {
	n := c.U32()
	if c.err == nil && uint64(n) > uint64(len(c.b)-c.at) {
		c.err = errCut
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}

// Each reads a vector: its count, then f for each entry, to the first mistake.
func (c *Cursor) Each(f func(i int)) {
	n := c.Count()
	for i := 0; i < n && c.err == nil; i++ {
		f(i)
	}
}
