package window

import (
	"math/big"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/builtins/window/exact"
)

// floats sums float64, or float32 widened exactly.
type floats[T float32 | float64] struct{ exact.Sum }

func (a *floats[T]) add(vals []T, valid []bool) (n int64) {
	for i, v := range vals {
		if valid[i] {
			a.Sum.Add(float64(v))
			n++
		}
	}
	return n
}

func (a *floats[T]) sub(vals []T, valid []bool) (n int64) {
	for i, v := range vals {
		if valid[i] {
			a.Sum.Sub(float64(v))
			n++
		}
	}
	return n
}

func (a *floats[T]) both(n int64) (float64, float64, overflow) {
	s, m := a.Both(n)
	return s, m, 0
}

// ints sums int64 or int32.
type ints[T int32 | int64] struct{ exact.IntSum }

func (a *ints[T]) add(vals []T, valid []bool) (n int64) {
	for i, v := range vals {
		if valid[i] {
			a.IntSum.Add(int64(v))
			n++
		}
	}
	return n
}

func (a *ints[T]) sub(vals []T, valid []bool) (n int64) {
	for i, v := range vals {
		if valid[i] {
			a.IntSum.Sub(int64(v))
			n++
		}
	}
	return n
}

func (a *ints[T]) both(n int64) (int64, float64, overflow) {
	v, ok := a.Int64()
	if !ok {
		return 0, a.Mean(n), sumOver
	}
	return v, a.Mean(n), 0
}

// decimals sums unscaled decimals. An average has four digits more.
type decimals struct{ exact.WideSum }

func (a *decimals) add(vals []decimal128.Num, valid []bool) (n int64) {
	for i, v := range vals {
		if valid[i] {
			a.WideSum.Add(v.HighBits(), v.LowBits())
			n++
		}
	}
	return n
}

func (a *decimals) sub(vals []decimal128.Num, valid []bool) (n int64) {
	for i, v := range vals {
		if valid[i] {
			a.WideSum.Sub(v.HighBits(), v.LowBits())
			n++
		}
	}
	return n
}

func (a *decimals) both(n int64) (sum, mean decimal128.Num, over overflow) {
	s := a.Big()
	m := exact.DivHalfAway(new(big.Int).Mul(s, big.NewInt(10_000)), n)
	if fitsDecimal(s) {
		sum = decimal128.FromBigInt(s)
	} else {
		over |= sumOver
	}
	if fitsDecimal(m) {
		mean = decimal128.FromBigInt(m)
	} else {
		over |= meanOver
	}
	return sum, mean, over
}

// fitsDecimal reports whether v has at most 38 digits.
func fitsDecimal(v *big.Int) bool {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)
	return v.CmpAbs(limit) < 0
}
