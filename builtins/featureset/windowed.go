package featureset

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// keyedPlan is a keyed stage compiled: its windows, each with a program behind.
type keyedPlan struct {
	partition []int // columns that tell partitions apart, each once
	order     int   // the column that rows of a partition stand in order of
	timed     bool  // which is the timestamp
	set       bool
	barriers  []*barrier
}

// needs gives the columns that the rows of the stage must bear throughout.
func (k *keyedPlan) needs() []int { return append([]int{k.order}, k.partition...) }

// barrier is windows that are computed together: one pass over the rows.
type barrier struct {
	at         segment // begins behind it
	frames     []window.Frame
	aggregates []eventAggregate
	spec       window.EventSpec
}

// eventAggregate is one function over the frames of its barrier.
type eventAggregate struct {
	in   int
	outs []int // one for each frame
	spec window.Aggregate
}

// bind names the columns of the spec after those of the rows that come in.
func (b *barrier) bind(k *keyedPlan, in *layout) {
	b.spec = window.EventSpec{Partition: in.names(k.partition), Order: in.name(k.order), Frames: b.frames}
	for _, a := range b.aggregates {
		a.spec.Column = in.name(a.in)
		b.spec.Aggregates = append(b.spec.Aggregates, a.spec)
	}
}

// planStages makes room for the keyed stages of the schedule and for Fold.
func (s *Set) planStages(sc *scope, p *program) {
	for range s.schedule.keyed {
		sc.stages = append(sc.stages, &keyedPlan{})
	}
	sc.stages = append(sc.stages, &keyedPlan{partition: p.keys, order: p.at, timed: true, set: true})
}

// compileWindowed adds a feature with windows: a column for each function, then
// each window (S-801). Its functions join the windows of the same partition,
// order and frames that are computed once the columns they read are there.
func (s *Set) compileWindowed(sc *scope, i int) ([]column, error) {
	f, path := s.cfg.Features[i], featurePlace(i)
	in, err := sc.resolve(source(f), sourcePlace(f, path))
	if err != nil {
		return nil, err
	}
	stage := s.schedule.of[i]
	k := sc.stages[stage-1]
	order, err := orderSlot(sc, f.Window.OrderBy, path+".window")
	if err != nil {
		return nil, err
	}
	if err := s.bindStage(sc, k, order, f, path+".window"); err != nil {
		return nil, err
	}
	frames, err := s.frames(f.Window, sc.slots[k.order].typ, path+".window")
	if err != nil {
		return nil, err
	}
	b := sc.barrier(stage, in, frames)
	var cols []column
	for n := range f.Function {
		made, err := s.compileWindowedFunction(sc, b, in, f, n, functionPlace(path, n))
		if err != nil {
			return nil, err
		}
		cols = append(cols, made...)
	}
	for _, c := range cols {
		sc.define(c.name, c.at)
	}
	return cols, nil
}

func functionPlace(feature string, n int) string { return fmt.Sprintf("%s.function[%d]", feature, n) }

// bindStage finds the columns that a keyed stage parts and orders its rows by.
func (s *Set) bindStage(sc *scope, k *keyedPlan, order int, f config.Feature, place string) error {
	if k.set {
		return nil
	}
	k.set = true
	names := f.Window.PartitionBy
	if names == nil {
		names = s.Keys()
	}
	if len(names) == 0 {
		return fault.New(BadEvents, "partition_by names no column").At("%s.partition_by", place).
			WithHint("name some, or remove it: the keys part the rows")
	}
	for i, name := range names {
		at, err := sc.resolve(name, fmt.Sprintf("%s.partition_by[%d]", place, i))
		if err != nil {
			return err
		}
		if typ := sc.slots[at].typ; typ.ID() == arrow.LIST || typ.ID() == arrow.NULL {
			return fault.New(BadEvents, "column %q is %s: rows cannot be parted by it", name, schema.TypeName(typ)).
				At("%s.partition_by[%d]", place, i).WithHint("part them by a column of single values")
		}
		if at = canonicalFloat(sc, at); !slices.Contains(k.partition, at) {
			k.partition = append(k.partition, at)
		}
	}
	k.order = canonicalFloat(sc, order)
	k.timed = order == sc.made[timestampColumn]
	return nil
}

