package main

import (
	"context"
	"fmt"
	"time"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
)

func runVerb() verb {
	return verb{name: "run", usage: "PIPELINE.toml [--start D] [--end D] [--date D] [--missing] [--dry-run]", short: "compute the features and load the stores", run: runPipeline}
}

// previewRows is how many rows a dry run prints.
const previewRows = 20

func runPipeline(ctx context.Context, c *call) error {
	var t target
	f := c.flags()
	dry := f.Bool("dry-run", false, fmt.Sprintf("compute, print %d rows, write nothing", previewRows))
	t.missingFlag(f, "compute")
	return t.with(c, f, func(h *host.Host, _ string, interval flow.Interval) error {
		if t.missing {
			return runMissing(ctx, c, h, interval, *dry, t.quiet)
		}
		return runOnce(ctx, c, h, interval, *dry, t.quiet)
	})
}

// runOnce runs the pipeline and prints what it did.
func runOnce(ctx context.Context, c *call, h *host.Host, interval flow.Interval, dry, quiet bool) error {
	preview := &ui.Preview{Limit: previewRows}
	o := host.RunOptions{Interval: interval, DryRun: dry, ProgressEvery: 10 * time.Second}
	if dry {
		o.Preview, o.Again = preview.Add, preview.Clear
	}
	live := progress(c, quiet, &o)
	report, err := h.Run(ctx, o)
	if live != nil {
		live.Done()
	}
	c.result = report
	if err != nil {
		if !c.json {
			ui.Losses(c.stderr, report)
		}
		return err
	}
	c.summary = ui.Summary(report, dry)
	if c.json {
		return nil
	}
	if dry {
		preview.Print(c.stdout)
	}
	ui.Report(c.stdout, report, dry)
	return nil
}

// progress shows how a run goes on; nil when nobody looks.
func progress(c *call, quiet bool, o *host.RunOptions) *ui.Progress {
	if quiet || c.json {
		return nil
	}
	live := ui.NewProgress(c.stderr)
	o.Progress, o.ProgressEvery = live.Show, live.Every()
	return live
}

// runMissing computes the missing days, run by run, and prints what each did.
func runMissing(ctx context.Context, c *call, h *host.Host, interval flow.Interval, dry, quiet bool) error {
	if dry {
		return listMissing(c, func() (*host.MissingReport, error) { return h.Missing(ctx, interval) })
	}
	o := host.RunOptions{Interval: interval, Published: func(r *host.Report) {
		if !c.json {
			ui.Report(c.stdout, r, false)
		}
	}}
	live := progress(c, quiet, &o)
	report, err := h.RunMissing(ctx, o)
	if live != nil {
		live.Done()
	}
	if report == nil {
		return err
	}
	c.result = report
	if err != nil {
		if n := len(report.Runs); n > 0 && !c.json {
			ui.Losses(c.stderr, report.Runs[n-1])
		}
		return err
	}
	c.summary = ui.MissingSummary(report)
	if !c.json {
		for _, x := range report.Recovered {
			fmt.Fprintf(c.stdout, "recovered  %s\n", x)
		}
		fmt.Fprintln(c.stdout, c.summary)
	}
	return nil
}

// listMissing prints the missing days.
func listMissing(c *call, find func() (*host.MissingReport, error)) error {
	report, err := find()
	if err != nil {
		return err
	}
	c.result, c.summary = report, ui.MissingSummary(report)
	if !c.json {
		ui.Missing(c.stdout, report)
	}
	return nil
}
