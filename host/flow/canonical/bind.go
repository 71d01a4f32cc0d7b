package canonical

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Bind is Compare with the arrays fixed: it looks at types and validity once,
// and the function it gives compares row i of a with row j of b. The function
// borrows both arrays. a and b may be one array.
func Bind(a, b arrow.Array) func(i, j int) int {
	present := bindPresent(a, b)
	if a.NullN() == 0 && b.NullN() == 0 {
		return present
	}
	return func(i, j int) int {
		an, bn := a.IsNull(i), b.IsNull(j)
		switch {
		case an && bn:
			return 0
		case an:
			return -1
		case bn:
			return 1
		}
		return present(i, j)
	}
}

func bindPresent(a, b arrow.Array) func(i, j int) int {
	switch x := a.(type) {
	case *array.Int32:
		return ordered(x.Int32Values(), b.(*array.Int32).Int32Values())
	case *array.Int64:
		return ordered(x.Int64Values(), b.(*array.Int64).Int64Values())
	case *array.Date32:
		return ordered(x.Date32Values(), b.(*array.Date32).Date32Values())
	case *array.Timestamp:
		return ordered(x.TimestampValues(), b.(*array.Timestamp).TimestampValues())
	case *array.Float64:
		v, w := x.Float64Values(), b.(*array.Float64).Float64Values()
		return func(i, j int) int { return cmp.Compare(Float64Bits(v[i]), Float64Bits(w[j])) }
	case *array.String:
		y := b.(*array.String)
		return func(i, j int) int { return strings.Compare(x.Value(i), y.Value(j)) }
	case *array.Binary:
		y := b.(*array.Binary)
		return func(i, j int) int { return bytes.Compare(x.Value(i), y.Value(j)) }
	}
	return func(i, j int) int { return Compare(a, i, b, j) }
}

func ordered[T int32 | int64 | arrow.Date32 | arrow.Timestamp](v, w []T) func(i, j int) int {
	return func(i, j int) int { return cmp.Compare(v[i], w[j]) }
}