// orderSlot finds the column that windows are ordered by.
func orderSlot(sc *scope, name, place string) (int, error) {
	if name == "" {
		return sc.made[timestampColumn], nil
	}
	at, err := sc.resolve(name, place+".order_by")
	if err != nil {
		return 0, err
	}
	switch typ := sc.slots[at].typ; typ.ID() {
	case arrow.TIMESTAMP, arrow.DATE32, arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64:
		return at, nil
	default:
		return 0, fault.New(BadEvents, "column %q is %s: rows cannot be ordered by it", name, schema.TypeName(typ)).
			At("%s.order_by", place).WithHint("order them by a timestamp, a date, an integer, a bigint, a float or a double")
	}
}

// canonicalFloat gives a column in which equal floats have equal bytes: every
// zero is +0.0 and every NaN the same. Columns of other types are that as they
// are.
func canonicalFloat(sc *scope, at int) int {
	typ := sc.slots[at].typ
	if typ.ID() != arrow.FLOAT32 && typ.ID() != arrow.FLOAT64 {
		return at
	}
	to := sc.add(slot{typ: typ})
	sc.do(canonicalFloats{from: at, to: to}, []int{at}, to)
	return to
}

// frames gives the windows of a feature (S-802..S-804).
func (s *Set) frames(w *config.FeatureWindow, order flow.DataType, place string) ([]window.Frame, error) {
	var frames []window.Frame
	for i, r := range w.Rows {
		if r.N < 1 {
			return nil, fault.New(BadEvents, "a window of %d rows", r.N).At("%s.rows[%d]", place, i).WithHint("the present row is one: give 1 or more")
		}
		frames = append(frames, window.Frame{Rows: r.N})
	}
	bounds, ok := map[string]window.Bounds{
		"": window.OpenClosed, "(]": window.OpenClosed, "[]": window.ClosedClosed, "[)": window.ClosedOpen, "()": window.OpenOpen,
	}[w.Bounds]
	if !ok {
		return nil, fault.New(BadEvents, "unknown bounds %q", w.Bounds).At("%s.bounds", place).WithHint(`write "(]", "[]", "[)" or "()"`)
	}
	whole := s.profile.WholeSeconds && order.ID() == arrow.TIMESTAMP
	if s.profile.WholeSeconds && w.Bounds == "" {
		bounds = window.ClosedClosed
	}
	for i, span := range w.Fixed {
		at := fmt.Sprintf("%s.fixed[%d]", place, i)
		length, err := s.fixedLength(span, at)
		if err != nil {
			return nil, err
		}
		if length.Months > 0 && order.ID() != arrow.TIMESTAMP && order.ID() != arrow.DATE32 {
			return nil, fault.New(BadEvents, "window %q over a column of type %s: months and years are of timestamps and dates", span.Text, schema.TypeName(order)).
				At("%s", at).WithHint("give the window in days")
		}
		frames = append(frames, window.Frame{Span: length, Bounds: bounds, WholeSeconds: whole})
	}
	return frames, nil
}

// compatYear is a year of the original: twelve months of four weeks (S-802).
const compatYear = 29_030_400_000_000

