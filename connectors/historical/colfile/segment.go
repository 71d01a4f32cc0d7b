package colfile

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/parquet/schema"
)

// leastRun is how many rows are encoded when they are put aside; pages of
// fewer would be many.
const leastRun = 512

// form is how much of a column's encoding was done when it was put aside.
type form uint8

const (
	// formValues: nothing. Values lie as they did in memory.
	formValues form = iota
	// formDict: values are numbers of a dictionary of the segment. Pages of
	// the row group need one dictionary for all, so that they wait for it.
	formDict
	// formPages: all. The pages go into the row group as they are.
	formPages
)

// segment is a column of a run.
type segment struct {
	form          form
	levels, nulls int
	counts        [stores]int // values of each store, one after the other in data
	entries       int         // formDict: of the dictionary, which comes first
	numbers       int         // formDict: values, in 16 bits each, which come last
	pages         []page      // formPages
	data          []byte
}

// stores is the number of stores of a leaf: def, rep, v8, v32, v64, v128.
const stores = 6

// headBytes is the size of the head of a segment: its form and its counts.
const headBytes = 4 * (6 + stores)

// putAside fills c.out with a segment of the values of l. encoded false asks
// for plain values.
func (e *encoder) putAside(l *leaf, descr *schema.Column, c *chunk, wantDict, encoded bool) (tried, used bool) {
	c.reset()
	e.reset()
	e.take(l)
	seg := segment{levels: e.levels, nulls: e.nulls}
	c.out = append(c.out, make([]byte, headBytes)...)
	if wantDict && e.levels > e.nulls {
		tried, used = e.buildDict(l.kind, c)
	}
	switch {
	case used:
		seg.form, seg.entries, seg.numbers = formDict, c.dictEntries, len(e.idx)
		seg.counts = [stores]int{len(e.def), len(e.rep), len(c.dict)}
		c.out = append(append(append(append(c.out, c.dict...), e.def...), e.rep...), raw(e.idx)...)
	case encoded:
		seg.form = formPages
		e.appendPages(l, descr, c, false)
		for i := range c.pages {
			c.pages[i].from -= headBytes
			c.pages[i].to -= headBytes
		}
		seg.counts[0] = len(c.out) - headBytes
		seg.entries = len(c.pages)
		for i := range c.pages {
			c.out = c.pages[i].append(c.out)
		}
	default:
		seg.form = formValues
		seg.counts = [stores]int{len(e.def), len(e.rep), len(e.v8), len(e.v32), len(e.v64), len(e.v128)}
		c.out = append(append(append(c.out, e.def...), e.rep...), e.v8...)
		c.out = append(append(append(c.out, raw(e.v32)...), raw(e.v64)...), raw(e.v128)...)
	}
	head := c.out[:0]
	for _, v := range [...]int{len(c.out) - headBytes, int(seg.form), seg.levels, seg.nulls, seg.entries, seg.numbers} {
		head = binary.LittleEndian.AppendUint32(head, uint32(v))
	}
	for _, v := range seg.counts {
		head = binary.LittleEndian.AppendUint32(head, uint32(v))
	}
	return tried, used
}

// open reads a segment at the start of b, which holds what putAside made, and
// gives what follows it.
func (s *segment) open(b []byte) []byte {
	next := func() int {
		v := binary.LittleEndian.Uint32(b)
		b = b[4:]
		return int(v)
	}
	size := next()
	s.form, s.levels, s.nulls, s.entries, s.numbers = form(next()), next(), next(), next(), next()
	for i := range s.counts {
		s.counts[i] = next()
	}
	s.data = b[:size]
	if s.form == formPages {
		s.pages = make([]page, s.entries)
		table := s.data[s.counts[0]:]
		for i := range s.pages {
			table = s.pages[i].open(table)
		}
		s.data = s.data[:s.counts[0]]
	}
	return b[size:]
}

