package featureset

import (
	"context"
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// faultySQL answers with fewer rows, or not at all.
type faultySQL struct {
	fakeSQL
	err error
}

func (f *faultySQL) Expressions(ctx context.Context, in *flow.Schema, x []flow.Expr) (flow.Evaluator, error) {
	e, err := f.fakeSQL.Expressions(ctx, in, x)
	return faultyEval{e, f.err}, err
}

type faultyEval struct {
	flow.Evaluator
	err error
}

func (e faultyEval) Eval(ctx context.Context, r flow.Record) (flow.Record, error) {
	if e.err != nil {
		return nil, e.err
	}
	all, err := e.Evaluator.Eval(ctx, r)
	if err != nil {
		return nil, err
	}
	defer all.Release()
	return all.NewSlice(0, r.NumRows()-1), nil
}

type refusing struct{ err error }

func (r refusing) Reject(context.Context, flow.Rejection) error { return r.err }

// Whatever fails on the way, the error comes back as it is and nothing is kept.
func TestSelect_Failures_ReleaseEverything(t *testing.T) {
	broken := errors.New("broken")
	fine := map[string]fakeExpr{"v": {[]string{"v"}, "bigint", func(r map[string]string) string { return r["v"] }}}
	for _, c := range []struct {
		name string
		sql  flow.SQL
		emit error
		rej  error
		rows []string
		want func(error) bool
	}{
		{"engine", &faultySQL{fakeSQL{known: fine}, broken}, nil, nil, nil, func(err error) bool { return errors.Is(err, broken) }},
		{"lost rows", &faultySQL{fakeSQL{known: fine}, nil}, nil, nil, nil, func(err error) bool { return fault.Is(err, LostRows) }},
		{"next stage", &fakeSQL{known: fine}, broken, nil, nil, func(err error) bool { return errors.Is(err, broken) }},
		{"dead letter", &fakeSQL{known: fine}, nil, broken, []string{"null | 2020-01-01 | 1"}, func(err error) bool { return errors.Is(err, broken) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			made, err := New(plainSet("", config.Feature{Name: "q", Type: "string", SQL: "v"}), flow.Interval{},
				flow.Env{SQL: c.sql, Rejects: refusing{c.rej}, Counter: &hosttest.Counts{}})
			if err != nil {
				t.Fatal(err)
			}
			made.(*Set).mem = mem
			s := made.Steps()[0].(*Select)
			in := hosttest.Batch(t, "id integer, ts timestamp, v bigint", append([]string{"1 | 2020-01-01 | 1", "1 | 2020-01-02 | 2"}, c.rows...)...)
			if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
				t.Fatal(err)
			}
			err = s.Process(context.Background(), in, func(b flow.Batch) error { b.Release(); return c.emit })
			if !c.want(err) {
				t.Errorf("got %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Fold hands on the error of the stage after it, and gives back what it held.
func TestFold_EmitFails(t *testing.T) {
	broken := errors.New("broken")
	for name, cfg := range map[string]config.FeatureSet{
		"plain":  plainSet("", config.Feature{Name: "v"}),
		"groups": plainSet("", config.Feature{Name: "v", Aggregate: functions("sum")}),
	} {
		_, fold, _, _, err := opened(t, cfg, nil, eventColumns)
		if err != nil {
			t.Fatal(err)
		}
		emit := func(b flow.Batch) error { b.Release(); return broken }
		in := hosttest.Batch(t, "id bigint, timestamp timestamp, v double", "1 | 2020-01-01 | 1", "2 | 2020-01-01 | 1")
		err = errors.Join(fold.Process(context.Background(), in, emit), fold.Flush(context.Background(), emit))
		if !errors.Is(err, broken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Windows and what stands behind them hand on errors of the stage after, of an
// engine and of a context that is done, and give back what they held.
func TestEvents_Failures_ReleaseEverything(t *testing.T) {
	broken := errors.New("broken")
	fine := map[string]fakeExpr{"1": {nil, "bigint", func(map[string]string) string { return "1" }}}
	other := over("a", "v", config.FeatureWindow{Rows: []config.RowSpan{{N: 2, Unit: "rows"}}, PartitionBy: []string{"v"}}, "sum")
	own := over("b", "v", config.FeatureWindow{Rows: []config.RowSpan{{N: 2, Unit: "rows"}}}, "sum")
	const columns = "id bigint, ts timestamp, v bigint"
	for name, c := range map[string]struct {
		features []config.Feature
		sql      flow.SQL
		emit     error
	}{
		"fold":            {[]config.Feature{own}, nil, broken},
		"other partition": {[]config.Feature{other}, nil, broken},
		"engine": {[]config.Feature{own, {Name: "q", SQL: "b__sum_over_2_rows_row_windows"}},
			&faultySQL{fakeSQL{known: map[string]fakeExpr{"b__sum_over_2_rows_row_windows": {[]string{"b__sum_over_2_rows_row_windows"}, "bigint", fine["1"].value}}}, broken}, nil},
		"stack": {[]config.Feature{own, {Name: "s", Stack: []string{"v", "b__sum_over_2_rows_row_windows"}}}, nil, broken},
	} {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			made, err := New(plainSet("", c.features...), flow.Interval{}, flow.Env{SQL: c.sql, Rejects: refusing{}, Counter: &hosttest.Counts{}})
			if err != nil {
				t.Fatal(err)
			}
			set := made.(*Set)
			set.mem = mem
			ctx := context.Background()
			stages := append(set.Steps(), set.Fold())
			schema := hosttest.Record(t, columns).Schema()
			schemas := []*flow.Schema{schema}
			for _, s := range stages {
				if schema, err = s.Open(ctx, schema); err != nil {
					t.Fatal(err)
				}
				schemas = append(schemas, schema)
			}
			rows := &hosttest.Recorder{Batches: []flow.Batch{hosttest.Batch(t, columns, "1 | 2020-01-01 | 1", "1 | 2020-01-02 | 2", "2 | 2020-01-02 | 1")}}
			failed := false
			for i, s := range stages {
				last := i == len(stages)-1
				if _, ok := s.(*Stack); ok && c.emit != nil {
					last = true
				}
				in := join(t, rows, schemas[i])
				rows.Release()
				emit := rows.Emit
				if last && c.emit != nil {
					emit = func(b flow.Batch) error { b.Release(); return c.emit }
				}
				err := errors.Join(s.Process(ctx, flow.Batch{Record: in}, emit), s.Flush(ctx, emit))
				in.Release()
				if err != nil {
					failed = errors.Is(err, broken)
					break
				}
			}
			rows.Release()
			if !failed {
				t.Error("nothing failed")
			}
			for _, s := range stages {
				if err := errors.Join(s.Close(), s.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
