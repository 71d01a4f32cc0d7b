package colfile

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/klauspost/compress/s2"
)

// pageRows is the least number of rows of a full page: enough for snappy's
// window, few enough for a reader that looks up one key.
const pageRows = 16384

// chunk is an encoded column of a row group.
type chunk struct {
	dict        []byte // PLAIN, not compressed; valid when dictEntries > 0
	dictEntries int
	encoding    parquet.Encoding
	out         []byte // compressed pages, one after the other
	pages       []page
	stats       metadata.EncodedStatistics
	levels      int
}

// page is one data page in the out bytes of its chunk.
type page struct {
	from, to int // in out
	raw      int // bytes before compression
	levels   int
	firstRow int64
	stats    metadata.EncodedStatistics
}

// encoder turns buffered columns into chunks. Each worker has one; it keeps
// its scratch space.
type encoder struct {
	def, rep  []uint8
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

// refusals counts, for a column of the table, how often a dictionary did not
// pay. A column that refused often is no longer asked (all files of a table
// hold the same kind of values).
type refusals struct{ n, paid int }

func (r refusals) hopeless() bool { return r.n >= 3 && r.n > 4*r.paid }

// encode fills c from l. tried reports whether a dictionary was asked for,
// used whether it paid.
func (e *encoder) encode(l *leaf, descr *schema.Column, c *chunk, wantDict bool) (tried, used bool) {
	c.out, c.pages, c.dict, c.dictEntries, c.levels = c.out[:0], c.pages[:0], c.dict[:0], 0, l.levels
	c.encoding = parquet.Encodings.Plain
	e.def, e.rep = l.def.flatten(e.def[:0]), l.rep.flatten(e.rep[:0])
	e.v8, e.v32, e.v64, e.v128 = l.v8.flatten(e.v8[:0]), l.v32.flatten(e.v32[:0]), l.v64.flatten(e.v64[:0]), l.v128.flatten(e.v128[:0])
	e.idx, e.textBytes = e.idx[:0], 0

	if wantDict && l.levels > l.nulls {
		tried, used = e.buildDict(l.kind, c)
	}
	width := 0
	if used {
		c.encoding, width = parquet.Encodings.RLEDict, max(1, widthOf(c.dictEntries-1))
	}
	var all span
	row, value := int64(0), 0
	for from := 0; from < l.levels; {
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
		c.pages = append(c.pages, page{from: at, to: len(c.out), raw: len(e.body), levels: to - from, firstRow: row,
			stats: s.encoded(descr, to-from-values, values)})
		all = all.join(s, descr)
		from, row, value = to, row+int64(rows), value+values
	}
	c.stats = all.encoded(descr, l.nulls, l.levels-l.nulls)
	return tried, used
}

// pageEnd is where the page that starts at level from ends: at a row's start.
func (e *encoder) pageEnd(l *leaf, from int) int {
	to := min(from+pageRows, l.levels)
	if l.list {
		for to < l.levels && e.rep[to] != 0 {
			to++
		}
	}
	return to
}

// buildDict numbers the chunk's values into e.idx, if that pays.
func (e *encoder) buildDict(k kind, c *chunk) (tried, used bool) {
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

// join widens s by t.
func (s span) join(t span, descr *schema.Column) span {
	if !t.ok {
		return s
	}
	if !s.ok {
		return t
	}
	if lessEncoded(t.min, s.min, descr) {
		s.min = t.min
	}
	if lessEncoded(s.max, t.max, descr) {
		s.max = t.max
	}
	return s
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

func count(levels []uint8, want uint8) int {
	n := 0
	for _, v := range levels {
		if v == want {
			n++
		}
	}
	return n
}