// append writes the page's line of the table that follows the pages.
func (p *page) append(dst []byte) []byte {
	flags := uint32(0)
	if p.span.ok {
		flags |= 1
	}
	if p.span.long {
		flags |= 2
	}
	for _, v := range [...]int{p.from, p.to, p.raw, p.levels, p.nulls, p.rows, int(flags), len(p.span.min), len(p.span.max)} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(v))
	}
	return append(append(dst, p.span.min...), p.span.max...)
}

func (p *page) open(b []byte) []byte {
	next := func() int {
		v := binary.LittleEndian.Uint32(b)
		b = b[4:]
		return int(v)
	}
	p.from, p.to, p.raw, p.levels, p.nulls, p.rows = next(), next(), next(), next(), next(), next()
	flags, lo, hi := next(), next(), next()
	// Copies: the bytes are overwritten by the next group, the footer's not.
	p.span = span{ok: flags&1 != 0, long: flags&2 != 0, min: slices.Clone(b[:lo]), max: slices.Clone(b[lo : lo+hi])}
	return b[lo+hi:]
}

// appendTo adds the segment's pages to a chunk.
func (s *segment) appendTo(c *chunk, descr *schema.Column) {
	at := len(c.out)
	c.out = append(c.out, s.data...)
	for _, p := range s.pages {
		p.from, p.to = p.from+at, p.to+at
		c.add(p, descr)
	}
}

// takePart adds the values of a segment that was not encoded to the end.
func (e *encoder) takePart(k kind, s *segment) {
	b := s.data
	dict := b
	if s.form == formDict {
		b = b[s.counts[2]:]
	}
	e.defined(s.levels, s.counts[0] > 0)
	e.levels, e.nulls = e.levels+s.levels, e.nulls+s.nulls
	e.def, b = appendRaw(e.def, b, s.counts[0])
	e.rep, b = appendRaw(e.rep, b, s.counts[1])
	if s.form == formDict {
		e.idx, _ = appendRaw(e.idx[:0], b, s.numbers)
		e.lookUp(k, dict, s.entries)
		return
	}
	e.v8, b = appendRaw(e.v8, b, s.counts[2])
	e.v32, b = appendRaw(e.v32, b, s.counts[3])
	e.v64, b = appendRaw(e.v64, b, s.counts[4])
	e.v128, _ = appendRaw(e.v128, b, s.counts[5])
}

// lookUp adds the values that e.idx numbers in a dictionary.
func (e *encoder) lookUp(k kind, dict []byte, entries int) {
	switch k {
	case kind32:
		e.dict32.entries, _ = appendRaw(e.dict32.entries[:0], dict, entries)
		e.v32 = slices.Grow(e.v32, len(e.idx))
		for _, i := range e.idx {
			e.v32 = append(e.v32, e.dict32.entries[i])
		}
	case kind64:
		e.dict64.entries, _ = appendRaw(e.dict64.entries[:0], dict, entries)
		e.v64 = slices.Grow(e.v64, len(e.idx))
		for _, i := range e.idx {
			e.v64 = append(e.v64, e.dict64.entries[i])
		}
	default: // texts: only those kinds have dictionaries
		spans := e.textDict.spans[:0]
		for at := uint32(0); len(spans) < entries; {
			n := binary.LittleEndian.Uint32(dict[at:])
			spans = append(spans, [2]uint32{at + 4, at + 4 + n})
			at += 4 + n
		}
		for _, i := range e.idx {
			s := spans[i]
			e.v32 = append(e.v32, s[1]-s[0])
			e.v8 = append(e.v8, dict[s[0]:s[1]]...)
		}
		e.textDict.spans = spans
	}
}

// appendRaw appends n values that lie at the start of b, and gives the rest.
func appendRaw[T value](dst []T, b []byte, n int) ([]T, []byte) {
	if n == 0 {
		return dst, b
	}
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	to := raw(dst[at:])
	copy(to, b)
	return dst, b[len(to):]
}
