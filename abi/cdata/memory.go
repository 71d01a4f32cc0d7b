package cdata

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/featurehost/featurehost/host/fault"
)

// guest is the guest's memory with every access checked. The what of a method
// says in an error what was looked for.
type guest []byte

// region gives the n bytes at ptr (V2), which must be aligned (V3).
func (g guest) region(ptr uint32, n uint64, align uint32, path, what string) ([]byte, error) {
	switch {
	case ptr == 0:
		return nil, fault.New(OutOfMemory, "%s: the address of %s is 0", column(path), what)
	case uint64(ptr)+n < n || uint64(ptr)+n > uint64(len(g)):
		return nil, fault.New(OutOfMemory, "%s: %s at address %d with %d bytes lies outside the memory of %d bytes", column(path), what, ptr, n, len(g))
	case ptr%align != 0:
		return nil, fault.New(Misaligned, "%s: %s at address %d, expected a multiple of %d", column(path), what, ptr, align)
	}
	return g[ptr : uint64(ptr)+n : uint64(ptr)+n], nil
}

// pointers gives a table of n pointers.
func (g guest) pointers(ptr uint32, n int, path, what string) (table, error) {
	if n == 0 {
		return nil, nil
	}
	b, err := g.region(ptr, uint64(n)*4, 4, path, what)
	return b, err
}

// table is a row of 32-bit pointers.
type table []byte

func (t table) at(i int) uint32 { return binary.LittleEndian.Uint32(t[4*i:]) }

// maxString is the most bytes of a format or a name, its NUL included.
const maxString = 256

// text gives the NUL-terminated string at ptr (V8).
func (g guest) text(ptr uint32, path, what string) (string, error) {
	if _, err := g.region(ptr, 1, 1, path, what); err != nil {
		return "", err
	}
	b := g[ptr:min(uint64(ptr)+maxString, uint64(len(g)))]
	end := bytes.IndexByte(b, 0)
	if end < 0 {
		return "", fault.New(BadString, "%s: %s at address %d has no NUL within %d bytes", column(path), what, ptr, len(b))
	}
	if !utf8.Valid(b[:end]) {
		return "", fault.New(BadString, "%s: %s at address %d is not UTF-8", column(path), what, ptr)
	}
	return string(b[:end]), nil
}

func u64(b []byte, at int) int64  { return int64(binary.LittleEndian.Uint64(b[at:])) }
func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }

func column(path string) string {
	if path == "" {
		return "the batch"
	}
	return fmt.Sprintf("column %q", path)
}
