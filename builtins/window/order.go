package window

import (
	"cmp"
	"math"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// less is the value order of S-305 for each type that newInput makes.

func lessOrdered[T cmp.Ordered](a, b T) bool { return a < b }

// lessFloat puts NaN above all and both zeros in one place.
func lessFloat[T float32 | float64](a, b T) bool { return a < b || a == a && b != b }

func lessBool(a, b bool) bool { return !a && b }

func lessDecimal(a, b decimal128.Num) bool { return a.Less(b) }

// positiveZero makes +0.0 of either zero.
func positiveZero[T float32 | float64](v T) T {
	if v == 0 {
		return 0
	}
	return v
}

// ranking turns values of type T into keys of type K, which compare as plain
// values in the order of S-305: equal values, such as both zeros or all NaN,
// have one key. A call takes many values, since it is one through a dictionary.
type ranking[T, K any] interface {
	searcher[K]
	// keys appends the keys of the values that are not null.
	keys(dst []K, vals []T, valid []bool) []K
	// value gives the value of a key: of equal ones +0.0 and the canonical NaN.
	value(k K) T
}

// byOrder searches keys that Go can order.
type byOrder[K cmp.Ordered] struct{}

func (byOrder[K]) search(keys []K, k K) (int, bool) {
	lo, hi := 0, len(keys)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if keys[mid] < k {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(keys) && keys[lo] == k
}

// ofInts ranks integers, dates and timestamps.
type ofInts[T int32 | int64] struct{ byOrder[int64] }

func (ofInts[T]) keys(dst []int64, vals []T, valid []bool) []int64 {
	for i, v := range vals {
		if valid[i] {
			dst = append(dst, int64(v))
		}
	}
	return dst
}

func (ofInts[T]) value(k int64) T { return T(k) }

// ofFloats ranks floats by their bits, those of a negative one turned over.
type ofFloats[T float32 | float64] struct{ byOrder[int64] }

func (ofFloats[T]) keys(dst []int64, vals []T, valid []bool) []int64 {
	for i, v := range vals {
		if valid[i] {
			dst = append(dst, floatKey(float64(v)))
		}
	}
	return dst
}

func (ofFloats[T]) value(k int64) T { return T(floatOf(k)) }

func floatKey(v float64) int64 {
	switch {
	case v == 0:
		return 0
	case v != v:
		return int64(canonicalNaN)
	}
	b := int64(math.Float64bits(v))
	return b ^ b>>63&math.MaxInt64
}

func floatOf(k int64) float64 { return math.Float64frombits(uint64(k ^ k>>63&math.MaxInt64)) }

// canonicalNaN is the one NaN of S-303.
const canonicalNaN = 0x7FF8_0000_0000_0000

// ofBools ranks booleans.
type ofBools struct{ byOrder[int64] }

func (ofBools) keys(dst []int64, vals, valid []bool) []int64 {
	for i, v := range vals {
		if valid[i] {
			dst = append(dst, int64(bit(v)))
		}
	}
	return dst
}

func (ofBools) value(k int64) bool { return k == 1 }

// ofTexts ranks strings and binaries.
type ofTexts struct{ byOrder[string] }

func (ofTexts) keys(dst, vals []string, valid []bool) []string {
	for i, v := range vals {
		if valid[i] {
			dst = append(dst, v)
		}
	}
	return dst
}

func (ofTexts) value(k string) string { return k }

// ofDecimals ranks decimals of one scale.
type ofDecimals struct{}

func (ofDecimals) search(keys []decimal128.Num, k decimal128.Num) (int, bool) {
	lo, hi := 0, len(keys)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if keys[mid].Less(k) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(keys) && keys[lo] == k
}

func (ofDecimals) keys(dst, vals []decimal128.Num, valid []bool) []decimal128.Num {
	for i, v := range vals {
		if valid[i] {
			dst = append(dst, v)
		}
	}
	return dst
}

func (ofDecimals) value(k decimal128.Num) decimal128.Num { return k }
