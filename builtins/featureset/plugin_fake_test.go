package featureset

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// fakeMap stands for a plugin: it divides one column by another, in pieces of
// at most two rows, as a plugin with max_batch_rows does.
type fakeMap struct {
	over, under, into string
	drop              bool // leaves a row out
	closed            *atomic.Int64
	in, out           *flow.Schema
}

func (m *fakeMap) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) {
	for _, n := range m.Reads() {
		if len(in.FieldIndices(n)) == 0 {
			return nil, fault.New(1010, "no column %q", n)
		}
		if typ := in.Field(in.FieldIndices(n)[0]).Type; typ.ID() != arrow.FLOAT64 {
			return nil, fault.New(1011, "column %q is %s", n, typ)
		}
	}
	m.in = in
	m.out = flow.NewSchema(append(append([]flow.Field(nil), in.Fields()...), flow.Field{Name: m.into, Type: arrow.PrimitiveTypes.Float64, Nullable: true}))
	m.closed.Add(1)
	return m.out, nil
}

func (m *fakeMap) Reads() []string { return []string{m.over, m.under} }

func (m *fakeMap) Fork(context.Context) (flow.Stage, error) {
	m.closed.Add(1)
	g := *m
	return &g, nil
}

func (m *fakeMap) Process(_ context.Context, in flow.Batch, emit flow.Emit) error {
	for at := int64(0); at < in.Rows(); at += 2 {
		one := in.Record.NewSlice(at, min(at+2, in.Rows()))
		a := one.Column(m.in.FieldIndices(m.over)[0]).(*array.Float64)
		b := one.Column(m.in.FieldIndices(m.under)[0]).(*array.Float64)
		made := array.NewFloat64Builder(memory.DefaultAllocator)
		for i := range a.Len() {
			if a.IsNull(i) || b.IsNull(i) || b.Value(i) == 0 {
				made.AppendNull()
			} else {
				made.Append(a.Value(i) / b.Value(i))
			}
		}
		col := made.NewArray()
		made.Release()
		out := array.NewRecordBatch(m.out, append(append([]arrow.Array(nil), one.Columns()...), col), one.NumRows())
		col.Release()
		one.Release()
		if m.drop {
			less := out.NewSlice(0, out.NumRows()-1)
			out.Release()
			out = less
		}
		if err := emit(flow.Batch{Record: out}); err != nil {
			return err
		}
	}
	return nil
}

func (m *fakeMap) Flush(context.Context, flow.Emit) error { return nil }

func (m *fakeMap) Close() error {
	if m.in != nil {
		m.in = nil
		m.closed.Add(-1)
	}
	return nil
}

// keyedPlugin stands for a plugin of another kind.
type keyedPlugin struct{ flow.Stage }

func (keyedPlugin) Close() error { return nil }

// fakePlugins lends the plugins "ratio", "fewer" and "keyed". open counts the
// copies that are open.
func fakePlugins(t testing.TB, open *atomic.Int64) func(context.Context, string, map[string]any) (flow.Stage, error) {
	if open == nil {
		open = &atomic.Int64{}
		t.Cleanup(func() {
			if n := open.Load(); n != 0 {
				t.Errorf("%d plugins were left open", n)
			}
		})
	}
	return func(_ context.Context, use string, config map[string]any) (flow.Stage, error) {
		text := func(key string) string { s, _ := config[key].(string); return s }
		switch use {
		case "ratio", "fewer":
			return &fakeMap{over: text("over"), under: text("under"), into: text("into"), drop: use == "fewer", closed: open}, nil
		case "keyed":
			return keyedPlugin{}, nil
		}
		return nil, fault.New(201, "unknown plugin %q", use)
	}
}
