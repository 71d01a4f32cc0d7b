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
	return verb{name: "run", usage: "PIPELINE.toml [--start D] [--end D] [--date D] [--dry-run]", short: "compute the features and load the stores", run: runPipeline}
}

// previewRows is how many rows a dry run prints.
const previewRows = 20

func runPipeline(ctx context.Context, c *call) error {
	var t target
	f := c.flags()
	dry := f.Bool("dry-run", false, fmt.Sprintf("compute, print %d rows, write nothing", previewRows))
	return t.with(c, f, func(h *host.Host, _ string, interval flow.Interval) error {
		return runOnce(ctx, c, h, interval, *dry, t.quiet)
	})
}

// runOnce runs the pipeline and prints what it did.
func runOnce(ctx context.Context, c *call, h *host.Host, interval flow.Interval, dry, quiet bool) error {
	preview := &ui.Preview{Limit: previewRows}
	o := host.RunOptions{Interval: interval, DryRun: dry, ProgressEvery: 10 * time.Second}
	if dry {
		o.Preview = preview.Add
	}
	var live *ui.Progress
	if !quiet && !c.json {
		live = ui.NewProgress(c.stderr)
		o.Progress, o.ProgressEvery = live.Show, live.Every()
	}
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
