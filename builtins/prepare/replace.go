package prepare

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/builtins/internal/buffers"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// Replace changes the texts of a column that a map knows, each once; others
// and nulls stay as they are. It is a flow.Stateless that reads its column. A
// batch without such a text is handed on without a copy.
// Rule: S-502.
type Replace struct {
	cfg config.Replace
	mem memory.Allocator

	in, out *flow.Schema
	at      int
	plain   *cast.Cast
	// known holds the texts of the map by their length, those from 63 on
	// together: most texts need no look into the map.
	known [64][]string
	hits  []hit // of the present batch
}

// few is the number of texts that are faster to compare than to hash.
const few = 8

// hit is a row whose text is replaced.
type hit struct {
	row int
	by  string
}

// NewReplace is the parts.StageFactory of `use = "replace"`.
func NewReplace(cfg config.Stage, _ parts.Place, _ flow.Env) (flow.Stage, error) {
	if cfg.Replace == nil {
		return nil, missing("replace", "column")
	}
	return newReplace(*cfg.Replace, memory.DefaultAllocator), nil
}

func newReplace(cfg config.Replace, mem memory.Allocator) *Replace {
	r := &Replace{cfg: config.Replace{Column: cfg.Column, Values: maps.Clone(cfg.Values)}, mem: mem}
	for old := range cfg.Values {
		n := min(len(old), 63)
		r.known[n] = append(r.known[n], old)
	}
	return r
}

// Open finds the column.
func (r *Replace) Open(_ context.Context, in *flow.Schema) (*flow.Schema, error) {
	if len(r.cfg.Values) == 0 {
		return nil, fault.New(BadSetting, "replace has no `values`").At("values").WithHint(`add values = { old = "new" }`)
	}
	at, err := find(in, "replace", "column", r.cfg.Column)
	if err != nil {
		return nil, err
	}
	typ := in.Field(at).Type
	r.plain, err = cast.Widen(typ)
	if err != nil || r.plain.To().ID() != arrow.STRING {
		return nil, badType("column", r.cfg.Column, typ, "a text column, the only kind that replace changes")
	}
	r.at, r.in, r.out = at, in, in
	if !r.plain.Identity() {
		f := in.Field(at)
		f.Type = r.plain.To()
		r.out = with(in, at, f)
	}
	return r.out, nil
}

// Reads names the column.
func (r *Replace) Reads() []string { return []string{r.cfg.Column} }

// Process replaces the texts of a batch.
func (r *Replace) Process(_ context.Context, in flow.Batch, emit flow.Emit) error {
	n := in.Rows()
	if n == 0 {
		return nil
	}
	a, _ := r.plain.Apply(r.mem, in.Record.Column(r.at))
	texts := a.(*array.String)
	defer texts.Release()
	grown := r.look(texts)
	if len(r.hits) == 0 && r.plain.Identity() {
		in.Retain()
		return emit(in)
	}
	if total := int64(len(texts.ValueBytes())) + grown; total > math.MaxInt32 {
		return fault.New(TextsTooLong, "column %q has %d bytes of text in one batch: expected at most %d", r.cfg.Column, total, math.MaxInt32).
			WithHint("lower batch_rows in the [pipeline] table")
	}
	replaced := r.rewrite(texts, grown)
	defer replaced.Release()
	columns := append([]arrow.Array(nil), in.Record.Columns()...)
	columns[r.at] = replaced
	return emit(flow.Batch{Record: array.NewRecordBatch(r.out, columns, n), Position: in.Position})
}

// look finds the rows to replace and by how many bytes the text grows.
func (r *Replace) look(texts *array.String) (grown int64) {
	r.hits = r.hits[:0]
	from := texts.ValueOffset(0)
	for i, to := range texts.ValueOffsets()[1:] {
		n := int(to) - from
		from = int(to)
		known := r.known[min(n, 63)]
		if len(known) == 0 {
			continue
		}
		s := texts.Value(i)
		if len(known) > few || slices.Contains(known, s) {
			if by, ok := r.cfg.Values[s]; ok && texts.IsValid(i) {
				r.hits = append(r.hits, hit{i, by})
				grown += int64(len(by) - n)
			}
		}
	}
	return grown
}

// rewrite copies the texts, those between two hits at once.
func (r *Replace) rewrite(texts *array.String, grown int64) arrow.Array {
	if len(r.hits) == 0 {
		texts.Retain()
		return texts
	}
	n := texts.Len()
	ends := texts.ValueOffsets()
	var old []byte
	if b := texts.Data().Buffers()[2]; b != nil { // there may be none when all texts are empty
		old = b.Bytes()
	}
	offsets := buffers.New(r.mem, (n+1)*4)
	out := arrow.GetData[int32](offsets.Bytes())
	bytes := buffers.New(r.mem, int(int64(ends[n]-ends[0])+grown))
	data := bytes.Bytes()[:0]
	from := 0
	until := func(row int) {
		shift := int32(len(data)) - ends[from]
		for i := from; i < row; i++ {
			out[i] = ends[i] + shift
		}
		data = append(data, old[ends[from]:ends[row]]...)
	}
	for _, h := range r.hits {
		until(h.row)
		out[h.row] = int32(len(data))
		data = append(data, h.by...)
		from = h.row + 1
	}
	until(n)
	out[n] = int32(len(data))
	v := newPresence(r.mem, n)
	for i := range n {
		if texts.IsValid(i) {
			v.set(i)
		}
	}
	bits, nulls := v.done()
	return buffers.Column(arrow.BinaryTypes.String, n, nulls, bits, offsets, bytes)
}

// Flush has nothing left.
func (r *Replace) Flush(context.Context, flow.Emit) error { return nil }

// Close has nothing to give back.
func (r *Replace) Close() error { return nil }

// Fork opens another copy for another worker.
func (r *Replace) Fork(ctx context.Context) (flow.Stage, error) {
	g := newReplace(r.cfg, r.mem)
	if _, err := g.Open(ctx, r.in); err != nil {
		return nil, err
	}
	return g, nil
}
