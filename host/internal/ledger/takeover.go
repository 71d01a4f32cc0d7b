package ledger

import (
	"context"
	"errors"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// takeover is the right to recover a run: the last marker of the run is ours.
type takeover struct {
	ledger  *Ledger
	number  int64
	marker  string // its key
	version string // of the record as we wrote it
}

// seize writes our name into the record. From then on no write of whoever had
// the run before, however late it takes effect, finds the version it is bound
// to. A record that is done is left as it is.
func (t *takeover) seize(ctx context.Context) (r Record, err error) {
	for range tries {
		var version string
		if r, version, err = t.ledger.version(ctx, key(t.number)); err != nil || r.State.Done() {
			return r, err
		}
		r.By, r.Changed = t.ledger.me.String(), t.ledger.now().UTC()
		t.version, err = t.ledger.store.PutIf(ctx, key(t.number), encode(r), version)
		if !errors.Is(err, blob.ErrChanged) {
			return r, err
		}
	}
	return r, err
}

// write replaces the record that we wrote last.
func (t *takeover) write(ctx context.Context, r Record) (err error) {
	r.Changed = t.ledger.now().UTC()
	next, err := t.ledger.store.PutIf(ctx, key(t.number), encode(r), t.version)
	if errors.Is(err, blob.ErrChanged) {
		return fault.Wrap(err, Lost, "run %d was taken over by another process while it was recovered", t.number)
	}
	if err == nil {
		t.version = next
	}
	return err
}

// recover brings a run to its end.
func (t *takeover) recover(ctx context.Context, r Record, interval flow.Interval, finish func(context.Context, Record) (map[string]flow.Published, error), undo func(context.Context, Record) error) (Recovered, error) {
	was := r.State
	if r.State == Claimed {
		if err := undo(ctx, r); err != nil {
			return Recovered{}, err
		}
		r.State, r.Error = Undone, "its process ended"
	} else {
		r.Pending = fenced(r.Pending, t.held)
		results, err := finish(ctx, r)
		days, bad := r.Interval()
		switch {
		case err == nil:
			r.State, r.Results, r.Error = Published, results, ""
		case bad == nil && errors.Is(err, flow.ErrPendingLost) && interval.Covers(days):
			r.State, r.Results, r.Error = Superseded, results, t.ledger.text(err)
		default:
			return Recovered{}, errors.Join(err, t.progress(ctx, r, results, err))
		}
	}
	if err := t.write(ctx, r); err != nil {
		return Recovered{}, err
	}
	return Recovered{Number: r.Number, ID: r.ID, State: r.State, Was: was}, nil
}

// progress keeps which sinks a recovery that failed has loaded, so that the
// next one does not load them again.
func (t *takeover) progress(ctx context.Context, r Record, results map[string]flow.Published, why error) error {
	if len(results) <= len(r.Results) {
		return nil
	}
	r.State, r.Results, r.Error = Incomplete, results, t.ledger.text(why)
	return t.write(context.WithoutCancel(ctx), r)
}

// held says whether the run is still ours to recover, and renews the right.
func (t *takeover) held(ctx context.Context) error {
	l := t.ledger
	m := l.sign()
	if err := l.remark(ctx, t.marker, m); err != nil {
		return err
	}
	_, version, err := l.version(ctx, key(t.number))
	if err != nil {
		return err
	}
	last, err := l.lastMarker(ctx, t.number)
	if err != nil {
		return err
	}
	if version != t.version || last != t.marker {
		return fault.New(Lost, "run %d was taken over by another process while it was recovered", t.number)
	}
	return l.fresh(t.number, m.Lease)
}

// keep renews the marker until it is stopped: publishing may take longer than
// a lease.
func (t *takeover) keep() (stop func()) {
	return every(t.ledger.lease/3, func() {
		ctx, cancel := context.WithTimeout(context.Background(), t.ledger.lease)
		defer cancel()
		// One that fails is tried again at the next beat.
		_ = t.ledger.remark(ctx, t.marker, t.ledger.sign())
	})
}

// release gives up the right to recover the run.
func (t *takeover) release(ctx context.Context) error {
	return t.ledger.remark(ctx, t.marker, marker{At: t.ledger.now().UTC()})
}

// sign is a marker of this process.
func (l *Ledger) sign() marker {
	now := l.now().UTC()
	return marker{Holder: l.me, Lease: now.Add(l.lease), At: now}
}

// remark writes a marker of ours anew. Nobody else writes it: where it has
// changed, a write of ours came late.
func (l *Ledger) remark(ctx context.Context, key string, m marker) (err error) {
	for range tries {
		var version string
		if _, version, err = l.store.GetVersion(ctx, key); err != nil {
			return err
		}
		if _, err = l.store.PutIf(ctx, key, encode(m), version); !errors.Is(err, blob.ErrChanged) {
			return err
		}
	}
	return err
}
