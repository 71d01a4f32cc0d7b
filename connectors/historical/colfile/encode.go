package colfile

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/klauspost/compress/s2"
)

// pageRows is the least number of rows of a full page: as many numbers as fill
// snappy's window of 64 KiB, and few enough for a reader that looks up one key.
const pageRows = 8192

// chunk is an encoded column of a row group.
type chunk struct {
	dict        []byte // PLAIN, not compressed; valid when dictEntries > 0
	dictEntries int
	encoding    parquet.Encoding
	out         []byte // compressed pages, one after the other
	pages       []page
	span        span
	levels      int
	nulls       int
	rows        int
}

// reset empties the chunk.
func (c *chunk) reset() {
	*c = chunk{dict: c.dict[:0], encoding: parquet.Encodings.Plain, out: c.out[:0], pages: c.pages[:0]}
}

// page is one data page in the out bytes of its chunk.
type page struct {
	from, to int // in out
	raw      int // bytes before compression
	levels   int
	nulls    int
	rows     int
	span     span
}

// add counts a page whose bytes are at the end of out.
func (c *chunk) add(p page, descr *schema.Column) {
	c.pages = append(c.pages, p)
	c.levels, c.nulls, c.rows = c.levels+p.levels, c.nulls+p.nulls, c.rows+p.rows
	c.span = c.span.join(p.span, descr)
}

// encoder turns buffered columns into chunks. Each worker has one; it keeps
// its scratch space.
type encoder struct {
	levels    int // of the values below
	nulls     int
	def, rep  []uint8 // no def: all valid
	v8        []uint8
	v32       []uint32
	v64       []uint64
	v128      []int128
	idx       []uint16
	body      []byte
	dict32    dict[uint32]
	dict64    dict[uint64]
	textDict  textDict
	textBytes uint32 // place of the next text of the chunk
}

// reset forgets the values.
func (e *encoder) reset() {
	e.levels, e.nulls = 0, 0
	e.def, e.rep, e.v8, e.v32, e.v64, e.v128 = e.def[:0], e.rep[:0], e.v8[:0], e.v32[:0], e.v64[:0], e.v128[:0]
}

// defined says that n levels are about to be added to those of the values,
// stored ones or, when all are valid, none. Levels are stored for all values
// or for none.
func (e *encoder) defined(n int, stored bool) {
	if stored && len(e.def) == 0 {
		e.def = appendTimes(e.def, 1, e.levels)
	}
	if !stored && len(e.def) > 0 {
		e.def = appendTimes(e.def, 1, n)
	}
}

// take adds the values of a buffered column.
func (e *encoder) take(l *leaf) {
	e.defined(l.levels, l.def.n > 0)
	e.levels, e.nulls = e.levels+l.levels, e.nulls+l.nulls
	e.def, e.rep = l.def.flatten(e.def), l.rep.flatten(e.rep)
	e.v8, e.v32, e.v64, e.v128 = l.v8.flatten(e.v8), l.v32.flatten(e.v32), l.v64.flatten(e.v64), l.v128.flatten(e.v128)
}

// refusals counts, for a column of the table, how often a dictionary did not
// pay. A column that refused often is no longer asked (all files of a table
// hold the same kind of values).
type refusals struct{ n, paid int }

func (r refusals) hopeless() bool { return r.n >= 3 && r.n > 4*r.paid }

// encode fills c with the values of a column: those of parts, in their order,
// then those of l. tried reports whether a dictionary was asked for, used
// whether it paid.
func (e *encoder) encode(l *leaf, parts []segment, descr *schema.Column, c *chunk, wantDict bool) (tried, used bool) {
	c.reset()
	e.reset()
	for i := range parts {
		if p := &parts[i]; p.form == formPages {
			// Pages are final, so values before and after them become pages too.
			e.appendPages(l, descr, c, false)
			e.reset()
			p.appendTo(c, descr)
			wantDict = false
		} else {
			e.takePart(l.kind, p)
		}
	}
	e.take(l)
	if wantDict && e.levels > e.nulls {
		tried, used = e.buildDict(l.kind, c)
	}
	e.appendPages(l, descr, c, used)
	return tried, used
}

// appendPages adds the values to c as pages, as numbers of its dictionary or
// PLAIN.
func (e *encoder) appendPages(l *leaf, descr *schema.Column, c *chunk, dict bool) {
	e.textBytes = 0
	width := 0
	if dict {
		c.encoding, width = parquet.Encodings.RLEDict, max(1, widthOf(c.dictEntries-1))
	}
	value := 0
	for from := 0; from < e.levels; {
		to := e.pageEnd(l, from)
		rows, values := to-from, to-from
		if l.list {
			rows = count(e.rep[from:to], 0)
		}
		if len(e.def) > 0 {
			values = count(e.def[from:to], l.maxDef)
		}
		e.body = e.body[:0]
		if l.list {
			e.body = appendLevels(e.body, e.rep[from:to], 1)
		}
		if len(e.def) > 0 {
			e.body = appendLevels(e.body, e.def[from:to], widthOf(int(l.maxDef)))
		} else {
			e.body = appendFull(e.body, to-from)
		}
		s := e.appendValues(l.kind, descr, value, value+values, width)
		at := len(c.out)
		c.out = appendSnappy(c.out, e.body)
		c.add(page{from: at, to: len(c.out), raw: len(e.body), levels: to - from, nulls: to - from - values, rows: rows, span: s}, descr)
		from, value = to, value+values
	}
}

