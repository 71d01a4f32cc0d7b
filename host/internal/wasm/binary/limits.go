package binary

import "fmt"

// Limits are the size of a memory or of a table.
type Limits struct {
	Flags    byte
	Min, Max uint64
	Capped   bool // Max says something
}

// Bits of the flags of limits. All but the first are of later versions.
const (
	flagMax    = 1
	flagShared = 2
	flagWide   = 4
)

// Limits reads the size of a memory or of a table. It reads those of later
// versions as well, so that whoever looks at them can say what they are.
func (c *Cursor) Limits() Limits {
	l := Limits{Flags: c.Byte()}
	size := func() uint64 {
		if l.Flags&flagWide != 0 {
			return c.unsigned(64)
		}
		return uint64(c.U32())
	}
	l.Min = size()
	if l.Flags&flagMax != 0 {
		l.Max, l.Capped = size(), true
	}
	return l
}

// Feature tells what makes them limits of a later version, or nil.
func (l Limits) Feature() error {
	switch {
	case l.Flags&flagShared != 0:
		return fmt.Errorf("a shared memory (threads): %w", ErrFeature)
	case l.Flags&flagWide != 0:
		return fmt.Errorf("a 64-bit memory or table: %w", ErrFeature)
	case l.Flags > flagMax:
		return fmt.Errorf("a memory or table of kind 0x%02x: %w", l.Flags, ErrFeature)
	}
	return nil
}
