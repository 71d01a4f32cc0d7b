package table

import (
	"context"
	"net/url"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts/days"
)

// numberColumn holds the number of a partition while they are chosen.
const numberColumn = "featurehost partition"

// chosenAtOnce is how many partitions are looked at in one batch.
const chosenAtOnce = 8192

// choose gives the names of the partitions that are needed: those in which
// where holds, and whose day belongs to the interval as far as their values
// tell it.
func choose(ctx context.Context, env flow.Env, columns []arrow.Field, names []string, where string, by *config.Incremental, span flow.Interval) ([]string, error) {
	var eval flow.Evaluator
	s := arrow.NewSchema(append(append([]arrow.Field{}, columns...), arrow.Field{Name: numberColumn, Type: arrow.PrimitiveTypes.Int64}), nil)
	if where != "" {
		var err error
		if eval, err = condition(ctx, env, columns, where); err != nil {
			return nil, err
		}
		defer eval.Close()
	}
	var filter *days.Filter
	if by != nil && (span.Start != nil || span.End != nil) && ofPartitions(columns, by) {
		filter = days.NewFilter(*by, span, BadIncremental)
		if _, err := filter.Open(ctx, s); err != nil {
			return nil, err
		}
	}
	if eval == nil && filter == nil {
		return names, nil
	}
	var out []string
	for len(names) > 0 {
		n := min(len(names), chosenAtOnce)
		kept, err := chooseSome(ctx, s, names[:n], eval, filter)
		if err != nil {
			return nil, err
		}
		out, names = append(out, kept...), names[n:]
	}
	return out, nil
}

// condition compiles where over the partition columns.
func condition(ctx context.Context, env flow.Env, columns []arrow.Field, where string) (flow.Evaluator, error) {
	if len(columns) == 0 {
		return nil, fault.New(BadWhere, "where chooses partitions, and the table has none").WithHint("use a filter step instead")
	}
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	if env.SQL == nil {
		return nil, fault.New(BadWhere, "where needs the sql engine")
	}
	eval, err := env.SQL.Expressions(ctx, arrow.NewSchema(columns, nil), []flow.Expr{{Name: "kept", SQL: where}})
	if err != nil {
		return nil, fault.Wrap(err, BadWhere, "where %q", where).WithHint("partition columns are %s", strings.Join(names, ", "))
	}
	if t := eval.Schema().Field(0).Type; t.ID() != arrow.BOOL {
		eval.Close()
		return nil, fault.New(BadWhere, "where %q is of type %s: a condition is needed", where, schema.TypeName(t))
	}
	return eval, nil
}

// ofPartitions reports whether a strategy reads partition columns alone.
func ofPartitions(columns []arrow.Field, by *config.Incremental) bool {
	if len(by.Partitions) > 0 {
		return true
	}
	for _, c := range columns {
		if c.Name == by.Column {
			return true
		}
	}
	return false
}

// chooseSome is choose for one batch of names.
func chooseSome(ctx context.Context, s *arrow.Schema, names []string, eval flow.Evaluator, filter *days.Filter) ([]string, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	columns := s.Fields()[:s.NumFields()-1]
	for i, name := range names {
		values, err := valuesOf(columns, name)
		if err != nil {
			return nil, err
		}
		for k, c := range columns {
			if err := appendValue(b.Field(k), c, values[k]); err != nil {
				return nil, fault.Wrap(err, BadPartition, "partition %q", name)
			}
		}
		b.Field(len(columns)).(*array.Int64Builder).Append(int64(i))
	}
	all := b.NewRecordBatch()
	defer all.Release()
	keep := make([]bool, len(names))
	mark := func(b flow.Batch) error {
		for _, i := range b.Record.Column(len(columns)).(*array.Int64).Int64Values() {
			keep[i] = true
		}
		b.Release()
		return nil
	}
	if filter != nil {
		if err := filter.Process(ctx, flow.Batch{Record: all}, mark); err != nil {
			return nil, err
		}
	} else {
		all.Retain()
		if err := mark(flow.Batch{Record: all}); err != nil {
			return nil, err
		}
	}
	if eval != nil {
		values := array.NewRecordBatch(arrow.NewSchema(columns, nil), all.Columns()[:len(columns)], all.NumRows())
		defer values.Release()
		r, err := eval.Eval(ctx, values)
		if err != nil {
			return nil, fault.Wrap(err, BadWhere, "where fails over the partitions")
		}
		defer r.Release()
		ok := r.Column(0).(*array.Boolean)
		for i := range keep {
			keep[i] = keep[i] && ok.IsValid(i) && ok.Value(i)
		}
	}
	var out []string
	for i, name := range names {
		if keep[i] {
			out = append(out, name)
		}
	}
	return out, nil
}

// valuesOf reads the name of a partition, as in year=2024/month=1; a null is
// nil.
func valuesOf(columns []arrow.Field, name string) ([]*string, error) {
	list := strings.Split(name, "/")
	if len(list) != len(columns) {
		return nil, fault.New(BadPartition, "partition %q has %d values, and the table %d partition columns", name, len(list), len(columns))
	}
	out := make([]*string, len(columns))
	for i, one := range list {
		key, v, ok := strings.Cut(one, "=")
		if !ok || !strings.EqualFold(key, columns[i].Name) {
			return nil, fault.New(BadPartition, "partition %q has no value of column %q", name, columns[i].Name)
		}
		if v == hive.NullPartition {
			continue
		}
		if u, err := url.PathUnescape(v); err == nil {
			v = u
		}
		out[i] = &v
	}
	return out, nil
}
