package cdata

import (
	"encoding/binary"
	"math/bits"
)

// copyBits copies n bits of src, from bit number from on, to the start of dst.
// Bits of dst's last byte beyond n become 0. src must hold the bits.
func copyBits(dst, src []byte, from, n int) {
	size := (n + 7) / 8
	if size == 0 {
		return
	}
	src, shift := src[from/8:], uint(from%8)
	if shift == 0 {
		copy(dst[:size], src[:size])
	} else {
		shiftBits(dst[:size], src[:(int(shift)+n+7)/8], shift)
	}
	if tail := n % 8; tail != 0 {
		dst[size-1] &= 1<<tail - 1
	}
}

// shiftBits fills dst with the bits of src from bit shift (1 to 7) on; bits
// that src does not have read as 0.
func shiftBits(dst, src []byte, shift uint) {
	i := 0
	for ; i+9 <= len(src) && i+8 <= len(dst); i += 8 {
		w := binary.LittleEndian.Uint64(src[i:])>>shift | uint64(src[i+8])<<(64-shift)
		binary.LittleEndian.PutUint64(dst[i:], w)
	}
	for ; i < len(dst); i++ {
		b := src[i] >> shift
		if i+1 < len(src) {
			b |= src[i+1] << (8 - shift)
		}
		dst[i] = b
	}
}

// countBits counts the bits that are set among the first n of b.
func countBits(b []byte, n int) int {
	count, i := 0, 0
	for ; i+64 <= n; i += 64 {
		count += bits.OnesCount64(binary.LittleEndian.Uint64(b[i/8:]))
	}
	for ; i < n; i += 8 {
		v := b[i/8]
		if n-i < 8 {
			v &= 1<<(n-i) - 1
		}
		count += bits.OnesCount8(v)
	}
	return count
}

// eachNull calls f for each of the first n bits of validity that is not set.
func eachNull(validity []byte, n int, f func(i int)) {
	for i := 0; i < n; i += 64 {
		nulls := ^word(validity[i/8:])
		if n-i < 64 {
			nulls &= 1<<(n-i) - 1
		}
		for ; nulls != 0; nulls &= nulls - 1 {
			f(i + bits.TrailingZeros64(nulls))
		}
	}
}

// word reads up to 8 bytes of b; those it does not have read as 0.
func word(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)
	}
	w := uint64(0)
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}
