package file_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// bucket is a fresh bucket, and where it is kept.
type bucket struct {
	t     testing.TB
	name  string
	cfg   config.S3
	store *s3store.Store
}

func newBucket(t testing.TB) *bucket {
	t.Helper()
	srv := servertest.S3(t)
	srv.Setenv(t)
	cfg := config.S3{Endpoint: srv.Endpoint, Region: srv.Region, PathStyle: true}
	s, err := s3store.NewPool(s3store.Options{}).Open("s3://"+srv.Bucket, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &bucket{t, srv.Bucket, cfg, s}
}

func (b *bucket) put(key string, data []byte) {
	b.t.Helper()
	if err := b.store.Put(context.Background(), key, data); err != nil {
		b.t.Fatal(err)
	}
}

// mirror puts all files of a folder into the bucket.
func (b *bucket) mirror(dir string) {
	b.t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err == nil {
			b.put(filepath.ToSlash(strings.TrimPrefix(p, dir+string(filepath.Separator))), data)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// reader reads path below the bucket; memory is the part's share.
func (b *bucket) reader(path string, memory int64, c config.Reader) flow.Reader {
	b.t.Helper()
	env, _, _ := hosttest.Env(b.t)
	env.SQL, env.MemoryBytes = &fakeSQL{t: b.t}, memory
	if c.Format == "" {
		c.Format = "parquet"
	}
	c.ID, c.S3, c.Path = "r", b.cfg, "s3://"+b.name+"/"+path
	r, err := file.New(c, parts.Place{Dir: "/none"}, env)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { r.Close() })
	return r
}

func TestReaderS3_Paths_AsOnDisk(t *testing.T) {
	dir, b := t.TempDir(), newBucket(t)
	for name, v := range map[string]string{
		"a.parquet": "1", "b.parquet": "2", "folder/c.parquet": "3", "folder/deep/d.parquet": "4", "folder/_pending/e.parquet": "5",
		"folder/.hidden.parquet": "6", "folder2/x.parquet": "8", "p/y=2024/k=a%20b/f.parquet": "9", "p/y=7/k=__HIVE_DEFAULT_PARTITION__/f.parquet": "10",
	} {
		parquetFile(t, dir, name, "n bigint", []string{v})
	}
	put(t, dir, "folder/_SUCCESS", nil)
	put(t, dir, "empty/_only", nil)
	b.mirror(dir)
	for _, path := range []string{"a.parquet", "[ab].parquet", "*.parquet", "folder", "folder/", "fold*", "folder*/*", "*/c.parquet", "fo?der/*", "p", "p/*/*", "p/y=2024"} {
		local, _ := reader(t, dir, config.Reader{Path: path})
		want := rows(t, local, flow.Request{})
		if got := rows(t, b.reader(path, 0, config.Reader{}), flow.Request{}); got != want || want == "" {
			t.Errorf("%s: got %q, on disk %q", path, got, want)
		}
	}
	for path, c := range map[string]struct {
		code fault.Code
		part string
	}{
		"nope.parquet": {file.Missing, "s3://" + b.name + "/nope.parquet"},
		"fold":         {file.Missing, "s3://" + b.name + "/fold"},
		"nope*":        {file.Missing, "match"},
		"empty":        {file.Missing, "no files in"},
		"[":            {file.BadConfig, "pattern"},
		"a/**/b":       {file.BadConfig, "**"},
		"a//b":         {s3store.BadPath, "a//b"},
	} {
		_, err := b.reader(path, 0, config.Reader{}).Schema(context.Background())
		wantCode(t, path, err, c.code, c.part)
	}
	env, _, _ := hosttest.Env(t)
	// A path below a place on S3 counts its partitions from there.
	r, err := file.New(config.Reader{ID: "r", Path: "p", Format: "parquet", S3: b.cfg}, parts.Place{Dir: "s3://" + b.name}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if s, err := r.Schema(t.Context()); err != nil || names(s) != "n bigint, y bigint, k string" {
		t.Errorf("%v, %v", s, err)
	}
	if _, ok, err := r.(flow.Relational).Relation(flow.Request{}); ok || err != nil {
		t.Errorf("scanned in place: %v, %v", ok, err)
	}
}

// wide is a file of many row groups and columns; rows of group g are of day g.
func wide(t testing.TB, groups, perGroup int) []byte {
	t.Helper()
	s, err := schema.Parse("ts timestamp, a bigint, b string, c double, d string")
	if err != nil {
		t.Fatal(err)
	}
	var list []arrow.RecordBatch
	for g := range groups {
		rb := array.NewRecordBuilder(memory.DefaultAllocator, s)
		for i := range perGroup {
			n := g*perGroup + i
			rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(int64(g)*flow.MicrosPerDay + int64(i)))
			rb.Field(1).(*array.Int64Builder).Append(int64(n) * 7919)
			rb.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("%x-%d", n*2654435761, n))
			rb.Field(3).(*array.Float64Builder).Append(float64(n) / 3)
			rb.Field(4).(*array.StringBuilder).Append(strings.Repeat(fmt.Sprintf("%x", n*40503), 5))
		}
		list = append(list, rb.NewRecordBatch())
		rb.Release()
	}
	return encode(t, list...)
}

// What is read does not depend on memory, and less is fetched when less is
// wanted.
func TestReaderS3_RowGroups_SameRowsFewerBytes(t *testing.T) {
	dir, b := t.TempDir(), newBucket(t)
	big := wide(t, 40, 3000)
	put(t, dir, "f/one.parquet", big)
	put(t, dir, "f/two.parquet", wide(t, 3, 40000))
	b.mirror(dir)
	inc := &config.Incremental{Column: "ts"}
	for name, q := range map[string]flow.Request{
		"all":       {},
		"a column":  {Columns: []string{"c"}},
		"two":       {Columns: []string{"a", "d"}},
		"a day":     {Interval: interval(t, "1970-01-03", "1970-01-03")},
		"four days": {Columns: []string{"b"}, Interval: interval(t, "1970-01-05", "1970-01-08")},
		"no day":    {Interval: interval(t, "1980-01-03", "1980-01-03")},
	} {
		local, _ := reader(t, dir, config.Reader{Path: "f", Incremental: inc})
		want := rows(t, local, q)
		var bytes []int64
		for _, share := range []int64{0, 1, 9 << 20} {
			r := b.reader("f", share, config.Reader{Incremental: inc})
			if got := rows(t, r, q); got != want {
				t.Fatalf("%s, share %d: other rows", name, share)
			}
			st, lst := r.Stats(), local.Stats()
			bytes = append(bytes, st.Bytes)
			est, err := r.(flow.Estimator).Estimate(t.Context(), q)
			if err != nil || est.Rows != st.Rows || est.RowGroupsSkipped != st.RowGroupsSkipped || est.Objects != st.Objects {
				t.Errorf("%s: estimated %+v, %v, read %+v", name, est, err, st)
			}
			if st.Rows != lst.Rows || st.RowGroups != lst.RowGroups || st.RowGroupsSkipped != lst.RowGroupsSkipped || st.Objects != lst.Objects {
				t.Errorf("%s: counts %+v, on disk %+v", name, st, lst)
			}
		}
		t.Logf("%s: %d bytes", name, bytes)
		whole := int64(len(big))
		switch name {
		case "all":
			if bytes[0] < whole {
				t.Errorf("%d bytes fetched of %d", bytes[0], whole)
			}
		case "a day", "no day", "a column", "four days":
			if bytes[0] > whole/2 {
				t.Errorf("%s: %d bytes fetched of %d", name, bytes[0], whole)
			}
		}
	}
}

// Any projection, interval and share give the rows that the disk gives.
func TestReaderS3_AnyRequest_AsOnDisk(t *testing.T) {
	dir, b := t.TempDir(), newBucket(t)
	put(t, dir, "f/one.parquet", wide(t, 7, 600))
	put(t, dir, "f/two.parquet", wide(t, 2, 4000))
	for i := range 12 {
		put(t, dir, fmt.Sprintf("f/z%02d.parquet", i), wide(t, 1, 10))
	}
	b.mirror(dir)
	rapid.Check(t, func(rt *rapid.T) {
		q := flow.Request{BatchRows: rapid.IntRange(100, 9000).Draw(rt, "batch")}
		q.Columns = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"ts", "a", "b", "c", "d"}), 1, 5, rapid.ID[string]).Draw(rt, "columns")
		from := flow.Day(rapid.IntRange(-1, 8).Draw(rt, "from"))
		to := from + flow.Day(rapid.IntRange(0, 5).Draw(rt, "days"))
		q.Interval = flow.Interval{Start: &from, End: &to}
		inc := &config.Incremental{Column: "ts"}
		local, _ := reader(t, dir, config.Reader{Path: "f", Incremental: inc})
		r := b.reader("f", rapid.SampledFrom([]int64{0, 1}).Draw(rt, "share"), config.Reader{Incremental: inc})
		if want, got := rows(t, local, q), rows(t, r, q); got != want {
			rt.Fatalf("other rows")
		}
		r.Close()
	})
}

