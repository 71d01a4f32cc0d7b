package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/deadletter"
	"github.com/featurehost/featurehost/host/internal/ledger"
)

// ledger opens the run ledger of the feature set. A place that cannot be opened
// fails whatever is asked of it.
func (h *Host) ledger() (*ledger.Ledger, blob.Store) {
	dir, s3 := h.ledgerDir()
	store := blob.Store(blob.NewLocal(dir, nil))
	if f := h.options.Catalog.Blob; f != nil {
		var err error
		if store, err = f(dir, s3); err != nil {
			store = closedStore{err}
		}
	}
	return ledger.Open(store, ledger.Options{Now: h.options.Now, Redact: h.file.Redact}), store
}

// closedStore is a blob.Store that could not be opened.
type closedStore struct{ err error }

func (c closedStore) Get(context.Context, string) ([]byte, error) { return nil, c.err }
func (c closedStore) GetVersion(context.Context, string) ([]byte, string, error) {
	return nil, "", c.err
}
func (c closedStore) Put(context.Context, string, []byte) error { return c.err }
func (c closedStore) PutIf(context.Context, string, []byte, string) (string, error) {
	return "", c.err
}
func (c closedStore) PutIfAbsent(context.Context, string, []byte) error { return c.err }
func (c closedStore) List(context.Context, string) ([]blob.Info, error) { return nil, c.err }
func (c closedStore) Stat(context.Context, string) (blob.Info, error)   { return blob.Info{}, c.err }
func (c closedStore) Delete(context.Context, string) error              { return c.err }

// repairs says how runs that ended unfinished are dealt with.
func (r *running) repairs(sinks *sinks) (finish func(context.Context, ledger.Record) (map[string]flow.Published, error), undo func(context.Context, ledger.Record) error) {
	finish = func(ctx context.Context, rec ledger.Record) (map[string]flow.Published, error) {
		for _, name := range sinks.orphans(rec.Pending) {
			r.events.Warn(fmt.Sprintf("run %d (%s) had prepared rows for the sink %q, which the pipeline file no longer has: they are left", rec.Number, rec.ID, name))
		}
		done, err := sinks.publish(ctx, rec.Pending, rec.Results)
		return results(done), err
	}
	undo = func(ctx context.Context, rec ledger.Record) error {
		run, err := runOf(rec)
		if err != nil {
			return err
		}
		return errors.Join(sinks.discard(ctx, run), deadletter.Sweep(r.deadLetters(rec.ID)))
	}
	return finish, undo
}

// claim recovers what earlier runs left unfinished and takes hold of the days
// of this one.
func (r *running) claim(ctx context.Context, sinks *sinks) (*ledger.Claim, error) {
	f := r.host.file
	l, store := r.host.ledger()
	request := ledger.Request{
		Interval: r.options.Interval, Entity: f.FeatureSet.Entity, Set: f.FeatureSet.Name, Pipeline: f.Digest, Plugins: r.report.Plugins,
	}
	finish, undo := r.repairs(sinks)
	c, recovered, err := l.Acquire(ctx, request, finish, undo)
	for _, x := range recovered {
		r.report.Recovered = append(r.report.Recovered, x.String())
	}
	if local, ok := store.(*blob.Local); ok {
		for _, folder := range []string{"runs", "recovery"} {
			// Records that were being written when a process was killed.
			_ = local.Sweep(ctx, folder, time.Hour)
		}
	}
	return c, err
}

// run tells the parts which run they serve.
func (r *running) run(c *ledger.Claim) flow.Run {
	rec := c.Record()
	r.report.Run, r.report.RunID = rec.Number, rec.ID
	return flow.Run{
		Number: rec.Number, ID: rec.ID, Interval: r.options.Interval, Entity: rec.Entity, Set: rec.Set,
		Pipeline: rec.Pipeline, Plugins: rec.Plugins, Revision: c.Revision,
		Version: r.host.options.Version,
	}
}

// deadLetters is where the rejected rows of a run lie.
func (r *running) deadLetters(id string) string {
	return filepath.Join(lettersDir(r.host.state), id)
}

// runOf is an earlier run as its record tells.
func runOf(rec ledger.Record) (flow.Run, error) {
	i, err := rec.Interval()
	return flow.Run{
		Number: rec.Number, ID: rec.ID, Interval: i, Entity: rec.Entity, Set: rec.Set, Pipeline: rec.Pipeline, Plugins: rec.Plugins,
	}, err
}

// inputs are what the readers gave, for the ledger.
func (r *running) inputs() map[string]ledger.Input {
	out := map[string]ledger.Input{}
	for id, s := range r.result.Read {
		out[id] = ledger.Input{Rows: s.Rows, Bytes: s.Bytes, Objects: s.Objects}
	}
	return out
}

// extent is what the run found out about its ends. The last day is that
// of the last row, or of the last event if its row was a duplicate.
func (r *running) extent() ledger.Extent {
	var out ledger.Extent
	day := func(us int64) *flow.Day { d := flow.DayOf(us); return &d }
	if r.result.Extent.Timed {
		out.Last = day(r.result.Extent.MaxTime)
		if !r.session.plan.Partial() {
			out.First = day(r.result.Extent.MinTime)
		}
	}
	if r.result.Dated && (out.Last == nil || flow.DayOf(r.result.Last) > *out.Last) {
		out.Last = day(r.result.Last)
	}
	return out
}

func results(list []SinkReport) map[string]flow.Published {
	out := map[string]flow.Published{}
	for _, s := range list {
		if s.Error == "" {
			out[s.Name] = s.Published
		}
	}
	return out
}
