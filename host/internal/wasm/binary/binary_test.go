package binary

import (
	"errors"
	"strings"
	"testing"
)

// A number is read as an engine reads it: in no more bytes than its width takes,
// and without bits beyond it.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		read        func(c *Cursor) int64
		want        int64
		ok          bool
	}{
		{"u32", "\xe5\x8e\x26", func(c *Cursor) int64 { return int64(c.U32()) }, 624485, true},
		{"u32, the largest", "\xff\xff\xff\xff\x0f", func(c *Cursor) int64 { return int64(c.U32()) }, 1<<32 - 1, true},
		{"u32, longer than it needs", "\x81\x80\x80\x80\x00", func(c *Cursor) int64 { return int64(c.U32()) }, 1, true},
		{"u32, 33 bits", "\xff\xff\xff\xff\x1f", func(c *Cursor) int64 { return int64(c.U32()) }, 0, false},
		{"u32, 6 bytes", "\x80\x80\x80\x80\x80\x00", func(c *Cursor) int64 { return int64(c.U32()) }, 0, false},
		{"u32, cut", "\x80", func(c *Cursor) int64 { return int64(c.U32()) }, 0, false},
		{"u64", "\x80\x80\x80\x80\x10", func(c *Cursor) int64 { return int64(c.unsigned(64)) }, 1 << 32, true},
		{"u64, the largest", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", func(c *Cursor) int64 { return int64(c.unsigned(64)) }, -1, true},
		{"u64, 65 bits", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", func(c *Cursor) int64 { return int64(c.unsigned(64)) }, 0, false},
		{"s33", "\xc0\x00", func(c *Cursor) int64 { return c.s33() }, 64, true},
		{"s33, below 0", "\x7f", func(c *Cursor) int64 { return c.s33() }, -1, true},
		{"s33, 6 bytes", "\x80\x80\x80\x80\x80\x00", func(c *Cursor) int64 { return c.s33() }, 0, false},
		{"signed, 5 bytes", "\x80\x80\x80\x80\x78", func(c *Cursor) int64 { c.skipSigned(5); return 0 }, 0, true},
		{"signed, 6 bytes", "\x80\x80\x80\x80\x80\x7f", func(c *Cursor) int64 { c.skipSigned(5); return 0 }, 0, false},
	} {
		cur := NewCursor([]byte(c.bytes))
		if got := c.read(cur); got != c.want || (cur.Done() == nil) != c.ok {
			t.Errorf("%s: %d, %v", c.name, got, cur.Err())
		}
	}
}

// A count that lies is seen before anybody makes room for it, and the first
// mistake sticks.
func TestCursor_FirstMistakeSticks(t *testing.T) {
	c := NewCursor([]byte("\x03\x01\x02"))
	c.Each(func(int) { t.Error("an entry of a vector that is not there") })
	if c.Err() != errCut {
		t.Errorf("got %v", c.Err())
	}
	c.Fail(errLong)
	c.RefType()
	if c.Err() != errCut || c.Byte() != 0 || c.U32() != 0 || c.Name() != "" || c.Bytes(0) != nil || c.Count() != 0 || c.More() {
		t.Errorf("it goes on after %v", c.Err())
	}
}

func TestBlockType(t *testing.T) {
	for bytes, want := range map[string]struct {
		index int64
		gives int
		err   error
	}{
		"\x40": {-1, 0, nil}, "\x7f": {-1, 1, nil}, "\x6f": {-1, 1, nil}, "\x05": {5, 0, nil}, "\xc0\x00": {64, 0, nil},
		"\x41": {-1, 1, ErrFeature}, "\xff\x7f": {-1, 0, ErrFeature}, "": {-1, 0, errCut},
	} {
		c := NewCursor([]byte(bytes))
		if index, gives := c.BlockType(); index != want.index || gives != want.gives || !errors.Is(c.Done(), want.err) {
			t.Errorf("%x: %d, %d, %v", bytes, index, gives, c.Err())
		}
	}
}

// Limits of later versions are read to their end, and told.
func TestLimits(t *testing.T) {
	for bytes, c := range map[string]struct {
		want Limits
		says string
	}{
		"\x00\x02":                 {Limits{Min: 2}, ""},
		"\x01\x02\x03":             {Limits{1, 2, 3, true}, ""},
		"\x03\x02\x03":             {Limits{3, 2, 3, true}, "threads"},
		"\x04\x80\x80\x80\x80\x10": {Limits{Flags: 4, Min: 1 << 32}, "64-bit"},
		"\x08\x02":                 {Limits{Flags: 8, Min: 2}, "0x08"},
	} {
		cur := NewCursor([]byte(bytes))
		l := cur.Limits()
		err := l.Feature()
		if l != c.want || cur.Done() != nil || (err == nil) != (c.says == "") {
			t.Errorf("%x: %+v, %v, %v", bytes, l, cur.Err(), err)
		}
		if err != nil && (!errors.Is(err, ErrFeature) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%x: %v does not say %q", bytes, err, c.says)
		}
	}
}

// Every instruction of Wasm 2.0 is known, and no other. The numbers are those of
// its index of instructions.
func TestInstructions_AllOfWasm2(t *testing.T) {
	in := NewInstructions()
	for name, c := range map[string]struct {
		of   *[256]Follows
		want int
	}{"one byte": {&in.one, 183}, "0xFC": {&in.fc, 18}, "0xFD": {&in.fd, 236}} {
		known := 0
		for _, f := range c.of {
			if f != unknown && f != prefixed {
				known++
			}
		}
		if known != c.want {
			t.Errorf("%s: %d, want %d", name, known, c.want)
		}
	}
}

// What follows an instruction is passed over, to the byte; what could be read in
// two ways is refused.
func TestInstructions_Pass(t *testing.T) {
	in := NewInstructions()
	for _, c := range []struct {
		name, code string
		err        error
	}{
		{"nop", "\x01", nil},
		{"block", "\x02\x40", nil},
		{"br", "\x0c\x80\x01", nil},
		{"br_table", "\x0e\x02\x00\x01\x02", nil},
		{"call_indirect", "\x11\x80\x01\x00", nil},
		{"select of types", "\x1c\x02\x7f\x6f", nil},
		{"i32.load", "\x28\x02\x80\x01", nil},
		{"memory.grow", "\x40\x00", nil},
		{"i32.const", "\x41\x80\x80\x80\x80\x78", nil},
		{"i64.const", "\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", nil},
		{"f32.const", "\x43\x0b\x0b\x0b\x0b", nil},
		{"f64.const", "\x44\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", nil},
		{"ref.null", "\xd0\x6f", nil},
		{"memory.init", "\xfc\x08\x80\x01\x00", nil},
		{"memory.copy", "\xfc\x0a\x00\x00", nil},
		{"memory.fill, its number longer than it needs", "\xfc\x8b\x00\x00", nil},
		{"table.init", "\xfc\x0c\x80\x01\x80\x01", nil},
		{"v128.const", "\xfd\x0c" + strings.Repeat("\x0b", 16), nil},
		{"i8x16.extract_lane_s", "\xfd\x15\x0f", nil},
		{"v128.load8_lane", "\xfd\x54\x00\x80\x01\x0f", nil},
		{"i32x4.add", "\xfd\xae\x01", nil},

		{"a number that is free", "\x27", ErrFeature},
		{"return_call", "\x12\x00", ErrFeature},
		{"atomics", "\xfe\x03\x00", ErrFeature},
		{"0xFC 18", "\xfc\x12\x00", ErrFeature},
		{"a gap in 0xFD", "\xfd\x9a\x01", ErrFeature},
		{"relaxed SIMD", "\xfd\x80\x02", ErrFeature},
		{"0xFD, its number longer than it needs", "\xfd\x8c\x00" + strings.Repeat("\x0b", 16), ErrFeature},
		{"memory.grow of another memory", "\x40\x01", ErrFeature},
		{"memory.copy between memories", "\xfc\x0a\x00\x01", ErrFeature},
		{"a load from another memory", "\x28\x42\x01\x00", ErrFeature},
		{"ref.null of a heap type", "\xd0\x6e", ErrFeature},
		{"a type with an index", "\x1c\x01\x64\x00", ErrFeature},
		{"a cut constant", "\x43\x00\x00\x00", errCut},
		{"a cut table", "\x0e\x02\x00\x01", errCut},
		{"a number of 6 bytes", "\x41\x80\x80\x80\x80\x80\x00", errNumber},
	} {
		cur := NewCursor([]byte(c.code))
		i := in.Next(cur)
		cur.Pass(i.Follows)
		if err := cur.Done(); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
}

// A constant expression ends at its end, and tells what it names.
func TestConstant(t *testing.T) {
	in := NewInstructions()
	for code, want := range map[string]string{
		"\x41\x0b\x0b": "", "\x23\x05\x0b": "g5", "\xd2\x07\x0b": "f7", "\x23\x01\x23\x02\x6a\x0b": "g1g2",
		"\x41\x00": "!", "\x20\x00\x0b": "!", "\x02\x40\x0b\x0b": "!", "\x10\x00\x0b": "!", "\x41\x00\x04\x7f\x0b\x0b": "!", "\x12\x0b": "!",
	} {
		c, got := NewCursor([]byte(code)), ""
		in.Constant(c, func(what Follows, index uint32) {
			got += map[Follows]string{Function: "f", Global: "g"}[what] + string(rune('0'+index))
		})
		if c.Done() != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%x: %s, want %s, %v", code, got, want, c.Err())
		}
	}
}

func TestSegment(t *testing.T) {
	in := NewInstructions()
	for head, expressions := range map[string]bool{
		"\x00\x41\x00\x0b": false, "\x01\x00": false, "\x02\x01\x41\x00\x0b\x00": false, "\x03\x00": false,
		"\x04\x41\x00\x0b": true, "\x05\x70": true, "\x06\x01\x41\x00\x0b\x6f": true, "\x07\x70": true,
	} {
		c := NewCursor([]byte(head + "\x02ab"))
		if n, e := in.Segment(c, nil); n != 2 || e != expressions || c.At() != len(head)+1 || c.Err() != nil {
			t.Errorf("%x: %d, %t, %v at %d", head, n, e, c.Err(), c.At())
		}
	}
	for _, bad := range []string{"\x08\x00\x00", "\x01\x01\x00", "\x05\x6e\x00"} {
		c := NewCursor([]byte(bad))
		if in.Segment(c, nil); !errors.Is(c.Err(), ErrFeature) {
			t.Errorf("%x: %v", bad, c.Err())
		}
	}
}
