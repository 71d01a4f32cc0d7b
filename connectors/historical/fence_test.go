package historical

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/flow"
)

var errTaken = errors.New("the run was taken over")

// stopped is a process that is stopped at the n-th step of its publication, a
// request or a question whether the run is its own. Meanwhile another process
// finishes its run and computes the days anew; then it goes on.
type stopped struct {
	mu      sync.Mutex
	at, n   int
	instead func()
	taken   bool
}

func (s *stopped) step() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n++; s.n == s.at {
		s.instead()
		s.taken = true
	}
}

func (s *stopped) held(context.Context) error {
	s.step()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken {
		return errTaken
	}
	return nil
}

// Rule: S-1203. A process that was stopped anywhere in a publication on S3, and
// finds that others went on, harms nothing of theirs: it deletes no day that
// they wrote, and points the catalogue at nothing of the past.
func TestRemote_StoppedWhilePublishing_OthersDaysStay(t *testing.T) {
	top := newBucket(t, servertest.S3(t))
	for name, c := range map[string]struct {
		cfg   config.Sink
		limit int64
		steps int // at least
	}{
		"plain":     {config.Sink{}, dayLimit, 5},
		"catalogue": {withHive, dayLimit, 5},
		"large":     {withHive, 1, 5},
	} {
		for n := 1; ; n++ {
			b := top.below(fmt.Sprintf("%s%d", name, n))
			f := &fakeCatalogue{}
			var open OpenRegistrar
			if c.cfg.Hive != nil {
				open = f.open
			}
			make := func(hook blob.Hook) *Sink {
				s := b.sink(c.cfg, hook, open)
				s.dayLimit = c.limit
				return s
			}
			mustWrite(t, make(nil), run(t, "old", "", ""), columns, "1 | 2024-01-01 | 1", "1 | 2024-01-02 | 1", "1 | 2024-01-03 | 1")
			x := &stopped{at: n}
			publishing := false
			a := make(func(blob.Op) error {
				if publishing {
					x.step()
				}
				return nil
			})
			p, err := prepare(t, a, run(t, "a", "2024-01-02", "2024-01-03"), columns, "1 | 2024-01-03 | 2")
			if err != nil {
				t.Fatal(err)
			}
			x.instead = func() {
				other := make(nil)
				if _, err := other.Publish(t.Context(), p); err != nil {
					t.Error(err)
				}
				other.Close()
				mustWrite(t, make(nil), run(t, "b", "2024-01-02", "2024-01-03"), columns, "1 | 2024-01-02 | 3", "1 | 2024-01-03 | 3")
			}
			publishing = true
			mine := p
			mine.Held = x.held
			_, err = a.Publish(t.Context(), mine)
			a.Close()
			if !x.taken {
				if err != nil || n <= c.steps {
					t.Errorf("%s: %d steps, %v", name, n, err)
				}
				break
			}
			if err != nil && !errors.Is(err, errTaken) && !errors.Is(err, flow.ErrPendingLost) {
				t.Errorf("%s, step %d: %v", name, n, err)
			}
			want := []string{"1 | 2024-01-01 | 1", "1 | 2024-01-02 | 3", "1 | 2024-01-03 | 3"}
			at := b.fetch()
			var got []string
			for _, path := range files(t, at) {
				got = append(got, strings.TrimSpace(rowsOf(t, at+"/"+path)))
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s, step %d: %q, want %q, after %v", name, n, got, want, err)
			}
			if out := f.dangling(b); out != nil {
				t.Errorf("%s, step %d: the catalogue points at nothing for %q", name, n, out)
			}
			if c.cfg.Hive != nil && len(f.parts) != 3 {
				t.Errorf("%s, step %d: the catalogue has\n%s", name, n, f.text(b.root))
			}
		}
	}
}

// On disk a process that was stopped does nothing more once it has asked.
func TestDisk_StoppedWhilePublishing_OthersDaysStay(t *testing.T) {
	for n := 1; ; n++ {
		dir := tempDir(t)
		f := &fakeCatalogue{}
		make := func() *Sink {
			s := sink(t, dir, withHive, nil)
			s.open = f.open
			return s
		}
		mustWrite(t, make(), run(t, "old", "", ""), columns, "1 | 2024-01-02 | 1", "1 | 2024-01-03 | 1")
		a := make()
		p, err := prepare(t, a, run(t, "a", "2024-01-02", "2024-01-03"), columns, "1 | 2024-01-03 | 2")
		if err != nil {
			t.Fatal(err)
		}
		x := &stopped{at: n, instead: func() {
			other := make()
			if _, err := other.Publish(t.Context(), p); err != nil {
				t.Error(err)
			}
			other.Close()
			mustWrite(t, make(), run(t, "b", "2024-01-02", "2024-01-03"), columns, "1 | 2024-01-02 | 3", "1 | 2024-01-03 | 3")
		}}
		mine := p
		mine.Held = x.held
		_, err = a.Publish(t.Context(), mine)
		a.Close()
		if !x.taken {
			if err != nil || n <= 3 {
				t.Errorf("asked %d times, %v", n-1, err)
			}
			break
		}
		want := "year=2024/month=1/day=2/part-0.parquet\n  1 | 2024-01-02 | 3\nyear=2024/month=1/day=3/part-0.parquet\n  1 | 2024-01-03 | 3\n"
		if got := strings.ReplaceAll(table(t, dir), "e/s/", ""); got != want || !errors.Is(err, errTaken) {
			t.Errorf("question %d: %v, table:\n%s", n, err, got)
		}
		if len(f.parts) != 2 {
			t.Errorf("question %d: the catalogue has\n%s", n, f.text(""))
		}
	}
}

