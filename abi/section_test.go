package abi

import (
	"bytes"
	"strings"
	"testing"
)

// custom makes a custom section.
func custom(name, content string) string {
	body := string(uleb(nil, len(name))) + name + content
	return "\x00" + string(uleb(nil, len(body))) + body
}

const typeSection = "\x01\x04\x01\x60\x00\x00"

// ABI-M-001, ABI-M-002, ABI-W-001: where the manifest is found, and what is
// refused without looking further.
func TestReadSection_Table(t *testing.T) {
	manifest := custom(SectionName, "{}")
	for _, c := range []struct {
		name, wasm string
		code       int
		text       string // of the error, or the manifest
	}{
		{"alone", header + manifest, 0, "{}"},
		{"last", header + typeSection + custom("name", "x") + manifest, 0, "{}"},
		{"first", header + manifest + typeSection, 0, "{}"},
		{"long_size", header + "\x00\x97\x80\x80\x80\x00" + manifest[2:], 0, "{}"},
		{"empty_content", header + custom(SectionName, ""), 0, ""},
		{"none", header + typeSection, 1005, "no custom section"},
		{"near_name", header + custom(SectionName+"s", "{}"), 1005, "no custom section"},
		{"two", header + manifest + typeSection + manifest, 1005, "2 custom sections"},
		{"huge", header + custom(SectionName, strings.Repeat(" ", MaxManifest+1)), 1005, "65537 bytes"},
		{"empty", "", 1001, "empty"},
		{"header_cut", header[:6], 1001, "cut short"},
		{"text", "(module)", 1001, "begins with"},
		{"short_text", "ab", 1001, "begins with"},
		{"component", "\x00asm\x0d\x00\x01\x00" + manifest, 1001, "Component-Model"},
		{"version_2", "\x00asm\x02\x00\x00\x00", 1001, "version word"},
		{"section_cut", (header + manifest)[:len(header)+10], 1001, "are left"},
		{"section_cut_by_one", (header + typeSection)[:len(header+typeSection)-1], 1001, "3 are left"},
		{"size_over_32_bits", header + "\x01\x80\x80\x80\x80\x10", 1001, "cannot be read"},
		{"size_missing", header + "\x00", 1001, "cannot be read"},
		{"size_endless", header + "\x00\xff\xff\xff\xff\xff\x01", 1001, "cannot be read"},
		{"size_wraps", header + "\x01\xff\xff\xff\xff\x0f", 1001, "4294967295 bytes"},
		{"name_overlong", header + "\x00\x02\x05a", 1001, "does not fit"},
		{"name_missing", header + "\x00\x00", 1001, "does not fit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadSection([]byte(c.wasm))
			if c.code == 0 && err == nil && string(got) != c.text {
				t.Errorf("got %q, want %q", got, c.text)
			}
			wantError(t, err, c.code, c.text)
			if c.name != "huge" {
				seed(t, "FuzzReadSection", c.name, []byte(c.wasm))
			}
		})
	}
}

// ABI-M-002: pack appends, or replaces, and leaves all else as it was.
func TestPack_AppendsOrReplaces(t *testing.T) {
	other := typeSection + custom("name", "x")
	want := header + other + custom(SectionName, goodManifest)
	for _, wasm := range []string{header + other, want, header + typeSection + custom(SectionName, "old") + custom("name", "x") + custom(SectionName, "{}")} {
		got, err := Pack([]byte(wasm), []byte(goodManifest))
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v", got, err)
		}
	}
	got, err := ReadSection([]byte(want))
	if err != nil || string(got) != goodManifest {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = Pack([]byte(header), []byte("{}"))
	wantError(t, err, CodeManifest, "abi: is missing")
	_, err = Pack([]byte("(module)"), []byte(goodManifest))
	wantError(t, err, CodeNotCoreWasm, "begins with")
	_, err = Pack([]byte(header+"\x01\x7f"), []byte(goodManifest))
	wantError(t, err, CodeNotCoreWasm, "are left")
}

// FuzzReadSection: any bytes give a section of the file or an error with a
// code; what was packed is read back.
func FuzzReadSection(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadSection(b)
		if c := CodeOf(err); err != nil && c != CodeNotCoreWasm && c != CodeManifest {
			t.Fatalf("error without a code: %v", err)
		}
		if err == nil && !bytes.Contains(b, s) {
			t.Fatal("the section is not in the file")
		}
		packed, err := Pack(b, []byte(goodManifest))
		if err != nil {
			return
		}
		if s, err := ReadSection(packed); err != nil || string(s) != goodManifest {
			t.Fatalf("packed, but read back as %q, %v", s, err)
		}
	})
}
