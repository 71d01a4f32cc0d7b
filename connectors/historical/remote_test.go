package historical

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/blobtest"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// bucket is a fresh bucket; root is a prefix of it, one for each table.
type bucket struct {
	t    testing.TB
	name string
	root string
	cfg  config.S3
	at   *s3store.Store
}

func newBucket(t testing.TB, srv *servertest.S3Server) *bucket {
	t.Helper()
	srv.Setenv(t)
	return (&bucket{t: t, name: srv.Bucket, cfg: config.S3{Endpoint: srv.Endpoint, Region: srv.Region, PathStyle: true}}).below("root")
}

// below is another place in the bucket.
func (b bucket) below(root string) *bucket {
	b.t.Helper()
	b.root = "s3://" + b.name + "/" + root
	s, err := s3store.NewPool(s3store.Options{}).Open(b.root, b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { s.Close() })
	b.at = s
	return &b
}

// sink makes a sink on the bucket with a hook on every request that changes
// something.
func (b *bucket) sink(cfg config.Sink, hook blob.Hook, open OpenRegistrar) *Sink {
	b.t.Helper()
	env, _, _ := hosttest.Env(b.t)
	env.Workers = 1
	cfg.Path, cfg.S3 = b.root, b.cfg
	s, err := Factory(open, s3store.NewPool(s3store.Options{Hook: hook}))(cfg, parts.Place{Dir: "/none"}, env)
	if err != nil {
		b.t.Fatal(err)
	}
	return s.(*Sink)
}

// fetch copies what the bucket holds to a folder, where the helpers for tables
// on disk read it.
func (b *bucket) fetch() string {
	b.t.Helper()
	dir := tempDir(b.t)
	list, err := b.at.Entries(context.Background(), "")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range list {
		data, err := b.at.Get(context.Background(), e.Key)
		if err != nil {
			b.t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(e.Key))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			b.t.Fatal(err)
		}
	}
	return dir
}

func (b *bucket) keys() (out []string) {
	b.t.Helper()
	list, err := b.at.Entries(context.Background(), "")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range list {
		out = append(out, e.Key)
	}
	return out
}

// Rule: S-1201, S-1202, S-1206. The same runs on disk and on S3 leave the same
// table.
func TestRemote_Runs_TableAsOnDisk(t *testing.T) {
	b := newBucket(t, servertest.S3(t))
	for name, c := range scenarios() {
		if c.aside {
			continue
		}
		b := b.below(name)
		dir := c.set(t)
		want := mustWrite(t, sink(t, dir, config.Sink{Layout: c.layout}, nil), c.run(t), columns, c.now...)
		if c.before != nil {
			mustWrite(t, b.sink(config.Sink{Layout: c.layout}, nil, nil), run(t, "old", "", ""), columns, c.before...)
		}
		got := mustWrite(t, b.sink(config.Sink{Layout: c.layout}, nil, nil), c.run(t), columns, c.now...)
		if got != want {
			t.Errorf("%s: %+v, on disk %+v", name, got, want)
		}
		at := b.fetch()
		if got, want := table(t, at), table(t, dir); got != want || want == "" {
			t.Errorf("%s: table:\n%s\non disk:\n%s", name, got, want)
		}
		if left := aside(t, at); left != nil {
			t.Errorf("%s: left behind: %q", name, left)
		}
	}
}

