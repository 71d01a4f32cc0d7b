package colfile

import (
	"encoding/binary"
	"math/bits"
)

// appendHybrid appends values of the given bit width in Parquet's hybrid of
// runs and bit-packed groups of eight. Runs shorter than eight are packed.
func appendHybrid[T uint8 | uint16](dst []byte, values []T, width int) []byte {
	literal := -1 // place of the header of the open group sequence
	groups := 0
	closeLiteral := func() {
		if literal >= 0 {
			// Room was left for a header of one byte: at most 63 groups.
			dst[literal] = byte(groups<<1 | 1)
			literal, groups = -1, 0
		}
	}
	for len(values) > 0 {
		run := 1
		for first := values[0]; run < len(values) && values[run] == first; {
			run++
		}
		if run >= 8 || run == len(values) {
			closeLiteral()
			dst = binary.AppendUvarint(dst, uint64(run)<<1)
			v := uint(values[0])
			for w := width; w > 0; w -= 8 {
				dst = append(dst, byte(v))
				v >>= 8
			}
			values = values[run:]
			continue
		}
		if literal < 0 {
			literal = len(dst)
			dst = append(dst, 0)
		}
		var eight [8]T
		n := copy(eight[:], values)
		dst = pack8(dst, &eight, uint(width))
		values = values[n:]
		if groups++; groups == 63 {
			closeLiteral()
		}
	}
	closeLiteral()
	return dst
}

// pack8 appends eight values of up to 16 bits: width bytes, lowest bit first.
func pack8[T uint8 | uint16](dst []byte, v *[8]T, width uint) []byte {
	if width <= 8 {
		word := uint64(v[0]) | uint64(v[1])<<width | uint64(v[2])<<(2*width) | uint64(v[3])<<(3*width) |
			uint64(v[4])<<(4*width) | uint64(v[5])<<(5*width) | uint64(v[6])<<(6*width) | uint64(v[7])<<(7*width)
		dst = binary.LittleEndian.AppendUint64(dst, word)
		return dst[:len(dst)-8+int(width)]
	}
	// Four values fill up to 64 bits each; the second half starts at bit 4*width.
	a := uint64(v[0]) | uint64(v[1])<<width | uint64(v[2])<<(2*width) | uint64(v[3])<<(3*width)
	b := uint64(v[4]) | uint64(v[5])<<width | uint64(v[6])<<(2*width) | uint64(v[7])<<(3*width)
	shift := 4 * width
	lo, hi := a, b
	if shift < 64 {
		lo, hi = a|b<<shift, b>>(64-shift)
	}
	dst = binary.LittleEndian.AppendUint64(dst, lo)
	dst = binary.LittleEndian.AppendUint64(dst, hi)
	return dst[:len(dst)-16+int(width)]
}

// widthOf is the number of bits that hold 0..most.
func widthOf(most int) int { return bits.Len(uint(most)) }
