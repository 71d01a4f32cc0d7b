package jsontext

import (
	"math"
	"strconv"
)

// AppendFloat writes a number of 32 or 64 bits with the fewest digits that read
// back; what JSON lacks is the text NaN, Infinity or -Infinity.
// Rule: S-409.
func AppendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case f != f:
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}
