package online

import (
	"context"
	"testing"
	"time"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// Records of publications do not pile up; one that the ledger may still ask for
// stays, and so do those of sets that nobody publishes.
// Rule: S-1301.
func TestPublish_OldRecords_Forgotten(t *testing.T) {
	s := newStore(t)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	publish := func(days float64, p flow.Pending) flow.Published {
		t.Helper()
		k := s.sink()
		k.now = func() time.Time { return start.Add(time.Duration(days * 24 * float64(time.Hour))) }
		out, err := k.Publish(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	staged := func(set string) flow.Pending {
		t.Helper()
		r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5", "2 | 2026-01-02 | 6")
		defer r.Release()
		k, ctx := s.sink(), context.Background()
		run := s.run(0)
		run.Set = set
		if err := k.Open(ctx, run, r.Schema()); err != nil {
			t.Fatal(err)
		}
		if err := k.Write(ctx, flow.Batch{Record: r}); err != nil {
			t.Fatal(err)
		}
		p, err := k.Prepare(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	records := func(want string) {
		t.Helper()
		if got := s.query("SELECT run FROM fh_publications ORDER BY run"); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
	publish(0, staged("visits")) // run-1
	publish(0, staged("spend"))  // run-2
	third := staged("spend")
	publish(3, third)
	publish(6.9, staged("spend"))
	records("run-1 \nrun-2 \nrun-3 \nrun-4 \n")
	publish(7.1, staged("spend"))
	records("run-1 \nrun-3 \nrun-4 \nrun-5 \n")
	// The record answers for rows that are staged no more.
	if out := publish(9, third); out.Rows != 2 || out.Stale != 0 {
		t.Errorf("published again: %+v", out)
	}
	publish(30, staged("visits"))
	records("run-3 \nrun-4 \nrun-5 \nrun-6 \n")

	// Records of before they had a time have it from the next publication on.
	s.raw(`DROP INDEX fh_publications_age; ALTER TABLE fh_publications DROP COLUMN published_at`)
	publish(40, staged("spend"))
	records("run-3 \nrun-4 \nrun-5 \nrun-6 \nrun-7 \n")
	publish(46.9, staged("spend"))
	records("run-3 \nrun-4 \nrun-5 \nrun-6 \nrun-7 \nrun-8 \n")
	publish(47.1, staged("spend"))
	records("run-6 \nrun-8 \nrun-9 \n")
}
