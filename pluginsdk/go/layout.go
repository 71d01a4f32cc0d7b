package sdk

import "unsafe"

// The two structs of the C Data Interface in a 32-bit memory. Pointers are
// uint32 here because Go's own are 64 bits wide even in Wasm.
type cArray struct {
	length, nullCount, offset, nBuffers, nChildren       int64
	buffers, children, dictionary, release, private, pad uint32
}

type cSchema struct {
	format, name, metadata, pad            uint32
	flags, nChildren                       int64
	children, dictionary, release, private uint32
}

// The sizes that the ABI gives them; a difference stops the build.
var (
	_ [64 - unsafe.Sizeof(cArray{})]byte
	_ [unsafe.Sizeof(cArray{}) - 64]byte
	_ [48 - unsafe.Sizeof(cSchema{})]byte
	_ [unsafe.Sizeof(cSchema{}) - 48]byte
	_ [52 - unsafe.Offsetof(cArray{}.release)]byte
	_ [unsafe.Offsetof(cArray{}.release) - 52]byte
	_ [40 - unsafe.Offsetof(cSchema{}.release)]byte
	_ [unsafe.Offsetof(cSchema{}.release) - 40]byte
)

const (
	abiVersion   = 1 << 16 // 1.0
	statusEnd    = -1      // of fh_flush: nothing is left
	flagNullable = 2
	alignment    = 64
)
