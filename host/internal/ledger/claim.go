package ledger

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Claim is a run's hold on its days. Close ends it without a word: a run that
// neither published nor was undone is left to the next one.
type Claim struct {
	ledger *Ledger
	before []flow.Interval // of earlier runs that made values
	left   []Record        // superseded runs that may be swept once this one is published

	mu     sync.Mutex
	record Record
	marker string // key of our takeover of our own run; see hold
	stop   func() // of the renewal
}

// Record as it stands.
func (c *Claim) Record() Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.record
}

// Revision of the cells of a day: how many earlier runs held it (S-1303).
func (c *Claim) Revision(d flow.Day) int64 {
	var n int64
	for _, i := range c.before {
		if i.Contains(d) {
			n++
		}
	}
	return n
}

// Extent is what a run found out about its ends.
type Extent struct {
	First *flow.Day // of the first event; nil when not all were read
	Last  *flow.Day // of the last row; nil when there is none
}

// Prepared says that all rows are durable, aside; the record names them.
func (c *Claim) Prepared(ctx context.Context, pending []flow.Pending, inputs map[string]Input, e Extent) error {
	return c.change(ctx, func(r *Record) {
		r.State, r.Pending, r.Inputs = Prepared, pending, inputs
		if e.First != nil {
			r.FirstDay = e.First.String()
		}
		if r.End == "" && e.Last != nil {
			r.LastDay = e.Last.String()
		}
	})
}

// Published says that all rows are visible.
func (c *Claim) Published(ctx context.Context, results map[string]flow.Published) error {
	return c.change(ctx, func(r *Record) { r.State, r.Results, r.Error = Published, results, "" })
}

// Incomplete says that a store could not be loaded; the next run tries again.
func (c *Claim) Incomplete(ctx context.Context, results map[string]flow.Published, why error) error {
	return c.change(ctx, func(r *Record) { r.State, r.Results, r.Error = Incomplete, results, c.ledger.text(why) })
}

// Undone says that nothing of the run is left.
func (c *Claim) Undone(ctx context.Context, why error) error {
	return c.change(ctx, func(r *Record) { r.State, r.Error = Undone, c.ledger.text(why) })
}

// Held reports whether the record still says that the days are claimed by us
// and nothing is prepared. Only then may staged rows be thrown away: a write of
// the record that failed may have taken effect all the same.
func (c *Claim) Held(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	stored, err := c.ledger.read(ctx, key(c.record.Number))
	return err == nil && stored.ID == c.record.ID && stored.State == Claimed && stored.By == ""
}

// Fenced gives the prepared writes with the question whether the run is still
// ours. To ask renews the lease: a process that slept through it, and whose run
// another one has finished meanwhile, is told so before it touches a table.
func (c *Claim) Fenced(list []flow.Pending) []flow.Pending { return fenced(list, c.mine) }

func fenced(list []flow.Pending, held func(context.Context) error) []flow.Pending {
	out := slices.Clone(list)
	for i := range out {
		out[i].Held = held
	}
	return out
}

func (c *Claim) mine(ctx context.Context) error {
	if err := c.change(ctx, func(*Record) {}); err != nil {
		return err
	}
	return c.ledger.fresh(c.Record().Number, c.Record().Lease)
}

// fresh fails when a lease ran out while it was being renewed: what was true
// when it was written need not be any more.
func (l *Ledger) fresh(number int64, lease time.Time) error {
	if l.now().After(lease) {
		e := fault.New(Lost, "run %d could not renew its lease within %s", number, l.lease)
		e.Retry = true
		return e
	}
	return nil
}

// tries is how often a write is tried that finds its object changed. A process
// has one write under way at a time, but one whose answer did not come may
// still take effect, once.
const tries = 5

// change writes the record anew, if it is still ours. The write is bound to the
// version that said so: one that takes effect late, when somebody else has taken
// over, finds another version and does nothing (L3).
func (c *Claim) change(ctx context.Context, edit func(*Record)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.ledger
	for n := 1; ; n++ {
		stored, version, err := l.version(ctx, key(c.record.Number))
		if err != nil {
			return err
		}
		if stored.ID != c.record.ID || stored.State != c.record.State || stored.By != "" {
			return fault.New(Lost, "run %d is no longer ours: its record says %s", c.record.Number, stored.State)
		}
		now := l.now().UTC()
		if err := c.hold(ctx, now); err != nil {
			return err
		}
		r := c.record
		edit(&r)
		r.Changed, r.Lease = now, now.Add(l.lease)
		_, err = l.store.PutIf(ctx, key(r.Number), encode(r), version)
		switch {
		case err == nil:
			c.record = r
			return nil
		case !errors.Is(err, blob.ErrChanged):
			return err
		case n == tries:
			return fault.Wrap(err, Lost, "run %d is no longer ours: another process writes its record", r.Number)
		}
	}
}

// hold makes sure that nobody else may act for the run (L3). While the lease
// runs that is known; once it has run out, whoever creates the next marker acts,
// and from then on the marker is what is renewed.
func (c *Claim) hold(ctx context.Context, now time.Time) error {
	if c.marker == "" && !now.After(c.record.Lease) {
		return nil
	}
	l, number := c.ledger, c.record.Number
	last, err := l.lastMarker(ctx, number)
	if err != nil {
		return err
	}
	m := marker{Holder: l.me, Lease: now.Add(l.lease), At: now}
	if last != c.marker {
		return fault.New(Lost, "run %d was taken over after its lease ran out", number)
	}
	if last != "" {
		return l.remark(ctx, last, m)
	}
	first := markerKey(number, 1)
	if err := l.store.PutIfAbsent(ctx, first, encode(m)); errors.Is(err, blob.ErrExist) {
		return fault.New(Lost, "run %d was taken over after its lease ran out", number)
	} else if err != nil {
		return err
	}
	c.marker = first
	return nil
}

// beat renews the lease until Close. A renewal that fails is tried again at
// the next beat; if the lease runs out meanwhile, change finds out.
func (c *Claim) beat() {
	c.stop = every(c.ledger.lease/3, func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.ledger.lease)
		defer cancel()
		_ = c.change(ctx, func(*Record) {})
	})
}

// every calls f again and again until it is stopped; then no call is under way.
// stop may be called twice.
func every(d time.Duration, f func()) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(max(d, time.Millisecond))
		defer t.Stop()
		for {
			select {
			case <-quit:
				return
			case <-t.C:
				f()
			}
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() { close(quit) })
		<-ended
	}
}

// Close ends the renewal of the lease. It may be called twice.
func (c *Claim) Close() error {
	if c == nil || c.stop == nil {
		return nil
	}
	c.stop()
	return nil
}
