package window_test

import (
	"context"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/window"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// record makes rows of the test table.
func record(events []event) flow.Record {
	s, err := schema.Parse(columns)
	if err != nil {
		panic(err)
	}
	b := array.NewRecordBuilder(scribbler{memory.DefaultAllocator}, s)
	defer b.Release()
	for _, e := range events {
		if e.k == nil {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.Int64Builder).Append(*e.k)
		}
		if e.t == noTime {
			b.Field(1).AppendNull()
		} else {
			b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(e.t))
		}
		for i := 2; i < s.NumFields(); i++ {
			v := e.v[s.Field(i).Name]
			if v == nil {
				b.Field(i).AppendNull()
				continue
			}
			switch x := b.Field(i).(type) {
			case *array.Float64Builder:
				x.Append(v.(float64))
			case *array.Float32Builder:
				x.Append(float32(v.(float64)))
			case *array.Int64Builder:
				x.Append(v.(int64))
			case *array.Int32Builder:
				x.Append(int32(v.(int64)))
			case *array.StringBuilder:
				x.Append(v.(string))
			case *array.BooleanBuilder:
				x.Append(v.(bool))
			case *array.Date32Builder:
				x.Append(arrow.Date32(v.(int64)))
			case *array.Decimal128Builder:
				x.Append(decimal128.FromI64(v.(int64)))
			}
		}
	}
	return b.NewRecordBatch()
}

const noTime = math.MinInt64

// scribbler writes over memory that is given back, so that whoever still
// looks at it is found out.
type scribbler struct{ memory.Allocator }

func (s scribbler) Free(b []byte) {
	for i := range b {
		b[i] = 0xAA
	}
	s.Allocator.Free(b)
}

func extentOf(events []event) flow.Extent {
	x := flow.Extent{Rows: int64(len(events))}
	for i, e := range events {
		if i == 0 {
			x.MinTime, x.MaxTime, x.Timed = e.t, e.t, true
		}
		x.MinTime, x.MaxTime = min(x.MinTime, e.t), max(x.MaxTime, e.t)
	}
	return x
}