func TestReaderS3_ReplacedWhileRead_ChangedAndRetry(t *testing.T) {
	b := newBucket(t)
	const odd = `{"n": {"not": "plain"}}` + "\n"
	plain := func(from, n int) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, "{\"n\":\"v%d\"}\n", from+i)
		}
		return s.String()
	}
	many := plain(0, 300_000) // more than is fetched ahead
	for name, c := range map[string]struct {
		format        string
		before, after string
		batch         int
	}{
		"parquet":    {"parquet", string(wide(t, 40, 3000)), string(wide(t, 41, 3000)), 100},
		"json":       {"json", many, "\n" + many, 1000},
		"json, odd":  {"json", plain(1, 2) + odd + plain(4, 1), plain(8, 2) + plain(1, 2) + odd + plain(4, 1), 1},
		"json, even": {"json", plain(1, 2) + odd, plain(3, 2) + odd, 1}, // of the same size
	} {
		t.Run(name, func(t *testing.T) {
			key := strings.ReplaceAll(name, ", ", "-") + "." + c.format
			b.put(key, []byte(c.before))
			cfg := config.Reader{Format: c.format}
			if c.format == "json" {
				cfg.Schema = []config.Column{{Name: "n", Type: "string"}}
			}
			r := b.reader(key, 1, cfg)
			if _, err := r.Open(t.Context(), flow.Request{BatchRows: c.batch}); err != nil {
				t.Fatal(err)
			}
			first, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			first.Release()
			b.put(key, []byte(c.after))
			var got strings.Builder
			for err == nil {
				var next flow.Batch
				if next, err = r.Next(t.Context()); err == nil {
					if got.Len() < 1000 {
						got.WriteString(hosttest.Text(next.Record))
					}
					next.Release()
				}
			}
			f := fault.As(err)
			if f == nil || f.Code != s3store.Changed || !f.Retry || !strings.Contains(err.Error(), "s3://"+b.name+"/"+key) {
				t.Errorf("%v, after\n%s", err, &got)
			}
		})
	}
}

