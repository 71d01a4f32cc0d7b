package cdata

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

var update = flag.Bool("update", false, "rewrite the seed corpus under testdata")

func codeOf(n int) fault.Code { return fault.Code(n) }

func wantCode(t testing.TB, err error, code fault.Code) {
	t.Helper()
	switch {
	case code == 0 && err != nil:
		t.Errorf("got %v, want no error", err)
	case code != 0 && !fault.Is(err, code):
		t.Errorf("got %v, want %v", err, code)
	}
}

// image is guest memory that a test bends.
type image []byte

func (m image) set32(at, v uint32)       { binary.LittleEndian.PutUint32(m[at:], v) }
func (m image) set64(at uint32, v int64) { binary.LittleEndian.PutUint64(m[at:], uint64(v)) }
func (m image) get32(at uint32) uint32   { return binary.LittleEndian.Uint32(m[at:]) }
func (m image) buffer(s uint32, i int) uint32 {
	return m.get32(m.get32(s+abi.ArrayBuffers) + uint32(4*i))
}
func (m image) setBuffer(s uint32, i int, v uint32) {
	m.set32(m.get32(s+abi.ArrayBuffers)+uint32(4*i), v)
}

// array follows children from the root struct.
func (m image) array(path ...int) uint32 {
	at := uint32(base)
	for _, i := range path {
		at = m.get32(m.get32(at+abi.ArrayChildren) + uint32(4*i))
	}
	return at
}

// schema follows children from the root ArrowSchema.
func (m image) schema(path ...int) uint32 {
	at := uint32(base)
	for _, i := range path {
		at = m.get32(m.get32(at+abi.SchemaChildren) + uint32(4*i))
	}
	return at
}

// Columns of the schema that malformed batches have.
const (
	colInt = iota
	colText
	colList
	colStruct
	colDecimal
	colBool // non-nullable
	colWidth
	colBinary
	malformedRows = 10
)

// testSchema gives the schema of a fuzz input: number 0 is that of the
// malformed batches, 1 has many columns for aliasing, the rest one type each.
func testSchema(t testing.TB, number uint8) *arrow.Schema {
	field := func(name, typ string, nullable bool) arrow.Field {
		return arrow.Field{Name: name, Type: mustType(t, typ), Nullable: nullable}
	}
	switch number {
	case 0:
		return arrow.NewSchema([]arrow.Field{
			field("int", "int64", true), field("text", "utf8", true), field("list", "list<int32>", true),
			field("struct", "struct<x: float64, y: bool>", true), field("decimal", "decimal128(5,2)", true),
			field("bool", "bool", false), field("width", "fixed_size_binary[3]", true), field("binary", "binary", true),
		}, nil)
	case 1:
		var fields []arrow.Field
		for i := range 40 {
			fields = append(fields, field(fmt.Sprint("c", i), "int64", false))
		}
		return arrow.NewSchema(fields, nil)
	}
	types := everyType()
	return arrow.NewSchema([]arrow.Field{field("c", types[int(number-2)%len(types)], true)}, nil)
}

