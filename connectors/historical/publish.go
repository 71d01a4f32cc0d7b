package historical

import (
	"context"
	"encoding/json"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/historical/colfile"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Publish implements flow.Sink. It looks at each day before it touches it, so
// that it may be called again after a crash at any point (H3):
//
//	table has       pending has     then
//	this run's day  anything        the day is done; pending holds the old rows
//	other or none   this run's day  exchange, or move when there is none
//	other or none   anything else   PendingLost: nothing more is touched
//
// Old rows are removed only when all moves are durable. A process that is stopped
// in between, and finds its run finished by another one when it wakes, would put
// old rows back or take new ones out: so it asks whether the run is still its own
// (flow.Pending.Held) before moves, before it tells the catalogue, and on S3
// before it deletes.
func (s *Sink) Publish(ctx context.Context, in flow.Pending) (flow.Published, error) {
	var p pending
	if err := json.Unmarshal(in.Data, &p); err != nil || p.Format != pendingFormat {
		return flow.Published{}, fault.Wrap(err, PendingLost, "the ledger's description of a prepared write has format %d: %d is known", p.Format, pendingFormat)
	}
	held := in.Held
	if held == nil {
		held = func(context.Context) error { return nil }
	}
	if err := s.publish(ctx, &p, held); err != nil {
		return flow.Published{}, s.failed(err)
	}
	out := flow.Published{Rows: in.Rows, Cleared: len(p.Clear)}
	if p.Layout == partitioned {
		out.Partitions = len(p.Files)
	}
	return out, nil
}

func (s *Sink) publish(ctx context.Context, p *pending, held func(context.Context) error) error {
	if s.remote != nil {
		pub := remotePublication{sink: s, p: p, held: held, table: tableKey(p.Entity, p.Set)}
		return pub.run(ctx)
	}
	pub := publication{p: *p, told: func(ctx context.Context) error { return s.register(ctx, p) }, held: held,
		store: s.store, dirty: map[string]bool{},
		table:   tableKey(p.Entity, p.Set),
		pending: pendingKey(p.Entity, p.Set, p.Run),
		trash:   trashKey(p.Entity, p.Set, p.Run)}
	return pub.run(ctx)
}

// publication is one call of Publish.
type publication struct {
	p                     pending
	told                  func(context.Context) error // tells the catalogue
	held                  func(context.Context) error // of flow.Pending
	store                 *blob.Local
	table, pending, trash string
	dirty                 map[string]bool // folders that names may have left or entered
}

func (p *publication) run(ctx context.Context) error {
	if err := p.store.MakeDir(ctx, p.table); err != nil {
		return err
	}
	for i, f := range p.p.Files {
		if err := p.ask(ctx, i); err != nil {
			return err
		}
		if err := p.day(ctx, f); err != nil {
			return err
		}
	}
	for i, path := range p.p.Clear {
		if err := p.ask(ctx, i); err != nil {
			return err
		}
		if err := p.clear(ctx, path); err != nil {
			return err
		}
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	if err := p.held(ctx); err != nil {
		return err
	}
	if err := p.told(ctx); err != nil {
		return err
	}
	// From here on the table is new whatever happens; what follows is tidying.
	for _, key := range []string{p.pending, p.trash} {
		if err := p.store.RemoveAll(ctx, key); err != nil {
			return err
		}
	}
	return p.prune(ctx)
}

// askEvery is how many days are done between two questions whether the run is
// still ours.
const askEvery = 16

// ask asks that before the first of some days, and again after some of them.
func (p *publication) ask(ctx context.Context, i int) error {
	if i%askEvery > 0 {
		return nil
	}
	return p.held(ctx)
}

// settle makes all moves durable, those of an earlier, killed call as well. A
// folder that such a call already removed has nothing left to settle.
func (p *publication) settle(ctx context.Context) error {
	for _, dir := range sorted(p.dirty, func(a, b string) bool { return false }) {
		there, err := p.store.Exists(ctx, dir)
		if err != nil {
			return err
		}
		if there {
			if err := p.store.SyncDir(ctx, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// day puts one new day into the table.
func (p *publication) day(ctx context.Context, f dayFile) error {
	now, next := join(p.table, f.Path), join(p.pending, f.Path)
	if p.p.Layout == flat {
		p.dirty[now], p.dirty[next] = true, true
	} else {
		p.dirty[parent(now)], p.dirty[parent(next)] = true, true
	}
	if p.owner(now+"/"+partFile, -1) {
		return nil
	}
	if !p.owner(next+"/"+partFile, f.Rows) {
		return fault.Wrap(flow.ErrPendingLost, PendingLost, "the prepared file with %d rows of run %s is gone", f.Rows, p.p.Run).At("%s", p.store.Path(next+"/"+partFile)).
			WithHint("compute the interval again")
	}
	if p.p.Layout == flat {
		return p.store.Rename(ctx, next+"/"+partFile, now+"/"+partFile)
	}
	there, err := p.store.Exists(ctx, now)
	if err != nil {
		return err
	}
	if !there {
		return p.store.Rename(ctx, next, now)
	}
	return p.store.Exchange(ctx, next, now, join(p.trash, f.Path))
}

// clear takes a day out of the table.
func (p *publication) clear(ctx context.Context, path string) error {
	now, gone := join(p.table, path), join(p.trash, path)
	p.dirty[parent(now)], p.dirty[parent(gone)] = true, true
	there, err := p.store.Exists(ctx, now)
	if err != nil || !there {
		return err
	}
	return p.store.Rename(ctx, now, gone)
}

// prune removes the folders of months and years that a full run emptied. An
// interval run leaves them: its neighbour may be about to use them.
func (p *publication) prune(ctx context.Context) error {
	if !p.p.Full {
		return nil
	}
	for _, path := range p.p.Clear {
		for dir := parent(join(p.table, path)); dir != p.table; dir = parent(dir) {
			names, err := p.store.ReadDir(ctx, dir)
			if err != nil {
				return err
			}
			if len(names) > 0 {
				break
			}
			if err := p.store.Remove(ctx, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// owner says whether a file is there, whole, and made by this run; rows < 0
// stands for any number of rows.
func (p *publication) owner(key string, rows int64) bool {
	footer, err := colfile.ReadFooter(p.store.Path(key))
	return err == nil && footer.Meta[metaRun] == p.p.Run && (rows < 0 || footer.Rows == rows)
}

// join is a folder below another; "" is the folder itself.
func join(folder, path string) string {
	if path == "" {
		return folder
	}
	return folder + "/" + path
}
