package window

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/builtins/window/exact"
	"github.com/featurehost/featurehost/host/flow"
)

// newKernel makes the kernel of an aggregate over an input column of type t,
// and what adds functions to it. emptyNull is Spec.EmptyNull.
func newKernel(in input, t flow.DataType, a Aggregate, emptyNull bool) (kernel, takes) {
	switch a.Function {
	case Count, Sum, Avg:
		return newSums(in, t, emptyNull)
	case StddevPop, StddevSamp:
		return newMoments(in)
	default:
		return newPick(in, t, a.Function)
	}
}

// takes adds a function to a kernel, with the name of its output column; false
// when the kernel has no room for it.
type takes = func(Function, string) (output, bool)

// newSums makes the kernel of count, sum and avg; of a column of no numbers
// it counts only.
func newSums(in input, t flow.DataType, emptyNull bool) (kernel, takes) {
	double := arrow.PrimitiveTypes.Float64
	switch x := in.(type) {
	case *column[float64]:
		return newSumsOf[float64, float64, float64, floats[float64]](x, double, double, emptyNull)
	case *column[float32]:
		return newSumsOf[float32, float64, float64, floats[float32]](x, double, double, emptyNull)
	case *column[int64]:
		if t.ID() == arrow.INT64 {
			return newSumsOf[int64, int64, float64, ints[int64]](x, t, double, emptyNull)
		}
	case *column[int32]:
		if t.ID() == arrow.INT32 {
			return newSumsOf[int32, int64, float64, ints[int32]](x, arrow.PrimitiveTypes.Int64, double, emptyNull)
		}
	case *column[decimal128.Num]:
		s := t.(*arrow.Decimal128Type).Scale
		return newSumsOf[decimal128.Num, decimal128.Num, decimal128.Num, decimals](x,
			&arrow.Decimal128Type{Precision: 38, Scale: s}, &arrow.Decimal128Type{Precision: 38, Scale: s + 4}, emptyNull)
	}
	k := &counts{input: in.(validRows), emptyNull: emptyNull}
	return k, func(f Function, name string) (output, bool) {
		if f != Count || k.out != nil {
			return nil, false
		}
		k.out, k.name = newOutput[int64](arrow.PrimitiveTypes.Int64, &mask{}), name
		return k.out, true
	}
}

func newSumsOf[T, S, M, A any, P accumulator[T, S, M, A]](in *column[T], s, m flow.DataType, emptyNull bool) (kernel, takes) {
	k := &sums[T, S, M, A, P]{input: in, emptyNull: emptyNull}
	some := &mask{} // sum and avg are null together
	return k, func(f Function, name string) (output, bool) {
		switch {
		case f == Count && k.counts == nil:
			k.counts = newOutput[int64](arrow.PrimitiveTypes.Int64, &mask{})
			return k.counts, true
		case f == Sum && k.sumOut == nil:
			k.sumOut, k.names[0] = newOutput[S](s, some), name
			return k.sumOut, true
		case f == Avg && k.meanOut == nil:
			k.meanOut, k.names[1] = newOutput[M](m, some), name
			return k.meanOut, true
		}
		return nil, false
	}
}

// newMoments makes the kernel of the standard deviations.
func newMoments(in input) (kernel, takes) {
	switch x := in.(type) {
	case *column[float32]:
		return newMomentsOf[float32, singleMoments](x)
	case *column[int64]:
		return newMomentsOf[int64, exact.IntMoments](x)
	case *column[int32]:
		return newMomentsOf[int32, shortMoments](x)
	default:
		return newMomentsOf[float64, exact.Moments](in.(*column[float64]))
	}
}

func newMomentsOf[T, A any, P spread[T, A]](in *column[T]) (kernel, takes) {
	k := &moments[T, A, P]{input: in}
	return k, func(f Function, _ string) (output, bool) {
		switch {
		case f == StddevPop && k.popOut == nil:
			k.popOut = newOutput[float64](arrow.PrimitiveTypes.Float64, &mask{})
			return k.popOut, true
		case f == StddevSamp && k.sampleOut == nil:
			k.sampleOut = newOutput[float64](arrow.PrimitiveTypes.Float64, &mask{})
			return k.sampleOut, true
		}
		return nil, false
	}
}

// newPick makes the kernel of a function that answers with a value of its
// column.
func newPick(in input, t flow.DataType, f Function) (kernel, takes) {
	switch x := in.(type) {
	case *column[float64]:
		return newPickOf(x, t, f, lessFloat[float64], positiveZero[float64])
	case *column[float32]:
		return newPickOf(x, t, f, lessFloat[float32], positiveZero[float32])
	case *column[int64]:
		return newPickOf(x, t, f, lessOrdered[int64], nil)
	case *column[int32]:
		return newPickOf(x, t, f, lessOrdered[int32], nil)
	case *column[string]:
		return newPickOf(x, t, f, lessOrdered[string], nil)
	case *column[bool]:
		return newPickOf(x, t, f, lessBool, nil)
	case *column[decimal128.Num]:
		return newPickOf(x, t, f, lessDecimal, nil)
	default:
		return newPickOf(in.(*column[cell]), t, f, nil, nil)
	}
}

func newPickOf[T any](in *column[T], t flow.DataType, f Function, less func(a, b T) bool, clean func(T) T) (kernel, takes) {
	out := newOutput[T](t, &mask{})
	// The kernel has room for one function: the one it is made for.
	taken := false
	once := func(name *string) takes {
		return func(g Function, n string) (output, bool) {
			if g != f || taken {
				return nil, false
			}
			taken, *name = true, n
			return out, true
		}
	}
	switch f {
	case Min, Max:
		k := &extreme[T]{input: in, out: out, nearer: less, clean: clean}
		if f == Max {
			k.nearer = func(a, b T) bool { return less(b, a) }
		}
		return k, once(&k.name)
	default:
		k := &ends[T]{input: in, out: out, last: f == Last}
		return k, once(&k.name)
	}
}
