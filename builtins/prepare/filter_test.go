package prepare

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine computes one condition: the boolean column keep as it is.
type engine struct {
	typ  string
	drop int // values left out of an answer
	fail error
	open int
}

func (e *engine) Expressions(_ context.Context, in *flow.Schema, x []flow.Expr) (flow.Evaluator, error) {
	if len(x) != 1 || len(in.FieldIndices("keep")) != 1 {
		return nil, fault.New(299, "no column keep")
	}
	s, err := schema.Parse("c " + e.typ)
	if err != nil {
		return nil, err
	}
	e.open++
	return &evaluator{e, s}, nil
}
func (e *engine) Convert(context.Context, flow.Foreign, string) error { return nil }
func (e *engine) Describe(context.Context, flow.Foreign) (*flow.Schema, error) {
	return nil, nil
}

type evaluator struct {
	*engine
	s *flow.Schema
}

func (e *evaluator) Schema() *flow.Schema { return e.s }
func (e *evaluator) Columns() []string    { return []string{"keep"} }
func (e *evaluator) Close() error         { e.open--; return nil }
func (e *evaluator) Eval(_ context.Context, r flow.Record) (flow.Record, error) {
	if e.fail != nil {
		return nil, e.fail
	}
	c := r.Column(r.Schema().FieldIndices("keep")[0])
	n := c.Len() - e.drop
	s := array.NewSlice(c, 0, int64(n))
	defer s.Release()
	return array.NewRecordBatch(e.s, []arrow.Array{s}, int64(n)), nil
}

func newFilter(t testing.TB, e *engine) (*Filter, *hosttest.Counts) {
	t.Helper()
	env, _, counts := hosttest.Env(t)
	env.SQL = e
	s, err := NewFilter(config.Stage{Use: "filter", Where: "keep"}, parts.Place{}, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*Filter), counts
}

const columns = "keep boolean, v bigint, s string"

// Rule: S-502.
func TestFilter_KeepsTrue_CountsTheRest(t *testing.T) {
	f, counts := newFilter(t, &engine{typ: "boolean"})
	ctx := context.Background()
	in := hosttest.Batch(t, columns, "true | 1 | a", "false | 2 | b", "null | 3 | c", "true | 4 | null")
	out, err := f.Open(ctx, in.Record.Schema())
	if err != nil || !out.Equal(in.Record.Schema()) {
		t.Fatal(out, err)
	}
	if r := f.Reads(); len(r) != 1 || r[0] != "keep" {
		t.Errorf("reads %v", r)
	}
	var rec hosttest.Recorder
	if err := f.Process(ctx, in, rec.Emit); err != nil {
		t.Fatal(err)
	}
	if got := rec.Text(); got != "true | 1 | a\ntrue | 4 | null\n" {
		t.Errorf("kept\n%s", got)
	}
	if counts.N["filtered{keep}"] != 2 {
		t.Errorf("counts %v", counts.N)
	}
	if err := f.Flush(ctx, rec.Emit); err != nil {
		t.Fatal(err)
	}
}

// Rows know their place as long as they are one run of it.
func TestFilter_Positions(t *testing.T) {
	for _, c := range []struct {
		keep string
		want flow.Position
	}{
		{"1111", flow.Position{Object: "test"}},
		{"0110", flow.Position{Object: "test", Row: 1}},
		{"1010", flow.Position{}},
	} {
		f, _ := newFilter(t, &engine{typ: "boolean"})
		var rows []string
		for _, k := range c.keep {
			rows = append(rows, map[rune]string{'1': "true | 1 | a", '0': "false | 1 | a"}[k])
		}
		in := hosttest.Batch(t, columns, rows...)
		if _, err := f.Open(context.Background(), in.Record.Schema()); err != nil {
			t.Fatal(err)
		}
		var rec hosttest.Recorder
		if err := f.Process(context.Background(), in, rec.Emit); err != nil {
			t.Fatal(err)
		}
		if got := rec.Batches[0].Position; got != c.want {
			t.Errorf("%s: position %v, want %v", c.keep, got, c.want)
		}
		if whole := rec.Batches[0].Record == in.Record; whole != (c.keep == "1111") {
			t.Errorf("%s: handed on as it is: %v", c.keep, whole)
		}
	}
}

