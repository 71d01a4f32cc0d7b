package prepare

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/host/flow"
)

// maxCells bounds an output batch: rows times columns.
const maxCells = 1 << 19

// maxRows bounds an output batch too.
const maxRows = 8192

// wide lays cells out as rows: of (group, value of the column, cell), sorted by
// group, one row for each group.
type wide struct {
	mem     memory.Allocator
	in, out *flow.Schema // of cells and of rows
	groups  int          // columns of a group
	toText  *cast.Cast
	column  map[string]int // by value as text
	null    int            // column of nulls, -1 for none

	// The cells of the group that is not yet a row, as they came.
	open   [][]arrow.Array
	border changes // of cells: where another group begins

	fillers []filler // by column; nil when nothing is filled
	series  changes  // of the rows that come out: where another series begins
	mock    bool

	from  []int32 // by column and row: the cell, or -1
	reset []bool
}

// openFor settles the rows of a pivot whose column is of type t.
func (w *wide) openFor(p *Pivot, t, cell flow.DataType) error {
	toText, err := cast.New(t, arrow.BinaryTypes.String, cast.Rules{})
	if err != nil {
		return badType("column", p.cfg.Column, t, "a type that can be written as text")
	}
	*w = wide{mem: p.mem, out: p.out, groups: len(p.cfg.GroupBy), toText: toText, column: map[string]int{}, null: p.values.null, mock: p.cfg.Mock}
	fields := append([]flow.Field(nil), p.out.Fields()[:w.groups]...)
	w.in = flow.NewSchema(append(fields, flow.Field{Name: "column", Type: t, Nullable: true}, flow.Field{Name: "cell", Type: cell, Nullable: true}))
	for i, name := range p.values.names {
		if i != w.null {
			w.column[name] = i
		}
	}
	for i := range w.groups {
		w.border.columns = append(w.border.columns, i)
	}
	if p.cfg.ForwardFill {
		w.fillers = make([]filler, len(p.values.names))
		for i := range w.fillers {
			w.fillers[i].mem = p.mem
		}
		for i := range w.groups - 1 { // all but the last
			w.series.columns = append(w.series.columns, i)
		}
	}
	return nil
}

// add takes cells, borrowed, and emits the rows that are whole: all but the
// last group's, of which more cells may come.
func (w *wide) add(ctx context.Context, r flow.Record, emit flow.Emit) error {
	if r.NumRows() == 0 {
		return nil
	}
	w.open = append(w.open, retained(r.Columns()))
	for i, fresh := range w.border.find(r) {
		if fresh && (i > 0 || len(w.open) > 1) {
			return w.emit(ctx, false, emit)
		}
	}
	return nil // cells of one group are only collected
}

// flush emits the last row.
func (w *wide) flush(ctx context.Context, emit flow.Emit) error {
	if len(w.open) == 0 {
		return nil
	}
	return w.emit(ctx, true, emit)
}

