package colfile

import (
	"bytes"
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// maxStatBytes is the longest text that is kept as a least or greatest value.
const maxStatBytes = 256

// span is the least and the greatest value of a page or a chunk, encoded as
// PLAIN. ok is false when there is none: no values, or nothing but NaN. long
// says that they are not known because a text is too long: a chunk with such a
// page has none either.
type span struct {
	min, max []byte
	ok, long bool
}

// join widens s by t.
func (s span) join(t span, descr *schema.Column) span {
	if s.long || t.long {
		return span{long: true}
	}
	if !t.ok {
		return s
	}
	if !s.ok {
		return t
	}
	if lessEncoded(t.min, s.min, descr) {
		s.min = t.min
	}
	if lessEncoded(s.max, t.max, descr) {
		s.max = t.max
	}
	return s
}

// ordered gives the span of values by their natural order.
func ordered[T int32 | int64](values []T) (lo, hi T) {
	lo, hi = values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// floats gives the span of numbers, NaN left out. Zeros are widened to both
// signs, as the format asks.
func floats[T float32 | float64](values []T) (lo, hi T, ok bool) {
	lo, hi = T(math.Inf(1)), T(math.Inf(-1))
	for _, v := range values {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	if lo > hi { // only NaN, since a number would have set both
		return 0, 0, false
	}
	if lo == 0 {
		lo = T(math.Copysign(0, -1))
	}
	if hi == 0 {
		hi = 0
	}
	return lo, hi, true
}

func span32(values []uint32, t parquet.Type) span {
	if len(values) == 0 {
		return span{}
	}
	if t == parquet.Types.Float {
		lo, hi, ok := floats(as[float32](values))
		return span{min: le32(math.Float32bits(lo)), max: le32(math.Float32bits(hi)), ok: ok}
	}
	lo, hi := ordered(as[int32](values))
	return span{min: le32(uint32(lo)), max: le32(uint32(hi)), ok: true}
}

func span64(values []uint64, t parquet.Type) span {
	if len(values) == 0 {
		return span{}
	}
	if t == parquet.Types.Double {
		lo, hi, ok := floats(as[float64](values))
		return span{min: le64(math.Float64bits(lo)), max: le64(math.Float64bits(hi)), ok: ok}
	}
	lo, hi := ordered(as[int64](values))
	return span{min: le64(uint64(lo)), max: le64(uint64(hi)), ok: true}
}

func spanBool(values []uint8) span {
	if len(values) == 0 {
		return span{}
	}
	lo, hi := values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return span{min: []byte{lo}, max: []byte{hi}, ok: true}
}

func span128(values []int128, width int) span {
	if len(values) == 0 {
		return span{}
	}
	less := func(a, b int128) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }
	lo, hi := values[0], values[0]
	for _, v := range values {
		if less(v, lo) {
			lo = v
		}
		if less(hi, v) {
			hi = v
		}
	}
	return span{min: appendDecimal(nil, lo, width), max: appendDecimal(nil, hi, width), ok: true}
}

func spanBytes(lens []uint32, data []byte) span {
	var lo, hi []byte
	pos := uint32(0)
	for i, n := range lens {
		v := data[pos : pos+n]
		pos += n
		if i == 0 {
			lo, hi = v, v
			continue
		}
		if bytes.Compare(v, lo) < 0 {
			lo = v
		}
		if bytes.Compare(v, hi) > 0 {
			hi = v
		}
	}
	// A cut text would lie about what is in the page: leave long ones out.
	switch {
	case len(lens) == 0:
		return span{}
	case len(lo) > maxStatBytes || len(hi) > maxStatBytes:
		return span{long: true}
	}
	return span{min: bytes.Clone(lo), max: bytes.Clone(hi), ok: true}
}

// encoded gives the statistics of a page or chunk.
func (s span) encoded(descr *schema.Column, nulls, values int) metadata.EncodedStatistics {
	e := metadata.EncodedStatistics{
		HasNullCount: true, NullCount: int64(nulls), AllNullValue: values == 0,
		Signed: descr.SortOrder() == schema.SortSIGNED,
	}
	if s.ok {
		e.SetMin(s.min)
		e.SetMax(s.max)
	}
	return e
}

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(make([]byte, 0, 4), v) }
func le64(v uint64) []byte { return binary.LittleEndian.AppendUint64(make([]byte, 0, 8), v) }

// as sees values as another type of the same size.
func as[T, F any](values []F) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(values))), len(values))
}

// raw sees values as bytes.
func raw[T any](values []T) []byte {
	var v T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(v)))
}

// appendDecimal appends the low width bytes of v, most significant first.
func appendDecimal(dst []byte, v int128, width int) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(v.hi))
	binary.BigEndian.PutUint64(b[8:], v.lo)
	return append(dst, b[16-width:]...)
}
