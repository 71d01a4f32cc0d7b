package window

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// outputRows is the number of rows in a full output batch.
const outputRows = 8192

// nullTime stands for a null among times; it is no time of its own.
const nullTime = math.MinInt64

// The timestamps that are taken: years 0001 to 9999 (S-105).
const (
	minTime = -62_135_596_800_000_000
	maxTime = 253_402_300_799_999_999
)

// fold is what Sweep and Group share: the open input rows, the schedule that
// they write, and the kernels that turn it into output rows.
type fold struct {
	spec    Spec
	in, out *flow.Schema
	pool    *pool

	keys    []key
	keyAt   []int
	timeAt  int
	inputs  []input
	inputAt []int
	kernels []bound

	labels   fixed[int64]
	features []output // in the order of the schema

	// Open input rows: those of the inputs, times, and batches that texts
	// point into.
	times []int64
	held  []held
	fresh []bool // of the present batch: a key begins here

	// The schedule: row r stands at labels.vals[r], moves[w] says what window
	// w holds.
	moves []moves
	rows  int // scheduled
	done  int // computed by the kernels
	begun bool
	runs  []run
}

// bound is a kernel with the number of its window.
type bound struct {
	kernel
	window int
}

// held is a batch that open rows before end point into.
type held struct {
	rows flow.Record
	end  int
}

// moves are the moves of a window not yet computed. There is room for one in
// each output row, and one more.
type moves struct {
	list [outputRows + 1]move
	n    int
}

// run says that output rows up to a number have the key of a batch's row.
type run struct{ row, upto int }

func (f *fold) reads() []string {
	seen := map[string]bool{}
	var names []string
	add := func(n string) {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	for _, k := range f.spec.Keys {
		add(k)
	}
	add(f.spec.Time)
	for _, a := range f.spec.Aggregates {
		add(a.Column)
	}
	return names
}

// load appends the rows of a batch to the open rows and finds where keys
// begin. It gives the number of the first of them.
func (f *fold) load(rec flow.Record) int {
	base, n := len(f.times), int(rec.NumRows())
	alias := false
	for i, in := range f.inputs {
		in.load(rec.Column(f.inputAt[i]))
		alias = alias || in.aliases()
	}
	f.fresh = grown(f.fresh, n)
	clear(f.fresh)
	for i, k := range f.keys {
		k.load(rec.Column(f.keyAt[i]))
		k.change(f.fresh)
	}
	if alias {
		rec.Retain()
		f.held = append(f.held, held{rec, base + n})
	}
	f.times = append(f.times, plain[int64](rec.Column(f.timeAt))...)
	return base
}

// row schedules a row at a label; the caller has noted the windows' moves.
func (f *fold) row(label int64) {
	f.labels.vals[f.rows] = label
	f.rows++
}

// ready makes room for one more row.
func (f *fold) ready(ctx context.Context, key int, emit flow.Emit) error {
	if f.rows == outputRows {
		f.close(key)
		if err := f.flush(ctx, emit); err != nil {
			return err
		}
	}
	if !f.begun {
		f.begun = true
		for _, k := range f.keys {
			k.begin(f.pool, outputRows)
		}
		f.labels.begin(f.pool, outputRows)
		for _, o := range f.features {
			o.begin(f.pool, outputRows)
		}
	}
	return nil
}

// close ends the output rows of the key at a row of the batch.
func (f *fold) close(row int) {
	last := f.done
	if n := len(f.runs); n > 0 {
		last = f.runs[n-1].upto
	}
	if f.rows > last {
		f.runs = append(f.runs, run{row, f.rows})
	}
}

// compute runs the kernels over the rows scheduled since the last time. The
// rows' keys must be closed.
func (f *fold) compute() error {
	if f.done == f.rows {
		return nil
	}
	for _, k := range f.kernels {
		if bad := k.run(f.moves[k.window].list[:f.moves[k.window].n], f.done, f.rows); bad >= 0 {
			return fault.New(Overflow, "feature %q of key (%s) at %s does not fit its type",
				k.feature(), f.keyText(bad), time.UnixMicro(f.labels.vals[bad]).UTC().Format(time.RFC3339Nano)).
				WithHint("cast the column to double before, if an approximate value will do")
		}
	}
	for w := range f.moves {
		f.moves[w].n = 0
	}
	from := f.done
	for _, r := range f.runs {
		for _, k := range f.keys {
			k.fill(r.row, from, r.upto)
		}
		from = r.upto
	}
	f.runs = f.runs[:0]
	f.done = f.rows
	return nil
}

// keyText gives the key of a scheduled row.
func (f *fold) keyText(row int) string {
	for _, r := range f.runs {
		if row < r.upto {
			var parts []string
			for i, k := range f.keys {
				parts = append(parts, f.spec.Keys[i]+" = "+k.text(r.row))
			}
			return strings.Join(parts, ", ")
		}
	}
	return ""
}

// flush emits the rows scheduled.
func (f *fold) flush(ctx context.Context, emit flow.Emit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f.compute(); err != nil {
		return err
	}
	if f.rows == 0 {
		return nil
	}
	n := f.rows
	f.labels.valid.put(0, n, 1)
	for r, t := range f.labels.vals[:n] {
		if t == nullTime {
			f.labels.valid.unset(r)
		}
	}
	columns := make([]arrow.Array, 0, f.out.NumFields())
	for _, k := range f.keys {
		columns = append(columns, k.finish(n))
	}
	columns = append(columns, f.labels.finish(n))
	for _, o := range f.features {
		columns = append(columns, o.finish(n))
	}
	f.abandon()
	rec := array.NewRecordBatch(f.out, columns, int64(n))
	for _, c := range columns {
		c.Release()
	}
	f.rows, f.done = 0, 0
	return emit(flow.Batch{Record: rec})
}

// abandon gives back the room for output rows.
func (f *fold) abandon() {
	for _, k := range f.keys {
		k.abandon()
	}
	f.labels.abandon()
	for _, o := range f.features {
		o.abandon()
	}
	f.begun = false
}

// settle ends the work on a batch: what later rows need of it is kept, and
// the first dead open rows are dropped once they are worth the copying.
func (f *fold) settle(dead int) (dropped int, err error) {
	if err := f.compute(); err != nil {
		return 0, err
	}
	for _, k := range f.keys {
		k.carry()
	}
	if dead < len(f.times)/2 || dead == 0 {
		return 0, nil
	}
	for _, k := range f.kernels {
		k.drop(int32(dead))
	}
	for _, in := range f.inputs {
		in.drop(dead)
	}
	f.times = f.times[:copy(f.times, f.times[dead:])]
	kept := f.held[:0]
	for _, h := range f.held {
		if h.end -= dead; h.end > 0 {
			kept = append(kept, h)
		} else {
			h.rows.Release()
		}
	}
	f.held = kept
	return dead, nil
}

// release lets go of everything.
func (f *fold) release() {
	for _, h := range f.held {
		h.rows.Release()
	}
	f.held = nil
	if f.begun {
		f.abandon()
	}
}
