package cast

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
)

// kernel converts one array; it borrows its input and answers with an array
// the caller owns and the number of values that failed.
type kernel func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64)

// Cast converts arrays of one type to another. It holds no state: any number
// of goroutines may share it.
type Cast struct {
	from, to arrow.DataType
	run      kernel // nil: nothing to do
}

// New compiles the conversion of from to to. Types that users cannot name are
// widened first (Widened). A pair without a rule is an error.
func New(from, to arrow.DataType, rules Rules) (*Cast, error) {
	wide, widen, err := widening(from)
	if err != nil {
		return nil, err
	}
	conv, err := compile(wide, to, rules)
	if err != nil {
		return nil, err
	}
	return &Cast{from: from, to: to, run: chain(widen, conv)}, nil
}

// Widen compiles the conversion of from to the type Widened gives.
func Widen(from arrow.DataType) (*Cast, error) {
	wide, err := Widened(from)
	if err != nil {
		return nil, err
	}
	return New(from, wide, Rules{})
}

// From is the type of arrays Apply takes.
func (c *Cast) From() arrow.DataType { return c.from }

// To is the type of arrays Apply gives.
func (c *Cast) To() arrow.DataType { return c.to }

// Identity reports whether every value passes as it is: Apply only adds a
// reference.
func (c *Cast) Identity() bool { return c.run == nil }

// Apply converts a, borrowed, and answers with an array of the same length
// that the caller releases, and the number of values that failed.
// Cost: one pass; nothing when Identity.
func (c *Cast) Apply(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
	if c.run == nil {
		a.Retain()
		return a, 0
	}
	return c.run(mem, a)
}

// chain runs first and then second; either may be nil.
func chain(first, second kernel) kernel {
	if first == nil {
		return second
	}
	if second == nil {
		return first
	}
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		mid, failed := first(mem, a)
		defer mid.Release()
		out, more := second(mem, mid)
		return out, failed + more
	}
}

// compile finds the kernel of a pair of types that users can name.
func compile(from, to arrow.DataType, rules Rules) (kernel, error) {
	if from.ID() == arrow.NULL {
		return fromNull(to), nil
	}
	if from.ID() == arrow.LIST && to.ID() == arrow.LIST {
		return listKernel(from.(*arrow.ListType), to.(*arrow.ListType), rules)
	}
	var k kernel
	ok := false
	switch to := to.(type) {
	case *arrow.BooleanType:
		k, ok = toBoolean(from)
	case *arrow.Int32Type, *arrow.Int64Type:
		k, ok = toInteger(from, to, rules)
	case *arrow.Float32Type, *arrow.Float64Type:
		k, ok = toFloat(from, to)
	case *arrow.Decimal128Type:
		k, ok = toDecimal(from, to)
	case *arrow.StringType:
		k, ok = toText(from)
	case *arrow.BinaryType:
		k, ok = toBinary(from)
	case *arrow.TimestampType:
		k, ok = toTimestamp(from, to)
	case *arrow.Date32Type:
		k, ok = toDate(from)
	}
	if !ok {
		return nil, fmt.Errorf("%s cannot become %s", schema.TypeName(from), schema.TypeName(to))
	}
	return k, nil
}

// fromNull makes a column of nulls.
func fromNull(to arrow.DataType) kernel {
	return func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		return array.MakeArrayOfNull(mem, to, a.Len()), 0
	}
}

// Texts makes a Cast of text to a timestamp type by a reader of one's own,
// which answers false for a text it does not understand. A text like the one
// before it is not read again: instants often come in runs.
func Texts(to arrow.DataType, read func(string) (int64, bool)) *Cast {
	return &Cast{from: arrow.BinaryTypes.String, to: to, run: func(mem memory.Allocator, a arrow.Array) (arrow.Array, int64) {
		in := a.(*array.String)
		last := ""
		us, ok := read(last)
		return collect(mem, a, to, func(i int) (int64, bool) {
			if s := in.Value(i); s != last {
				last = s
				us, ok = read(s)
			}
			return us, ok
		})
	}}
}