// fixedLength gives the length of a fixed window.
func (s *Set) fixedLength(span config.TimeSpan, place string) (window.Length, error) {
	months := span.Months()
	switch {
	case months == 0 && span.Micros > 0:
		return window.Length{Micros: span.Micros}, nil
	case months == 0 || span.N < 1:
		return window.Length{}, fault.New(BadEvents, "window %q has no length", span.Text).At("%s", place).
			WithHint(`write a number and a unit, as in "7 days"`)
	case !s.profile.WholeSeconds:
		return window.Length{Months: int(months)}, nil
	case months%12 == 0 && months == 12*span.N:
		return window.Length{Micros: span.N * compatYear}, nil
	}
	return window.Length{}, fault.New(BadEvents, "window %q is in months, which fixed windows do not have here", span.Text).At("%s", place).
		WithHint(`use days or weeks, or semantics = "featurehost"`)
}

// barrier finds the windows that a function over a column joins: those of the
// same stage and frames that have the column, or new ones. They have the same
// rows, since a stack ends its stage.
func (sc *scope) barrier(stage, in int, frames []window.Frame) *barrier {
	k := sc.stages[stage-1]
	for _, b := range k.barriers {
		if sc.slots[in].at.before(b.at) && slices.Equal(b.frames, frames) {
			return b
		}
	}
	b := &barrier{at: segment{stage, len(k.barriers) + 1}, frames: frames}
	k.barriers = append(k.barriers, b)
	return b
}

// latest is the last segment there is.
func (sc *scope) latest() segment {
	var at segment
	for _, k := range sc.stages {
		for _, b := range k.barriers {
			at = at.later(b.at)
		}
	}
	return at
}

// compileWindowedFunction adds one function of a feature with windows.
func (s *Set) compileWindowedFunction(sc *scope, b *barrier, in int, f config.Feature, n int, place string) ([]column, error) {
	fn := f.Function[n]
	function, ok := window.FunctionByName(fn.Name)
	if !ok {
		if isScalar(fn.Name) {
			return nil, fault.New(BadFunction, "%s computes one value from one value: it has no windows", fn.Name).At("%s", place).
				WithHint("remove window, or name an aggregate function")
		}
		return nil, unknownFunction(fn.Name, place)
	}
	params := window.Params{P: fn.P, K: fn.K, RSD: fn.RSD}
	if err := params.Check(function); err != nil {
		return nil, placed(err, place)
	}
	function = s.inProfile(function)
	typ, err := window.ResultType(function, sc.slots[in].typ)
	if err != nil {
		return nil, placed(err, place)
	}
	var convert *cast.Cast
	if fn.Type != "" {
		to, err := declared(fn.Type, place+".type")
		if err != nil {
			return nil, err
		}
		if convert, err = cast.New(typ, to, s.rules()); err != nil {
			return nil, fault.Wrap(err, BadCast, "the result of %s", fn.Name).At("%s", place+".type")
		}
	}
	names := windowedNames(f, fn)
	a := eventAggregate{in: in, spec: window.Aggregate{
		Function: function, Params: params, OverflowNull: f.OnOverflow == "null", Outputs: names,
	}}
	var cols []column
	for _, name := range names {
		at := sc.add(slot{typ: typ, at: b.at})
		a.outs = append(a.outs, at)
		if convert != nil && !convert.Identity() {
			at = sc.apply(convert, at, name)
		}
		cols = append(cols, column{name, at})
	}
	b.aggregates = append(b.aggregates, a)
	return cols, nil
}

// windowedNames names the columns of one function over the windows of a
// feature (S-801).
func windowedNames(f config.Feature, fn config.Function) []string {
	stem := f.Name + "__" + functionName(fn) + "_over_"
	var names []string
	for _, w := range f.Window.Fixed {
		names = append(names, stem+windowName(w)+"_fixed_windows")
	}
	for _, w := range f.Window.Rows {
		names = append(names, fmt.Sprintf("%s%d_%s_row_windows", stem, w.N, w.Unit))
	}
	return names
}

// inProfile gives the function that a name stands for in this profile.
func (s *Set) inProfile(f window.Function) window.Function {
	switch {
	case s.profile.TextModes && f == window.Mode:
		return window.ModeText
	case s.profile.TextModes && f == window.MostFrequentSet:
		return window.MostFrequentSetText
	}
	return f
}