// join makes one array of each column of the open cells. The caller releases
// them.
func (w *wide) join() ([]arrow.Array, error) {
	if len(w.open) == 1 {
		return retained(w.open[0]), nil
	}
	var all []arrow.Array
	for c := range w.open[0] {
		parts := make([]arrow.Array, len(w.open))
		for i := range w.open {
			parts[i] = w.open[i][c]
		}
		one, err := array.Concatenate(parts, w.mem)
		if err != nil {
			releaseAll(all)
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func retained(arrays []arrow.Array) []arrow.Array {
	for _, a := range arrays {
		a.Retain()
	}
	return slices.Clone(arrays)
}

// starts gives the first cell of each group.
func starts(groups []arrow.Array) []int32 {
	fresh := make([]bool, groups[0].Len())
	fresh[0] = true
	for _, g := range groups {
		mark(fresh, g)
	}
	var at []int32
	for i, f := range fresh {
		if f {
			at = append(at, int32(i))
		}
	}
	return at
}

// emit makes rows of the groups whose cells are open and lets go of these; the
// last group is kept open unless this is the end.
func (w *wide) emit(ctx context.Context, last bool, emit flow.Emit) error {
	cells, err := w.join()
	if err != nil {
		return err
	}
	defer releaseAll(cells)
	at := starts(cells[:w.groups])
	end := cells[0].Len()
	w.close()
	if !last {
		end = int(at[len(at)-1])
		at = at[:len(at)-1]
		rest := make([]arrow.Array, len(cells))
		for i, c := range cells {
			rest[i] = array.NewSlice(c, int64(end), int64(c.Len()))
		}
		w.open = [][]arrow.Array{rest}
	}
	a, _ := w.toText.Apply(w.mem, cells[w.groups])
	defer a.Release()
	texts := a.(*array.String)
	step := max(1, min(maxRows, maxCells/w.out.NumFields()))
	for len(at) > 0 {
		n, to := len(at), end
		if n > step {
			n, to = step, int(at[step])
		}
		b, err := w.rows(ctx, cells, at[:n], to, texts)
		if err != nil {
			return err
		}
		if err := emit(flow.Batch{Record: b}); err != nil {
			return err
		}
		at = at[n:]
	}
	return nil
}

// rows makes a row of each group.
func (w *wide) rows(ctx context.Context, cells []arrow.Array, starts []int32, end int, texts *array.String) (flow.Record, error) {
	w.place(starts, end, texts)
	n := len(starts)
	var columns []arrow.Array
	defer func() { releaseAll(columns) }()
	for _, g := range cells[:w.groups] {
		c, err := gather(ctx, w.mem, g, starts)
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	values := cells[w.groups+1]
	for v := range w.out.NumFields() - w.groups {
		c, err := gather(ctx, w.mem, values, w.from[v*n:(v+1)*n])
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	if w.fillers != nil {
		if err := w.fill(ctx, columns, values); err != nil {
			return nil, err
		}
	}
	return array.NewRecordBatch(w.out, columns, int64(n)), nil
}

// place finds the column of each cell.
func (w *wide) place(starts []int32, end int, texts *array.String) {
	n := len(starts)
	size := n * (w.out.NumFields() - w.groups)
	if cap(w.from) < size {
		w.from = make([]int32, size)
	}
	w.from = w.from[:size]
	for i := range w.from {
		w.from[i] = -1
	}
	for row, from := range starts {
		to := end
		if row+1 < n {
			to = int(starts[row+1])
		}
		for i := int(from); i < to; i++ {
			v, ok := w.null, w.null >= 0
			if texts.IsValid(i) {
				v, ok = w.column[texts.Value(i)]
			}
			if ok {
				w.from[v*n+row] = int32(i)
			}
		}
	}
}

// fill fills the columns of the values, in place.
func (w *wide) fill(ctx context.Context, columns []arrow.Array, cells arrow.Array) error {
	n := columns[0].Len()
	keys := array.NewRecordBatch(flow.NewSchema(w.out.Fields()[:w.groups]), columns[:w.groups], int64(n))
	defer keys.Release()
	series := w.series.find(keys)
	for v := range w.fillers {
		reset := series
		if w.mock && cells.NullN() > 0 {
			// A null that is there is a value of its own: what is absent after
			// it is null too.
			reset = append(w.reset[:0], series...)
			for row, at := range w.from[v*n : (v+1)*n] {
				reset[row] = reset[row] || at >= 0 && cells.IsNull(int(at))
			}
			w.reset = reset
		}
		filled, err := w.fillers[v].fill(ctx, columns[w.groups+v], reset)
		if err != nil {
			return err
		}
		columns[w.groups+v].Release()
		columns[w.groups+v] = filled
	}
	return nil
}

func (w *wide) close() {
	for _, o := range w.open {
		releaseAll(o)
	}
	w.open = nil
}

func (w *wide) release() {
	w.close()
	w.border.release()
	w.series.release()
	for i := range w.fillers {
		w.fillers[i].release()
	}
}

func releaseAll(arrays []arrow.Array) {
	for _, a := range arrays {
		if a != nil {
			a.Release()
		}
	}
}