func TestReaderS3_OneCorruptAmongMany_Named(t *testing.T) {
	b := newBucket(t)
	good := wide(t, 1, 50)
	for i := range 60 {
		b.put(fmt.Sprintf("many/%03d.parquet", i), good)
	}
	big := wide(t, 2, 20000)
	for name, damaged := range map[string][]byte{
		"footer": good[:len(good)-3], "empty": {}, "text": []byte("hello, this is text"), "pages": append(append([]byte{}, big[:5]...), append(bytes.Repeat([]byte{0xff}, 5000), big[5005:]...)...),
	} {
		b.put("many/041.parquet", damaged)
		r := b.reader("many", 0, config.Reader{})
		_, err := readAll(r, flow.Request{})
		wantCode(t, name, err, file.Corrupt, "s3://"+b.name+"/many/041.parquet")
		r.Close()
	}
}

func TestReaderS3_Cancelled_EndsAtOnce(t *testing.T) {
	b := newBucket(t)
	b.put("f.parquet", wide(t, 40, 3000))
	r := b.reader("f.parquet", 0, config.Reader{})
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := r.Open(ctx, flow.Request{BatchRows: 10}); err != nil {
		t.Fatal(err)
	}
	x, err := r.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	x.Release()
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A footer of more than what is fetched at first is waited for no longer than
// the caller wants to.
func TestReaderS3_CancelledInAFooter_EndsAtOnce(t *testing.T) {
	b := newBucket(t)
	columns := make([]arrow.Field, 2000)
	for i := range columns {
		columns[i] = arrow.Field{Name: fmt.Sprintf("a_long_name_of_a_column_%d", i), Type: arrow.PrimitiveTypes.Int64, Nullable: true}
	}
	rb := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(columns, nil))
	defer rb.Release()
	for i := range columns {
		rb.Field(i).AppendNull()
	}
	data := encode(t, rb.NewRecordBatch())
	if footer := binary.LittleEndian.Uint32(data[len(data)-8:]); footer <= 64<<10 || len(data) <= 256<<10 {
		t.Fatalf("a footer of %d bytes in a file of %d: all of it is fetched at once", footer, len(data))
	}
	b.put("t/f.parquet", data)

	// The server answers what is asked of the end, and nothing else.
	u, err := url.Parse(b.cfg.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	forward := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host
		r.Out.Host = r.In.Host // it is signed
	}}
	stuck, over := make(chan struct{}, 100), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked := r.Header.Get("Range"); asked != "" && !strings.HasPrefix(asked, "bytes=-") {
			stuck <- struct{}{}
			select {
			case <-r.Context().Done():
			case <-over:
			}
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { close(over); srv.Close() })
	b.cfg.Endpoint = srv.URL

	pool := s3store.NewPool(s3store.Options{Attempts: 1})
	env, _, _ := hosttest.Env(t)
	cfg := config.Reader{ID: "r", Format: "parquet", Path: "s3://" + b.name + "/t", S3: b.cfg}
	for name, read := range map[string]func(context.Context) error{
		"schema": func(ctx context.Context) error {
			r, err := file.Factory(pool)(cfg, parts.Place{Dir: "/none"}, env)
			if err != nil {
				return err
			}
			_, err = r.Schema(ctx)
			return errors.Join(err, r.Close())
		},
		"listed": func(ctx context.Context) error {
			l, err := file.NewListed(cfg, parts.Place{}, env, pool)
			if err != nil {
				return err
			}
			files, err := l.Files(ctx, cfg.Path)
			if err == nil {
				_, err = l.Open(ctx, files[0], nil)
			}
			return errors.Join(err, l.Close())
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- read(ctx) }()
		select {
		case <-stuck:
		case err := <-ended:
			t.Fatalf("%s: %v, and the footer was not asked for", name, err)
		}
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: it goes on", name)
		}
	}
}