// rowsOf runs a stage over events cut into batches at cuts, and gives its
// rows as text.
func rowsOf(t rapid.TB, s flow.Stage, events []event, cuts ...int) []string {
	t.Helper()
	text, err := run(s, events, cuts...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func run(s flow.Stage, events []event, cuts ...int) ([]string, error) {
	ctx := context.Background()
	all := record(events)
	defer all.Release()
	out, err := s.Open(ctx, all.Schema())
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if b, ok := s.(flow.Bounded); ok {
		b.Bound(extentOf(events))
	}
	var text strings.Builder
	emit := func(b flow.Batch) error {
		if !b.Record.Schema().Equal(out) {
			panic("batch of another schema")
		}
		text.WriteString(textOf(b.Record))
		b.Release()
		return nil
	}
	from := 0
	for _, to := range append(cuts, len(events)) {
		if to < from {
			continue
		}
		// A copy, not a slice, and gone after the call: nothing may be kept.
		part := record(events[from:to])
		err := s.Process(ctx, flow.Batch{Record: part, Position: flow.Position{Object: "test", Row: int64(from)}}, emit)
		part.Release()
		if err != nil {
			return nil, err
		}
		from = to
	}
	if err := s.Flush(ctx, emit); err != nil {
		return nil, err
	}
	if text.Len() == 0 {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n"), nil
}

// textOf is hosttest.Text, with the values of lists as those of columns.
func textOf(r flow.Record) string {
	var b strings.Builder
	for i := range int(r.NumRows()) {
		for c := range int(r.NumCols()) {
			if c > 0 {
				b.WriteString(" | ")
			}
			l, ok := r.Column(c).(*array.List)
			if !ok || l.IsNull(i) {
				b.WriteString(hosttest.Value(r.Column(c), i))
				continue
			}
			from, to := l.ValueOffsets(i)
			parts := []string{}
			for j := from; j < to; j++ {
				parts = append(parts, hosttest.Value(l.ListValues(), int(j)))
			}
			b.WriteString("[" + strings.Join(parts, ", ") + "]")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// differ compares rows and reports the first difference.
func differ(t rapid.TB, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "(none)", "(none)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g == w {
			continue
		}
		gs, ws := strings.Split(g, " | "), strings.Split(w, " | ")
		for c := range min(len(gs), len(ws)) {
			if gs[c] != ws[c] {
				t.Errorf("column %d: %s, want %s", c, gs[c], ws[c])
			}
		}
		around := func(rows []string) string {
			return strings.Join(rows[min(len(rows), max(0, i-9)):min(len(rows), i+3)], "\n")
		}
		t.Fatalf("row %d of %d, want %d rows\n got %s\nwant %s\n got all around:\n%s\nwant all around:\n%s", i, len(got), len(want), g, w, around(got), around(want))
	}
}

// functionsOf lists what may be asked of each column of the test table.
func functionsOf(column string) []window.Function {
	types, err := schema.Parse(columns)
	if err != nil {
		panic(err)
	}
	at := types.FieldIndices(column)[0]
	var out []window.Function
	for _, f := range append(window.Functions(), window.ModeText, window.MostFrequentSetText) {
		if _, err := window.ResultType(f, types.Field(at).Type); err == nil {
			out = append(out, f)
		}
	}
	return out
}

// everything aggregates each column by each function, over n windows.
func everything(n int, columns ...string) []window.Aggregate {
	var out []window.Aggregate
	for _, c := range columns {
		for _, f := range functionsOf(c) {
			out = append(out, aggregate(c, f, n))
		}
	}
	return out
}

// something aggregates each column by a few functions, over n windows.
func something(t *rapid.T, n int, columns ...string) []window.Aggregate {
	var out []window.Aggregate
	for _, c := range columns {
		for range rapid.IntRange(1, 5).Draw(t, "functions") {
			out = append(out, aggregate(c, rapid.SampledFrom(functionsOf(c)).Draw(t, "function"), n))
		}
	}
	return out
}

func aggregate(column string, f window.Function, n int) window.Aggregate {
	a := window.Aggregate{Column: column, Function: f}
	switch f {
	case window.Percentile:
		a.Params.P = 0.9
	case window.TopK, window.BottomK, window.FirstK, window.LastK:
		a.Params.K = 3
	}
	for w := range n {
		a.Outputs = append(a.Outputs, column+"__"+f.String()+"_"+string(rune('a'+w)))
	}
	return a
}

// drawEvents draws sorted events of few keys; times are multiples of unit.
func drawEvents(t *rapid.T, unit, from, to int64, nullKeys bool) []event {
	doubles := rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, 0.1, 0.2, -0.3, 1e16, -1e16, 1e9 + 0.1, 1e9 + 0.7, 12.34, 56.78, 1e-300, 5e-324, math.MaxFloat64,
		math.NaN(), math.Inf(1), math.Inf(-1)})
	events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event {
		e := event{t: rapid.Int64Range(from, to).Draw(t, "t") * unit, v: map[string]any{}}
		if k := rapid.Int64Range(0, 3).Draw(t, "k"); k > 0 || !nullKeys {
			e.k = &k
		}
		may := func(column string, v any) {
			if rapid.IntRange(0, 4).Draw(t, column+" null") > 0 {
				e.v[column] = v
			}
		}
		may("f", doubles.Draw(t, "f"))
		may("g", float64(float32(doubles.Draw(t, "g"))))
		may("i", rapid.SampledFrom([]int64{0, 1, -1, 7, 9, 1 << 53, 1<<53 + 1, -(1 << 60)}).Draw(t, "i"))
		may("n", rapid.Int64Range(math.MinInt32, math.MaxInt32).Draw(t, "n"))
		may("d", rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "d"))
		may("s", rapid.SampledFrom([]string{"", "a", "b", "ab", "é"}).Draw(t, "s"))
		may("b", rapid.Bool().Draw(t, "b"))
		may("p", rapid.Bool().Draw(t, "p"))
		may("q", rapid.IntRange(0, 9).Draw(t, "q") == 0)
		return e
	}), 0, 40).Draw(t, "events")
	sortEvents(events)
	return events
}

func drawCuts(t *rapid.T, n int) []int {
	if rapid.Bool().Draw(t, "one by one") {
		cuts := make([]int, n)
		for i := range cuts {
			cuts[i] = i
		}
		return cuts
	}
	cuts := rapid.SliceOfN(rapid.IntRange(0, n), 0, 6).Draw(t, "cuts")
	for i := 1; i < len(cuts); i++ { // ascending
		cuts[i] = max(cuts[i], cuts[i-1])
	}
	return cuts
}
