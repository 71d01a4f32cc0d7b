package abi

import "fmt"

// SectionName is the custom section that holds the manifest.
const SectionName = "featurehost.manifest"

// MaxManifest is the greatest size of a manifest in bytes.
const MaxManifest = 64 << 10

const header = "\x00asm\x01\x00\x00\x00"

// ReadSection gives the bytes of the manifest section of a core Wasm binary.
// It reads section headers only: nothing is compiled or run, and the answer
// shares the memory of wasm. Errors: FH-1001 when wasm is no core module or
// is cut short, FH-1005 when it holds no manifest, two, or too large a one.
func ReadSection(wasm []byte) ([]byte, error) {
	var found []byte
	n := 0
	err := sections(wasm, func(s section) error {
		if s.name == SectionName {
			found = s.content
			n++
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, &Error{Code: CodeManifest, Message: fmt.Sprintf("the module has no custom section %q", SectionName),
			Hint: "add the manifest with `featurehost plugin pack x.wasm manifest.json`"}
	case n > 1:
		return nil, &Error{Code: CodeManifest, Message: fmt.Sprintf("the module has %d custom sections %q, expected one", n, SectionName),
			Hint: "pack the module that the compiler made"}
	case len(found) > MaxManifest:
		return nil, tooLarge(len(found))
	}
	return found, nil
}

// Pack gives wasm with the manifest as its only manifest section, at the end.
// Sections that wasm already had under that name are left out; nothing else
// changes. The manifest's form is checked as by ParseManifest.
func Pack(wasm, manifest []byte) ([]byte, error) {
	if _, err := ParseManifest(manifest); err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(wasm)+len(manifest)+64)
	out = append(out, header...)
	err := sections(wasm, func(s section) error {
		if s.name != SectionName {
			out = append(out, s.whole...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	size := len(uleb(nil, len(SectionName))) + len(SectionName) + len(manifest)
	out = append(out, 0)
	out = uleb(out, size)
	out = uleb(out, len(SectionName))
	out = append(out, SectionName...)
	return append(out, manifest...), nil
}

func tooLarge(n int) error {
	return &Error{Code: CodeManifest, Message: fmt.Sprintf("the manifest has %d bytes, at most %d are allowed", n, MaxManifest)}
}

// section is one section of a module; name is empty unless it is a custom one.
type section struct {
	id             byte
	name           string
	content, whole []byte
}

// sections calls f for each section of a core module, in order.
func sections(wasm []byte, f func(section) error) error {
	if err := checkHeader(wasm); err != nil {
		return err
	}
	for at := len(header); at < len(wasm); {
		start := at
		id := wasm[at]
		size, n := readULEB(wasm[at+1:])
		at += 1 + n
		if n == 0 {
			return cutShort("the size of the section at byte %d cannot be read", start)
		}
		if uint64(size) > uint64(len(wasm)-at) {
			return cutShort("the section at byte %d says %d bytes, %d are left", start, size, len(wasm)-at)
		}
		s := section{id: id, content: wasm[at : at+int(size)], whole: wasm[start : at+int(size)]}
		if id == 0 {
			l, n := readULEB(s.content)
			if n == 0 || uint64(l) > uint64(len(s.content)-n) {
				return cutShort("the name of the custom section at byte %d does not fit in it", start)
			}
			s.name, s.content = string(s.content[n:n+int(l)]), s.content[n+int(l):]
		}
		at += int(size)
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

func checkHeader(wasm []byte) error {
	switch {
	case len(wasm) == 0:
		return &Error{Code: CodeNotCoreWasm, Message: "the file is empty, expected a core Wasm module"}
	case len(wasm) < len(header) && header[:len(wasm)] == string(wasm):
		return cutShort("only %d bytes of the 8-byte header are there", len(wasm))
	case len(wasm) < len(header) || string(wasm[:4]) != header[:4]:
		return &Error{Code: CodeNotCoreWasm, Message: fmt.Sprintf("the file begins with % x, a Wasm module begins with 00 61 73 6d", wasm[:min(4, len(wasm))]),
			Hint: "give the .wasm file itself, not an archive or a text form"}
	case string(wasm[4:8]) == "\x0d\x00\x01\x00":
		return &Error{Code: CodeNotCoreWasm, Message: "the file is a Component-Model binary (version word 0x0001000d), expected a core Wasm module (version word 1)",
			Hint: "build a core module: without wasm-tools component new, cargo component or a wasip2 target"}
	case string(wasm[4:8]) != header[4:]:
		return &Error{Code: CodeNotCoreWasm, Message: fmt.Sprintf("the version word is % x, a core Wasm module has 01 00 00 00", wasm[4:8])}
	}
	return nil
}

func cutShort(format string, args ...any) error {
	return &Error{Code: CodeNotCoreWasm, Message: "the module is cut short or damaged: " + fmt.Sprintf(format, args...),
		Hint: "copy or build the file again"}
}

// readULEB reads an unsigned 32-bit LEB128; n is the number of bytes, 0 when
// there is none.
func readULEB(b []byte) (v uint32, n int) {
	for i := 0; i < len(b) && i < 5; i++ {
		c := b[i]
		if i == 4 && c > 0x0f {
			return 0, 0
		}
		v |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

func uleb(b []byte, v int) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}
