package historical

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/historical/colfile"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// The table of a sink on S3. Files are made in the scratch folder; Prepare
// sends them, aside; Publish has the server copy each to its day, which is one
// object and so replaced in one step. A day whose file is too large for that is
// sent to a place of its run, to which only a catalogue points.

// runMeta is the metadata of every object: the run that made it.
const runMeta = "featurehost-run"

// requests are how many requests a sink has under way.
const requests = 16

// dataKey is where the days of a run lie that only a catalogue knows.
func dataKey(entity, set, run string) string { return homeKey(entity, set) + "/data/" + run }

// listing is what lies in a folder on S3, as folders.
type listing struct {
	objects []s3store.Entry
	names   map[string][]string // of a folder
}

// list looks at all that lies below a folder, a request for each thousand
// objects.
func list(ctx context.Context, s *s3store.Store, folder string) (*listing, error) {
	entries, err := s.Entries(ctx, folder+"/")
	if err != nil {
		return nil, err
	}
	return listingOf(folder, entries), nil
}

func listingOf(folder string, entries []s3store.Entry) *listing {
	l := &listing{names: map[string][]string{}}
	seen := map[string]bool{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Key, folder+"/") {
			continue // a server that lists what it was not asked for
		}
		l.objects = append(l.objects, e)
		for key := e.Key; key != folder; key = parent(key) {
			if seen[key] {
				break
			}
			seen[key] = true
			l.names[parent(key)] = append(l.names[parent(key)], key[len(parent(key))+1:])
		}
	}
	for _, names := range l.names {
		sort.Strings(names)
	}
	return l
}

// ReadDir gives the names in a folder, ascending.
func (l *listing) ReadDir(_ context.Context, key string) ([]string, error) { return l.names[key], nil }

// below gives the objects of a folder, or the one of that key.
func (l *listing) below(key string) (out []s3store.Entry) {
	for _, e := range l.objects {
		if e.Key == key || strings.HasPrefix(e.Key, key+"/") {
			out = append(out, e)
		}
	}
	return out
}

// probe finds out whether objects can be written where the run will, and takes
// away what it wrote.
func (s *Sink) probe(ctx context.Context) error {
	key := pendingKey(s.run.Entity, s.run.Set, s.run.ID) + "/probe"
	if err := s.remote.Put(ctx, key, nil); err != nil {
		return err
	}
	return s.remote.Delete(ctx, key)
}

// remoteFooter reads the footer of an object.
func (s *Sink) remoteFooter(ctx context.Context, key string) (*colfile.Footer, error) {
	o, err := s.remote.Open(ctx, key, 64<<10)
	if err != nil {
		return nil, err
	}
	return colfile.ReadFooterFrom(reading{ctx, o}, o.Size)
}

// reading is an object as an io.ReaderAt.
type reading struct {
	ctx    context.Context //nolint:containedctx // io.ReaderAt takes none
	object *s3store.Object
}

// ReadAt implements io.ReaderAt; it is asked for what is there.
func (r reading) ReadAt(p []byte, at int64) (int, error) {
	if err := r.object.Read(r.ctx, p, at); err != nil {
		return 0, err
	}
	return len(p), nil
}

// extremes are the objects of a table that were written first and last. Each
// run holds the last one against its own columns, which may only add some, so
// that the last one has them all; the first guards against what other tools did.
func (l *listing) extremes() (keys []string) {
	var first, last *s3store.Entry
	for i, e := range l.objects {
		if name := filepath.Base(e.Key); !strings.HasSuffix(name, ".parquet") || name[0] == '.' || name[0] == '_' {
			continue
		}
		if first == nil || e.Modified.Before(first.Modified) {
			first = &l.objects[i]
		}
		if last == nil || !e.Modified.Before(last.Modified) {
			last = &l.objects[i]
		}
	}
	if last == nil {
		return nil
	}
	if first == last {
		return []string{last.Key}
	}
	return []string{last.Key, first.Key}
}

// home is the folder that a prepared day will be read from.
func (p *pending) home(f dayFile) string {
	if f.Data {
		return dataKey(p.Entity, p.Set, p.Run)
	}
	return tableKey(p.Entity, p.Set)
}

