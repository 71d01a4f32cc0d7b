package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Ids of the sections of a core module.
const (
	sectionCustom = 0
	sectionType   = 1
	sectionImport = 2
	sectionFunc   = 3
	sectionTable  = 4
	sectionMemory = 5
	sectionGlobal = 6
	sectionExport = 7
	sectionElem   = 9
	sectionCode   = 10
	sectionData   = 11
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

// functype is the type of a function; its parts are bytes of the module.
type functype struct{ params, results []byte }

// sig makes a type.
func sig(params []byte, results ...byte) functype { return functype{params, results} }

func (t functype) equal(u functype) bool {
	return bytes.Equal(t.params, u.params) && bytes.Equal(t.results, u.results)
}

// values is how many it takes and gives.
func (t functype) values() int { return len(t.params) + len(t.results) }

// String is the type as messages show it, for example "(i32 i32) -> (i64)".
func (t functype) String() string {
	var b strings.Builder
	list := func(types []byte) {
		b.WriteByte('(')
		for i, v := range types {
			switch {
			case i == mostShown:
				b.WriteString(" ...")
			case i > 0 && i < mostShown:
				b.WriteByte(' ')
			}
			if i < mostShown {
				b.WriteString(typeName(v))
			}
		}
		b.WriteByte(')')
	}
	list(t.params)
	b.WriteString(" -> ")
	list(t.results)
	return b.String()
}

// mostShown is how many values of a type a message shows.
const mostShown = 16

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
	types     []functype
	functions []uint32 // type of each, imported ones first
	imported  int      // of the functions
	imports   []imported
	exports   []exported
	memories  []limits
	tables    []limits
	tags      bool
	largestFn int
	tally     tally
}

// function gives the type of a function.
func (o *outline) function(i uint32) (functype, bool) {
	if int64(i) >= int64(len(o.functions)) {
		return functype{}, false
	}
	return o.types[o.functions[i]], true
}

