package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

func runVerb() verb {
	return verb{name: "run", usage: "PIPELINE.toml [--start D] [--end D] [--date D] [--dry-run]", short: "compute the features and load the stores", run: runPipeline}
}

// target is what the verbs on a pipeline file share: the file and the flags
// that say how to read it.
type target struct {
	plugins, memory  string
	start, end, date string
	quiet            bool
}

func (t *target) flags(f *flag.FlagSet) {
	f.StringVar(&t.plugins, "plugins", "", "folder of plugins, in place of plugins/ beside the pipeline file")
	f.StringVar(&t.memory, "memory", "", "memory of the whole process, for example 2GiB; over the pipeline file's")
	f.StringVar(&t.start, "start", "", "first day, yyyy-mm-dd; without it the whole table is made anew")
	f.StringVar(&t.end, "end", "", "last day, yyyy-mm-dd, included")
	f.StringVar(&t.date, "date", "", "one day, yyyy-mm-dd: short for --start D --end D")
	f.BoolVar(&t.quiet, "quiet", false, "no progress and no log lines below warnings")
}

// interval reads --start, --end and --date.
func (t *target) interval() (flow.Interval, error) {
	var i flow.Interval
	start, end := t.start, t.end
	first, last := "--start", "--end"
	if t.date != "" {
		if start != "" || end != "" {
			return i, fault.New(BadFlag, "--date stands for --start and --end: give it alone")
		}
		start, end = t.date, t.date
		first, last = "--date", "--date"
	}
	for _, x := range []struct {
		flag, text string
		day        **flow.Day
	}{{first, start, &i.Start}, {last, end, &i.End}} {
		if x.text == "" {
			continue
		}
		d, err := flow.ParseDay(x.text)
		if err != nil {
			return i, fault.New(BadFlag, "%s: %v", x.flag, err)
		}
		*x.day = &d
	}
	if i.Start != nil && i.End != nil && *i.End < *i.Start {
		return i, fault.New(BadFlag, "the end %s is before the start %s", i.End, i.Start)
	}
	if i.Start != nil && i.End == nil {
		return i, fault.New(BadFlag, "--start needs --end: an interval run replaces exactly the days between them")
	}
	return i, nil
}

// open reads the pipeline file and makes a host for it.
func (t *target) open(c *call, path string) (*config.File, *host.Host, error) {
	file, err := config.Load(path, os.LookupEnv)
	if err != nil {
		return nil, nil, err
	}
	c.redact = file.Redact
	o := host.Options{Catalog: catalog(), Version: version, Log: logger(c, t.quiet)}
	if t.plugins != "" {
		o.PluginDirs = []string{t.plugins}
	}
	if t.memory != "" {
		size, err := config.ParseByteSize(t.memory)
		if err != nil {
			return nil, nil, fault.New(BadFlag, "--memory: %v", err)
		}
		o.Memory = int64(size)
	}
	h, err := host.New(file, o)
	return file, h, err
}

func logger(c *call, quiet bool) *slog.Logger {
	level := slog.LevelInfo
	if quiet {
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level}))
}

// previewRows is how many rows a dry run prints.
const previewRows = 20

func runPipeline(ctx context.Context, c *call) (err error) {
	var t target
	var dry bool
	f := c.flags()
	t.flags(f)
	f.BoolVar(&dry, "dry-run", false, fmt.Sprintf("compute, print %d rows, write nothing", previewRows))
	args, err := c.parse(f, 1)
	if err != nil {
		return err
	}
	interval, err := t.interval()
	if err != nil {
		return err
	}
	_, h, err := t.open(c, args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()

	preview := &ui.Preview{Limit: previewRows}
	o := host.RunOptions{Interval: interval, DryRun: dry, ProgressEvery: 10 * time.Second}
	if dry {
		o.Preview = preview.Add
	}
	var live *ui.Progress
	if !t.quiet && !c.json {
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
