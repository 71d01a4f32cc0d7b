package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Recovered tells what was done about a run that had not finished.
type Recovered struct {
	Number int64
	ID     string
	State  State // what it is now
	Was    State
}

// String gives a line for the run summary.
func (r Recovered) String() string {
	verb := "it was finished"
	switch r.State {
	case Undone:
		verb = "it was undone"
	case Superseded:
		verb = "its prepared rows are lost, and this run computes its days again"
	}
	return fmt.Sprintf("run %d (%s) had ended while %s; %s", r.Number, r.ID, r.Was, verb)
}

// marker says who recovers a run.
type marker struct {
	Holder Holder    `json:"holder"`
	Lease  time.Time `json:"lease"`
	At     time.Time `json:"at"`
}

// Recover deals with every run whose process is gone (L4): finish publishes
// again what a prepared or incomplete record names, undo removes what a claimed
// run staged. A run whose prepared rows are lost (flow.ErrPendingLost) is given
// up for the caller's run over interval when that computes all its days. Recover
// stops at the first failure; what it did so far is told.
func (l *Ledger) Recover(ctx context.Context, interval flow.Interval, finish func(context.Context, Record) (map[string]flow.Published, error), undo func(context.Context, Record) error) ([]Recovered, error) {
	all, err := l.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []Recovered
	for _, r := range all {
		if r.State.Done() {
			continue
		}
		mine, err := l.takeOver(ctx, r)
		if err != nil {
			return out, err
		}
		if mine == "" {
			continue
		}
		t := &takeover{ledger: l, number: r.Number, marker: mine}
		stop := t.keep()
		var done Recovered
		seized, err := t.seize(ctx)
		if err == nil {
			r = seized // it may have changed meanwhile
		}
		if err == nil && !r.State.Done() {
			done, err = t.recover(ctx, r, interval, finish, undo)
		}
		stop()
		if err != nil {
			// We live on but are done with it: whoever comes next may try.
			_ = t.release(context.WithoutCancel(ctx))
			return out, notRecovered(err, r)
		}
		if done.Number == 0 { // its holder was faster
			continue
		}
		out = append(out, done)
	}
	return out, nil
}

func notRecovered(err error, r Record) error {
	e := fault.Wrap(err, NotRecovery, "run %d (%s) had ended while %s and could not be recovered", r.Number, r.ID, r.State)
	if !errors.Is(err, flow.ErrPendingLost) {
		return e
	}
	if r.Start == "" {
		return e.WithHint("its prepared rows are lost: run the whole table again, without --start")
	}
	return e.WithHint("its prepared rows are lost: run --start %s --end %s again", r.Start, r.End)
}

// takeOver takes the right to recover a run and gives the key of the marker
// that says so; "" when its holder, or another process that recovers it, is
// alive.
func (l *Ledger) takeOver(ctx context.Context, r Record) (mine string, err error) {
	keeper, seen, err := l.keeper(ctx, r)
	if err != nil || !gone(keeper.Holder, l.me, keeper.Lease, l.now()) {
		return "", err
	}
	// The number of markers seen when the keeper was found dead names ours: of
	// several processes that saw the same dead keeper one succeeds. To count
	// them anew would count the one who was faster, and take the run from it.
	mine = markerKey(r.Number, seen+1)
	err = l.store.PutIfAbsent(ctx, mine, encode(l.sign()))
	if errors.Is(err, blob.ErrExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return mine, nil
}

func markers(number int64) string { return fmt.Sprintf("recovery/%06d/", number) }

func markerKey(number int64, n int) string { return fmt.Sprintf("%s%03d.json", markers(number), n) }

// lastMarker is the key of the last takeover of a run, "" when there is none.
func (l *Ledger) lastMarker(ctx context.Context, number int64) (string, error) {
	infos, err := l.store.List(ctx, markers(number))
	if err != nil || len(infos) == 0 {
		return "", err
	}
	return infos[len(infos)-1].Key, nil
}

// keeper tells who answers for an unfinished run, and of how many takeovers it
// is known: the last process that took it over, else its holder. Nobody, as the
// zero Holder says, answers for a run that gave up incomplete, or whose recovery
// failed.
func (l *Ledger) keeper(ctx context.Context, r Record) (m marker, seen int, err error) {
	infos, err := l.store.List(ctx, markers(r.Number))
	if err != nil {
		return marker{}, 0, err
	}
	if len(infos) == 0 {
		if r.State != Incomplete {
			m = marker{Holder: r.Holder, Lease: r.Lease}
		}
		return m, 0, nil
	}
	last := infos[len(infos)-1].Key
	data, err := l.store.Get(ctx, last)
	if err != nil {
		return marker{}, 0, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return marker{}, 0, fault.Wrap(err, Unreadable, "the marker is no JSON object").At("%s", last)
	}
	return m, len(infos), nil
}
