package host

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
	"github.com/featurehost/featurehost/host/internal/ledger"
	"github.com/featurehost/featurehost/host/parts"
)

// Reread tells that an interval run could not place the first rows of some keys
// by the days it read, and what told it (S-1105).
type Reread struct {
	// From is "stored rows" of the historical store, or "all rows" of the
	// source, read in a second computation.
	From string `json:"from"`
	Keys int64  `json:"keys,omitempty"` // that were looked up among the stored rows
}

// What a Reread is from.
const (
	fromStored = "stored rows"
	fromSource = "all rows"
)

// mostAsked is how many keys are looked up among the stored rows; for more the
// source is read again.
const mostAsked = 100_000

// attempts computes from the rows that the look-back asks for. When those
// cannot tell new keys from emptied ones, the rows that the historical store
// holds of earlier days tell, if the ledger says that they can; else everything
// is computed again from all rows. again undoes what compute has written.
func (r *running) attempts(ctx context.Context, compute, again func(context.Context) error) error {
	asked, err := r.remember(ctx)
	if err != nil {
		return err
	}
	err = compute(ctx)
	if asked == nil || err != nil && !errors.Is(err, flow.ErrNeedsHistory) {
		return err
	}
	if err == nil && len(asked.keys) > 0 {
		var had bool
		if had, err = asked.answer(ctx, r); err == nil {
			r.report.Reread = &Reread{From: fromStored, Keys: int64(len(asked.keys))}
			if !had {
				return nil // all are new, as compute took them to be
			}
			if err = r.anew(ctx, again, false); err != nil {
				return err
			}
			r.session.plan.Set.(flow.Historian).Remember(asked)
			err = compute(ctx)
		}
	}
	if !errors.Is(err, flow.ErrNeedsHistory) {
		return err
	}
	r.report.Reread = &Reread{From: fromSource}
	if err := r.anew(ctx, again, true); err != nil {
		return err
	}
	return compute(ctx)
}

// remember lends the feature set a history, when rows of before the interval
// are left unread.
func (r *running) remember(ctx context.Context) (*asked, error) {
	p := r.session.plan
	if !p.Partial() {
		return nil, nil
	}
	set, ok := p.Set.(flow.Historian)
	if !ok { // it knows no better than to be given everything
		_, err := r.session.bind(ctx, r.options.Interval, true)
		return nil, err
	}
	out := &asked{keys: map[string]bool{}}
	for _, k := range p.Set.Keys() {
		out.columns = append(out.columns, p.Output.FieldIndices(k)...)
	}
	// What the sink's own stages leave out or change is no sign of a key.
	if root, s3, ok := r.host.historicalRoot(); ok && !r.host.staged(historical) {
		out.root, out.s3 = root, s3
		all, err := r.records(ctx)
		if err != nil {
			return nil, err
		}
		set := r.host.file.FeatureSet
		out.table = below("historical", set.Entity, set.Name)
		out.first, out.whole, out.stored = ledger.Before(all, *r.options.Interval.Start, r.makers())
	}
	set.Remember(out)
	return out, nil
}

// records lists the ledger.
func (r *running) records(ctx context.Context) ([]ledger.Record, error) {
	l, _ := r.host.ledger()
	return l.List(ctx)
}

func (r *running) makers() ledger.Makers {
	return ledger.Makers{Pipeline: r.host.file.Digest, Plugins: r.report.Plugins}
}

// anew prepares for a second computation: nothing of the first one counts.
func (r *running) anew(ctx context.Context, again func(context.Context) error, whole bool) error {
	r.events.Reset()
	if err := r.letters.again(); err != nil {
		return err
	}
	if r.options.Again != nil {
		r.options.Again()
	}
	if err := again(ctx); err != nil {
		return err
	}
	_, err := r.session.bind(ctx, r.options.Interval, whole)
	return err
}

