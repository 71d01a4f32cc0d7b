package prepare

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// Pivot makes one row of each group, with a column for each value of a column:
// the aggregate of the group's rows that have it, null where there are none.
// The columns of the group come first, then those of the values, named by the
// value as text: ascending, null first, or as `values` lists them. Rows of
// other values make no column, but still a row for their group.
//
// It is a flow.Keyed that folds. The exchange brings the rows of a group
// sorted by the column, so that the rows of one cell lie together and
// window.Group aggregates them as it does any others: the cost does not grow
// with the number of values but for the columns that come out. With
// ForwardFill the rows of all groups that differ in the last column alone come
// together, ascending by it, and what is absent takes the value above it; with
// Mock a cell that is null though its group has rows for it stops that.
//
// Without `values` it is a flow.Surveyor that needs to Learn.
// Rule: S-504.
type Pivot struct {
	cfg    config.PivotStep
	env    flow.Env
	mem    memory.Allocator
	values values

	in, out *flow.Schema
	sources []source // group_by, column, value
	group   *window.Group
	declare *cast.Cast // of the aggregates; nil when no type is declared
	nulls   arrow.Array
	feed    *flow.Schema
	wide    wide
}

// source is a column that a pivot reads.
type source struct {
	at    int
	widen *cast.Cast // nil: taken as it is
	tells bool       // it tells groups or columns apart
	float bool       // of those, whether NaN and zeros are to be made one
}

// NewPivot is the parts.StageFactory of `use = "pivot"`.
func NewPivot(cfg config.Stage, _ parts.Place, env flow.Env) (flow.Stage, error) {
	if cfg.Pivot == nil {
		return nil, missing("pivot", "group_by")
	}
	return newPivot(*cfg.Pivot, env, memory.DefaultAllocator), nil
}

func newPivot(cfg config.PivotStep, env flow.Env, mem memory.Allocator) *Pivot {
	return &Pivot{cfg: cfg, env: env, mem: mem, values: values{column: cfg.Column}}
}

const pivot = "pivot"

// Open finds the columns and settles which ones come out.
func (p *Pivot) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	if len(p.cfg.GroupBy) == 0 {
		return nil, missing(pivot, "group_by")
	}
	at, err := findAll(in, pivot, "group_by", p.cfg.GroupBy)
	if err != nil {
		return nil, err
	}
	p.sources = nil
	var feed, out []flow.Field
	for i, name := range p.cfg.GroupBy {
		if name == p.cfg.Column {
			return nil, fault.New(BadSetting, "pivot groups by %q and makes columns of it", name).At("group_by").WithHint("remove it from group_by")
		}
		s, typ, err := groupSource(in, at[i])
		if err != nil {
			return nil, err
		}
		p.sources = append(p.sources, s)
		feed = append(feed, flow.Field{Name: "g" + name, Type: typ, Nullable: true})
		out = append(out, flow.Field{Name: name, Type: typ, Nullable: true})
	}
	s, typ, err := columnSource(in, p.cfg.Column)
	if err != nil {
		return nil, err
	}
	p.sources = append(p.sources, s)
	feed = append(feed, flow.Field{Name: "column", Type: typ, Nullable: true}, flow.Field{Name: "time", Type: schema.Timestamp(), Nullable: true})
	valueAt, err := find(in, pivot, "value", p.cfg.Value)
	if err != nil {
		return nil, err
	}
	widen, err := cast.Widen(in.Field(valueAt).Type)
	if err != nil {
		return nil, badType("value", p.cfg.Value, in.Field(valueAt).Type, "a type that a pipeline file can name, without structs")
	}
	p.sources = append(p.sources, source{at: valueAt, widen: widen})
	feed = append(feed, flow.Field{Name: "value", Type: widen.To(), Nullable: true})
	p.feed = flow.NewSchema(feed)

	result, err := p.openGroup(ctx)
	if err != nil {
		return nil, err
	}
	if len(p.cfg.Values) > 0 {
		err = p.values.declare(p.cfg.Values, typ)
	} else if !p.values.known {
		err = fault.New(BadSetting, "pivot was not told the values of column %q, and nobody looked them up", p.cfg.Column).At("values").
			WithHint(`write values = [...], the values that become columns`)
	}
	if err != nil {
		return nil, err
	}
	if err := p.values.apart(p.cfg.GroupBy, len(p.cfg.Values) > 0); err != nil {
		return nil, err
	}
	for _, name := range p.values.names {
		out = append(out, flow.Field{Name: name, Type: result, Nullable: true})
	}
	p.in, p.out = in, flow.NewSchema(out)
	return p.out, p.wide.openFor(p, typ, result)
}

