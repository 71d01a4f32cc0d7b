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
	if err := f.bindDistinct(in, f.spec.Distinct, windows); err != nil {
		return err
	}
	f.emptyNull = f.spec.EmptyNull
	more, err := f.bindAggregates(in, f.spec.Aggregates, windows)
	if err != nil {
		return err
	}
	f.in, f.out = in, arrow.NewSchema(append(fields, more...), nil)
	return nil
}

// bindDistinct finds the columns of tuples of which one row is kept.
func (t *tally) bindDistinct(in *flow.Schema, spec *Distinct, windows int) error {
	if spec == nil {
		return nil
	}
	if len(spec.Columns) == 0 {
		return fault.New(BadDistinct, "distinct over no columns: expected one at least").WithHint("name the columns that tell rows apart, or leave distinct out")
	}
	d := &chooser{first: spec.First, seen: map[string]int64{}, windows: make([]chosen, windows)}
	for _, name := range spec.Columns {
		at, err := find(in, name)
		if err != nil {
			return err
		}
		if u := in.Field(at).Type; kindOf(u) == unusable {
			return fault.New(BadDistinct, "distinct over column %q, which is %s: expected a type that a pipeline file can name", name, schema.TypeName(u))
		}
		d.columns = append(d.columns, at)
	}
	t.distinct = d
	return nil
}

// bindAggregates makes the kernels and gives the columns that they fill.
func (t *tally) bindAggregates(in *flow.Schema, aggregates []Aggregate, windows int) ([]flow.Field, error) {
	b := binder{tally: t, in: in, windows: windows}
	t.moves = make([]moves, windows)
	var fields []flow.Field
	for _, a := range aggregates {
		more, err := b.aggregate(a)
		if err != nil {
			return nil, err
		}
		fields = append(fields, more...)
	}
	t.pool.expect(len(t.features))
	for i := range t.sources {
		if s := &t.sources[i]; s.all == nil {
			s.batch = newInput(s.typ).(laneInput)
		}
	}
	return fields, nil
}

// binder makes the kernels of the aggregates. Functions that can share an
// accumulator go into one kernel as long as it has room for them.
type binder struct {
	*tally
	in      *flow.Schema
	windows int
	shared  []sharer
}

// sharer is a kernel that may take one more function.
type sharer struct {
	track  *track
	source int
	take   takes
}

func (b *binder) aggregate(a Aggregate) ([]flow.Field, error) {
	s, err := b.source(a.Column)
	if err != nil {
		return nil, err
	}
	result, err := ResultType(a.Function, b.sources[s].typ)
	if err != nil {
		return nil, fault.As(err).At("column %q", a.Column)
	}
	if err := a.Params.Check(a.Function); err != nil {
		return nil, fault.As(err).At("column %q", a.Column)
	}
	if len(a.Outputs) != b.windows {
		return nil, fault.New(BadAggregate, "%s of column %q has %d outputs: expected %d, one for each window",
			a.Function, a.Column, len(a.Outputs), b.windows)
	}
	l, err := b.lane(a.Where)
	if err != nil {
		return nil, err
	}
	var fields []flow.Field
	for w, name := range a.Outputs {
		b.features = append(b.features, b.output(a, s, b.track(l, w), name))
		fields = append(fields, flow.Field{Name: name, Type: result, Nullable: true})
	}
	return fields, nil
}

// source gives the number of the source of a column.
func (b *binder) source(name string) (int, error) {
	for i, s := range b.sources {
		if s.name == name {
			return i, nil
		}
	}
	at, err := find(b.in, name)
	if err != nil {
		return 0, err
	}
	b.sources = append(b.sources, source{name: name, at: at, typ: b.in.Field(at).Type})
	return len(b.sources) - 1, nil
}

// lane gives the number of the lane of a condition.
func (b *binder) lane(where string) (int, error) {
	for i, l := range b.lanes {
		if l.name == where {
			return i, nil
		}
	}
	at := -1
	if where != "" {
		var err error
		if at, err = find(b.in, where); err != nil {
			return 0, err
		}
		if t := b.in.Field(at).Type; t.ID() != arrow.BOOL {
			return 0, fault.New(MissingColumn, "column %q is %s: expected boolean, since it says which rows take part", where, schema.TypeName(t))
		}
	}
	b.lanes = append(b.lanes, &lane{name: where, where: at})
	return len(b.lanes) - 1, nil
}

// track gives the track of a lane and a window.
func (b *binder) track(l, w int) *track {
	for _, k := range b.tracks {
		if k.lane == l && k.window == w {
			return k
		}
	}
	k := &track{lane: l, window: w, lo: unknown}
	b.tracks = append(b.tracks, k)
	return k
}

// input gives the rows that the kernels of a track read of a source.
func (b *binder) input(s int, k *track) input {
	src, l := &b.sources[s], b.lanes[k.lane]
	all := func() laneInput {
		if src.all == nil {
			src.all = newInput(src.typ).(laneInput)
		}
		return src.all
	}
	fresh := func(in *[]laneInput) laneInput {
		for len(*in) <= s {
			*in = append(*in, nil)
		}
		if (*in)[s] == nil {
			(*in)[s] = newInput(src.typ).(laneInput)
		}
		return (*in)[s]
	}
	switch {
	case b.distinct != nil:
		all() // to pick from
		return fresh(&k.inputs)
	case l.where < 0:
		return all()
	}
	return fresh(&l.inputs)
}

// output adds a function to a kernel of a track and gives its column.
func (b *binder) output(a Aggregate, s int, k *track, name string) output {
	for _, x := range b.shared {
		if x.track == k && x.source == s {
			if o, ok := x.take(a, name); ok {
				return o
			}
		}
	}
	x, take := newKernel(b.input(s, k), b.sources[s].typ, a, b.emptyNull)
	o, _ := take(a, name)
	k.kernels = append(k.kernels, x)
	b.shared = append(b.shared, sharer{k, s, take})
	return o
}
