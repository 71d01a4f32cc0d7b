package window

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
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
	take   takes
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
	k, take := newKernel(in, t, a, b.spec.EmptyNull)
	o, _ := take(a.Function, name)
	b.kernels = append(b.kernels, bound{k, w})
	b.shared = append(b.shared, sharer{a.Column, w, take})
	return o
}
