package prepare

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// maxValues is how many columns a pivot may make of values it finds.
const maxValues = 1000

// nullName is the name of the column of nulls.
const nullName = "null"

// values are the values that become columns.
type values struct {
	column string
	known  bool
	names  []string // as text
	null   int      // which one stands for null; -1 for none
}

// Survey asks to see the column when no values are written down.
func (p *Pivot) Survey() (columns []string, needed bool) {
	return []string{p.cfg.Column}, len(p.cfg.Values) == 0
}

// Learn finds the values of the column.
// Cost: one value of each in memory, a look into a map for each row.
func (p *Pivot) Learn(ctx context.Context, next func(context.Context) (flow.Batch, error)) error {
	l := learner{column: p.cfg.Column, mem: p.mem, seen: map[string]bool{}}
	defer l.release()
	for {
		b, err := next(ctx)
		if flow.Ended(err) {
			break
		}
		if err != nil {
			return err
		}
		err = l.learn(b.Record)
		b.Release()
		if err != nil {
			return err
		}
	}
	p.values = l.values()
	return nil
}

// Recall takes over what another pivot has learned.
func (p *Pivot) Recall(from flow.Surveyor) {
	if q, ok := from.(*Pivot); ok {
		p.values = q.values
	}
}

// learner collects distinct values.
type learner struct {
	column string
	mem    memory.Allocator
	null   bool
	seen   map[string]bool // texts
	rows   []arrow.Array   // a value each
	names  []string
}

func (l *learner) release() {
	for _, r := range l.rows {
		r.Release()
	}
	l.rows = nil
}

func (l *learner) learn(r flow.Record) error {
	s, typ, err := columnSource(r.Schema(), l.column)
	if err != nil {
		return err
	}
	plain, failed := s.take(l.mem, r, true)
	defer plain.Release()
	if failed > 0 {
		return fault.New(BadValue, "column %q holds instants outside the years 0001 to 9999, which pivot cannot tell apart", l.column).
			WithHint("remove such rows by a filter step")
	}
	toText, err := cast.New(typ, arrow.BinaryTypes.String, cast.Rules{})
	if err != nil {
		return badType("column", l.column, typ, "a type that can be written as text")
	}
	a, _ := toText.Apply(l.mem, plain)
	defer a.Release()
	texts := a.(*array.String)
	for i := range texts.Len() {
		if texts.IsNull(i) {
			l.null = true
			continue
		}
		text := texts.Value(i)
		if l.seen[text] {
			continue
		}
		if len(l.names) == maxValues {
			return fault.New(TooManyValues, "column %q has more than %d values, each of which would become a column", l.column, maxValues).
				WithHint("write values = [...] with those that are wanted")
		}
		// A copy: the batch is not to be kept for one value of it.
		one := array.NewSlice(plain, int64(i), int64(i)+1)
		row, err := array.Concatenate([]arrow.Array{one}, l.mem)
		one.Release()
		if err != nil {
			return err
		}
		name := strings.Clone(text)
		l.seen[name] = true
		l.rows, l.names = append(l.rows, row), append(l.names, name)
	}
	return nil
}

// values gives the names in the order of the values.
func (l *learner) values() values {
	order := make([]int, len(l.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return canonical.Compare(l.rows[a], 0, l.rows[b], 0) })
	v := values{column: l.column, known: true, null: -1}
	if l.null {
		v.null, v.names = 0, append(v.names, nullName)
	}
	for _, i := range order {
		v.names = append(v.names, l.names[i])
	}
	return v
}

// declare takes the values that are written down, for a column of type t.
func (v *values) declare(list []any, t flow.DataType) error {
	v.known, v.null, v.names = true, -1, nil
	for _, x := range list {
		name, ok := textAs(x, t)
		if !ok {
			return fault.New(BadSetting, "the value %#v of pivot is no %s, as column %q holds them", x, schema.TypeName(t), v.column).At("values")
		}
		v.names = append(v.names, name)
	}
	return nil
}

// textAs gives a value of the pipeline file the text it has in a column of
// type t. A value that the type cannot hold as it is gives false.
func textAs(x any, t flow.DataType) (string, bool) {
	b := array.NewBuilder(memory.DefaultAllocator, literalType(x))
	defer b.Release()
	var fits bool
	switch x := x.(type) {
	case string:
		b.(*array.StringBuilder).Append(x)
		fits = t.ID() == arrow.STRING || t.ID() == arrow.TIMESTAMP || t.ID() == arrow.DATE32 || t.ID() == arrow.DECIMAL128
	case int64:
		b.(*array.Int64Builder).Append(x)
		fits = isNumber(t)
	case float64:
		if x == 0 {
			x = 0 // not -0.0
		}
		b.(*array.Float64Builder).Append(x)
		fits = t.ID() == arrow.FLOAT32 || t.ID() == arrow.FLOAT64 || t.ID() == arrow.DECIMAL128
	case bool:
		b.(*array.BooleanBuilder).Append(x)
		fits = t.ID() == arrow.BOOL
	default:
		return "", false
	}
	a := b.NewArray()
	defer a.Release()
	if !fits {
		return "", false
	}
	for _, to := range []flow.DataType{t, arrow.BinaryTypes.String} {
		c, err := cast.New(a.DataType(), to, cast.Rules{})
		if err != nil {
			return "", false
		}
		next, _ := c.Apply(memory.DefaultAllocator, a)
		defer next.Release()
		if next.IsNull(0) {
			return "", false
		}
		a = next
	}
	return strings.Clone(a.(*array.String).Value(0)), true
}

func literalType(x any) flow.DataType {
	switch x.(type) {
	case int64:
		return arrow.PrimitiveTypes.Int64
	case float64:
		return arrow.PrimitiveTypes.Float64
	case bool:
		return arrow.FixedWidthTypes.Boolean
	}
	return arrow.BinaryTypes.String
}

func isNumber(t flow.DataType) bool {
	switch t.ID() {
	case arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128:
		return true
	}
	return false
}

// apart refuses names that do not tell columns apart.
func (v *values) apart(groupBy []string, written bool) error {
	code, hint := BadValue, "write values = [...] without it, or change it by a replace or filter step before"
	if written {
		code, hint = BadSetting, "remove it from values, or change it by a replace step before"
	}
	seen := map[string]bool{}
	for _, name := range v.names {
		switch {
		case name == "":
			return fault.New(code, "an empty text of column %q would name a column", v.column).At("values").WithHint("%s", hint)
		case slices.Contains(groupBy, name):
			return fault.New(code, "the value %q of column %q would make a second column of the name, beside that of group_by", name, v.column).
				At("values").WithHint("%s", hint)
		case seen[name] && written:
			return fault.New(code, "the value %q occurs twice", name).At("values").WithHint("remove one of them")
		case seen[name]:
			return fault.New(code, "column %q holds nulls and the text %q: both would name a column %q", v.column, name, name).At("values").WithHint("%s", hint)
		}
		seen[name] = true
	}
	return nil
}
