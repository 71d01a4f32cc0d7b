package wasm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/featurehost/featurehost/host/internal/wasm/binary"
)

// Value types, in signatures.
const (
	i32 = binary.I32
	i64 = binary.I64
	f32 = binary.F32
	f64 = binary.F64
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
	memories  []binary.Limits
	tables    []binary.Limits
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

// readOutline reads the sections that the checks need. wasm begins with the
// header of a core module.
func readOutline(wasm []byte) (*outline, error) {
	o := &outline{}
	in := binary.NewInstructions()
	c := binary.NewCursor(wasm[binary.HeaderSize:])
	for c.More() {
		id := c.Byte()
		body := binary.NewCursor(c.Bytes(c.U32()))
		if c.Err() != nil {
			break
		}
		if o.section(in, id, body); body.Err() != nil {
			return nil, fmt.Errorf("section %d: %w", id, body.Err())
		}
	}
	return o, c.Err()
}

func (o *outline) section(in *binary.Instructions, id byte, c *binary.Cursor) {
	switch id {
	case binary.SectionCustom:
		if c.Name() == "name" {
			o.names(c)
		}
	case binary.SectionType:
		o.vector(c, types, func(int) { o.addType(c) })
	case binary.SectionImport:
		o.vector(c, imports, func(int) { o.addImport(c) })
	case binary.SectionFunction:
		o.vector(c, functions, func(int) { o.addFunc(c) })
	case binary.SectionTable:
		o.vector(c, tables, func(int) {
			c.RefType()
			o.tables = append(o.tables, c.Limits())
		})
	case binary.SectionMemory:
		c.Each(func(int) { o.memories = append(o.memories, c.Limits()) })
	case binary.SectionGlobal:
		o.tally.add(c, globals, c.Count())
	case binary.SectionExport:
		o.vector(c, exports, func(int) {
			o.exports = append(o.exports, exported{name: c.Name(), kind: c.Byte(), index: c.U32()})
		})
	case binary.SectionElement:
		o.vector(c, elementSegments, func(int) { o.segment(in, c) })
	case binary.SectionCode:
		o.code(in, c)
	case binary.SectionData:
		o.tally.add(c, dataSegments, c.Count())
	case binary.SectionTag:
		o.tags = true
	}
}

// vector reads a vector of at most so many of a part.
func (o *outline) vector(c *binary.Cursor, p part, f func(i int)) {
	n := c.Count()
	o.tally.add(c, p, n)
	for i := 0; i < n && c.Err() == nil; i++ {
		f(i)
	}
}

func (o *outline) addType(c *binary.Cursor) {
	var t functype
	t.params, t.results = c.FuncType()
	for _, n := range []int{len(t.params), len(t.results)} {
		if n > maxValues {
			c.Fail(&tooMany{"parameters or results of a function type", n, maxValues})
		}
	}
	o.tally.add(c, typeValues, t.values())
	o.types = append(o.types, t)
}

func (o *outline) addImport(c *binary.Cursor) {
	i := imported{module: c.Name(), name: c.Name(), kind: c.Byte()}
	switch i.kind {
	case binary.KindFunction:
		o.addFunc(c)
		if c.Err() == nil {
			i.sig = o.types[o.functions[o.imported]]
			o.imported++
		}
	case binary.KindTable:
		c.RefType()
		c.Limits()
	case binary.KindMemory:
		c.Limits()
	case binary.KindGlobal:
		c.ValueType()
		c.Byte()
	default: // a tag; the module is refused for it
		c.Byte()
		c.U32()
	}
	o.imports = append(o.imports, i)
}

func (o *outline) addFunc(c *binary.Cursor) {
	n := c.U32()
	if int64(n) >= int64(len(o.types)) {
		c.Fail(fmt.Errorf("function type %d of %d", n, len(o.types)))
	}
	o.functions = append(o.functions, n)
}

// segment passes over an element segment.
func (o *outline) segment(in *binary.Instructions, c *binary.Cursor) {
	n, expressions := in.Segment(c, nil)
	o.tally.add(c, elements, n)
	for ; n > 0 && c.Err() == nil; n-- {
		if expressions {
			in.Constant(c, nil)
		} else {
			c.U32()
		}
	}
}

// names counts what the name section names: the engine keeps all of it.
func (o *outline) names(c *binary.Cursor) {
	for c.More() {
		id, sub := c.Byte(), binary.NewCursor(c.Bytes(c.U32()))
		switch {
		case c.Err() != nil:
		case id == 1: // of functions
			o.tally.add(c, names, sub.Count())
		case id == 2: // of locals, by function
			o.vector(sub, names, func(int) {
				sub.U32()
				o.vector(sub, names, func(int) {
					sub.U32()
					sub.Bytes(sub.U32())
				})
			})
		}
		if sub.Err() != nil {
			c.Fail(sub.Err())
		}
	}
}

// code walks all functions.
func (o *outline) code(in *binary.Instructions, c *binary.Cursor) {
	w := &walker{in: in, outline: o}
	first := o.imported
	c.Each(func(i int) {
		body := c.Bytes(c.U32())
		o.largestFn = max(o.largestFn, len(body))
		t, ok := o.function(uint32(first + i))
		if !ok {
			c.Fail(errors.New("it has more functions than are declared"))
		}
		if c.Err() != nil || len(body) > maxFunction { // refused by its size
			return
		}
		e, err := w.function(t, body)
		o.tally.add(c, locals, e.locals)
		if err == nil {
			err = e.check()
			o.tally.add(c, work, e.work())
		}
		if err != nil {
			c.Fail(fmt.Errorf("function %d: %w", first+i, err))
		}
	})
}
