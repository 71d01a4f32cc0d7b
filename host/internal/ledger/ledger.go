package ledger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Ledger is the run ledger of one feature set.
type Ledger struct {
	store blob.Store
	lease time.Duration
	now   func() time.Time
	me    Holder
	// text is what is written of an error.
	text func(error) string
}

// Options of a ledger. The zero value works.
type Options struct {
	// Lease is how long a process on another machine is believed to live
	// without a sign; 0 means a minute. It is renewed three times as often.
	Lease time.Duration
	// Now is the clock; nil means the machine's.
	Now func() time.Time
	// Holder stands for this process; the zero value finds out.
	Holder Holder
	// Redact takes secrets out of the texts of errors before they are written;
	// nil leaves them as they are.
	Redact func(string) string
}

// Open gives the ledger that lies in store, which may be empty.
func Open(store blob.Store, o Options) *Ledger {
	l := &Ledger{store: store, lease: o.Lease, now: o.Now, me: o.Holder}
	l.text = error.Error
	if o.Redact != nil {
		l.text = func(err error) string { return o.Redact(err.Error()) }
	}
	if l.lease == 0 {
		l.lease = time.Minute
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.me == (Holder{}) {
		l.me = self()
	}
	return l
}

// List gives all records in the order of their numbers.
func (l *Ledger) List(ctx context.Context) ([]Record, error) {
	infos, err := l.store.List(ctx, "runs/")
	if err != nil {
		return nil, err
	}
	// Each record is a request where the ledger lies on a server.
	out := make([]Record, len(infos))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for k, i := range infos {
		g.Go(func() (err error) {
			out[k], err = l.read(gctx, i.Key)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func (l *Ledger) read(ctx context.Context, key string) (Record, error) {
	r, _, err := l.version(ctx, key)
	return r, err
}

// version reads a record and names its version, for store.PutIf.
func (l *Ledger) version(ctx context.Context, key string) (Record, string, error) {
	data, version, err := l.store.GetVersion(ctx, key)
	if err != nil {
		return Record{}, "", err
	}
	r, err := decode(key, data)
	return r, version, err
}

// Request is what a run claims.
type Request struct {
	Interval flow.Interval
	Entity   string
	Set      string
	Pipeline string
	Plugins  map[string]string
}

// errStale says that a dead run came to light while a claim was taken.
var errStale = errors.New("a run that ended without finishing is in the way")

// Acquire recovers what dead runs left and takes a claim. finish and undo are
// as for Recover; what was recovered is told also when the claim is refused.
func (l *Ledger) Acquire(ctx context.Context, req Request, finish func(context.Context, Record) (map[string]flow.Published, error), undo func(context.Context, Record) error) (*Claim, []Recovered, error) {
	var all []Recovered
	for range 10 {
		done, err := l.Recover(ctx, req.Interval, finish, undo)
		all = append(all, done...)
		if err != nil {
			return nil, all, err
		}
		c, err := l.claim(ctx, req)
		if !errors.Is(err, errStale) {
			return c, all, err
		}
	}
	return nil, all, fault.Wrap(errStale, Held, "runs end faster than they can be recovered").WithHint("run it again")
}

// claim takes the next number for a run over the interval.
func (l *Ledger) claim(ctx context.Context, req Request) (*Claim, error) {
	now := l.now().UTC()
	r := Record{
		Version: formatVersion, State: Claimed, Entity: req.Entity, Set: req.Set, Pipeline: req.Pipeline, Plugins: req.Plugins,
		Holder: l.me, Lease: now.Add(l.lease), Claimed: now, Changed: now,
	}
	if req.Interval.Start != nil {
		r.Start = req.Interval.Start.String()
	}
	if req.Interval.End != nil {
		r.End = req.Interval.End.String()
	}
	all, err := l.List(ctx)
	if err != nil {
		return nil, err
	}
	// Look before claiming, so that a refused run leaves no record in the
	// ordinary case.
	if err := l.conflict(ctx, all, 1<<62, req.Interval); err != nil {
		return nil, err
	}
	for r.Number = next(all); ; r.Number++ {
		r.ID = newID(r.Number)
		err := l.store.PutIfAbsent(ctx, key(r.Number), encode(r))
		if err == nil {
			break
		}
		if !errors.Is(err, blob.ErrExist) {
			return nil, err
		}
	}
	c := &Claim{ledger: l, record: r}
	// Look again: whoever claimed a lower number before us wins (L2).
	if all, err = l.List(ctx); err == nil {
		err = l.conflict(ctx, all, r.Number, req.Interval)
	}
	if err != nil {
		return nil, errors.Join(err, c.Undone(context.WithoutCancel(ctx), err))
	}
	c.before, c.left = earlier(all, r.Number), leftBehind(all, r)
	c.beat()
	return c, nil
}

func next(all []Record) int64 {
	if len(all) == 0 {
		return 1
	}
	return all[len(all)-1].Number + 1
}

// newID names a run, also where numbers of several tables meet.
func newID(number int64) string {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%06d-%s", number, hex.EncodeToString(b[:]))
}

// conflict refuses an interval that shares a day with an unfinished run of a
// lower number.
func (l *Ledger) conflict(ctx context.Context, all []Record, number int64, i flow.Interval) error {
	for _, r := range all {
		other, err := r.Interval()
		if err != nil || r.State.Done() || r.Number >= number || !other.Overlaps(i) {
			continue
		}
		keeper, _, err := l.keeper(ctx, r)
		if err != nil {
			return err
		}
		if gone(keeper.Holder, l.me, keeper.Lease, l.now()) {
			return errStale
		}
		e := fault.New(Held, "run %d over %s holds some of the days %s: %s, since %s", r.Number, other, i, keeper.Holder, r.Claimed.Format(time.RFC3339))
		e.Retry = true
		return e.WithHint("wait for it to end, or end it")
	}
	return nil
}

// earlier lists the intervals of runs below a number that made values.
func earlier(all []Record, number int64) []flow.Interval {
	var out []flow.Interval
	for _, r := range all {
		if i, err := r.Interval(); err == nil && r.Number < number && r.State.counts() {
			out = append(out, i)
		}
	}
	return out
}