func TestReaderS3_Text_FetchedOrStreamed(t *testing.T) {
	dir, b := t.TempDir(), newBucket(t)
	var big strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&big, "{\"n\": \"v%d\", \"other\": \"%s\"}\n", i, strings.Repeat("x", i%60))
	}
	put(t, dir, "j/k=1/a.json", []byte(big.String()))
	put(t, dir, "j/k=2/b.json", []byte(`{"n": "last"}`))
	put(t, dir, "c/k=1/a.csv", []byte("x\ny\n"))
	put(t, dir, "c/k=2/a.csv", []byte("z\n"))
	b.mirror(dir)
	for path, format := range map[string]string{"j": "json", "c": "csv"} {
		for _, columns := range [][]config.Column{nil, {{Name: "n", Type: "string"}}} {
			local, _ := reader(t, dir, config.Reader{Path: path, Format: format, Schema: columns})
			want := rows(t, local, flow.Request{})
			r := b.reader(path, 0, config.Reader{Format: format, Schema: columns})
			for range 2 {
				if got := rows(t, r, flow.Request{}); got != want || want == "" {
					t.Errorf("%s: other rows: %d bytes, on disk %d", path, len(got), len(want))
				}
			}
			if format == "json" && r.Stats().Bytes < int64(big.Len()) {
				t.Errorf("%+v", r.Stats())
			}
		}
	}
	env, _, _ := hosttest.Env(t)
	engine := &namingSQL{fakeSQL: fakeSQL{t: t}}
	env.SQL = engine
	r, err := file.New(config.Reader{ID: "r", Path: "s3://" + b.name + "/c", Format: "csv", S3: b.cfg, Schema: []config.Column{{Name: "n", Type: "string"}}}, parts.Place{}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = readAll(r, flow.Request{})
	wantCode(t, "bad row", err, file.BadRow, "s3://"+b.name+"/c/k=1/a.csv:7", "near s3://")
	if strings.Contains(err.Error(), env.Scratch) {
		t.Errorf("%q names the scratch folder", err)
	}
	left, err := filepath.Glob(filepath.Join(env.Scratch, "fetched-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in scratch: %v, %v", left, err)
	}
}

