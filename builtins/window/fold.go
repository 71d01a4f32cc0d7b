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

// fold is what Sweep and Group share: keys, times and labels beside a tally.
type fold struct {
	tally
	spec    Spec
	in, out *flow.Schema

	keys   []key
	keyAt  []int
	timeAt int

	labels fixed[int64] // row r stands at labels.vals[r]

	times []int64 // of the open rows
	fresh []bool  // of the present batch: a key begins here
	runs  []run
}

func newFold(s Spec) fold { return fold{tally: tally{pool: newPool()}, spec: s} }

// run says that output rows up to a number have the key of a batch's row.
type run struct{ row, upto int }

func (f *fold) reads() []string {
	seen := map[string]bool{"": true}
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
		add(a.Where)
	}
	if d := f.spec.Distinct; d != nil {
		for _, c := range d.Columns {
			add(c)
		}
	}
	return names
}

// load appends the rows of a batch to the open rows and finds where keys
// begin. It gives the number of the first of them.
func (f *fold) load(rec flow.Record) int {
	base := f.tally.load(rec)
	f.fresh = grown(f.fresh, int(rec.NumRows()))
	clear(f.fresh)
	for i, k := range f.keys {
		k.load(rec.Column(f.keyAt[i]))
		k.change(f.fresh)
	}
	if f.distinct != nil {
		f.distinct.load(rec, f.fresh)
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
	if f.begun && f.rows == f.most {
		f.close(key)
		if f.rows < outputRows {
			if err := f.compute(); err != nil {
				return err
			}
		}
		if f.rows == outputRows || f.heavy(outputRows) {
			if err := f.flush(ctx, emit); err != nil {
				return err
			}
		}
	}
	if !f.begun {
		for _, k := range f.keys {
			k.begin(f.pool, outputRows)
		}
		f.labels.begin(f.pool, outputRows)
		f.tally.begin(outputRows)
		f.heavy(outputRows)
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

// compute computes the rows scheduled since the last time. The rows' keys must
// be closed.
func (f *fold) compute() error {
	from := f.done
	if bad, feature := f.tally.compute(); bad >= 0 {
		return fault.New(Overflow, "feature %q of key (%s) at %s does not fit its type",
			feature, f.keyText(bad), time.UnixMicro(f.labels.vals[bad]).UTC().Format(time.RFC3339Nano)).
			WithHint("cast the column to double before, if an approximate value will do")
	}
	for _, r := range f.runs {
		for _, k := range f.keys {
			k.fill(r.row, from, r.upto)
		}
		from = r.upto
	}
	f.runs = f.runs[:0]
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
	columns = f.finish(columns)
	f.abandon()
	rec := array.NewRecordBatch(f.out, columns, int64(n))
	for _, c := range columns {
		c.Release()
	}
	return emit(flow.Batch{Record: rec})
}

// abandon gives back the room for output rows.
func (f *fold) abandon() {
	for _, k := range f.keys {
		k.abandon()
	}
	f.labels.abandon()
	f.tally.abandon()
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
	f.drop(dead)
	f.times = f.times[:copy(f.times, f.times[dead:])]
	return dead, nil
}

// release lets go of everything.
func (f *fold) release() {
	f.tally.release()
	if f.begun {
		f.abandon()
	}
}
