package binary

// Types of values (https://www.w3.org/TR/wasm-core-2/#binary-types).
const (
	I32       = 0x7F
	I64       = 0x7E
	F32       = 0x7D
	F64       = 0x7C
	V128      = 0x7B
	FuncRef   = 0x70
	ExternRef = 0x6F
)

// NoResult is the type of a block that takes and gives nothing.
const NoResult = 0x40

// funcForm begins a function type.
const funcForm = 0x60

// ValueType reads the type of a value. Types of later versions take more bytes,
// so what is not known is refused: the engine would read other code behind it.
func (c *Cursor) ValueType() byte {
	t := c.Byte()
	switch t {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef:
	default:
		c.beyond("type 0x%02x", t)
	}
	return t
}

// ValueTypes reads a vector of types, each of which is a byte.
func (c *Cursor) ValueTypes() []byte {
	n := c.Count()
	from := c.at
	for i := 0; i < n && c.err == nil; i++ {
		c.ValueType()
	}
	if c.err != nil {
		return nil
	}
	return c.b[from:c.at]
}

// RefType reads the type of a reference.
func (c *Cursor) RefType() byte {
	t := c.Byte()
	if t != FuncRef && t != ExternRef {
		c.beyond("reference type 0x%02x", t)
	}
	return t
}

// FuncType reads the type of a function.
func (c *Cursor) FuncType() (params, results []byte) {
	if form := c.Byte(); form != funcForm {
		c.beyond("type form 0x%02x", form)
	}
	params = c.ValueTypes()
	return params, c.ValueTypes()
}

// BlockType reads the type of a block: the index of a function type, or -1 and
// how many values the block gives, none or one.
func (c *Cursor) BlockType() (index int64, gives int) {
	if c.err != nil || c.at >= len(c.b) {
		c.Fail(errCut)
		return -1, 0
	}
	switch first := c.b[c.at]; {
	case first == NoResult:
		c.at++
		return -1, 0
	case first > NoResult && first < 0x80:
		c.ValueType()
		return -1, 1
	}
	if index = c.s33(); index < 0 {
		c.beyond("a block type below 0")
	}
	return index, 0
}