// What other tools left in the folder of a day goes with the day.
func TestRemote_ForeignFilesOfADay_Replaced(t *testing.T) {
	b := newBucket(t, servertest.S3(t))
	mustWrite(t, b.sink(config.Sink{}, nil, nil), run(t, "old", "", ""), columns, "1 | 2024-01-02 | 1", "1 | 2024-01-03 | 1")
	data, err := b.at.Get(t.Context(), "historical/e/s/year=2024/month=1/day=2/part-0.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"year=2024/month=1/day=2/part-00007.parquet", "year=2024/month=01/day=02/x.parquet", "year=2024/month=1/day=3/y.parquet"} {
		if err := b.at.Put(t.Context(), "historical/e/s/"+key, data); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite(t, b.sink(config.Sink{}, nil, nil), run(t, "new", "2024-01-02", "2024-01-02"), columns, "1 | 2024-01-02 | 9")
	want := []string{"historical/e/s/year=2024/month=1/day=2/part-0.parquet", "historical/e/s/year=2024/month=1/day=3/part-0.parquet", "historical/e/s/year=2024/month=1/day=3/y.parquet"}
	if got := b.keys(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// fakeCatalogue is a metastore in memory that outlives the process.
type fakeCatalogue struct {
	mu     sync.Mutex
	table  Table
	parts  map[flow.Day]Partition
	checks int
	fail   error // of the next Publish
}

func (f *fakeCatalogue) open(_ context.Context, h config.Hive, _ config.S3) (Registrar, error) {
	if h.Metastore != "m:1" {
		return nil, errors.New("another metastore")
	}
	return f, nil
}
func (f *fakeCatalogue) Check(_ context.Context, _ Table) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checks++
	return nil
}
func (f *fakeCatalogue) Close() error { return nil }
func (f *fakeCatalogue) Publish(_ context.Context, t Table, set []Partition, drop []flow.Day) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail; err != nil {
		f.fail = nil
		return err
	}
	if f.parts == nil {
		f.parts = map[flow.Day]Partition{}
	}
	f.table = t
	for _, p := range set {
		f.parts[p.Day] = p
	}
	for _, d := range drop {
		delete(f.parts, d)
	}
	return nil
}

func (f *fakeCatalogue) text(root string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for d, p := range f.parts {
		out = append(out, fmt.Sprintf("%s %d %s", d, p.Rows, strings.TrimPrefix(p.Location, root+"/")))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// pointsAt reports whether an object is in the folder of a partition.
func (f *fakeCatalogue) pointsAt(object string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.parts {
		if strings.HasPrefix(object, p.Location+"/") {
			return true
		}
	}
	return false
}

// dangling names partitions without an object.
func (f *fakeCatalogue) dangling(b *bucket) (out []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	keys := b.keys()
	for d, p := range f.parts {
		folder := strings.TrimPrefix(p.Location, b.root+"/") + "/"
		if !slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, folder) }) {
			out = append(out, d.String())
		}
	}
	return out
}

var withHive = config.Sink{Hive: &config.Hive{Metastore: "m:1"}}

// Rule: S-1203. Large days lie where only the catalogue points; when they
// shrink or end nothing of them stays.
func TestRemote_LargeDays_ThroughTheCatalogue(t *testing.T) {
	b := newBucket(t, servertest.S3(t))
	f := &fakeCatalogue{}
	one := func(id, from, to string, limit int64, rows ...string) {
		t.Helper()
		s := b.sink(withHive, nil, f.open)
		s.dayLimit = limit
		mustWrite(t, s, run(t, id, from, to), columns, rows...)
	}
	check := func(what, catalogue string, keys ...string) {
		t.Helper()
		if got := f.text(b.root); got != catalogue {
			t.Errorf("%s: catalogue:\n%s", what, got)
		}
		if got := b.keys(); !slices.Equal(got, keys) {
			t.Errorf("%s: %q", what, got)
		}
	}
	one("r1", "", "", 1<<20, "1 | 2024-01-02 | 1", "1 | 2024-01-03 | 1")
	check("small", "2024-01-02 1 historical/e/s/year=2024/month=1/day=2\n2024-01-03 1 historical/e/s/year=2024/month=1/day=3",
		"historical/e/s/year=2024/month=1/day=2/part-0.parquet", "historical/e/s/year=2024/month=1/day=3/part-0.parquet")
	if f.table.Location != b.root+"/historical/e/s" || f.checks != 1 || f.table.Columns.NumFields() != 3 || f.parts[19724].Bytes < 100 {
		t.Errorf("%+v, %d checks, %+v", f.table, f.checks, f.parts)
	}
	one("r2", "2024-01-02", "2024-01-02", 1, "1 | 2024-01-02 | 1", "1 | 2024-01-02T01:00Z | 1")
	check("large", "2024-01-02 2 _featurehost/e/s/data/r2/year=2024/month=1/day=2\n2024-01-03 1 historical/e/s/year=2024/month=1/day=3",
		"_featurehost/e/s/data/r2/year=2024/month=1/day=2/part-0.parquet", "historical/e/s/year=2024/month=1/day=3/part-0.parquet")
	one("r3", "2024-01-02", "2024-01-03", 1, "1 | 2024-01-02 | 1")
	check("large again", "2024-01-02 1 _featurehost/e/s/data/r3/year=2024/month=1/day=2", "_featurehost/e/s/data/r3/year=2024/month=1/day=2/part-0.parquet")
	one("r4", "2024-01-02", "2024-01-03", 1<<20, "1 | 2024-01-02 | 1")
	check("small again", "2024-01-02 1 historical/e/s/year=2024/month=1/day=2", "historical/e/s/year=2024/month=1/day=2/part-0.parquet")
	one("r5", "2024-01-02", "2024-01-02", 1, "1 | 2024-01-02 | 1")
	one("r6", "2024-01-01", "2024-01-03", 1)
	check("cleared", "")

	s := b.sink(config.Sink{}, nil, nil)
	s.dayLimit = 1
	_, err := write(t, s, run(t, "r7", "", ""), columns, "1 | 2024-01-02 | 1")
	if !fault.Is(err, DayTooLarge) || !strings.Contains(err.Error(), "2024-01-02") || !strings.Contains(err.Error(), "metastore") {
		t.Errorf("%v", err)
	}
	check("refused", "")
	_, err = write(t, b.sink(withHive, nil, f.open), run(t, "r8", "", ""), columns, "1 | null | 1")
	if !fault.Is(err, BadColumn) {
		t.Errorf("no timestamp: %v", err)
	}
	check("refused", "")
}

