package hive_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/historical"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
)

// A metastore that stands still, dies or comes back, at whatever moment of a
// publication: a clear error or none, and the next publication completes.
// Rule: S-1203.
func TestPublish_MetastoreFailsOnTheWay_NextOneCompletes(t *testing.T) {
	own := servertest.Own(t, "metastore")
	h, ctx := open(t, own.Addr), t.Context()
	short, err := hive.NewRegistrar(config.Hive{Metastore: own.Addr, Database: h.db}, hive.Limits{Dial: 2 * time.Second, Call: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer short.Close()
	days := func(run string, n int) (set []historical.Partition) {
		first := day(t, "2024-01-01")
		for i := range n {
			d := h.partition(run, "2024-01-01", int64(i))
			d.Day = first
			first++
			set = append(set, d)
		}
		return set
	}
	if err := h.Publish(ctx, h.table, days("r0", 30), nil); err != nil {
		t.Fatal(err)
	}
	understood := func(what string, err error) {
		t.Helper()
		if err == nil {
			return
		}
		f := fault.As(err)
		if f == nil || f.Code != hive.Unreachable || !f.Retry || !strings.Contains(err.Error(), own.Addr) {
			t.Errorf("%s: %v", what, err)
		}
		t.Logf("%s: %v", what, err)
	}
	complete := func(run string, n int) {
		t.Helper()
		if err := h.Publish(ctx, h.table, days(run, n), nil); err != nil {
			t.Fatal(run, err)
		}
		if got := strings.Count(h.shown(), "/"+run+"/"); got != n {
			t.Errorf("%d of %d days are of %s:\n%s", got, n, run, h.shown())
		}
	}

	// Frozen: it ends with its limit; the same without a limit so short goes on
	// where it stood when the server does.
	own.Freeze()
	start := time.Now()
	err = short.Publish(ctx, h.table, days("r1", 30), nil)
	if err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("frozen: %v after %s", err, time.Since(start))
	}
	understood("frozen", err)
	limited, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	start = time.Now()
	err = h.Publish(limited, h.table, days("r1", 30), nil)
	cancel()
	if err == nil || time.Since(start) > 2*time.Second {
		t.Errorf("frozen, a deadline of the caller: %v after %s", err, time.Since(start))
	}
	understood("frozen, a deadline of the caller", err)
	cancelled, cancel := context.WithCancel(ctx)
	time.AfterFunc(100*time.Millisecond, cancel)
	if err := h.Publish(cancelled, h.table, days("r1", 30), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("frozen, cancelled: %v", err)
	}
	time.AfterFunc(20*time.Second, own.Thaw)
	start = time.Now()
	complete("r1", 40)
	if time.Since(start) < 15*time.Second {
		t.Error("it was not frozen")
	}

	// Killed at several points of the way.
	for i, after := range []time.Duration{20 * time.Millisecond, 60 * time.Millisecond, 150 * time.Millisecond} {
		done := make(chan error, 1)
		run := []string{"r2", "r3", "r4", "r5"}[i]
		go func() { done <- h.Publish(ctx, h.table, days(run, 120), nil) }()
		time.Sleep(after)
		own.Kill()
		understood("killed after "+after.String(), <-done)
		understood("away", h.Check(ctx, h.table))
		if f := h.Probe(ctx); f[0].OK || !strings.Contains(f[0].Text, "refused") {
			t.Errorf("%+v", f)
		}
		own.Restart()
		complete(run, 120)
	}
	own.Stop()
	own.Restart()
	complete("r6", 120) // over a connection that the server closed
}