// openGroup makes what aggregates cells and gives the type of one.
func (p *Pivot) openGroup(ctx context.Context) (flow.DataType, error) {
	f, ok := window.FunctionByName(p.cfg.Aggregation.Name)
	if !ok {
		if p.cfg.Aggregation.Name == "" {
			return nil, missing(pivot, "aggregation")
		}
		var names []string
		for _, f := range window.Functions() {
			names = append(names, f.String())
		}
		e := fault.New(BadSetting, "unknown function %q", p.cfg.Aggregation.Name).At("aggregation")
		if s := fault.Suggest(p.cfg.Aggregation.Name, names); s != "" {
			e = e.WithHint("did you mean %q?", s)
		}
		return nil, e
	}
	spec := window.Spec{Time: "time", Aggregates: []window.Aggregate{{
		Column: "value", Function: f, Outputs: []string{"cell"},
		Params: window.Params{P: p.cfg.Aggregation.P, K: p.cfg.Aggregation.K, RSD: p.cfg.Aggregation.RSD},
	}}}
	for i := range p.cfg.GroupBy {
		spec.Keys = append(spec.Keys, p.feed.Field(i).Name)
	}
	spec.Keys = append(spec.Keys, "column")
	p.group = window.NewGroup(spec)
	cells, err := p.group.Open(ctx, p.feed)
	if err != nil {
		e := fault.As(err)
		if e == nil {
			return nil, err
		}
		if e.Code == window.BadAggregate { // the query may come after this step
			e = e.WithHint("use another function, or give column %q such a type before this step, as in the schema of the reader", p.cfg.Value)
		}
		return nil, e.At("aggregation")
	}
	result := cells.Field(cells.NumFields() - 1).Type
	p.declare = nil
	if t := p.cfg.Aggregation.Type; t != "" {
		to, err := schema.ParseType(t)
		if err == nil {
			p.declare, err = cast.New(result, to, cast.Rules{})
		}
		if err != nil {
			return nil, fault.Wrap(err, BadSetting, "%s cannot be given the type %q", f, t).At("aggregation")
		}
		result = to
	}
	return result, nil
}

// groupSource is a column that tells groups apart. Timestamps of any unit stay
// as they are: instants that differ must not become one.
func groupSource(in *flow.Schema, at int) (source, flow.DataType, error) {
	f := in.Field(at)
	s := source{at: at, tells: true}
	typ := f.Type
	if typ.ID() != arrow.TIMESTAMP {
		widen, err := cast.Widen(typ)
		if err != nil || nested(widen.To()) {
			return s, nil, badType("group_by", f.Name, typ, "a scalar type")
		}
		s.widen, typ = widen, widen.To()
	}
	s.float = typ.ID() == arrow.FLOAT32 || typ.ID() == arrow.FLOAT64
	return s, typ, nil
}

// columnSource is the column whose values become columns.
func columnSource(in *flow.Schema, name string) (source, flow.DataType, error) {
	at, err := find(in, pivot, "column", name)
	if err != nil {
		return source{}, nil, err
	}
	typ := in.Field(at).Type
	widen, err := cast.Widen(typ)
	if err != nil || nested(widen.To()) || widen.To().ID() == arrow.BINARY {
		return source{}, nil, badType("column", name, typ, "texts, numbers, booleans, dates or timestamps")
	}
	to := widen.To()
	return source{at: at, widen: widen, tells: true, float: to.ID() == arrow.FLOAT32 || to.ID() == arrow.FLOAT64}, to, nil
}

func nested(t flow.DataType) bool {
	return t.ID() == arrow.LIST || t.ID() == arrow.STRUCT || t.ID() == arrow.NULL
}

// take gives the column of a batch as it goes into the aggregation. The caller
// releases it. zeros makes -0.0 and 0.0 one.
func (s source) take(mem memory.Allocator, r flow.Record, zeros bool) (arrow.Array, int64) {
	a := r.Column(s.at)
	if s.widen == nil {
		a.Retain()
		return a, 0
	}
	out, failed := s.widen.Apply(mem, a)
	if s.float {
		plain := oneNaN(mem, out, zeros)
		out.Release()
		out = plain
	}
	return out, failed
}

