package days

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Filter keeps the rows of an interval. It stands behind the prepare steps of a
// reader that had to read all rows because a step looks at several of them at
// once (S-501).
//
// It is a flow.Stateless and tells by Reads which columns it looks at.
type Filter struct {
	by     config.Incremental
	lo, hi int64
	code   fault.Code

	in      *flow.Schema
	columns []int
	clock   *Clock // nil with partition columns
	keep    []bool
}

// NewFilter makes a filter. Its errors have the given code.
func NewFilter(by config.Incremental, interval flow.Interval, code fault.Code) *Filter {
	f := &Filter{by: by, code: code}
	f.lo, f.hi = Bounds(interval)
	return f
}

// Open finds the columns.
func (f *Filter) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) {
	f.in, f.columns = in, nil
	for _, name := range f.Reads() {
		at := in.FieldIndices(name)
		if len(at) == 0 {
			return nil, f.missing(name)
		}
		f.columns = append(f.columns, at[0])
	}
	if len(f.by.Partitions) == 0 {
		var err error
		f.clock, err = NewClock(&f.by, in.Field(f.columns[0]).Type, f.code)
		return in, err
	}
	if len(f.columns) != 3 {
		return nil, fault.New(f.code, "incremental partitions name %d columns: three are needed, for year, month and day", len(f.columns)).At("incremental.partitions")
	}
	for _, c := range f.columns {
		switch t := in.Field(c).Type; t.ID() {
		case arrow.INT32, arrow.INT64, arrow.STRING:
		default:
			return nil, fault.New(f.code, "incremental partition %q is of type %s: a whole number or a text is needed", in.Field(c).Name, schema.TypeName(t)).At("incremental.partitions")
		}
	}
	return in, nil
}

// missing tells of a column that is not there.
func (f *Filter) missing(name string) error {
	all := make([]string, f.in.NumFields())
	for i, c := range f.in.Fields() {
		all[i] = c.Name
	}
	at := "incremental.column"
	if len(f.by.Partitions) > 0 {
		at = "incremental.partitions"
	}
	return fault.New(f.code, "incremental column %q is not among the columns that the prepare steps give: %s", name, strings.Join(all, ", ")).At("%s", at).
		WithHint("rows are cut to the interval behind the steps; name a column that they keep")
}

// Reads names the columns that tell the day.
func (f *Filter) Reads() []string {
	if len(f.by.Partitions) > 0 {
		return f.by.Partitions
	}
	return []string{f.by.Column}
}

// String names what it looks at.
func (f *Filter) String() string { return fmt.Sprintf("interval by %s", strings.Join(f.Reads(), ", ")) }

// manyRuns is how many runs of rows a batch may fall into before its rows are
// copied instead of handed on in slices.
const manyRuns = 8

// Process hands on the rows of the interval.
func (f *Filter) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	n := int(in.Rows())
	if cap(f.keep) < n {
		f.keep = make([]bool, n)
	}
	keep := f.keep[:n]
	var kept int
	if f.clock != nil {
		kept = f.clock.Mark(in.Record.Column(f.columns[0]), f.lo, f.hi, keep)
	} else {
		kept = f.markPartitions(in.Record, keep)
	}
	switch kept {
	case 0:
		return nil
	case n:
		in.Retain()
		return emit(in)
	}
	runs := runsOf(keep)
	if len(runs) > manyRuns {
		return f.copied(ctx, in.Record, keep, emit)
	}
	for _, r := range runs {
		out := flow.Batch{Record: in.Record.NewSlice(int64(r[0]), int64(r[1])), Position: in.Position}
		if out.Position.Object != "" {
			out.Position.Row += int64(r[0])
		}
		if err := emit(out); err != nil {
			return err
		}
	}
	return nil
}

// runsOf gives the runs of true.
func runsOf(keep []bool) (runs [][2]int) {
	for i := 0; i < len(keep); i++ {
		if !keep[i] {
			continue
		}
		from := i
		for i < len(keep) && keep[i] {
			i++
		}
		runs = append(runs, [2]int{from, i})
	}
	return runs
}

func (f *Filter) copied(ctx context.Context, r arrow.RecordBatch, keep []bool, emit flow.Emit) error {
	b := array.NewBooleanBuilder(compute.GetAllocator(ctx))
	defer b.Release()
	b.AppendValues(keep, nil)
	mask := b.NewArray()
	defer mask.Release()
	out, err := compute.FilterRecordBatch(ctx, r, mask, compute.DefaultFilterOptions())
	if err != nil {
		return fault.Wrap(err, f.code, "rows cannot be cut to the interval")
	}
	return emit(flow.Batch{Record: out})
}

// markPartitions is Mark over the columns of year, month and day.
func (f *Filter) markPartitions(r arrow.RecordBatch, keep []bool) (kept int) {
	year, month, day := wholes(r.Column(f.columns[0])), wholes(r.Column(f.columns[1])), wholes(r.Column(f.columns[2]))
	last, in := [3]int64{-1, -1, -1}, false // rows of a day often stand together
	for i := range keep {
		keep[i] = false
		y, yes := year(i)
		m, yes2 := month(i)
		d, yes3 := day(i)
		if !yes || !yes2 || !yes3 {
			continue
		}
		if now := [3]int64{y, m, d}; now != last {
			last = now
			in = f.holds(y, m, d)
		}
		if keep[i] = in; in {
			kept++
		}
	}
	return kept
}

// holds reports whether a day that exists is in the interval.
func (f *Filter) holds(y, m, d int64) bool {
	if y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > 31 {
		return false
	}
	t := time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC)
	us := t.UnixMicro()
	return t.Day() == int(d) && us >= f.lo && us < f.hi
}

// wholes reads a column of whole numbers, also written as text.
func wholes(a arrow.Array) func(int) (int64, bool) {
	switch x := a.(type) {
	case *array.Int32:
		return func(i int) (int64, bool) { return int64(x.Value(i)), x.IsValid(i) }
	case *array.Int64:
		return func(i int) (int64, bool) { return x.Value(i), x.IsValid(i) }
	case *array.String:
		return func(i int) (int64, bool) {
			if x.IsNull(i) {
				return 0, false
			}
			n, err := strconv.ParseInt(x.Value(i), 10, 64)
			return n, err == nil
		}
	}
	return func(int) (int64, bool) { return 0, false }
}

// Flush has nothing left.
func (f *Filter) Flush(context.Context, flow.Emit) error { return nil }

// Close has nothing to give back.
func (f *Filter) Close() error { return nil }

// Fork opens another copy for another worker.
func (f *Filter) Fork(ctx context.Context) (flow.Stage, error) {
	g := &Filter{by: f.by, lo: f.lo, hi: f.hi, code: f.code}
	_, err := g.Open(ctx, f.in)
	return g, err
}
