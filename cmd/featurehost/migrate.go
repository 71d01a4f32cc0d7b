package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

func migrateVerb() verb {
	return verb{name: "migrate", usage: "PIPELINE.toml... [--apply] [--allow-drop]", short: "compare tables on servers with the pipeline, and change them", run: migrate}
}

// migrate shows, and with --apply makes, what the tables of any number of
// pipelines lack. All files are read before a table is touched.
func migrate(ctx context.Context, c *call) (err error) {
	var t target
	var o host.MigrateOptions
	f := c.flags()
	f.BoolVar(&o.Apply, "apply", false, "make the changes; without it they are only shown")
	f.BoolVar(&o.AllowDrop, "allow-drop", false, "with --apply: also make changes that lose stored values")
	t.common(f)
	paths, err := c.parse(f, -1)
	if err != nil {
		return err
	}
	var hosts []*host.Host
	defer func() {
		for _, h := range hosts {
			err = errors.Join(err, h.Close())
		}
	}()
	var hides []func(string) string
	for _, path := range paths {
		h, err := t.open(c, path)
		if err != nil {
			return err
		}
		hosts, hides = append(hosts, h), append(hides, c.redact)
	}
	c.redact = func(s string) string { // of every file
		for _, hide := range hides {
			s = hide(s)
		}
		return s
	}
	// Whatever a later file has wrong is told before an earlier one's tables
	// are changed.
	for _, h := range hosts {
		if _, err := h.Plan(ctx, flow.Interval{}); err != nil {
			return err
		}
	}
	reports := []*host.MigrationReport{}
	var failures []error
	for _, h := range hosts {
		report, err := h.Migrate(ctx, o)
		if err != nil {
			failures = append(failures, err)
		}
		if report != nil {
			hideMigration(c, report)
			reports = append(reports, report)
		}
		if ctx.Err() != nil {
			break
		}
	}
	refused := 0
	for _, r := range reports {
		for _, x := range r.Tables {
			if x.Outcome == host.MigrationRefused {
				refused++
			}
		}
	}
	c.result, c.summary = reports, ui.MigrationSummary(reports)
	if !c.json {
		ui.Migrations(c.stdout, reports)
		fmt.Fprintln(c.stdout, c.summary)
	}
	// The worst decides the exit status.
	slices.SortStableFunc(failures, func(a, b error) int { return int(fault.ClassOf(b)) - int(fault.ClassOf(a)) })
	switch {
	case len(failures) == 1:
		return failures[0]
	case len(failures) > 1:
		return errors.Join(failures...)
	case refused > 0:
		return failed{int(fault.Data)}
	}
	return nil
}

// hideMigration redacts the texts of servers.
func hideMigration(c *call, r *host.MigrationReport) {
	for i := range r.Tables {
		t := &r.Tables[i]
		t.Why = c.hide(t.Why)
		for _, list := range [][]flow.Change{t.Changes, t.Left} {
			for k := range list {
				list[k].Text, list[k].Statement, list[k].Refused = c.hide(list[k].Text), c.hide(list[k].Statement), c.hide(list[k].Refused)
			}
		}
	}
}