// Reads names the columns it looks at, which are all of them when the order of
// rows matters to the function, since every column has a say in it.
func (p *Pivot) Reads() []string {
	f, _ := window.FunctionByName(p.cfg.Aggregation.Name)
	switch f {
	case window.Count, window.Sum, window.Avg, window.Min, window.Max,
		window.StddevPop, window.StddevSamp, window.VarPop, window.VarSamp,
		window.CountDistinct, window.SumDistinct, window.Median, window.Percentile:
		return append(append([]string(nil), p.cfg.GroupBy...), p.cfg.Column, p.cfg.Value)
	}
	var names []string
	for _, f := range p.in.Fields() {
		names = append(names, f.Name)
	}
	return names
}

// Folds reports that rows out are not rows in.
func (p *Pivot) Folds() bool { return true }

// Order wants the rows of a cell together, and those of a group, or of the
// groups that fill each other.
func (p *Pivot) Order() flow.Order {
	if !p.cfg.ForwardFill {
		return flow.Order{Keys: p.cfg.GroupBy, Then: []string{p.cfg.Column}}
	}
	last := len(p.cfg.GroupBy) - 1
	return flow.Order{Keys: p.cfg.GroupBy[:last], Then: []string{p.cfg.GroupBy[last], p.cfg.Column}}
}

// Process takes the rows of a batch into their cells.
func (p *Pivot) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	n := int(in.Rows())
	if n == 0 {
		return nil
	}
	var columns []arrow.Array
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, s := range p.sources {
		if i == len(p.sources)-1 {
			columns = append(columns, p.noTimes(n))
		}
		a, failed := s.take(p.mem, in.Record, i == len(p.cfg.GroupBy))
		columns = append(columns, a)
		switch {
		case failed > 0 && s.tells:
			return fault.New(BadValue, "column %q holds instants outside the years 0001 to 9999, which pivot cannot tell apart", in.Record.ColumnName(s.at)).
				At("%s", in.Position).WithHint("remove such rows by a filter step")
		case failed > 0:
			p.env.Counter.Add("cast_failures", p.cfg.Value, failed)
		}
	}
	record := array.NewRecordBatch(p.feed, columns, int64(n))
	defer record.Release()
	return p.group.Process(ctx, flow.Batch{Record: record, Position: in.Position}, func(b flow.Batch) error {
		return p.cells(ctx, b, emit)
	})
}

// noTimes gives n nulls: a pivot has no time, and null is one that equals
// itself.
func (p *Pivot) noTimes(n int) arrow.Array {
	if p.nulls == nil || p.nulls.Len() < n {
		if p.nulls != nil {
			p.nulls.Release()
		}
		p.nulls = array.MakeArrayOfNull(p.mem, schema.Timestamp(), n)
	}
	return array.NewSlice(p.nulls, 0, int64(n))
}

// cells takes finished cells, owned, to where rows are made of them.
func (p *Pivot) cells(ctx context.Context, b flow.Batch, emit flow.Emit) error {
	r := b.Record
	defer r.Release()
	groups := len(p.cfg.GroupBy)
	columns := append([]arrow.Array(nil), r.Columns()[:groups+1]...)
	cell := r.Column(groups + 2) // behind a column of times
	if p.declare != nil {
		a, failed := p.declare.Apply(p.mem, cell)
		defer a.Release()
		if cell = a; failed > 0 {
			p.env.Counter.Add("cast_failures", p.cfg.Value, failed)
		}
	}
	cells := array.NewRecordBatch(p.wide.in, append(columns, cell), r.NumRows())
	defer cells.Release()
	return p.wide.add(ctx, cells, emit)
}

// Flush makes the last rows.
func (p *Pivot) Flush(ctx context.Context, emit flow.Emit) error {
	err := p.group.Flush(ctx, func(b flow.Batch) error { return p.cells(ctx, b, emit) })
	if err != nil {
		return err
	}
	return p.wide.flush(ctx, emit)
}

// Close gives everything back.
func (p *Pivot) Close() error {
	p.wide.release()
	if p.nulls != nil {
		p.nulls.Release()
		p.nulls = nil
	}
	if p.group == nil {
		return nil
	}
	return p.group.Close()
}

// Fork opens another copy for other groups.
func (p *Pivot) Fork(ctx context.Context) (flow.Stage, error) {
	c := newPivot(p.cfg, p.env, p.mem)
	c.Recall(p)
	if _, err := c.Open(ctx, p.in); err != nil {
		return nil, err
	}
	return c, nil
}