// goodImage exports malformedRows rows that are all well.
func goodImage(t testing.TB, number uint8) image {
	s := testSchema(t, number)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	r := newRand(11)
	for range malformedRows {
		for i, f := range s.Fields() {
			nulls := 0.0
			if f.Nullable {
				nulls = 0.3
			}
			fill(b.Field(i), r, nulls)
		}
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	mem, _, _ := written1(t, rec)
	return mem
}

// testLimits keep fuzzing small: at most 4 x 1000 + 6000 bytes are copied.
func testLimits() ImportLimits {
	return ImportLimits{Slack: 6000, PoolBytes: 1 << 20, CanonicalNaN: true}
}

const testInput = 1000

type malformed struct {
	name   string
	code   int // 0: this one is well-formed, though it may look odd
	schema uint8
	bend   func(m image) image
}

func malformedBatches() []malformed {
	set64 := func(name string, code int, v int64, at uint32, path ...int) malformed {
		return malformed{name, code, 0, func(m image) image { m.set64(m.array(path...)+at, v); return m }}
	}
	set32 := func(name string, code int, v, at uint32, path ...int) malformed {
		return malformed{name, code, 0, func(m image) image { m.set32(m.array(path...)+at, v); return m }}
	}
	buffer := func(name string, code, i int, v uint32, path ...int) malformed {
		return malformed{name, code, 0, func(m image) image { m.setBuffer(m.array(path...), i, v); return m }}
	}
	shift := func(name string, code, i int, by uint32, path ...int) malformed {
		return malformed{name, code, 0, func(m image) image {
			a := m.array(path...)
			m.setBuffer(a, i, m.buffer(a, i)+by)
			return m
		}}
	}
	bend := func(name string, code int, f func(m image)) malformed {
		return malformed{name, code, 0, func(m image) image { f(m); return m }}
	}
	cut := func(name string, code int, n int) malformed {
		return malformed{name, code, 0, func(m image) image { return m[:n] }}
	}
	const far = 0x7fff_fff8
	return []malformed{
		bend("good", 0, func(image) {}),
		// ABI-W-041 V2
		cut("no_memory", 4002, 0), cut("root_cut", 4002, base+56), cut("tables_cut", 4002, base+64),
		set32("buffers_table_far", 4002, far, abi.ArrayBuffers, colInt), set32("buffers_table_null", 4002, 0, abi.ArrayBuffers, colInt),
		set32("buffers_table_wraps", 4002, 0xffff_fffc, abi.ArrayBuffers, colInt),
		set32("children_table_far", 4002, far, abi.ArrayChildren), set32("children_table_null", 4002, 0, abi.ArrayChildren),
		set32("children_table_wraps", 4002, 0xffff_fffc, abi.ArrayChildren),
		bend("child_far", 4002, func(m image) { m.set32(m.get32(base+abi.ArrayChildren), far) }),
		bend("child_null", 4002, func(m image) { m.set32(m.get32(base+abi.ArrayChildren), 0) }),
		bend("child_wraps", 4002, func(m image) { m.set32(m.get32(base+abi.ArrayChildren), 0xffff_fff8) }),
		buffer("values_far", 4002, 1, far, colInt), buffer("values_null", 4002, 1, 0, colInt), buffer("values_wrap", 4002, 1, 0xffff_fff8, colInt),
		buffer("validity_far", 4002, 0, far, colInt), buffer("validity_wraps", 4002, 0, 0xffff_ffff, colInt),
		buffer("offsets_far", 4002, 1, far, colText), buffer("offsets_null", 4002, 1, 0, colText),
		buffer("bytes_far", 4002, 2, far, colText), buffer("bytes_null", 4002, 2, 0, colText),
		buffer("bits_far", 4002, 1, far, colBool), buffer("nested_values_far", 4002, 1, far, colStruct, 0),
		bend("values_end_one_past", 4002, func(m image) { m.setBuffer(m.array(colInt), 1, uint32(len(m)-72)) }),
		bend("validity_end_one_past", 4002, func(m image) { m.setBuffer(m.array(colInt), 0, uint32(len(m)-1)) }),
		bend("child_end_past", 4002, func(m image) { m.set32(m.get32(base+abi.ArrayChildren), uint32(len(m)-56)) }),
		bend("offset_leaves_memory", 4002, func(m image) {
			m.set64(m.array(colInt)+abi.ArrayOffset, math.MaxInt32-malformedRows)
			m.set64(m.array(colInt)+abi.ArrayNullCount, -1)
			m.setBuffer(m.array(colInt), 0, 0)
		}),
		// ABI-W-042 V3
		bend("child_misaligned", 4003, func(m image) { m.set32(m.get32(base+abi.ArrayChildren), m.array(0)+4) }),
		bend("buffers_table_misaligned", 4003, func(m image) { m.set32(base+abi.ArrayBuffers, m.get32(base+abi.ArrayBuffers)+2) }),
		bend("children_table_misaligned", 4003, func(m image) { m.set32(base+abi.ArrayChildren, m.get32(base+abi.ArrayChildren)+1) }),
		shift("values_misaligned", 4003, 1, 4, colInt), shift("offsets_misaligned", 4003, 1, 2, colText),
		shift("list_offsets_misaligned", 4003, 1, 1, colList), shift("decimal_misaligned", 4003, 1, 4, colDecimal),
		// ABI-W-043 V4
		set64("root_no_children", 4004, 0, abi.ArrayNChildren), set64("root_one_less", 4004, 7, abi.ArrayNChildren),
		set64("root_one_more", 4004, 9, abi.ArrayNChildren), set64("root_children_negative", 4004, -1, abi.ArrayNChildren),
		set64("root_children_huge", 4004, math.MaxInt64, abi.ArrayNChildren), set64("int_with_child", 4004, 1, abi.ArrayNChildren, colInt),
		set64("list_without_child", 4004, 0, abi.ArrayNChildren, colList), set64("struct_three_children", 4004, 3, abi.ArrayNChildren, colStruct),
		set32("dictionary", 4004, base, abi.ArrayDictionary, colText),
		bend("child_is_root", 4004, func(m image) { m.set32(m.get32(base+abi.ArrayChildren), base) }),
		// ABI-W-044 V5
		set64("root_length_negative", 4005, -1, abi.ArrayLength), set64("root_length_huge", 4005, math.MaxInt64, abi.ArrayLength),
		set64("root_one_row_more", 4005, malformedRows+1, abi.ArrayLength), set64("root_one_row_less", 4005, malformedRows-1, abi.ArrayLength),
		set64("root_offset_negative", 4005, -1, abi.ArrayOffset), set64("root_offset_passes_children", 4005, 1, abi.ArrayOffset),
		set64("length_and_offset_overflow", 4005, math.MaxInt64, abi.ArrayOffset, colInt), set64("length_and_offset_2g", 4005, math.MaxInt32, abi.ArrayOffset, colInt),
		set64("child_shorter", 4005, malformedRows-1, abi.ArrayLength, colInt), bend("nested_child_shorter", 4005, func(m image) {
			m.set64(m.array(colStruct, 1)+abi.ArrayLength, 3)
			m.set64(m.array(colStruct, 1)+abi.ArrayNullCount, -1)
		}),
		set64("child_length_smallest", 4005, math.MinInt64, abi.ArrayLength, colText), set64("list_child_negative", 4005, -5, abi.ArrayLength, colList, 0),
		// ABI-W-045 V6
		set64("int_three_buffers", 4006, 3, abi.ArrayNBuffers, colInt), set64("int_no_buffers", 4006, 0, abi.ArrayNBuffers, colInt),
		set64("text_two_buffers", 4006, 2, abi.ArrayNBuffers, colText), set64("struct_two_buffers", 4006, 2, abi.ArrayNBuffers, colStruct),
		set64("list_three_buffers", 4006, 3, abi.ArrayNBuffers, colList), set64("bool_one_buffer", 4006, 1, abi.ArrayNBuffers, colBool),
		set64("root_no_buffers", 4006, 0, abi.ArrayNBuffers), set64("buffers_negative", 4006, -1, abi.ArrayNBuffers, colBinary),
		// ABI-W-046 V7
		set64("null_count_below", 4007, -2, abi.ArrayNullCount, colInt), set64("null_count_above", 4007, malformedRows+1, abi.ArrayNullCount, colInt),
		set64("null_count_false", 4007, malformedRows, abi.ArrayNullCount, colText), set64("null_count_zero", 4007, 0, abi.ArrayNullCount, colInt),
		bend("null_count_above_longer_child", 4007, func(m image) {
			m.set64(m.array(colInt)+abi.ArrayLength, malformedRows+1)
			m.set64(m.array(colInt)+abi.ArrayNullCount, malformedRows+2)
		}),
		set64("null_count_unknown", 0, -1, abi.ArrayNullCount, colInt),
		buffer("nulls_without_validity", 4007, 0, 0, colInt),
		bend("null_in_non_nullable", 4007, func(m image) {
			m.setBuffer(m.array(colBool), 0, base) // length 10: not all bits are set
			m.set64(m.array(colBool)+abi.ArrayNullCount, -1)
		}),
		bend("null_rows", 4007, func(m image) {
			m.setBuffer(base, 0, base)
			m.set64(base+abi.ArrayNullCount, -1)
		}),
		// ABI-W-048 V9
		bend("first_offset_negative", 4009, func(m image) { m.set32(m.buffer(m.array(colText), 1), 0xffff_ffff) }),
		bend("offset_falls", 4009, func(m image) { m.set32(m.buffer(m.array(colText), 1)+16, 0) }),
		bend("last_offset_overlong", 4009, func(m image) { m.set32(m.buffer(m.array(colText), 1)+4*malformedRows, math.MaxInt32) }),
		bend("last_offset_past_memory", 4009, func(m image) { m.set32(m.buffer(m.array(colBinary), 1)+4*malformedRows, uint32(len(m))) }),
		bend("list_offset_falls", 4009, func(m image) { m.set32(m.buffer(m.array(colList), 1)+4*malformedRows, 0) }),
		bend("list_offset_past_items", 4009, func(m image) {
			at := m.buffer(m.array(colList), 1) + 4*malformedRows
			m.set32(at, m.get32(at)+1)
		}),
		bend("list_items_missing", 4009, func(m image) {
			m.set64(m.array(colList, 0)+abi.ArrayLength, 0)
			m.set64(m.array(colList, 0)+abi.ArrayNullCount, -1)
		}),
		// ABI-W-049 V10
		bend("text_broken", 4010, func(m image) { m[m.buffer(m.array(colText), 2)+firstByte(m)] = 0xff }),
		bend("text_character_cut", 4010, func(m image) {
			// Two values share the two bytes of one character.
			a := m.array(colText)
			at := m.buffer(a, 2)
			copy(m[at:], "é")
			m.setBuffer(a, 0, 0)
			m.set64(a+abi.ArrayNullCount, 0)
			o := m.buffer(a, 1)
			for i := range uint32(malformedRows + 1) {
				m.set32(o+4*i, min(i, 2))
			}
		}),
		// ABI-W-050 V11
		bend("decimal_overflow", 4011, func(m image) { m.decimal(100000, 0) }),
		bend("decimal_underflow", 4011, func(m image) { m.decimal(-100000, -1) }),
		bend("decimal_smallest", 4011, func(m image) { m.decimal(0, math.MinInt64) }),
		bend("decimal_low_word_0", 4011, func(m image) { m.decimal(0, -1) }),
		bend("decimal_high_word", 4011, func(m image) { m.decimal(0, 1) }),
		bend("decimal_at_bounds", 0, func(m image) { m.decimal(-99999, -1) }),
		// ABI-W-051 V12: one buffer behind all columns
		{"aliased", 4012, 1, func(m image) image {
			m = append(m, make([]byte, 1024)...)
			for i := range 40 {
				m.setBuffer(m.array(i), 1, m.buffer(m.array(0), 1))
				m.set64(m.array(i)+abi.ArrayLength, 64)
			}
			m.set64(base+abi.ArrayLength, 64)
			return m
		}},
		{"struct_reached_twice", 0, 1, func(m image) image {
			for i := range uint32(40) {
				m.set32(m.get32(base+abi.ArrayChildren)+4*i, m.array(0))
			}
			return m
		}},
	}
}

// decimal writes a value over all ten of the decimal column.
func (m image) decimal(low, high int64) {
	a := m.array(colDecimal)
	at := m.buffer(a, 1)
	for i := range uint32(malformedRows) {
		m.set64(at+16*i, low)
		m.set64(at+16*i+8, high)
	}
}

// firstByte is where the bytes of the first value that is not empty begin.
func firstByte(m image) uint32 {
	o := m.buffer(m.array(colText), 1)
	return m.get32(o)
}

func importImage(t testing.TB, number uint8, mem []byte, rows int64) error {
	im, err := NewImporter(testSchema(t, number), testLimits())
	if err != nil {
		t.Fatal(err)
	}
	start := budget(im.limits, testInput)
	rec, err := im.Import(mem, base, Want{Rows: rows, InputBytes: testInput})
	if im.left < 0 || start-im.left > 4*testInput+6000 {
		t.Errorf("%d bytes were copied", start-im.left)
	}
	if err != nil {
		if e := fault.As(err); e == nil || e.Code < 4002 || e.Code > 4012 {
			t.Errorf("error without a code of this room: %v", err)
		}
		if len(im.copies)+len(im.datas)+len(im.arrays) > 0 {
			t.Error("something is held after an error")
		}
		return err
	}
	for i, c := range rec.Columns() {
		if err := array.ValidateFull(c); err != nil {
			t.Errorf("column %d: %v", i, err)
		}
		if !rec.Schema().Field(i).Nullable && c.NullN() > 0 {
			t.Errorf("column %d: nulls in a non-nullable column", i)
		}
	}
	rec.Release()
	return nil
}

// ABI-W-041 to ABI-W-051: each defect gives the code of its check, and costs
// no more memory than the cap.
func TestImport_Malformed_CodeOfItsCheck(t *testing.T) {
	count := map[int]int{}
	for _, c := range malformedBatches() {
		t.Run(c.name, func(t *testing.T) {
			mem := c.bend(goodImage(t, c.schema))
			rows := int64(malformedRows)
			if c.name == "aliased" {
				rows = -1
			}
			wantCode(t, importImage(t, c.schema, mem, rows), codeOf(c.code))
			seed(t, "FuzzImport", c.name, fmt.Sprintf("byte(%q)\nint64(%d)\n[]byte(%s)\n", rune(c.schema), rows, strconv.Quote(string(mem))))
		})
		count[c.code]++
	}
	for _, code := range []int{4002, 4003, 4004, 4005, 4006, 4007, 4009, 4010, 4011, 4012} {
		if count[code] == 0 {
			t.Errorf("no malformed batch for %d", code)
		}
	}
}

// seed writes a seed of a fuzz target with -update, else holds it against the
// file.
func seed(t *testing.T, target, name, args string) {
	t.Helper()
	path := filepath.Join("testdata", "fuzz", target, name)
	text := "go test fuzz v1\n" + args
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != text {
		t.Errorf("%s does not hold this case, run the test with -update: %v", path, err)
	}
}

// ABI-W-042 V3 of the root itself, and an address of 0.
func TestImport_RootAddress_Checked(t *testing.T) {
	im, err := NewImporter(testSchema(t, 0), testLimits())
	if err != nil {
		t.Fatal(err)
	}
	mem := goodImage(t, 0)
	for ptr, code := range map[uint32]int{0: 4002, base + 4: 4003, 0xffff_fff8: 4002, uint32(len(mem)): 4002} {
		_, err := im.Import(mem, ptr, Want{Rows: -1})
		wantCode(t, err, codeOf(code))
	}
}

// ABI-W-044 V5 of the kind filter (ABI-M-011).
func TestCheckRows_Table(t *testing.T) {
	for _, c := range []struct {
		numbers []int32
		code    int
	}{{nil, 0}, {[]int32{0, 1, 4}, 0}, {[]int32{0, 0}, 4005}, {[]int32{2, 1}, 4005}, {[]int32{-1}, 4005}, {[]int32{5}, 4005}} {
		wantCode(t, CheckRows(c.numbers, 5), codeOf(c.code))
	}
}

// goodSchemaImage writes a schema of every shape.
func goodSchemaImage(t testing.TB) image {
	s := testSchema(t, 0)
	mem := make([]byte, base+SchemaSize(s))
	if _, err := WriteSchema(mem, base, s); err != nil {
		t.Fatal(err)
	}
	return mem
}

// schemaImage writes a schema of one column.
func schemaImage(typ arrow.DataType) image {
	s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: typ}}, nil)
	mem := make([]byte, base+SchemaSize(s))
	if _, err := WriteSchema(mem, base, s); err != nil {
		panic(err)
	}
	return mem
}