// pageEnd is where the page that starts at level from ends: at a row's start.
func (e *encoder) pageEnd(l *leaf, from int) int {
	to := min(from+pageRows, e.levels)
	if l.list {
		for to < e.levels && e.rep[to] != 0 {
			to++
		}
	}
	return to
}

// buildDict numbers the chunk's values into e.idx, if that pays.
func (e *encoder) buildDict(k kind, c *chunk) (tried, used bool) {
	e.idx = e.idx[:0]
	switch k {
	case kind32:
		if e.idx, used = e.dict32.encode(e.idx, e.v32, 4); used {
			c.dict, c.dictEntries = append(c.dict, raw(e.dict32.entries)...), len(e.dict32.entries)
		}
	case kind64:
		if e.idx, used = e.dict64.encode(e.idx, e.v64, 8); used {
			c.dict, c.dictEntries = append(c.dict, raw(e.dict64.entries)...), len(e.dict64.entries)
		}
	case kindBytes:
		if e.idx, used = e.textDict.encode(e.idx, e.v32, e.v8); used {
			for _, s := range e.textDict.spans {
				c.dict = appendText(c.dict, e.v8[s[0]:s[1]])
			}
			c.dictEntries = len(e.textDict.spans)
		}
	default:
		return false, false
	}
	return true, used
}

// appendValues adds values [from, to) of the chunk to the page body and gives
// their span.
func (e *encoder) appendValues(k kind, descr *schema.Column, from, to, dictWidth int) span {
	if dictWidth > 0 {
		e.body = append(e.body, byte(dictWidth))
		e.body = appendHybrid(e.body, e.idx[from:to], dictWidth)
	}
	plain := dictWidth == 0
	switch k {
	case kind32:
		v := e.v32[from:to]
		if plain {
			e.body = append(e.body, raw(v)...)
		}
		return span32(v, descr.PhysicalType())
	case kind64:
		v := e.v64[from:to]
		if plain {
			e.body = append(e.body, raw(v)...)
		}
		return span64(v, descr.PhysicalType())
	case kind128:
		v := e.v128[from:to]
		for _, x := range v {
			e.body = appendDecimal(e.body, x, descr.TypeLength())
		}
		return span128(v, descr.TypeLength())
	case kindBool:
		v := e.v8[from:to]
		e.body = appendBits(e.body, v)
		return spanBool(v)
	default:
		lens := e.v32[from:to]
		start, pos := e.textBytes, e.textBytes
		for _, n := range lens {
			if plain {
				e.body = appendText(e.body, e.v8[pos:pos+n])
			}
			pos += n
		}
		e.textBytes = pos
		return spanBytes(lens, e.v8[start:pos])
	}
}

// appendLevels appends definition or repetition levels as V1 pages hold them:
// their length, then the hybrid.
func appendLevels(dst []byte, levels []uint8, width int) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendHybrid(dst, levels, width)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// appendFull appends the definition levels of n rows without a null: one run.
func appendFull(dst []byte, n int) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.AppendUvarint(dst, uint64(n)<<1)
	dst = append(dst, 1)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// appendText appends a text as PLAIN holds it.
func appendText(dst, text []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...)
}

// appendBits appends booleans, eight to a byte.
func appendBits(dst []byte, v []uint8) []byte {
	for i := 0; i < len(v); i += 8 {
		var b byte
		for j, x := range v[i:min(i+8, len(v))] {
			b |= x << j
		}
		dst = append(dst, b)
	}
	return dst
}

// appendSnappy appends body, compressed.
func appendSnappy(dst, body []byte) []byte {
	at, most := len(dst), s2.MaxEncodedLen(len(body))
	for cap(dst)-at < most {
		dst = append(dst[:cap(dst)], 0)
	}
	return dst[:at+len(s2.EncodeSnappy(dst[at:at+most], body))]
}

// appendTimes appends v n times.
func appendTimes(dst []uint8, v uint8, n int) []uint8 {
	dst = slices.Grow(dst, n)
	for range n {
		dst = append(dst, v)
	}
	return dst
}

func count(levels []uint8, want uint8) int {
	n := 0
	for _, v := range levels {
		if v == want {
			n++
		}
	}
	return n
}
