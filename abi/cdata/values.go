package cdata

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/fault"
)

// fixed copies values of a fixed width, zeroes those of null slots, and checks
// decimals (V11).
func (im *Importer) fixed(h header, n *node, validity *memory.Buffer, nulls int, start, count int64) (*memory.Buffer, error) {
	width := int64(n.width)
	var src []byte
	if all := uint64(h.offset+h.length) * uint64(width); all > 0 {
		var err error
		if src, err = im.source(h, 1, all, n.align, n.path, "the values"); err != nil {
			return nil, err
		}
	}
	buf, err := im.room(count*width, n.path)
	if err != nil {
		return nil, err
	}
	b := buf.Bytes()
	if count > 0 {
		copy(b, src[start*width:(start+count)*width])
	}
	if nulls > 0 {
		zeroNulls(b, n.width, validity.Bytes(), int(count))
	}
	if n.decimal != nil {
		if i := firstBeyond(b, n.decimal); i >= 0 {
			return nil, fault.New(BadDecimal, "%s: value %d has more digits than %s", column(n.path), i, n.typ)
		}
	}
	if n.float && im.limits.CanonicalNaN {
		canonicalNaN(b, n.width)
	}
	return buf, nil
}

func zeroNulls(b []byte, width int, validity []byte, count int) {
	if width == 8 {
		v := arrow.Uint64Traits.CastFromBytes(b)
		eachNull(validity, count, func(i int) { v[i] = 0 })
		return
	}
	eachNull(validity, count, func(i int) { clear(b[i*width : (i+1)*width]) })
}

// firstBeyond gives the index of the first decimal in b whose absolute value
// is above limit, or -1.
func firstBeyond(b []byte, limit *[2]uint64) int {
	for i := 0; i+16 <= len(b); i += 16 {
		low, high := binary.LittleEndian.Uint64(b[i:]), binary.LittleEndian.Uint64(b[i+8:])
		if int64(high) < 0 {
			low, high = -low, ^high
			if low == 0 {
				high++
			}
		}
		if high > limit[1] || high == limit[1] && low > limit[0] {
			return i / 16
		}
	}
	return -1
}

// canonicalNaN gives every NaN the bits of the quiet one without payload. A
// NaN is what lies above infinity once the sign is gone, so the difference of
// the two goes below 0; eight values are tested at a time, for NaNs are rare.
func canonicalNaN(b []byte, width int) {
	if width == 8 {
		v := arrow.Int64Traits.CastFromBytes(b)
		for ; len(v) >= 8; v = v[8:] {
			const m, inf = math.MaxInt64, 0x7ff0_0000_0000_0000
			if (inf-v[0]&m)|(inf-v[1]&m)|(inf-v[2]&m)|(inf-v[3]&m)|(inf-v[4]&m)|(inf-v[5]&m)|(inf-v[6]&m)|(inf-v[7]&m) < 0 {
				canonicalNaN64(v[:8])
			}
		}
		canonicalNaN64(v)
		return
	}
	v := arrow.Int32Traits.CastFromBytes(b)
	for i, x := range v {
		if x&math.MaxInt32 > 0x7f80_0000 {
			v[i] = 0x7fc0_0000
		}
	}
}

func canonicalNaN64(v []int64) {
	for i, x := range v {
		if x&math.MaxInt64 > 0x7ff0_0000_0000_0000 {
			v[i] = 0x7ff8_0000_0000_0000
		}
	}
}

// offsets copies count+1 offsets from slot start on, checks the copy (V9) and
// makes it begin at 0; first and last are the offsets as the guest wrote them.
func (im *Importer) offsets(h header, n *node, start, count int64) (buf *memory.Buffer, first, last int64, err error) {
	var src []byte
	// An empty array may come without an offsets buffer.
	if all := h.offset + h.length; all > 0 {
		if src, err = im.source(h, 1, uint64(all+1)*4, 4, n.path, "the offsets"); err != nil {
			return nil, 0, 0, err
		}
	}
	if buf, err = im.room((count+1)*4, n.path); err != nil {
		return nil, 0, 0, err
	}
	b := buf.Bytes()
	if count == 0 {
		clear(b) // which offset an empty slice begins at says nothing
		return buf, 0, 0, nil
	}
	copy(b, src[start*4:(start+count+1)*4])
	o := arrow.Int32Traits.CastFromBytes(b)
	begin, prev := o[0], o[0]
	if begin < 0 {
		return nil, 0, 0, fault.New(BadOffsets, "%s: the first offset is %d", column(n.path), begin)
	}
	for i, v := range o {
		if v < prev {
			return nil, 0, 0, fault.New(BadOffsets, "%s: offset %d falls from %d to %d", column(n.path), i, prev, v)
		}
		prev = v
		o[i] = v - begin
	}
	return buf, int64(begin), int64(prev), nil
}

