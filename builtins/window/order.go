package window

import (
	"cmp"

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
