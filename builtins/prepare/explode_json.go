package prepare

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/builtins/prepare/jsonrows"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// ExplodeJSON makes columns of the fields of the JSON texts of a column, by
// the rules of jsonrows. The column stays. A field of the name of another
// column takes its place; the others come behind, in the order declared.
//
// It is a flow.Stateless that reads its column. Values that a declared type
// cannot hold are counted as "cast_failures" of their field, texts that are no
// JSON object as "bad_json" of the column.
// Rule: S-505.
type ExplodeJSON struct {
	cfg config.ExplodeJSON
	env flow.Env
	mem memory.Allocator

	in, out *flow.Schema
	at      int
	to      []int // by field, its column of out
	plain   *cast.Cast
	decoder *jsonrows.Decoder
}

// NewExplodeJSON is the parts.StageFactory of `use = "explode_json"`.
func NewExplodeJSON(cfg config.Stage, _ parts.Place, env flow.Env) (flow.Stage, error) {
	if cfg.ExplodeJSON == nil {
		return nil, missing("explode_json", "column")
	}
	return &ExplodeJSON{cfg: *cfg.ExplodeJSON, env: env, mem: memory.DefaultAllocator}, nil
}

// Open reads the declared types and finds the column.
func (e *ExplodeJSON) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) {
	if len(e.cfg.Schema) == 0 {
		return nil, fault.New(BadSetting, "explode_json has no `schema`").At("schema").WithHint(`add the fields to take, as in schema = { id = "bigint" }`)
	}
	at, err := find(in, "explode_json", "column", e.cfg.Column)
	if err != nil {
		return nil, err
	}
	typ := in.Field(at).Type
	e.plain, err = cast.Widen(typ)
	if err != nil || e.plain.To().ID() != arrow.STRING && e.plain.To().ID() != arrow.BINARY {
		return nil, badType("column", e.cfg.Column, typ, "a column of JSON texts")
	}
	var fields []flow.Field
	for _, c := range e.cfg.Schema {
		place := "schema." + c.Name
		if c.Name == e.cfg.Column {
			return nil, fault.New(BadSetting, "the field %q has the name of the column it is taken from, which stays", c.Name).At("%s", place).
				WithHint("name the column otherwise where it is made")
		}
		t, err := schema.ParseType(c.Type)
		if err != nil {
			return nil, fault.Wrap(err, BadSetting, "the type of the field %q is not known", c.Name).At("%s", place)
		}
		fields = append(fields, flow.Field{Name: c.Name, Type: t, Nullable: true})
	}
	if e.decoder, err = jsonrows.New(flow.NewSchema(fields)); err != nil {
		bad := fault.As(err)
		return nil, bad.At("schema.%s", bad.Place)
	}
	e.at, e.in, e.out, e.to = at, in, in, nil
	for _, f := range fields {
		to := e.out.NumFields()
		if old := in.FieldIndices(f.Name); len(old) > 0 {
			to = old[0]
		}
		e.out, e.to = with(e.out, to, f), append(e.to, to)
	}
	return e.out, nil
}

// Reads names the column.
func (e *ExplodeJSON) Reads() []string { return []string{e.cfg.Column} }

// Process takes the fields of a batch.
func (e *ExplodeJSON) Process(_ context.Context, in flow.Batch, emit flow.Emit) error {
	n := in.Rows()
	if n == 0 {
		return nil
	}
	texts, _ := e.plain.Apply(e.mem, in.Record.Column(e.at))
	defer texts.Release()
	rows, err := e.decoder.Decode(e.mem, texts)
	if err != nil {
		return err
	}
	defer rows.Release()
	columns := make([]arrow.Array, e.out.NumFields())
	copy(columns, in.Record.Columns())
	for i, c := range rows.Columns {
		columns[e.to[i]] = c
		if rows.Failed[i] > 0 {
			e.env.Counter.Add("cast_failures", e.cfg.Schema[i].Name, rows.Failed[i])
		}
	}
	if len(rows.Bad) > 0 {
		e.env.Counter.Add("bad_json", e.cfg.Column, int64(len(rows.Bad)))
	}
	return emit(flow.Batch{Record: array.NewRecordBatch(e.out, columns, n), Position: in.Position})
}

// Flush has nothing left.
func (e *ExplodeJSON) Flush(context.Context, flow.Emit) error { return nil }

// Close has nothing to give back.
func (e *ExplodeJSON) Close() error { return nil }

// Fork opens another copy for another worker.
func (e *ExplodeJSON) Fork(ctx context.Context) (flow.Stage, error) {
	g := &ExplodeJSON{cfg: e.cfg, env: e.env, mem: e.mem}
	if _, err := g.Open(ctx, e.in); err != nil {
		return nil, err
	}
	return g, nil
}
