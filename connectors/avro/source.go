package avro

import (
	"slices"
	"unicode/utf8"

	hamba "github.com/hamba/avro/v2"
)

// take gives the bytes of a value, which may be those of the row.
type take func(*cursor) []byte

// bytesOf takes values that are bytes in some way; nil for other types.
func bytesOf(w hamba.Schema) take {
	switch x := w.(type) {
	case *hamba.FixedSchema:
		return func(cur *cursor) []byte { return cur.take(x.Size()) }
	case *hamba.PrimitiveSchema:
		if x.Type() == hamba.Bytes || x.Type() == hamba.String {
			return (*cursor).bytes
		}
	}
	return nil
}

// characters takes values that are text in some way; nil for other types. Of an
// enum, a symbol that the reader's has no longer becomes the reader's default;
// where it has none, the symbol stays.
func characters(r, w hamba.Schema) take {
	if e, ok := w.(*hamba.EnumSchema); ok {
		known, _ := r.(*hamba.EnumSchema)
		symbols := make([][]byte, len(e.Symbols()))
		for i, s := range e.Symbols() {
			if known != nil && known.HasDefault() && !slices.Contains(known.Symbols(), s) {
				s = known.Default()
			}
			symbols[i] = []byte(s)
		}
		return func(cur *cursor) []byte {
			if n := cur.number(len(symbols), noSymbol); n >= 0 {
				return symbols[n]
			}
			return nil
		}
	}
	if w.Type() != hamba.String && w.Type() != hamba.Bytes {
		return nil
	}
	return characterBytes
}

func characterBytes(cur *cursor) []byte {
	b := cur.bytes()
	if !utf8.Valid(b) {
		cur.fail("a text is not UTF-8")
		return nil
	}
	return b
}

// inMillis reports whether times written as w are in milliseconds. A plain
// number counts in the unit of the reader's type, as one that was named a time
// later.
func inMillis(r, w hamba.Schema) bool {
	unit := logical(w)
	if !isInstant(unit) {
		unit = logical(r)
	}
	return unit == hamba.TimestampMillis || unit == hamba.LocalTimestampMillis
}

func isInstant(l hamba.LogicalType) bool {
	switch l {
	case hamba.TimestampMillis, hamba.TimestampMicros, hamba.LocalTimestampMillis, hamba.LocalTimestampMicros:
		return true
	}
	return false
}

// integers takes whole numbers; w is int or long.
func integers(w hamba.Schema) func(*cursor) int64 {
	if w.Type() == hamba.Int {
		return func(cur *cursor) int64 { return int64(cur.int()) }
	}
	return (*cursor).long
}

// numbers takes numbers of any kind, rounded to so many bits.
func numbers(w hamba.Schema, bits int) func(*cursor) float64 {
	switch w.Type() {
	case hamba.Float:
		return func(cur *cursor) float64 { return float64(cur.float()) }
	case hamba.Double:
		return (*cursor).double
	}
	whole := integers(w)
	if bits == 32 {
		return func(cur *cursor) float64 { return float64(float32(whole(cur))) }
	}
	return func(cur *cursor) float64 { return float64(whole(cur)) }
}
