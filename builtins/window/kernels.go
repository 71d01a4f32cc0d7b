package window

import (
	"math"

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
		return newSums(in, t, emptyNull, a.OverflowNull)
	case StddevPop, StddevSamp, VarPop, VarSamp:
		return newMoments(in)
	case Min, Max, First, Last:
		return newPick(in, t, a.Function)
	case FirstNonNull, LastNonNull, CollectList, FirstK, LastK:
		return newPresent(in, t, emptyNull)
	case Skewness, Kurtosis:
		return newShape(in)
	case ApproxCountDistinct:
		return newSketch(in, t, a.Params.precision(), emptyNull)
	case MostFrequentSetText:
		return newSeenTexts(in, t, emptyNull)
	default:
		return newBag(in, t, emptyNull)
	}
}

// takes adds an aggregate to a kernel, with the name of its output column;
// false when the kernel has no room for it.
type takes = func(a Aggregate, name string) (output, bool)

// newSums makes the kernel of count, sum and avg; of a column of no numbers
// it counts only.
func newSums(in input, t flow.DataType, emptyNull, overflowNull bool) (kernel, takes) {
	double := arrow.PrimitiveTypes.Float64
	switch x := in.(type) {
	case *column[float64]:
		return newSumsOf[float64, float64, float64, floats[float64]](x, double, double, emptyNull, overflowNull)
	case *column[float32]:
		return newSumsOf[float32, float64, float64, floats[float32]](x, double, double, emptyNull, overflowNull)
	case *column[int64]:
		if t.ID() == arrow.INT64 {
			return newSumsOf[int64, int64, float64, ints[int64]](x, t, double, emptyNull, overflowNull)
		}
	case *column[int32]:
		if t.ID() == arrow.INT32 {
			return newSumsOf[int32, int64, float64, ints[int32]](x, arrow.PrimitiveTypes.Int64, double, emptyNull, overflowNull)
		}
	case *column[decimal128.Num]:
		s := t.(*arrow.Decimal128Type).Scale
		return newSumsOf[decimal128.Num, decimal128.Num, decimal128.Num, decimals](x,
			&arrow.Decimal128Type{Precision: 38, Scale: s}, &arrow.Decimal128Type{Precision: 38, Scale: s + 4}, emptyNull, overflowNull)
	}
	k := &counts{input: in.(validRows), emptyNull: emptyNull}
	return k, func(a Aggregate, name string) (output, bool) {
		if a.Function != Count || k.out != nil {
			return nil, false
		}
		k.out, k.name = newOutput[int64](arrow.PrimitiveTypes.Int64, &mask{}), name
		return k.out, true
	}
}

func newSumsOf[T, S, M, A any, P accumulator[T, S, M, A]](in *column[T], s, m flow.DataType, emptyNull, overflowNull bool) (kernel, takes) {
	k := &sums[T, S, M, A, P]{input: in, emptyNull: emptyNull, overflowNull: overflowNull}
	some := &mask{} // sum and avg are null together
	others := some
	if overflowNull { // unless one fits its type and the other does not
		others = &mask{}
	}
	return k, func(a Aggregate, name string) (output, bool) {
		switch {
		case a.Function == Count && k.counts == nil:
			k.counts = newOutput[int64](arrow.PrimitiveTypes.Int64, &mask{})
			return k.counts, true
		case a.OverflowNull != overflowNull:
			return nil, false
		case a.Function == Sum && k.sumOut == nil:
			k.sumOut, k.names[0] = newOutput[S](s, some), name
			return k.sumOut, true
		case a.Function == Avg && k.meanOut == nil:
			k.meanOut, k.names[1] = newOutput[M](m, others), name
			return k.meanOut, true
		}
		return nil, false
	}
}

