package host_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/ledger"
	"github.com/featurehost/featurehost/host/parts"
)

// interrupted is a sink before whose Publish something happens.
type interrupted struct {
	flow.Sink
	before func()
}

func (i interrupted) Publish(ctx context.Context, p flow.Pending) (flow.Published, error) {
	i.before()
	return i.Sink.Publish(ctx, p)
}

// A run whose process is stopped when it begins to publish, and which another
// machine finishes meanwhile, writes nothing more when it wakes.
func TestRun_TakenOverWhilePublishing_WritesNothingMore(t *testing.T) {
	dir, s := t.TempDir(), newServers()
	hostOf(t, dir, several, s) // writes the files
	c := s.catalog()
	historical := c.Sinks["historical"]
	c.AddSink("historical", func(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
		made, err := historical(cfg, at, env)
		return interrupted{made, func() {
			other := ledger.Open(blob.NewLocal(filepath.Join(dir, "out/_featurehost/e/s"), nil), ledger.Options{
				Holder: ledger.Holder{Host: "other", PID: 1, Boot: "other"}, Now: func() time.Time { return time.Now().Add(time.Hour) },
			})
			done, err := other.Recover(t.Context(), flow.Interval{}, func(context.Context, ledger.Record) (map[string]flow.Published, error) {
				return map[string]flow.Published{"historical": {Rows: 6}}, nil
			}, nil)
			if err != nil || len(done) != 1 {
				t.Errorf("%v, %v", done, err)
			}
		}}, err
	})
	report, err := rehost(t, dir, c).Run(t.Context(), host.RunOptions{})
	if !fault.Is(err, ledger.Lost) || !slices.Equal(reported(report.Sinks), []string{"historical failed"}) {
		t.Errorf("%v, report %q", err, reported(report.Sinks))
	}
	if len(s.published) > 0 {
		t.Errorf("published %v", s.published)
	}
	if _, err := os.Stat(filepath.Join(dir, "out/historical/e/s/year=2026")); !os.IsNotExist(err) {
		t.Errorf("days were written: %v", err)
	}
	if r := records(t, dir)[0]; r.State != ledger.Published || r.By != "process 1 on other" || len(r.Results) != 1 {
		t.Errorf("ledger %+v", r)
	}
}

// A run whose prepared rows were lost leaves nothing aside once its days are
// computed again.
func TestRun_Superseded_LeavesNothingAside(t *testing.T) {
	dir, s := t.TempDir(), newServers()
	h := hostOf(t, dir, several, s)
	c := s.catalog()
	historical := c.Sinks["historical"]
	c.AddSink("historical", func(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
		made, err := historical(cfg, at, env)
		return broken{made}, err
	})
	if _, err := rehost(t, dir, c).Run(t.Context(), host.RunOptions{}); !fault.Is(err, host.PublishFailed) {
		t.Fatal(err)
	}
	pending := filepath.Join(dir, "out/_featurehost/e/s/pending")
	days, err := filepath.Glob(filepath.Join(pending, "*/year=2026/month=1/day=*"))
	if err != nil || len(days) != 3 {
		t.Fatal(days, err)
	}
	if err := os.RemoveAll(days[1]); err != nil {
		t.Fatal(err)
	}
	report, err := h.Run(t.Context(), host.RunOptions{})
	if err != nil || len(report.Recovered) != 1 || !strings.Contains(report.Recovered[0], "lost") || len(report.Warnings) > 0 {
		t.Fatalf("%v, %+v", err, report)
	}
	left, err := os.ReadDir(pending)
	if err != nil || len(left) > 0 {
		t.Errorf("left aside: %v, %v", left, err)
	}
	if all := records(t, dir); all[0].State != ledger.Superseded || !all[0].Swept || all[1].State != ledger.Published {
		t.Errorf("run 1 is %s, swept %v; run 2 is %s", all[0].State, all[0].Swept, all[1].State)
	}
}
