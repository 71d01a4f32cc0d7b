package window

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/window/exact"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// find gives the number of a column of the input.
func find(in *flow.Schema, name string) (int, error) {
	at := in.FieldIndices(name)
	if len(at) == 1 {
		return at[0], nil
	}
	names := make([]string, in.NumFields())
	for i, f := range in.Fields() {
		names[i] = f.Name
	}
	if len(at) > 1 {
		return 0, fault.New(MissingColumn, "column %q occurs %d times: expected once", name, len(at))
	}
	e := fault.New(MissingColumn, "no column %q: found %s", name, strings.Join(names, ", "))
	if s := fault.Suggest(name, names); s != "" {
		e = e.WithHint("did you mean %q?", s)
	}
	return 0, e
}

// bind finds the columns of the input, makes the kernels and settles the
// output. windows is the number of windows, 1 for Group.
func (f *fold) bind(in *flow.Schema, windows int) error {
	var fields []flow.Field
	for _, name := range f.spec.Keys {
		i, err := find(in, name)
		if err != nil {
			return err
		}
		field := in.Field(i)
		k, ok := newKey(field.Type)
		if !ok {
			return fault.New(MissingColumn, "key %q is %s: expected a scalar type", name, schema.TypeName(field.Type))
		}
		f.keys, f.keyAt = append(f.keys, k), append(f.keyAt, i)
		fields = append(fields, flow.Field{Name: name, Type: field.Type, Nullable: true})
	}
	at, err := find(in, f.spec.Time)
	if err != nil {
		return err
	}
	if t := in.Field(at).Type; !arrow.TypeEqual(t, schema.Timestamp()) {
		return fault.New(MissingColumn, "column %q is %s: expected timestamp in microseconds UTC", f.spec.Time, schema.TypeName(t))
	}
	f.timeAt = at
	f.labels = fixed[int64]{typ: schema.Timestamp(), valid: &mask{}}
	fields = append(fields, flow.Field{Name: "timestamp", Type: schema.Timestamp(), Nullable: true})

	if len(f.spec.Aggregates) == 0 {
		return fault.New(BadAggregate, "no aggregates: expected one at least")
	}
	b := binder{fold: f, in: in, windows: windows, inputs: map[string]input{}}
	for _, a := range f.spec.Aggregates {
		more, err := b.aggregate(a)
		if err != nil {
			return err
		}
		fields = append(fields, more...)
	}
	f.in, f.out = in, arrow.NewSchema(fields, nil)
	f.moves = make([]moves, windows)
	return nil
}

// binder makes the kernels of the aggregates. Functions that can share an
// accumulator go into one kernel as long as it has room for them.
type binder struct {
	*fold
	in      *flow.Schema
	windows int
	inputs  map[string]input
	shared  []sharer
}

// sharer is a kernel that may take one more function.
type sharer struct {
	column string
	window int
	take   func(f Function, name string) (output, bool)
}

func (b *binder) aggregate(a Aggregate) ([]flow.Field, error) {
	at, err := find(b.in, a.Column)
	if err != nil {
		return nil, err
	}
	t := b.in.Field(at).Type
	result, err := ResultType(a.Function, t)
	if err != nil {
		return nil, fault.As(err).At("column %q", a.Column)
	}
	if len(a.Outputs) != b.windows {
		return nil, fault.New(BadAggregate, "%s of column %q has %d outputs: expected %d, one for each window",
			a.Function, a.Column, len(a.Outputs), b.windows)
	}
	input := b.inputs[a.Column]
	if input == nil {
		input = newInput(t)
		b.inputs[a.Column] = input
		b.fold.inputs, b.inputAt = append(b.fold.inputs, input), append(b.inputAt, at)
	}
	var fields []flow.Field
	for w, name := range a.Outputs {
		b.features = append(b.features, b.output(a, t, input, w, name))
		fields = append(fields, flow.Field{Name: name, Type: result, Nullable: true})
	}
	return fields, nil
}

// output adds function a over window w to a kernel and gives its column.
func (b *binder) output(a Aggregate, t flow.DataType, in input, w int, name string) output {
	for _, s := range b.shared {
		if s.column == a.Column && s.window == w {
			if o, ok := s.take(a.Function, name); ok {
				return o
			}
		}
	}
	var k kernel
	var take func(Function, string) (output, bool)
	switch a.Function {
	case Count, Sum, Avg:
		k, take = newSums(in, t, b.spec.EmptyNull)
	case StddevPop, StddevSamp:
		k, take = newMoments(in)
	default:
		k, take = newPick(in, t, a.Function)
	}
	o, _ := take(a.Function, name)
	b.kernels = append(b.kernels, bound{k, w})
	b.shared = append(b.shared, sharer{a.Column, w, take})
	return o
}

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
