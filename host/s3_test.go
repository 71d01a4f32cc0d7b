package host_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/ledger"
	"github.com/featurehost/featurehost/host/parts"
)

// countsOn is a pipeline of windows, whose intervals look back on stored rows.
// Its sink is at root.
func countsOn(root string, s3 config.S3) string {
	on := ""
	if s3.Endpoint != "" {
		on = fmt.Sprintf("s3 = { endpoint = %q, region = %q, path_style = true }\n", s3.Endpoint, s3.Region)
	}
	return head("[[reader]]\nid = \"in\"\ntype = \"file\"\npath = \"in.jsonl\"\nformat = \"json\"\nincremental = { column = \"ts\" }\n"+
		"schema = { id = \"bigint\", ts = \"timestamp\", v = \"double\" }\n") + `
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "ts" }
windows = { rolling = ["2 days"], slide = "1 day" }
[[feature_set.feature]]
name = "v"
aggregate = ["count", "sum"]
[[sink]]
type = "historical"
path = "` + root + "\"\n" + on
}

// januaryEvents are rows of a few keys on most days of January.
func januaryEvents() string {
	var b strings.Builder
	for d := 1; d <= 28; d++ {
		for id := range 5 {
			if (d+id)%4 != 0 {
				fmt.Fprintf(&b, "{\"id\": %d, \"ts\": \"2026-01-%02dT0%d:00:00Z\", \"v\": %d.5}\n", id, d, id, d)
			}
		}
	}
	// Whether such keys are new only older rows can tell.
	for _, line := range []string{"9 03 1", "9 20 null", "11 20 null"} {
		f := strings.Fields(line)
		fmt.Fprintf(&b, "{\"id\": %s, \"ts\": \"2026-01-%sT05:00:00Z\", \"v\": %s}\n", f[0], f[1], f[2])
	}
	return b.String()
}