// asked is a flow.History that takes all keys for new and keeps them, until it
// was answered; from then on it tells what it knows.
type asked struct {
	columns []int  // of the keys, in the feature table
	root    string // of the historical store
	s3      config.S3
	table   string   // the folder of the feature table, below it
	stored  bool     // the rows stored of the days from first on can tell
	first   flow.Day // and when whole, those of all days before
	whole   bool

	mu       sync.Mutex
	answered bool
	buf      []byte
	keys     map[string]bool // canonical bytes of each key: whether it had rows
}

// Had implements flow.History.
func (a *asked) Had(r flow.Record, row int) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.buf = canonical.AppendRow(a.buf[:0], r, a.columns, row)
	had, known := a.keys[string(a.buf)]
	switch {
	case known:
		return had, nil
	case a.answered || !a.stored || len(a.keys) == mostAsked:
		return false, flow.ErrNeedsHistory
	}
	a.keys[string(a.buf)] = false
	return false, nil
}

// searched is how many days are searched at a time, backwards.
const searched = 31

// answer looks the keys up among the stored rows of the days before the
// interval, and reports whether there were any. It fails with ErrNeedsHistory
// when the stored rows cannot tell all of them.
func (a *asked) answer(ctx context.Context, r *running) (any bool, err error) {
	reader, err := r.storedRows(ctx, a)
	if err != nil {
		return false, flow.ErrNeedsHistory
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	start, found := *r.options.Interval.Start, 0
	for end := start - 1; found < len(a.keys) && end >= a.first; end -= searched {
		first := max(end-searched+1, a.first)
		n, err := a.search(ctx, r, reader, flow.Interval{Start: &first, End: &end})
		if err != nil {
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			// Whatever is wrong with the stored rows, those of the source can tell.
			return false, flow.ErrNeedsHistory
		}
		found += n
	}
	a.answered = true
	if found < len(a.keys) && !a.whole {
		return false, flow.ErrNeedsHistory // they may be older than the stored rows
	}
	return found > 0, nil
}

// storedRows reads the historical table by its days. It is named from its root:
// a folder key=value above that is no column.
func (r *running) storedRows(ctx context.Context, a *asked) (flow.Reader, error) {
	read, ok := r.host.options.Catalog.Readers["file"]
	if !ok {
		return nil, flow.ErrNeedsHistory
	}
	if strings.Contains(a.root, "://") {
		// Days that lie where only a catalogue points are not in the folder.
		_, store := r.host.ledger()
		if aside, err := store.List(ctx, "data/"); err != nil || len(aside) > 0 {
			return nil, flow.ErrNeedsHistory
		}
	}
	return read(config.Reader{
		ID: "stored", Type: "file", Path: a.table, Format: "parquet", S3: a.s3, Incremental: &config.Incremental{Partitions: []string{"year", "month", "day"}},
	}, parts.Place{Dir: a.root, State: r.host.state}, r.session.env("stored"))
}

// search marks the keys that have rows in some stored days and counts those
// that were not marked before.
func (a *asked) search(ctx context.Context, r *running, reader flow.Reader, days flow.Interval) (found int, err error) {
	keys := r.session.plan.Set.Keys()
	in, err := reader.Open(ctx, flow.Request{Columns: keys, Interval: days, BatchRows: r.host.file.Pipeline.BatchRows})
	if err != nil {
		return 0, err
	}
	columns := make([]int, len(keys))
	for i, k := range keys {
		columns[i] = in.FieldIndices(k)[0]
		if !arrow.TypeEqual(in.Field(columns[i]).Type, r.session.plan.Output.Field(a.columns[i]).Type) {
			return 0, flow.ErrNeedsHistory
		}
	}
	for found < len(a.keys) {
		b, err := reader.Next(ctx)
		if flow.Ended(err) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		for row := range int(b.Rows()) {
			a.buf = canonical.AppendRow(a.buf[:0], b.Record, columns, row)
			if had, is := a.keys[string(a.buf)]; is && !had {
				a.keys[string(a.buf)] = true
				found++
			}
		}
		b.Release()
	}
	return found, nil
}