// send uploads the files of all days, aside, and holds what the server then
// has against what was sent.
func (s *Sink) send(ctx context.Context, p *pending, days []*dayWriter) error {
	for i, d := range days {
		st, err := os.Stat(s.store.Path(d.key))
		if err != nil {
			return fault.Wrap(err, RowsLost, "a new file is gone").At("%s", s.store.Path(d.key))
		}
		f := &p.Files[i]
		f.Bytes = st.Size()
		if f.Bytes <= s.dayLimit {
			continue
		}
		if s.cfg.Hive == nil {
			return fault.New(DayTooLarge, "the file of %s has %d bytes, more than the %d that are replaced in one step", dayText(d.day), f.Bytes, s.dayLimit).At("%s", s.remote.Path(tableKey(p.Entity, p.Set))).
				WithHint("name a metastore with hive = { metastore = \"...\" }, which can point at a day wherever it lies")
		}
		f.Data = true
	}
	s.sent = true
	// A failure does not cut the others off: a request that is cut off may still
	// be done by the server, after what it made was to be removed.
	var g errgroup.Group
	g.SetLimit(requests)
	var failed atomic.Bool
	for i, d := range days {
		f := &p.Files[i]
		g.Go(func() error {
			if failed.Load() {
				return nil
			}
			local := s.store.Path(d.key)
			e, err := s.remote.Upload(ctx, p.aside(*f), local, map[string]string{runMeta: p.Run}, 4)
			if err != nil {
				failed.Store(true)
				return err
			}
			f.ETag = e.ETag
			return os.Remove(local)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.checkSent(ctx, p)
}

// aside is the key of a prepared file before it is published.
func (p *pending) aside(f dayFile) string {
	folder := pendingKey(p.Entity, p.Set, p.Run)
	if f.Data {
		folder = dataKey(p.Entity, p.Set, p.Run)
	}
	return join(folder, f.Path) + "/" + partFile
}

func (s *Sink) checkSent(ctx context.Context, p *pending) error {
	there := map[string]s3store.Entry{}
	for _, folder := range []string{pendingKey(p.Entity, p.Set, p.Run), dataKey(p.Entity, p.Set, p.Run)} {
		entries, err := s.remote.Entries(ctx, folder+"/")
		if err != nil {
			return err
		}
		for _, e := range entries {
			there[e.Key] = e
		}
	}
	for _, f := range p.Files {
		e, ok := there[p.aside(f)]
		if !ok || e.Size != f.Bytes || f.ETag != "" && e.ETag != f.ETag {
			return fault.New(RowsLost, "%d bytes were sent, the server has %d, of version %s where %s was answered", f.Bytes, e.Size, e.ETag, f.ETag).At("%s", s.remote.Path(p.aside(f)))
		}
	}
	return nil
}

// remotePublication is one call of Publish on S3. It may be killed at any
// request and called again, by any process (H3):
//
//	pending has        table has        then
//	this run's object  anything         the server copies it, again if need be
//	nothing            this run's       the day is done
//	nothing            another or none  PendingLost: nothing more is touched
//
// Pending objects are removed last, so that the first of them is missing only
// when all days are done.
type remotePublication struct {
	sink  *Sink
	p     *pending
	held  func(context.Context) error // of flow.Pending
	table string
}

func (x *remotePublication) run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(requests)
	for i, f := range x.p.Files {
		g.Go(func() error {
			// Whoever finished the run has removed what we would copy: few questions
			// are enough.
			if i%copiesHeld == 0 {
				if err := x.held(gctx); err != nil {
					return err
				}
			}
			return x.day(gctx, f)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := x.held(ctx); err != nil {
		return err
	}
	// Who reads by the catalogue leaves a day before its objects go.
	if err := x.sink.register(ctx, x.p); err != nil {
		return err
	}
	old, err := x.old(ctx)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(old, deletesHeld) {
		if err := x.held(ctx); err != nil {
			return err
		}
		if err := x.sink.remote.DeleteIf(ctx, batch, requests); err != nil {
			return err
		}
	}
	return x.sink.remote.DeletePrefix(ctx, pendingKey(x.p.Entity, x.p.Set, x.p.Run)+"/")
}

// day puts one new day in place.
func (x *remotePublication) day(ctx context.Context, f dayFile) error {
	s, from := x.sink.remote, x.p.aside(f)
	lost := func(err error) error {
		return fault.Wrap(errors.Join(flow.ErrPendingLost, err), PendingLost, "the prepared object with %d rows of run %s is gone", f.Rows, x.p.Run).At("%s", s.Path(from)).
			WithHint("compute the interval again")
	}
	if f.Data { // it is where it will stay
		info, err := s.Stat(ctx, from)
		if errors.Is(err, blob.ErrNotExist) || err == nil && info.Size != f.Bytes {
			return lost(err)
		}
		return err
	}
	to := join(x.table, f.Path) + "/" + partFile
	err := s.Copy(ctx, s3store.Entry{Key: from, Size: f.Bytes, ETag: f.ETag}, to, map[string]string{runMeta: x.p.Run}, 4)
	switch {
	case fault.Is(err, s3store.Changed):
		return lost(err)
	case !errors.Is(err, blob.ErrNotExist) || fault.Is(err, s3store.NoBucket):
		return err
	}
	meta, merr := s.Meta(ctx, to)
	switch {
	case merr == nil && meta[runMeta] == x.p.Run:
		return nil
	case merr != nil && !errors.Is(merr, blob.ErrNotExist):
		return merr
	}
	return lost(err)
}

// copiesHeld and deletesHeld are how many requests are made between two questions
// whether the run is still ours.
const copiesHeld, deletesHeld = 64, 64

// old are the objects that end: those of cleared days, what else lies in the
// folders of new days, and what a catalogue pointed at for any of them. Each is
// deleted as it was listed: what another run has put there since stays.
func (x *remotePublication) old(ctx context.Context) (out []s3store.Entry, err error) {
	table, err := list(ctx, x.sink.remote, x.table)
	if err != nil {
		return nil, err
	}
	data, err := x.sink.remote.Entries(ctx, homeKey(x.p.Entity, x.p.Set)+"/data/")
	if err != nil {
		return nil, err
	}
	ends := func(path string, stays func(key string) bool) {
		for _, e := range table.below(join(x.table, path)) {
			if !stays(e.Key) {
				out = append(out, e)
			}
		}
		for _, e := range data {
			if run, day := dataDay(e.Key, x.p); run != "" && day == path && !stays(e.Key) {
				out = append(out, e)
			}
		}
	}
	for _, path := range x.p.Clear {
		ends(path, func(string) bool { return false })
	}
	if x.p.Layout == partitioned {
		for _, f := range x.p.Files {
			mine := join(x.p.home(f), f.Path) + "/" + partFile
			ends(f.Path, func(key string) bool { return key == mine })
		}
	}
	return out, nil
}

// dataDay reads the key of an object that a catalogue points at.
func dataDay(key string, p *pending) (run, day string) {
	rest, ok := strings.CutPrefix(key, homeKey(p.Entity, p.Set)+"/data/")
	run, rest, found := strings.Cut(rest, "/")
	if !ok || !found || !strings.Contains(rest, "/") {
		return "", ""
	}
	return run, parent(rest)
}

// dataDays are the days that lie where only a catalogue points.
func (s *Sink) dataDays(ctx context.Context) ([]storedDay, error) {
	p := &pending{Entity: s.run.Entity, Set: s.run.Set}
	entries, err := s.remote.Entries(ctx, homeKey(p.Entity, p.Set)+"/data/")
	var out []storedDay
	for _, e := range entries {
		if run, path := dataDay(e.Key, p); run != s.run.ID {
			if day, ok := dayOf(path); ok {
				out = append(out, storedDay{day, path})
			}
		}
	}
	return out, err
}

// discardRemote removes what an unpublished run left on the server.
func (s *Sink) discardRemote(ctx context.Context, run flow.Run) error {
	for _, folder := range []string{pendingKey(run.Entity, run.Set, run.ID), dataKey(run.Entity, run.Set, run.ID)} {
		if err := s.remote.DeletePrefix(ctx, folder+"/"); err != nil {
			return err
		}
	}
	return nil
}
