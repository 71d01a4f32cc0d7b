package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
)

// leftBehind are the superseded runs whose days a later published run computed,
// or will have once the run r is published, and that were not swept yet. Before
// that a catalogue may still point at what they left.
func leftBehind(all []Record, r Record) (out []Record) {
	for _, old := range all {
		days, err := old.Interval()
		if err != nil || old.State != Superseded || old.Swept {
			continue
		}
		again := func(later Record) bool {
			i, err := later.Interval()
			return err == nil && later.Number > old.Number && i.Covers(days) && (later.State == Published || later.Number == r.Number)
		}
		if slices.ContainsFunc(all, again) {
			out = append(out, old)
		}
	}
	return out
}

// Sweep removes, once this run is published, what superseded runs left aside
// (undo, as for Recover). It may be called again by any later run: what a crash
// kept from being removed, the next run removes.
func (c *Claim) Sweep(ctx context.Context, undo func(context.Context, Record) error) error {
	if c.Record().State != Published {
		return nil
	}
	var errs []error
	for _, r := range c.left {
		err := undo(ctx, r)
		if err == nil {
			err = c.ledger.swept(ctx, r.Number)
		}
		if err != nil {
			errs = append(errs, fault.Wrap(err, NotSwept, "what run %d (%s) left aside could not be removed", r.Number, r.ID))
		}
	}
	return errors.Join(errs...)
}

// swept notes that nothing is left of a superseded run.
func (l *Ledger) swept(ctx context.Context, number int64) error {
	r, version, err := l.version(ctx, key(number))
	if err != nil || r.Swept {
		return err
	}
	r.Swept = true
	if _, err = l.store.PutIf(ctx, key(number), encode(r), version); errors.Is(err, blob.ErrChanged) {
		return nil // another run was at it too, and noted the same
	}
	return err
}