func TestDisk_Catalogue_ToldOfFolders(t *testing.T) {
	dir := t.TempDir()
	f := &fakeCatalogue{}
	one := func(r flow.Run, rows ...string) {
		s := sink(t, dir, withHive, nil)
		s.open = f.open
		mustWrite(t, s, r, columns, rows...)
	}
	one(run(t, "r1", "", ""), "1 | 2024-01-02 | 1", "1 | 2024-01-03 | 1")
	one(run(t, "r2", "2024-01-02", "2024-01-03"), "1 | 2024-01-03 | 1", "1 | 2024-01-03 | 2")
	if got := f.text("file://" + dir); got != "2024-01-03 2 historical/e/s/year=2024/month=1/day=3" || f.table.Location != "file://"+dir+"/historical/e/s" || f.checks != 2 {
		t.Errorf("%s, %+v", got, f)
	}
	env, _, _ := hosttest.Env(t)
	for _, cfg := range []config.Sink{withHive, {Hive: withHive.Hive, Layout: flat}} {
		cfg.Path = dir
		if _, err := New(cfg, parts.Place{}, env); !fault.Is(err, BadPlace) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	// The catalogue is away: the files are in place, and publishing again tells it.
	s := sink(t, dir, withHive, nil)
	s.open = f.open
	defer s.Close()
	p, err := prepare(t, s, run(t, "r3", "2024-01-04", "2024-01-04"), columns, "1 | 2024-01-04 | 1")
	if err != nil {
		t.Fatal(err)
	}
	f.fail = errors.New("away")
	if _, err := s.Publish(t.Context(), p); err == nil {
		t.Error("published")
	}
	if _, err := s.Publish(t.Context(), p); err != nil || !strings.Contains(f.text(""), "2024-01-04 1") {
		t.Errorf("%v, %s", err, f.text(""))
	}
}

// crash is one run that is killed at its n-th request, and what comes after.
// It reports whether the run got as far as that request.
func crash(t *testing.T, b *bucket, c scenario, cfg config.Sink, limit int64, n int) bool {
	t.Helper()
	b = b.below(b.sub(fmt.Sprintf("%d", n)))
	cfg.Layout = c.layout
	f := &fakeCatalogue{}
	var open OpenRegistrar
	if cfg.Hive != nil {
		open = f.open
	}
	make := func(hook blob.Hook) *Sink {
		s := b.sink(cfg, hook, open)
		s.dayLimit = limit
		return s
	}
	if c.before != nil {
		mustWrite(t, make(nil), run(t, "old", "", ""), columns, c.before...)
	}
	old := table(t, b.fetch())
	plan := &blobtest.Plan{CrashAt: n}
	s := make(func(op blob.Op) error {
		if out := f.dangling(b); out != nil {
			t.Errorf("at %s the catalogue points at nothing for %q", op, out)
		}
		return plan.Hook(op)
	})
	p, err := prepare(t, s, c.run(t), columns, c.now...)
	prepared := err == nil
	if prepared {
		_, err = s.Publish(t.Context(), p)
	}
	s.Close() // a dead process would not; what it can still do must do no harm
	if plan.Reached() == (err == nil) {
		t.Fatalf("request %d: reached %v, %v", n, plan.Reached(), err)
	}
	next := make(nil)
	defer next.Close()
	if !prepared {
		if got := table(t, b.fetch()); got != old {
			t.Fatalf("request %d: the table changed before it was published", n)
		}
		if err := next.Discard(t.Context(), c.run(t)); err != nil {
			t.Fatal(err)
		}
	} else {
		for range 2 { // H3
			if _, err := next.Publish(t.Context(), p); err != nil {
				t.Fatalf("request %d: publish again: %v", n, err)
			}
		}
	}
	at := b.fetch()
	left := slices.DeleteFunc(aside(t, at), func(key string) bool { return f.pointsAt(b.root + "/_featurehost/" + key) })
	if len(left) > 0 {
		t.Fatalf("request %d: left behind: %q", n, left)
	}
	want := old
	if prepared {
		want = f.want(t, c, limit)
		if cfg.Hive == nil {
			dir := c.set(t)
			mustWrite(t, sink(t, dir, config.Sink{Layout: c.layout}, nil), c.run(t), columns, c.now...)
			want = table(t, dir)
		}
	}
	got := table(t, at)
	if cfg.Hive != nil && prepared {
		got = f.text(b.root)
	}
	if got != want {
		t.Fatalf("request %d: got\n%s\nwant\n%s", n, got, want)
	}
	return plan.Reached()
}

// want is the catalogue after the scenario's run.
func (f *fakeCatalogue) want(t *testing.T, c scenario, limit int64) string {
	t.Helper()
	home := "historical/e/s/"
	if limit < dayLimit {
		home = "_featurehost/e/s/data/new/"
	}
	out := []string{"2024-01-02 1 " + home + "year=2024/month=1/day=2", "2024-02-03 1 " + home + "year=2024/month=2/day=3"}
	if c.before != nil && !c.run(t).Interval.Full() {
		old := strings.Replace(home, "/new/", "/old/", 1)
		out = append(out, "2024-01-01 1 "+old+"year=2024/month=1/day=1")
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// Rule: S-1203. A run killed at any request leaves a table that the next one
// completes or undoes; no reader by the catalogue ever finds a day without its
// objects.
func TestRemote_KilledAtAnyRequest_CompletedOrUndone(t *testing.T) {
	b := newBucket(t, servertest.S3(t))
	for name, c := range scenarios() {
		if c.aside {
			continue
		}
		n := 1
		for crash(t, b.below(name), c, config.Sink{}, dayLimit, n) {
			n++
		}
		if n < 5 {
			t.Errorf("%s: only %d requests", name, n)
		}
		if c.layout == flat {
			continue
		}
		for n = 1; crash(t, b.below(name+"-hive"), c, withHive, dayLimit, n); n++ {
		}
		for n = 1; crash(t, b.below(name+"-large"), c, withHive, 1, n); n++ {
		}
	}
}

func (b bucket) sub(name string) string {
	return strings.TrimPrefix(b.root, "s3://"+b.name+"/") + "/" + name
}

// A day is always whole: whoever reads while a run publishes finds its old or
// its new rows.
func TestRemote_ReaderWhilePublishing_OldOrNewDays(t *testing.T) {
	b := newBucket(t, servertest.S3(t))
	rowsOfRun := func(n int) (out []string) {
		for d := range 5 {
			out = append(out, fmt.Sprintf("1 | 2024-01-0%d | %d", d+1, n))
		}
		return out
	}
	mustWrite(t, b.sink(config.Sink{}, nil, nil), run(t, "r0", "", ""), columns, rowsOfRun(0)...)
	done := make(chan struct{})
	var reads int
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			list, err := b.at.Entries(context.Background(), "historical/")
			// The test server keeps its objects in a folder: while it replaces one, its
			// temporary name is there to be listed, for an instant.
			list = slices.DeleteFunc(list, func(e s3store.Entry) bool { return strings.Contains(e.Key, ".sgwtmp.") })
			if err != nil || len(list) != 5 {
				t.Errorf("%v, %v", list, err)
				return
			}
			for _, e := range list {
				if data, err := b.at.Get(context.Background(), e.Key); err != nil || len(data) < 100 || string(data[len(data)-4:]) != "PAR1" {
					t.Errorf("%s: %d bytes, %v", e.Key, len(data), err)
				}
				reads++
			}
		}
	})
	for n := 1; n <= 5; n++ {
		mustWrite(t, b.sink(config.Sink{}, nil, nil), run(t, fmt.Sprintf("r%d", n), "", ""), columns, rowsOfRun(n)...)
	}
	close(done)
	wait.Wait()
	if reads < 10 {
		t.Errorf("%d reads prove little", reads)
	}
}

