package binary

import "fmt"

// Constant passes over a constant expression. It calls named, if there is one,
// for each function and each global in it.
func (in *Instructions) Constant(c *Cursor, named func(what Follows, index uint32)) {
	for c.err == nil {
		i := in.Next(c)
		switch {
		case i.Op == OpEnd:
			return
		case i.Op <= OpLocalTee: // control, locals
			c.Fail(fmt.Errorf("instruction 0x%02x in a constant expression", i.Op))
		case named != nil && (i.Follows == Function || i.Follows == Global):
			named(i.Follows, c.U32())
		default:
			c.Pass(i.Follows)
		}
	}
}
