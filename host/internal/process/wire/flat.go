package wire

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// errBroken says that a flatbuffer points outside itself.
var errBroken = errors.New("its metadata is no flatbuffer of Arrow's: an offset or a length lies outside the message")

// flat is a flatbuffer with every access checked. Once one fails, all that
// follow give zeros.
type flat struct {
	b   []byte
	bad bool
}

// table is an object of a flatbuffer; a zero one has no fields.
type table struct {
	f      *flat
	at     int
	fields []byte // offset of each field from at, two bytes each; 0 is absent
}

// bytes gives n bytes at a place, or nil.
func (f *flat) bytes(at, n int) []byte {
	if f.bad || at < 0 || n < 0 || at > len(f.b) || n > len(f.b)-at {
		f.bad = true
		return nil
	}
	return f.b[at : at+n]
}

func (f *flat) u16(at int) int {
	if b := f.bytes(at, 2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (f *flat) u32(at int) int {
	if b := f.bytes(at, 4); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// follow gives the place that the offset at a place points to.
func (f *flat) follow(at int) int { return at + f.u32(at) }

func (f *flat) root() table { return f.table(f.follow(0)) }

func (f *flat) table(at int) table {
	b := f.bytes(at, 4)
	if b == nil {
		return table{f: f}
	}
	v := at - int(int32(binary.LittleEndian.Uint32(b)))
	fields := f.bytes(v, f.u16(v))
	if len(fields) < 4 {
		f.bad = true
		return table{f: f}
	}
	return table{f, at, fields[4:]}
}

// place of field i, or 0 when it is absent.
func (t table) place(i int) int {
	if len(t.fields) < 2*i+2 {
		return 0
	}
	if o := int(binary.LittleEndian.Uint16(t.fields[2*i:])); o != 0 {
		return t.at + o
	}
	return 0
}

func (t table) has(i int) bool { return t.place(i) != 0 }

// number gives an integer field of size bytes, sign extended.
func (t table) number(i, size int) int64 {
	at := t.place(i)
	if at == 0 {
		return 0
	}
	b := t.f.bytes(at, size)
	if b == nil {
		return 0
	}
	switch size {
	case 1:
		return int64(int8(b[0]))
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

func (t table) table(i int) table {
	if at := t.place(i); at != 0 {
		return t.f.table(t.f.follow(at))
	}
	return table{f: t.f}
}

// vector gives the elements of field i, each of size bytes.
func (t table) vector(i, size int) (elements []byte, n int) {
	at := t.place(i)
	if at == 0 {
		return nil, 0
	}
	at = t.f.follow(at)
	n = t.f.u32(at)
	if n > len(t.f.b)/size { // before n*size, which may be beyond an int
		t.f.bad = true
		return nil, 0
	}
	if b := t.f.bytes(at+4, n*size); b != nil {
		return b, n
	}
	return nil, 0
}

// tables gives the tables of a vector, one after the other, until it yields
// false.
func (t table) tables(i int, yield func(table) bool) {
	at := t.place(i)
	if at == 0 {
		return
	}
	at = t.f.follow(at)
	_, n := t.vector(i, 4)
	for k := range n {
		if t.f.bad || !yield(t.f.table(t.f.follow(at+4+4*k))) {
			return
		}
	}
}

// text gives a text of at most so many bytes; one that is longer is not copied,
// for many fields may share it.
func (t table) text(i, most int) (s string, fits bool) {
	b, n := t.vector(i, 1)
	if n > most {
		return "", false
	}
	if !utf8.Valid(b) {
		t.f.bad = true
		return "", true
	}
	return string(b), true
}