// storedRows reads a historical table as sorted lines.
func storedRows(t *testing.T, dir string, s3 config.S3) []string {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	r, err := everything().Readers["file"](config.Reader{ID: "r", Path: "historical/e/s", Format: "parquet", S3: s3}, parts.Place{Dir: dir}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Open(t.Context(), flow.Request{}); err != nil {
		t.Fatal(err)
	}
	var out []string
	for {
		b, err := r.Next(t.Context())
		if err == io.EOF { //nolint:errorlint // the end itself
			slices.Sort(out)
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Split(strings.TrimSpace(hosttest.Text(b.Record)), "\n")...)
		b.Release()
	}
}

// Rule: S-1203, S-1105. The same runs with the table and the ledger on disk and
// on S3.
func TestRun_TableAndLedgerOnS3_AsOnDisk(t *testing.T) {
	srv := servertest.S3(t)
	srv.Setenv(t)
	cfg := config.S3{Endpoint: srv.Endpoint, Region: srv.Region, PathStyle: true}
	root := "s3://" + srv.Bucket + "/env=test/store"
	dir := t.TempDir()
	write(t, dir, map[string]string{"in.jsonl": januaryEvents()})
	disk, remote := opened(t, dir, countsOn("out", config.S3{}), host.Options{}), opened(t, dir, countsOn(root, cfg), host.Options{})
	var rereads []string
	for _, i := range [][2]string{{"", "2026-01-10"}, {"2026-01-11", "2026-01-20"}, {"2026-01-15", "2026-01-18"}, {"2026-01-21", "2026-01-25"}} {
		reports := make([]*host.Report, 2)
		for k, h := range []*host.Host{disk, remote} {
			var err error
			if reports[k], err = h.Run(t.Context(), host.RunOptions{Interval: day(t, i[0], i[1])}); err != nil {
				t.Fatal(err)
			}
		}
		a, b := reports[0], reports[1]
		if fmt.Sprint(a.Reread) != fmt.Sprint(b.Reread) && (a.Reread == nil || b.Reread == nil || *a.Reread != *b.Reread) {
			t.Errorf("%s: looked back on %+v, on disk %+v", i, b.Reread, a.Reread)
		}
		if b.Reread != nil {
			rereads = append(rereads, b.Reread.From)
		}
		if fmt.Sprint(a.Sinks[0].Published) != fmt.Sprint(b.Sinks[0].Published) || a.Run != b.Run {
			t.Errorf("%s: %+v, on disk %+v", i, b.Sinks, a.Sinks)
		}
	}
	if !slices.Contains(rereads, "stored rows") {
		t.Errorf("no run looked back on rows stored on S3: %q", rereads)
	}
	want, got := storedRows(t, filepath.Join(dir, "out"), config.S3{}), storedRows(t, root, cfg)
	if !slices.Equal(got, want) || len(want) < 50 {
		t.Errorf("%d rows on S3, %d on disk", len(got), len(want))
	}
}

// Rule: S-1210. Whoever writes days that another run holds is refused, and told
// who holds them.
func TestRun_IntervalHeldOnS3_HolderNamed(t *testing.T) {
	srv := servertest.S3(t)
	srv.Setenv(t)
	cfg := config.S3{Endpoint: srv.Endpoint, Region: srv.Region, PathStyle: true}
	root := "s3://" + srv.Bucket + "/store"
	store, err := s3store.NewPool(s3store.Options{}).Open(root+"/_featurehost/e/s", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	other := ledger.Open(store, ledger.Options{Holder: ledger.Holder{Host: "otherhost", PID: 4711, Boot: "other"}})
	none := func(context.Context, ledger.Record) (map[string]flow.Published, error) { return nil, nil }
	c, _, err := other.Acquire(t.Context(), ledger.Request{Interval: day(t, "2026-01-05", "2026-01-09"), Entity: "e", Set: "s"}, none,
		func(context.Context, ledger.Record) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"in.jsonl": januaryEvents()})
	h := opened(t, dir, countsOn(root, cfg), host.Options{})
	_, err = h.Run(t.Context(), host.RunOptions{Interval: day(t, "2026-01-09", "2026-01-12")})
	if !fault.Is(err, ledger.Held) || !strings.Contains(err.Error(), "process 4711 on otherhost") {
		t.Errorf("%v", err)
	}
	if _, err = h.Run(t.Context(), host.RunOptions{Interval: day(t, "2026-01-10", "2026-01-12")}); err != nil {
		t.Errorf("other days: %v", err)
	}
	c.Close()
	// Two at once: one of them waits for nobody and is refused, or comes after.
	var held, done int
	errs := make(chan error, 2)
	for range 2 {
		h := opened(t, dir, countsOn(root, cfg), host.Options{})
		go func() {
			_, err := h.Run(context.Background(), host.RunOptions{Interval: day(t, "2026-01-13", "2026-01-14")})
			errs <- err
		}()
	}
	for range 2 {
		select {
		case err := <-errs:
			switch {
			case err == nil:
				done++
			case fault.Is(err, ledger.Held):
				held++
			default:
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("a run hangs")
		}
	}
	if done == 0 {
		t.Errorf("%d done, %d refused", done, held)
	}
}

// The example of the docs, on a server of ours.
func TestDocs_S3Example_Runs(t *testing.T) {
	text, err := os.ReadFile("../docs/connectors/s3.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```toml\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the page has no example")
	}
	srv := servertest.S3(t)
	srv.Setenv(t)
	cfg := config.S3{Endpoint: srv.Endpoint, Region: srv.Region, PathStyle: true}
	store, err := s3store.NewPool(s3store.Options{}).Open("s3://"+srv.Bucket, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	data, err := os.ReadFile("../bench/data/events_100k.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), "raw/events.parquet", data); err != nil {
		t.Fatal(err)
	}
	example = strings.NewReplacer("my-events", srv.Bucket, "my-features", srv.Bucket, `s3 = { region = "eu-west-1" }`,
		fmt.Sprintf("s3 = { endpoint = %q, region = %q, path_style = true }", cfg.Endpoint, cfg.Region)).Replace(example)
	h := opened(t, t.TempDir(), example, host.Options{})
	report, err := h.Run(t.Context(), host.RunOptions{})
	if err != nil || report.Sinks[0].Published.Rows < 1000 {
		t.Errorf("%+v, %v", report, err)
	}
}