// A metastore that is named between a crash and the next run is told of the run
// that was prepared without it, with its columns, also when an older version
// prepared it, which noted none.
func TestPublish_CatalogueNamedSince_ToldOfColumns(t *testing.T) {
	b := newBucket(t, servertest.S3(t))
	older := func(p flow.Pending) flow.Pending {
		p.Data = []byte(strings.Replace(strings.Replace(string(p.Data), `,"columns":[`, `,"nocolumns":[`, 1), `"bytes":`, `"nobytes":`, -1))
		return p
	}
	for name, same := range map[string]func(flow.Pending) flow.Pending{"now": func(p flow.Pending) flow.Pending { return p }, "older": older} {
		for _, remote := range []bool{false, true} {
			if name == "older" && remote { // it noted bytes on S3
				same = func(p flow.Pending) flow.Pending {
					p.Data = []byte(strings.Replace(string(p.Data), `,"columns":[`, `,"nocolumns":[`, 1))
					return p
				}
			}
			dir, f, at := tempDir(t), &fakeCatalogue{}, b.below(fmt.Sprint(name, remote))
			make := func(cfg config.Sink) *Sink {
				if remote {
					return at.sink(cfg, nil, f.open)
				}
				s := sink(t, dir, cfg, nil)
				s.open = f.open
				return s
			}
			for i, rows := range [][]string{{"1 | 2024-01-02 | 1", "1 | 2024-01-03 | 1"}, {}} {
				what := fmt.Sprintf("%s, on S3 %v, run %d", name, remote, i)
				s := make(config.Sink{})
				p, err := prepare(t, s, run(t, fmt.Sprint("r", i), "2024-01-02", "2024-01-03"), columns, rows...)
				s.Close()
				if err != nil {
					t.Fatal(err)
				}
				next := make(withHive)
				if _, err := next.Publish(t.Context(), same(p)); err != nil {
					t.Errorf("%s: %v", what, err)
				}
				next.Close()
				if f.table.Columns == nil || f.table.Columns.NumFields() != 3 || f.table.Columns.String() != "schema:\n  fields: 3\n    - id: type=int64, nullable\n    - timestamp: type=timestamp[us, tz=UTC], nullable\n    - n: type=int64, nullable" {
					t.Errorf("%s: columns %v", what, f.table.Columns)
				}
				want := 2
				if i == 1 && name == "now" {
					want = 0 // an older version did not say of what the days were cleared
				}
				if len(f.parts) != want {
					t.Errorf("%s:\n%s", what, f.text(""))
				}
				for _, part := range f.parts {
					if part.Bytes < 100 || part.Rows != 1 {
						t.Errorf("%s: %+v", what, part)
					}
				}
			}
		}
	}
}

// A flat table that was prepared before the pipeline named a metastore is left
// out of it.
func TestPublish_CatalogueNamedSince_FlatIsLeftOut(t *testing.T) {
	dir, f := t.TempDir(), &fakeCatalogue{}
	s := sink(t, dir, config.Sink{Layout: flat}, nil)
	p, err := prepare(t, s, run(t, "r", "", ""), columns, "1 | 2024-01-02 | 1")
	s.Close()
	if err != nil {
		t.Fatal(err)
	}
	next := sink(t, dir, withHive, nil)
	next.open = f.open
	defer next.Close()
	if _, err := next.Publish(t.Context(), p); err != nil || f.parts != nil {
		t.Errorf("%v, %+v", err, f.parts)
	}
}

// A server that lists what it was not asked for is not believed.
func TestListing_KeysFromElsewhere_LeftOut(t *testing.T) {
	for _, key := range []string{"x", "historical/e/s", "historical/e/sx/year=2024/month=1/day=2/x.parquet", "/", "other/y"} {
		l := listingOf("historical/e/s", []s3store.Entry{{Key: key}, {Key: "historical/e/s/year=2024/month=1/day=2/part-0.parquet"}, {Key: "historical/e/s//z"}})
		days, loose, err := listDays(t.Context(), l, "historical/e/s")
		if err != nil || loose || len(days) != 1 || len(l.objects) != 2 {
			t.Errorf("%q: %v, %v, %v, %v", key, days, loose, err, l.objects)
		}
	}
}