// newMoments makes the kernel of variances and standard deviations.
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
	return k, func(a Aggregate, _ string) (output, bool) {
		out := k.outOf(a.Function)
		if out == nil || *out != nil {
			return nil, false
		}
		*out = newOutput[float64](arrow.PrimitiveTypes.Float64, &mask{})
		return *out, true
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
		return func(a Aggregate, n string) (output, bool) {
			if a.Function != f || taken {
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

// addValue adds an answer of one value to a kernel.
func addValue[V, S any, P state[S]](k *following[S, P], t flow.DataType, a Aggregate, name string, ask func(*S) (V, bool, bool)) (output, bool) {
	out := newOutput[V](t, &mask{})
	k.answers = append(k.answers, &value[S, V]{out: out, name: name, ask: ask, overflowNull: a.OverflowNull})
	return out, true
}

// addList adds an answer of lists of elements of type t to a kernel.
func addList[V, S any, P state[S]](k *following[S, P], t flow.DataType, name string, view func(*S) ([]V, bool), ask func(*S, []V) []V) (output, bool) {
	out := newLists[V](arrow.ListOf(t))
	k.answers = append(k.answers, &list[S, V]{out: out, name: name, view: view, ask: ask})
	return out, true
}

// newPresent makes the kernel of the functions that take the values that are
// not null in the order of rows.
func newPresent(in input, t flow.DataType, emptyNull bool) (kernel, takes) {
	switch x := in.(type) {
	case *column[float64]:
		return newPresentOf(x, t, emptyNull)
	case *column[float32]:
		return newPresentOf(x, t, emptyNull)
	case *column[int64]:
		return newPresentOf(x, t, emptyNull)
	case *column[int32]:
		return newPresentOf(x, t, emptyNull)
	case *column[string]:
		return newPresentOf(x, t, emptyNull)
	case *column[bool]:
		return newPresentOf(x, t, emptyNull)
	case *column[decimal128.Num]:
		return newPresentOf(x, t, emptyNull)
	default:
		return newPresentOf(in.(*column[cell]), t, emptyNull)
	}
}

func newPresentOf[T any](in *column[T], t flow.DataType, emptyNull bool) (kernel, takes) {
	k := &following[present[T], *present[T]]{state: present[T]{input: in}, emptyNull: emptyNull}
	return k, func(a Aggregate, name string) (output, bool) {
		n := a.Params.K
		switch a.Function {
		case FirstNonNull:
			return addValue(k, t, a, name, (*present[T]).first)
		case LastNonNull:
			return addValue(k, t, a, name, (*present[T]).last)
		case CollectList:
			n = math.MaxInt
			fallthrough
		case FirstK:
			return addList(k, t, name, func(s *present[T]) ([]T, bool) { return s.view(n) },
				func(s *present[T], to []T) []T { return s.oldest(to, n) })
		case LastK:
			return addList(k, t, name, nil, func(s *present[T], to []T) []T { return s.newest(to, n) })
		}
		return nil, false
	}
}

// newShape makes the kernel of skewness and kurtosis.
func newShape(in input) (kernel, takes) {
	switch x := in.(type) {
	case *column[float32]:
		return newShapeOf[float32, float64, floats[float32]](x)
	case *column[int64]:
		return newShapeOf[int64, int64, ints[int64]](x)
	case *column[int32]:
		return newShapeOf[int32, int64, ints[int32]](x)
	default:
		return newShapeOf[float64, float64, floats[float64]](in.(*column[float64]))
	}
}

func newShapeOf[T int32 | int64 | float32 | float64, S, A any, P accumulator[T, S, float64, A]](in *column[T]) (kernel, takes) {
	k := &following[shape[T, S, A, P], *shape[T, S, A, P]]{state: shape[T, S, A, P]{input: in}}
	return k, func(a Aggregate, name string) (output, bool) {
		switch a.Function {
		case Skewness:
			return addValue(k, arrow.PrimitiveTypes.Float64, a, name, (*shape[T, S, A, P]).skewness)
		case Kurtosis:
			return addValue(k, arrow.PrimitiveTypes.Float64, a, name, (*shape[T, S, A, P]).kurtosis)
		}
		return nil, false
	}
}

// newSketch makes the kernel of approx_count_distinct.
func newSketch(in input, t flow.DataType, precision int, emptyNull bool) (kernel, takes) {
	switch x := in.(type) {
	case *column[float64]:
		return newSketchOf(x, t, precision, emptyNull)
	case *column[float32]:
		return newSketchOf(x, t, precision, emptyNull)
	case *column[int64]:
		return newSketchOf(x, t, precision, emptyNull)
	case *column[int32]:
		return newSketchOf(x, t, precision, emptyNull)
	case *column[string]:
		return newSketchOf(x, t, precision, emptyNull)
	case *column[bool]:
		return newSketchOf(x, t, precision, emptyNull)
	default:
		return newSketchOf(in.(*column[decimal128.Num]), t, precision, emptyNull)
	}
}

func newSketchOf[T any](in *column[T], t flow.DataType, precision int, emptyNull bool) (kernel, takes) {
	k := &following[registers[T], *registers[T]]{state: newRegisters(in, t, precision), emptyNull: emptyNull}
	return k, func(a Aggregate, name string) (output, bool) {
		if a.Function != ApproxCountDistinct || a.Params.precision() != precision {
			return nil, false
		}
		return addValue(k, arrow.PrimitiveTypes.Int64, a, name, (*registers[T]).count)
	}
}

// newBag makes the kernel of the functions that depend on the values of a
// window and not on their order.
func newBag(in input, t flow.DataType, emptyNull bool) (kernel, takes) {
	whole, double := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64
	ofInt := func(k int64) float64 { return float64(k) }
	switch x := in.(type) {
	case *column[float64]:
		return newBagOf[ofFloats[float64]](x, t, emptyNull, floatOf, wholeForm(t), double, summing[int64, float64](&distinctFloats{}))
	case *column[float32]:
		return newBagOf[ofFloats[float32]](x, t, emptyNull, floatOf, wholeForm(t), double, summing[int64, float64](&distinctFloats{}))
	case *column[int64]:
		return newBagOf[ofInts[int64]](x, t, emptyNull, ofInt, wholeForm(t), whole, summing[int64, int64](&distinctInts{}))
	case *column[int32]:
		return newBagOf[ofInts[int32]](x, t, emptyNull, ofInt, wholeForm(t), whole, summing[int64, int64](&distinctInts{}))
	case *column[bool]:
		return newBagOf[ofBools](x, t, emptyNull, nil, wholeForm(t), nil, summing[int64, int64](nil))
	case *column[string]:
		return newBagOf[ofTexts](x, t, emptyNull, nil, stringForm(), nil, summing[string, int64](nil))
	default:
		total := &arrow.Decimal128Type{Precision: 38, Scale: t.(*arrow.Decimal128Type).Scale}
		return newBagOf[ofDecimals](in.(*column[decimal128.Num]), t, emptyNull, nil, decimalForm(t), total, summing[decimal128.Num, decimal128.Num](&distinctDecimals{}))
	}
}

// newBagOf makes that kernel for keys of type K. number gives a key's value as
// a double, sum is the sum of distinct keys and total its type; nil where
// ResultType refuses the functions that need them.
func newBagOf[R ranking[T, K], T, K, V any](in *column[T], t flow.DataType, emptyNull bool, number func(K) float64, form textForm[K],
	total flow.DataType, sum summing[K, V]) (kernel, takes) {
	type S = bagged[T, K, R]
	k := &following[S, *S]{state: S{input: in}, emptyNull: emptyNull}
	return k, func(a Aggregate, name string) (output, bool) {
		p, n := a.Params.P, a.Params.K
		switch a.Function {
		case CountDistinct:
			return addValue(k, arrow.PrimitiveTypes.Int64, a, name, (*S).countDistinct)
		case SumDistinct:
			k.state.sum = sum
			return addValue(k, total, a, name, func(s *S) (v V, ok, fits bool) {
				if s.distinct == 0 {
					return v, false, true
				}
				v, fits = sum.sum(s.distinct)
				return v, true, fits
			})
		case Mode:
			return addValue(k, t, a, name, (*S).mode)
		case ModeText:
			return addValue(k, arrow.BinaryTypes.String, a, name, func(s *S) (string, bool, bool) { return s.modeText(form) })
		case Median:
			p = 0.5
			fallthrough
		case Percentile:
			return addValue(k, arrow.PrimitiveTypes.Float64, a, name, func(s *S) (float64, bool, bool) { return s.percentile(p, number) })
		case CollectSet:
			return addList(k, t, name, nil, (*S).collectSet)
		case MostFrequentSet:
			room := &[]int{}
			return addList(k, t, name, nil, func(s *S, to []T) []T { return s.mostFrequent(to, room) })
		case TopK:
			return addList(k, t, name, nil, func(s *S, to []T) []T { return s.most(to, n) })
		case BottomK:
			return addList(k, t, name, nil, func(s *S, to []T) []T { return s.least(to, n) })
		}
		return nil, false
	}
}

// newSeenTexts makes the kernel of MostFrequentSetText.
func newSeenTexts(in input, t flow.DataType, emptyNull bool) (kernel, takes) {
	switch x := in.(type) {
	case *column[float64]:
		return newSeenOf[ofFloats[float64]](x, wholeForm(t), emptyNull)
	case *column[float32]:
		return newSeenOf[ofFloats[float32]](x, wholeForm(t), emptyNull)
	case *column[int64]:
		return newSeenOf[ofInts[int64]](x, wholeForm(t), emptyNull)
	case *column[int32]:
		return newSeenOf[ofInts[int32]](x, wholeForm(t), emptyNull)
	case *column[bool]:
		return newSeenOf[ofBools](x, wholeForm(t), emptyNull)
	case *column[string]:
		return newSeenOf[ofTexts](x, stringForm(), emptyNull)
	default:
		return newSeenOf[ofDecimals](in.(*column[decimal128.Num]), decimalForm(t), emptyNull)
	}
}

func newSeenOf[R ranking[T, K], T any, K comparable](in *column[T], form textForm[K], emptyNull bool) (kernel, takes) {
	type S = seen[T, K, R]
	k := &following[S, *S]{state: newSeen[T, K, R](in, form), emptyNull: emptyNull}
	return k, func(a Aggregate, name string) (output, bool) {
		if a.Function != MostFrequentSetText {
			return nil, false
		}
		return addList(k, arrow.BinaryTypes.String, name, nil, (*S).answer)
	}
}