// crowdedSQL fails the test when scratch holds more than what it was given and
// what it is to write.
type crowdedSQL struct {
	fakeSQL
	scratch string
}

func (c *crowdedSQL) Convert(ctx context.Context, x flow.Foreign, dst string) error {
	for _, path := range inScratch(c.t, c.scratch) {
		if path != dst && path != x.Paths[0] {
			c.t.Errorf("converting %s, scratch holds %s", x.Paths[0], path)
		}
	}
	return c.fakeSQL.Convert(ctx, x, dst)
}

func inScratch(t testing.TB, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Text that is converted takes the room of one file, whoever lists the files
// and whether they are read to their end or not.
func TestReader_Converted_OneFileInScratch(t *testing.T) {
	dir, b := t.TempDir(), newBucket(t)
	for i := range 4 {
		put(t, dir, fmt.Sprintf("csv/%d.csv", i), []byte("a\nb\nc\n"))
		put(t, dir, fmt.Sprintf("json/%d.json", i), []byte(`{"n":"plain"}`+"\n"+`{"n":"odd",}`+"\n"+`{"n":"x"}`))
		put(t, dir, fmt.Sprintf("packed/%d.json.gz", i), []byte("a\nb\nc\n"))
	}
	b.mirror(dir)
	next := func(r flow.Reader) error {
		x, err := r.Next(t.Context())
		if err == nil {
			x.Release()
		}
		return err
	}
	for folder, format := range map[string]string{"csv": "csv", "json": "json", "packed": "json"} {
		for _, place := range []string{dir, "s3://" + b.name} {
			env, _, _ := hosttest.Env(t)
			engine := &crowdedSQL{fakeSQL{t: t}, env.Scratch}
			env.SQL = engine
			empty := func(when string) {
				t.Helper()
				if left := inScratch(t, env.Scratch); len(left) > 0 {
					t.Errorf("%s in %s: %s, scratch holds %s", folder, place, when, left)
				}
			}
			cfg := config.Reader{ID: "r", Path: place + "/" + folder, Format: format, S3: b.cfg, Schema: []config.Column{{Name: "n", Type: "string"}}}
			r, err := file.New(cfg, parts.Place{}, env)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 2 { // each time it is opened
				if got := strings.Count(rows(t, r, flow.Request{}), "\n") + 1; got != 12 {
					t.Errorf("%s: %d rows", folder, got)
				}
				if engine.converts != 4*(n+1) {
					t.Errorf("%s: %d conversions", folder, engine.converts)
				}
				empty("at the end")
			}
			for _, leave := range []func(){
				func() { _ = rows(t, r, flow.Request{}) },
				func() { r.Close() },
			} {
				if _, err := r.Open(t.Context(), flow.Request{BatchRows: 2}); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if err := next(r); err != nil {
						t.Fatal(err)
					}
				}
				if len(inScratch(t, env.Scratch)) != 1 {
					t.Error("nothing is in scratch in the middle of a file: the test proves nothing")
				}
				leave()
				empty("left in the middle")
			}

			l, err := file.NewListed(cfg, parts.Place{}, env, s3store.NewPool(s3store.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			files, err := l.Files(t.Context(), cfg.Path)
			if err != nil || len(files) != 4 {
				t.Fatal(files, err)
			}
			for _, f := range files {
				one, err := l.Open(t.Context(), f, nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := one.Open(t.Context(), flow.Request{BatchRows: 2}); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if err := next(one); err != nil {
						t.Fatal(err)
					}
				}
				one.Close()
				empty("a listed file closed")
			}
			l.Close()

			engine.fail = fault.New(7131, "bad")
			bad, err := file.New(cfg, parts.Place{}, env)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := readAll(bad, flow.Request{}); !fault.Is(err, file.BadRow) {
				t.Errorf("%s: %v", folder, err)
			}
			bad.Close()
			empty("refused")
		}
	}
}

// namingSQL fails with the path that it was given.
type namingSQL struct{ fakeSQL }

func (n *namingSQL) Convert(_ context.Context, x flow.Foreign, _ string) error {
	return fault.Wrap(errors.New("near "+x.Paths[0]), 7131, "column %q: bad", "n").At("%s:7", x.Paths[0])
}

// The server freezes or dies and comes back while a file is read: the read goes
// on where it was.
func TestReaderS3_ServerFaults_SameRows(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a server to come back")
	}
	own := servertest.Own(t, "s3")
	srv := own.S3()
	srv.Setenv(t)
	cfg := config.S3{Endpoint: srv.Endpoint, Region: srv.Region, PathStyle: true}
	store, err := s3store.NewPool(s3store.Options{}).Open("s3://"+srv.Bucket, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	b := &bucket{t, srv.Bucket, cfg, store}
	dir := t.TempDir()
	put(t, dir, "f/a.parquet", wide(t, 20, 3000))
	put(t, dir, "f/b.parquet", wide(t, 3, 3000))
	b.mirror(dir)
	local, _ := reader(t, dir, config.Reader{Path: "f"})
	want := rows(t, local, flow.Request{})
	var back sync.WaitGroup
	later := func(d time.Duration, f func()) { back.Go(func() { time.Sleep(d); f() }) }
	for name, harm := range map[string]func(){
		"frozen": func() { own.Freeze(); later(2*time.Second, own.Thaw) },
		"killed": func() { own.Kill(); own.Restart() },
		"away":   func() { own.Kill(); later(2*time.Second, own.Restart) },
	} {
		for _, point := range []int{0, 1, 8, 70} { // batches read before
			r := b.reader("f", 1, config.Reader{})
			if _, err := r.Open(t.Context(), flow.Request{BatchRows: 500}); err != nil {
				t.Fatal(err)
			}
			var got []string
			for n := 0; ; n++ {
				if n == point {
					harm()
				}
				x, err := r.Next(t.Context())
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s after %d batches: %v", name, point, err)
				}
				got = append(got, strings.Split(strings.TrimSuffix(hosttest.Text(x.Record), "\n"), "\n")...)
				x.Release()
			}
			back.Wait()
			r.Close()
			slices.Sort(got)
			if strings.Join(got, "\n") != want {
				t.Errorf("%s after %d batches: other rows", name, point)
			}
		}
	}
}