func TestRemote_TablesThatDoNotFit_Refused(t *testing.T) {
	b := newBucket(t, servertest.S3(t))
	mustWrite(t, b.sink(config.Sink{}, nil, nil), run(t, "r1", "", ""), columns, "1 | 2024-01-02 | 1")
	for name, c := range map[string]struct {
		cfg  config.Sink
		cols string
		code fault.Code
		part string
	}{
		"other type":   {config.Sink{}, "id bigint, timestamp timestamp, n string", SchemaChange, `"n"`},
		"column gone":  {config.Sink{}, "id bigint, timestamp timestamp, m bigint", SchemaChange, `"n"`},
		"other layout": {config.Sink{Layout: flat}, columns, LayoutChange, "partitioned"},
	} {
		_, err := write(t, b.sink(c.cfg, nil, nil), run(t, "r2", "", ""), c.cols, "1 | 2024-01-02 | 1")
		if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.part) || !strings.Contains(err.Error(), b.root+"/historical/e/s") {
			t.Errorf("%s: %v", name, err)
		}
	}
	mustWrite(t, b.sink(config.Sink{}, nil, nil), run(t, "r3", "2024-01-03", "2024-01-03"), columns+", more double", "1 | 2024-01-03 | 1 | 2.5")
	if err := b.at.Put(t.Context(), "historical/e/s/year=2024/month=1/day=4/part-0.parquet", []byte("no Parquet")); err != nil {
		t.Fatal(err)
	}
	_, err := write(t, b.sink(config.Sink{}, nil, nil), run(t, "r4", "2024-01-05", "2024-01-05"), columns+", more double")
	if !fault.Is(err, SchemaChange) || !strings.Contains(err.Error(), "day=4/part-0.parquet") {
		t.Errorf("damaged: %v", err)
	}
	none := bucket{t: t, name: "no-such-bucket", cfg: b.cfg}
	_, err = write(t, none.below("x").sink(config.Sink{}, nil, nil), run(t, "r1", "", ""), columns, "1 | 2024-01-02 | 1")
	if !fault.Is(err, s3store.NoBucket) || !strings.Contains(err.Error(), "no-such-bucket") {
		t.Errorf("no bucket: %v", err)
	}
	if left := aside(t, b.fetch()); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

