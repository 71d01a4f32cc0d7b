package historical

import (
	"context"
	"os"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// prepare finishes all files, makes them durable, checks them and says what
// publishing them means.
func (s *Sink) prepare(ctx context.Context) (flow.Pending, error) {
	w := s.writer
	table := tableKey(s.run.Entity, s.run.Set)
	if len(w.days) == 0 && s.run.Interval.Full() {
		if !s.cfg.AllowEmpty {
			return flow.Pending{}, fault.New(EmptyFullRun, "a full run without rows would erase the table").At("%s", s.name(table)).
				WithHint("set allow_empty = true if that is meant")
		}
		if w.flat {
			w.addDay(noDay) // an empty file keeps the columns
		}
	}
	sort.Slice(w.days, func(i, j int) bool { return w.days[i].day < w.days[j].day })
	var rows int64
	p := pending{Format: pendingFormat, Run: s.run.ID, Entity: s.run.Entity, Set: s.run.Set, Layout: s.layout, Full: s.run.Interval.Full(), Files: []dayFile{},
		Columns: columnsOf(s.schema)}
	for _, d := range w.days {
		if s.cfg.Hive != nil && d.day == noDay {
			return flow.Pending{}, fault.New(BadColumn, "rows without a timestamp make a partition that the catalogue cannot have").At("%s", s.name(table))
		}
		if err := w.finish(ctx, d); err != nil {
			return flow.Pending{}, err
		}
		rows += d.file.Rows()
		p.Files = append(p.Files, dayFile{Path: d.path, Rows: d.file.Rows()})
	}
	if err := w.spill.remove(ctx); err != nil {
		return flow.Pending{}, err
	}
	if s.remote == nil { // else they are scratch
		if err := s.syncPending(ctx, w.days); err != nil {
			return flow.Pending{}, err
		}
	}
	if err := s.checkFiles(w.days); err != nil {
		return flow.Pending{}, err
	}
	if err := s.checkTable(ctx); err != nil {
		return flow.Pending{}, err
	}
	var err error
	if p.Clear, err = s.toClear(ctx, table, p.Files); err != nil {
		return flow.Pending{}, err
	}
	if s.remote != nil {
		if err := s.send(ctx, &p, w.days); err != nil {
			return flow.Pending{}, err
		}
	} else if err := s.measure(&p, w.days); err != nil {
		return flow.Pending{}, err
	}
	if len(w.days) == 0 {
		s.env.Log.Warn("empty_interval: the run has no rows, its days are cleared", "interval", s.run.Interval.String(), "cleared", len(p.Clear))
		s.env.Counter.Add("empty_interval", sinkName, 1)
	}
	return p.encode(rows)
}

// measure notes the sizes of the files, for a catalogue: whoever publishes them
// may have one when this process has none.
func (s *Sink) measure(p *pending, days []*dayWriter) error {
	for i, d := range days {
		st, err := os.Stat(s.store.Path(d.key))
		if err != nil {
			return err
		}
		p.Files[i].Bytes = st.Size()
	}
	return nil
}

// syncPending makes files and folders durable, deepest first.
func (s *Sink) syncPending(ctx context.Context, days []*dayWriter) error {
	// Disks take several syncs at a time; one worker asks for a fixed order.
	limit := 1
	if s.env.Workers > 1 {
		limit = 8
	}
	folders := map[string]bool{s.pending: true}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(limit)
	for _, d := range days {
		for dir := parent(d.key); dir != s.pending; dir = parent(dir) {
			folders[dir] = true
		}
		g.Go(func() error {
			f, err := s.store.Append(gctx, d.key)
			if err != nil {
				return err
			}
			err = f.Sync()
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	// A folder has a longer name than the one above it.
	for _, dir := range sorted(folders, func(a, b string) bool { return depth(a) > depth(b) }) {
		if err := s.store.SyncDir(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

// toClear are the stored days that end: in an interval run those of the
// interval without rows now (S-1206), in a full run all others (S-1202).
func (s *Sink) toClear(ctx context.Context, table string, files []dayFile) ([]string, error) {
	if s.layout == flat {
		return s.otherFiles(ctx, table)
	}
	at, err := s.look(ctx, table)
	if err != nil {
		return nil, err
	}
	days, _, err := listDays(ctx, at, table)
	if err != nil {
		return nil, err
	}
	if s.remote != nil {
		more, err := s.dataDays(ctx)
		if err != nil {
			return nil, err
		}
		days = append(days, more...)
	}
	written := map[string]bool{}
	for _, f := range files {
		written[f.Path] = true
	}
	var out []string
	for _, d := range days {
		in := s.run.Interval.Full() || d.day != noDay && s.run.Interval.Contains(d.day)
		if in && !written[d.path] {
			written[d.path] = true
			out = append(out, d.path)
		}
	}
	return out, nil
}

// look tells the names in the folders of the table.
func (s *Sink) look(ctx context.Context, table string) (dirs, error) {
	if s.remote == nil {
		return s.store, nil
	}
	return list(ctx, s.remote, table)
}

// otherFiles are the files of a flat table that are not its one file: another
// tool put them there, and readers would read them too.
func (s *Sink) otherFiles(ctx context.Context, table string) ([]string, error) {
	at, err := s.look(ctx, table)
	if err != nil {
		return nil, err
	}
	names, err := at.ReadDir(ctx, table)
	var out []string
	for _, n := range names {
		if n != partFile && strings.HasSuffix(n, ".parquet") {
			out = append(out, n)
		}
	}
	return out, err
}

func parent(key string) string { return key[:strings.LastIndexByte(key, '/')] }

func depth(key string) int { return strings.Count(key, "/") }

// sorted gives the names of a set by less, equal ones by name.
func sorted(set map[string]bool, less func(a, b string) bool) []string {
	var out []string
	for k := range set {
		out = append(out, k)
	}
	sort.Slice(out, func(i, j int) bool {
		if less(out[i], out[j]) || less(out[j], out[i]) {
			return less(out[i], out[j])
		}
		return out[i] < out[j]
	})
	return out
}
