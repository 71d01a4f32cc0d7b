package colfile

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// maxDict is the greatest number of entries: indices fit 16 bits.
const maxDict = 1 << 16

// sampleRows is when a dictionary is first asked whether it pays, and how
// often after that.
const sampleRows = 4096

// dict numbers distinct values in the order of their first appearance.
type dict[T uint32 | uint64] struct {
	entries []T
	table   []uint32 // hash slot -> entry + 1
	shift   uint     // 64 - log2(len(table))
}

func (d *dict[T]) reset() {
	d.entries = d.entries[:0]
	if len(d.table) == 0 {
		d.resize(12)
		return
	}
	clear(d.table)
}

func (d *dict[T]) resize(log uint) {
	d.table, d.shift = make([]uint32, 1<<log), 64-log
	for i, e := range d.entries {
		at := hash(uint64(e)) >> d.shift
		for d.table[at] != 0 {
			at = (at + 1) & uint64(len(d.table)-1)
		}
		d.table[at] = uint32(i + 1)
	}
}

func hash(v uint64) uint64 { return (v ^ v>>32) * 0x9E3779B97F4A7C15 }

// encode appends the number of each value to idx; ok is false when the
// dictionary does not pay: width is the size of a value in bytes.
func (d *dict[T]) encode(idx []uint16, values []T, width int) (_ []uint16, ok bool) {
	d.reset()
	var last T
	var lastIdx uint16
	for done := 0; done < len(values); {
		chunk := values[done:min(done+sampleRows, len(values))]
		for i, v := range chunk {
			if v == last && done+i > 0 {
				idx = append(idx, lastIdx)
				continue
			}
			at := hash(uint64(v)) >> d.shift
			for {
				e := d.table[at]
				if e == 0 {
					if len(d.entries) == maxDict {
						return idx, false
					}
					d.entries = append(d.entries, v)
					lastIdx = uint16(len(d.entries) - 1)
					d.table[at] = uint32(len(d.entries))
					if 2*len(d.entries) > len(d.table) {
						d.resize(64 - d.shift + 2)
					}
					break
				}
				if d.entries[e-1] == v {
					lastIdx = uint16(e - 1)
					break
				}
				at = (at + 1) & uint64(len(d.table)-1)
			}
			last = v
			idx = append(idx, lastIdx)
		}
		done += len(chunk)
		if !pays(len(d.entries), done, len(d.entries)*width, done*width) {
			return idx, false
		}
	}
	return idx, true
}

// pays weighs a dictionary against plain values. Snappy halves plain values
// that repeat, so the dictionary must beat half their size.
func pays(entries, values, dictBytes, plainBytes int) bool {
	return dictBytes+values*widthOf(max(entries-1, 1))/8 < plainBytes/2
}

// textDict is dict for texts and bytes.
type textDict struct {
	spans   [][2]uint32 // entry -> from, to in the data
	table   []uint32
	hashes  []uint64
	ordered int // bytes of the entries
}

// encode numbers the values that lens and data hold one after the other.
func (d *textDict) encode(idx []uint16, lens []uint32, data []byte) (_ []uint16, ok bool) {
	d.spans, d.hashes, d.ordered = d.spans[:0], d.hashes[:0], 0
	if len(d.table) == 0 {
		d.table = make([]uint32, 1<<12)
	}
	clear(d.table)
	pos := uint32(0)
	for i, n := range lens {
		v := data[pos : pos+n]
		h := xxh3.Hash(v)
		mask := uint64(len(d.table) - 1)
		at := h & mask
		for {
			e := d.table[at]
			if e == 0 {
				if len(d.spans) == maxDict {
					return idx, false
				}
				d.spans = append(d.spans, [2]uint32{pos, pos + n})
				d.hashes = append(d.hashes, h)
				d.ordered += int(n) + 4
				d.table[at] = uint32(len(d.spans))
				idx = append(idx, uint16(len(d.spans)-1))
				if 2*len(d.spans) > len(d.table) {
					d.grow()
				}
				break
			}
			if s := d.spans[e-1]; d.hashes[e-1] == h && bytes.Equal(data[s[0]:s[1]], v) {
				idx = append(idx, uint16(e-1))
				break
			}
			at = (at + 1) & mask
		}
		pos += n
		if done := i + 1; done%sampleRows == 0 || done == len(lens) {
			if !pays(len(d.spans), done, d.ordered, int(pos)+4*done) {
				return idx, false
			}
		}
	}
	return idx, true
}

func (d *textDict) grow() {
	d.table = make([]uint32, 4*len(d.table))
	mask := uint64(len(d.table) - 1)
	for i, h := range d.hashes {
		at := h & mask
		for d.table[at] != 0 {
			at = (at + 1) & mask
		}
		d.table[at] = uint32(i + 1)
	}
}
