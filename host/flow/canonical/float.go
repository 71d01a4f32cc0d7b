package canonical

import "math"

// Float64Bits maps a double to a number whose unsigned order is the canonical
// one: -inf, negative, -0.0, +0.0, positive, +inf, NaN.
func Float64Bits(f float64) uint64 {
	b := math.Float64bits(f)
	if f != f {
		b = 0x7FF8_0000_0000_0000
	}
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// Float32Bits is Float64Bits for floats.
func Float32Bits(f float32) uint32 {
	b := math.Float32bits(f)
	if f != f {
		b = 0x7FC0_0000
	}
	if b>>31 != 0 {
		return ^b
	}
	return b | 1<<31
}

// float16Bits is Float64Bits for the bits of a half float.
func float16Bits(b uint16) uint16 {
	if b&0x7FFF > 0x7C00 {
		b = 0x7E00
	}
	if b>>15 != 0 {
		return ^b
	}
	return b | 1<<15
}