// text copies offsets and bytes of a utf8 or binary array, zeroes the bytes of
// null slots and checks that text is UTF-8 (V10).
func (im *Importer) text(h header, n *node, validity *memory.Buffer, nulls int, start, count int64) (offsets, bytes *memory.Buffer, err error) {
	offsets, first, last, err := im.offsets(h, n, start, count)
	if err != nil {
		return nil, nil, err
	}
	var src []byte
	if last > first {
		if src, err = im.chars(h, n, first, last); err != nil {
			return nil, nil, err
		}
	}
	if bytes, err = im.room(last-first, n.path); err != nil {
		return nil, nil, err
	}
	b := bytes.Bytes()
	copy(b, src)
	o := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	if nulls > 0 {
		eachNull(validity.Bytes(), int(count), func(i int) { clear(b[o[i]:o[i+1]]) })
	}
	if n.utf8 {
		if i := firstBroken(b, o); i >= 0 {
			return nil, nil, fault.New(BadUTF8, "%s: value %d is not UTF-8", column(n.path), i)
		}
	}
	return offsets, bytes, nil
}

// chars gives the bytes of a utf8 or binary array between two offsets.
func (im *Importer) chars(h header, n *node, first, last int64) ([]byte, error) {
	if im.parts != nil {
		b := h.parts[2]
		if last > int64(len(b)) {
			return nil, fault.New(BadOffsets, "%s: the last offset is %d, the bytes are %d", column(n.path), last, len(b))
		}
		return b[first:last], nil
	}
	data := h.buffers[2]
	if _, err := im.mem.region(data, 0, 1, n.path, "the bytes"); err != nil {
		return nil, err
	}
	if uint64(data)+uint64(last) > uint64(len(im.mem)) {
		return nil, fault.New(BadOffsets, "%s: the last offset is %d, the memory ends %d bytes after the data begins", column(n.path), last, uint64(len(im.mem))-uint64(data))
	}
	return im.mem[uint64(data)+uint64(first) : uint64(data)+uint64(last)], nil
}

// firstBroken gives the index of the first value that is not UTF-8, or -1. The
// bytes are checked as a whole, then only that no value ends inside a
// character.
func firstBroken(b []byte, offsets []int32) int {
	if ascii(b) {
		return -1
	}
	whole := utf8.Valid(b)
	for i := 0; i+1 < len(offsets); i++ {
		from, to := offsets[i], offsets[i+1]
		if from == to {
			continue
		}
		if !whole && !utf8.Valid(b[from:to]) || whole && int(to) < len(b) && !utf8.RuneStart(b[to]) {
			return i
		}
	}
	return -1
}

func ascii(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&0x8080_8080_8080_8080 != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// CheckRows holds the row numbers of a filter (column fh_rows, without nulls)
// against the number of input rows: strictly ascending, from 0, below rows.
// The error is FH-4005.
func CheckRows(numbers []int32, rows int64) error {
	prev := int32(-1)
	for i, r := range numbers {
		if r <= prev || int64(r) >= rows {
			return fault.New(BadLength, "column \"fh_rows\": entry %d is %d after %d, expected ascending numbers from 0 to %d", i, r, prev, rows-1)
		}
		prev = r
	}
	return nil
}

// CheckTake holds the row numbers of a keyed plugin (column fh_rows, without
// nulls) against the number of input rows: from 0, below rows, in any order. The
// error is FH-4005.
func CheckTake(numbers []int32, rows int64) error {
	for i, r := range numbers {
		if r < 0 || int64(r) >= rows {
			return fault.New(BadLength, "column \"fh_rows\": entry %d is %d, expected a number from 0 to %d", i, r, rows-1)
		}
	}
	return nil
}
