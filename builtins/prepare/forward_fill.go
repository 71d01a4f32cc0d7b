package prepare

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
	"github.com/featurehost/featurehost/host/parts"
)

// ForwardFill puts the last value before a null in its place, inside a series:
// the rows of equal partition_by (null equal to null) ascending by order_by,
// nulls first, and then by the canonical bytes of all their columns. Nulls
// before the first value stay.
//
// It is a flow.Keyed and hands on one row for each it got. It holds one value.
// Rule: S-503.
type ForwardFill struct {
	cfg config.ForwardFill
	mem memory.Allocator

	in, out *flow.Schema
	at, to  int // columns read and made
	series  changes
	filler  filler
}

// NewForwardFill is the parts.StageFactory of `use = "forward_fill"`.
func NewForwardFill(cfg config.Stage, _ parts.Place, _ flow.Env) (flow.Stage, error) {
	if cfg.ForwardFill == nil {
		return nil, missing("forward_fill", "column")
	}
	return newForwardFill(*cfg.ForwardFill, memory.DefaultAllocator), nil
}

func newForwardFill(cfg config.ForwardFill, mem memory.Allocator) *ForwardFill {
	if cfg.Into == "" {
		cfg.Into = cfg.Column
	}
	return &ForwardFill{cfg: cfg, mem: mem, filler: filler{mem: mem}}
}

// Open finds the columns.
func (f *ForwardFill) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	const step = "forward_fill"
	partition, err := findAll(in, step, "partition_by", f.cfg.PartitionBy)
	if err != nil {
		return nil, err
	}
	if len(f.cfg.OrderBy) == 0 {
		return nil, missing(step, "order_by")
	}
	if _, err := findAll(in, step, "order_by", f.cfg.OrderBy); err != nil {
		return nil, err
	}
	if f.at, err = find(in, step, "column", f.cfg.Column); err != nil {
		return nil, err
	}
	typ := in.Field(f.at).Type
	if !gatherable(ctx, typ) {
		return nil, badType("column", f.cfg.Column, typ, "a type whose values can be copied")
	}
	f.to = f.at
	if f.cfg.Into != f.cfg.Column {
		if len(in.FieldIndices(f.cfg.Into)) > 0 {
			return nil, fault.New(BadSetting, "`into` of forward_fill names the column %q, which is there already", f.cfg.Into).At("into").
				WithHint("choose another name, or leave `into` out to change column %q itself", f.cfg.Column)
		}
		f.to = in.NumFields()
	}
	f.series.columns = partition
	f.in, f.out = in, with(in, f.to, flow.Field{Name: f.cfg.Into, Type: typ, Nullable: true})
	return f.out, nil
}

// gatherable tells whether rows of a type can be copied.
func gatherable(ctx context.Context, t flow.DataType) bool {
	if !canonical.Supported(t) {
		return false
	}
	null := array.MakeArrayOfNull(memory.DefaultAllocator, t, 1)
	defer null.Release()
	a, err := gather(ctx, memory.DefaultAllocator, null, []int32{0})
	if err != nil {
		return false
	}
	a.Release()
	return true
}

// Order wants the rows of a series together.
func (f *ForwardFill) Order() flow.Order {
	return flow.Order{Keys: f.cfg.PartitionBy, Then: f.cfg.OrderBy}
}

// Process fills a batch.
func (f *ForwardFill) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	n := in.Rows()
	if n == 0 {
		return nil
	}
	filled, err := f.filler.fill(ctx, in.Record.Column(f.at), f.series.find(in.Record))
	if err != nil {
		return err
	}
	defer filled.Release()
	columns := append([]arrow.Array(nil), in.Record.Columns()...)
	if f.to < len(columns) {
		columns[f.to] = filled
	} else {
		columns = append(columns, filled)
	}
	return emit(flow.Batch{Record: array.NewRecordBatch(f.out, columns, n), Position: in.Position})
}

// Flush has nothing left.
func (f *ForwardFill) Flush(context.Context, flow.Emit) error { return nil }

// Close forgets the value at hand.
func (f *ForwardFill) Close() error {
	f.series.release()
	f.filler.release()
	return nil
}

// Fork opens another copy for other series.
func (f *ForwardFill) Fork(ctx context.Context) (flow.Stage, error) {
	g := newForwardFill(f.cfg, f.mem)
	if _, err := g.Open(ctx, f.in); err != nil {
		return nil, err
	}
	return g, nil
}