type imported struct {
	module, name string
	kind         byte
	sig          functype
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
	errLong    = errors.New("bytes are left over")
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

// count reads the number of entries of a vector. Each takes a byte or more, so a
// count that lies is seen before anybody makes room for it.
func (c *cursor) count() int {
	n := c.u32()
	if c.err == nil && uint64(n) > uint64(len(c.b)-c.at) {
		c.fail(errCut)
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}

// each reads a vector: its count, then f for each element. It ends with the
// first mistake.
func (c *cursor) each(f func(i int)) {
	n := c.count()
	for i := 0; i < n && c.err == nil; i++ {
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
	in := newInstructions()
	c := &cursor{b: wasm, at: 8}
	for c.at < len(wasm) && c.err == nil {
		id := c.byte()
		body := &cursor{b: c.bytes(c.u32())}
		if c.err != nil {
			break
		}
		if o.section(in, id, body); body.err != nil {
			return nil, fmt.Errorf("section %d: %w", id, body.err)
		}
	}
	return o, c.err
}

func (o *outline) section(in *instructions, id byte, c *cursor) {
	switch id {
	case sectionCustom:
		if c.name() == "name" {
			o.names(c)
		}
	case sectionType:
		o.vector(c, types, func(int) { o.addType(c) })
	case sectionImport:
		o.vector(c, imports, func(int) { o.addImport(c) })
	case sectionFunc:
		o.vector(c, functions, func(int) { o.addFunc(c) })
	case sectionTable:
		o.vector(c, tables, func(int) {
			if t := c.byte(); t == 0x40 { // a table with an initial value
				c.fail(fmt.Errorf("a table has an initial value: %w", errFeature))
			}
			o.tables = append(o.tables, c.limits())
		})
	case sectionMemory:
		c.each(func(int) { o.memories = append(o.memories, c.limits()) })
	case sectionGlobal:
		o.tally.add(c, globals, c.count())
	case sectionExport:
		o.vector(c, exports, func(int) {
			o.exports = append(o.exports, exported{name: c.name(), kind: c.byte(), index: c.u32()})
		})
	case sectionElem:
		o.vector(c, elementSegments, func(int) { o.segment(in, c) })
	case sectionCode:
		o.code(in, c)
	case sectionData:
		o.tally.add(c, dataSegments, c.count())
	case sectionTag:
		o.tags = true
	}
}

// vector reads a vector of at most so many of a part.
func (o *outline) vector(c *cursor, p part, f func(i int)) {
	n := c.count()
	o.tally.add(c, p, n)
	for i := 0; i < n && c.err == nil; i++ {
		f(i)
	}
}

func (o *outline) addType(c *cursor) {
	if form := c.byte(); form != 0x60 && c.err == nil {
		c.fail(fmt.Errorf("type form 0x%02x: %w", form, errFeature))
	}
	t := functype{params: c.bytes(c.u32())}
	t.results = c.bytes(c.u32())
	for _, n := range []int{len(t.params), len(t.results)} {
		if n > maxValues {
			c.fail(&tooMany{"parameters or results of a function type", n, maxValues})
		}
	}
	o.tally.add(c, typeValues, t.values())
	o.types = append(o.types, t)
}

func (o *outline) addImport(c *cursor) {
	i := imported{module: c.name(), name: c.name(), kind: c.byte()}
	switch i.kind {
	case kindFunc:
		o.addFunc(c)
		if c.err == nil {
			i.sig = o.types[o.functions[o.imported]]
			o.imported++
		}
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

func (o *outline) addFunc(c *cursor) {
	n := c.u32()
	if int64(n) >= int64(len(o.types)) {
		c.fail(fmt.Errorf("function type %d of %d", n, len(o.types)))
	}
	o.functions = append(o.functions, n)
}

// segment passes over an element segment: bit 0 of its kind says passive or
// declarative, bit 1 that a table or a type is named, bit 2 that the elements
// are expressions (https://www.w3.org/TR/wasm-core-2/#element-section).
func (o *outline) segment(in *instructions, c *cursor) {
	kind := c.u32()
	if kind&1 == 0 {
		if kind&2 != 0 {
			c.skipNumber()
		}
		in.constant(c)
	}
	if kind&3 != 0 {
		c.byte()
	}
	n := c.count()
	o.tally.add(c, elements, n)
	for ; n > 0 && c.err == nil; n-- {
		if kind&4 == 0 {
			c.skipNumber()
		} else {
			in.constant(c)
		}
	}
}

// names counts what the name section names: the engine keeps all of it.
func (o *outline) names(c *cursor) {
	for c.at < len(c.b) && c.err == nil {
		id, sub := c.byte(), &cursor{b: c.bytes(c.u32())}
		switch {
		case c.err != nil:
		case id == 1: // of functions
			o.tally.add(c, names, sub.count())
		case id == 2: // of locals, by function
			o.vector(sub, names, func(int) {
				sub.skipNumber()
				o.vector(sub, names, func(int) {
					sub.skipNumber()
					sub.bytes(sub.u32())
				})
			})
		}
		if c.err == nil {
			c.err = sub.err
		}
	}
}

// code walks all functions.
func (o *outline) code(in *instructions, c *cursor) {
	w := &walker{in: in, outline: o}
	first := o.imported
	c.each(func(i int) {
		body := c.bytes(c.u32())
		o.largestFn = max(o.largestFn, len(body))
		t, ok := o.function(uint32(first + i))
		if !ok {
			c.fail(errors.New("it has more functions than are declared"))
		}
		if c.err != nil || len(body) > maxFunction { // refused by its size
			return
		}
		e, err := w.function(t, body)
		o.tally.add(c, locals, e.locals)
		if err == nil {
			err = e.check()
			o.tally.add(c, work, e.work())
		}
		if err != nil {
			c.fail(fmt.Errorf("function %d: %w", first+i, err))
		}
	})
}