func TestFilter_SplitBatches_SameRows_NothingLeaks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		e := &engine{typ: "boolean"}
		f := &Filter{where: "keep", mem: mem, env: flow.Env{SQL: e, Counter: &hosttest.Counts{}}}
		rows := rapid.SliceOfN(rapid.SampledFrom([]string{"true | 1 | a", "true | null | bb", "false | 2 | a", "null | 2 | null"}), 0, 60).Draw(rt, "rows")
		want := ""
		for _, r := range rows {
			if strings.HasPrefix(r, "true") {
				want += r + "\n"
			}
		}
		in := hosttest.Record(t, columns, rows...)
		if _, err := f.Open(context.Background(), in.Schema()); err != nil {
			rt.Fatal(err)
		}
		size := rapid.IntRange(1, 60).Draw(rt, "batch")
		var rec hosttest.Recorder
		for at := 0; at < len(rows); at += size {
			one := in.NewSlice(int64(at), int64(min(at+size, len(rows))))
			if err := f.Process(context.Background(), flow.Batch{Record: one}, rec.Emit); err != nil {
				rt.Fatal(err)
			}
			one.Release()
		}
		got := rec.Text()
		rec.Release()
		if err := f.Close(); err != nil || e.open != 0 {
			rt.Fatalf("%v, %d open", err, e.open)
		}
		if got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestFilter_Refuses(t *testing.T) {
	env, _, _ := hosttest.Env(t)
	if _, err := NewFilter(config.Stage{Use: "filter"}, parts.Place{}, env); !fault.Is(err, BadCondition) {
		t.Errorf("no condition: %v", err)
	}
	s, err := NewFilter(config.Stage{Where: "keep"}, parts.Place{}, env)
	if err != nil {
		t.Fatal(err)
	}
	in := hosttest.Record(t, columns).Schema()
	if _, err := s.Open(context.Background(), in); !fault.Is(err, BadCondition) {
		t.Errorf("no engine: %v", err)
	}
	e := &engine{typ: "bigint"}
	f, _ := newFilter(t, e)
	if _, err := f.Open(context.Background(), in); !fault.Is(err, BadCondition) || !strings.Contains(err.Error(), `"(keep) <> 0"`) {
		t.Errorf("a number: %v", err)
	}
	if e.open != 0 {
		t.Error("the condition was not closed")
	}
	f, _ = newFilter(t, &engine{typ: "boolean"})
	if _, err := f.Open(context.Background(), hosttest.Record(t, "x bigint").Schema()); !fault.Is(err, 299) {
		t.Errorf("the engine's own: %v", err)
	}
}

func TestFilter_EngineFails(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		e    *engine
		want func(error) bool
	}{
		{&engine{typ: "boolean", fail: broken}, func(err error) bool { return errors.Is(err, broken) }},
		{&engine{typ: "boolean", drop: 1}, func(err error) bool { return fault.Is(err, ConditionOffStep) }},
	} {
		f, _ := newFilter(t, c.e)
		in := hosttest.Batch(t, columns, "true | 1 | a")
		if _, err := f.Open(context.Background(), in.Record.Schema()); err != nil {
			t.Fatal(err)
		}
		var rec hosttest.Recorder
		if err := f.Process(context.Background(), in, rec.Emit); !c.want(err) || len(rec.Batches) > 0 {
			t.Errorf("got %v", err)
		}
	}
}

func TestFilter_Fork_OwnEvaluator(t *testing.T) {
	e := &engine{typ: "boolean"}
	f, counts := newFilter(t, e)
	in := hosttest.Batch(t, columns, "false | 1 | a")
	if _, err := f.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	g, err := f.Fork(context.Background())
	if err != nil || e.open != 2 {
		t.Fatal(err, e.open)
	}
	for _, s := range []flow.Stage{f, g} {
		if err := s.Process(context.Background(), in, nil); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if counts.N["filtered{keep}"] != 2 || e.open != 0 {
		t.Errorf("counts %v, %d open", counts.N, e.open)
	}
}
