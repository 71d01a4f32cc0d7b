package featureset

import (
	"context"
	"slices"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// slot is what is known of a column when the program is compiled.
type slot struct {
	typ arrow.DataType
	// at is the segment that makes it.
	at segment
	// stands is the source column whose values, and their canonical order, can
	// be told from this column; "" when there is none.
	stands string
}

// scope compiles a program: it knows which columns are visible at the moment,
// source columns and those made so far, a new one hiding an older one of its
// name (S-603).
type scope struct {
	in     *flow.Schema
	sql    flow.SQL
	nodes  []node
	slots  []slot
	made   map[string]int // columns made so far
	order  []string       // their names
	loaded map[string]int // source columns in use, widened
	widens map[int]bool   // slots that only widen a source column
	named  map[string]bool
	// ordinals are the columns that tell apart the rows made of one, in the
	// order they were made (S-301).
	ordinals []int
	stages   []*keyedPlan
}

func newScope(in *flow.Schema, sql flow.SQL) *scope {
	return &scope{in: in, sql: sql, made: map[string]int{}, loaded: map[string]int{}, widens: map[int]bool{}, named: map[string]bool{}}
}

func (s *scope) add(v slot) int {
	s.slots = append(s.slots, v)
	return len(s.slots) - 1
}

// do adds a step that makes columns of others, in the first segment that has
// those.
func (s *scope) do(st step, reads []int, writes ...int) {
	var at segment
	for _, r := range reads {
		at = at.later(s.slots[r].at)
	}
	s.doAt(at, st, reads, writes...)
}

func (s *scope) doAt(at segment, st step, reads []int, writes ...int) {
	for _, w := range writes {
		s.slots[w].at = at
	}
	s.nodes = append(s.nodes, node{step: st, reads: reads, writes: writes, at: at})
}

// define makes a column visible.
func (s *scope) define(name string, at int) {
	if _, ok := s.made[name]; !ok {
		s.order = append(s.order, name)
	}
	s.made[name] = at
}

// resolve gives the slot of a visible column. place is the key of the pipeline
// file that names it.
func (s *scope) resolve(name, place string) (int, error) {
	if at, ok := s.made[name]; ok {
		return at, nil
	}
	return s.source(name, place)
}

// source gives the slot of a source column, widened, and notes that the set
// names it.
func (s *scope) source(name, place string) (int, error) {
	if at, ok := s.loaded[name]; ok {
		s.named[name] = true
		return at, nil
	}
	found := s.in.FieldIndices(name)
	if len(found) == 0 {
		return 0, s.unknown(name, place)
	}
	raw := s.in.Field(found[0]).Type
	widen, err := cast.Widen(raw)
	if err != nil {
		return 0, fault.Wrap(err, BadInput, "column %q cannot be used", name).At("%s", place).
			WithHint("take it apart in [query] or in a stage before the feature set")
	}
	at := s.add(slot{typ: widen.To(), stands: name})
	s.do(loadStep{column: found[0], to: at}, nil, at)
	if !widen.Identity() {
		from := at
		s.slots[from].stands = ""
		at = s.add(slot{typ: widen.To(), stands: name})
		s.do(castStep{cast: widen, name: name, from: from, to: at}, []int{from}, at)
		s.widens[at] = true
	}
	s.loaded[name] = at
	s.named[name] = true
	return at, nil
}

func (s *scope) unknown(name, place string) error {
	visible := append([]string(nil), s.order...)
	for i := range s.in.NumFields() {
		if n := s.in.Field(i).Name; !slices.Contains(visible, n) {
			visible = append(visible, n)
		}
	}
	e := fault.New(UnknownColumn, "unknown column %q", name).At("%s", place)
	if near := fault.Suggest(name, visible); near != "" {
		return e.WithHint("did you mean %q?", near)
	}
	return e.WithHint("the columns are %s", list(visible))
}

// list names columns for a message, the first ones when there are many.
func list(names []string) string {
	const most = 12
	text := ""
	for i, n := range names {
		if i == most {
			return text + ", ..."
		}
		if i > 0 {
			text += ", "
		}
		text += n
	}
	return text
}

// convert gives the slot of column at as type to, counting failures under name.
func (s *scope) convert(at int, to arrow.DataType, rules cast.Rules, name, place string) (int, error) {
	from := s.slots[at].typ
	c, err := cast.New(from, to, rules)
	if err != nil {
		return 0, fault.Wrap(err, BadCast, "column %q", name).At("%s", place)
	}
	if c.Identity() {
		return at, nil
	}
	return s.apply(c, at, name), nil
}

func (s *scope) apply(c *cast.Cast, at int, name string) int {
	v := slot{typ: c.To()}
	if keepsOrder(c.From(), c.To()) {
		v.stands = s.slots[at].stands
	}
	out := s.add(v)
	s.do(castStep{cast: c, name: name, from: at, to: out}, []int{at}, out)
	return out
}

// keepsOrder tells that a cast gives different values, in the same canonical
// order, for different values.
func keepsOrder(from, to arrow.DataType) bool {
	switch from.ID() {
	case arrow.INT32:
		return to.ID() == arrow.INT64 || to.ID() == arrow.FLOAT64
	case arrow.FLOAT32:
		return to.ID() == arrow.FLOAT64
	case arrow.STRING:
		return to.ID() == arrow.BINARY
	case arrow.TIMESTAMP:
		// The only change is that of the zone's name; instants out of range are
		// already null.
		return to.ID() == arrow.TIMESTAMP
	}
	return false
}

// columnNames lists the visible columns: those of the source, then those made.
func (s *scope) columnNames() []string {
	var names []string
	seen := map[string]bool{}
	for _, n := range append(fieldNames(s.in), s.order...) {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return names
}

// visible is the schema of all columns an expression may read.
func (s *scope) visible() *flow.Schema {
	var fields []flow.Field
	seen := map[string]bool{}
	for i := range s.in.NumFields() {
		f := s.in.Field(i)
		typ, err := cast.Widened(f.Type)
		if at, ok := s.made[f.Name]; ok {
			typ, err = s.slots[at].typ, nil
		}
		if err != nil || seen[f.Name] {
			continue // an expression cannot read it
		}
		seen[f.Name] = true
		fields = append(fields, flow.Field{Name: f.Name, Type: typ, Nullable: true})
	}
	for _, name := range s.order {
		if !seen[name] {
			fields = append(fields, flow.Field{Name: name, Type: s.slots[s.made[name]].typ, Nullable: true})
		}
	}
	return flow.NewSchema(fields)
}

// probe compiles an expression alone and tells which columns it reads.
func (s *scope) probe(ctx context.Context, e flow.Expr, place string) (reads []string, err error) {
	if s.sql == nil {
		return nil, fault.New(BadFeature, "feature %q: there is no SQL engine to compute it with", e.Name).At("%s", place)
	}
	eval, err := s.sql.Expressions(ctx, s.visible(), []flow.Expr{e})
	if err != nil {
		return nil, placed(err, place)
	}
	defer eval.Close()
	return eval.Columns(), nil
}

// placed gives an error of an engine the key of the pipeline file it is about.
func placed(err error, place string) error {
	if e := fault.As(err); e != nil {
		e.Place = place
	}
	return err
}

// compute adds one evaluation of expressions that read the named columns and
// gives the slot of each result, widened.
func (s *scope) compute(ctx context.Context, exprs []flow.Expr, reads map[string]bool, place string) ([]int, error) {
	names := make([]string, 0, len(reads))
	for name := range reads {
		names = append(names, name)
	}
	sort.Strings(names)
	if len(names) == 0 && len(s.order) > 0 {
		names = s.order[:1] // a constant still needs rows
	}
	st := &sqlStep{sql: s.sql, exprs: exprs}
	fields := make([]flow.Field, len(names))
	for i, name := range names {
		at, err := s.resolve(name, place)
		if err != nil {
			return nil, err
		}
		st.from = append(st.from, at)
		fields[i] = flow.Field{Name: name, Type: s.slots[at].typ, Nullable: true}
	}
	st.in = flow.NewSchema(fields)
	eval, err := s.sql.Expressions(ctx, st.in, exprs)
	if err != nil {
		return nil, placed(err, place)
	}
	st.eval = eval
	out := make([]int, len(exprs))
	var widened []castStep
	for i, e := range exprs {
		raw := eval.Schema().Field(i).Type
		widen, err := cast.Widen(raw)
		if err != nil {
			_ = eval.Close()
			return nil, fault.Wrap(err, BadInput, "the expression of %q gives %s", e.Name, schema.TypeName(raw)).At("%s", place)
		}
		at := s.add(slot{typ: widen.To()})
		st.to = append(st.to, at)
		if !widen.Identity() {
			c := castStep{cast: widen, name: e.Name, from: at, to: s.add(slot{typ: widen.To()})}
			widened = append(widened, c)
			at = c.to
		}
		out[i] = at
	}
	s.do(st, st.from, st.to...)
	for _, c := range widened {
		s.do(c, []int{c.from}, c.to)
	}
	return out, nil
}

// madeAt is the segment from which on a visible column is there.
func (s *scope) madeAt(name string) segment {
	if at, ok := s.made[name]; ok {
		return s.slots[at].at
	}
	return segment{}
}

// close gives back what the steps hold.
func (s *scope) close() error {
	steps := make([]step, len(s.nodes))
	for i, n := range s.nodes {
		steps[i] = n.step
	}
	return closeSteps(steps)
}