func deepList(lists int) arrow.DataType {
	typ := arrow.PrimitiveTypes.Int8
	for range lists {
		typ = arrow.ListOf(typ)
	}
	return typ
}

func malformedSchemas() []malformed {
	set64 := func(name string, code int, v int64, at uint32, path ...int) malformed {
		return malformed{name, code, 0, func(m image) image { m.set64(m.schema(path...)+at, v); return m }}
	}
	set32 := func(name string, code int, v, at uint32, path ...int) malformed {
		return malformed{name, code, 0, func(m image) image { m.set32(m.schema(path...)+at, v); return m }}
	}
	// text points a field at s, appended behind everything else.
	text := func(name string, code int, s string, at uint32, path ...int) malformed {
		return malformed{name, code, 0, func(m image) image {
			m.set32(m.schema(path...)+at, uint32(len(m)))
			return append(m, s...)
		}}
	}
	// many gives the root n children, all of them the same struct.
	many := func(name string, code int, n int, child func(m image) uint32) malformed {
		return malformed{name, code, 0, func(m image) image {
			table := uint32(len(m))
			c := child(m)
			for range n {
				m = binary.LittleEndian.AppendUint32(m, c)
			}
			m.set32(base+abi.SchemaChildren, table)
			m.set64(base+abi.SchemaNChildren, int64(n))
			return m
		}}
	}
	long := make([]byte, 300)
	for i := range long {
		long[i] = 'x'
	}
	return []malformed{
		text("good", 0, "p\x00", abi.SchemaName, colInt),
		{"no_memory", 4002, 0, func(m image) image { return m[:0] }},
		set32("format_null", 4002, 0, abi.SchemaFormat, colInt), set32("format_far", 4002, 0xffff_ffff, abi.SchemaFormat, colInt),
		set32("name_far", 4002, 0x7fff_ffff, abi.SchemaName, colInt), set32("children_far", 4002, 0xffff_fffc, abi.SchemaChildren),
		set32("children_null", 4002, 0, abi.SchemaChildren), set32("children_misaligned", 4003, base+2, abi.SchemaChildren),
		{"child_misaligned", 4003, 0, func(m image) image { m.set32(m.get32(base+abi.SchemaChildren), m.schema(0)+4); return m }},
		{"child_null", 4002, 0, func(m image) image { m.set32(m.get32(base+abi.SchemaChildren), 0); return m }},
		set64("children_negative", 4004, -1, abi.SchemaNChildren), set64("children_huge", 4004, math.MaxInt64, abi.SchemaNChildren),
		set64("list_two_children", 4004, 2, abi.SchemaNChildren, colList), set64("list_no_child", 4004, 0, abi.SchemaNChildren, colList),
		set64("int_with_child", 4004, 1, abi.SchemaNChildren, colInt),
		many("struct_in_itself", 4004, 1, func(image) uint32 { return base }),
		many("struct_in_itself_wide", 4004, 64, func(image) uint32 { return base }),
		many("columns_4097", 4004, 4097, func(m image) uint32 { return m.schema(0) }),
		many("columns_same_name", 2003, 2, func(m image) uint32 { return m.schema(0) }),
		text("name_unterminated", 4008, "abc", abi.SchemaName, colInt), text("name_long", 4008, string(long)+"\x00", abi.SchemaName, colInt),
		text("name_255", 0, string(long[:255])+"\x00", abi.SchemaName, colInt), text("name_256", 4008, string(long[:256])+"\x00", abi.SchemaName, colInt),
		text("name_not_utf8", 4008, "a\xff\x00", abi.SchemaName, colInt), text("format_not_utf8", 4008, "\xc3\x28\x00", abi.SchemaFormat, colInt),
		text("name_empty", 2003, "\x00", abi.SchemaName, colInt), set32("name_null", 2003, 0, abi.SchemaName, colInt),
		set32("item_name_null", 0, 0, abi.SchemaName, colList, 0),
		text("format_unknown", 2003, "U\x00", abi.SchemaFormat, colInt), text("format_empty", 2003, "\x00", abi.SchemaFormat, colInt),
		text("format_map", 4004, "+m\x00", abi.SchemaFormat, colStruct), text("format_decimal_39", 2003, "d:39,0\x00", abi.SchemaFormat, colInt),
		text("format_decimal_scale", 2003, "d:5,6\x00", abi.SchemaFormat, colInt), text("format_decimal_256", 2003, "d:5,2,256\x00", abi.SchemaFormat, colInt),
		text("format_width_0", 2003, "w:0\x00", abi.SchemaFormat, colInt), text("format_width_huge", 2003, "w:4294967297\x00", abi.SchemaFormat, colInt),
		text("format_time_unit", 2003, "tsx:UTC\x00", abi.SchemaFormat, colInt), text("format_cut", 2003, "ts\x00", abi.SchemaFormat, colInt),
		text("root_is_int", 4004, "l\x00", abi.SchemaFormat), set32("dictionary", 2003, base, abi.SchemaDictionary, colText),
		{"columns_over_cap_nested", 4004, 0, func(image) image {
			fields := make([]arrow.Field, 2100)
			for i := range fields {
				fields[i] = arrow.Field{Name: strconv.Itoa(i), Type: arrow.PrimitiveTypes.Int8}
			}
			m := schemaImage(arrow.StructOf(fields...))
			table := uint32(len(m))
			m = binary.LittleEndian.AppendUint32(m, m.schema(0))
			m = binary.LittleEndian.AppendUint32(m, m.schema(0))
			m.set32(base+abi.SchemaChildren, table)
			m.set64(base+abi.SchemaNChildren, 2)
			return m
		}},
		{"list_depth_8", 0, 0, func(image) image { return schemaImage(deepList(7)) }},
		{"list_depth_9", 4004, 0, func(image) image {
			m := schemaImage(deepList(7))
			in := m.schema(0, 0, 0, 0, 0, 0, 0, 0)
			out := m.schema(0, 0, 0, 0, 0, 0, 0)
			table := uint32(len(m))
			m = binary.LittleEndian.AppendUint32(m, in+0)
			m = append(m, 0, 0, 0, 0)
			// The innermost value becomes a list of itself's copy.
			leaf := uint32(len(m))
			m = append(m, m[in:in+abi.SchemaSize]...)
			m.set32(table, leaf)
			m.set32(in+abi.SchemaFormat, m.get32(out+abi.SchemaFormat))
			m.set32(in+abi.SchemaChildren, table)
			m.set64(in+abi.SchemaNChildren, 1)
			return m
		}},
		{"root_is_plain", 2003, 0, func(m image) image {
			m.set32(base+abi.SchemaFormat, m.get32(m.schema(colInt)+abi.SchemaFormat))
			m.set64(base+abi.SchemaNChildren, 0)
			return m
		}},
		{"fields_same_name", 2003, 0, func(m image) image {
			m.set32(m.schema(colStruct, 1)+abi.SchemaName, m.get32(m.schema(colStruct, 0)+abi.SchemaName))
			return m
		}},
	}
}

// ABI-W-041, ABI-W-042, ABI-W-043, ABI-W-047: a schema is checked like a batch.
func TestImportSchema_Malformed_CodeOfItsCheck(t *testing.T) {
	for _, c := range malformedSchemas() {
		t.Run(c.name, func(t *testing.T) {
			mem := c.bend(goodSchemaImage(t))
			_, err := ImportSchema(mem, base)
			wantCode(t, err, codeOf(c.code))
			seed(t, "FuzzImportSchema", c.name, fmt.Sprintf("[]byte(%s)\n", strconv.Quote(string(mem))))
		})
	}
}
