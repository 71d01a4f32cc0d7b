package wasm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Ids of the sections of a core module.
const (
	sectionType   = 1
	sectionImport = 2
	sectionFunc   = 3
	sectionTable  = 4
	sectionMemory = 5
	sectionExport = 7
	sectionCode   = 10
	sectionTag    = 13
)

// Kinds of imports and exports.
const (
	kindFunc   = 0
	kindTable  = 1
	kindMemory = 2
	kindGlobal = 3
)

// Value types, as the binary spells them.
const (
	i32 = 0x7F
	i64 = 0x7E
	f32 = 0x7D
	f64 = 0x7C
)

// signature is a function type as text, for example "(i32 i32) -> i64".
type signature string

func sig(params []byte, results ...byte) signature {
	list := func(types []byte) string {
		s := ""
		for i, t := range types {
			if i > 0 {
				s += " "
			}
			s += typeName(t)
		}
		return "(" + s + ")"
	}
	return signature(list(params) + " -> " + list(results))
}

func typeName(t byte) string {
	switch t {
	case i32:
		return "i32"
	case i64:
		return "i64"
	case f32:
		return "f32"
	case f64:
		return "f64"
	}
	return fmt.Sprintf("0x%02x", t)
}

// outline is what the host wants to know of a module before compiling it.
type outline struct {
	imports    []imported
	exports    []exported
	memories   []limits
	tables     []limits
	tags       bool
	largestFn  int
	signatures []signature // of all functions, imported ones first
}

type imported struct {
	module, name string
	kind         byte
	sig          signature
}

type exported struct {
	name  string
	kind  byte
	index uint32
}

type limits struct {
	flags    byte
	min, max uint64
	capped   bool
}

var (
	errCut     = errors.New("it is cut short")
	errFeature = errors.New("it is beyond Wasm 2.0")
)

// cursor reads a byte string; the first mistake sticks.
type cursor struct {
	b   []byte
	at  int
	err error
}

func (c *cursor) byte() byte {
	if c.err != nil || c.at >= len(c.b) {
		c.fail(errCut)
		return 0
	}
	c.at++
	return c.b[c.at-1]
}

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *cursor) u64() uint64 {
	if c.err != nil {
		return 0
	}
	v, n := binary.Uvarint(c.b[min(c.at, len(c.b)):])
	if n <= 0 {
		c.fail(errCut)
		return 0
	}
	c.at += n
	return v
}

func (c *cursor) u32() uint32 {
	v := c.u64()
	if v > 1<<32-1 {
		c.fail(errors.New("a number is too large"))
	}
	return uint32(v)
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
func (c *cursor) each(f func(i int)) {
	n := c.u32()
	for i := 0; i < int(n) && c.err == nil; i++ {
		f(i)
	}
}

func (c *cursor) limits() limits {
	l := limits{flags: c.byte()}
	l.min = c.u64()
	if l.flags&1 != 0 {
		l.max, l.capped = c.u64(), true
	}
	return l
}

// readOutline reads the sections that the checks need. wasm begins with the
// header of a core module.
func readOutline(wasm []byte) (*outline, error) {
	o := &outline{}
	var types []signature
	c := &cursor{b: wasm, at: 8}
	for c.at < len(wasm) && c.err == nil {
		id := c.byte()
		body := &cursor{b: c.bytes(c.u32())}
		if c.err != nil {
			break
		}
		switch id {
		case sectionType:
			types = body.types()
		case sectionImport:
			body.each(func(int) { o.addImport(body, types) })
		case sectionFunc:
			body.each(func(int) { o.addFunc(body, types) })
		case sectionTable:
			body.each(func(int) {
				if t := body.byte(); t == 0x40 { // a table with an initial value
					body.fail(fmt.Errorf("a table has an initial value: %w", errFeature))
				}
				o.tables = append(o.tables, body.limits())
			})
		case sectionMemory:
			body.each(func(int) { o.memories = append(o.memories, body.limits()) })
		case sectionExport:
			body.each(func(int) {
				o.exports = append(o.exports, exported{name: body.name(), kind: body.byte(), index: body.u32()})
			})
		case sectionCode:
			body.each(func(int) { o.largestFn = max(o.largestFn, len(body.bytes(body.u32()))) })
		case sectionTag:
			o.tags = true
		}
		if body.err != nil {
			return nil, fmt.Errorf("section %d: %w", id, body.err)
		}
	}
	return o, c.err
}

func (c *cursor) types() []signature {
	var out []signature
	c.each(func(int) {
		if form := c.byte(); form != 0x60 && c.err == nil {
			c.fail(fmt.Errorf("type form 0x%02x: %w", form, errFeature))
		}
		params := c.bytes(c.u32())
		out = append(out, sig(params, c.bytes(c.u32())...))
	})
	return out
}

func (o *outline) addImport(c *cursor, types []signature) {
	i := imported{module: c.name(), name: c.name(), kind: c.byte()}
	switch i.kind {
	case kindFunc:
		i.sig = typeAt(c, types)
		o.signatures = append(o.signatures, i.sig)
	case kindTable:
		c.byte()
		c.limits()
	case kindMemory:
		c.limits()
	case kindGlobal:
		c.byte()
		c.byte()
	default: // a tag; the module is refused for it
		c.byte()
		c.u32()
	}
	o.imports = append(o.imports, i)
}

func (o *outline) addFunc(c *cursor, types []signature) {
	o.signatures = append(o.signatures, typeAt(c, types))
}

func typeAt(c *cursor, types []signature) signature {
	n := c.u32()
	if int(n) >= len(types) {
		c.fail(fmt.Errorf("function type %d of %d", n, len(types)))
		return ""
	}
	return types[n]
}