// Prepared rows that someone removed or replaced are not published.
func TestRemote_PendingLost_Said(t *testing.T) {
	b := newBucket(t, servertest.S3(t))
	for name, harm := range map[string]func(key string) error{
		"removed":  func(key string) error { return b.at.Delete(t.Context(), key) },
		"replaced": func(key string) error { return b.at.Put(t.Context(), key, []byte("x")) },
	} {
		s := b.sink(config.Sink{}, nil, nil)
		p, err := prepare(t, s, run(t, name, "2024-01-02", "2024-01-02"), columns, "1 | 2024-01-02 | 1")
		if err != nil {
			t.Fatal(err)
		}
		if err := harm("_featurehost/e/s/pending/" + name + "/year=2024/month=1/day=2/part-0.parquet"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Publish(t.Context(), p); !fault.Is(err, PendingLost) || !errors.Is(err, flow.ErrPendingLost) {
			t.Errorf("%s: %v", name, err)
		}
		if err := errors.Join(s.Discard(t.Context(), run(t, name, "", "")), s.Close()); err != nil {
			t.Error(err)
		}
	}
	if got := b.keys(); got != nil {
		t.Errorf("%q", got)
	}
}

// The server freezes or dies and comes back at points of a run: the run goes
// on, or the next one completes it.
func TestRemote_ServerFaults_RunOrNextCompletes(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a server to come back")
	}
	own := servertest.Own(t, "s3")
	b := newBucket(t, own.S3())
	points := []string{"put probe", "put pending", "copy", "remove table", "remove pending"}
	is := func(op blob.Op, point string) bool {
		switch point {
		case "put probe":
			return op.Kind == blob.Put && strings.HasSuffix(op.Key, "probe")
		case "put pending":
			return op.Kind == blob.Put && strings.HasSuffix(op.Key, "day=2/part-0.parquet")
		case "copy":
			return op.Kind == blob.Copy
		case "remove table":
			return op.Kind == blob.Remove && strings.HasPrefix(op.Key, "historical/")
		}
		return op.Kind == blob.Remove && strings.HasSuffix(op.Key, "day=2/part-0.parquet")
	}
	var back sync.WaitGroup
	later := func(d time.Duration, f func()) { back.Go(func() { time.Sleep(d); f() }) }
	for _, point := range points {
		for name, harm := range map[string]func(){
			"frozen": func() { own.Freeze(); later(2*time.Second, own.Thaw) },
			"killed": func() { own.Kill(); own.Restart() },
			"away":   func() { own.Kill(); later(2*time.Second, own.Restart) },
		} {
			t.Run(point+"/"+name, func(t *testing.T) {
				b := b.below(strings.ReplaceAll(point, " ", "-") + name)
				mustWrite(t, b.sink(config.Sink{}, nil, nil), run(t, "old", "", ""), columns, "1 | 2024-01-02 | 1", "1 | 2024-01-03 | 1")
				var once sync.Once
				hit := false
				s := b.sink(config.Sink{}, func(op blob.Op) error {
					if is(op, point) {
						once.Do(func() { hit = true; harm() })
					}
					return nil
				}, nil)
				got := mustWrite(t, s, run(t, "new", "2024-01-02", "2024-01-03"), columns, "1 | 2024-01-02 | 22")
				if !hit || got != (flow.Published{Rows: 1, Partitions: 1, Cleared: 1}) {
					t.Errorf("hit %v, %+v", hit, got)
				}
				back.Wait()
				if got := table(t, b.fetch()); got != "e/s/year=2024/month=1/day=2/part-0.parquet\n  1 | 2024-01-02 | 22\n" {
					t.Errorf("table:\n%s", got)
				}
			})
		}
	}
}

func TestSink_Probe_EachServerASentence(t *testing.T) {
	b := newBucket(t, servertest.S3(t))
	f := &fakeCatalogue{}
	for name, c := range map[string]struct {
		at   *bucket
		ok   bool
		part string
	}{
		"there":     {b, true, b.root},
		"no bucket": {(bucket{t: t, name: "no-such-bucket", cfg: b.cfg}).below("x"), false, "no-such-bucket"},
	} {
		s := c.at.sink(withHive, nil, f.open)
		found, err := s.Probe(t.Context())
		if err != nil || len(found) != 1 || found[0].OK != c.ok || !strings.Contains(found[0].Text, c.part) || found[0].Server != "s3 "+b.cfg.Endpoint {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if keys := b.keys(); keys != nil {
		t.Errorf("the probe left %q", keys)
	}
	s := b.sink(config.Sink{}, nil, nil)
	defer s.Close()
	if m, err := s.Migration(t.Context(), run(t, "r", "", ""), nil); err != nil || m.Table != "" || m.Changes != nil {
		t.Errorf("%+v, %v", m, err)
	}
}
